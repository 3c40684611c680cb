"""Every request passes here: the blocked are turned away, each refusal is recorded (S89), floods are noticed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from control_api.accounts.guard import ASKED_AS
from control_api.accounts.rules import Role
from control_api.api import COOKIE
from control_api.problems import status_of
from control_api.proxies import client_address
from control_api.security.blocks import address_blocked
from control_api.security.floods import RequestFlood
from control_api.security.kinds import kind_of_refusal
from control_api.services import SERVICES, Services
from mcu_core.errors import McuError
from signaling.origin import network_of

ENDPOINT_PATH = "/ws/v1/endpoint"
FLOOD = web.AppKey("flood", RequestFlood)
_RECORDED = (401, 403, 429)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def watch_security(request: web.Request, handler: Handler) -> web.StreamResponse:
    services = request.app[SERVICES]
    address = client_address(request, services.settings)
    if request.app[FLOOD].hit(network_of(address), time.monotonic()):
        services.security.note("flood_requests", address=address, data={"path": _template(request)})
    try:
        await check_block(request, services, address)
        response = await handler(request)
    except McuError as error:
        status = status_of(error)
        if status in _RECORDED:
            await _record(request, services, address, error.code, status)
        raise
    if request.path == ENDPOINT_PATH and response.status in (403, 503):
        kind = "forged_request" if response.status == 403 else "flood_connections"
        services.security.note(kind, address=address, data={"path": ENDPOINT_PATH})
    return response


async def check_block(request: web.Request, services: Services, address: str) -> None:
    """An administrator's session passes, so that a block can always be lifted."""
    until = services.blocks.blocked_until(address)
    if until is None:
        return
    token = request.cookies.get(COOKIE, "")
    signed_in = await services.accounts.session(token) if token else None
    if signed_in is None or signed_in.role is not Role.ADMINISTRATOR:
        raise address_blocked(until - services.now())


async def _record(request: web.Request, services: Services, address: str, code: str, status: int) -> None:
    kind = kind_of_refusal(code)
    if kind is None:
        return
    username = request.get(ASKED_AS)
    token = request.cookies.get(COOKIE, "")
    if username is None and token and code != "not_signed_in":
        signed_in = await services.accounts.session(token)
        username = None if signed_in is None else signed_in.username
    data = {"code": code, "status": status, "method": request.method[:10], "path": _template(request)}
    conference = request.match_info.get("conference")
    await services.security.record(
        kind, address=address, username=username, conference=conference, site=request.match_info.get("site"), data=data
    )


def _template(request: web.Request) -> str:
    """The route, never the address itself: that of a join link is a secret."""
    resource = request.match_info.route.resource
    return "unknown" if resource is None else resource.canonical
