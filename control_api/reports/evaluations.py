"""Evaluations in the database: written, then signed and locked.  Each method is one transaction."""

from __future__ import annotations

from collections.abc import Callable

from control_api.journal.rows import append, lock_head
from control_api.live.store import JournalEntry, Json
from control_api.reports.evaluation import average, changed_meanwhile, digest, nothing_to_sign, signed_already
from control_api.reports.tables import EvaluationRow
from control_api.store.database import Database


class Evaluations:
    """`now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database, self._now = database, now

    async def get(self, conference_id: str) -> EvaluationRow | None:
        async with self._database.reading() as session:
            return await session.get(EvaluationRow, conference_id)

    async def write(
        self, conference_id: str, content: Json, evaluator: str, position: str, revision: int, by: str
    ) -> EvaluationRow:
        """Write it over revision `revision` (0: there is none yet).

        The same content once more is well, whatever the revision.  Raises Refused `evaluation_signed`,
        `report_changed`.
        """
        now = self._now()
        async with self._database.writing() as session:
            row = await session.get(EvaluationRow, conference_id, with_for_update=True)
            if row is not None and row.signed_at is not None:
                raise signed_already()
            if row is not None and (row.content, row.evaluator, row.position) == (content, evaluator, position):
                return row
            if (0 if row is None else row.revision) != revision:
                raise changed_meanwhile()
            if row is None:
                row = EvaluationRow(conference_id=conference_id, revision=0)
                session.add(row)
            row.content, row.evaluator, row.position = content, evaluator, position
            row.revision, row.changed_at, row.changed_by = revision + 1, now, by
            data: Json = {"revision": row.revision, "items": len(content.get("items", [])), "score": average(content)}
            await append(session, conference_id, [JournalEntry(now, "evaluation_written", by, None, data)])
            return row

    async def sign(self, conference_id: str, by: str) -> EvaluationRow:
        """Sign and lock it; signed already by the same user: nothing happens.

        Raises Refused `evaluation_signed`, `evaluation_empty`.
        """
        now = self._now()
        async with self._database.writing() as session:
            row = await session.get(EvaluationRow, conference_id, with_for_update=True)
            if row is None or not row.content.get("items"):
                raise nothing_to_sign()
            if row.signed_at is not None:
                if row.signed_by == by:
                    return row
                raise signed_already()
            seq, head = await lock_head(session, conference_id, now)
            row.digest = digest(conference_id, row.content, row.evaluator, row.position, seq, head)
            row.signed_at, row.signed_by, row.journal_seq, row.journal_hash = now, by, seq, head
            data: Json = {"digest": row.digest, "journal_seq": seq, "journal_hash": head}
            await append(session, conference_id, [JournalEntry(now, "evaluation_signed", by, None, data)])
            return row
