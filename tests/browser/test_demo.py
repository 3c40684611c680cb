"""What a newcomer does: start the demo, open the link it prints, be in the meeting, operate it.

The screenshots of the README are made here (`artefacts/`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.server import free_port
from tests.browser.pages import OFFICE, Complaints, chromium, log_in, needs_chromium, new_page, plays, until
from tests.browser.test_meeting import ARTEFACTS, LOOK, enter

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(180),
]

LOUDNESS = """async () => {
  const video = document.querySelector('[data-testid=mix]');
  if (!window.ear) {
    const context = new AudioContext();
    window.ear = context.createAnalyser();
    context.createMediaStreamSource(video.srcObject).connect(window.ear);
    await context.resume();
  }
  const wave = new Float32Array(window.ear.fftSize);
  window.ear.getFloatTimeDomainData(wave);
  return Math.max(...wave.map(Math.abs));
}"""


class Demo:
    """`mcu demo` as its own process; what it printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""

    def find(self, pattern: str) -> str | None:
        found = re.search(pattern, self.printed)
        return found.group(1) if found else None

    async def read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.printed += line.decode()


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    ports = ("--port", str(free_port(socket.SOCK_STREAM)), "--relay-port", str(free_port(socket.SOCK_DGRAM)))
    mcu = str(Path(sys.executable).with_name("mcu"))
    process = await asyncio.create_subprocess_exec(
        *(mcu, "demo", "--data-dir", str(tmp_path / "demo"), *ports),
        env={key: value for key, value in os.environ.items() if not key.startswith("MCU_")} | {"COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    demo = Demo(tmp_path)
    assert process.stdout is not None
    reading = asyncio.create_task(demo.read(process.stdout))
    try:
        yield demo
        process.send_signal(signal.SIGINT)  # Ctrl-C
        assert await asyncio.wait_for(process.wait(), 20) == 0, demo.printed
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await reading


async def test_a_newcomer_joins_the_demo_and_operates_it(demo: Demo) -> None:
    link = await until(lambda: demo.find(r"(https://\S+/join/\S+)"), "the join link", 60)
    login = await until(lambda: demo.find(r"\n\s*(\S+  /  \S+)\n"), "the login", 10)
    user, password = login.split("  /  ")
    complaints = Complaints()
    async with chromium() as browser:
        site = await enter(await browser.new_context(**OFFICE), link, complaints)
        # the ninth picture is our own: Chromium's fake camera is green, and the layout is 3x3
        last = [5 / 6, 5 / 6 - 0.1]

        async def own_picture() -> bool:
            seen = await site.evaluate(LOOK, last)
            return seen is not None and seen[1] > seen[0] + 40 and seen[1] > seen[2] + 40

        await until(own_picture, "our own camera in the mixed picture", 15)

        async def loud() -> bool:
            return bool(await site.evaluate(LOUDNESS) > 0.02)

        await until(loud, "the others' voices", 20)
        await site.get_by_test_id("microphone").click()
        ARTEFACTS.mkdir(exist_ok=True)
        await site.screenshot(path=ARTEFACTS / "demo-site.png")

        console = await new_page(await browser.new_context(**OFFICE), complaints)
        await console.goto(link.split("/join/")[0] + "/console")
        await log_in(console, user, password)
        await console.get_by_test_id("open").first.click()
        await plays(console, 15)
        await console.get_by_test_id("site").filter(has_text="UBND xã Văn Môn").get_by_test_id("podium").click()

        async def told() -> bool:
            return "Văn Môn" in (await site.get_by_test_id("podium").inner_text())

        await until(told, "the site page names who is on the podium")
        await asyncio.sleep(1.5)  # for the screenshot only: let the encoder sharpen the new picture
        await console.screenshot(path=ARTEFACTS / "demo-console.png")
        await site.screenshot(path=ARTEFACTS / "demo-site-podium.png")
    assert complaints == []
