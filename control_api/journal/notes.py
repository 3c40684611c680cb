"""Notes that people write into a conference's journal (S99): what was done, what was seen, what was agreed on.

A note is a line like any other: it is chained, and nobody can take it back.  Repeating a request under the same
Idempotency-Key writes it once, also after a restart: the note carries an id made from the key.
"""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.journal.chain import Line
from control_api.journal.rows import append, lock_head
from control_api.journal.tables import JournalRow
from control_api.live.store import JournalEntry, Json
from control_api.problems import Refused
from control_api.store.database import Database

NOTE = "note"
LONGEST_NOTE = 2000  # characters
MOST_LATE = 7 * 86400.0  # something may be written down a week after it happened
_SKEW = 120.0  # a client's clock may be ahead


def check_happened(happened_at: float, now: float) -> None:
    """Raises Refused `bad_note_time` for the future and for more than a week ago."""
    if not now - MOST_LATE <= happened_at <= now + _SKEW:
        raise Refused(
            "bad_note_time",
            "Thời điểm của ghi chú phải nằm trong 7 ngày vừa qua và không ở tương lai.",
            "The time of a note must lie within the last 7 days and not in the future.",
        )


def note_id(command_id: str | None) -> str:
    if command_id is None:
        return f"n-{secrets.token_hex(8)}"
    return f"n-{hashlib.sha256(command_id.encode()).hexdigest()[:16]}"


async def write_note(
    database: Database,
    conference_id: str,
    text: str,
    *,
    actor: str,
    site: str | None,
    happened_at: float | None,
    command_id: str | None,
    now: float,
) -> Line:
    """Append a note; returns its line, or the one written under the same `command_id` before.  Times: Unix seconds."""
    if happened_at is not None:
        check_happened(happened_at, now)
    own_id = note_id(command_id)
    data: Json = {"text": text, "note": own_id}
    if happened_at is not None:
        data["happened_at"] = happened_at
    async with database.writing() as session:
        await lock_head(session, conference_id, now)  # whoever repeats this request waits here
        if command_id is not None and (written := await _written(session, conference_id, actor, own_id)) is not None:
            return written
        await append(session, conference_id, [JournalEntry(now, NOTE, actor, site, data)])
        newest = await _written(session, conference_id, actor, own_id)
        assert newest is not None, "it was appended in this transaction"
        return newest


async def _written(session: AsyncSession, conference_id: str, actor: str, own_id: str) -> Line | None:
    row = await session.scalar(
        select(JournalRow)
        .where(JournalRow.conference_id == conference_id, JournalRow.what == NOTE, JournalRow.actor == actor)
        .where(JournalRow.data["note"].as_string() == own_id)
        .limit(1)
    )
    if row is None:
        return None
    return Line(conference_id, row.seq, row.at, row.what, row.actor, row.site, row.data, row.previous, row.hash, row.id)
