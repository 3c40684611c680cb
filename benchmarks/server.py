"""A real MCU for benchmarks and integration tests: `mcu serve` in a process of its own, driven from outside.

Temporary data folder, free ports, its own CA, SQLite; accounts by the command line, everything else by the HTTP API, so
nothing here is a short cut past what an office would run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

USER = "bench"
_START = 40.0
_STOP = 8.0


class ServerError(RuntimeError):
    """The server did not start, or refused a request; says what it printed or answered."""


class Server:
    """`async with Server(folder) as server:`; afterwards nothing of it is left but the folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port, self.relay_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        self.url = f"https://127.0.0.1:{self.port}"
        self.password = secrets.token_urlsafe(18)
        self.metrics_token = secrets.token_urlsafe(18)
        self.log = folder / "server.log"
        self.run_dir = folder / "run"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("MCU_")},
            "MCU_DATA_DIR": str(folder / "data"),
            "MCU_RUN_DIR": str(self.run_dir),
            "MCU_HTTP_PORT": str(self.port),
            "MCU_HTTP_BIND": "127.0.0.1",
            "MCU_HTTP_PUBLIC_URLS": self.url,
            "MCU_RELAY_PORT": str(self.relay_port),
            "MCU_RELAY_BIND": "127.0.0.1",
            "MCU_RELAY_ANNOUNCE": "127.0.0.1",
            "MCU_RELAY_MBIT_PER_S": "10000",  # loopback is no port of 1 Gbit/s, which 600 sites would fill
            "MCU_CHECKS_SELF_TEST_AT": "",  # a call of three more sites, once a day, is not what is measured
            "MCU_METRICS_TOKEN": self.metrics_token,
            "MCU_ACCOUNTS_REQUIRE_TOTP": "",  # nobody holds a telephone here
            **(environment or {}),
        }
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def ca(self) -> Path:
        """The CA that signs the server's certificate."""
        return self.folder / "ca.pem"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -- life

    async def start(self) -> None:
        """Start, make the operator, sign in.  Raises ServerError with the end of its log."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        await self._command("user", "add", USER, "--role", "administrator", given=self.password)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_mcu(), "serve", env=self.environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            await self._until_healthy()
            await self._sign_in()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL to the whole tree when that does not help."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise ServerError(f"the server did not stop within {_STOP} s; {self._log_end()}") from None

    async def _until_healthy(self) -> None:
        deadline = time.monotonic() + _START
        connector = aiohttp.TCPConnector(ssl=False)
        async with aiohttp.ClientSession(connector=connector) as probe:
            while True:
                assert self._process is not None
                if self._process.returncode is not None:
                    raise ServerError(f"the server ended with {self._process.returncode}; {self._log_end()}")
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with probe.get(f"{self.url}/healthz", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                        if answer.status == 200:
                            break
                if time.monotonic() > deadline:
                    raise ServerError(f"the server was not healthy within {_START} s; {self._log_end()}")
                await asyncio.sleep(0.05)
            async with probe.get(f"{self.url}/ca/root.pem") as answer:
                self.ca.write_bytes(await answer.read())

    async def _sign_in(self) -> None:
        jar = aiohttp.CookieJar(unsafe=True)  # the host is an address
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(self.ca)))
        self._session = aiohttp.ClientSession(self.url, connector=connector, cookie_jar=jar)
        await self.api("POST", "/session", {"username": USER, "password": self.password})

    async def _command(self, *words: str, given: str = "") -> None:
        process = await asyncio.create_subprocess_exec(
            *_mcu(),
            *words,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate(given.encode() + b"\n")
        if process.returncode:
            raise ServerError(f"mcu {' '.join(words)} failed: {out.decode(errors='replace')[-2000:]}")

    def _log_end(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return f"its log ends:\n{text[-3000:]}"

    # -- HTTP API

    async def api(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Any:
        """One request below /api/v1, JSON in and out.  Raises ServerError when it is refused."""
        status, answer = await self.request(method, path, body, headers=headers)
        if status >= 400:
            raise ServerError(f"{method} {path}: {status} {answer}")
        return answer

    async def request(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """As `api`, returning (status, answer) whatever it is."""
        assert self._session is not None
        async with self._session.request(
            method, f"/api/v1{path}", json=body, headers={"X-MCU-Request": "1", **(headers or {})}
        ) as answer:
            return answer.status, (await answer.json() if answer.content_type == "application/json" else None)

    async def metrics(self) -> dict[str, float]:
        """The Prometheus page: `name{labels}` -> value."""
        assert self._session is not None
        bearer = {"Authorization": f"Bearer {self.metrics_token}"}
        async with self._session.get("/metrics", headers=bearer) as answer:
            if answer.status != 200:
                raise ServerError(f"/metrics: {answer.status}")
            text = await answer.text()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#")
        }

    def events(self, conference: str) -> Any:
        """The console's WebSocket, to be entered: `async with server.events(c) as socket`."""
        assert self._session is not None
        return self._session.ws_connect(f"/ws/v1/conferences/{conference}/events", headers={"Origin": self.url})

    # -- shorthands

    async def conference(self, title: str) -> str:
        """Make an open conference; its id."""
        made = await self.api("POST", "/conferences", {"title": title})
        if not made.get("open", True):
            await self.api("PATCH", f"/conferences/{made['id']}", {"open": True})
        return str(made["id"])

    async def site(self, conference: str, name: str, role: str = "member") -> dict[str, Any]:
        """Make a site and its link; what the API says of it and `token`, `url`."""
        made = await self.api("POST", f"/conferences/{conference}/sites", {"name": name, "role": role})
        link = await self.api("POST", f"/conferences/{conference}/sites/{made['id']}/link")
        return {**made, **link}

    async def monitor(self, conference: str, view: str) -> str:
        """A token to watch a view."""
        made = await self.api("POST", f"/conferences/{conference}/monitors", {"view": view})
        return str(made["token"])


def _mcu() -> tuple[str, ...]:
    installed = Path(sys.executable).with_name("mcu")
    return (str(installed),) if installed.exists() else (sys.executable, "-m", "control_api.cli")


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
