"""The WebSocket of a site's page that is not in the conference: `{"type": "wait", "token": …}`, then rings come.

The join token is the key, as for a check.  It is looked at again every `_CHECK_EVERY` seconds: a link that was
withdrawn is not rung any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import asdict

from aiohttp import WSMsgType, web

from control_api.api import check_origin
from control_api.conferences.events import SOCKETS
from control_api.meeting.lobby import Page
from control_api.problems import Refused
from control_api.proxies import client_address
from control_api.services import SERVICES, Services
from mcu_core.errors import PeerLost

PATH = "/ws/v1/lobby"
BAD_TOKEN, TOO_MANY = 4401, 4429

_FIRST_WITHIN = 10.0
_SEND_DEADLINE = 10.0
_CHECK_EVERY = 60.0
_MOST_BYTES = 1024
_LONGEST_TOKEN = 200


async def lobby(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    check_origin(request, services)
    address = client_address(request, services.settings)
    socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=_MOST_BYTES)
    await socket.prepare(request)
    sockets = request.app[SOCKETS].open
    sockets.add(socket)
    services.metrics.socket_opened("lobby")
    try:
        await _wait(services, socket, address)
    finally:
        services.metrics.socket_closed("lobby")
        sockets.discard(socket)
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(2.0):
                await socket.close()
    return socket


async def _wait(services: Services, socket: web.WebSocketResponse, address: str) -> None:
    token = await _first(socket)
    try:
        seat = None if token is None else await services.checks.tokens.seat(token, address)
    except Refused as refused:
        await socket.close(code=TOO_MANY if refused.code == "too_many_attempts" else BAD_TOKEN)
        return
    except PeerLost:
        await socket.close(code=1013)  # the database is away: try again later
        return
    if seat is None or token is None:
        await socket.close(code=BAD_TOKEN)
        return
    page = services.lobby.enter(seat.conference, seat.site)
    if page is None:
        await socket.close(code=TOO_MANY)
        return
    try:
        await socket.send_json({"type": "waiting"})
        await _serve(services, socket, page, token)
    finally:
        services.lobby.leave(seat.conference, seat.site, page)


async def _serve(services: Services, socket: web.WebSocketResponse, page: Page, token: str) -> None:
    """Until the page has gone, another took its place, or the link ended."""
    ends = [
        asyncio.create_task(_ring(socket, page), name="lobby/ring"),
        asyncio.create_task(_listen(socket), name="lobby/listen"),
        asyncio.create_task(_watch(services, token), name="lobby/watch"),
    ]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in ends:
            task.cancel()
        results = await asyncio.gather(*ends, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, ConnectionError | TimeoutError):
            raise result
    if ends[2].done() and not ends[2].cancelled():
        await socket.close(code=BAD_TOKEN)


async def _ring(socket: web.WebSocketResponse, page: Page) -> None:
    while (ring := await page.next()) is not None:
        async with asyncio.timeout(_SEND_DEADLINE):
            await socket.send_json({"type": "ring", **asdict(ring)})


async def _listen(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return


async def _watch(services: Services, token: str) -> None:
    """Ends when the join token does."""
    while True:
        await asyncio.sleep(_CHECK_EVERY)
        with contextlib.suppress(PeerLost):
            found = await services.conferences.seat_for_token(token)
            if found is None or (found.expires_at is not None and found.expires_at <= services.now()):
                return


async def _first(socket: web.WebSocketResponse) -> str | None:
    """The token the page tells; None when it tells none."""
    try:
        message = await socket.receive(timeout=_FIRST_WITHIN)
    except TimeoutError:
        return None
    if message.type is not WSMsgType.TEXT:
        return None
    try:
        told = json.loads(message.data)
    except ValueError:
        return None
    token = told.get("token") if isinstance(told, dict) and told.get("type") == "wait" else None
    return token if isinstance(token, str) and 0 < len(token) <= _LONGEST_TOKEN else None
