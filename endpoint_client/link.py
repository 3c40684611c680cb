"""The WebSocket of an endpoint (signaling/protocol.md): connects, says hello, answers pings, comes back with its seat.

It knows nothing of media.  Owned by one task (`run`); `send` may be called from the same loop at any time.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

Message = dict[str, Any]
VERSION = 1
SILENCE = 12.0  # seconds without a message after which the connection is given up
_BACK_OFF = (0.1, 0.3, 1.0, 2.0, 5.0)


class SiteRefused(Exception):
    """The MCU refused this endpoint, with the code and sentences of its `error` message."""

    def __init__(self, code: str, vi: str = "", en: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {en}" if en else code)
        self.code, self.vi, self.en, self.retry_after = code, vi, en, retry_after


def split_link(url: str, token: str = "") -> tuple[str, str]:
    """(origin, token) of a join link, or of a server address with the token given apart.

    Takes `https://host:port/join/TOKEN`, `https://host:port` and the same with wss, http and ws.
    Raises ValueError if it is none of these or there is no token.
    """
    parts = urlsplit(url)
    scheme = {"https": "https", "wss": "https", "http": "http", "ws": "http"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise ValueError(f"không phải địa chỉ máy chủ · not an address of a server: {url!r}")
    if not token and parts.path.startswith("/join/"):
        token = parts.path.removeprefix("/join/").strip("/")
    if not token:
        example = f"{scheme}://{parts.netloc}/join/TOKEN"
        raise ValueError(f"thiếu mã tham gia, cần đường dẫn như · no join token, give a link like {example}")
    return f"{scheme}://{parts.netloc}", token


def trust(ca: Path | None, insecure: bool) -> ssl.SSLContext | bool:
    """What aiohttp is to verify the server with: a CA file, nothing, or the system's store."""
    if insecure:
        return False
    return ssl.create_default_context(cafile=str(ca)) if ca else True


class Link:
    """One endpoint's signalling.

    `greet` gives the media state for the next hello (`True`: a live peer connection); `hear` gets each message but
    pings; `lost` is called when the WebSocket is gone; `seat` is remembered from welcome to welcome.
    """

    def __init__(
        self,
        origin: str,
        token: str,
        *,
        verify: ssl.SSLContext | bool = True,
        client: str = "headless/0.1",
        language: str = "vi",
        draws_names: bool = False,
        greet: Callable[[], bool],
        hear: Callable[[Message], Awaitable[None]],
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._url = origin.replace("http", "ws", 1) + "/ws/v1/endpoint"
        self._origin, self._token, self._verify = origin, token, verify
        self._client, self._language = client, language
        self._draws_names = draws_names
        self._greet, self._hear, self._lost = greet, hear, lost
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._leaving = False
        self.seat: str | None = None
        self.connections = 0
        self.refused: SiteRefused | None = None  # why `run` ended by itself

    @property
    def connected(self) -> bool:
        return self._socket is not None and not self._socket.closed

    async def send(self, message: Message) -> bool:
        """Send a message; False when there is no connection (the state is sent anew after the next welcome)."""
        return await self.send_text(json.dumps(message, separators=(",", ":")))

    async def send_text(self, text: str) -> bool:
        socket = self._socket
        if socket is None or socket.closed:
            return False
        try:
            await socket.send_str(text)
        except ConnectionError:
            return False
        return True

    async def leave(self) -> None:
        """Give the seat up and end `run`."""
        self._leaving = True
        await self.send({"type": "leave"})

    async def drop(self) -> None:
        """Cut the WebSocket without a word, as a broken network does; `run` comes back with the seat."""
        if self._socket is not None and self._socket._response.connection is not None:
            transport = self._socket._response.connection.transport
            if transport is not None:
                transport.abort()

    async def run(self) -> None:
        """Stay connected until left, or refused for good (`refused` says why)."""
        failures = 0
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._verify)) as session:
            while not self._leaving:
                wait: float | None = None
                try:
                    heard = await self._connection(session)
                    failures = 0 if heard else failures + 1
                except SiteRefused as refusal:
                    wait = refusal.retry_after
                    if wait is None:
                        self.refused = refusal
                        return
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    if isinstance(error, aiohttp.ClientConnectorCertificateError):
                        raise
                    failures += 1
                if self._leaving:
                    return
                if wait is None:
                    wait = _BACK_OFF[min(failures, len(_BACK_OFF) - 1)] * random.uniform(0.7, 1.3)
                await asyncio.sleep(wait)

    async def _connection(self, session: aiohttp.ClientSession) -> bool:
        """One WebSocket from hello to its end.  True if the MCU said anything."""
        heard = False
        async with session.ws_connect(
            self._url,
            headers={"Origin": self._origin},
            timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
            max_msg_size=1 << 20,
        ) as socket:
            self._socket = socket
            self.connections += 1
            try:
                await self.send(self._hello())
                while True:
                    message = await socket.receive(timeout=SILENCE)
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return heard
                    heard = True
                    await self._message(json.loads(message.data))
            finally:
                self._socket = None
                self._lost()

    def _hello(self) -> Message:
        hello: Message = {
            "type": "hello",
            "version": VERSION,
            "token": self._token,
            "client": self._client,
            "language": self._language,
            "draws_names": self._draws_names,
        }
        if self.seat is not None:
            hello |= {"seat": self.seat, "media": self._greet()}
        return hello

    async def _message(self, message: Message) -> None:
        kind = message.get("type")
        if kind == "ping":
            await self.send({"type": "pong", "n": message["n"]})
            return
        if kind == "welcome":
            self.seat = message["seat"]
        await self._hear(message)
        if kind == "error" and message.get("fatal"):
            raise SiteRefused(message["code"], message.get("vi", ""), message.get("en", ""), message.get("retry_after"))
