"""How many messages one endpoint may send: an average over a window, so that a short burst is fine.  Pure."""

from __future__ import annotations


class MessageRate:
    """At most `per_second` messages, averaged over `window` seconds (leaky bucket)."""

    def __init__(self, per_second: float = 50.0, window: float = 5.0) -> None:
        self._rate = per_second
        self._room = per_second * window
        self._level = 0.0
        self._at = 0.0

    def passes(self, now: float) -> bool:
        """Count one message; False when it is one too many."""
        self._level = max(0.0, self._level - (now - self._at) * self._rate) + 1
        self._at = now
        return self._level <= self._room
