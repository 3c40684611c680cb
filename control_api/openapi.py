"""The OpenAPI 3.1 document, made from the same declarations that serve the routes.

Components hold the API's bodies and, for the console's and the site page's typed clients, the messages of both
WebSockets.  Examples are real requests and answers (`openapi_examples.json`, recorded by the tests).  Deterministic:
the same program gives the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from control_api.api import COOKIE, GUARD_HEADER, KEY_HEADER, PREFIX, Route, Routes, Slice
from control_api.conferences.events import PATH as EVENTS_PATH
from control_api.conferences.models import ConsoleEvent
from control_api.idempotency import KEY
from control_api.problems import ErrorAnswer
from signaling import messages

Json = dict[str, Any]

_REFS = "#/components/schemas/{model}"
_PROBLEM = {"$ref": "#/components/responses/Problem"}
EXAMPLES = Path(__file__).with_name("openapi_examples.json")  # {operation: {"body": …, "answer": …}}
_LONG = re.compile(r"^control_api__(\w+?)__\w*?models__(\w+)$")  # two models of one name in two areas
_NOTE = """Điểm Cầu MCU: conferences, their sites, and the operator's commands.

Sign in with POST /api/v1/session. Every request that changes something carries the header `X-MCU-Request: 1`; with an
`Idempotency-Key` it may be repeated safely. Refusals are `{"error": {"code", "vi", "en", "detail"}}`; docs/errors.md
lists the codes. Lists take `limit` and `offset`; the header `X-Total-Count` says how many there are. Times are seconds
since 1970 or ISO 8601 with an offset, as each field says."""


def document(groups: Sequence[Routes]) -> Json:
    """The whole document as JSON values."""
    routes = [route for group in groups for route in group.routes]
    wanted: list[tuple[object, JsonSchemaMode, TypeAdapter[Any]]] = []
    for route in routes:
        if route.body is not None:
            wanted.append((("body", route.method, route.path), "validation", TypeAdapter(route.body)))
        if route.answer is not None:
            wanted.append((("answer", route.method, route.path), "serialization", route.answer))
    wanted.append(("error", "serialization", TypeAdapter(ErrorAnswer)))
    wanted.append(("event", "serialization", TypeAdapter(ConsoleEvent)))
    wanted.append(("from_endpoint", "validation", TypeAdapter(messages.FromEndpoint)))
    wanted.append(("to_endpoint", "serialization", messages.TO_ENDPOINT))
    generator = GenerateJsonSchema(by_alias=True, ref_template=_REFS)
    inputs = [(key, mode, adapter.core_schema) for key, mode, adapter in wanted]
    found, named = _short_names(*generator.generate_definitions(inputs))
    schemas: dict[Any, Json] = {key: found[key, mode] for key, mode, _ in wanted}
    definitions: dict[str, Json] = {
        **{str(name): schema for name, schema in named.items()},
        "ConsoleEvent": schemas["event"],
        "FromEndpoint": schemas["from_endpoint"],
        "ToEndpoint": schemas["to_endpoint"],
    }
    examples: dict[str, Json] = json.loads(EXAMPLES.read_text(encoding="utf-8")) if EXAMPLES.exists() else {}
    paths: dict[str, Json] = {}
    for route in routes:
        shown = examples.get(route.handler.__name__, {})
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, shown)
    paths.update(_outside_the_api())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Điểm Cầu MCU",
            "version": metadata.version("diemcau"),
            "description": _NOTE,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys([*(group.tag for group in groups), "system", "sockets"])],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions.items())),
            "responses": {"Problem": {"description": "Refused; `code` says why", "content": _json(schemas["error"])}},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "metrics": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _short_names(found: Any, named: Any) -> tuple[Any, dict[str, Json]]:
    """Models of one name in two areas are told apart by the area: `ChecksBoardAnswer`, not a path in the program."""
    short = {str(name): m[1].title().replace("_", "") + m[2] for name in named if (m := _LONG.match(str(name)))}

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(one) for key, one in value.items()}
        if isinstance(value, list):
            return [renamed(one) for one in value]
        return _REFS.format(model=short[name]) if isinstance(value, str) and (name := _named(value)) in short else value

    def _named(reference: str) -> str:
        return reference.removeprefix(_REFS.format(model=""))

    schemas = {key: renamed(schema) for key, schema in found.items()}
    return schemas, {short.get(str(name), str(name)): renamed(schema) for name, schema in named.items()}


def _operation(route: Route, schemas: dict[Any, Json], examples: Json) -> Json:
    summary, _, description = route.summary.partition("\n")
    operation: Json = {
        "operationId": route.handler.__name__,
        "tags": [route.tag],
        "summary": summary.rstrip("."),
        "security": [{"session": []}] if route.right is not None else [],
        "parameters": [*_parameters(route)],
        "responses": _responses(route, schemas, examples),
    }
    right = f"Right: {route.right.value}." if route.right is not None else ""
    if text := "\n\n".join(part for part in (description.strip(), right) if part):
        operation["description"] = text
    if route.body is not None:
        operation["requestBody"] = {
            "required": any(field.is_required() for field in route.body.model_fields.values()),
            "content": _json(schemas["body", route.method, route.path], examples, "body"),
        }
    return operation


def _parameters(route: Route) -> Iterator[Json]:
    part = Slice if route.sliced else None
    for place, model in (("path", route.parameters), ("query", route.query), ("query", part)):
        if model is not None:
            yield from _of_model(place, model)
    if route.changes:
        yield {"name": GUARD_HEADER, "in": "header", "required": True, "schema": {"const": "1"}}
    if route.repeatable:
        schema = {"type": "string", "pattern": f"^{KEY.pattern}$"}
        yield {"name": KEY_HEADER, "in": "header", "required": False, "schema": schema}


def _of_model(place: str, model: type[BaseModel]) -> Iterator[Json]:
    schema = model.model_json_schema(ref_template=_REFS)
    for name, about in schema["properties"].items():
        clean = {key: value for key, value in about.items() if key != "title"}
        whole = _written_out(clean, schema.get("$defs", {}))
        yield {"name": name, "in": place, "required": name in schema.get("required", ()), "schema": whole}


def _written_out(schema: Any, definitions: Json) -> Any:
    """With what the model refers to in its place: parameters have no components of their own."""
    if isinstance(schema, list):
        return [_written_out(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    referred = str(schema.get("$ref", "")).removeprefix("#/components/schemas/")
    if referred in definitions:
        return _written_out({**definitions[referred], **{k: v for k, v in schema.items() if k != "$ref"}}, definitions)
    return {key: _written_out(value, definitions) for key, value in schema.items()}


def _responses(route: Route, schemas: dict[Any, Json], examples: Json) -> Json:
    good: Json = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        good["content"] = _json(schemas["answer", route.method, route.path], examples, "answer")
    if route.produces:
        file: Json = {"schema": {"type": "string", "format": "binary"}}
        good["content"] = dict.fromkeys(route.produces, file)
    elif route.sliced or (route.query is not None and "limit" in route.query.model_fields):
        good["headers"] = {"X-Total-Count": {"schema": {"type": "integer"}}}
    statuses = [401] if route.right is not None or route.path == f"{PREFIX}/session" else []
    if route.changes:
        statuses += [400, 403, 409, 413, 415, 422]
    if route.parameters is not None:
        statuses += [404, 422]
    if route.query is not None or route.sliced:
        statuses += [422]
    statuses += [429] if route.right is None else [403]
    refusals = {str(status): _PROBLEM for status in sorted(set(statuses))}
    return {str(route.status): good, **refusals, "default": _PROBLEM}


def _outside_the_api() -> Json:
    """Routes that are not declared functions: health, metrics, the document itself and the two WebSockets."""

    def get(
        tag: str, name: str, summary: str, answers: Json, security: list[Json], parameters: Sequence[Json] = ()
    ) -> Json:
        refusals = {"401": _PROBLEM} if security else {}
        operation = {
            "operationId": name,
            "tags": [tag],
            "summary": summary,
            "security": security,
            "responses": {**answers, **refusals},
        }
        return {"get": operation | ({"parameters": list(parameters)} if parameters else {})}

    health = {
        "type": "object",
        "required": ["status", "checks"],
        "properties": {
            "status": {"enum": ["ok", "degraded", "down"]},
            "checks": {"type": "object", "additionalProperties": {"enum": ["ok", "failed"]}},
        },
    }
    conference = {"name": "conference", "in": "path", "required": True, "schema": {"type": "string"}}
    upgraded = "WebSocket. Messages: components {}."
    return {
        f"{PREFIX}/openapi.json": get(
            "system",
            "get_openapi",
            "This document",
            {"200": {"description": "OK", "content": _json({"type": "object"})}},
            [{"session": []}],
        ),
        "/healthz": get(
            "system",
            "get_health",
            "Whether the parts of the MCU answer",
            {
                "200": {"description": "Well", "content": _json(health)},
                "503": {"description": "Not well", "content": _json(health)},
            },
            [],
        ),
        "/metrics": get(
            "system",
            "get_metrics",
            "Prometheus metrics; bearer token or administrator",
            {"200": {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}}},
            [{"metrics": []}, {"session": []}],
        ),
        EVENTS_PATH: get(
            "sockets",
            "watch_conference",
            "What happens in a conference, for the console",
            {"101": {"description": upgraded.format("ConsoleEvent")}},
            [{"session": []}],
            [conference],
        ),
        "/ws/v1/lobby": get(
            "sockets",
            "wait_in_lobby",
            "A site's page waits to be called: sends {type: wait, token}, is sent {type: ring, id, vi, en}",
            {"101": {"description": "WebSocket"}},
            [],
        ),
        "/ws/v1/endpoint": get(
            "sockets",
            "join",
            "How a site joins; signaling/protocol.md",
            {"101": {"description": upgraded.format("FromEndpoint, ToEndpoint")}},
            [],
        ),
    }


def _json(schema: Json, examples: Json | None = None, part: str = "") -> Json:
    shown = {"example": examples[part]} if examples and part in examples else {}
    return {"application/json": {"schema": schema} | shown}
