"""When a worker that died is started again.  Pure: the supervisor passes `now`.

Limits after the restart intensity of Erlang/OTP supervisors: 3 restarts within 60 s are immediate, further ones wait
5 s and raise an alarm.
"""

from __future__ import annotations

from collections import deque


class RestartPolicy:
    """One worker's restarts.  Owned by its supervising task."""

    def __init__(self, limit: int = 3, window: float = 60.0, pause: float = 5.0) -> None:
        self._limit, self._window, self._pause = limit, window, pause
        self._recent: deque[float] = deque(maxlen=limit)
        self.restarts = 0

    def died(self, now: float) -> float:
        """Count a restart and return the seconds to wait before it; more than 0 means: raise the alarm."""
        self.restarts += 1
        while self._recent and now - self._recent[0] >= self._window:
            self._recent.popleft()
        exhausted = len(self._recent) == self._limit
        self._recent.append(now)
        return self._pause if exhausted else 0.0
