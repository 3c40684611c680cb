"""Quality of every line, every ten seconds: readings, sums per meeting, and what happened to a line (S14, S48, S60).

The journal's own lines of it come from `live.lines`.  One transaction per conference and reading.  Readings are pruned
by age and by number; sums and events stay as long as the reports need them.  A line in trouble raises an alarm once.
What is measured while the script is rehearsed (S78) is a reading like any other, but counts in no sum.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.conferences.live import Live
from control_api.journal.rows import append
from control_api.live.store import TEST_ROOM, JournalEntry, Json
from control_api.meeting.grades import PERIOD, Change, Figures, Reading, Watch, grade_of, measured, packed, unpacked
from control_api.meeting.tables import LineEventRow, QualityRow, QualitySumRow
from control_api.store.database import Database
from mcu_core.errors import McuError, OperatorError

T = TypeVar("T")
Insert = Callable[..., sqlite.Insert] | Callable[..., postgresql.Insert]

_log = structlog.get_logger(__name__)
MOST_ROWS = 50_000  # of one conference: almost six days without a break
_GIVEN_UP_AFTER = 1800.0  # a site that was lost and stays away is not a bad line for ever
_PRUNED_AT_ONCE = 2_000  # rows; nobody waits long for the writers' lock
WRITTEN_AT_ONCE = 32  # sites; the loop prepares so many rows, or warnings, in a millisecond or a few


@dataclass(frozen=True, slots=True)
class Seen:
    """One site at one moment; `figures` None: it was there and is away."""

    site: str
    name: str
    figures: Figures | None


class QualityRecorder:
    """Owned by the meeting's background task."""

    def __init__(self, database: Database, live: Live) -> None:
        self._database, self._live = database, live
        self._watches: dict[str, dict[str, Watch]] = {}  # conference -> site
        self._insert: Insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._sum = _summing(self._insert, database.is_sqlite)

    async def prepare(self) -> None:
        """Have the database's statements of a reading made at the start, not in the first meeting.  Writes nothing."""
        nobody = Seen("", "", None)
        async with self._database.writing() as session:
            await self._add(session, "", 0.0, [nobody, nobody], counts=False)
            await session.rollback()

    async def read_all(self, now: float) -> None:
        """One reading of every live conference; a conference that cannot be written does not stop the others."""
        going = [str(one["id"]) for one in self._live.conferences() if not str(one["id"]).startswith(TEST_ROOM)]
        self._watches = {key: self._watches.get(key, {}) for key in going}
        for conference in going:
            try:
                await self.read(conference, now)
            except McuError as error:
                _log.warning("quality_not_written", conference=conference, error=str(error))

    async def read(self, conference: str, now: float) -> int:
        """Write a reading; returns of how many sites.  Nobody there: nothing is written."""
        try:
            seen = self._seen(conference, now)
        except OperatorError:  # removed meanwhile
            return 0
        watches = self._watches.setdefault(conference, {})
        for site in set(watches) - {one.site for one in seen}:
            if watches[site].trouble is None:
                del watches[site]
        if not seen:
            return 0
        await asyncio.sleep(0)  # 200 sites are milliseconds; what follows looks at `seen` only
        changes = []
        for one in seen:
            change = watches.setdefault(one.site, Watch()).read(grade_of(one.figures), now)
            if change is not None:
                changes.append((one, change))
        at = math.floor(now / PERIOD) * PERIOD
        counts = not self._live.state(conference)["rehearsal"]
        async with self._database.writing() as session:
            if not await self._add(session, conference, at, seen, counts=counts):
                return 0  # the reading of this period is there: control was started again
            events = [event for one, change in changes for event in _events(conference, one, change, now)]
            for rows in _in_parts(events):  # when a relay dies, all lines are lost at once
                await session.execute(insert(LineEventRow), rows)
        for some in _in_parts(changes):
            for one, change in some:
                self._warn(conference, one, change)
            await asyncio.sleep(0)
        return len(seen)

    async def reserve(self, conference: str, site: str, text: str, *, by: str, at: float) -> LineEventRow:
        """The site was changed over to its reserve line, as the operator says (S60)."""
        name = next((str(s["name"]) for s in self._live.state(conference)["sites"] if s["id"] == site), None)
        if name is None:
            raise OperatorError(
                "unknown_site", f"Phiên họp không có điểm cầu {site}.", f"The conference has no site {site}."
            )
        row = LineEventRow(
            conference_id=conference, site=site, name=name, at=at, kind="reserve", seconds=None, by=by, text=text
        )
        async with self._database.writing() as session:
            session.add(row)
            await append(session, conference, [JournalEntry(at, "line_reserve", by, site, {"text": text[:200]})])
        return row

    async def prune(self, now: float, days: float) -> int:
        """Forget readings older than `days`, and the oldest of a conference with too many.  Returns how many."""
        async with self._database.writing() as session:
            old = select(QualityRow.conference_id, QualityRow.at).where(QualityRow.at < now - days * 86400)
            gone = list(await session.execute(old.order_by(QualityRow.at).limit(_PRUNED_AT_ONCE)))
            many = select(QualityRow.conference_id).group_by(QualityRow.conference_id)
            for conference in await session.scalars(many.having(func.count() > MOST_ROWS)):
                rows = select(QualityRow.conference_id, QualityRow.at).where(QualityRow.conference_id == conference)
                extra = rows.order_by(QualityRow.at.desc()).offset(MOST_ROWS).limit(_PRUNED_AT_ONCE)
                gone += list(await session.execute(extra))
            for conference, at in dict.fromkeys((row[0], row[1]) for row in gone):
                same = QualityRow.conference_id == conference, QualityRow.at == at
                await session.execute(delete(QualityRow).where(*same))
        return len(gone)

    # ---------------------------------------------------------------------------------------------------- inner

    def _seen(self, conference: str, now: float) -> list[Seen]:
        """Sites that are there, or were there and lost their connection."""
        figures = self._live.quality(conference)
        seen = []
        for site in self._live.state(conference)["sites"]:
            key, state = str(site["id"]), site["state"]
            watched = self._watches.get(conference, {}).get(key)
            if state == "live" and key in figures:
                seen.append(Seen(key, str(site["name"]), measured(figures[key])))
            elif watched is not None and (
                state == "away"
                or (state == "absent" and watched.trouble == "lost" and now - watched.since < _GIVEN_UP_AFTER)
            ):
                seen.append(Seen(key, str(site["name"]), None))
        return seen

    async def _add(
        self, session: AsyncSession, conference: str, at: float, seen: Sequence[Seen], *, counts: bool
    ) -> bool:
        sites: Json = {one.site: packed(one.figures) for one in seen}
        new = self._insert(QualityRow).values(conference_id=conference, at=at, sites=sites)
        inserted = await session.scalar(new.on_conflict_do_nothing().returning(QualityRow.at))
        if inserted is None:
            return False
        for some in _in_parts(seen):
            await session.execute(self._sum, [_summand(conference, one, at, counts=counts) for one in some])
        return True

    def _warn(self, conference: str, one: Seen, change: Change) -> None:
        if change.after == "bad":
            figures = one.figures or Figures()
            rtt = "–" if figures.rtt_ms is None else f"{figures.rtt_ms:.0f}"
            self._live.warn(
                conference,
                "line_bad",
                f"Đường truyền của {one.name} kém: mất gói {figures.loss * 100:.1f} %, trễ {rtt} ms.",
                f"The line of {one.name} is bad: {figures.loss * 100:.1f} % lost, round trip {rtt} ms.",
                one.site,
            )
        elif change.after == "lost":
            self._live.warn(
                conference,
                "line_lost",
                f"Mất kết nối với {one.name}. Hãy gọi điểm cầu hoặc chuyển đường dự phòng.",
                f"{one.name} has lost its connection. Telephone it or change to the reserve line.",
                one.site,
            )


_ADDED = ("good", "fair", "bad", "lost", "loss_sum", "jitter_sum", "rtt_sum", "up_sum", "down_sum")
_MOST = ("loss_most", "rtt_most")


def _summing(insert: Insert, is_sqlite: bool) -> sqlite.Insert | postgresql.Insert:
    """Adds rows of `_summand` to the sums."""
    new, sums = insert(QualitySumRow), QualitySumRow.__table__.c
    added = {column: sums[column] + new.excluded[column] for column in _ADDED}
    most = {column: _greater(sums[column], new.excluded[column], is_sqlite) for column in _MOST}
    fresh = {column: new.excluded[column] for column in ("last_at", "name")}
    return new.on_conflict_do_update(
        index_elements=[QualitySumRow.conference_id, QualitySumRow.site], set_={**added, **most, **fresh}
    )


def _greater(one: object, other: object, is_sqlite: bool) -> object:
    """The greater of two columns: a function with another name on each database."""
    return (func.max if is_sqlite else func.greatest)(one, other)


def _summand(conference: str, one: Seen, at: float, *, counts: bool) -> Json:
    """What a reading adds to the sums; one that does not count leaves only that the line was there."""
    grade, figures = (grade_of(one.figures), one.figures or Figures()) if counts else (None, Figures())
    return {
        "conference_id": conference,
        "site": one.site,
        "name": one.name,
        "first_at": at,
        "last_at": at,
        **{name: int(grade == name) for name in ("good", "fair", "bad", "lost")},
        "loss_sum": figures.loss,
        "loss_most": figures.loss,
        "jitter_sum": figures.jitter_ms,
        "rtt_sum": figures.rtt_ms or 0.0,
        "rtt_most": figures.rtt_ms or 0.0,
        "up_sum": figures.up_kbps,
        "down_sum": figures.down_kbps,
    }


def _in_parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[first : first + WRITTEN_AT_ONCE] for first in range(0, len(rows), WRITTEN_AT_ONCE))


def _kind(change: Change) -> str:
    if change.after is not None:
        return change.after
    return "back" if change.before == "lost" else "better"


def _events(conference: str, one: Seen, change: Change, now: float) -> list[Json]:
    """Rows of the end of what was, and of the beginning of what is."""
    kinds = [_kind(change)]
    if change.before is not None and change.after is not None:
        kinds.insert(0, "back" if change.before == "lost" else "better")
    return [
        {
            "conference_id": conference,
            "site": one.site,
            "name": one.name,
            "at": now,
            "kind": kind,
            "seconds": change.seconds if kind in ("back", "better") else None,
            "by": None,
            "text": "",
        }
        for kind in kinds
    ]


# --------------------------------------------------------------------------------------------------------- reading


class QualityHistory:
    """What was recorded.  Ranges are Unix seconds, `until` excluded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sums(
        self,
        *,
        conference: str | None = None,
        site: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100_000,
        offset: int = 0,
    ) -> list[QualitySumRow]:
        """Sums of meetings, newest first."""
        rows = select(QualitySumRow)
        if conference is not None:
            rows = rows.where(QualitySumRow.conference_id == conference)
        if site is not None:
            rows = rows.where(QualitySumRow.site == site)
        if since is not None:
            rows = rows.where(QualitySumRow.last_at >= since)
        if until is not None:
            rows = rows.where(QualitySumRow.first_at < until)
        newest = rows.order_by(QualitySumRow.first_at.desc(), QualitySumRow.site)
        async with self._database.reading() as session:
            return list(await session.scalars(newest.offset(offset).limit(limit)))

    async def readings(
        self, conference: str, *, since: float, until: float, most: int = 40_000
    ) -> list[tuple[float, dict[str, Reading]]]:
        """Every site of a conference, oldest first, the newest `most` of the range."""
        rows = select(QualityRow).where(
            QualityRow.conference_id == conference, QualityRow.at >= since, QualityRow.at < until
        )
        async with self._database.reading() as session:
            found = list(await session.scalars(rows.order_by(QualityRow.at.desc()).limit(most)))
        return [(row.at, {site: unpacked(values) for site, values in row.sites.items()}) for row in reversed(found)]

    async def of_site(
        self, site: str, *, conference: str | None, since: float, until: float, most: int = 40_000
    ) -> list[tuple[float, Reading]]:
        """One line, oldest first; in one conference, or in whichever it was."""
        rows = select(QualityRow.at, QualityRow.sites[site]).where(QualityRow.at >= since, QualityRow.at < until)
        if conference is not None:
            rows = rows.where(QualityRow.conference_id == conference)
        else:
            meetings = select(QualitySumRow.conference_id).where(
                QualitySumRow.site == site, QualitySumRow.last_at >= since, QualitySumRow.first_at < until
            )
            rows = rows.where(QualityRow.conference_id.in_(meetings))
        async with self._database.reading() as session:
            found = list(await session.execute(rows.order_by(QualityRow.at.desc()).limit(most)))
        return [(at, unpacked(values)) for at, values in reversed(found) if values is not None]

    async def events(
        self,
        *,
        conference: str | None = None,
        site: str | None = None,
        since: float | None = None,
        until: float | None = None,
        offset: int = 0,
        limit: int = 500,
    ) -> tuple[int, list[LineEventRow]]:
        """What happened to lines, newest first, with how many there are."""
        wanted = []
        if conference is not None:
            wanted.append(LineEventRow.conference_id == conference)
        if site is not None:
            wanted.append(LineEventRow.site == site)
        if since is not None:
            wanted.append(LineEventRow.at >= since)
        if until is not None:
            wanted.append(LineEventRow.at < until)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(LineEventRow).where(*wanted))
            rows = select(LineEventRow).where(*wanted).order_by(LineEventRow.at.desc(), LineEventRow.id.desc())
            return total or 0, list(await session.scalars(rows.offset(offset).limit(limit)))
