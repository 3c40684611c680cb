"""A stand-in relay and control for tests of the real mixer process: sites made of one colour and one tone each."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from mcu_core.mixing.suspects import DecodingMarks
from mcu_core.wire import (
    AudioIn,
    AudioOut,
    Event,
    Media,
    MixerStats,
    MixPlan,
    Peer,
    PictureWait,
    PlanApplied,
    PlanOnAir,
    RelayAttached,
    RenditionKeyframe,
    RenditionPlan,
    SiteKeyframe,
    SitePlan,
    TilePlan,
    Track,
    VideoIn,
    VideoOut,
    ViewPlan,
    connect,
)
from mixer.codec import OpusDecoder, OpusEncoder, VideoDecoder, video_encoder
from mixer.picture import Canvas, Picture

COLOURS = ((60, 90, 200), (110, 200, 90), (160, 60, 60), (200, 160, 160), (90, 160, 60), (140, 110, 190))  # y, u, v
FRAMES = 30  # of a pre-encoded loop, the first a keyframe
RATE = 15


@cache
def video(site: int, width: int = 320, height: int = 180) -> tuple[bytes, ...]:
    """An endless loop of H.264: the colour of `site` with a little noise that moves."""
    canvas, noise = Canvas(width, height), np.random.default_rng(site)
    encoder = video_encoder("H264", width, height, RATE, 300_000)
    frames = []
    for n in range(FRAMES):
        canvas.picture.fill(COLOURS[site % len(COLOURS)])
        canvas.picture.y[40:120, 60:200] += noise.integers(0, 12, (80, 140), np.uint8)
        frames += [each.payload for each in encoder.encode(canvas.frame, n * 6000)]
    encoder.close()
    return tuple(frames)


def tone_of(site: int) -> float:
    return 300.0 * (site + 1)


@cache
def sound(site: int) -> tuple[bytes, ...]:
    """Three seconds of the tone of `site` in Opus packets; whole periods, so that it loops without a click."""
    at = np.arange(150 * 960) / 48_000
    pcm = (6000 * np.sin(2 * np.pi * tone_of(site) * at)).astype(np.int16)
    encoder = OpusEncoder()
    packets = tuple(encoder.encode(pcm[n * 960 : (n + 1) * 960]) for n in range(150))
    encoder.close()
    return packets


class Site:
    """Sends its loops; a keyframe when it is asked for one, as a browser would."""

    def __init__(self, number: int, *, speaks: bool = False, films: bool = True, garbage: bool = False) -> None:
        self.number, self.speaks, self.films, self.garbage = number, speaks, films, garbage
        self.keyframe_wanted = False
        self.keyframes_asked = 0
        self._frame = 1  # never starts with a keyframe by itself
        self._packet = 0

    def next_video(self, now: float) -> VideoIn:
        if self.keyframe_wanted or self._frame == FRAMES:
            self._frame, self.keyframe_wanted = 0, False
        frame, self._frame = self._frame, self._frame + 1
        payload = os.urandom(800) if self.garbage else video(self.number)[frame]
        if self.garbage:  # a slice that names parameter sets it never had, after good ones
            payload = video(self.number)[0][:40] + b"\0\0\0\1\x65" + payload
        stamp = round(now * 90_000) % 2**32
        return VideoIn(self.number, "camera", "H264", frame == 0 or self.garbage, now, stamp, payload)

    def next_audio(self, now: float) -> AudioIn:
        n, self._packet = self._packet, self._packet + 1
        level = 20 if self.speaks else 127
        return AudioIn(
            self.number, (65_500 + n) % 65_536, level, True, now, (n * 960) % 2**32, sound(self.number)[n % 150]
        )


class FakeRelay:
    """Keeps a connection to the mixer's socket as a relay does, and records what comes out."""

    def __init__(self, path: str, sites: list[Site], name: str = "0") -> None:
        self.path, self.sites, self.name = path, {site.number: site for site in sites}, name
        self.peer: Peer | None = None
        self.video: dict[int, list[VideoOut]] = defaultdict(list)
        self.audio: list[AudioOut] = []
        self.asked: list[tuple[int, Track]] = []
        self.waits: dict[int, float] = {}  # seconds that passed pictures of a site wait for its sound
        self.heard = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stay_connected())
            tasks.create_task(self._send(1 / RATE, self._send_video))
            tasks.create_task(self._send(0.02, self._send_audio))

    async def _stay_connected(self) -> None:
        while True:
            peer = Peer(on_event=self._on_event, on_media=self._on_media)
            await connect(self.path, peer, deadline=30)
            peer.post(RelayAttached(self.name))
            self.peer = peer
            await peer.closed.wait()

    async def _send(self, period: float, send: Callable[[Site, float], None]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += period
            await asyncio.sleep(due - loop.time())
            for site in self.sites.values():
                send(site, loop.time())

    def _send_video(self, site: Site, now: float) -> None:
        if site.films and self.peer is not None:
            self.peer.send_media(site.next_video(now).pack())

    def _send_audio(self, site: Site, now: float) -> None:
        if site.speaks and self.peer is not None:
            self.peer.send_media(site.next_audio(now).pack())

    def _on_event(self, peer: Peer, event: Event) -> None:
        if isinstance(event, SiteKeyframe):
            self.asked.append((event.site, event.track))
            if event.site in self.sites:
                self.sites[event.site].keyframe_wanted = True
        elif isinstance(event, PictureWait):
            self.waits[event.site] = event.seconds

    def _on_media(self, peer: Peer, media: Media) -> None:
        if isinstance(media, VideoOut):
            self.video[media.rendition].append(media)
        elif isinstance(media, AudioOut):
            self.audio.append(media)

    def ask_keyframe(self, rendition: int) -> None:
        assert self.peer is not None
        self.peer.post(RenditionKeyframe(rendition))


class Control:
    """Sends plans and keeps the events."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._peer: Peer | None = None
        self.events: list[Event] = []

    async def send(self, plan: MixPlan) -> None:
        if self._peer is None or self._peer.closed.is_set():
            self._peer = await connect(
                self._path, Peer(on_event=lambda _, event: self.events.append(event)), deadline=20
            )
        assert isinstance(await self._peer.call(plan), PlanApplied)

    def on_air(self, revision: int) -> bool:
        return any(isinstance(event, PlanOnAir) and event.revision == revision for event in self.events)

    @property
    def stats(self) -> MixerStats | None:
        return next((event for event in reversed(self.events) if isinstance(event, MixerStats)), None)


@dataclass(slots=True)
class Bench:
    """What a test holds in its hands."""

    run_dir: Path
    relay: FakeRelay
    control: Control
    pid: int = 0

    async def sees(self, rendition: int, tiles: dict[tuple[int, int], int], deadline: float = 3.0) -> float:
        """Wait until the pictures of `rendition` show the colour of a site round each pixel; seconds it took."""
        decoder, seen, shown = VideoDecoder("H264"), 0, {}
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < deadline:
            pictures = self.relay.video[rendition]
            for each in pictures[seen:]:
                if seen == 0 and not each.keyframe:
                    pictures.remove(each)
                    continue
                seen += 1
                for frame in decoder.decode(each.payload, each.rtp_time):
                    shown = {at: colour_at(Picture.from_frame(frame), *at) for at in tiles}
            if shown and all(shown[at] == site for at, site in tiles.items()):
                decoder.close()
                return loop.time() - began
            await asyncio.sleep(0.01)
        raise AssertionError(f"wanted {tiles}, saw {shown}")

    async def until(self, fact: Callable[[], bool], deadline: float = 3.0) -> None:
        async with asyncio.timeout(deadline):
            while not fact():
                await asyncio.sleep(0.01)

    async def listen(self, seconds: float, site: int | None = None) -> NDArray[np.float64]:
        """What `site` (None: a listener) hears from now on, as a spectrum: amplitude at the tone of each site."""
        start = len(self.relay.audio)
        await self.until(lambda: len(self.relay.audio) >= start + seconds * 50, seconds + 3)
        decoder = OpusDecoder()
        ticks = self.relay.audio[start:]
        packets = [tick.shared if site is None else tick.private.get(site, tick.shared) for tick in ticks]
        pcm = np.concatenate([decoder.decode(packet) for packet in packets]).astype(np.float64)[4800:]
        decoder.close()
        window = np.hanning(pcm.size)
        at = np.arange(pcm.size) / 48_000
        scale = 2 / window.sum()
        return np.array(
            [scale * abs(np.dot(pcm * window, np.exp(-2j * np.pi * tone_of(n) * at))) for n in range(len(COLOURS))]
        )


def colour_at(picture: Picture, x: int, y: int) -> int:
    """The site whose colour stands at a pixel; -1: nobody's."""
    found = [int(np.median(picture.y[y - 4 : y + 4, x - 4 : x + 4]))]
    found += [
        int(np.median(plane[y // 2 - 2 : y // 2 + 2, x // 2 - 2 : x // 2 + 2])) for plane in (picture.u, picture.v)
    ]
    for site, colour in enumerate(COLOURS):
        if all(abs(a - b) < 16 for a, b in zip(found, colour, strict=True)):
            return site
    return -1


def grid(sites: list[int | None], columns: int = 2) -> tuple[TilePlan, ...]:
    """Sites row by row in equal tiles."""
    side = 1 / columns
    return tuple(
        TilePlan(n % columns * side, n // columns * side, side, side, site=site) for n, site in enumerate(sites)
    )


def plan(revision: int, sites: list[SitePlan], shown: list[int | None], **more: object) -> MixPlan:
    """The programme with `shown` on it in a grid and one rendition, 640x360 at 15 frames/s."""
    columns = max(1, int(np.ceil(np.sqrt(len(shown)))))
    view = ViewPlan("programme", 640, 360, 15.0, grid(shown, columns))
    rendition = RenditionPlan(1, "programme", "H264", 640, 360, 15.0, 600_000)
    given: dict[str, object] = {"views": (view,), "renditions": (rendition,), **more}
    return MixPlan("c-1", revision, tuple(sites), **given)  # type: ignore[arg-type]


@asynccontextmanager
async def bench(sites: list[Site], *, start: bool = True, crashed_on: int | None = None) -> AsyncIterator[Bench]:
    """A mixer process (unless a supervisor starts it), a relay with `sites`, and control.

    `crashed_on`: the mixer before it crashed while it decoded this site.
    """
    with tempfile.TemporaryDirectory(prefix="mcu", dir="/tmp") as folder:
        path = f"{folder}/mixer-c-1.sock"
        environment = os.environ | {"MCU_RUN_DIR": folder, "MCU_WORKER_NAME": "c-1", "MCU_LOG_LEVEL": "warning"}
        if crashed_on is not None:
            DecodingMarks(Path(folder) / "mixer-c-1.decoding").begin((crashed_on, "camera"))
            environment["MCU_WORKER_CRASHED"] = "1"
        process = None
        if start:
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", "mcu_core.mixing", env=environment)
        relay, control = FakeRelay(path, sites), Control(path)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(relay.run())
                yield Bench(Path(folder), relay, control, process.pid if process else 0)
                running.cancel()
        finally:
            if process is not None:
                if process.returncode is None:
                    process.terminate()
                assert await asyncio.wait_for(process.wait(), 10) in (0, -15, -9), "the mixer did not end in order"


def frame_size(payload: bytes) -> tuple[int, int]:
    """Width and height of an encoded keyframe."""
    context = av.VideoCodecContext.create("h264", "r")
    frames = [*context.decode(av.Packet(payload)), *context.decode(None)]
    return frames[0].width, frames[0].height
