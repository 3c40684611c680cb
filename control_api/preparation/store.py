"""Duty, checklists, site forms, line checks in the database.  Each method is one transaction with its journal line."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import cast

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.journal.rows import append
from control_api.live.store import JournalEntry, Json
from control_api.preparation.checklists import State, newest
from control_api.preparation.duty import Party, Shift
from control_api.preparation.tables import (
    ChecklistMarkRow,
    DutyRow,
    LineCheckRow,
    PreparationMarkRow,
    PreparationRow,
    SitePeopleRow,
)
from control_api.problems import Refused
from control_api.store.base import Base
from control_api.store.database import Database

MOST_DUTIES = 500
MOST_LINE_CHECKS = 2000


@dataclass(frozen=True, slots=True)
class People:
    """Who chairs and who operates a site (S76)."""

    leader: str
    leader_position: str
    operator_name: str
    operator_position: str
    operator_phone: str
    attendees: int | None = None


@dataclass(frozen=True, slots=True)
class LineCheck:
    """A check of a line with the carrier (S73)."""

    site_id: str
    carrier: str
    contact_name: str
    contact_phone: str
    line_code: str
    good: bool
    loss_percent: float | None
    rtt_ms: float | None
    up_mbps: float | None
    down_mbps: float | None
    remark: str
    at: float


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is known of one meeting's preparation."""

    version: str
    marks: Mapping[tuple[str, str], ChecklistMarkRow] = field(default_factory=dict)  # by site and item
    people: Mapping[str, SitePeopleRow] = field(default_factory=dict)  # by site
    shifts: Sequence[Shift] = ()
    lines: Mapping[str, LineCheckRow] = field(default_factory=dict)  # newest by site
    closed_out_at: float | None = None
    closed_out_by: str | None = None

    def states(self, site: str) -> dict[str, State]:
        """What was said of each item at a site."""
        return {item: cast(State, row.state) for (at, item), row in self.marks.items() if at == site}


def made_id(prefix: str, command_id: str | None) -> str:
    """The id of something new; with an Idempotency-Key it follows from it, so a repetition finds what was made."""
    if command_id is None:
        return f"{prefix}-{secrets.token_hex(8)}"
    return f"{prefix}-{hashlib.sha256(command_id.encode()).hexdigest()[:16]}"


async def read_kept(session: AsyncSession, conference_id: str) -> Kept:
    """For gates, which bring their own transaction."""
    begun = await session.get(PreparationRow, conference_id)
    marks = await session.scalars(select(ChecklistMarkRow).where(ChecklistMarkRow.conference_id == conference_id))
    people = await session.scalars(select(SitePeopleRow).where(SitePeopleRow.conference_id == conference_id))
    duties = await session.scalars(
        select(DutyRow).where(DutyRow.conference_id == conference_id).order_by(DutyRow.starts_at, DutyRow.id)
    )
    lines = await session.scalars(
        select(LineCheckRow).where(LineCheckRow.conference_id == conference_id).order_by(LineCheckRow.at)
    )
    return Kept(
        newest() if begun is None else begun.checklist,
        {(row.site_id, row.item): row for row in marks},
        {row.site_id: row for row in people},
        [_shift(row) for row in duties],
        {row.site_id: row for row in lines},
        None if begun is None else begun.closed_out_at,
        None if begun is None else begun.closed_out_by,
    )


class PreparationStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def kept(self, conference_id: str) -> Kept:
        async with self._database.reading() as session:
            return await read_kept(session, conference_id)

    # ----------------------------------------------------------------------------------------------------- duty

    async def assign(self, conference_id: str, shift: Shift) -> Shift:
        """Known already: what was assigned then.  Raises Refused `too_many_duties`."""
        async with self._database.writing() as session:
            known = await session.get(DutyRow, shift.id)
            if known is not None:
                return _shift(known)
            of_meeting = DutyRow.conference_id == conference_id
            if (await session.scalar(select(func.count()).where(of_meeting)) or 0) >= MOST_DUTIES:
                raise Refused(
                    "too_many_duties",
                    f"Cuộc họp đã có {MOST_DUTIES} ca trực. Hãy xóa bớt ca không dùng.",
                    f"The meeting has {MOST_DUTIES} shifts already. Remove some.",
                )
            values = asdict(shift)
            values["site_id"], values["operator_id"] = values.pop("site"), values.pop("operator")
            await session.execute(insert(DutyRow).values(conference_id=conference_id, **values))
            data: Json = {
                "party": shift.party,
                "name": shift.name,
                "position": shift.position,
                "starts_at": shift.starts_at,
                "ends_at": shift.ends_at,
            }
            entry = JournalEntry(shift.changed_at, "duty_assigned", shift.changed_by, shift.site, data)
            await append(session, conference_id, [entry])
        return shift

    async def duty(self, conference_id: str, duty_id: str) -> Shift:
        """Raises Refused `unknown_duty`."""
        async with self._database.reading() as session:
            row = await session.get(DutyRow, duty_id)
        if row is None or row.conference_id != conference_id:
            raise _unknown_duty(duty_id)
        return _shift(row)

    async def dismiss(self, conference_id: str, duty_id: str, by: str, now: float) -> None:
        """Raises Refused `unknown_duty`."""
        async with self._database.writing() as session:
            same = DutyRow.id == duty_id, DutyRow.conference_id == conference_id
            row = await session.scalar(select(DutyRow).where(*same))
            if row is None:
                raise _unknown_duty(duty_id)
            await session.execute(delete(DutyRow).where(*same))
            data: Json = {"party": row.party, "name": row.name}
            await append(session, conference_id, [JournalEntry(now, "duty_dismissed", by, row.site_id, data)])

    # --------------------------------------------------------------------------------------- checklists and forms

    async def mark(
        self,
        conference_id: str,
        site: str,
        item: str,
        state: State,
        remark: str,
        evidence: str | None,
        by: str,
        now: float,
    ) -> None:
        """Say how an item is.  The first word of a meeting fixes the version of its checklist."""
        values = {"state": state, "remark": remark, "evidence": evidence, "at": now, "by": by}
        async with self._database.writing() as session:
            await self._begin(session, conference_id, now)
            before = await session.get(ChecklistMarkRow, (conference_id, site, item))
            if before is not None and (before.state, before.remark, before.evidence) == (state, remark, evidence):
                return
            new = self._insert(ChecklistMarkRow).values(conference_id=conference_id, site_id=site, item=item, **values)
            key = [ChecklistMarkRow.conference_id, ChecklistMarkRow.site_id, ChecklistMarkRow.item]
            await session.execute(new.on_conflict_do_update(index_elements=key, set_=values))
            data: Json = {"item": item, "state": state}
            if remark:
                data["remark"] = remark
            await append(session, conference_id, [JournalEntry(now, "checklist", by, site, data)])

    async def save_people(self, conference_id: str, site: str, people: People, by: str, now: float) -> None:
        values = {**asdict(people), "at": now, "by": by}
        async with self._database.writing() as session:
            await self._begin(session, conference_id, now)
            before = await session.get(SitePeopleRow, (conference_id, site))
            if before is not None and all(getattr(before, name) == one for name, one in asdict(people).items()):
                return
            new = self._insert(SitePeopleRow).values(conference_id=conference_id, site_id=site, **values)
            key = [SitePeopleRow.conference_id, SitePeopleRow.site_id]
            await session.execute(new.on_conflict_do_update(index_elements=key, set_=values))
            data: Json = {"leader": people.leader, "operator": people.operator_name}
            await append(session, conference_id, [JournalEntry(now, "site_people", by, site, data)])

    async def add_line_check(
        self, conference_id: str, check_id: str, check: LineCheck, by: str, now: float
    ) -> LineCheckRow:
        """Known already: what was recorded then.  Raises Refused `too_many_line_checks`."""
        async with self._database.writing() as session:
            known = await session.get(LineCheckRow, check_id)
            if known is not None:
                return known
            of_meeting = LineCheckRow.conference_id == conference_id
            if (await session.scalar(select(func.count()).where(of_meeting)) or 0) >= MOST_LINE_CHECKS:
                raise Refused(
                    "too_many_line_checks",
                    f"Cuộc họp đã có {MOST_LINE_CHECKS} lần kiểm tra đường truyền.",
                    f"The meeting has {MOST_LINE_CHECKS} line checks already.",
                )
            values = {**asdict(check), "id": check_id, "conference_id": conference_id, "by": by}
            await session.execute(insert(LineCheckRow).values(**values))
            data: Json = {"carrier": check.carrier, "good": check.good, "remark": check.remark}
            await append(session, conference_id, [JournalEntry(now, "line_checked", by, check.site_id, data)])
            return await session.get_one(LineCheckRow, check_id)

    async def line_checks(self, conference_id: str, offset: int, limit: int) -> tuple[list[LineCheckRow], int]:
        """A page, newest first, and how many there are."""
        where = LineCheckRow.conference_id == conference_id
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).where(where))
            rows = select(LineCheckRow).where(where).order_by(LineCheckRow.at.desc(), LineCheckRow.id)
            return list(await session.scalars(rows.offset(offset).limit(limit))), int(total or 0)

    async def close_out(self, conference_id: str, remark: str, by: str, now: float) -> None:
        """Note that everything is switched off (S101); once."""
        async with self._database.writing() as session:
            await self._begin(session, conference_id, now)
            row = await session.get_one(PreparationRow, conference_id)
            if row.closed_out_at is not None:
                return
            row.closed_out_at, row.closed_out_by = now, by
            data: Json = {"remark": remark} if remark else {}
            await append(session, conference_id, [JournalEntry(now, "closed_out", by, None, data)])

    # --------------------------------------------------------------------------------------------------- clocks

    async def told(self, conference_id: str) -> set[tuple[str, float]]:
        """What the clocks have told of a meeting: kind, and when it was due."""
        async with self._database.reading() as session:
            mine = PreparationMarkRow.conference_id == conference_id
            rows = await session.scalars(select(PreparationMarkRow).where(mine))
            return {(row.kind, row.due_at) for row in rows}

    async def tell(
        self,
        conference_id: str,
        kind: str,
        due_at: float,
        now: float,
        data: Json,
        *,
        also: Callable[[AsyncSession], Awaitable[None]] | None = None,
    ) -> bool:
        """Write down that something is told, and journal it; False when it was already.  `also` is written with it."""
        async with self._database.writing() as session:
            new = self._insert(PreparationMarkRow).values(conference_id=conference_id, kind=kind, due_at=due_at, at=now)
            made = await session.scalar(new.on_conflict_do_nothing().returning(PreparationMarkRow.kind))
            if made is None:
                return False
            entry = JournalEntry(now, f"preparation_{kind}", None, None, data)
            await append(session, conference_id, [entry])
            if also is not None:
                await also(session)
            return True

    async def forget(self, conference_ids: Collection[str]) -> None:
        """Remove what was told of meetings that are over."""
        if conference_ids:
            async with self._database.writing() as session:
                old = PreparationMarkRow.conference_id.in_(list(conference_ids))
                await session.execute(delete(PreparationMarkRow).where(old))

    async def _begin(self, session: AsyncSession, conference_id: str, now: float) -> None:
        new = self._insert(PreparationRow).values(conference_id=conference_id, checklist=newest(), begun_at=now)
        await session.execute(new.on_conflict_do_nothing())

    def _insert(self, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._database.is_sqlite else postgresql.insert(table)


def _unknown_duty(duty_id: str) -> Refused:
    return Refused("unknown_duty", f"Không có ca trực “{duty_id}”.", f"There is no shift “{duty_id}”.")


def _shift(row: DutyRow) -> Shift:
    return Shift(
        row.id,
        cast(Party, row.party),
        row.site_id,
        row.operator_id,
        row.name,
        row.position,
        row.phone,
        row.starts_at,
        row.ends_at,
        row.remark,
        row.changed_by,
        row.changed_at,
    )
