"""The headless site against a stand-in for the MCU: a WebSocket, and a stock peer that sends a known picture."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from endpoint_client.headless import HeadlessSite, SiteOptions, SiteRefused, run_site
from endpoint_client.loops import sound_loop, video_loop
from endpoint_client.media import answered_codec
from endpoint_client.stock import send_levels
from endpoint_client.tracks import LoopSound, LoopVideo
from endpoint_client.watching import PictureWatch, SoundWatch

SHOWN = 9  # the site whose pattern the stand-in sends


class StandIn:
    """Speaks just enough of signaling/protocol.md; keeps what it was told and saw."""

    def __init__(self) -> None:
        self.hellos: list[dict[str, Any]] = []
        self.heard: list[dict[str, Any]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.pcs: list[RTCPeerConnection] = []
        self.seen: set[int] = set()
        self.tones: set[int] = set()
        self.sizes: set[tuple[int, int]] = set()
        self.sound_at = 0.0  # when the last block of it arrived
        self.media_lives = False
        self.url = ""

    async def endpoint(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            await self._message(socket, json.loads(message.data))
        return socket

    async def _message(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        self.heard.append(message)
        if message["type"] == "hello":
            self.hellos.append(message)
            if message["token"] == "wrong":
                await socket.send_json(
                    {"type": "error", "code": "bad_token", "vi": "sai", "en": "wrong", "fatal": True}
                )
                await socket.close()
                return
            number = 40 if message["token"] == "other" else 4
            await socket.send_json(
                {
                    "type": "welcome",
                    "version": 1,
                    "seat": "s-1",
                    "role": "member",
                    "site": {"id": "four", "name": "Bốn", "number": number},
                    "conference": {"id": "c-1", "title": "Họp"},
                    "media": "keep" if self.media_lives and message.get("media") else "offer",
                    "view": "programme",
                }
            )
        elif message["type"] == "offer":
            await socket.send_json({"type": "answer", "sdp": await self._answer(message["sdp"])})
        elif message["type"] == "leave":
            await socket.close()

    async def _answer(self, offer: str) -> str:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pcs.append(pc)
        pc.on("track", lambda track: asyncio.ensure_future(self._watch(track)))
        await pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        video, sound = LoopVideo(), LoopSound(sound_loop("tone", SHOWN), sound_loop("silence", 0))
        pc.addTrack(video)
        send_levels(pc.addTrack(sound), sound)
        answer = await pc.createAnswer()
        codec = answered_codec(answer.sdp)
        assert codec is not None
        video.change(video_loop(codec, SHOWN, 640, 360, 15))
        await pc.setLocalDescription(answer)
        return pc.localDescription.sdp

    async def _watch(self, track: Any) -> None:
        sounds = SoundWatch()
        while True:
            try:
                frame = await track.recv()
            except Exception:
                return
            if track.kind == "video":
                self.sizes.add((frame.width, frame.height))
                self.seen |= {sighting.mark.site for sighting in PictureWatch.read(frame)}
            else:
                self.sound_at = time.monotonic()
                sounds.listen(frame, 0, 0)
                self.tones |= set(sounds.now_heard)


@pytest.fixture
async def mcu() -> AsyncIterator[StandIn]:
    stand_in = StandIn()
    app = web.Application()
    app.router.add_get("/ws/v1/endpoint", stand_in.endpoint)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stand_in.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield stand_in
    await asyncio.gather(*(pc.close() for pc in stand_in.pcs))
    await runner.cleanup()


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_site_is_seen_and_heard_and_reports_what_it_sees_and_hears(mcu: StandIn, codec: Any) -> None:
    site = HeadlessSite(mcu.url, "t", options=SiteOptions(codec=codec, looks_per_second=0))
    await site.start()
    try:
        sighting = await site.sees(SHOWN, where=(0, 0, 1, 1))
        assert sighting.mark.site == SHOWN
        assert await site.hears(SHOWN) == pytest.approx(-20, abs=3)
        await site.sees_not(4, for_seconds=0.3)
        await site.until(lambda: 4 in mcu.seen and 4 in mcu.tones, "site 4 at the other side")
        await site.until(lambda: len(site.pictures.seen[SHOWN].ages) > 10, "ages")
        report = site.report()
    finally:
        await site.stop()
    assert json.loads(json.dumps(report)) == report
    (seen,) = report["picture"]["seen"]
    assert (seen["site"], report["picture"]["width"], report["sending"]["codec"]) == (SHOWN, 640, codec)
    assert 0 <= seen["age_ms_p50"] < 500
    assert report["hears_itself"] is False
    assert mcu.heard[-1] == {"type": "leave"}


async def test_site_obeys_hints_comes_back_with_its_seat_and_rejoins(mcu: StandIn) -> None:
    site = HeadlessSite(mcu.url, "t", options=SiteOptions(live=False))
    await site.start()
    try:
        await site.until(lambda: (320, 180) in mcu.sizes, "full size")
        hint = {"type": "hint", "track": "camera", "width": 160, "height": 90, "frame_rate": 7, "bitrate_bps": 1}
        await mcu.sockets[0].send_json({**hint, "active": True})
        await site.until(lambda: (160, 90) in mcu.sizes, "small size")
        assert site.media is not None
        assert site.media.sending() == {"codec": "VP8", "width": 160, "height": 90, "frame_rate": 6}
        await mcu.sockets[0].send_json({**hint, "active": False})
        await site.until(lambda: site.media is not None and site.media.sending() is None, "nothing sent")

        await site.until(lambda: 0 < time.monotonic() - mcu.sound_at < 0.1, "its sound")
        await mcu.sockets[0].send_json({**hint, "track": "microphone", "active": False})
        await site.until(lambda: time.monotonic() - mcu.sound_at > 0.3, "no sound")

        mcu.media_lives = True
        await site.link.drop()
        await site.until(lambda: time.monotonic() - mcu.sound_at < 0.1, "its sound, for it cannot be told to send it")
        await site.until(lambda: len(site.welcomes) == 2, "coming back")
        assert mcu.hellos[1]["seat"] == "s-1"
        assert mcu.hellos[1]["media"] is True
        assert len(mcu.pcs) == 1

        await mcu.sockets[1].send_json({"type": "media", "action": "rejoin", "spread_ms": 10})
        await site.until(lambda: site.media_connections == 2, "a new media connection")
        await site.sees(SHOWN)
    finally:
        await site.stop()


async def test_live_site_uses_the_stock_encoders(mcu: StandIn) -> None:
    site = HeadlessSite(mcu.url, "t", options=SiteOptions(live=True))
    await site.start()
    try:
        await site.until(lambda: 4 in mcu.seen and 4 in mcu.tones, "site 4 at the other side", 15)
    finally:
        await site.stop()


async def test_refusal_ends_the_start(mcu: StandIn) -> None:
    with pytest.raises(SiteRefused, match="bad_token"):
        await HeadlessSite(mcu.url, "wrong").start()


async def test_command_runs_several_sites_and_reports_a_list(mcu: StandIn) -> None:
    out, stop = io.StringIO(), asyncio.Event()
    command = asyncio.create_task(
        run_site(f"{mcu.url}/join/t", more=[f"{mcu.url}/join/other"], seconds=20, out=out, stop=stop, decode=0)
    )
    async with asyncio.timeout(15):
        while not {4, 40} <= mcu.seen:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    stop.set()
    reports = await command
    assert json.loads(out.getvalue()) == reports
    assert [report["site"]["number"] for report in reports] == [4, 40]
    assert all(report["picture"]["frames"] > 3 and report["picture"]["seen"] == [] for report in reports)
