"""One booking as the rest of the program sees it, and how it is read from the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.steps import HOLDING, Class, Step
from control_api.bookings.tables import BookingRow, BookingSite, BookingStep
from control_api.problems import Refused
from control_api.store.base import Json


@dataclass(frozen=True, slots=True)
class BookedSite:
    site_id: str  # of the directory, and of the live conference
    name: str
    role: str  # main, member
    organisation_id: str | None = None
    place: str = ""
    attendees: str = ""
    attendee_count: int | None = None
    video: bool = True
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    step: Step
    at: float
    by: str | None
    remark: str


@dataclass(frozen=True, slots=True)
class Booking:
    """Times are Unix seconds."""

    id: str
    conference_id: str
    organisation_id: str
    owner: str
    title: str
    class_: Class
    meeting_type: str
    urgent: bool
    priority: int
    starts_at: float
    ends_at: float
    trial_at: float | None
    trial_ends_at: float | None
    state: Step
    state_at: float
    rules: str
    form: Json
    parameters: Json
    frozen_at: float | None
    decision: Json | None
    close_out: Json | None
    received_at: float | None
    answer_by: float | None
    answered_at: float | None
    sequence: int
    revision: int
    live: str
    series_id: str | None
    created_at: float
    sites: tuple[BookedSite, ...]

    @property
    def main(self) -> BookedSite | None:
        return next((site for site in self.sites if site.role == "main"), None)

    @property
    def holds(self) -> bool:
        """Whether it holds capacity and has a live conference."""
        return self.state in HOLDING

    def site(self, site_id: str) -> BookedSite | None:
        return next((site for site in self.sites if site.site_id == site_id), None)


def unknown_booking(booking_id: str) -> Refused:
    return Refused(
        "unknown_booking",
        f"Không có phiếu đăng ký “{booking_id[:80]}”. Hãy kiểm tra lại danh sách lịch họp.",
        f"There is no booking “{booking_id[:80]}”. Look at the list of meetings again.",
    )


async def read_row(session: AsyncSession, booking_id: str, *, lock: bool = True) -> BookingRow:
    """The row; `lock`: until the transaction ends, where the database locks rows.  Raises Refused `unknown_booking`."""
    row = await session.get(BookingRow, booking_id, with_for_update=lock)
    if row is None:
        raise unknown_booking(booking_id)
    return row


async def read_sites(session: AsyncSession, booking_ids: Sequence[str]) -> dict[str, tuple[BookedSite, ...]]:
    found: dict[str, tuple[BookedSite, ...]] = dict.fromkeys(booking_ids, ())
    if booking_ids:
        asked = BookingSite.booking_id.in_(booking_ids)
        for row in await session.scalars(select(BookingSite).where(asked).order_by(BookingSite.position)):
            found[row.booking_id] += (_site(row),)
    return found


async def complete(session: AsyncSession, rows: Sequence[BookingRow]) -> list[Booking]:
    """Rows with their sites, in the same order."""
    sites = await read_sites(session, [row.id for row in rows])
    return [booking_of(row, sites[row.id]) for row in rows]


async def read_stamps(session: AsyncSession, booking_id: str) -> list[Stamp]:
    asked = BookingStep.booking_id == booking_id
    rows = await session.scalars(select(BookingStep).where(asked).order_by(BookingStep.id))
    return [Stamp(Step(row.step), row.at, row.by, row.remark) for row in rows]


def booking_of(row: BookingRow, sites: tuple[BookedSite, ...]) -> Booking:
    return Booking(
        id=row.id,
        conference_id=row.conference_id,
        organisation_id=row.organisation_id,
        owner=row.owner,
        title=row.title,
        class_=cast(Class, row.class_),
        meeting_type=row.meeting_type,
        urgent=row.urgent,
        priority=row.priority,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        trial_at=row.trial_at,
        trial_ends_at=row.trial_ends_at,
        state=Step(row.state),
        state_at=row.state_at,
        rules=row.rules,
        form=row.form,
        parameters=row.parameters,
        frozen_at=row.frozen_at,
        decision=row.decision,
        close_out=row.close_out,
        received_at=row.received_at,
        answer_by=row.answer_by,
        answered_at=row.answered_at,
        sequence=row.sequence,
        revision=row.revision,
        live=row.live,
        series_id=row.series_id,
        created_at=row.created_at,
        sites=sites,
    )


def _site(row: BookingSite) -> BookedSite:
    return BookedSite(
        site_id=row.site_id,
        name=row.name,
        role=row.role,
        organisation_id=row.organisation_id,
        place=row.place,
        attendees=row.attendees,
        attendee_count=row.attendee_count,
        video=row.video,
        email=row.email,
    )
