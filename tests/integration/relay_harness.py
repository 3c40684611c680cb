"""A relay process, a mixer that is only a socket, and stock aiortc sites, for the relay's integration tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc import RTCRtpSender as StockSender
from aiortc.mediastreams import VideoStreamTrack

from mcu_core import wire


async def until(fact: Callable[[], object], what: str, deadline: float = 20.0) -> None:
    """Wait for a fact, not for time."""
    end = time.monotonic() + deadline
    while not fact():
        assert time.monotonic() < end, f"waited {deadline} s in vain: {what}"
        await asyncio.sleep(0.01)


class FakeMixer:
    """Speaks wire.py at the mixer's socket: keeps what comes, sends a picture of one colour and a tone.

    `colour` is the luma of what rendition n shows: 60 + 30 * n.
    """

    def __init__(self, path: str, codec: wire.Codec = "H264", rate: int = 15) -> None:
        self.path, self.codec, self.rate = path, codec, rate
        self.video: list[wire.VideoIn] = []
        self.audio: list[wire.AudioIn] = []
        self.events: list[wire.Event] = []
        self.peers: set[wire.Peer] = set()
        self.renditions: list[int] = [1]
        self.private: dict[int, bytes] = {}
        self.keyframes_sent: list[float] = []
        self.gop = 100_000
        self._want: set[int] = set()
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._server = await wire.listen(self.path, self._new_peer)
        self._task = asyncio.create_task(self._play())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for peer in list(self.peers):
            peer.close()
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        await asyncio.sleep(0)

    def _new_peer(self) -> wire.Peer:
        peer = wire.Peer(on_event=self._event, on_media=self._media, on_lost=self.peers.discard)
        self.peers.add(peer)
        return peer

    def _event(self, peer: wire.Peer, event: wire.Event) -> None:
        self.events.append(event)
        if isinstance(event, wire.RenditionKeyframe):
            self._want.add(event.rendition)

    def _media(self, peer: wire.Peer, media: wire.Media) -> None:
        if isinstance(media, wire.VideoIn):
            self.video.append(media)
        elif isinstance(media, wire.AudioIn):
            self.audio.append(media)

    def post(self, event: wire.Event) -> None:
        for peer in self.peers:
            peer.post(event)

    async def _play(self) -> None:
        encoders: dict[int, Encoder] = {}
        tone = opus_tone(440.0)
        frame_number = sound_number = 0
        start = time.monotonic()
        while True:
            now = time.monotonic()
            while sound_number * 0.02 <= now - start:
                payload = tone[sound_number % len(tone)]
                self._send(
                    wire.AudioOut(start + sound_number * 0.02, sound_number * 960, payload, dict(self.private)).pack()
                )
                sound_number += 1
            if frame_number / self.rate <= now - start:
                for number in self.renditions:
                    encoder = encoders.setdefault(number, Encoder(self.codec, 60 + 30 * number))
                    force = number in self._want or frame_number % self.gop == 0
                    self._want.discard(number)
                    payload, keyframe = encoder.encode(frame_number, force)
                    if keyframe:
                        self.keyframes_sent.append(now)
                    rtp_time = frame_number * 90_000 // self.rate
                    tick = start + frame_number / self.rate
                    self._send(wire.VideoOut(number, keyframe, tick, rtp_time, payload).pack())
                frame_number += 1
            await asyncio.sleep(0.005)

    def _send(self, packed: bytes) -> None:
        for peer in self.peers:
            peer.send_media(packed)


class Encoder:
    """A moving bar on one colour, 320x180."""

    def __init__(self, codec: wire.Codec, luma: int, size: tuple[int, int] = (320, 180), rate: int = 15) -> None:
        context = av.VideoCodecContext.create("libx264" if codec == "H264" else "libvpx", "w")
        self._context = context
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, rate)
        context.framerate = Fraction(rate, 1)
        context.bit_rate = 300_000
        context.thread_count = 1
        context.gop_size = 100_000
        if codec == "H264":
            context.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
        else:
            context.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        self._luma = luma
        self._size = size

    def encode(self, number: int, keyframe: bool) -> tuple[bytes, bool]:
        width, height = self._size
        picture = np.full((height * 3 // 2, width), 128, np.uint8)
        picture[:height] = self._luma
        at = number * 4 % (width - 16)
        picture[:height, at : at + 16] = 235
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        frame.pict_type = av.video.frame.PictureType.I if keyframe else av.video.frame.PictureType.NONE
        packets = list(self._context.encode(frame))
        assert len(packets) == 1
        return bytes(packets[0]), bool(packets[0].is_keyframe)


def opus_tone(hertz: float, packets: int = 50) -> list[bytes]:
    context = av.AudioCodecContext.create("libopus", "w")
    context.sample_rate = 48_000
    context.layout = "mono"
    context.format = "s16"
    context.bit_rate = 32_000
    out: list[bytes] = []
    for number in range(packets + 2):
        samples = np.sin(2 * np.pi * hertz * (np.arange(960) + 960 * number) / 48_000) * 8000
        frame = av.AudioFrame.from_ndarray(samples.astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = 48_000
        frame.pts = 960 * number
        out += [bytes(packet) for packet in context.encode(frame)]
    return out[:packets]


class ToneTrack(AudioStreamTrack):
    """A sine of -12 dBFS peak."""

    def __init__(self, hertz: float = 600.0, amplitude: int = 8000) -> None:
        super().__init__()
        self._hertz, self._amplitude, self._at = hertz, amplitude, 0

    async def recv(self) -> av.AudioFrame:
        frame = cast(av.AudioFrame, await super().recv())
        count = frame.samples
        wave = np.sin(2 * np.pi * self._hertz * (np.arange(count) + self._at) / frame.sample_rate) * self._amplitude
        self._at += count
        filled = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
        filled.pts, filled.sample_rate, filled.time_base = frame.pts, frame.sample_rate, frame.time_base
        return filled


class RelayProcess:
    """`python -m mcu_core.relay` and a control connection to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.events: list[wire.Event] = []
        self.port = 0
        self.pid = 0
        self._process: asyncio.subprocess.Process | None = None
        self.peer: wire.Peer | None = None

    async def start(self) -> None:
        environment = os.environ | {
            "MCU_RUN_DIR": str(self.directory),
            "MCU_WORKER_NAME": "0",
            "MCU_RELAY_PORT": "0",
            "MCU_LOG_LEVEL": "WARNING",
        }
        self._process = await asyncio.create_subprocess_exec(sys.executable, "-m", "mcu_core.relay", env=environment)
        await self.control()
        info = await self.call(wire.RelayStatus())
        assert isinstance(info, wire.RelayInfo)
        self.port, self.pid = info.port, info.pid

    async def control(self) -> None:
        """Connect as control does, once more if need be."""
        peer = wire.Peer(on_event=lambda _, event: self.events.append(event))
        self.peer = await wire.connect(str(self.directory / "relay-0.sock"), peer, deadline=15.0)

    async def call(self, call: wire.Call) -> wire.Reply:
        assert self.peer is not None
        return await self.peer.call(call)

    async def stop(self) -> None:
        if self.peer is not None:
            self.peer.close()
        if self._process is not None:
            self._process.terminate()
            await asyncio.wait_for(self._process.wait(), 5)

    def states(self, leg: str) -> list[str]:
        return [e.state for e in self.events if isinstance(e, wire.LegState) and e.leg == leg]

    def flows(self, conference: str) -> bool:
        """Whether a site's own pictures flow there, as control was last told."""
        told = (e for e in reversed(self.events) if isinstance(e, wire.PassFlow) and e.conference == conference)
        return any(event.flows for event in [next(told, None)] if event is not None)

    def stats(self) -> wire.RelayStats | None:
        return next((e for e in reversed(self.events) if isinstance(e, wire.RelayStats)), None)


class StockSite:
    """A site on a stock RTCPeerConnection: what it sees and hears."""

    def __init__(self, *, codec: wire.Codec | None = "H264", sends: bool = True, screen: bool = False) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.lumas: list[int] = []
        self.stamps: list[int] = []  # RTP times of the pictures
        self.first_picture: float | None = None
        self.sounds = 0
        self.loudness = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.pc.on("track", self._track)
        direction = "sendrecv" if sends else "recvonly"
        self.audio_track = ToneTrack()
        self.pc.addTransceiver(self.audio_track if sends else "audio", direction=direction)
        video = self.pc.addTransceiver(VideoStreamTrack() if sends else "video", direction=direction)
        videos = [video]
        if screen:
            videos.append(self.pc.addTransceiver(VideoStreamTrack(), direction="sendonly"))
        if codec is not None:
            wanted = [
                c for c in StockSender.getCapabilities("video").codecs if c.mimeType in (f"video/{codec}", "video/rtx")
            ]
            for transceiver in videos:
                transceiver.setCodecPreferences(wanted)

    def _track(self, track: MediaStreamTrack) -> None:
        watch = self._watch(track) if track.kind == "video" else self._listen(track)
        self._tasks.append(asyncio.create_task(watch))

    async def _watch(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(Exception):
            while True:
                frame = cast(av.VideoFrame, await track.recv())
                if self.first_picture is None:
                    self.first_picture = time.monotonic()
                self.lumas.append(int(np.median(frame.to_ndarray(format="gray"))))
                self.stamps.append(frame.pts or 0)

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(Exception):
            while True:
                frame = cast(av.AudioFrame, await track.recv())
                self.sounds += 1
                self.loudness = float(np.abs(frame.to_ndarray()).max())

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def answered(self, sdp: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def close(self) -> None:
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class World:
    """One conference: a mixer and its sites on a relay."""

    def __init__(self, relay: RelayProcess, conference: str = "c-test", codec: wire.Codec = "H264") -> None:
        self.relay = relay
        self.conference = conference
        self.mixer = FakeMixer(str(relay.directory / f"mixer-{conference}.sock"), codec)
        self.sites: list[StockSite] = []
        self.plans: dict[str, wire.LegPlan] = {}
        self.passes: tuple[wire.PassPlan, ...] = ()

    async def join(self, leg: str, site: int, plan: dict[str, Any] | None = None, **kind: Any) -> StockSite:
        """A site joins with a plan; returns when its leg is connected."""
        stock = StockSite(**kind)
        self.sites.append(stock)
        answer = await self.open(leg, site, await stock.offer())
        await self.plan(leg, **(plan or {}))
        before = self.relay.states(leg).count("connected")
        await stock.answered(answer)
        await until(lambda: self.relay.states(leg).count("connected") > before, f"{leg} connects")
        return stock

    async def open(self, leg: str, site: int, offer: str) -> str:
        reply = await self.relay.call(wire.OpenLeg(leg, self.conference, site, self.mixer.path, offer))
        assert isinstance(reply, wire.LegAnswer)
        return reply.answer

    async def plan(self, leg: str, **plan: Any) -> None:
        self.plans[leg] = wire.LegPlan(leg, **plan)
        await self._apply()

    async def pass_on(self, *passes: wire.PassPlan) -> None:
        self.passes = passes
        await self._apply()

    async def _apply(self) -> None:
        legs = tuple(self.plans.values())
        await self.relay.call(wire.LegPlans(self.conference, self.mixer.path, legs, passes=self.passes))

    async def close(self) -> None:
        for site in self.sites:
            await site.close()
        for leg in self.plans:
            await self.relay.call(wire.CloseLeg(leg))
        await self.relay.call(wire.LegPlans(self.conference, self.mixer.path, ()))
        await self.mixer.stop()


@contextlib.asynccontextmanager
async def world(relay: RelayProcess, conference: str = "c-test", codec: wire.Codec = "H264") -> AsyncIterator[World]:
    made = World(relay, conference, codec)
    await made.mixer.start()
    try:
        yield made
    finally:
        await made.close()


@contextlib.asynccontextmanager
async def relay_process() -> AsyncIterator[RelayProcess]:
    with tempfile.TemporaryDirectory(prefix="mcu-") as directory:
        made = RelayProcess(Path(directory))
        try:
            await made.start()
            yield made
        finally:
            await made.stop()
