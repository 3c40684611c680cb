"""Deleting what is older than the office keeps it: journals as a whole, and what other features name here.

A journal is deleted when nothing was written to it for as long as journals are kept and its conference is gone.  Its
head stays with the number of lines and the last hash, so that verification tells a pruned journal from a removed one
and an export that was filed can still be checked.  The head and the lines change in one transaction, which is the
only way the database allows (migration 0009).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.conferences.tables import Conference
from control_api.journal.tables import JournalAnchor, JournalHead, JournalRow
from control_api.store.database import Database
from control_api.upkeep.rules import months_before
from control_api.upkeep.tables import UpkeepRun

_AT_ONCE = 20  # journals of one transaction: others write in between

Prune = Callable[[AsyncSession, float], Awaitable[int]]

SECURITY: dict[
    str, Prune
] = {}  # what is kept as long as the security log: name -> deletes what is older, says how much
MEETINGS: dict[str, Prune] = {}  # what is kept as long as journals


@dataclass(frozen=True, slots=True)
class Kept:
    """Months.  The security log is kept 3 at least (settings refuse less)."""

    journal_months: int
    security_months: int


async def prune(database: Database, kept: Kept, now: float) -> dict[str, int]:
    """Delete what is too old; how much of each.  Killed half way it goes on the next time."""
    journal_limit = months_before(now, kept.journal_months)
    security_limit = months_before(now, kept.security_months)
    found = {"journals": await _prune_journals(database, journal_limit, now)}
    for rules, limit in ((MEETINGS, journal_limit), (SECURITY, security_limit)):
        for name, rule in rules.items():
            async with database.writing() as session:
                found[name] = await rule(session, limit)
    async with database.writing() as session:
        old = delete(UpkeepRun).where(UpkeepRun.started_at < months_before(now, max(kept.security_months, 12)))
        await session.execute(old)
    return found


async def _prune_journals(database: Database, limit: float, now: float) -> int:
    """Returns how many journals."""
    total = 0
    while True:
        async with database.writing() as session:
            ids = list(
                await session.scalars(
                    select(JournalHead.conference_id)
                    .where(
                        JournalHead.changed_at < limit,
                        JournalHead.seq > JournalHead.pruned_seq,
                        JournalHead.conference_id.not_in(select(Conference.id)),
                    )
                    .limit(_AT_ONCE)
                    .with_for_update()
                )
            )
            if not ids:
                return total
            here = JournalHead.conference_id.in_(ids)
            tombstone = {"pruned_seq": JournalHead.seq, "pruned_hash": JournalHead.hash, "pruned_at": now}
            await session.execute(update(JournalHead).where(here).values(tombstone))
            await session.execute(delete(JournalRow).where(JournalRow.conference_id.in_(ids)))
            await session.execute(delete(JournalAnchor).where(JournalAnchor.conference_id.in_(ids)))
        total += len(ids)
