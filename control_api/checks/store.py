"""Checks in the database: sheets, overrides, retests, confirmations.  Each method is one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.checks.measured import Measured
from control_api.checks.stills import Still
from control_api.checks.tables import CheckRow, ConfirmationRow, OverrideRow, RetestRow, StillRow
from control_api.checks.thresholds import VERSION
from control_api.checks.verdict import Judged, Verdict
from control_api.journal.rows import append
from control_api.live.store import JournalEntry, Json
from control_api.problems import Refused
from control_api.store.base import Base
from control_api.store.database import Database
from control_api.upkeep.retention import MEETINGS


@dataclass(frozen=True, slots=True)
class Sheet:
    """What people filled in (S76, S81)."""

    leader: str = ""
    operator_name: str = ""
    operator_position: str = ""
    operator_phone: str = ""
    remark: str = ""
    tester: str = ""
    device_ready: bool = False


@dataclass(frozen=True, slots=True)
class NewCheck:
    id: str
    conference_id: str
    site_id: str
    site_name: str
    kind: str  # browser, room
    purpose: str  # technical, speaker, retest
    sheet: Sheet
    measured: Measured
    judged: Judged
    client: str = ""
    still: Still | None = None
    by: str | None = None  # user who filled it; none: the site itself


@dataclass(frozen=True, slots=True)
class Override:
    verdict: Verdict
    remark: str
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Check:
    """A sheet as it is stored, with what was decided about it since."""

    row: CheckRow
    overrides: tuple[Override, ...] = ()  # oldest first

    @property
    def verdict(self) -> Verdict:
        """The newest word: an officer's, else the machine's."""
        return self.overrides[-1].verdict if self.overrides else Verdict(self.row.verdict)

    @property
    def good(self) -> bool:
        return self.verdict is not Verdict.FAIL


@dataclass(frozen=True, slots=True)
class SiteChecks:
    """What is known of the sites of one conference."""

    newest: dict[str, Check] = field(default_factory=dict)  # by site
    retests: dict[tuple[str, str], RetestRow] = field(default_factory=dict)  # by site and purpose

    def open_retest(self, site: str, purpose: str) -> RetestRow | None:
        asked = self.retests.get((site, purpose))
        return asked if asked is not None and asked.done_at is None else None


def check_id(*parts: str) -> str:
    """The same request, repeated, finds what it made the first time."""
    return f"k-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:16]}"


class CheckStore:
    """`now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database, self._now = database, now

    # ------------------------------------------------------------------------------------------------- sheets

    async def add(self, new: NewCheck) -> Check:
        """Store a sheet; settle or open its retest.  Known already: what was stored then."""
        now = self._now()
        async with self._database.writing() as session:
            known = await _find(session, new.id)
            if known is not None:
                return known
            made = self._insert(CheckRow).values(**_values(new, now)).on_conflict_do_nothing()
            if await session.scalar(made.returning(CheckRow.id)) is None:  # sent twice at the same time
                known = await _find(session, new.id)
                assert known is not None
                return known
            row = await session.get_one(CheckRow, new.id)
            if new.still is not None:
                still = {"jpeg": new.still.jpeg, "width": new.still.width, "height": new.still.height}
                await session.execute(insert(StillRow).values(check_id=new.id, **still))
            check = Check(row)
            if check.good:
                await _settle(session, row, now)
            else:
                await self._ask(session, new.conference_id, new.site_id, "retest", None, _first_reason(new.judged), now)
            data: Json = {"check": new.id, "verdict": row.verdict, "purpose": new.purpose}
            data["reasons"] = [reason.code for reason in new.judged.reasons][:20]
            await append(session, new.conference_id, [JournalEntry(now, "site_checked", new.by, new.site_id, data)])
            return check

    async def get(self, check: str) -> Check:
        """Raises Refused `unknown_check`."""
        async with self._database.reading() as session:
            found = await _find(session, check)
        if found is None:
            raise unknown_check(check)
        return found

    async def still(self, check: str) -> StillRow | None:
        async with self._database.reading() as session:
            return await session.get(StillRow, check)

    async def page(
        self,
        *,
        conference: str | None = None,
        site: str | None = None,
        sites: Sequence[str] | None = None,
        verdict: str | None = None,
        offset: int = 0,
        limit: int = 500,
    ) -> tuple[list[Check], int]:
        """Newest first, and how many there are.  `sites`: only those; `verdict` is the machine's."""
        wanted = []
        if conference is not None:
            wanted.append(CheckRow.conference_id == conference)
        if site is not None:
            wanted.append(CheckRow.site_id == site)
        if sites is not None:
            wanted.append(CheckRow.site_id.in_(sites))
        if verdict is not None:
            wanted.append(CheckRow.verdict == verdict)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(CheckRow).where(*wanted)) or 0
            query = select(CheckRow).where(*wanted).order_by(CheckRow.at.desc(), CheckRow.id)
            rows = (await session.scalars(query.offset(offset).limit(limit))).all()
            overrides = await _overrides(session, [row.id for row in rows])
        return [Check(row, overrides.get(row.id, ())) for row in rows], total

    async def newest_of(self, sites: Sequence[str]) -> dict[str, Check]:
        """The newest sheet of each of these sites, of whatever meeting."""
        async with self._database.reading() as session:
            rows = await _newest(session, CheckRow.site_id.in_(sites)) if sites else []
            overrides = await _overrides(session, [row.id for row in rows])
        return {row.site_id: Check(row, overrides.get(row.id, ())) for row in rows}

    async def of_conference(self, conference: str) -> SiteChecks:
        async with self._database.reading() as session:
            return await site_checks(session, conference)

    async def override(self, key: str, check: str, verdict: Verdict, remark: str, by: str) -> Check:
        """An officer's word, kept beside the machine's (S81).  `key` makes a repetition harmless.

        Raises Refused `unknown_check`.
        """
        now = self._now()
        async with self._database.writing() as session:
            found = await _find(session, check)
            if found is None:
                raise unknown_check(check)
            made = self._insert(OverrideRow).values(
                id=key, check_id=check, verdict=verdict.value, remark=remark, by=by, at=now
            )
            if await session.scalar(made.on_conflict_do_nothing().returning(OverrideRow.id)) is None:
                return found
            row = found.row
            if verdict is not Verdict.FAIL:
                await _settle(session, row, now)
            else:
                await self._ask(session, row.conference_id, row.site_id, "retest", by, remark, now)
            data: Json = {"check": check, "verdict": verdict.value, "machine": row.verdict, "remark": remark}
            entry = JournalEntry(now, "check_overridden", by, row.site_id, data)
            await append(session, row.conference_id, [entry])
            return Check(row, (*found.overrides, Override(verdict, remark, by, now)))

    # ------------------------------------------------------------------------------------------------ retests

    async def ask_retest(self, conference: str, site: str, purpose: str, reason: str, by: str) -> None:
        """Put a site into the retest queue (S85), or ask for the second check of a speaker (S84)."""
        now = self._now()
        async with self._database.writing() as session:
            await self._ask(session, conference, site, purpose, by, reason, now)
            data: Json = {"purpose": purpose, "reason": reason}
            await append(session, conference, [JournalEntry(now, "retest_asked", by, site, data)])

    async def drop_retest(self, conference: str, site: str, purpose: str, by: str) -> None:
        """Take a site out of the queue.  Not in it: nothing happens."""
        now = self._now()
        async with self._database.writing() as session:
            same = RetestRow.conference_id == conference, RetestRow.site_id == site, RetestRow.purpose == purpose
            gone = delete(RetestRow).where(*same, RetestRow.done_at.is_(None)).returning(RetestRow.site_id)
            if await session.scalar(gone) is not None:
                entry = JournalEntry(now, "retest_dropped", by, site, {"purpose": purpose})
                await append(session, conference, [entry])

    async def _ask(
        self, session: AsyncSession, conference: str, site: str, purpose: str, by: str | None, reason: str, now: float
    ) -> None:
        values = {"asked_at": now, "asked_by": by, "reason": reason, "done_at": None, "done_check_id": None}
        key = {"conference_id": conference, "site_id": site, "purpose": purpose}
        await session.execute(self._replacing(RetestRow, key, values))

    # ------------------------------------------------------------------------------------------ confirmations

    async def confirm(
        self, conference: str, party: str, site: str, *, good: bool, name: str, remark: str, by: str
    ) -> ConfirmationRow:
        """A party's word about the joint check (S36, S39); a newer one replaces it, the journal keeps both."""
        now = self._now()
        key = {"conference_id": conference, "party": party, "site_id": site}
        values = {"good": good, "name": name, "remark": remark, "by": by, "at": now}
        async with self._database.writing() as session:
            await session.execute(self._replacing(ConfirmationRow, key, values))
            data: Json = {"party": party, "verdict": "pass" if good else "fail", "name": name, "remark": remark}
            await append(session, conference, [JournalEntry(now, "joint_check", by, site or None, data)])
        return ConfirmationRow(**key, **values)

    async def confirmations(self, conference: str) -> list[ConfirmationRow]:
        async with self._database.reading() as session:
            query = select(ConfirmationRow).where(ConfirmationRow.conference_id == conference)
            return list(await session.scalars(query.order_by(ConfirmationRow.party, ConfirmationRow.site_id)))

    # ----------------------------------------------------------------------------------------------- upkeep

    async def forget_stills(self, before: float) -> int:
        """Remove the pictures of checks older than `before` (Unix seconds); their sheets stay.  How many."""
        async with self._database.writing() as session:
            return await forget_stills(session, before)

    def _replacing(
        self, table: type[RetestRow | ConfirmationRow], key: Json, values: Json
    ) -> sqlite.Insert | postgresql.Insert:
        return self._insert(table).values(**key, **values).on_conflict_do_update(index_elements=[*key], set_=values)

    def _insert(self, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._database.is_sqlite else postgresql.insert(table)


async def forget_stills(session: AsyncSession, before: float) -> int:
    """The rule of the nightly upkeep: the pictures go, the sheets stay.  How many."""
    total = 0
    while True:
        old = select(CheckRow.id).where(CheckRow.at < before, CheckRow.still)
        ids = list(await session.scalars(old.limit(1000)))
        if not ids:
            return total
        await session.execute(delete(StillRow).where(StillRow.check_id.in_(ids)))
        await session.execute(update(CheckRow).where(CheckRow.id.in_(ids)).values(still=False))
        total += len(ids)


MEETINGS["check_stills"] = forget_stills


async def site_checks(session: AsyncSession, conference: str) -> SiteChecks:
    """Within somebody's transaction: the newest sheet of each site, and what is asked of it."""
    rows = await _newest(session, CheckRow.conference_id == conference)
    overrides = await _overrides(session, [row.id for row in rows])
    retests = await session.scalars(select(RetestRow).where(RetestRow.conference_id == conference))
    return SiteChecks(
        {row.site_id: Check(row, overrides.get(row.id, ())) for row in rows},
        {(row.site_id, row.purpose): row for row in retests},
    )


async def _newest(session: AsyncSession, where: ColumnElement[bool]) -> list[CheckRow]:
    """Of each site, among those that match."""
    newest = func.row_number().over(partition_by=CheckRow.site_id, order_by=(CheckRow.at.desc(), CheckRow.id))
    ranked = select(CheckRow.id, newest.label("n")).where(where).subquery()
    rows = select(CheckRow).join(ranked, ranked.c.id == CheckRow.id).where(ranked.c.n == 1)
    return list(await session.scalars(rows))


async def _find(session: AsyncSession, check: str) -> Check | None:
    row = await session.get(CheckRow, check)
    return None if row is None else Check(row, (await _overrides(session, [check])).get(check, ()))


async def _overrides(session: AsyncSession, checks: Sequence[str]) -> dict[str, tuple[Override, ...]]:
    found: dict[str, tuple[Override, ...]] = {}
    query = select(OverrideRow).where(OverrideRow.check_id.in_(checks)).order_by(OverrideRow.at, OverrideRow.id)
    for row in await session.scalars(query) if checks else ():
        found[row.check_id] = (
            *found.get(row.check_id, ()),
            Override(Verdict(row.verdict), row.remark, row.by, row.at),
        )
    return found


async def _settle(session: AsyncSession, row: CheckRow, now: float) -> None:
    """A good check ends the site's retest; one made as a speaker's also the second check."""
    purposes = ["retest"] if row.purpose != "speaker" else ["retest", "speaker"]
    same = RetestRow.conference_id == row.conference_id, RetestRow.site_id == row.site_id
    open_ones = update(RetestRow).where(*same, RetestRow.purpose.in_(purposes), RetestRow.done_at.is_(None))
    await session.execute(open_ones.values(done_at=now, done_check_id=row.id))


def _first_reason(judged: Judged) -> str:
    return " ".join(reason.vi for reason in judged.reasons if reason.verdict is Verdict.FAIL)[:2000]


def _values(new: NewCheck, now: float) -> Json:
    return dict(
        id=new.id,
        conference_id=new.conference_id,
        site_id=new.site_id,
        site_name=new.site_name,
        kind=new.kind,
        purpose=new.purpose,
        at=now,
        verdict=new.judged.verdict.value,
        items={item: verdict.value for item, verdict in new.judged.items.items()},
        reasons={"reasons": [asdict(reason) for reason in new.judged.reasons]},
        measured=new.measured.model_dump(mode="json", exclude_none=True),
        limits=VERSION,
        still=new.still is not None,
        client=new.client,
        **asdict(new.sheet),
    )


def unknown_check(check: str) -> Refused:
    return Refused(
        "unknown_check",
        f"Không có phiếu kiểm tra kỹ thuật “{check}”.",
        f"There is no technical check “{check}”.",
    )
