"""Load shedding: a mixer that does not keep up makes fewer pictures, a wall's first, so that sound goes on.

What takes longest is done by threads that come last, so an overloaded machine shows first in pictures that were never
made and then in late sound.  Down a rung at a time, quickly; up again slowly, and ever more slowly where that was too
much.  The rungs: 0 as planned; 1 slow views (the wall) once a second; 2 the others at half their rate, 3 at a third.

Pure; times are seconds of one clock.  Owned by the event loop.
"""

from __future__ import annotations

from collections import deque

from mcu_core.wire import SLOW_VIEW

LAST_RUNG = 3
_WALL_RATE = 1.0  # frames/s
_OF_RATE = (1, 1, 2, 3)  # the rate of other views is divided by
_LATE_SOUND = (0.05, 0.10, 0.10)  # seconds; beyond, the next rung is needed
_MISSED = (0.15, 0.3, 0.3)  # share of a view's ticks for which it was too late
_WITHIN, _OFTEN = 4, 3  # judgements: one bad second is a hiccup
_CALM_LATE, _CALM_MISSED = 0.03, 0.05
CALM, LONGEST_CALM = 20.0, 320.0  # seconds without trouble before a rung is given back
_RELAPSE = 60.0  # seconds after that in which trouble means that it was too early


class Shedding:
    """`judge` once a second."""

    def __init__(self) -> None:
        self.rung = 0
        self._bad: deque[bool] = deque(maxlen=_WITHIN)
        self._calm_since: float | None = None
        self._patience = CALM
        self._given_back = float("-inf")

    def judge(self, late_sound: float, missed: float, now: float) -> bool:
        """Take in the last second: the latest tick of sound, and the share of ticks that the worst view missed.

        Returns whether `rung` is another now.
        """
        rung = self.rung
        bad = rung < LAST_RUNG and (late_sound > _LATE_SOUND[rung] or missed > _MISSED[rung])
        self._bad.append(bad)
        if sum(self._bad) >= _OFTEN:
            relapse = now - self._given_back < _RELAPSE
            self._patience = min(2 * self._patience, LONGEST_CALM) if relapse else self._patience
            self._change(rung + 1)
            return True
        if late_sound > _CALM_LATE or missed > _CALM_MISSED:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= self._patience:
            if rung:
                self._given_back = now
                self._change(rung - 1)
                return True
            self._patience = CALM
        return False

    def _change(self, rung: int) -> None:
        self.rung = rung
        self._calm_since = None
        self._bad.clear()


def is_slow(frame_rate: float) -> bool:
    """Whether a view that is planned with `frame_rate` is one of those that come last, as the wall."""
    return frame_rate <= SLOW_VIEW


def slowed(frame_rate: float, rung: int) -> float:
    """The rate at which a view that is planned with `frame_rate` is made."""
    if is_slow(frame_rate):
        return min(frame_rate, _WALL_RATE) if rung else frame_rate
    return frame_rate / _OF_RATE[rung]
