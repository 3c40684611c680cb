"""How good a line is: figures of ten seconds → good, fair, bad or lost.  The one place of the thresholds.  Pure.

Limits: ITU-T G.114 (mouth to ear 150 ms good, 400 ms the most, which our own buffers halve), RFC 3611 and what the
MCU can repair (NACK and FEC hold a picture together up to about 5 % of loss).  S14, S48, S60.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Grade = Literal["good", "fair", "bad", "lost"]
GRADES: tuple[Grade, ...] = ("good", "fair", "bad", "lost")  # their numbers are stored
PERIOD = 10.0  # seconds between two readings


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is still of a grade."""

    loss: float  # fraction, the worse direction
    jitter_ms: float
    rtt_ms: float


GOOD = Limits(loss=0.01, jitter_ms=30.0, rtt_ms=150.0)
FAIR = Limits(loss=0.05, jitter_ms=80.0, rtt_ms=400.0)


@dataclass(frozen=True, slots=True)
class Figures:
    """One line over some seconds; `up` is from the site to the MCU."""

    loss_up: float = 0.0  # fraction
    loss_down: float = 0.0
    jitter_ms: float = 0.0
    rtt_ms: float | None = None
    up_kbps: float = 0.0
    down_kbps: float = 0.0

    @property
    def loss(self) -> float:
        return max(self.loss_up, self.loss_down)


def grade_of(figures: Figures | None) -> Grade:
    """None: nobody is connected."""
    if figures is None:
        return "lost"
    for grade, limits in (("good", GOOD), ("fair", FAIR)):
        within = (
            figures.loss <= limits.loss
            and figures.jitter_ms <= limits.jitter_ms
            and (figures.rtt_ms is None or figures.rtt_ms <= limits.rtt_ms)
        )
        if within:
            return "good" if grade == "good" else "fair"
    return "bad"


def score_of(good: int, fair: int, bad: int, lost: int) -> int | None:
    """0 to 100 of a whole meeting; None without a reading.  A fair reading counts half, a bad one a tenth."""
    readings = good + fair + bad + lost
    return None if readings == 0 else round(100 * (good + 0.5 * fair + 0.1 * bad) / readings)


def measured(figures: Mapping[str, float | None]) -> Figures:
    """From what the live conference tells of a site (`SiteQuality.message`): the relay's figures before the page's."""

    def at(*names: str) -> float:
        return next((max(0.0, value) for name in names if (value := figures.get(name)) is not None), 0.0)

    rtt = figures.get("rtt_ms")
    rtt = figures.get("peer_rtt_ms") if rtt is None else rtt
    return Figures(
        loss_up=min(1.0, at("lost_fraction")),
        loss_down=min(1.0, max(at("peer_lost_fraction"), at("lost"))),
        jitter_ms=max(at("jitter_ms"), at("peer_jitter_ms")),
        rtt_ms=None if rtt is None else max(0.0, rtt),
        up_kbps=at("received_kbps"),
        down_kbps=at("sent_kbps", "kbps"),
    )


# ------------------------------------------------------------------------------------------------- the stored form


def packed(figures: Figures | None) -> list[int]:
    """Seven small integers: grade, loss up and down (1/1000), jitter, rtt (-1: unknown) in ms, kbit/s up and down."""
    if figures is None:
        return [GRADES.index("lost")]
    return [
        GRADES.index(grade_of(figures)),
        round(figures.loss_up * 1000),
        round(figures.loss_down * 1000),
        min(round(figures.jitter_ms), 60_000),
        -1 if figures.rtt_ms is None else min(round(figures.rtt_ms), 60_000),
        min(round(figures.up_kbps), 10_000_000),
        min(round(figures.down_kbps), 10_000_000),
    ]


@dataclass(frozen=True, slots=True)
class Reading:
    """One line at one moment, as stored."""

    grade: Grade
    figures: Figures | None


def unpacked(row: Sequence[int]) -> Reading:
    grade = GRADES[row[0]]
    if len(row) < 7:
        return Reading(grade, None)
    up, down, jitter, rtt, up_kbps, down_kbps = row[1:7]
    return Reading(
        grade, Figures(up / 1000, down / 1000, float(jitter), None if rtt < 0 else float(rtt), up_kbps, down_kbps)
    )


def thinned(readings: Sequence[tuple[float, Reading]], most: int) -> list[tuple[float, Reading]]:
    """At most `most` of them: of neighbours the worst is kept, so that no bad moment hides."""
    if len(readings) <= most:
        return list(readings)
    size = -(-len(readings) // most)
    groups = (readings[start : start + size] for start in range(0, len(readings), size))
    return [max(group, key=lambda one: _badness(one[1])) for group in groups]


def _badness(reading: Reading) -> tuple[int, float]:
    return GRADES.index(reading.grade), 0.0 if reading.figures is None else reading.figures.loss


class Watch:
    """When a line is worth an alarm: three bad readings in a row begin it, three better ones end it.

    One for each site of a live conference.
    """

    PATIENCE = 3

    def __init__(self) -> None:
        self.trouble: Grade | None = None  # bad or lost, once told
        self.since = 0.0
        self._run = 0
        self._newest: Grade = "good"

    def read(self, grade: Grade, now: float) -> Change | None:
        """One reading.  Returns what changed with it."""
        newest: Grade = "good" if grade == "fair" else grade
        self._run = self._run + 1 if newest == self._newest else 1
        self._newest = newest
        needed = 1 if newest == "lost" else self.PATIENCE
        if self._run < needed or newest == (self.trouble or "good"):
            return None
        before, since = self.trouble, self.since
        self.trouble, self.since = (None if newest == "good" else newest), now
        return Change(before, self.trouble, None if before is None else now - since)


@dataclass(frozen=True, slots=True)
class Change:
    """From one trouble to another; None is none.  `seconds` is how long the former one lasted."""

    before: Grade | None
    after: Grade | None
    seconds: float | None


def averages(readings: Iterable[Reading]) -> Figures | None:
    """Mean figures of the readings that have some."""
    found = [reading.figures for reading in readings if reading.figures is not None]
    if not found:
        return None
    count = len(found)
    rtts = [figures.rtt_ms for figures in found if figures.rtt_ms is not None]
    return Figures(
        sum(f.loss_up for f in found) / count,
        sum(f.loss_down for f in found) / count,
        sum(f.jitter_ms for f in found) / count,
        sum(rtts) / len(rtts) if rtts else None,
        sum(f.up_kbps for f in found) / count,
        sum(f.down_kbps for f in found) / count,
    )
