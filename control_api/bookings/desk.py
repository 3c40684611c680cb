"""What the functions of this package work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.outbox import Outbox, Receipts, host_name
from control_api.bookings.rules import RuleSet, rules_named
from control_api.bookings.tables import BookingRow, BookingSite
from control_api.directory.directory import Directory
from control_api.settings import Settings
from control_api.store.database import Database


@dataclass(frozen=True, slots=True)
class Desk:
    settings: Settings
    database: Database
    directory: Directory
    receipts: Receipts
    outbox: Outbox
    now: Callable[[], float]  # wall clock

    @staticmethod
    def rules(row: BookingRow) -> RuleSet:
        """The version the booking was received under (S01)."""
        return rules_named(row.rules)

    async def knows(self, booking_id: str) -> bool:
        """Whether a command that made a booking of this id was carried out before."""
        async with self.database.reading() as session:
            return await session.get(BookingRow, booking_id) is not None

    async def host(self, session: AsyncSession, row: BookingRow) -> str:
        """Name of the host agency."""
        return await host_name(session, row)


async def sites_of(session: AsyncSession, booking_id: str) -> list[BookingSite]:
    """In the order of the form, the main site first."""
    asked = select(BookingSite).where(BookingSite.booking_id == booking_id).order_by(BookingSite.position)
    return list(await session.scalars(asked))
