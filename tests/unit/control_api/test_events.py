"""The console's WebSocket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from pydantic import TypeAdapter

from control_api.accounts.rules import Role
from control_api.conferences import events
from control_api.conferences.models import ConsoleEvent
from mcu_core.commands import AddSite, Podium
from tests.unit.control_api.world import World, refused

_EVENT: TypeAdapter[Any] = TypeAdapter(ConsoleEvent)


async def next_state(socket: ClientWebSocketResponse) -> dict[str, Any]:
    while True:
        message = await socket.receive_json(timeout=3)
        _EVENT.validate_python(message)
        if message["type"] == "state":
            state: dict[str, Any] = message["state"]
            return state


async def test_state_comes_first_and_again_after_each_change(world: World) -> None:
    viewer, conference = await world.sign_in(Role.VIEWER), await world.conference()
    async with viewer.ws_connect(f"/ws/v1/conferences/{conference}/events") as socket:
        assert (await next_state(socket))["sites"] == []
        await world.services.live.command(conference, AddSite("Sở Y tế"), actor="lan")
        await world.services.live.command(conference, Podium("so-y-te"), actor="lan")
        while (state := await next_state(socket))["podium"] is None:
            continue
        assert [site["on_podium"] for site in state["sites"]] == [True]


async def test_unknown_conference_and_foreign_page_are_refused_before_upgrading(world: World) -> None:
    viewer, conference = await world.sign_in(Role.VIEWER), await world.conference()
    await refused(await viewer.get("/ws/v1/conferences/c-none/events"), 404)
    path = f"/ws/v1/conferences/{conference}/events"
    with pytest.raises(WSServerHandshakeError, match="403"):
        await viewer.ws_connect(path, origin="https://evil.example")
    with pytest.raises(WSServerHandshakeError, match="401"):
        await world.client().ws_connect(path)


async def test_socket_ends_with_the_session(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_CHECK_EVERY", 0.02)
    viewer, conference = await world.sign_in(Role.VIEWER), await world.conference()
    async with viewer.ws_connect(f"/ws/v1/conferences/{conference}/events") as socket:
        await next_state(socket)
        await world.services.accounts.set_disabled("viewer", True)
        assert await closed(socket) == events.SESSION_ENDED


async def test_socket_ends_with_the_conference(world: World) -> None:
    viewer, conference = await world.sign_in(Role.VIEWER), await world.conference()
    async with viewer.ws_connect(f"/ws/v1/conferences/{conference}/events") as socket:
        await next_state(socket)
        await world.services.live.delete_conference(conference, actor="lan")
        assert await closed(socket) == events.CONFERENCE_ENDED


async def test_a_console_that_talks_is_closed(world: World) -> None:
    viewer, conference = await world.sign_in(Role.VIEWER), await world.conference()
    async with viewer.ws_connect(f"/ws/v1/conferences/{conference}/events") as socket:
        await next_state(socket)
        await socket.send_str("hello")
        assert await closed(socket) == 1008


async def test_leaving_consoles_leave_nothing_behind(world: World) -> None:
    viewer, conference = await world.sign_in(Role.VIEWER), await world.conference()
    room = world.services.live._room(conference)  # type: ignore[attr-defined]
    for _ in range(5):
        async with viewer.ws_connect(f"/ws/v1/conferences/{conference}/events") as socket:
            await next_state(socket)
    async with asyncio.timeout(3):
        while len(room.feed):
            await asyncio.sleep(0.01)


async def test_server_going_down_says_so(world: World) -> None:
    viewer, conference = await world.sign_in(Role.VIEWER), await world.conference()
    async with viewer.ws_connect(f"/ws/v1/conferences/{conference}/events") as socket:
        await next_state(socket)
        closing = asyncio.create_task(world.server.close())
        assert await closed(socket) == 1001
        await closing


async def closed(socket: ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(5):
        while (await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED):
            continue
    return socket.close_code
