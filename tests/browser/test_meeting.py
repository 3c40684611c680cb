"""A meeting in real Chromium on the real server: two sites with different cameras and voices, and the operator.

Pictures are judged by what a page decodes: its video element is drawn on a canvas and looked at where the layout says.
Screenshots of the site page and the console are kept in `artefacts/` and shown in the README.
"""

from __future__ import annotations

import math
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.async_api import BrowserContext, Page

from benchmarks.server import Server
from tests.browser.pages import (
    OFFICE,
    Complaints,
    chromium,
    log_in,
    needs_chromium,
    new_page,
    no_barriers,
    plays,
    until,
)

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(180),
]

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
RED, BLUE = (200, 60, 60), (60, 80, 200)
TONES = {"red": 600.0, "blue": 1700.0}


def film(path: Path, colour: tuple[int, int, int]) -> Path:
    """Two seconds of Motion JPEG 640x360: a coloured field with a bright bar moving through its lower edge."""
    with av.open(str(path), "w", format="mjpeg") as file:
        stream = file.add_stream("mjpeg", rate=20)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuvj420p"
        for number in range(40):
            picture = np.full((360, 640, 3), colour, np.uint8)
            picture[330:350, number * 16 : number * 16 + 40] = 255
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def voice(path: Path, hertz: float) -> Path:
    """Two seconds of a swelling tone, which Chromium repeats."""
    time = np.arange(48000 * 2) / 48000
    pcm = 9000 * np.sin(2 * math.pi * hertz * time) * (0.6 + 0.4 * np.sin(2 * math.pi * 3 * time))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(pcm.astype("<i2").tobytes())
    return path


LOOK = """([x, y]) => {
  const video = document.querySelector('[data-testid=mix]');
  if (!video || !video.videoWidth) return null;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const at = canvas.getContext('2d');
  at.drawImage(video, 0, 0);
  const size = 8;
  const data = at.getImageData(x * canvas.width - size / 2, y * canvas.height - size / 2, size, size).data;
  let sum = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) for (const c of [0, 1, 2]) sum[c] += data[i + c];
  return sum.map((v) => v / (size * size));
}"""

LISTEN = """async (tones) => {
  const video = document.querySelector('[data-testid=mix]');
  if (!video || !video.srcObject || !video.srcObject.getAudioTracks().length) return null;
  if (!window.ear) {
    const context = new AudioContext();
    window.ear = context.createAnalyser();
    window.ear.fftSize = 8192;
    window.ear.smoothingTimeConstant = 0.5;
    context.createMediaStreamSource(video.srcObject).connect(window.ear);
    await context.resume();
  }
  const bins = new Float32Array(window.ear.frequencyBinCount);
  window.ear.getFloatFrequencyData(bins);
  const width = window.ear.context.sampleRate / window.ear.fftSize;
  return tones.map((hertz) => Math.max(...bins.slice(Math.round(hertz / width) - 2, Math.round(hertz / width) + 3)));
}"""


class Meeting:
    """The server, one conference, two site pages and a console."""

    def __init__(self, server: Server, conference: str, sites: dict[str, Page], console: Page) -> None:
        self.server, self.conference, self.sites, self.console = server, conference, sites, console

    async def state(self) -> Any:
        return await self.server.api("GET", f"/conferences/{self.conference}/state")

    async def centre(self, site: str) -> tuple[float, float] | None:
        """Where the layout of the programme puts a site's picture, as fractions; its upper middle, above the label."""
        cells = (await self.state())["views"]["programme"]["cells"]
        cell = next((cell for cell in cells if cell["site"] == site), None)
        return cell and (cell["x"] + cell["w"] / 2, cell["y"] + cell["h"] / 3)

    async def sees(self, page: Page, site: str, colour: tuple[int, int, int]) -> None:
        """Wait until `page` shows `site`'s camera where the layout says."""

        async def there() -> bool:
            centre = await self.centre(site)
            found = None if centre is None else await page.evaluate(LOOK, list(centre))
            return found is not None and max(abs(a - b) for a, b in zip(found, colour, strict=True)) < 45

        await until(there, f"{site} at its place", 15)

    async def hears(self, page: Page, tone: str, not_tone: str) -> None:
        async def heard() -> bool:
            levels = await page.evaluate(LISTEN, [TONES[tone], TONES[not_tone]])
            return bool(levels) and levels[0] > -60 and levels[0] - levels[1] > 20

        await until(heard, f"the {tone} voice and not the {not_tone} one", 15)


async def enter(context: BrowserContext, link: str, complaints: Complaints) -> Page:
    """What an official does: open the link, look at the own picture, press the one big button."""
    page = await new_page(context, complaints)
    await page.goto(link)
    await page.get_by_test_id("join").click()
    await plays(page, 15)
    return page


@pytest.fixture
async def meeting(tmp_path: Path, short_path: Path) -> AsyncIterator[Meeting]:
    complaints = Complaints()
    async with Server(short_path) as server:
        conference = await server.conference("Hội nghị giao ban tháng 11")
        links = {}
        for site, name in (("red", "UBND xã Văn Môn"), ("blue", "Sở Y tế")):
            path = f"/conferences/{conference}/sites"
            await server.api("POST", path, {"id": site, "name": name, "role": "member"})
            links[site] = (await server.api("POST", f"{path}/{site}/link"))["url"]
        captures = {
            site: (
                f"--use-file-for-fake-video-capture={film(tmp_path / f'{site}.mjpeg', colour)}",
                f"--use-file-for-fake-audio-capture={voice(tmp_path / f'{site}.wav', TONES[site])}",
            )
            for site, colour in (("red", RED), ("blue", BLUE))
        }
        async with chromium(*captures["red"]) as first, chromium(*captures["blue"]) as second:
            red = await enter(await first.new_context(**OFFICE), links["red"], complaints)
            blue = await enter(await second.new_context(**OFFICE), links["blue"], complaints)
            console = await new_page(await first.new_context(**OFFICE), complaints)
            await console.goto(f"{server.url}/console")
            await log_in(console, "bench", server.password)
            await console.get_by_test_id("open").click()
            await plays(console, 15)
            yield Meeting(server, conference, {"red": red, "blue": blue}, console)
        assert complaints == []


async def test_two_browsers_meet_and_the_operator_gives_the_podium(meeting: Meeting) -> None:
    """S03, S92: real pictures and sound in real browsers."""
    red, blue, console = meeting.sites["red"], meeting.sites["blue"], meeting.console
    for page in (red, blue, console):
        await meeting.sees(page, "red", RED)
        await meeting.sees(page, "blue", BLUE)
    await meeting.hears(red, "blue", not_tone="red")  # nobody hears themselves
    await meeting.hears(blue, "red", not_tone="blue")
    await red.bring_to_front()
    ARTEFACTS.mkdir(exist_ok=True)
    await red.screenshot(path=ARTEFACTS / "site-page.png")
    await no_barriers(red, "meeting")

    before = {site: await meeting.centre(site) for site in ("red", "blue")}
    row = console.get_by_test_id("site").filter(has_text="Sở Y tế")
    await row.get_by_test_id("podium").click()
    await until(lambda: _podium(meeting, "blue"), "blue on the podium by click")
    assert await meeting.centre("blue") != before["blue"]
    await meeting.sees(red, "blue", BLUE)
    await meeting.sees(red, "red", RED)
    await until(blue.get_by_test_id("on-air").is_visible, "blue is told that it is on air")
    await console.bring_to_front()
    await console.screenshot(path=ARTEFACTS / "console.png")
    await no_barriers(console, "desk")

    # by key: the other row, P; the two change places
    podium = await meeting.centre("blue")
    await console.get_by_test_id("site").filter(has_text="UBND xã Văn Môn").click()
    await console.keyboard.press("p")
    await until(lambda: _podium(meeting, "red"), "red on the podium by key")
    assert await meeting.centre("red") == podium
    for page in (red, blue, console):
        await meeting.sees(page, "red", RED)
        await meeting.sees(page, "blue", BLUE)
    await meeting.hears(blue, "red", not_tone="blue")

    await console.keyboard.press("Escape")
    await until(lambda: _podium(meeting, None), "nobody on the podium")
    assert {site: await meeting.centre(site) for site in ("red", "blue")} == before


async def _podium(meeting: Meeting, site: str | None) -> bool:
    return bool((await meeting.state())["podium"] == site)
