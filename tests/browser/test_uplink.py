"""What a real browser really sends: no more than its tile needs, and nothing while nobody sees or may hear it; and what
it is told of what it is sent.

Judged by Chromium's own getStats() on the real server, not by what the page believes it has set.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, WebSocket

from benchmarks.server import Server
from endpoint_client import build
from endpoint_client.headless_site import HeadlessSite
from endpoint_client.media import SiteOptions
from tests.browser.pages import (
    CAMERA,
    KEEP_CONNECTIONS,
    MICROPHONE,
    OFFICE,
    SENT,
    Complaints,
    chromium,
    needs_chromium,
    new_page,
    plays,
    until,
)

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(120),
]


class Uplink:
    """A site's page, the hints it was sent, and what its camera sends."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.hint: dict[str, Any] = {}
        page.on("websocket", lambda socket: socket.on("framereceived", self._heard))

    def _heard(self, frame: str | bytes | WebSocket) -> None:
        message = json.loads(frame) if isinstance(frame, str) else {}
        if message.get("type") == "hint" and message["track"] == "camera":
            self.hint = message

    async def sent(self, line: int = CAMERA) -> dict[str, Any]:
        found: dict[str, Any] = await until(lambda: self.page.evaluate(SENT, line), "figures of what is sent")
        return found

    async def sends(self, line: int) -> bool:
        before = await self.sent(line)
        await asyncio.sleep(1)
        return bool((await self.sent(line))["packets"] > before["packets"])

    async def kbps(self, seconds: float = 1.5) -> float:
        before = await self.sent()
        await asyncio.sleep(seconds)
        after = await self.sent()
        return float((after["bytes"] - before["bytes"]) * 8 / (after["at"] - before["at"]))

    async def keeps_to_its_hint(self) -> bool:
        """Frames are sent, and they are not larger than asked for."""
        hint, before = self.hint, await self.sent()
        if not hint.get("active"):
            print("hint", hint, "sent", before)  # what pytest shows when it never comes true
            return False
        await asyncio.sleep(0.3)
        after = await self.sent()
        print("hint", hint, "sent", before, after)
        fits = 0 < after["width"] <= hint["width"] + 2 and 0 < after["height"] <= hint["height"] + 2
        return bool(fits and after["frames"] > before["frames"])


@pytest.fixture
async def server(short_path: Path) -> AsyncIterator[Server]:
    build.build()
    async with Server(short_path) as server:
        yield server


async def test_a_browser_sends_what_its_tile_needs_and_nothing_when_hidden(server: Server) -> None:
    conference = await server.conference("Họp giao ban")
    views = f"/conferences/{conference}/views/programme"
    own = await server.site(conference, "UBND xã Văn Môn")
    other = await server.site(conference, "Sở Y tế")
    complaints = Complaints()
    viewer = HeadlessSite(server.url, other["token"], options=SiteOptions(receive="count"), ca=server.ca)
    async with chromium() as browser:
        page = await new_page(await browser.new_context(**OFFICE), complaints)
        await page.add_init_script(KEEP_CONNECTIONS)
        up = Uplink(page)
        await viewer.start()
        try:
            await page.goto(own["url"])
            await page.get_by_test_id("join").click()
            await plays(page, 15)
            assert await up.sends(MICROPHONE)
            await server.api("PUT", f"/conferences/{conference}/sites/{own['id']}/muted", {"muted": True})

            await server.api("PUT", f"{views}/layout", {"layout": "1+1"})
            await until(up.keeps_to_its_hint, "half the canvas", 30)
            wide, large = up.hint["width"], await up.kbps(2.5)

            await server.api("PUT", f"{views}/layout", {"layout": "4x4"})
            await until(lambda: up.hint["width"] < wide, "a hint for a small tile")
            await until(up.keeps_to_its_hint, "a sixteenth of the canvas", 30)
            assert up.hint["width"] <= 480
            small = await up.kbps()
            assert small < large * 0.8, (small, large)
            assert small * 1000 < up.hint["bitrate_bps"] * 1.3

            await server.api("PUT", f"{views}/layout", {"layout": "1"})
            await server.api("PUT", f"{views}/cells/0", {"site": other["id"], "track": "camera"})
            await until(lambda: not up.hint["active"], "the hint to stop")

            async def silent() -> bool:
                return not any(await asyncio.gather(up.sends(CAMERA), up.sends(MICROPHONE)))

            await until(silent, "not one packet of a site that nobody sees or may hear", 10)
            await server.api("PUT", f"/conferences/{conference}/sites/{own['id']}/muted", {"muted": False})
            await until(lambda: up.sends(MICROPHONE), "its sound, as soon as it may be heard")

            await server.api("PUT", f"{views}/cells/0", {"site": own["id"], "track": "camera"})
            await until(up.keeps_to_its_hint, "the camera again", 30)

            # and what it is sent is told
            size = f"/conferences/{conference}/sites/{own['id']}/size"
            await server.api("PUT", size, {"size": "sound"})
            await page.get_by_test_id("sound-only").wait_for(timeout=15_000)
            await server.api("PUT", size, {"size": "low"})
            await page.get_by_test_id("sound-only").wait_for(state="detached", timeout=15_000)
            await page.get_by_test_id("quality").click()
            await page.get_by_test_id("reduced").filter(has_text="180p").wait_for()
        finally:
            await viewer.stop()
    assert complaints == []
