"""A meeting without media for tests of the desk: the real control process, its sites all there, its timers running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from mcu_core.commands import AddSite
from mcu_core.presence import Happening
from tests.browser.office import open_pages
from tests.unit.control_api.world import World


@asynccontextmanager
async def open_meeting(folder: Path, title: str, sites: Mapping[str, str]) -> AsyncIterator[World]:
    """A conference "c-1" with the main site "tinh" and `sites` (id: name), all of them connected."""
    async with open_pages(folder) as world:
        live = world.services.live
        await live.create_conference(title, actor=None, conference_id="c-1")
        await live.command("c-1", AddSite("UBND tỉnh", "main", "tinh"), actor=None)
        for site, name in sites.items():
            await live.command("c-1", AddSite(name, site=site), actor=None)
        room = live._rooms["c-1"]  # type: ignore[attr-defined]
        for site in ("tinh", *sites):
            room.presence.tell(site, Happening.CONNECTED)
        room.changed()
        running = [asyncio.create_task(_clock(world)), asyncio.create_task(world.services.meeting.run())]
        try:
            yield world
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _clock(world: World) -> None:
    while True:
        world.clock.now = time.time()
        await asyncio.sleep(0.05)
