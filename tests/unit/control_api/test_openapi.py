from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from control_api.accounts.rules import Role
from control_api.app import GROUPS, openapi_json
from control_api.error_codes import PAGE, found
from control_api.openapi import document
from tests.unit.control_api.world import World


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi_json())
    return found


def test_document_is_valid_openapi_3_1(published: dict[str, Any]) -> None:
    assert published["openapi"] == "3.1.0"
    validate(published, cls=OpenAPIV31SpecValidator)


async def test_every_route_of_the_server_is_in_it(world: World, published: dict[str, Any]) -> None:
    served = set()
    for route in world.server.app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        if path.startswith(("/api/", "/ws/", "/healthz", "/metrics")) and route.method != "HEAD":
            served.add((route.method.lower(), path))
    described = {(method, path) for path, item in published["paths"].items() for method in item}
    assert served == described


def test_every_operation_says_who_may(published: dict[str, Any]) -> None:
    open_ones = {
        operation["operationId"]
        for item in published["paths"].values()
        for operation in item.values()
        if not operation["security"]
    }
    by_link = {"open_site_check", "ask_test_room", "leave_test_room", "send_site_check"}  # the join link is the key
    assert open_ones == {"sign_in", "login_methods", "get_health", "join", "wait_in_lobby"} | by_link


def test_operation_names_and_parameters_are_complete(published: dict[str, Any]) -> None:
    names = [operation["operationId"] for item in published["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))
    for path, item in published["paths"].items():
        for operation in item.values():
            given = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert given == set(re.findall(r"{(\w+)}", path))
            assert operation["summary"]


def test_every_reference_leads_somewhere_and_nothing_is_left_over(published: dict[str, Any]) -> None:
    text = json.dumps(published)
    used = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    schemas = set(published["components"]["schemas"])
    assert used <= schemas
    assert schemas - used <= {"ConsoleEvent", "FromEndpoint", "ToEndpoint"}


def operations(published: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, one) for path, item in published["paths"].items() for method, one in item.items()]


def good(operation: dict[str, Any]) -> dict[str, Any]:
    """The answer that is no refusal."""
    return next(answer for status, answer in operation["responses"].items() if status[0] in "12")


def test_every_body_and_answer_has_an_example_that_is_valid(published: dict[str, Any]) -> None:
    components = {"components": published["components"]}
    lacking = []
    for _, path, operation in operations(published):
        if not path.startswith("/api/") or operation["operationId"] == "get_openapi":
            continue
        contents = [operation.get("requestBody", {}), good(operation)]
        for content in [one.get("content", {}).get("application/json") for one in contents]:
            if content is None or "binary" in str(content["schema"].get("format")):
                continue
            if "example" not in content:
                lacking.append(operation["operationId"])
                continue
            Draft202012Validator(content["schema"] | components).validate(content["example"])
    again = "python -m tests.unit.control_api.record_examples"
    assert not lacking, f"{again} {' '.join(dict.fromkeys(lacking))}"


def test_every_list_is_paged_and_told_how_long(published: dict[str, Any]) -> None:
    for method, path, operation in operations(published):
        answer = good(operation)
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if method == "get" and schema.get("type") == "array":
            assert {"limit", "offset"} <= {one["name"] for one in operation["parameters"]}, path
            assert "X-Total-Count" in answer["headers"], path


def test_schemas_have_names_of_the_field(published: dict[str, Any]) -> None:
    form = re.compile(r"[A-Z][A-Za-z]+(-Input|-Output)?")
    assert [name for name in published["components"]["schemas"] if not form.fullmatch(name)] == []


def test_every_code_is_documented() -> None:
    """Codes are stable: docs/errors.md lists them."""
    page = PAGE.read_text(encoding="utf-8")
    missing = [code for code in found() if f"`{code}`" not in page]
    assert not missing, f"python -m control_api.error_codes: {missing}"
    assert len(found()) > 200, "the search works"


def test_document_is_the_same_each_time() -> None:
    assert document(GROUPS) == document(GROUPS)


async def test_answers_are_what_the_document_says(world: World, published: dict[str, Any]) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    await operator.post(f"/api/v1/conferences/{conference}/sites", json={"name": "Sở Y tế"})
    for path in ("/conferences", "/conferences/{conference}/state", "/conferences/{conference}/sites", "/layouts"):
        answer = await (await operator.get("/api/v1" + path.format(conference=conference))).json()
        content = published["paths"]["/api/v1" + path]["get"]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"] | {"components": published["components"]}
        Draft202012Validator(schema).validate(answer)
