"""What tests of the pages share: starting Chromium, signing in, waiting for a fact, axe, what a page complains of."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

# A fake camera and microphone that need no permission, sound without a click, and a name that is not "localhost":
# http://not-secure.test is what an office sees that opens the page without https.
FLAGS = [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--host-resolver-rules=MAP not-secure.test 127.0.0.1",
]

OFFICE: dict[str, Any] = {  # the browser of a town hall, for new_context
    "ignore_https_errors": True,
    "locale": "vi-VN",
    "viewport": {"width": 1366, "height": 768},
}


def chromium_path() -> str | None:
    """Debian's Chromium, or None where it is not installed."""
    return shutil.which("chromium")


needs_chromium = pytest.mark.skipif(
    chromium_path() is None, reason="Chromium is not installed (apt-get install chromium)"
)


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()


class Complaints(list[str]):
    """Errors a page threw and everything its content security policy refused."""

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.append(f"pageerror: {error}"))
        page.on(
            "console",
            lambda message: self.append(message.text) if "Content Security Policy" in message.text else None,
        )


async def new_page(context: BrowserContext, complaints: Complaints) -> Page:
    page = await context.new_page()
    page.set_default_timeout(8000)
    complaints.listen(page)
    return page


async def log_in(page: Page, username: str, password: str) -> None:
    """Fill in and send the sign-in form of the office or the console."""
    await page.get_by_test_id("username").fill(username)
    await page.get_by_test_id("password").fill(password)
    await page.get_by_test_id("login").click()


async def no_barriers(page: Page, where: str) -> None:
    """Axe finds nothing serious.  With MCU_SHOTS=folder a picture of what was examined is kept there."""
    if folder := os.environ.get("MCU_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - by hand only
        await page.screenshot(path=Path(folder) / f"{where.replace(' ', '-')}.png", full_page=True)
    results = await Axe().run(page, options={"resultTypes": ["violations"]})
    found = [
        f"{violation['id']}: {[node['html'][:120] for node in violation['nodes'][:3]]}"
        for violation in results.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert found == [], f"{where}: {found}"


async def until(fact: Callable[[], Awaitable[Any] | Any], what: str, deadline: float = 8.0) -> Any:
    """The first true value of `fact()`, asked every 30 ms.  Raises AssertionError naming `what` after `deadline` s.

    Playwright's own wait_for_function needs eval, which the pages' policy forbids.
    """
    end = time.monotonic() + deadline
    while True:
        value = fact()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        assert time.monotonic() < end, f"not seen in {deadline} s: {what}"
        await asyncio.sleep(0.03)


async def plays(page: Page, deadline: float = 8.0) -> None:
    """Wait until the picture of the conference runs on this page (two different times with a picture)."""
    script = (
        "() => { const v = document.querySelector('[data-testid=mix]'); return v && v.videoWidth ? v.currentTime : 0 }"
    )
    first = await until(lambda: page.evaluate(script), "a picture", deadline)

    async def later() -> bool:
        return bool(await page.evaluate(script) > first)

    await until(later, "the picture running", deadline)


# An init script, after which SENT, called with the number of an m-line, tells what getStats() says of it.
KEEP_CONNECTIONS = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) { super(...options); window.connections.push(this); }
};
"""
SENT = """async (line) => {
  const connection = window.connections.at(-1);
  const sender = connection && connection.getTransceivers()[line].sender;
  if (!sender) return null;
  for (const entry of (await sender.getStats()).values())
    if (entry.type === 'outbound-rtp')
      return { width: entry.frameWidth || 0, height: entry.frameHeight || 0, frames: entry.framesEncoded,
               packets: entry.packetsSent, bytes: entry.bytesSent, at: entry.timestamp };
  return null;
}"""
MICROPHONE, CAMERA, SCREEN = 0, 1, 2  # m-lines
