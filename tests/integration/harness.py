"""A whole real MCU and scripted sites for integration tests; every wait is for a fact, with a deadline.

The server is `mcu serve` in a process of its own (benchmarks/server.py), the sites are stock aiortc peers
(endpoint_client/headless_site.py).  Sites see small differences in time only: the machine may be busy.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection

from benchmarks.server import Server
from endpoint_client.headless_site import HeadlessSite
from endpoint_client.marks import Box
from endpoint_client.media import Media, SiteOptions
from mcu_core.wire import ListWorkers, Peer, WorkerInfo, Workers, connect

PATIENCE = 20.0  # seconds for anything that is not measured


async def eventually(fact: Callable[[], Awaitable[bool]], what: str, timeout: float = PATIENCE) -> None:
    """Ask again every 50 ms until it is true."""
    until = time.monotonic() + timeout
    while not await fact():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {timeout} s: {what}")
        await asyncio.sleep(0.05)


class LossyLink:
    """Loses packets on their way to a site, at the socket of its stock peer connection."""

    def __init__(self, *, drop_first_picture: bool = False, loss: float = 0.0) -> None:
        self._drop_first_picture, self._loss = drop_first_picture, loss
        self._first: bytes | None = None  # RTP time of the first picture
        self._random = random.Random(1)
        self.lost = 0

    def attach(self, media: Media) -> None:
        """Put it before the DTLS transport of a connection; for `HeadlessSite.on_media`."""
        ice = media.pc.getTransceivers()[0].receiver.transport.transport
        inner = ice._recv
        self._first = None

        async def receive() -> bytes:
            while True:
                data: bytes = await inner()
                if not self._loses(data):
                    return data
                self.lost += 1

        ice._recv = receive

    def _loses(self, data: bytes) -> bool:
        if len(data) < 12 or not 128 <= data[0] <= 191 or 192 <= data[1] <= 223:
            return False  # STUN, DTLS, RTCP
        if self._drop_first_picture and len(data) > 300:  # sound packets are smaller
            if self._first is None:
                self._first = data[4:8]
            return data[4:8] == self._first
        return self._random.random() < self._loss


class Mcu(Server):
    """The server, and its processes by name."""

    async def workers(self) -> list[WorkerInfo]:
        """What the supervisor runs now."""
        peer = await connect(str(self.run_dir / "node.sock"), Peer())
        try:
            reply = await peer.call(ListWorkers())
        finally:
            peer.close()
        assert isinstance(reply, Workers)
        return list(reply.workers)

    async def worker(self, kind: str, name: str | None = None) -> WorkerInfo:
        found = [w for w in await self.workers() if w.kind == kind and (name is None or w.name == name)]
        assert len(found) == 1, f"{kind} {name}: {found}"
        return found[0]

    async def kill(self, kind: str, name: str | None = None, number: signal.Signals = signal.SIGKILL) -> float:
        """`kill -9` a worker, or send it another signal; the moment it was done."""
        worker = await self.worker(kind, name)
        os.kill(worker.pid, number)
        return time.monotonic()

    async def rooms_served(self) -> None:
        """Wait until control, relay and database answer."""
        await eventually(self._healthy, "health ok")

    async def _healthy(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session,
                session.get(f"{self.url}/healthz", timeout=aiohttp.ClientTimeout(total=2)) as answer,
            ):
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False


class Room:
    """One conference and the sites that joined it; `close` releases all."""

    def __init__(self, mcu: Mcu, conference: str) -> None:
        self.mcu, self.id = mcu, conference
        self.sites: list[HeadlessSite] = []
        self._layouts: dict[str, list[dict[str, Any]]] = {}

    @classmethod
    async def open(cls, mcu: Mcu, title: str) -> Room:
        return cls(mcu, await mcu.conference(title))

    async def add(self, name: str, role: str = "member") -> dict[str, Any]:
        """Make a site without joining; see `Server.site`."""
        return await self.mcu.site(self.id, name, role)

    async def join(
        self, name: str, role: str = "member", *, link: LossyLink | None = None, **options: Any
    ) -> HeadlessSite:
        """Make a site and join it with `SiteOptions(**options)`."""
        made = await self.add(name, role)
        return await self.enter(made["token"], name, link=link, **options)

    async def enter(
        self, token: str, name: str = "", *, link: LossyLink | None = None, seat: str | None = None, **options: Any
    ) -> HeadlessSite:
        """Join with a token, as a site or a monitor."""
        site = HeadlessSite(self.mcu.url, token, options=SiteOptions(**options), ca=self.mcu.ca, name=name)
        site.link.seat = seat
        if link is not None:
            site.on_media = link.attach
        self.sites.append(site)
        await site.start()
        return site

    async def watch(self, view: str) -> HeadlessSite:
        """Join a monitor of a view."""
        return await self.enter(await self.mcu.monitor(self.id, view), view, watch=view)

    async def command(self, method: str, path: str, body: Any = None) -> Any:
        return await self.mcu.api(method, f"/conferences/{self.id}{path}", body)

    async def podium(self, site: HeadlessSite | None) -> Any:
        return await self.command("POST", "/podium", {"site": site.site_id if site else None})

    async def mute(self, site: HeadlessSite, muted: bool = True) -> Any:
        return await self.command("PUT", f"/sites/{site.site_id}/muted", {"muted": muted})

    async def state(self) -> Any:
        return await self.mcu.api("GET", f"/conferences/{self.id}/state")

    async def site_state(self, site: HeadlessSite) -> Any:
        return next(one for one in (await self.state())["sites"] if one["id"] == site.site_id)

    async def place(self, view: str, site: HeadlessSite) -> Box:
        """Where the layout of a view says that a site's camera is; (x, y, w, h) in fractions."""
        if not self._layouts:
            self._layouts = {one["name"]: one["cells"] for one in await self.mcu.api("GET", "/layouts")}
        now = (await self.state())["views"][view]
        cells = self._layouts[now["effective_layout"]]
        index = next(
            i for i, cell in enumerate(now["cells"]) if cell["site"] == site.site_id and cell["track"] == "camera"
        )
        cell = cells[index]
        return cell["x"], cell["y"], cell["w"], cell["h"]

    async def close(self) -> None:
        await asyncio.gather(*(site.stop() for site in self.sites))
        await self.mcu.rooms_served()
        await self.mcu.request("DELETE", f"/conferences/{self.id}")


class RawEndpoint:
    """An endpoint's WebSocket by hand, for what no well-behaved endpoint says."""

    def __init__(self, mcu: Mcu) -> None:
        self._mcu = mcu
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> RawEndpoint:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False))
        self._socket = await self._session.ws_connect(
            f"{self._mcu.url}/ws/v1/endpoint", headers={"Origin": self._mcu.url}, max_msg_size=1 << 20
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._socket is not None
        assert self._session is not None
        await self._socket.close()
        await self._session.close()

    async def say(self, message: dict[str, Any] | str) -> None:
        assert self._socket is not None
        await self._socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def hello(self, token: str, **more: Any) -> dict[str, Any]:
        """Say hello; welcome or the error."""
        await self.say({"type": "hello", "version": 1, "token": token, "client": "test/0", "language": "vi", **more})
        return await self.answer("welcome", "error")

    async def answer(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these kinds; others are passed over."""
        assert self._socket is not None
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self._socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return {"type": "closed", "code": self._socket.close_code}
                body: dict[str, Any] = json.loads(message.data)
                if body["type"] == "ping":
                    await self.say({"type": "pong", "n": body["n"]})
                if body["type"] in kinds:
                    return body

    async def closed(self) -> int | None:
        """Wait until the MCU closes; the close code."""
        while (await self.answer("closed"))["type"] != "closed":
            pass
        assert self._socket is not None
        return self._socket.close_code


async def stock_offer() -> str:
    """The SDP offer of a stock peer connection that will never be answered."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    try:
        pc.addTransceiver("audio")
        pc.addTransceiver("video")
        await pc.setLocalDescription(await pc.createOffer())
        sdp: str = pc.localDescription.sdp
        return sdp
    finally:
        await pc.close()
