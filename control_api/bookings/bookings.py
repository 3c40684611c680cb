"""Bookings for the other areas: find one, bring it to its next step.  The rest of the house is in its own files."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from control_api.bookings.booking import Booking, Stamp, complete, read_row, read_stamps, unknown_booking
from control_api.bookings.stamping import enter
from control_api.bookings.steps import Step
from control_api.bookings.tables import BookingRow
from control_api.store.database import Database


class Bookings:
    """`now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def get(self, booking_id: str) -> Booking:
        """Raises Refused `unknown_booking`."""
        async with self._database.reading() as session:
            row = await session.get(BookingRow, booking_id)
            if row is None:
                raise unknown_booking(booking_id)
            return (await complete(session, [row]))[0]

    async def of_conference(self, conference_id: str) -> Booking | None:
        """The booking a conference was made for, or will be."""
        async with self._database.reading() as session:
            row = await session.scalar(select(BookingRow).where(BookingRow.conference_id == conference_id))
            return None if row is None else (await complete(session, [row]))[0]

    async def stamps(self, booking_id: str) -> list[Stamp]:
        """Every step it has been brought to, oldest first."""
        async with self._database.reading() as session:
            return await read_stamps(session, booking_id)

    async def advance(
        self, booking_id: str, step: Step, by: str | None, *, remark: str = "", override: bool = False
    ) -> Booking:
        """Bring a booking to `step`; it is well when it is there already.

        `override` goes on despite blockers and needs a `remark`.  Raises Refused `unknown_booking`, `wrong_step`,
        `not_ready`.  Registration, allocation, refusal, displacement and cancellation have functions of their own.
        """
        async with self._database.writing() as session:
            row = await read_row(session, booking_id)
            if row.state != step:
                await enter(session, row, step, by, self._now(), remark=remark, override=override)
            return (await complete(session, [row]))[0]
