"""The decoder pool of one conference: a decoder for each track on a screen that somebody watches, none for the others.

Owned by the event loop; the threads only see single streams.  A stream starts with a keyframe, which is asked for at
once and again while it does not come.  Streams on slow views only, a wall of 200 sites, take turns in threads of their
own: all at once they would keep every processor from the programme's ticks for tens of milliseconds.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor

import structlog

from mcu_core.errors import McuError
from mcu_core.mixing.quarantine import Quarantine, Source
from mcu_core.mixing.suspects import DecodingMarks
from mcu_core.mixing.video_stream import VideoStream
from mcu_core.wire import Track, VideoIn
from mixer.picture import Picture

log = structlog.get_logger("mixing")

STALE: dict[Track, float] = {"camera": 3.0, "screen": 15.0}  # seconds; a still screen is sent seldom
STALE_STILL = 7.0  # one comes every two seconds, and may be lost (`relay/stills.py`)
_ASK_AGAIN = 0.5
_RECEIVING = 2.0
_ARRIVING = 1.0  # seconds since the newest frame
_STUCK = 20  # tends (10 a second) that find a decoder thread busy with the same frame


class DecoderPool:
    """`ask_keyframe` is called on the event loop; relays limit how often a site hears of it."""

    def __init__(
        self,
        executor: Executor,
        slow_executor: Executor,
        marks: DecodingMarks,
        ask_keyframe: Callable[[Source], None],
        suspects: Iterable[Source] = (),
        now: float = 0.0,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._executor, self._slow_executor = executor, slow_executor
        self._marks, self._ask_keyframe = marks, ask_keyframe
        self._streams: dict[Source, VideoStream] = {}
        self._slow: deque[VideoStream] = deque()  # the next one first
        self._turns = 0.0  # of slow streams that are due
        self._quarantine = Quarantine()
        for source in suspects:
            self._quarantine.put(source, now)
        self._dropped: Counter[str] = Counter()
        self._decoded = 0  # pictures of streams that are gone
        self._unseen: dict[Source, float] = {}  # when the newest frame of a track that is not decoded arrived
        self._busy: dict[Source, tuple[int, int]] = {}  # frame in the decoder, tends that found it there

    def want(self, sources: Collection[Source], now: float, slow: Collection[Source] = ()) -> None:
        """Decode these and no others; those in `slow` in turns (`take_turns`)."""
        for source in self._streams.keys() - set(sources):
            stream = self._streams.pop(source)
            self._busy.pop(source, None)
            self._dropped["video_frames"] += stream.dropped
            self._decoded += stream.decoded
            stream.close()
        for source in sources:
            if source not in self._streams:
                stream = VideoStream(source, self._executor, self._marks, self._broken_in_thread)
                self._streams[source] = stream
                stream.received = self._unseen.get(source, stream.received)
                self._ask(stream, now)
            stream = self._streams[source]
            stream.slow = source in slow
            stream.executor = self._slow_executor if stream.slow else self._executor
        slow_ones = dict.fromkeys(stream for stream in self._streams.values() if stream.slow)
        in_order = dict.fromkeys(stream for stream in self._slow if stream in slow_ones)  # a plan costs nobody its turn
        self._slow = deque(in_order | slow_ones)
        self._unseen = {source: at for source, at in self._unseen.items() if now - at < _ARRIVING}

    def receive(self, frame: VideoIn, now: float) -> float:
        """Take a frame of any site; those nobody wants are dropped undecoded.

        Returns when its picture is to be shown, not counting what it waits for its sound.
        """
        stream = self._streams.get((frame.site, frame.track))
        if stream is None:
            self.passed((frame.site, frame.track), frame.arrived)
            self._dropped["video_unseen"] += 1
        elif self._quarantine.holds(stream.source, now):
            self._dropped["video_quarantined"] += 1
        else:
            if not stream.receive(frame):
                self._ask(stream, now)
            return stream.shown
        return frame.arrived

    def take_turns(self, seconds: float, rate: float) -> None:
        """Begin to decode those slow streams whose turn comes within `seconds`, each `rate` times a second."""
        self._turns = min(self._turns + len(self._slow) * rate * seconds, len(self._slow))
        while self._turns >= 1.0:
            self._turns -= 1.0
            self._slow[0].decode()
            self._slow.rotate(-1)

    def passed(self, source: Source, arrived: float) -> None:
        """A frame that is not decoded, but seen by others perhaps."""
        self._unseen[source] = arrived

    def begins(self, source: Source, now: float) -> bool:
        """Frames of a track arrive, and its first picture is still to come."""
        stream = self._streams.get(source)
        return stream is not None and now - stream.received < _ARRIVING and stream.due(now) is None

    def decodes(self, source: Source) -> bool:
        return source in self._streams

    def picture(self, source: Source, now: float) -> Picture | None:
        """The newest picture of a track; None while there is none that is fresh enough to show."""
        stream = self._streams.get(source)
        if stream is None or (newest := stream.due(now)) is None:
            return None
        return newest[0] if now - newest[1] < (STALE_STILL if stream.still else STALE[source[1]]) else None

    def hold(self, source: Source, seconds: float) -> None:
        """Show the pictures of a track so long after they arrived."""
        stream = self._streams.get(source)
        if stream is not None:
            stream.hold = seconds

    def tend(self, now: float) -> None:
        """Ask again for keyframes that did not come; about 10 times a second."""
        for stream in self._streams.values():
            if stream.waiting and not self._quarantine.holds(stream.source, now):
                self._ask(stream, now)
            self._watch(stream)
        self._quarantine.forget(now)

    def ask_all(self, now: float) -> None:
        """A relay came: whoever waits for a keyframe may not have been heard before."""
        for stream in self._streams.values():
            if stream.waiting:
                stream.asked = float("-inf")
        self.tend(now)

    @property
    def decoders(self) -> int:
        return len(self._streams)

    @property
    def decoded(self) -> int:
        """Pictures, since start."""
        return self._decoded + sum(stream.decoded for stream in self._streams.values())

    def receiving(self, now: float) -> tuple[int, ...]:
        """Sites whose camera gave a picture lately, or a still not long ago."""
        return tuple(
            sorted(
                site
                for (site, track), stream in self._streams.items()
                if track == "camera"
                and (newest := stream.due(now)) is not None
                and now - newest[1] < (STALE_STILL if stream.still else _RECEIVING)
            )
        )

    def quarantined(self, now: float) -> tuple[int, ...]:
        """Sites with a stream that is kept out."""
        return tuple(sorted({site for site, _ in self._quarantine.held(now)}))

    def dropped(self) -> dict[str, int]:
        """Frames that were not decoded, by reason, since start."""
        counts = Counter(self._dropped)
        counts["video_frames"] += sum(stream.dropped for stream in self._streams.values())
        return dict(counts)

    def close(self) -> None:
        self.want((), 0.0)

    def _ask(self, stream: VideoStream, now: float) -> None:
        if now - stream.asked >= _ASK_AGAIN:
            stream.asked = now
            self._ask_keyframe(stream.source)

    def _watch(self, stream: VideoStream) -> None:
        """A decoder that hangs cannot be stopped from outside: give up the process, the marks say who did it."""
        frame, seen = self._busy.get(stream.source, (0, 0))
        if not stream.busy or stream.busy != frame:
            self._busy[stream.source] = stream.busy, 0
        elif seen < _STUCK:
            self._busy[stream.source] = frame, seen + 1
        else:
            log.critical("decoder hangs", site=stream.source[0], track=stream.source[1])
            os.abort()

    def _broken_in_thread(self, stream: VideoStream, error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._broken, stream, error)

    def _broken(self, stream: VideoStream, error: Exception) -> None:
        now = self._loop.time()
        if self._streams.get(stream.source) is not stream:
            return
        site, track = stream.source
        self._dropped["video_broken"] += 1
        stream.restart()
        too_large = isinstance(error, McuError) and error.code == "picture_too_large"
        if too_large:
            self._quarantine.put(stream.source, now)
        if too_large or self._quarantine.failed(stream.source, now):
            stream.blank()
            log.warning("stream quarantined", site=site, track=track, error=str(error))
            return
        self._ask(stream, now)
