"""The eye of a measuring leg: decodes the mix in a thread of its own, reads the plates, computes glass-to-glass times.

Glass to glass here: from the moment the last packet of a source's frame was handed to the kernel, to the moment the
first mixed picture showing that frame was decoded at the receiver.  So it holds the network, the MCU's relay, decoder,
compositor, encoder and pacing, and the receiver's decoder; a camera's encoder and a screen are not in it.

Every picture is decoded, but plates are read for one second of three: reading 16 of them takes longer than decoding
the picture, and the MCU that is measured runs on the same processors.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

import av

from endpoint_client.marks import find_marks
from endpoint_client.pattern import TICKS

_LOOKS, _RESTS = 1.0, 2.0  # seconds
_STALE = 3.0  # seconds; a loop is 4 s long, so an older frame number is ambiguous
SentAt = Callable[[int, int], float | None]  # (site, frame number on the plate) -> time.monotonic() of its last packet


class Eye:
    """Owned by the leg that feeds it; `samples` is written by the thread and may be copied and cleared at any time."""

    def __init__(self, sent_at: SentAt) -> None:
        self._sent_at = sent_at
        self._frames: queue.Queue[bytes | None] = queue.Queue(maxsize=30)
        self._last: dict[int, int] = {}
        self._began = time.monotonic()
        self.samples: list[float] = []  # ms
        self.pictures = 0
        self.errors = 0
        self.dropped = 0
        self.sites: set[int] = set()  # seen so far
        self.size = (0, 0)
        self._thread = threading.Thread(target=self._run, name="eye", daemon=True)
        self._thread.start()

    def show(self, frame: bytes) -> None:
        """Give one encoded frame; dropped and counted when the thread is behind."""
        try:
            self._frames.put_nowait(frame)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        self._frames.put(None)
        self._thread.join(timeout=2)

    def _run(self) -> None:
        decoder = av.CodecContext.create("h264", "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.thread_count = 1
        while (data := self._frames.get()) is not None:
            try:
                pictures = decoder.decode(av.Packet(data))
            except av.FFmpegError:
                self.errors += 1
                continue
            now = time.monotonic()
            for picture in pictures:
                self._look(picture, now)

    def _look(self, picture: av.VideoFrame, now: float) -> None:
        self.pictures += 1
        self.size = (picture.width, picture.height)
        if (now - self._began) % (_LOOKS + _RESTS) >= _LOOKS:
            self._last.clear()  # what is seen first after a rest may have been shown before
            return
        for sighting in find_marks(picture):
            site, frame = sighting.mark.site, sighting.mark.frame
            self.sites.add(site)
            if self._last.get(site) == frame:
                continue
            new, self._last[site] = site in self._last, frame
            sent = self._sent_at(site, frame)
            if new and sent is not None and 0 <= now - sent < _STALE:
                self.samples.append((now - sent) * 1000)


def frame_index(frame: int, frame_rate: int) -> int:
    """Index in a loop of the frame with this number on its plate."""
    return frame * frame_rate // TICKS
