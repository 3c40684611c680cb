"""An event loop that knows how long its longest turn took.

While a turn lasts, from the selector's answer to the next question, no socket is read and no timer is heard.  A
heartbeat would see a turn shorter than it was, by up to its period.  Costs two looks at the clock a turn.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class WatchedLoop(asyncio.SelectorEventLoop):
    """For one reader of `longest_turn`."""

    def __init__(self) -> None:
        self._turns = _Turns()
        super().__init__(self._turns)

    def longest_turn(self) -> float:
        """Seconds of the longest turn since the last call; the one that runs now counts at its end."""
        turns = self._turns
        longest, turns.longest = turns.longest, 0.0
        return longest


def longest_turn() -> float:
    """Of the running loop; 0 where nobody watches it, as in tests that bring a loop of their own."""
    loop = asyncio.get_running_loop()
    return loop.longest_turn() if isinstance(loop, WatchedLoop) else 0.0


def run_watched(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on a loop that is watched."""
    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        return runner.run(main)


class _Turns(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0
        self._began = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        took = time.monotonic() - self._began
        if took > self.longest:
            self.longest = took
        try:
            return super().select(timeout)
        finally:
            self._began = time.monotonic()
