"""When a passed-through picture needs its encoder no more.

A rendition that begins to be passed through keeps its encoder for a while: viewers get the mixed picture until the
site's next keyframe has come to the relay.  Owned by the conference's control task; `now` is seconds of its clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from mcu_core.wire import PassPlan

SETTLE = 2.0  # a keyframe asked for has come by then, or is asked for again by the relay


class PassBook:
    def __init__(self, settle: float = SETTLE) -> None:
        self._settle = settle
        self._since: dict[PassPlan, float] = {}

    def update(self, passes: Iterable[PassPlan], now: float) -> frozenset[int]:
        """Take in what is passed through now.  Returns the renditions that need no encoder."""
        self._since = {one: self._since.get(one, now) for one in passes}
        return frozenset(one.rendition for one, since in self._since.items() if now - since >= self._settle)

    def due(self, now: float) -> float | None:
        """When the next one has settled."""
        times = [since + self._settle for since in self._since.values() if since + self._settle > now]
        return min(times, default=None)
