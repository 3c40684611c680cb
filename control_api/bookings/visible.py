"""Which meetings an account sees: its agency's, and those it is invited to; of others only that they are there."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import reads_all
from control_api.bookings.tables import BookingRow, BookingSite

_AT_ONCE = 500  # ids in one question: far below what the databases bind


def visible(user: SignedIn) -> list[ColumnElement[bool]]:
    """Conditions on BookingRow."""
    if reads_all(user):
        return []
    invited = select(BookingSite.booking_id).where(BookingSite.organisation_id == user.organisation)
    return [or_(BookingRow.organisation_id == user.organisation, BookingRow.id.in_(invited))]


async def titles(session: AsyncSession, ids: Collection[str], user: SignedIn) -> dict[str, str]:
    """By id, of those of the bookings that `user` may see; the others are nobody's business by name."""
    asked, found = sorted(ids), dict[str, str]()
    for start in range(0, len(asked), _AT_ONCE):
        some = BookingRow.id.in_(asked[start : start + _AT_ONCE])
        rows = await session.execute(select(BookingRow.id, BookingRow.title).where(some, *visible(user)))
        found.update((row.id, row.title) for row in rows)
    return found
