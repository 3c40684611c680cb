"""Firefox, headless, driven over WebDriver BiDi with nothing but a WebSocket.

Only what a test of the pages needs: open an address, evaluate JavaScript (awaiting its promise).  Its camera and
microphone are Firefox's own fake ones, granted without a question; sound plays without a click; certificates are not
checked.  Firefox does not pair with a candidate at 127.0.0.1: the server has to announce another address.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "intl.accept_languages": "vi",
    "media.autoplay.default": 0,
    "media.gmp-manager.updateEnabled": False,  # no download of OpenH264: what an office behind a firewall has
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}
START, ANSWER = 30.0, 20.0  # seconds


def firefox_path() -> str | None:
    """Debian's or Mozilla's Firefox, or None where neither is installed."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


def own_address() -> str | None:
    """An IPv4 address of this machine that is not the loopback, or None.  Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # RFC 5737: belongs to nobody
        address = str(probe.getsockname()[0])
        return None if address.startswith("127.") else address
    return None


class FirefoxError(RuntimeError):
    """Firefox did not start, refused a command, or a script threw."""


class Firefox:
    """One tab.  Not to be made directly: `async with firefox(folder) as tab:`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._context = ""
        self._number = 0

    async def begin(self) -> None:
        """Take hold of the tab that Firefox opened with."""
        await self._command("session.new", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
        tree = await self._command("browsingContext.getTree", {})
        self._context = tree["contexts"][0]["context"]

    async def open(self, url: str) -> None:
        """Load a page and everything it needs."""
        await self._command("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})

    async def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression; of what it resolves to if it is a promise.

        It goes through JSON: undefined becomes None.  Raises FirefoxError with what it threw.
        """
        result = await self._command(
            "script.evaluate",
            {
                "expression": f"(async () => JSON.stringify(await ({script})))()",
                "target": {"context": self._context},
                "awaitPromise": True,
                "userActivation": True,
            },
        )
        if result["type"] != "success":
            raise FirefoxError(f"{script}\n{result['exceptionDetails']['text']}")
        return json.loads(result["result"]["value"]) if result["result"]["type"] == "string" else None

    async def _command(self, method: str, parameters: dict[str, Any]) -> Any:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(ANSWER):
            while True:  # events of the page come in between
                message = await self._socket.receive_json()
                if message.get("id") == self._number:
                    break
        if message["type"] == "error":
            raise FirefoxError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]


@asynccontextmanager
async def firefox(folder: Path) -> AsyncIterator[Firefox]:
    """Start Firefox with a new profile in `folder`; at the end none of its processes is left."""
    path = firefox_path()
    if path is None:
        raise FirefoxError("Firefox is not installed (apt-get install firefox-esr)")
    profile = folder / "firefox"
    profile.mkdir()
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines))
    process = await asyncio.create_subprocess_exec(
        *(path, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0", "about:blank"),
        env={**os.environ, "MOZ_CRASHREPORTER_DISABLE": "1", "HOME": str(folder)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    said: list[str] = []
    reading = None
    try:
        try:
            address = await asyncio.wait_for(_listening(process.stderr, said), START)
        except TimeoutError:
            raise FirefoxError(f"Firefox was not ready within {START} s; it said:\n{''.join(said[-20:])}") from None
        reading = asyncio.create_task(_drain(process.stderr), name="firefox/stderr")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{address}/session", max_msg_size=0) as socket,
        ):
            tab = Firefox(socket)
            await tab.begin()
            yield tab
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if reading is not None:
            await reading


async def _listening(stream: asyncio.StreamReader, said: list[str]) -> str:
    while line := (await stream.readline()).decode(errors="replace"):
        said.append(line)
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            return found.group(1)
    raise FirefoxError(f"Firefox ended; it said:\n{''.join(said[-20:])}")


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read on, or Firefox would stop at a full pipe."""
    while await stream.read(65536):
        pass
