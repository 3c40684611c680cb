"""What a site saw and heard: counts, marks, tones, gaps and ages, kept small enough to run for days."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np

from endpoint_client.marks import Sighting, find_marks
from endpoint_client.pattern import age
from endpoint_client.tones import RATE, TONES, WINDOW, Ear

FREEZE = 0.5  # seconds without a new picture that count as a freeze
SOUND_GAP = 0.1
_KEPT = 600  # latest values kept of a series


def percentile(values: deque[float] | list[float], share: float) -> float | None:
    """Nearest-rank percentile; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


@dataclass(slots=True)
class Flow:
    """Arrivals of one kind: how many, how fast, how long nothing came."""

    gap_limit: float
    count: int = 0
    first: float | None = None
    last: float | None = None
    longest_gap: float = 0.0
    gaps: int = 0  # longer than `gap_limit`
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=64))

    def arrive(self, now: float) -> None:
        if self.last is None:
            self.first = now
        else:
            gap = now - self.last
            self.longest_gap = max(self.longest_gap, gap)
            self.gaps += gap > self.gap_limit
        self.last = now
        self.count += 1
        self.recent.append(now)

    def rate(self) -> float:
        """Arrivals a second since the first."""
        if self.first is None or self.last is None or self.last <= self.first:
            return 0.0
        return round((self.count - 1) / (self.last - self.first), 2)

    def recent_rate(self, now: float) -> float:
        """Arrivals a second over the last ones (up to 64), falling when nothing comes any more."""
        if len(self.recent) < 2:
            return 0.0
        until = max(self.recent[-1], now - 1 / 5)
        return round((len(self.recent) - 1) / max(until - self.recent[0], 1e-6), 2)

    def report(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "per_second": self.rate(),
            "longest_gap_ms": round(self.longest_gap * 1000),
            "gaps": self.gaps,
        }


@dataclass(slots=True)
class Seen:
    """One site as seen in the mix."""

    first: float
    last: float
    pictures: int
    sighting: Sighting
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))  # ms, at each new frame number


class PictureWatch:
    """Marks in the received pictures.  Owned by the task that reads the track."""

    def __init__(self) -> None:
        self.flow = Flow(FREEZE)
        self.width = self.height = 0
        self.looks = 0
        self.now_visible: dict[int, Sighting] = {}  # in the picture looked at last
        self.seen: dict[int, Seen] = {}

    def arrived(self, now: float, width: int, height: int) -> None:
        self.flow.arrive(now)
        self.width, self.height = width, height

    @staticmethod
    def read(frame: av.VideoFrame) -> list[Sighting]:
        """The slow part, for a thread."""
        return find_marks(frame)

    def looked(self, sightings: list[Sighting], now: float, wall: float) -> None:
        """Take what was found in a picture that was decoded at `now`, by the wall clock `wall`."""
        self.looks += 1
        self.now_visible = {}
        for sighting in sorted(sightings, key=lambda s: s.plate[2]):  # the largest of a site wins
            self.now_visible[sighting.mark.site] = sighting
        for site, sighting in self.now_visible.items():
            seen = self.seen.get(site)
            if seen is None:
                seen = self.seen[site] = Seen(now, now, 0, sighting)
            elif seen.sighting.mark.frame != sighting.mark.frame:
                seen.ages.append(age(sighting.mark.frame, wall) * 1000)
            seen.last, seen.sighting = now, sighting
            seen.pictures += 1

    def report(self, since: float) -> dict[str, Any]:
        return {
            "width": self.width,
            "height": self.height,
            "frames": self.flow.count,
            "fps": self.flow.rate(),
            "longest_gap_ms": round(self.flow.longest_gap * 1000),
            "freezes": self.flow.gaps,
            "looked_at": self.looks,
            "seen": [
                {
                    "site": site,
                    "frame": seen.sighting.mark.frame,
                    "pictures": seen.pictures,
                    "first_s": round(seen.first - since, 2),
                    "last_s": round(seen.last - since, 2),
                    "plate": [round(value, 4) for value in seen.sighting.plate],
                    "age_ms_p50": percentile(seen.ages, 0.5),
                    "age_ms_p95": percentile(seen.ages, 0.95),
                }
                for site, seen in sorted(self.seen.items())
            ],
        }


@dataclass(slots=True)
class Heard:
    """One tone as heard in the mix."""

    first: float
    last: float
    windows: int = 0
    levels: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))  # (seconds, dBFS)


class SoundWatch:
    """Tones in the received sound.  Owned by the task that reads the track."""

    def __init__(self) -> None:
        self.flow = Flow(SOUND_GAP)
        self.ear = Ear(range(1, TONES + 1))
        self.windows = 0
        self.level_dbfs = -100.0  # of the block received last
        self.now_heard: dict[int, float] = {}  # in the last window of 100 ms
        self.heard: dict[int, Heard] = {}

    def arrived(self, now: float) -> None:
        self.flow.arrive(now)

    def listen(self, frame: av.AudioFrame, now: float, since: float) -> bool:
        """Take a decoded frame of 48 kHz; True when a window became full."""
        samples = frame.to_ndarray()
        channels = frame.layout.nb_channels
        mono = samples[0] if frame.format.is_planar else samples[0, ::channels]
        if mono.dtype != np.int16:
            mono = np.clip(mono, -1, 1) * 32767
        pcm = mono.astype(np.int16)
        power = float(np.mean(np.square(pcm, dtype=np.float64))) / 32768**2
        self.level_dbfs = round(10 * float(np.log10(max(power, 1e-10))), 1)
        full = False
        for window in self.ear.listen(pcm):
            full = True
            self.windows += 1
            self.now_heard = window
            for site, level in window.items():
                heard = self.heard.setdefault(site, Heard(now, now))
                heard.last = now
                heard.windows += 1
                if not heard.levels or now - since - heard.levels[-1][0] >= 1:
                    heard.levels.append((round(now - since, 1), level))
        return full

    def report(self, since: float) -> dict[str, Any]:
        return {
            "blocks": self.flow.count,
            "blocks_per_second": self.flow.rate(),
            "longest_gap_ms": round(self.flow.longest_gap * 1000),
            "gaps": self.flow.gaps,
            "level_dbfs": self.level_dbfs,
            "heard": [
                {
                    "site": site,
                    "seconds": round(heard.windows * WINDOW / RATE, 1),
                    "first_s": round(heard.first - since, 2),
                    "last_s": round(heard.last - since, 2),
                    "levels": [list(pair) for pair in heard.levels],
                }
                for site, heard in sorted(self.heard.items())
            ],
        }
