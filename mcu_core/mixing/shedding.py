"""Load shedding: a mixer that does not keep up makes fewer pictures, the wall's first, so that sound goes on.

What takes longest is done by threads that come last, so an overloaded machine shows first in pictures that were never
made and then in late sound.  The rungs: 0 as planned; 1 the wall once a second; 2 the other views at half their rate,
3 at a third.  The first is taken after three bad seconds, what all see only after eight of ten; a rung is given back
when it is calm, and ever more slowly where that was too early.

Pure; times are seconds of one clock.  Owned by the event loop.
"""

from __future__ import annotations

from collections import deque

from mcu_core.wire import View

WALL, LAST_RUNG = 1, 3
_WALL_RATE = 1.0  # frames/s
_OF_RATE = (1, 1, 2, 3)  # the rate of other views is divided by
_LATE_SOUND, _MISSED = (0.05, 0.1), (0.15, 0.3)  # seconds; share of ticks: trouble for rung 1, for the others
_OFTEN, _WITHIN = (3, 8), (4, 10)  # seconds with trouble, of so many: a few are a hiccup, as when many join at once
_CALM_LATE, _CALM_MISSED = 0.03, 0.05
CALM, LONGEST_CALM = 10.0, 320.0  # seconds without trouble before a rung is given back
_RELAPSE = 60.0  # seconds after that in which trouble means that it was too early


class Shedding:
    """`judge` once a second."""

    def __init__(self) -> None:
        self.rung = 0
        self._bad: deque[tuple[bool, bool]] = deque(maxlen=max(_WITHIN))
        self._calm_since: float | None = None
        self._patience = CALM
        self._given_back = float("-inf")

    def judge(self, late_sound: float, missed: float, now: float, *, wall: bool = True) -> bool:
        """Take in the last second: the latest tick of sound, and the share of ticks that the worst view missed.

        The wall's own ticks do not count; `wall`: it is watched, so that its rung helps.  Returns whether `rung` is
        another now.
        """
        rung = self.rung
        rungs = range(LAST_RUNG + 1) if wall else (0, *range(WALL + 1, LAST_RUNG + 1))
        lower = next((each for each in rungs if each > rung), None)
        some, much = (late_sound > late or missed > share for late, share in zip(_LATE_SOUND, _MISSED, strict=True))
        self._bad.append((some, much))
        if lower is not None:
            kind = 0 if lower == WALL else 1
            if sum(bad[kind] for bad in list(self._bad)[-_WITHIN[kind] :]) >= _OFTEN[kind]:
                if now - self._given_back < _RELAPSE:
                    self._patience = min(2 * self._patience, LONGEST_CALM)
                    self._given_back = float("-inf")  # once for all rungs that are taken now
                self._change(lower)
                return True
        if late_sound > _CALM_LATE or missed > _CALM_MISSED:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= self._patience:
            if rung:
                self._given_back = now
                self._change(max(each for each in rungs if each < rung))
                return True
            self._patience = CALM
        return False

    def _change(self, rung: int) -> None:
        self.rung = rung
        self._calm_since = None
        self._bad.clear()


def slowed(view: View, frame_rate: float, rung: int) -> float:
    """The rate at which a view that is planned with `frame_rate` is made."""
    if view == "wall":
        return min(frame_rate, _WALL_RATE) if rung >= WALL else frame_rate
    return frame_rate / _OF_RATE[rung]
