"""A small client of our own API, as `mcu demo` uses it: signs in, asks, and turns refusals back into OperatorError."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from control_api.api import GUARD_HEADER, PREFIX
from mcu_core.errors import OperatorError, PeerLost


class ApiClient:
    """`async with ApiClient(url, ca) as api: await api.sign_in(…); await api.get("/conferences")`."""

    def __init__(self, url: str, ca: Path | None) -> None:
        verify = ssl.create_default_context(cafile=str(ca)) if ca is not None else True
        self._url = url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=verify),
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # addresses, too, have cookies
            headers={GUARD_HEADER: "1"},
            timeout=aiohttp.ClientTimeout(total=15),
        )

    async def __aenter__(self) -> ApiClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def health(self) -> dict[str, Any] | None:
        """What /healthz says; None while nobody answers."""
        try:
            async with self._session.get(f"{self._url}/healthz", timeout=aiohttp.ClientTimeout(total=3)) as answer:
                found: dict[str, Any] = await answer.json()
                return found
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def sign_in(self, username: str, password: str) -> None:
        await self.send("POST", "/session", {"username": username, "password": password})

    async def get(self, path: str) -> Any:
        return await self.send("GET", path)

    async def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            async with self._session.request(method, f"{self._url}{PREFIX}{path}", json=body) as answer:
                if answer.status == 204:
                    return None
                found = await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise PeerLost(
                "no_server", f"Máy chủ {self._url} không trả lời.", f"The server {self._url} does not answer: {error}."
            ) from None
        if answer.status >= 400:
            raise OperatorError(found["error"]["code"], found["error"]["vi"], found["error"]["en"])
        return found
