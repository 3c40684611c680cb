"""One real MCU for all tests that ask for it, a conference of its own for each of them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.harness import Mcu, Room


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mcu() -> AsyncIterator[Mcu]:
    """The server, started once."""
    with tempfile.TemporaryDirectory(prefix="mcu-test-") as folder:  # short: it holds Unix sockets
        async with Mcu(Path(folder)) as server:
            yield server


@pytest_asyncio.fixture(loop_scope="session")
async def room(mcu: Mcu) -> AsyncIterator[Room]:
    """An empty, open conference; whoever joined leaves at the end."""
    await mcu.rooms_served()
    room = await Room.open(mcu, "Họp thử")
    try:
        yield room
    finally:
        await room.close()
