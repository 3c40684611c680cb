"""Routes of the API as declared functions: checked before they run, and described by the same declaration.

    @routes.post("/conferences", right=Right.OPERATE, status=201)
    async def create(call: Call, body: NewConference) -> Conference: ...

`body` and `query` are pydantic models, every other parameter is a part of the path, the return annotation is the
answer.  Before a function runs: session, right, X-MCU-Request and Origin (against forged requests), validation,
Idempotency-Key.  Refusals are raised as McuError and become answers in `problems.problem`.

Why not aiohttp-pydantic: its OpenAPI page fails on optional models, its 3.0 output is invalid for literal unions, and
role, CSRF, idempotency and errors would still need a layer of our own around it.  Here they are one
declaration, so that no route can be forgotten in one of them.
"""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_origin, get_type_hints
from urllib.parse import quote, urlsplit

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from control_api.accounts.accounts import SignedIn
from control_api.accounts.guard import check_finished, check_meeting
from control_api.accounts.rules import Right
from control_api.conferences.store import command_id
from control_api.idempotency import Repeats, Stored, checked_key, fingerprint
from control_api.problems import Refused, forbidden, invalid, not_signed_in
from control_api.proxies import client_address, request_origin
from control_api.services import SERVICES, Services

PREFIX = "/api/v1"
COOKIE = "mcu_session"
GUARD_HEADER = "X-MCU-Request"
KEY_HEADER = "Idempotency-Key"
REPEATS = web.AppKey("repeats", Repeats)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it

_SLICED = frozenset(("limit", "offset"))

M = TypeVar("M", bound=BaseModel)
F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


class Model(BaseModel):
    """Base of request and answer bodies: nothing unknown is accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Slice(Model):
    """Which part of a list: of those routes that have no paging of their own.  Whole lists are the rule there."""

    limit: int = Field(default=5000, ge=1, le=5000)
    offset: int = Field(default=0, ge=0, le=10**9)


@dataclass(slots=True)
class Call:
    """One request that passed all checks."""

    request: web.Request
    services: Services
    signed_in: SignedIn | None
    command_id: str | None = None  # from the Idempotency-Key; commands pass it on to the database
    headers: dict[str, str] = field(default_factory=dict)  # of the answer
    cookies: list[Callable[[web.Response], None]] = field(default_factory=list)

    @property
    def user(self) -> SignedIn:
        if self.signed_in is None:
            raise not_signed_in()
        return self.signed_in

    @property
    def address(self) -> str:
        return client_address(self.request, self.services.settings)


@dataclass(frozen=True, slots=True)
class Download:
    """The answer of a route that gives a file; the route declares its media types with `produces`."""

    body: bytes
    media_type: str
    filename: str = ""  # offered to save it under; none: shown in place


@dataclass(frozen=True, slots=True)
class Route:
    """One declaration, read by the server and by `openapi.py`."""

    method: str
    path: str  # with the prefix
    handler: Callable[..., Awaitable[Any]]
    right: Right | None  # None: open
    status: int
    tag: str
    summary: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    parameters: type[BaseModel] | None  # of the path
    answer: TypeAdapter[Any] | None
    repeatable: bool  # takes an Idempotency-Key
    produces: tuple[str, ...] = ()  # media types of a Download
    most_bytes: int | None = None  # of a request; None: what all routes take

    sliced: bool = False  # a list without paging of its own: `Slice` does it

    @property
    def changes(self) -> bool:
        return self.method != "GET"


class Routes:
    """The routes of one feature.  `tag` groups them in the OpenAPI document."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.routes: list[Route] = []

    def get(
        self, path: str, *, right: Right | None, status: int = 200, produces: tuple[str, ...] = ()
    ) -> Callable[[F], F]:
        return self._add("GET", path, right, status, repeatable=False, produces=produces)

    def post(
        self,
        path: str,
        *,
        right: Right | None,
        status: int = 200,
        repeatable: bool = True,
        produces: tuple[str, ...] = (),
        most_bytes: int | None = None,
    ) -> Callable[[F], F]:
        return self._add("POST", path, right, status, repeatable, produces, most_bytes)

    def put(
        self, path: str, *, right: Right | None, status: int = 200, most_bytes: int | None = None
    ) -> Callable[[F], F]:
        return self._add("PUT", path, right, status, repeatable=True, most_bytes=most_bytes)

    def patch(self, path: str, *, right: Right | None, status: int = 200) -> Callable[[F], F]:
        return self._add("PATCH", path, right, status, repeatable=True)

    def delete(self, path: str, *, right: Right | None, status: int = 204, repeatable: bool = True) -> Callable[[F], F]:
        return self._add("DELETE", path, right, status, repeatable)

    def _add(
        self,
        method: str,
        path: str,
        right: Right | None,
        status: int,
        repeatable: bool,
        produces: tuple[str, ...] = (),
        most_bytes: int | None = None,
    ) -> Callable[[F], F]:
        def declare(handler: F) -> F:
            hints = get_type_hints(handler, include_extras=True)
            answer = hints.pop("return")
            hints.pop("call")
            body, query = hints.pop("body", None), hints.pop("query", None)
            parts = {part[1:-1] for part in path.split("/") if part.startswith("{")}
            if set(hints) != parts:
                raise TypeError(f"{handler.__qualname__}: parameters {set(hints)} are not those of {path}")
            fields: dict[str, Any] = {name: (kind, ...) for name, kind in hints.items()}
            paged = query is not None and "limit" in query.model_fields
            self.routes.append(
                Route(
                    method=method,
                    path=PREFIX + path,
                    handler=handler,
                    right=right,
                    status=status,
                    tag=self.tag,
                    summary=inspect.getdoc(handler) or "",
                    body=body,
                    query=query,
                    parameters=create_model(f"{handler.__name__}_path", **fields) if fields else None,
                    answer=None if answer is type(None) or answer is Download else TypeAdapter(answer),
                    repeatable=repeatable,
                    produces=produces,
                    most_bytes=most_bytes,
                    sliced=method == "GET" and get_origin(answer) is list and not paged,
                )
            )
            return handler

        return declare


def mount(app: web.Application, groups: Sequence[Routes]) -> None:
    app[REPEATS] = Repeats(time.monotonic)
    for group in groups:
        for route in group.routes:
            app.router.add_route(route.method, route.path, _serving(route), name=None)


def _serving(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        services = request.app[SERVICES]
        if route.changes:
            check_not_forged(request, services)
        signed_in = await authorise(request, services, route.right)
        await check_meeting(request, services, signed_in, route.right)
        call = Call(request, services, signed_in)
        arguments: dict[str, Any] = {}
        if route.parameters is not None:
            checked = _valid(route.parameters, dict(request.match_info), "path")
            arguments = {name: getattr(checked, name) for name in route.parameters.model_fields}
        asked_for = dict(request.query)
        part = None
        if route.sliced:
            part = _valid(Slice, {name: asked_for.pop(name) for name in _SLICED & asked_for.keys()}, "query")
        if route.query is not None:
            arguments["query"] = _valid(route.query, asked_for, "query")
        if route.most_bytes is not None:
            request = request.clone(client_max_size=route.most_bytes)
        raw = await request.read() if route.changes else b""
        if route.body is not None:
            arguments["body"] = _body(route.body, request, raw)
        key = request.headers.get(KEY_HEADER) if route.repeatable else None
        if key is None:
            return _response(call, await _answer(route, call, arguments, part))
        key = f"{call.user.username}/{checked_key(key)}"
        asked = fingerprint(request.method, request.path, raw)
        call.command_id = command_id(key, asked)
        stored, repeated = await request.app[REPEATS].once(key, asked, lambda: _answer(route, call, arguments))
        if repeated:
            call.headers["Idempotency-Replayed"] = "true"
        return _response(call, stored)

    return serve


async def _answer(route: Route, call: Call, arguments: dict[str, Any], part: Slice | None = None) -> Stored:
    result = await route.handler(call, **arguments)
    if part is not None:
        call.headers.setdefault("X-Total-Count", str(len(result)))
        result = result[part.offset : part.offset + part.limit]
    if isinstance(result, Download):
        named = f"attachment; filename*=UTF-8''{quote(result.filename, safe='')}"
        headers = (("Content-Disposition", named),) if result.filename else ()
        return Stored(route.status, result.body, (("Content-Type", result.media_type), *headers))
    body = b"" if route.answer is None else route.answer.dump_json(result, by_alias=True)
    return Stored(route.status, body)


def _response(call: Call, stored: Stored) -> web.Response:
    headers = {"Cache-Control": "no-store", **call.headers, **dict(stored.headers)}
    response = web.Response(status=stored.status, body=stored.body or None, headers=headers)
    if stored.body and "Content-Type" not in headers:
        response.content_type, response.charset = "application/json", "utf-8"
    for apply in call.cookies:
        apply(response)
    return response


# ------------------------------------------------------------------------------------------- checks, also of sockets


async def authorise(request: web.Request, services: Services, right: Right | None) -> SignedIn | None:
    """Who asks.  Raises Refused `not_signed_in` or `forbidden`; with `right` None everybody may, known or not."""
    token = request.cookies.get(COOKIE, "")
    signed_in = await services.accounts.session(token) if token else None
    if right is not None:
        if signed_in is None:
            raise not_signed_in()
        check_finished(signed_in, request.path)
        if right not in signed_in.role.rights:
            raise forbidden(right.value)
    return signed_in


def check_not_forged(request: web.Request, services: Services) -> None:
    """A browser sends our header only from our own pages; Origin is checked too where there is one."""
    if request.headers.get(GUARD_HEADER) != "1":
        raise Refused(
            "request_header_missing",
            f"Thiếu tiêu đề {GUARD_HEADER}: 1. Yêu cầu thay đổi dữ liệu phải có tiêu đề này.",
            f"The header {GUARD_HEADER}: 1 is missing. Every request that changes something must carry it.",
        )
    check_origin(request, services)


def check_origin(request: web.Request, services: Services) -> None:
    """Raises Refused `bad_origin` when the request comes from another site's page."""
    origin = request.headers.get("Origin")
    if origin is None:
        return
    own = {request_origin(request, services.settings), *services.settings.http.public_urls}
    # A proxy that ends TLS may not tell us; the host is what a foreign page cannot choose.
    hosts = {urlsplit(url).netloc for url in own}
    if urlsplit(origin.lower()).netloc not in hosts:
        raise Refused(
            "bad_origin",
            f"Yêu cầu đến từ trang khác ({origin[:100]}). Nếu đó là máy chủ này, thêm vào http.public_urls.",
            f"The request comes from another page ({origin[:100]}). If it is this server, add it to http.public_urls.",
        )


def _valid(model: type[M], values: dict[str, Any], where: str) -> M:
    for name, value in values.items():
        if "\0" in value:
            raise _nul(f"{where}.{name}")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(error, where) from None


def _nul(where: str) -> Refused:
    """The letter NUL, which PostgreSQL does not store."""
    return Refused(
        "invalid",
        f"Dữ liệu gửi lên không hợp lệ ({where}: có ký tự NUL).",
        f"The request is not valid ({where}: it holds the character NUL).",
        detail=[{"where": where, "problem": "the character NUL cannot be stored"}],
    )


def _body(model: type[BaseModel], request: web.Request, raw: bytes) -> BaseModel:
    if _NUL.search(raw):
        raise _nul("body")
    if raw and request.content_type != "application/json":
        raise Refused(
            "not_json",
            "Nội dung phải là JSON (Content-Type: application/json).",
            "The body must be JSON (Content-Type: application/json).",
        )
    try:
        return model.model_validate_json(raw or b"{}", strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] != "json_invalid":
            raise invalid(error, "body") from None
        raise Refused(
            "bad_json", "Nội dung không phải JSON đúng cú pháp.", f"The body is not JSON: {first['msg']}."
        ) from None
