"""Bringing a booking to another step: the row, the stamp, the journal and the capacity it holds, all in one."""

from __future__ import annotations

from typing import cast

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.booking import booking_of, read_sites
from control_api.bookings.gates import GATES, Blocker, blockers
from control_api.bookings.steps import HOLDING, NAMES, Class, Step, check_follows
from control_api.bookings.tables import BookingHold, BookingRow, BookingStep
from control_api.journal.rows import append
from control_api.live.store import JournalEntry
from control_api.problems import Refused
from control_api.store.base import Json

_MOST_REMARK = 2000


async def enter(
    session: AsyncSession,
    row: BookingRow,
    step: Step,
    by: str | None,
    now: float,
    *,
    remark: str = "",
    override: bool = False,
    data: Json | None = None,
) -> None:
    """Move `row` to `step`.

    `override`: go on despite blockers; `remark` says why.  Raises Refused `wrong_step` or `not_ready` (its detail is
    the list of blockers).
    """
    check_follows(Step(row.state), step, cast(Class, row.class_))
    found: list[Blocker] = []
    if GATES[step]:
        booking = booking_of(row, (await read_sites(session, [row.id]))[row.id])
        found = await blockers(session, booking, step, now)
    if found and not (override and remark):
        raise not_ready(step, found)
    row.state, row.state_at, row.revision = step.value, now, row.revision + 1
    if step is Step.CONNECTED and row.frozen_at is None:
        row.frozen_at = now  # the parameters stay as they are from here on (S35)
    if step not in HOLDING:
        await session.execute(delete(BookingHold).where(BookingHold.booking_id == row.id))
        if row.live != "none" and step is not Step.CLOSED:
            row.live = "unwanted"
    session.add(BookingStep(booking_id=row.id, step=step.value, at=now, by=by, remark=remark[:_MOST_REMARK]))
    content: Json = {"booking": row.id, "step": step.value, **(data or {})}
    if remark:
        content["remark"] = remark[:_MOST_REMARK]
    if found:
        content["despite"] = [blocker.code for blocker in found]
    await append(session, row.conference_id, [JournalEntry(now, "booking_step", by, None, content)])


def not_ready(step: Step, found: list[Blocker]) -> Refused:
    first = found[0]
    return Refused(
        "not_ready",
        f"Chưa thể chuyển sang bước “{NAMES[step][0]}”: {first.vi}",
        f"The meeting cannot become {NAMES[step][1]} yet: {first.en}",
        detail=[{"code": one.code, "vi": one.vi, "en": one.en} for one in found],
    )
