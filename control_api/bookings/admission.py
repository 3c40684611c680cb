"""Whether a meeting fits beside what is already promised, at every instant, trials included (S68).

What fits is decided inside the transaction that writes the holds, after `take_turn`: PostgreSQL's advisory lock or
SQLite's BEGIN IMMEDIATE let one such transaction run at a time, in however many processes, so capacity is never sold
twice.  The arithmetic is pure.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.rules import HOUR, RuleSet
from control_api.bookings.tables import BookingHold, CapacityRow
from control_api.settings import Settings
from mcu_core.capacity import FULL, Capacity, Demand, MeetingSize, assumed, demand_of, total

_LOCK = 0x6D63755F63617061  # "mcu_capa"


@dataclass(frozen=True, slots=True)
class Hold:
    """Capacity from `starts_at` until just before `ends_at`."""

    booking_id: str
    part: str  # trial, meeting
    starts_at: float
    ends_at: float
    demand: Demand

    def holds_at(self, at: float) -> bool:
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Peak:
    """The fullest instant of a meeting."""

    share: float  # of the machine
    at: float
    besides: tuple[str, ...]  # bookings that hold something then

    @property
    def fits(self) -> bool:
        return self.share <= FULL


def windows(
    rules: RuleSet, starts_at: float, ends_at: float, trial_at: float | None, trial_ends_at: float | None
) -> list[tuple[str, float, float]]:
    """When a meeting needs the machine: from when all must be connected until its end, and during its trial."""
    found = [("meeting", starts_at - rules.ready_hours * HOUR, ends_at)]
    if trial_at is not None and trial_ends_at is not None:
        found.append(("trial", trial_at, trial_ends_at))
    return found


def wanted(booking_id: str, demand: Demand, times: Iterable[tuple[str, float, float]]) -> list[Hold]:
    return [Hold(booking_id, part, starts_at, ends_at, demand) for part, starts_at, ends_at in times]


class Timetable:
    """What is held by others, in order, so that many times can be tried for one meeting.  Pure."""

    def __init__(self, others: Sequence[Hold]) -> None:
        self._ordered = sorted(others, key=lambda one: one.starts_at)
        self._starts = [one.starts_at for one in self._ordered]
        self._longest = max((one.ends_at - one.starts_at for one in others), default=0.0)

    def near(self, hold: Hold) -> list[Hold]:
        """What is held at some instant of `hold`, in the order of the beginnings."""
        first = bisect_left(self._starts, hold.starts_at - self._longest)
        last = bisect_left(self._starts, hold.ends_at)
        return [one for one in self._ordered[first:last] if one.ends_at > hold.starts_at]

    def peak(self, holds: Sequence[Hold], capacity: Capacity) -> Peak:
        """The fullest instant of `holds`, the others included."""
        fullest = Peak(0.0, holds[0].starts_at if holds else 0.0, ())
        for hold in holds:
            near = self.near(hold)
            for at in _instants(hold, near) | {one.starts_at for one in holds if hold.holds_at(one.starts_at)}:
                busy = [one for one in near if one.holds_at(at)]
                own = [one for one in holds if one.holds_at(at)]
                share = capacity.share(total(one.demand for one in (*own, *busy)))
                if share > fullest.share:
                    fullest = Peak(share, at, tuple(sorted({one.booking_id for one in busy})))
        return fullest

    def beside(self, holds: Sequence[Hold]) -> list[Demand]:
        """What the others hold at each instant that matters to `holds`."""
        found = []
        for hold in holds:
            near = self.near(hold)
            found += [total(one.demand for one in near if one.holds_at(at)) for at in _instants(hold, near)]
        return found


def peak(holds: Sequence[Hold], others: Sequence[Hold], capacity: Capacity) -> Peak:
    """The fullest instant of `holds`, `others` included."""
    return Timetable(others).peak(holds, capacity)


def _instants(hold: Hold, near: Sequence[Hold]) -> set[float]:
    """Load only grows where something begins, so those are tried."""
    return {hold.starts_at, *(one.starts_at for one in near if one.starts_at > hold.starts_at)}


# ------------------------------------------------------------------------------------------------------ the database


async def take_turn(session: AsyncSession) -> None:
    """Wait until nobody else decides about capacity; held until the transaction ends.  First thing in it."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def capacity_of(session: AsyncSession, settings: Settings) -> Capacity:
    """As last measured here; a cautious guess when never."""
    relays = settings.relay.count
    row = await session.scalar(select(CapacityRow).order_by(CapacityRow.id.desc()).limit(1))
    if row is None:
        return assumed(processors(), relays)
    one_relay = float(row.details.get("packets_of_one", row.packets))
    return Capacity(row.decode, row.encode, row.compose, row.packets, one_relay * relays)


def processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def holds_between(session: AsyncSession, since: float, until: float, *, but: str | None = None) -> list[Hold]:
    """What is held at some instant of that time, except by the booking `but`."""
    overlap = select(BookingHold).where(BookingHold.ends_at > since, BookingHold.starts_at < until)
    if but is not None:
        overlap = overlap.where(BookingHold.booking_id != but)
    return [
        Hold(row.booking_id, row.part, row.starts_at, row.ends_at, _demand(row))
        for row in await session.scalars(overlap)
    ]


async def write_holds(session: AsyncSession, booking_id: str, holds: Iterable[Hold]) -> None:
    """Replace what a booking holds."""
    await session.execute(delete(BookingHold).where(BookingHold.booking_id == booking_id))
    for hold in holds:
        demand = hold.demand
        session.add(
            BookingHold(
                booking_id=booking_id,
                part=hold.part,
                starts_at=hold.starts_at,
                ends_at=hold.ends_at,
                decode=demand.decode,
                encode=demand.encode,
                compose=demand.compose,
                packets=demand.packets,
            )
        )
    await session.flush()


def demand_for(parameters: dict[str, object], video_sites: int, sound_sites: int) -> Demand:
    return demand_of(size_for(parameters, video_sites, sound_sites))


def size_for(parameters: dict[str, object], video_sites: int, sound_sites: int) -> MeetingSize:
    """The size of a meeting with these parameters (`parameters.Parameters`, as JSON)."""
    known = {
        name: value
        for name, value in parameters.items()
        if name in ("width", "height", "frame_rate", "bitrate_bps", "personal_views")
    }
    size = MeetingSize(video_sites, sound_sites, **known)  # type: ignore[arg-type]
    return size if video_sites else size.sound_only()


def _demand(row: BookingHold) -> Demand:
    return Demand(row.decode, row.encode, row.compose, row.packets)
