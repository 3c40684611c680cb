"""What upkeep did: one row per run, and what the newest ones say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import insert, select, update

from control_api.store.base import Json
from control_api.store.database import Database
from control_api.upkeep.tables import UpkeepRun

Kind = Literal["backup", "verify", "prune"]


@dataclass(frozen=True, slots=True)
class Run:
    """`ok` None: under way, or cut off."""

    id: int
    kind: str
    started_at: float
    ended_at: float | None
    ok: bool | None
    facts: Json


class Runs:
    """`now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database, self._now = database, now

    async def begin(self, kind: Kind) -> int:
        async with self._database.writing() as session:
            new = insert(UpkeepRun).values(kind=kind, started_at=self._now(), facts={})
            return int((await session.execute(new.returning(UpkeepRun.id))).scalar_one())

    async def end(self, run_id: int, *, ok: bool, facts: Json) -> None:
        async with self._database.writing() as session:
            done = update(UpkeepRun).where(UpkeepRun.id == run_id)
            await session.execute(done.values(ended_at=self._now(), ok=ok, facts=facts))

    async def last(self, kind: Kind, *, good: bool = False) -> Run | None:
        """The newest that ended; `good`: that ended well."""
        query = select(UpkeepRun).where(UpkeepRun.kind == kind, UpkeepRun.ok.is_not(None))
        if good:
            query = query.where(UpkeepRun.ok.is_(True))
        async with self._database.reading() as session:
            row = await session.scalar(query.order_by(UpkeepRun.id.desc()).limit(1))
        return None if row is None else Run(row.id, row.kind, row.started_at, row.ended_at, row.ok, row.facts)
