"""Writing to the journal, inside the caller's transaction: what is acknowledged and what is journalled are one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.conferences.tables import JournalRow
from control_api.live.store import JournalEntry


async def append(session: AsyncSession, conference_id: str, entries: Sequence[JournalEntry]) -> None:
    """Append to the journal of a conference, which need not exist yet: a booking reserves its conference's id."""
    if entries:
        await session.execute(
            insert(JournalRow),
            [
                {
                    "conference_id": conference_id,
                    "at": entry.at,
                    "what": entry.what,
                    "actor": entry.actor,
                    "site": entry.site,
                    "data": entry.data,
                }
                for entry in entries
            ],
        )
