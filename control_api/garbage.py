"""When Python looks for garbage that holds itself: when nobody is disturbed, and before it is much.

A join and its leaving leave up to ten objects in cycles.  A full collection looks at every object there is: 0.1 s with
our modules, and still 20 to 40 ms with the connections of 200 sites, during which no socket is read.  Python would make
one every time a quarter more has piled up, that is while sites join.  So the modules are not looked at again, and full
collections are made when the last site has left, or when so many have left meanwhile that it is worth the pause.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sized

LEFT_MOST = 200  # connections that ended, a few megabytes at the very most
IDLE_EVERY = 600.0  # seconds; without sites a full collection takes few milliseconds
_LOOK_EVERY = 1.0
_NEVER = 1 << 30


def settle() -> None:
    """What lives now, lives for ever: no later collection looks at it.  Once, before the first request is served.

    From now on Python collects the young by itself, and the old when `collect` says so.
    """
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(*gc.get_threshold()[:2], _NEVER)


class Collector:
    """Decides when the old are collected.  Pure; `now` is seconds, `ended` connections that ended since the start."""

    def __init__(self, now: float) -> None:
        self._at, self._ended = now, 0

    def due(self, connected: int, ended: int, now: float) -> bool:
        """Whether to collect now; then it is taken as done."""
        left = ended - self._ended
        due = left >= LEFT_MOST if connected else left > 0 or now - self._at >= IDLE_EVERY
        if due:
            self._at, self._ended = now, ended
        return due


async def collect(connections: Sized, ended: Callable[[], int]) -> None:
    """Make full collections until cancelled.  `connections` are the open ones, `ended` says how many were."""
    loop = asyncio.get_running_loop()
    collector = Collector(loop.time())
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        if collector.due(len(connections), ended(), loop.time()):
            gc.collect()
