"""One picture stream of a site: its frames in order through its decoder, its newest picture in a slot.

Frames are taken on the event loop and decoded in a pool of threads, one at a time per stream, so that streams decode
side by side and none waits behind another's backlog.  A stream that stands on slow views only is decoded in its turn
(`decode`), all frames since the last one in one go: of 200 sites on a wall, each hop to a thread counts.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor

from mcu_core.mixing.picture_pace import PicturePace
from mcu_core.mixing.quarantine import Source
from mcu_core.mixing.suspects import DecodingMarks
from mcu_core.wire import Codec, VideoIn
from mixer.codec import VideoDecoder
from mixer.picture import Picture

QUEUE = 24  # frames; a decoder that far behind drops all and starts again from a keyframe,
BURST, BURST_TIME = 64, 0.25  # but so many that came within so many seconds are what a repair held up
WAITING = 12  # frames; of a stream on slow views, before they are decoded unasked
HELD = 40  # pictures that wait for their time: 0.6 s of 60 a second; then the oldest is shown too early

Newest = tuple[Picture, float]  # and when it was to be shown: when its frame arrived, or a little later


class VideoStream:
    """`receive` and `close` are called on the event loop, `on_broken` in a decoder thread."""

    def __init__(
        self,
        source: Source,
        executor: Executor,
        marks: DecodingMarks,
        on_broken: Callable[[VideoStream, Exception], None],
    ) -> None:
        self.source, self.executor = source, executor
        self.waiting = True  # for a keyframe
        self.asked = float("-inf")  # when a keyframe was last asked for
        self.received = float("-inf")  # when the newest frame arrived
        self.newest: Newest | None = None  # the newest that is due; read and written on the event loop
        self.slow = False  # on slow views only: decoded in turns
        self.still = False  # its frames are single keyframes, seconds apart
        self.hold = 0.0  # seconds more before a picture is due: it waits for its sound
        self.shown = float("-inf")  # when the newest frame is to be shown
        self._pace = PicturePace()
        self._held: deque[Newest] = deque(maxlen=2 * HELD)  # decoded; put in by one decoder thread at a time
        self.decoded = 0
        self.dropped = 0
        self.busy = 0  # number of the frame in the decoder now, 0: none
        self._frames = 0
        self._marks, self._on_broken = marks, on_broken
        self._lock = threading.Lock()  # of the three below
        self._queue: deque[tuple[VideoIn, float]] = deque()  # and when to show it
        self._running = False
        self._closed = False
        self._codec: Codec | None = None
        self._decoder: VideoDecoder | None = None
        self._decoder_codec: Codec | None = None

    def receive(self, frame: VideoIn) -> bool:
        """Take a frame; False if it was of no use without a keyframe before it."""
        self.received, self.still = frame.arrived, frame.still
        self.shown = self._pace.due(frame.rtp_time, frame.arrived)
        if frame.codec != self._codec:
            self._codec, self.waiting = frame.codec, True
        if self.waiting and not frame.keyframe:
            self.dropped += 1
            return False
        with self._lock:
            if self._behind(frame):
                self.dropped += len(self._queue) + (not frame.keyframe)
                self._queue.clear()
                if not frame.keyframe:
                    self.waiting = True
                    return False
            self.waiting = False
            self._queue.append((frame, self.shown))
        if not self.slow or not self.decoded or len(self._queue) >= WAITING:
            self.decode()
        return True

    def _behind(self, frame: VideoIn) -> bool:
        waiting = len(self._queue)
        return waiting >= BURST or (waiting >= QUEUE and frame.arrived - self._queue[0][0].arrived > BURST_TIME)

    def decode(self) -> None:
        """Begin with the frames that wait, unless a thread is at it."""
        with self._lock:
            start, self._running = bool(self._queue) and not self._running, self._running or bool(self._queue)
        if start:
            self.executor.submit(self._decode_next)

    def due(self, now: float) -> Newest | None:
        """The newest picture that is due; the first one is due at once, and the oldest where too many wait."""
        held, hold = self._held, self.hold
        while held and (self.newest is None or held[0][1] + hold <= now or len(held) > HELD):
            self.newest = held.popleft()
        return self.newest

    def blank(self) -> None:
        """Show nothing until another picture comes."""
        self._held.clear()
        self.newest = None

    def restart(self) -> None:
        """Decode nothing more until a keyframe."""
        self.waiting = True
        with self._lock:
            self.dropped += len(self._queue)
            self._queue.clear()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._queue.clear()
            if not self._running:
                self._drop_decoder()

    def _decode_next(self) -> None:
        newest: Newest | None = None
        for _ in range(WAITING if self.slow else 1):
            with self._lock:
                next_one = self._queue.popleft() if self._queue else None
            if next_one is None:
                break
            try:
                newest = self._decode(*next_one) or newest
            except Exception as error:  # whatever a hostile bitstream provokes harms this stream only
                newest = None
                self._drop_decoder()
                self._on_broken(self, error)
        if newest is not None:  # the last of a turn only: the fewer a decoder has out, the more it finds in the cache
            self._held.append(newest)
        with self._lock:
            self._running = bool(self._queue)
            if self._closed:
                self._drop_decoder()
            if self._running:
                self.executor.submit(self._decode_next)  # behind the others that wait

    def _decode(self, frame: VideoIn, shown: float) -> Newest | None:
        if self._decoder is None or frame.codec != self._decoder_codec:
            self._drop_decoder()
            self._decoder, self._decoder_codec = VideoDecoder(frame.codec), frame.codec
        self._frames += 1
        self.busy = self._frames
        self._marks.begin(self.source)
        try:
            pictures = self._decoder.decode(frame.payload, frame.rtp_time)
            if not pictures:
                return None
            self.decoded += 1
            return Picture.from_frame(pictures[-1]), shown
        finally:
            self._marks.end()
            self.busy = 0

    def _drop_decoder(self) -> None:
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None
