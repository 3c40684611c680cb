"""Freezes, silences and how long it takes to recover from an event, from the times at which something new came.

A freeze is a wait for a picture of at least max(3 d, d + 150 ms), d being the mean of the last 30 waits (W3C,
"Identifiers for WebRTC's Statistics API", `freezeCount`).  Times are seconds of one clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

LAST = 30
LONGER_THAN_USUAL = 0.15
TROUBLE = 0.5  # seconds of frozen picture that say that a line is not stable
SILENCE = 0.2  # seconds of lost speech that do


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` to `end`."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin


def freezes(times: Iterable[float], begin: float, end: float) -> list[Span]:
    """The freezes between `begin` and `end`, of pictures that came at `times` (ascending; earlier ones teach the pace).

    What still waits at `end`, or waited at `begin`, counts up to there and from there; no picture at all is one freeze.
    """
    found: list[Span] = []
    waits: deque[float] = deque(maxlen=LAST)
    last: float | None = None
    for time in (*times, end):
        if time > end:
            time = end
        if last is not None:
            wait = time - last
            usual = sum(waits) / len(waits) if waits else 0.0
            if waits and time > begin and wait >= max(3 * usual, usual + LONGER_THAN_USUAL):
                found.append(Span(max(last, begin), time))
            waits.append(wait)
        last = time
        if time >= end:
            break
    if not waits or (last is not None and sum(waits) <= 0):
        return [Span(begin, end)]
    return found


def recovery(calm: Iterable[Span], pictures: Iterable[Span], sounds: Iterable[Span]) -> list[float | None]:
    """For each stretch in which the line did not change: seconds until sound and picture were well, and stayed so.

    None where they were not when the stretch ended.  Not well is a freeze over 500 ms or 200 ms of lost speech; what
    begins at the very end of a stretch belongs to the change that ends it.
    """
    troubles = [span for span in pictures if span.seconds > TROUBLE] + [s for s in sounds if s.seconds > SILENCE]
    found: list[float | None] = []
    for stretch in calm:
        ends = [span.end for span in troubles if span.end > stretch.begin and span.begin < stretch.end - TROUBLE]
        last = max(ends, default=stretch.begin)
        found.append(None if last >= stretch.end else last - stretch.begin)
    return found
