"""The mixer's clock: ticks at fixed instants, whatever arrives and however long the work took.

Ticks lie at whole multiples of their period (plus a phase) of CLOCK_MONOTONIC, and RTP timestamps are read off the
same clock.  All processes of a machine share it, so a mixer that takes over continues the timestamps of the one that
died.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

_WRAP = 1 << 32
_EARLY = 1e-6  # a timer that fires this much early is on time


class Clock(Protocol):
    """Seconds of a monotonic clock, and a way to wait for them."""

    def now(self) -> float: ...

    async def sleep_until(self, when: float) -> None:
        """Return at or after `when`; lets other tasks run even when it has passed."""
        ...


class MonotonicClock:
    """CLOCK_MONOTONIC, the clock of the event loop."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep_until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - time.monotonic()))


@dataclass(frozen=True, slots=True)
class Tick:
    """One instant of work: it was `due`, and began at `woke` (seconds); `skipped` ticks before it never happened."""

    number: int
    due: float
    woke: float
    skipped: int = 0

    @property
    def late(self) -> float:
        return max(0.0, self.woke - self.due)


async def ticks(clock: Clock, period: float, phase: float = 0.0, catch_up: int = 0) -> AsyncGenerator[Tick, None]:
    """Yield a tick every `period` seconds, the first one in the future.

    When the work took too long, at most `catch_up` missed ticks are made up for; older ones are skipped, never queued.
    """
    last = _passed(clock.now(), period, phase)
    while True:
        due = phase + (last + 1) * period
        await clock.sleep_until(due)
        now = clock.now()
        number = max(last + 1, _passed(now, period, phase) - catch_up)
        yield Tick(number, phase + number * period, now, number - last - 1)
        last = number


def _passed(now: float, period: float, phase: float) -> int:
    """Number of the newest tick that is due."""
    return math.floor((now - phase + _EARLY) / period)


def rtp_time(seconds: float, rate: int) -> int:
    """`seconds` of the monotonic clock as an RTP timestamp of a clock of `rate` Hz, 32 bits."""
    return round(seconds * rate) % _WRAP
