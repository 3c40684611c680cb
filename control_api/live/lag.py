"""When an event loop is blocked so often that somebody should know.

A loop that stands still for more than 20 ms delays every packet of every site by that much.  Once is a hiccup of the
machine; three times within 10 s is too little processor or a bug.  Told again after a minute at the earliest.
Pure: `now` is seconds.  Owned by whoever receives the figures.
"""

from __future__ import annotations

from collections import deque

LIMIT_MS = 20.0
OFTEN = 3
WITHIN = 10.0
AGAIN = 60.0


class LagWatch:
    """One per loop that is watched, by name."""

    def __init__(self) -> None:
        self._blocked: dict[str, deque[float]] = {}
        self._told: dict[str, float] = {}

    def measured(self, loop: str, lag_ms: float, now: float) -> bool:
        """Take in the longest lag since the last call (about once a second); True when it is time to tell."""
        if lag_ms <= LIMIT_MS:
            return False
        times = self._blocked.setdefault(loop, deque(maxlen=OFTEN))
        times.append(now)
        if len(times) < OFTEN or now - times[0] > WITHIN or now - self._told.get(loop, float("-inf")) < AGAIN:
            return False
        self._told[loop] = now
        return True

    def forget(self, loop: str) -> None:
        """It is no more."""
        self._blocked.pop(loop, None)
        self._told.pop(loop, None)
