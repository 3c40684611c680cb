"""An event loop that knows how long its longest turn took, and how much of a processor one used.

While a turn lasts, from the selector's answer to the next question, no socket is read and no timer is heard.  A
heartbeat would see a turn shorter than it was, by up to its period.  A turn that took long and used little did not
compute: the machine gave it no processor, another thread held the interpreter, or a call waited (a slow disk under a
log).  Costs three looks at clocks a turn.

A turn serves `MOST_SOCKETS` at most: when 200 sites come or go at once, timers are heard between them.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Ready = tuple[selectors.SelectorKey, int]
MOST_SOCKETS = 16


@dataclass(frozen=True, slots=True)
class Turns:
    """The most of any turn, in seconds; the two need not be of the same one."""

    longest: float = 0.0  # by the clock on the wall
    busiest: float = 0.0  # time of a processor, of the loop's own thread


class WatchedLoop(asyncio.SelectorEventLoop):
    """For one reader of `turns`."""

    def __init__(self) -> None:
        self._watch = _TurnWatch()
        super().__init__(self._watch)

    def turns(self) -> Turns:
        """Since the last call; the turn that runs now counts at its end."""
        watch = self._watch
        turns = Turns(watch.longest, watch.busiest)
        watch.longest = watch.busiest = 0.0
        return turns


def turns() -> Turns:
    """Of the running loop since the last call; 0 where nobody watches it, as in tests with a loop of their own."""
    loop = asyncio.get_running_loop()
    return loop.turns() if isinstance(loop, WatchedLoop) else Turns()


def run_watched(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on a loop that is watched."""
    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        return runner.run(main)


class _TurnWatch(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.longest = self.busiest = 0.0
        self._later: deque[Ready] = deque()  # ready, of the next turns
        self._began, self._used = time.monotonic(), time.thread_time()

    def select(self, timeout: float | None = None) -> list[Ready]:
        took = time.monotonic() - self._began
        if took > self.busiest:  # it cannot have used more than it took: the clock that is a system call is spared
            self.busiest = max(self.busiest, time.thread_time() - self._used)
        if took > self.longest:
            self.longest = took
        try:
            return self._some(timeout)
        finally:
            self._began, self._used = time.monotonic(), time.thread_time()

    def _some(self, timeout: float | None) -> list[Ready]:
        if not self._later:
            ready = super().select(timeout)
            if len(ready) <= MOST_SOCKETS:
                return ready
            self._later.extend(ready)
        some = [self._later.popleft() for _ in range(min(MOST_SOCKETS, len(self._later)))]
        registered = self.get_map()
        return [(key, events) for key, events in some if registered.get(key.fd) is key]  # not closed meanwhile
