"""What each site should send: no more than is shown, and no sound while it is closed.

A tile of so many pixels asks for the smallest size of `LADDER` that fills it.  Growing is told at once, shrinking and
hiding only after they have held for a while, so that a picture that is moved twice in a second does not make an encoder
restart; the sound of a site that was closed by mistake is still there a moment later.  Pure arithmetic; times are
seconds of the caller's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mcu_core.scene import Fit
from mcu_core.wire import Track

SOURCE_ASPECT = (
    16 / 9
)  # of cameras; a tile of another shape needs a larger source to be filled, or a smaller one to fit
HOLD, SOUND_HOLD = 2.0, 5.0

HintedTrack = Literal["camera", "screen", "microphone"]
HINTED: tuple[HintedTrack, ...] = ("camera", "screen", "microphone")


@dataclass(frozen=True, slots=True)
class QualityHint:
    """Longest sensible size, rate and bitrate of one track; all zero when nobody sees it, and of sound."""

    active: bool = False
    width: int = 0
    height: int = 0
    frame_rate: int = 0
    bitrate_bps: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    width: int
    height: int
    frame_rate: int  # more is not worth it at this size
    bitrate_bps: int  # at that rate


LADDER = (
    Step(160, 90, 10, 80_000),
    Step(320, 180, 15, 200_000),
    Step(480, 270, 20, 350_000),
    Step(640, 360, 30, 700_000),
    Step(960, 540, 30, 1_100_000),
    Step(1280, 720, 30, 1_800_000),
    Step(1920, 1080, 30, 3_500_000),
)
SCREEN_FRAME_RATE = 15  # slides and documents: sharp rather than smooth
HIDDEN, HEARD = QualityHint(), QualityHint(True)
UNTOLD: Mapping[HintedTrack, QualityHint] = {"camera": HIDDEN, "screen": HIDDEN, "microphone": HEARD}


def hint_for(width: float, height: float, fit: Fit, frame_rate: float, track: Track = "camera") -> QualityHint:
    """Hint for a tile of `width` x `height` pixels on a view of `frame_rate`."""
    if track == "screen":  # text must stay readable: always the view's full sharpness
        width, height, fit = max(width, 1280), max(height, 720), "letterbox"
        frame_rate = min(frame_rate, SCREEN_FRAME_RATE)
    by_width, by_height = width, height * SOURCE_ASPECT
    needed = max(by_width, by_height) if fit == "crop" else min(by_width, by_height)
    step = next((step for step in LADDER if step.width >= needed - 1), LADDER[-1])
    rate = max(1, min(step.frame_rate, round(frame_rate)))
    share = max(0.4, rate / step.frame_rate)  # half the pictures need more than half the bits
    return QualityHint(True, step.width, step.height, rate, round(step.bitrate_bps * share))


def largest(hints: Iterable[QualityHint]) -> QualityHint:
    """One hint that satisfies all of them."""
    best = HIDDEN
    for hint in hints:
        best = QualityHint(
            best.active or hint.active,
            max(best.width, hint.width),
            max(best.height, hint.height),
            max(best.frame_rate, hint.frame_rate),
            max(best.bitrate_bps, hint.bitrate_bps),
        )
    return best


class HintBook:
    """Hints as last told, by site and track.  Owned by the conference's control task."""

    def __init__(self, hold: float = HOLD, sound_hold: float = SOUND_HOLD) -> None:
        self._hold: Mapping[HintedTrack, float] = {"camera": hold, "screen": hold, "microphone": sound_hold}
        self._told: dict[tuple[str, HintedTrack], QualityHint] = {}
        self._less_since: dict[tuple[str, HintedTrack], float] = {}

    def of(self, site: str, track: HintedTrack) -> QualityHint:
        return self._told.get((site, track), UNTOLD[track])

    def update(
        self, wanted: Mapping[tuple[str, HintedTrack], QualityHint], now: float
    ) -> dict[tuple[str, HintedTrack], QualityHint]:
        """Take in what is wanted now; what is missing is as untold.

        Returns what must be told; call it again after the hold.
        """
        changed = {}
        for key in {*wanted, *self._told, *self._less_since}:
            new, old = wanted.get(key, UNTOLD[key[1]]), self.of(*key)
            if new == old:
                self._less_since.pop(key, None)
            elif _is_more(new, old) or now - self._less_since.setdefault(key, now) >= self._hold[key[1]]:
                self._less_since.pop(key, None)
                self._told[key] = changed[key] = new
        return changed

    @property
    def pending(self) -> bool:
        """Something is waiting for its hold to pass."""
        return bool(self._less_since)

    def forget(self, site: str) -> None:
        """The site's endpoint is gone; the next one is told from the start."""
        for track in HINTED:
            self._forget((site, track))

    def forget_sound(self, site: str) -> None:
        """Its leg is new: its sound is sent until it is told otherwise, and that for a while at least."""
        self._forget((site, "microphone"))

    def _forget(self, key: tuple[str, HintedTrack]) -> None:
        self._told.pop(key, None)
        self._less_since.pop(key, None)


def _is_more(new: QualityHint, old: QualityHint) -> bool:
    """Larger or faster in any way: told at once."""
    return new.active > old.active or new.width > old.width or new.frame_rate > old.frame_rate
