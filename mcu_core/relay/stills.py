"""Which cameras are seen as stills: those that send more than they were asked for, while a wall costs too much.

A picture of H.264 needs the one before it, so a wall of five frames a second costs what its sites choose to send: 120
that go on with 320x180@15, or ten room systems with 720p30, about a third of a processor.  Site pages obey their hints.
A camera that does not, and that nothing but the wall shows, may be seen as stills: one keyframe is asked
for and taken every `EVERY` seconds, and what comes between ends unopened.  That is so only while all that the wall
alone shows needs more than `BUDGET`, and for cameras that do send a keyframe when they are asked for one.

Pure: owned by a conference of the relay, takes `now`.  Rates are frames/s, work is macroblocks/s: 16x16 pixels, which
cost a decoder about the same whatever the size of the picture (0.3 us alone, 0.5-0.7 among 120 others).
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from mcu_core.wire import Codec
from mixer.bitstream import coded_sizes

EVERY = 2.0
JUDGE_EVERY = 1.0
OBEYS_WITHIN = 3.0  # a hint takes a moment to arrive, and an encoder one to follow
WINDOWS = 2  # on end: what a line held up for a second comes at once
BUDGET = 75_000.0 * len(os.sched_getaffinity(0))  # macroblocks/s, of one wall: about a twentieth of the processors
MUCH, ENOUGH = 1.5, 1.2  # times the rate that was asked for: disobeys; obeys again
CALM = 0.7  # share of the budget at which all are decoded again
REMEMBERED = 60.0  # seconds that a wall may show other pages
DEAF = 3  # stills on end that did not come: no keyframe is sent for the asking
_MOST_BLOCKS, _MOST_RATE = 120 * 68, 60.0  # 1920x1080: the mixer's decoders take no more; a flood counts as no more
_APART = 0.618  # of `EVERY`, from one camera to the next: they spread evenly, however many there are

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Film:
    """What is known of one camera that only the wall shows."""

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
    much: int = 0  # windows on end in which it sent too much
    defies: bool = False
    due: float | None = None  # its next still; None: it is seen whole
    missed: int = 0  # stills on end


class Stills(Generic[Key]):
    """`key` is any key of one camera."""

    def __init__(self, budget: float = BUDGET) -> None:
        self._budget = budget
        self._known: dict[Key, _Known] = {}
        self._over = False
        self._count = 0

    def judge(self, films: Mapping[Key, Film], now: float) -> frozenset[Key]:
        """Take in how all of them do, about every `JUDGE_EVERY` seconds.  Returns who is, or will be, seen as stills.

        Those that are missing are seen elsewhere, or not at all.
        """
        self._known = {key: known for key, known in self._known.items() if key in films or now - known.at < REMEMBERED}
        work = 0.0
        for key, film in films.items():
            self._known[key] = known = self._measured(self._known.get(key), film, now)
            work += min(known.rate, _MOST_RATE) * film.blocks
        self._over = work > self._budget * (CALM if self._over else 1.0)
        for key, known in self._known.items():
            if not (self._over and known.defies and known.missed <= DEAF and key in films):
                known.due = None
            elif known.due is None:
                self._count += 1
                known.missed = 0
                known.due = now + EVERY * (self._count * _APART % 1.0)
        return frozenset(key for key, known in self._known.items() if known.due is not None)

    def due(self, now: float) -> list[Key]:
        """Whose next still is to be taken now."""
        due = []
        for key, known in self._known.items():
            if known.due is not None and known.due <= now:
                known.due += EVERY * ((now - known.due) // EVERY + 1)
                known.missed += 1  # until it comes
                due.append(key)
        return due

    def came(self, key: Key) -> None:
        """A still of this camera."""
        if (known := self._known.get(key)) is not None and known.due is not None:
            known.missed = 0

    def forget(self, key: Key) -> None:
        """The camera is gone."""
        self._known.pop(key, None)

    @staticmethod
    def _measured(known: _Known | None, film: Film, now: float) -> _Known:
        if known is None or film.frames < known.frames:  # another stream
            return _Known(film.asked, now, now, film.frames)
        if film.asked < known.asked:
            known.since, known.defies = now, False
        known.asked = film.asked
        if now > known.at:
            known.rate = (film.frames - known.frames) / (now - known.at)
            known.at, known.frames = now, film.frames
            much = known.rate > film.asked * (ENOUGH if known.defies else MUCH)
            known.much = known.much + 1 if much else 0
            known.defies = much and now - known.since >= OBEYS_WITHIN and (known.defies or known.much >= WINDOWS)
        return known


def macroblocks(codec: Codec, keyframe: bytes) -> int:
    """Of the largest picture that a keyframe tells of; 0 if it tells of none, or of one that no decoder takes."""
    try:
        sizes = coded_sizes(codec, keyframe)
    except ValueError:
        return 0
    blocks = max((-(-width // 16) * -(-height // 16) for width, height in sizes), default=0)
    return blocks if blocks <= _MOST_BLOCKS else 0
