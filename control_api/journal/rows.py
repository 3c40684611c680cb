"""Writing to the journal, inside the caller's transaction: what is acknowledged and what is journalled are one.

Appending locks the journal's head until the transaction ends, so the lines of a journal follow each other on both
databases; triggers of the database refuse a line that is not behind the head and move the head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.journal.chain import GENESIS, linked
from control_api.journal.tables import JournalHead, JournalRow
from control_api.live.store import TEST_ROOM, JournalEntry


async def append(session: AsyncSession, conference_id: str, entries: Sequence[JournalEntry]) -> None:
    """Append to the journal of a conference, which need not exist yet: a booking reserves its conference's id."""
    if not entries or conference_id.startswith(TEST_ROOM):
        return
    seq, previous = await lock_head(session, conference_id, entries[0].at)
    lines = linked(conference_id, seq, previous, [(e.at, e.what, e.actor, e.site, e.data) for e in entries])
    await session.execute(
        insert(JournalRow),
        [
            {
                "conference_id": conference_id,
                "at": line.at,
                "what": line.what,
                "actor": line.actor,
                "site": line.site,
                "data": line.data,
                "seq": line.seq,
                "previous": line.previous,
                "hash": line.hash,
            }
            for line in lines
        ],
    )


async def append_all(session: AsyncSession, batches: Mapping[str, Sequence[JournalEntry]]) -> None:
    """Append to several journals; in one order for everybody, so that two who do it never wait for each other."""
    for conference_id in sorted(batches):
        await append(session, conference_id, batches[conference_id])


async def lock_head(session: AsyncSession, conference_id: str, now: float) -> tuple[int, str]:
    """Number and hash of the newest line, held until the transaction ends; (0, GENESIS) of a new journal."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    new = dialect.insert(JournalHead).values(
        conference_id=conference_id,
        seq=0,
        hash=GENESIS,
        changed_at=now,
        pruned_seq=0,
        pruned_hash=GENESIS,
        pruned_at=None,
    )
    # Changes nothing when there is one: it locks and reads in one round trip.
    held = new.on_conflict_do_update(index_elements=[JournalHead.conference_id], set_={"seq": JournalHead.seq})
    found = (await session.execute(held.returning(JournalHead.seq, JournalHead.hash))).one()
    return found.seq, found.hash
