"""What a headless site sends, as tracks for a stock `RTCPeerConnection`: encoded loops, or frames for its encoders.

All tracks follow the wall clock, so the frame number on a plate tells its age.  A loop track yields `av.Packet`,
which stock senders pass through at no encoding cost.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from aiortc.mediastreams import MediaStreamTrack

from endpoint_client.loops import SoundLoop, VideoLoop
from endpoint_client.pattern import Pattern
from endpoint_client.tones import BLOCK, RATE, Voice, voice_pcm

VIDEO_CLOCK = Fraction(1, 90_000)
SOUND_CLOCK = Fraction(1, RATE)
if TYPE_CHECKING:
    Packet = av.Packet[Any]  # encoded, of no stream

_BEHIND = 0.5  # seconds a track may be late before it skips what it missed


@dataclass(frozen=True, slots=True)
class Turns:
    """Who speaks when several sites take turns: place `order` of `of`, each `seconds` long (a multiple of the GOP)."""

    order: int
    of: int
    seconds: int = 4

    def mine(self, now: float) -> bool:
        return int(now // self.seconds) % self.of == self.order


class _Paced:
    """Gives the number of the next unit of a `period`, counted since the epoch, when it is due."""

    def __init__(self, period: Fraction) -> None:
        self._period = period
        self._next: int | None = None

    async def wait(self) -> int:
        now = time.time()
        if self._next is None or now - float(self._next * self._period) > _BEHIND:
            self._next = int(now / self._period) + 1
        number = self._next
        delay = float(number * self._period) - now
        if delay > 0:
            await asyncio.sleep(delay)
        self._next = number + 1
        return number


class LoopVideo(MediaStreamTrack):
    """A site's picture from prepared loops.

    `speaking` and `silent` are loops of one size and rate, exchanged at keyframes; `change` sets new ones (a hint),
    or none: then nothing is sent until there are some again.  `replay` answers a keyframe request by sending what was
    sent since the last keyframe once more, in one burst: the plate stays true to the clock.
    """

    kind = "video"

    def __init__(self, turns: Turns | None = None) -> None:
        super().__init__()
        self._turns = turns
        self._loops: tuple[VideoLoop, VideoLoop] | None = None
        self._current: VideoLoop | None = None
        self._paced: _Paced | None = None
        self._active = asyncio.Event()
        self._burst: deque[bytes] = deque()
        self._pts = -1
        self._index = 0
        self._since: float | None = None
        self._replayed = 0.0

    @property
    def loop(self) -> VideoLoop | None:
        """The loop being sent."""
        return self._loops[0] if self._loops else None

    def change(self, speaking: VideoLoop | None, silent: VideoLoop | None = None) -> None:
        if speaking is None:
            self._loops = None
            self._active.clear()
            return
        self._loops = (speaking, silent or speaking)
        self._current = None
        self._paced = _Paced(Fraction(1, speaking.frame_rate))
        self._active.set()

    def replay(self) -> None:
        """Send everything since the last keyframe again; at most twice a second."""
        loop, now = self._current, time.monotonic()
        if loop is None or self._burst or now - self._replayed < 0.5:
            return
        self._replayed = now
        first = max(key for key in loop.keyframes if key <= self._index)
        self._burst.extend(loop.payloads[first : self._index + 1])

    async def recv(self) -> Packet:
        if self._burst:
            return self._packet(self._burst.popleft(), self._pts + 90)
        while True:
            await self._active.wait()
            paced, loops = self._paced, self._loops
            if paced is None or loops is None:
                continue
            number = await paced.wait()
            if self._loops is loops:  # not changed while waiting
                break
        index = number % len(loops[0].payloads)
        if self._current is None or index in self._current.keyframes:
            mine = self._turns is None or self._turns.mine(time.time() + 0.01)
            start, self._current = self._current is None, loops[0 if mine else 1]
            if start and index not in self._current.keyframes:
                self._index = index
                first = max(key for key in self._current.keyframes if key <= index)
                self._burst.extend(self._current.payloads[first : index + 1])
                return self._packet(self._burst.popleft(), self._pts_of(number, loops[0].frame_rate))
        self._index = index
        return self._packet(self._current.payloads[index], self._pts_of(number, loops[0].frame_rate))

    def _pts_of(self, number: int, frame_rate: int) -> int:
        due = number / frame_rate
        if self._since is None:
            self._since = due
        return round((due - self._since) * 90_000)

    def _packet(self, payload: bytes, pts: int) -> Packet:
        self._pts = max(pts, self._pts + 1)
        packet = av.Packet(payload)
        packet.pts, packet.time_base = self._pts, VIDEO_CLOCK
        return packet


class LoopSound(MediaStreamTrack):
    """A site's sound from prepared loops: `speaking` in its turns, otherwise `silent`.

    `level_dbov` is the level of the packet given last, for the RTP header.  While `muted` it sends silence.
    """

    kind = "audio"

    def __init__(self, speaking: SoundLoop, silent: SoundLoop, turns: Turns | None = None) -> None:
        super().__init__()
        self._speaking, self._silent, self._turns = speaking, silent, turns
        self._paced = _Paced(Fraction(BLOCK, RATE))
        self._first: int | None = None
        self.muted = False
        self.level_dbov = -127

    async def recv(self) -> Packet:
        number = await self._paced.wait()
        if self._first is None:
            self._first = number
        mine = self._turns is None or self._turns.mine(number * BLOCK / RATE)
        loop = self._speaking if mine and not self.muted else self._silent
        index = number % len(loop.packets)
        self.level_dbov = loop.levels[index]
        packet = av.Packet(loop.packets[index])
        packet.pts, packet.time_base = (number - self._first) * BLOCK, SOUND_CLOCK
        return packet


class LiveVideo(MediaStreamTrack):
    """A site's pattern as raw frames: the stock encoder does the work and obeys keyframe and bitrate requests."""

    kind = "video"

    def __init__(self, site: Callable[[], int], width: int, height: int, frame_rate: int) -> None:
        super().__init__()
        self._site, self._size, self._rate = site, (width, height), frame_rate
        self._pattern: Pattern | None = None
        self._paced = _Paced(Fraction(1, frame_rate))
        self._first: int | None = None

    async def recv(self) -> av.VideoFrame:
        number = await self._paced.wait()
        if self._pattern is None or self._pattern.site != self._site():
            self._pattern = Pattern(self._site(), *self._size, self._rate)
        if self._first is None:
            self._first = number
        frame = self._pattern.frame(number % self._pattern.frames)
        frame.pts, frame.time_base = (number - self._first) * 90_000 // self._rate, VIDEO_CLOCK
        return frame


class LiveSound(MediaStreamTrack):
    """A site's voice as raw mono frames of 20 ms for the stock Opus encoder (which measures their level itself)."""

    kind = "audio"

    def __init__(self, voice: Voice, site: Callable[[], int]) -> None:
        super().__init__()
        self._voice, self._site = voice, site
        self._paced = _Paced(Fraction(BLOCK, RATE))
        self._pcm = voice_pcm("silence", 0)
        self._of: int | None = None
        self._first: int | None = None
        self.muted = False

    async def recv(self) -> av.AudioFrame:
        number = await self._paced.wait()
        if self._of != self._site():
            self._of = self._site()
            self._pcm = voice_pcm(self._voice, self._of)
        if self._first is None:
            self._first = number
        start = number * BLOCK % len(self._pcm)
        samples = self._pcm[start : start + BLOCK][None, :].copy()
        frame = av.AudioFrame.from_ndarray(samples * (not self.muted), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, (number - self._first) * BLOCK, SOUND_CLOCK
        return frame


class Shaped(MediaStreamTrack):
    """Frames of another track, made no larger and no faster than `shape` (width, height, frames a second).

    While `shape` is None frames are read and thrown away, so that a player does not run into a full queue.
    """

    kind = "video"

    def __init__(self, source: MediaStreamTrack) -> None:
        super().__init__()
        self._source = source
        self.shape: tuple[int, int, int] | None = (1280, 720, 30)
        self._next = 0.0

    async def recv(self) -> av.VideoFrame:
        while True:
            frame = await self._source.recv()
            assert isinstance(frame, av.VideoFrame)
            shape, now = self.shape, time.monotonic()
            if shape is None or now < self._next - 0.2 / shape[2]:
                continue
            width, height, rate = shape
            due = self._next if abs(now - self._next) < 1 / rate else now  # early by jitter is still in time
            self._next = due + 1 / rate
            scale = min(1.0, width / frame.width, height / frame.height)
            if scale == 1.0:
                return frame
            width, height = (max(32, round(side * scale / 2) * 2) for side in (frame.width, frame.height))
            small = frame.reformat(width, height, "yuv420p")
            small.pts, small.time_base = frame.pts, frame.time_base
            return small

    def stop(self) -> None:
        super().stop()
        self._source.stop()
