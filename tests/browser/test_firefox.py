"""Firefox and Chromium in one meeting on the real server.

Firefox without OpenH264 speaks VP8 only, Chromium is given H.264, so the MCU decodes both codecs and encodes the
programme in both at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.server import Server
from endpoint_client import build
from tests.browser.firefox import Firefox, firefox, firefox_path, own_address
from tests.browser.pages import OFFICE, Complaints, chromium, needs_chromium, until
from tests.browser.test_meeting import LOOK, RED, enter, film

ADDRESS = own_address()
pytestmark = [
    pytest.mark.skipif(firefox_path() is None, reason="Firefox is not installed (apt-get install firefox-esr)"),
    needs_chromium,
    pytest.mark.skipif(ADDRESS is None, reason="this machine has no address but the loopback"),
    pytest.mark.timeout(120),
]

RUNS = "(v => v && v.videoWidth ? v.currentTime : 0)(document.querySelector('[data-testid=mix]'))"
Colour = list[float] | None


@pytest.fixture
async def server(short_path: Path) -> AsyncIterator[Server]:
    build.build()
    reachable = {"MCU_RELAY_BIND": str(ADDRESS), "MCU_RELAY_ANNOUNCE": str(ADDRESS)}
    async with Server(short_path, reachable) as server:
        yield server


async def press(tab: Firefox, name: str) -> None:
    """Click the button with this test id as soon as it can be clicked."""
    button = f"document.querySelector('[data-testid={name}]:not(:disabled)')"
    await until(lambda: tab.evaluate(f"!!{button}"), f"the button {name}", 15)
    await tab.evaluate(f"{button}.click()")


async def cell(server: Server, conference: str, site: str) -> list[float] | None:
    """Middle of a site's upper half in the programme, as fractions; None while it is not in it."""
    state = await server.api("GET", f"/conferences/{conference}/state")
    cells = state["views"]["programme"]["cells"]
    return next(([c["x"] + c["w"] / 2, c["y"] + c["h"] / 3] for c in cells if c["site"] == site), None)


async def test_firefox_and_chromium_meet_each_in_its_codec(server: Server, tmp_path: Path) -> None:
    conference = await server.conference("Họp giao ban")
    fox = await server.site(conference, "UBND xã Văn Môn")
    chrome = await server.site(conference, "Sở Y tế")
    red = f"--use-file-for-fake-video-capture={film(tmp_path / 'red.mjpeg', RED)}"
    complaints = Complaints()
    async with chromium(red) as browser, firefox(tmp_path) as tab:
        page = await enter(await browser.new_context(**OFFICE), chrome["url"], complaints)
        await tab.open(fox["url"])
        await press(tab, "join")

        async def runs() -> bool:
            before = await tab.evaluate(RUNS)
            await asyncio.sleep(0.2)
            return bool(0 < before < await tab.evaluate(RUNS))

        await until(runs, "a picture that runs in Firefox", 20)

        async def red_in_firefox() -> bool:
            place = await cell(server, conference, chrome["id"])
            seen: Colour = await tab.evaluate(f"({LOOK})({place})") if place else None
            return seen is not None and max(abs(a - b) for a, b in zip(seen, RED, strict=True)) < 45

        await until(red_in_firefox, "Chromium's red camera in Firefox", 15)

        # Firefox's fake camera goes through all colours: nothing else in this meeting does, at that place
        colours: set[tuple[int, ...]] = set()

        async def fox_in_chromium() -> bool:
            place = await cell(server, conference, fox["id"])
            seen: Any = await page.evaluate(LOOK, place) if place else None
            if seen and max(seen) - min(seen) > 60:
                colours.add(tuple(round(part / 64) for part in seen))
            return len(colours) >= 3

        await until(fox_in_chromium, "Firefox's changing camera in Chromium", 20)
        renditions = await server.api("GET", f"/conferences/{conference}/renditions")
        watched = {made["codec"]: made["view"] for made in renditions if made["viewers"]}
        assert watched == {"H264": "programme", "VP8": "programme"}, renditions
        await press(tab, "leave")

        async def gone() -> bool:
            state = await server.api("GET", f"/conferences/{conference}/state")
            return {site["id"]: str(site["state"]) for site in state["sites"]}[fox["id"]] == "absent"

        await until(gone, "Firefox's site absent after it left")
    assert complaints == []
