"""The two sites of the line benchmark, and what each saw and heard.

`ClearSite` has a good line: it shows and says what the other is to receive, and records the mix.  `StockSite` is the
one on the bad line when there is no browser to sit there (line_browser.py); stock aiortc neither asks for lost packets
in time nor conceals lost sound, so its figures are worse than any browser's.  Times are seconds of the wall clock.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.hearing import Samples
from endpoint_client.headless_site import HeadlessSite
from endpoint_client.marks import Sighting
from endpoint_client.media import SiteOptions
from endpoint_client.tones import RATE
from endpoint_client.watching import PictureWatch, SoundWatch

_HOLE = 0.3  # seconds that sound must be late to be put where it came
_LONGEST_LOSS = 10.0


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples that came at `time`, after `missing` ones that never did."""

    time: float
    missing: int
    pcm: NDArray[np.int16]


@dataclass(slots=True)
class Record:
    """When pictures came, and the sound."""

    pictures: list[float] = field(default_factory=list)
    sounds: list[Sound] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def sound(self, begin: float, end: float) -> Samples:
        """The sound between two times at 48 kHz, silent where none came."""
        whole = np.zeros(max(0, round((end - begin) * RATE)))
        at: int | None = None
        for sound in self.sounds:
            came = round((sound.time - begin) * RATE)
            at = came if at is None else at + sound.missing
            if came - at > _HOLE * RATE:
                at = came
            first, last = max(at, 0), min(at + len(sound.pcm), len(whole))
            if first < last:
                whole[first:last] = sound.pcm[first - at : last - at]
            at += len(sound.pcm)
        return whole


class ImpairedSite(Protocol):
    """The site on the bad line.  `name` says what it is."""

    name: str

    async def join(self) -> None:
        """Join and wait until sound and picture come.  Raises TimeoutError."""

    async def record(self) -> Record:
        """Everything since it joined."""

    async def seat(self) -> str:
        """The seat it holds."""

    async def leave(self) -> None: ...


class Eyes(PictureWatch):
    """Notes when a picture came, and when the mark of `site` in it was another than before."""

    def __init__(self, site: int) -> None:
        super().__init__()
        self._site = site
        self._shown: int | None = None
        self.all: list[float] = []
        self.changes: list[float] = []

    def arrived(self, now: float, width: int, height: int) -> None:
        super().arrived(now, width, height)
        self.all.append(time.time())

    def looked(self, sightings: list[Sighting], now: float, wall: float) -> None:
        super().looked(sightings, now, wall)
        seen = self.now_visible.get(self._site)
        if seen is not None and seen.mark.frame != self._shown:
            self._shown = seen.mark.frame
            self.changes.append(wall)


class Ears(SoundWatch):
    """Keeps the sound."""

    def __init__(self) -> None:
        super().__init__()
        self.sounds: list[Sound] = []
        self._next: int | None = None

    def listen(self, frame: av.AudioFrame, now: float, since: float) -> bool:
        samples = frame.to_ndarray()
        channels = frame.layout.nb_channels
        mono = (samples[0] if frame.format.is_planar else samples[0, ::channels]).astype(np.int16)
        missing = 0
        if frame.pts is not None:
            if self._next is not None and 0 < frame.pts - self._next < _LONGEST_LOSS * RATE:
                missing = frame.pts - self._next
            self._next = frame.pts + len(mono)
        self.sounds.append(Sound(time.time(), missing, mono))
        return super().listen(frame, now, since)


class ClearSite:
    """The site on a good line; `watches` is the number of the other one."""

    def __init__(self, url: str, recording: Path, ca: Path, watches: int) -> None:
        options = SiteOptions(width=640, height=360, frame_rate=15, file=recording, looks_per_second=0)
        self.site = HeadlessSite(url, options=options, ca=ca)
        self.eyes, self.ears = Eyes(watches), Ears()
        self.site.pictures, self.site.sounds = self.eyes, self.ears
        self._watches = watches

    async def join(self) -> None:
        await self.site.start()

    async def sees_the_other(self, timeout: float = 30.0) -> None:
        await self.site.sees(self._watches, timeout=timeout)

    def record(self) -> Record:
        return Record(list(self.eyes.changes), list(self.ears.sounds), {"mix_pictures": len(self.eyes.all)})

    async def leave(self) -> None:
        await self.site.stop()


class StockSite:
    """The site on the bad line on stock aiortc."""

    name = "aiortc"

    def __init__(self, url: str, recording: Path, ca: Path, web_port: int, media_port: int) -> None:
        options = SiteOptions(width=640, height=360, frame_rate=15, file=recording, looks_per_second=1)
        self.site = HeadlessSite(through(url, web_port), options=options, ca=ca)
        self.site.on_answer = detour(media_port)
        self.eyes, self.ears = Eyes(0), Ears()
        self.site.pictures, self.site.sounds = self.eyes, self.ears

    async def join(self) -> None:
        await self.site.start(40.0)
        await self.site.until(lambda: len(self.eyes.all) > 1 and len(self.ears.sounds) > 1, "sound and picture", 30.0)

    async def record(self) -> Record:
        figures = {"media_connections": self.site.media_connections}
        return Record(list(self.eyes.all), list(self.ears.sounds), figures)

    async def seat(self) -> str:
        return self.site.link.seat or ""

    async def leave(self) -> None:
        await self.site.stop()


def through(url: str, port: int) -> str:
    """The same link by another port of the same host."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.hostname}:{port}").geturl()


def detour(port: int) -> Callable[[str], str]:
    """Makes the candidates of an answer lead to another port."""
    candidate = re.compile(r"(?im)^(a=candidate:\S+ \d+ udp \d+ \S+ )\d+")
    return lambda sdp: candidate.sub(rf"\g<1>{port}", sdp)
