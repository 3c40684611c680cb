"""When an event loop is blocked so often, or for so long, that somebody should know.

A loop that stands still for more than 20 ms delays every packet of every site by that much.  Once is a hiccup of the
machine; three times within 10 s is too little processor or a bug, and so is once for a time that everybody hears.
Told again after a minute at the earliest.  Pure: `now` is seconds.  Owned by whoever receives the figures.
"""

from __future__ import annotations

from collections import deque

LIMIT_MS = 20.0
OFTEN = 3
WITHIN = 10.0
AT_ONCE_MS = 200.0  # playout buffers hold no more
AGAIN = 60.0


class LagWatch:
    """One per loop that is watched, by name."""

    def __init__(self) -> None:
        self._blocked: dict[str, deque[float]] = {}
        self._lately: dict[str, deque[tuple[float, float, float]]] = {}  # when, lag, of a processor
        self._told: dict[str, float] = {}

    def measured(self, loop: str, lag_ms: float, now: float, cpu_ms: float = 0.0) -> bool:
        """Take in the longest lag since the last call (about once a second); True when it is time to tell.

        `cpu_ms`: the most that one turn used of a processor.
        """
        lately = self._lately.setdefault(loop, deque())
        lately.append((now, lag_ms, cpu_ms))
        while now - lately[0][0] >= WITHIN:
            lately.popleft()
        if lag_ms <= LIMIT_MS:
            return False
        times = self._blocked.setdefault(loop, deque(maxlen=OFTEN))
        times.append(now)
        often = len(times) == OFTEN and now - times[0] <= WITHIN
        if not (often or lag_ms > AT_ONCE_MS) or now - self._told.get(loop, float("-inf")) < AGAIN:
            return False
        self._told[loop] = now
        return True

    def longest_ms(self, loop: str) -> float:
        """The longest lag of the last ten seconds, so that no scrape of the metrics misses it."""
        return max((lag_ms for _, lag_ms, _ in self._lately.get(loop, ())), default=0.0)

    def busiest_ms(self, loop: str) -> float:
        """The most that one turn of the last ten seconds used of a processor."""
        return max((cpu_ms for _, _, cpu_ms in self._lately.get(loop, ())), default=0.0)

    def forget(self, loop: str) -> None:
        """It is no more."""
        self._blocked.pop(loop, None)
        self._lately.pop(loop, None)
        self._told.pop(loop, None)
