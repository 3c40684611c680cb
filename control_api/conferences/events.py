"""The console's WebSocket: what happens in one conference, as it happens.

Only ever sends; a reader that takes nothing for `_SEND_DEADLINE` is closed, and slower ones are given the newest
messages only (`Subscription`).  The session is looked at again every `_CHECK_EVERY` seconds, so a withdrawn right ends
the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from control_api.accounts.guard import check_meeting
from control_api.accounts.rules import Right
from control_api.api import authorise, check_origin
from control_api.conferences.live import Subscription
from control_api.problems import Refused
from control_api.proxies import client_address
from control_api.security.watch import check_block
from control_api.services import SERVICES, Services

PATH = "/ws/v1/conferences/{conference}/events"
SESSION_ENDED = 4401
CONFERENCE_ENDED = 4404

_SEND_DEADLINE = 10.0
_CHECK_EVERY = 15.0
_MOST_BYTES = 4096  # nothing is expected from the console

log = structlog.get_logger("events")


@dataclass(slots=True)
class EventSockets:
    """The open ones, to be closed in good order when the server goes down."""

    open: set[web.WebSocketResponse] = field(default_factory=set)


SOCKETS = web.AppKey("event_sockets", EventSockets)


async def events(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    check_origin(request, services)
    await _check_reader(request, services)
    subscription = services.live.events(request.match_info["conference"])  # raises unknown_conference before upgrading
    try:
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=_MOST_BYTES, compress=True)
        await socket.prepare(request)
        sockets = request.app[SOCKETS].open
        sockets.add(socket)
        services.metrics.socket_opened("events")
        try:
            await _serve(request, services, socket, subscription)
        finally:
            services.metrics.socket_closed("events")
            sockets.discard(socket)
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(2.0):
                    await socket.close()
    finally:
        subscription.close()
    return socket


async def _check_reader(request: web.Request, services: Services) -> None:
    """Raises Refused `not_signed_in`, `forbidden` or `not_yours`."""
    await check_meeting(request, services, await authorise(request, services, Right.READ), Right.READ)


async def _serve(
    request: web.Request, services: Services, socket: web.WebSocketResponse, subscription: Subscription
) -> None:
    """Until one of the three has ended: the conference, the socket, the session."""
    ends = [
        asyncio.create_task(_send(socket, subscription), name="events/send"),
        asyncio.create_task(_receive(socket), name="events/receive"),
        asyncio.create_task(_watch_session(request, services, socket), name="events/session"),
    ]
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in ends:
            task.cancel()
        results = await asyncio.gather(*ends, return_exceptions=True)
    expected = (asyncio.CancelledError, ConnectionError, TimeoutError)
    for task, result in zip(ends, results, strict=True):
        if task in done and isinstance(result, BaseException) and not isinstance(result, expected):
            raise result


async def _send(socket: web.WebSocketResponse, subscription: Subscription) -> None:
    async for message in subscription:
        await asyncio.sleep(0)  # the state of 200 sites takes 2 ms to make, its JSON another: a turn for each
        async with asyncio.timeout(_SEND_DEADLINE):
            await socket.send_str(message.text)
    await socket.close(code=CONFERENCE_ENDED, message=b"conference removed")


async def _receive(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"this socket only sends")
            return


async def _watch_session(request: web.Request, services: Services, socket: web.WebSocketResponse) -> None:
    while True:
        await asyncio.sleep(_CHECK_EVERY)
        try:
            await _check_reader(request, services)
            await check_block(request, services, client_address(request, services.settings))
        except Refused:
            await socket.close(code=SESSION_ENDED, message=b"session ended")
            return
