"""Which cameras are seen as stills: those that send more than they were asked for, while a wall costs too much.

A picture of H.264 needs the one before it, so a wall of five frames a second costs what its sites choose to send: 120
that go on with 320x180@15 a third of a processor, ten room systems with 720p30 more than a whole one.  Site pages obey
their hints.  Of a camera that does not, that only slow views show, one keyframe every `EVERY` seconds is asked for and
taken, and what comes between ends unopened; but only while all such cameras together need more than `BUDGET`.

Pure: owned by a conference of the relay, takes `now`.  Rates are frames/s, work is macroblocks/s: 16x16 pixels, which
cost a decoder about the same whatever the size of the picture (here 0.5-0.7 us).
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from mcu_core.wire import Codec
from mixer.bitstream import coded_sizes

EVERY = 2.0
JUDGE_EVERY = 2.0
OBEYS_WITHIN = 5.0  # a hint takes a moment to arrive, and an encoder one to follow
BUDGET = 75_000.0 * (os.cpu_count() or 1)  # macroblocks/s on slow views: about a twentieth of the machine
MUCH, ENOUGH = 1.5, 1.2  # times the rate that was asked for: disobeys; obeys again
CALM = 0.7  # share of the budget at which all are decoded again
_APART = 0.618  # of `EVERY`, from one camera to the next: they spread evenly, however many there are

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Film:
    """What is known of one camera that only slow views show."""

    asked: int  # frames/s
    frames: int  # that arrived, since its beginning
    blocks: int  # macroblocks of one frame; 0 before the first keyframe


@dataclass(slots=True)
class _Known:
    asked: int
    since: float  # that it was asked for so little
    at: float
    frames: int
    rate: float = 0.0
    defies: bool = False


class Stills(Generic[Key]):
    """`key` is any key of one camera."""

    def __init__(self, budget: float = BUDGET) -> None:
        self.shown: dict[Key, float] = {}  # as stills, and when the next one of each is due
        self._budget = budget
        self._known: dict[Key, _Known] = {}
        self._over = False
        self._count = 0

    def judge(self, films: Mapping[Key, Film], now: float) -> None:
        """Take in how all of them do, about every `JUDGE_EVERY` seconds; those that are missing are forgotten."""
        self._known = {key: self._measured(key, film, now) for key, film in films.items()}
        work = sum(self._known[key].rate * film.blocks for key, film in films.items())
        self._over = work > self._budget * (CALM if self._over else 1.0)
        shown = {key for key, known in self._known.items() if self._over and known.defies}
        for key in self.shown.keys() - shown:
            del self.shown[key]
        for key in shown - self.shown.keys():
            self._count += 1
            self.shown[key] = now + EVERY * (self._count * _APART % 1.0)

    def due(self, now: float) -> list[Key]:
        """Whose next still is to be taken now."""
        due = [key for key, at in self.shown.items() if at <= now]
        for key in due:
            self.shown[key] += EVERY * ((now - self.shown[key]) // EVERY + 1)
        return due

    def forget(self, key: Key) -> None:
        """The camera is gone, or seen elsewhere, too: begin anew with it."""
        self._known.pop(key, None)
        self.shown.pop(key, None)

    def _measured(self, key: Key, film: Film, now: float) -> _Known:
        known = self._known.get(key)
        if known is None:
            return _Known(film.asked, now, now, film.frames)
        if film.asked < known.asked:
            known.since = now
        known.asked = film.asked
        if now > known.at:
            known.rate = (film.frames - known.frames) / (now - known.at)
            known.at, known.frames = now, film.frames
        much = known.rate > film.asked * (ENOUGH if known.defies else MUCH)
        known.defies = much and now - known.since >= OBEYS_WITHIN
        return known


def macroblocks(codec: Codec, keyframe: bytes) -> int:
    """Of the largest picture that a keyframe tells of; 0 if it tells of none."""
    try:
        return max((-(-width // 16) * -(-height // 16) for width, height in coded_sizes(codec, keyframe)), default=0)
    except ValueError:
        return 0
