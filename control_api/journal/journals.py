"""Reading journals: by conference and by site, verification, anchors.  Writing is `rows.py` and `notes.py`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Text, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.journal.chain import Json, Line
from control_api.journal.tables import JournalAnchor, JournalHead, JournalRow
from control_api.journal.verify import Chain, Head, Verdict
from control_api.store.database import Database

_STEP = 500  # lines read at once: others take their turn in between
_FIRST = 3  # lines in which a journal tells its title
_COLUMNS = (
    JournalRow.conference_id,
    JournalRow.seq,
    JournalRow.at,
    JournalRow.what,
    JournalRow.actor,
    JournalRow.site,
    JournalRow.data,
    JournalRow.previous,
    JournalRow.hash,
    JournalRow.id,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; None: all.  Times are Unix seconds, `until` is not included."""

    what: tuple[str, ...] = ()
    site: str | None = None
    actor: str | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.what:
            found.append(JournalRow.what.in_(self.what))
        if self.site is not None:
            found.append(JournalRow.site == self.site)
        if self.actor is not None:
            found.append(JournalRow.actor == self.actor)
        if self.since is not None:
            found.append(JournalRow.at >= self.since)
        if self.until is not None:
            found.append(JournalRow.at < self.until)
        return found


@dataclass(frozen=True, slots=True)
class Listed:
    """One journal in a list."""

    conference_id: str
    title: str | None  # as the journal itself tells it
    head: Head


class Journals:
    """Readers need no lock: lines never change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(
        self,
        conference_id: str,
        wanted: Wanted | None = None,
        *,
        after: int | None = None,
        order: Literal["oldest", "newest"] = "oldest",
        limit: int = 100,
    ) -> list[Line]:
        """Lines of one journal that come after the one numbered `after` in this order."""
        query = select(*_COLUMNS).where(JournalRow.conference_id == conference_id)
        query = query.where(*(wanted or Wanted()).conditions())
        if after is not None:
            query = query.where(JournalRow.seq < after if order == "newest" else JournalRow.seq > after)
        query = query.order_by(JournalRow.seq.desc() if order == "newest" else JournalRow.seq).limit(limit)
        async with self._database.reading() as session:
            return [_line(row) for row in await session.execute(query)]

    async def of_site(
        self, site: str, wanted: Wanted | None = None, *, before: int | None = None, limit: int = 100
    ) -> list[Line]:
        """A site's lines of all conferences, newest first, with row ids below `before`."""
        query = select(*_COLUMNS).where(JournalRow.site == site, *(wanted or Wanted()).conditions())
        if before is not None:
            query = query.where(JournalRow.id < before)
        async with self._database.reading() as session:
            return [_line(row) for row in await session.execute(query.order_by(JournalRow.id.desc()).limit(limit))]

    async def all_lines(self, conference_id: str, wanted: Wanted | None = None) -> AsyncIterator[list[Line]]:
        """The whole journal in pieces, oldest first."""
        after = 0
        while lines := await self.lines(conference_id, wanted, after=after, limit=_STEP):
            yield lines
            after = lines[-1].seq

    async def head(self, conference_id: str) -> Head | None:
        """None: nothing was ever journalled under that id."""
        async with self._database.reading() as session:
            return await _head(session, conference_id)

    async def listed(self, *, offset: int = 0, limit: int = 100) -> tuple[list[Listed], int]:
        """Journals, the one that was written to last first; and how many there are."""
        async with self._database.reading() as session:
            count = await session.scalar(select(func.count()).select_from(JournalHead)) or 0
            heads = (
                await session.scalars(
                    select(JournalHead)
                    .order_by(JournalHead.changed_at.desc(), JournalHead.conference_id)
                    .offset(offset)
                    .limit(limit)
                )
            ).all()
            titles = await _titles(session, [head.conference_id for head in heads])
        return [Listed(h.conference_id, titles.get(h.conference_id), _from_row(h)) for h in heads], count

    async def title(self, conference_id: str) -> str | None:
        """As the journal itself tells it."""
        async with self._database.reading() as session:
            return (await _titles(session, [conference_id])).get(conference_id)

    async def names(self, conference_id: str) -> dict[str, str]:
        """Names of the sites by their ids, as the journal tells them: also of a conference that is long gone."""
        telling = JournalRow.what.in_(("site_added", "site_renamed"))
        query = select(JournalRow.site, JournalRow.data).where(JournalRow.conference_id == conference_id, telling)
        async with self._database.reading() as session:
            rows = await session.execute(query.order_by(JournalRow.seq))
            return {site: str(data.get("name", site)) for site, data in rows if site is not None}

    # ------------------------------------------------------------------------------------------------- verification

    async def verify(self, conference_id: str) -> Verdict:
        """Read one journal from its beginning.  Lines that are appended meanwhile belong to the next verification."""
        async with self._database.reading() as session:
            head = await _head(session, conference_id) or Head()
            rows = await session.execute(
                select(JournalAnchor.seq, JournalAnchor.hash).where(
                    JournalAnchor.conference_id == conference_id, JournalAnchor.seq > head.pruned_seq
                )
            )
            anchors = {row.seq: row.hash for row in rows}
        chain = Chain(conference_id, head, anchors)
        while lines := await self._as_stored(conference_id, chain.seq):
            newer = [line for line in lines if line.seq > head.seq]
            if newer and (now := await self.head(conference_id)) is not None and now.seq >= newer[-1].seq:
                chain.read(line for line in lines if line.seq <= head.seq)
                break  # written since we began, as it should be
            chain.read(lines)
        return chain.verdict()

    async def _as_stored(self, conference_id: str, after: int) -> list[Line]:
        """Also lines whose data somebody made unreadable."""
        query = select(*_COLUMNS[:6], cast(JournalRow.data, Text), *_COLUMNS[7:]).where(
            JournalRow.conference_id == conference_id, JournalRow.seq > after
        )
        async with self._database.reading() as session:
            return [
                _line(row, _parsed(row[6]))
                for row in await session.execute(query.order_by(JournalRow.seq).limit(_STEP))
            ]

    async def conference_ids(self) -> list[str]:
        """Of all journals: those with a head, and those whose head somebody removed."""
        async with self._database.reading() as session:
            found = set(await session.scalars(select(JournalHead.conference_id)))
            found.update(await session.scalars(select(JournalAnchor.conference_id).distinct()))
            found.update(await session.scalars(select(JournalRow.conference_id).distinct()))
        return sorted(found)

    async def anchor(self, day: str, now: float) -> int:
        """Keep today's heads of the journals that went on since they were last anchored; returns how many."""
        latest = (
            select(JournalAnchor.conference_id, func.max(JournalAnchor.seq).label("seq"))
            .group_by(JournalAnchor.conference_id)
            .subquery()
        )
        async with self._database.writing() as session:
            rows = await session.execute(
                select(JournalHead.conference_id, JournalHead.seq, JournalHead.hash)
                .outerjoin(latest, latest.c.conference_id == JournalHead.conference_id)
                .where(JournalHead.seq > func.coalesce(latest.c.seq, 0))
            )
            new = [
                {"day": day, "conference_id": conference_id, "seq": seq, "hash": line_hash, "at": now}
                for conference_id, seq, line_hash in rows
            ]
            if new:
                insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
                await session.execute(insert(JournalAnchor).on_conflict_do_nothing(), new)  # one a day is enough
        return len(new)


def _line(row: Sequence[Any], data: Json | None = None) -> Line:
    """A row of `_COLUMNS`."""
    conference_id, seq, at, what, actor, site, stored, previous, own, row_id = tuple(row)
    return Line(conference_id, seq, at, what, actor, site, stored if data is None else data, previous, own, row_id)


def _parsed(raw: object) -> Json:
    try:
        found = json.loads(str(raw))
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"": str(raw)}


async def _head(session: AsyncSession, conference_id: str) -> Head | None:
    row = await session.get(JournalHead, conference_id)
    return None if row is None else _from_row(row)


def _from_row(row: JournalHead) -> Head:
    return Head(row.seq, row.hash, row.changed_at, row.pruned_seq, row.pruned_hash, row.pruned_at)


async def _titles(session: AsyncSession, conference_ids: Sequence[str]) -> dict[str, str]:
    rows = await session.execute(
        select(JournalRow.conference_id, JournalRow.data)
        .where(JournalRow.conference_id.in_(conference_ids), JournalRow.seq <= _FIRST)
        .order_by(JournalRow.conference_id, JournalRow.seq)
    )
    return {conference_id: str(data["title"]) for conference_id, data in rows if "title" in data}
