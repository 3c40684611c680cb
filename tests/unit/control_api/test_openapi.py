from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from control_api.accounts.rules import Role
from control_api.app import GROUPS, openapi_json
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
