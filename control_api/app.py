"""Wiring: which routes there are, in which order requests pass, what starts and stops with the server."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import cache, partial
from pathlib import Path

import structlog
from aiohttp import web

from control_api import openapi
from control_api.accounts import administration
from control_api.accounts import routes as accounts
from control_api.accounts.oidc_pages import mount_oidc
from control_api.accounts.rules import Right
from control_api.api import PREFIX, Routes, authorise, mount
from control_api.bookings import decisions as booking_decisions
from control_api.bookings import pages as booking_pages
from control_api.bookings import routes as bookings
from control_api.checks import by_token as site_checks
from control_api.checks import routes as checks
from control_api.conferences import commands, events, sites
from control_api.conferences import routes as conferences
from control_api.directory import routes as directory
from control_api.health import HEALTH, Health, healthz, metrics
from control_api.journal import routes as journal
from control_api.layouts import routes as layouts
from control_api.meeting import lobby_socket
from control_api.meeting import routes as meeting
from control_api.pages.files import File, read_files
from control_api.pages.headers import add_headers
from control_api.pages.routes import failed, mount_pages, page_not_found
from control_api.preparation import carrier_routes as carrier
from control_api.preparation import routes as preparation
from control_api.problems import Refused, not_found, problem
from control_api.reports import routes as reports
from control_api.scripts import routes as scripts
from control_api.security import routes as security
from control_api.security.floods import RequestFlood
from control_api.security.watch import FLOOD, watch_security
from control_api.services import SERVICES, Services
from control_api.upkeep import routes as upkeep
from mcu_core.errors import McuError

GROUPS: tuple[Routes, ...] = (
    accounts.routes,
    administration.routes,
    conferences.routes,
    sites.routes,
    commands.routes,
    layouts.routes,
    directory.routes,
    booking_decisions.routes,
    bookings.routes,
    preparation.routes,
    carrier.routes,
    scripts.routes,
    meeting.routes,
    checks.routes,
    site_checks.routes,
    journal.routes,
    reports.routes,
    security.routes,
    upkeep.routes,
)
MOST_BYTES = 256 * 1024  # of a request; the longest is mute-all with a thousand exceptions
ENDPOINT_PATH = "/ws/v1/endpoint"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger("http")


def make_app(
    services: Services,
    endpoint: Handler,
    *,
    root_certificate: Path | None = None,
    files: Mapping[str, File] | None = None,
) -> web.Application:
    """The application.  `endpoint` serves the sites' WebSocket; `files` are the built pages, read when not given."""
    app = web.Application(middlewares=[answer_errors, watch_security], client_max_size=MOST_BYTES)
    app[SERVICES] = services
    app[HEALTH] = Health()
    app[FLOOD] = RequestFlood(services.settings.security.flood_requests)
    services.live.gate = services.arrivals
    services.accounts.on_lock = partial(_account_locked, services)
    app[events.SOCKETS] = events.EventSockets()
    mount(app, GROUPS)
    app.router.add_get(f"{PREFIX}/openapi.json", _openapi)
    app.router.add_get(events.PATH, events.events)
    app.router.add_get(ENDPOINT_PATH, endpoint)
    app.router.add_get(lobby_socket.PATH, lobby_socket.lobby)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics)
    mount_oidc(app)
    booking_pages.mount(app)
    mount_pages(app, read_files() if files is None else files, root_certificate)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_close_sockets)
    app.cleanup_ctx.append(_watch_live)
    return app


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal and every bug becomes an answer here; also counts and times requests."""
    started = time.perf_counter()
    response: web.StreamResponse
    try:
        response = await handler(request)
    except McuError as error:
        response = problem(error)
    except web.HTTPException as error:
        response = _http_error(request, error)
    except Exception:
        log.exception("request failed", method=request.method, route=_template(request))
        response = _bug(request)
    if not isinstance(response, web.WebSocketResponse):  # a socket lasts as long as it likes
        seconds = time.perf_counter() - started
        request.app[SERVICES].metrics.request_done(request.method, _template(request), response.status, seconds)
    return response


def _http_error(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    """aiohttp's own refusals, in our form; redirections and the like pass."""
    for_people = not request.path.startswith(("/api/", "/ws/"))
    if isinstance(error, web.HTTPNotFound):
        return page_not_found() if for_people else problem(not_found(request.path))
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        answer = problem(
            Refused(
                "method_not_allowed",
                f"Địa chỉ này không nhận {request.method}; chỉ nhận {allowed}.",
                f"This address does not take {request.method}, only {allowed}.",
            )
        )
        answer.headers["Allow"] = allowed
        return answer
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return problem(
            Refused(
                "too_large",
                f"Yêu cầu lớn quá {MOST_BYTES // 1024} KiB.",
                f"The request is larger than {MOST_BYTES // 1024} KiB.",
            )
        )
    if error.status >= 400:
        code = "bad_request" if error.status < 500 else "internal"
        return problem(
            Refused(code, f"Yêu cầu không thực hiện được ({error.status}).", f"{error.status} {error.reason}.")
        )
    raise error


def _bug(request: web.Request) -> web.Response:
    if not request.path.startswith(("/api/", "/ws/")):
        return failed(500)
    return problem(
        Refused(
            "internal",
            "Máy chủ gặp lỗi nội bộ; đã ghi vào nhật ký. Hãy thử lại hoặc báo quản trị viên.",
            "Internal error of the server; it has been logged. Try again or tell the administrator.",
        )
    )


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "unknown" if resource is None else resource.canonical


async def _openapi(request: web.Request) -> web.Response:
    await authorise(request, request.app[SERVICES], Right.READ)
    return web.Response(body=openapi_json().encode(), content_type="application/json")


@cache
def openapi_json() -> str:
    return json.dumps(openapi.document(GROUPS), ensure_ascii=False, indent=1)


def _account_locked(services: Services, username: str, address: str) -> None:
    services.security.note("account_locked", address=address, username=username)


async def _watch_live(app: web.Application) -> AsyncIterator[None]:
    app[SERVICES].metrics.watch(app[SERVICES].live)
    app[SERVICES].live.listen(app[SERVICES].meeting.desk)
    yield


async def _close_sockets(app: web.Application) -> None:
    """Consoles are told that the server goes down (1001); they come back by themselves."""
    for socket in list(app[events.SOCKETS].open):
        await socket.close(code=1001, message=b"going down")
