"""What happens to bookings by the clock: reminders before and at the Sở's deadline, close-outs owed (S33, S43).

Each reminder is written with what it causes in one transaction, so a restart repeats none.  `due` is pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.desk import Desk
from control_api.bookings.rules import HOUR, rules_named, said, said_en, warn_at
from control_api.bookings.steps import Step
from control_api.bookings.tables import BookingReminder, BookingRow
from control_api.directory.addresses import of_so
from control_api.directory.notices import notify
from control_api.journal.rows import append
from control_api.live.store import JournalEntry

ANNOUNCE_BEFORE = 12 * HOUR
_AT_ONCE = 200

WARNED, EXPIRED, NOT_ANNOUNCED, NOT_CLOSED = "answer_soon", "answer_overdue", "not_announced", "not_closed"


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder; `at` is what it counts towards and tells a new deadline from an old one."""

    kind: str
    at: float


def due(row: BookingRow, now: float) -> list[Due]:
    """Everything a booking should have been reminded of by now."""
    found = []
    if row.state == Step.REGISTERED and row.received_at is not None and row.answer_by is not None:
        if now >= warn_at(row.received_at, row.answer_by):
            found.append(Due(WARNED, row.answer_by))
        if now >= row.answer_by:
            found.append(Due(EXPIRED, row.answer_by))
    first = row.starts_at if row.trial_at is None else min(row.trial_at, row.starts_at)
    if row.state == Step.ALLOCATED and first - ANNOUNCE_BEFORE <= now < row.ends_at:
        found.append(Due(NOT_ANNOUNCED, row.starts_at))
    if row.state in (Step.CONNECTED, Step.SERVING) and now >= row.ends_at + rules_named(row.rules).close_hours * HOUR:
        found.append(Due(NOT_CLOSED, row.ends_at))
    return found


async def remind(desk: Desk, now: float) -> int:
    """Do what is due and was not done yet; returns how many reminders that were."""
    done = 0
    async with desk.database.reading() as session:
        watched = select(BookingRow.id).where(
            or_(
                BookingRow.state.in_((Step.REGISTERED, Step.CONNECTED, Step.SERVING)),
                (BookingRow.state == Step.ALLOCATED) & (BookingRow.starts_at < now + 31 * 86400),
            )
        )
        ids = list(await session.scalars(watched.order_by(BookingRow.answer_by, BookingRow.id)))
    for its_id in ids:
        async with desk.database.reading() as session:
            row = await session.get(BookingRow, its_id)
            if row is None or not await _new(session, row, due(row, now)):
                continue
        done += await _remind(desk, its_id, now)
    return done


async def _remind(desk: Desk, its_id: str, now: float) -> int:
    async with desk.database.writing() as session:
        row = await session.get(BookingRow, its_id, with_for_update=True)
        new = [] if row is None else await _new(session, row, due(row, now))
        if row is None:
            return 0
        officers = [(one.address, one.name) for one in await of_so(session)]
        for one in new:
            session.add(BookingReminder(booking_id=its_id, kind=one.kind, due_at=one.at, at=now))
            await append(
                session,
                row.conference_id,
                [JournalEntry(now, "booking_reminder", None, None, {"booking": its_id, "kind": one.kind})],
            )
            if one.kind in (WARNED, EXPIRED):
                await desk.outbox.tell_so(session, row, officers, one.kind == EXPIRED, now)
            else:
                await _tell_host(session, row, one, now)
        return len(new)


async def _new(session: AsyncSession, row: BookingRow, found: Sequence[Due]) -> list[Due]:
    if not found:
        return []
    rows = await session.execute(
        select(BookingReminder.kind, BookingReminder.due_at).where(BookingReminder.booking_id == row.id)
    )
    had = {(kind, at) for kind, at in rows}
    return [one for one in found if (one.kind, one.at) not in had]


async def _tell_host(session: AsyncSession, row: BookingRow, one: Due, now: float) -> None:
    """The host owes its meeting something (S43): in its office and by e-mail."""
    if one.kind == NOT_ANNOUNCED:
        vi = f"Cuộc họp “{row.title}” lúc {said(row.starts_at)} đã được cấp phòng mà chưa thông báo tới các điểm cầu."
        en = f"The meeting “{row.title}” at {said_en(row.starts_at)} has its room, but its sites have not been told."
        subject = f"[Nhắc] Chưa thông báo lịch họp: {row.title}"
    else:
        vi = f"Cuộc họp “{row.title}” kết thúc lúc {said(row.ends_at)} mà chưa có tổng kết, đánh giá. Hãy đóng phiếu."
        en = f"The meeting “{row.title}” ended at {said_en(row.ends_at)} and has not been summed up. Close its booking."
        subject = f"[Nhắc] Chưa tổng kết cuộc họp: {row.title}"
    await notify(
        session,
        f"booking_{one.kind}",
        vi,
        en,
        now=now,
        to=row.organisation_id,
        organisation=row.organisation_id,
        subject=row.id,
        mail=subject,
        page=f"/office#/bookings/{row.id}",
    )
