"""What does not work, told by sites and operators: open, taken, solved; and the operator's remark on each connection.

S48 (difficulties and remarks), S90 (quick issue button), S98 (sites keep reporting).  A report carries what the MCU
measured of the line at that moment.  At most `MOST_OPEN` unsolved ones in a conference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.conferences.live import Live
from control_api.journal.rows import append
from control_api.live.store import JournalEntry, Json
from control_api.meeting.grades import grade_of, measured
from control_api.meeting.ids import new_id
from control_api.meeting.tables import IssueRow, SiteRemarkRow
from control_api.problems import Refused
from control_api.store.database import Database
from mcu_core.errors import OperatorError
from signaling import errors
from signaling.messages import Issue, IssueCategory, IssueState

MOST_OPEN = 50  # of one site; sites fail one by one, not by the hundred
MOST_OPEN_ALL = 1000
WORDS: dict[IssueCategory, tuple[str, str]] = {
    "picture": ("hình ảnh", "picture"),
    "sound": ("âm thanh", "sound"),
    "echo": ("tiếng vọng", "echo"),
    "content": ("trình chiếu", "shared screen"),
    "line": ("đường truyền", "line"),
    "power": ("nguồn điện", "power"),
    "room": ("phòng họp", "room"),
    "other": ("khác", "other"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """A new issue.  `site` None: of the whole conference."""

    site: str | None
    source: Literal["site", "operator"]
    category: IssueCategory
    text: str


class Issues:
    def __init__(self, database: Database, live: Live) -> None:
        self._database, self._live = database, live

    # -------------------------------------------------------------------------------------------------- reading

    async def page(
        self,
        *,
        conference: str | None,
        site: str | None = None,
        state: IssueState | None = None,
        offset: int = 0,
        limit: int = 500,
    ) -> tuple[int, list[IssueRow]]:
        """Newest first, with how many there are; of one conference, or of a site in all meetings."""
        rows, count = select(IssueRow), select(func.count()).select_from(IssueRow)
        for column, wanted in ((IssueRow.conference_id, conference), (IssueRow.site, site), (IssueRow.state, state)):
            if wanted is not None:
                rows, count = rows.where(column == wanted), count.where(column == wanted)
        async with self._database.reading() as session:
            total = await session.scalar(count)
            newest = rows.order_by(IssueRow.at.desc(), IssueRow.id).offset(offset).limit(limit)
            return total or 0, list(await session.scalars(newest))

    async def get(self, conference: str, issue: str) -> IssueRow:
        """Raises Refused `unknown_issue`."""
        async with self._database.reading() as session:
            return await _found(session, conference, issue)

    async def remarks(self, conference: str) -> dict[str, SiteRemarkRow]:
        async with self._database.reading() as session:
            rows = await session.scalars(select(SiteRemarkRow).where(SiteRemarkRow.conference_id == conference))
            return {row.site: row for row in rows}

    # ------------------------------------------------------------------------------------------------- changing

    async def report(
        self, conference: str, report: Report, *, by: str | None, at: float, command_id: str | None = None
    ) -> IssueRow:
        """Write an issue down.  Raises OperatorError unknown_conference, unknown_site, EndpointError queue_full."""
        state = self._live.state(conference)
        name = ""
        if report.site is not None:
            name = next((str(one["name"]) for one in state["sites"] if one["id"] == report.site), "")
            if not name:
                raise OperatorError(
                    "unknown_site",
                    f"Phiên họp không có điểm cầu {report.site}.",
                    f"The conference has no site {report.site}.",
                )
        figures = self._figures(conference, report.site)
        made = new_id("i", command_id)
        async with self._database.writing() as session:
            known = await session.get(IssueRow, made)
            if known is not None:
                return known
            await _check_room(session, conference, report.site)
            row = IssueRow(
                id=made,
                conference_id=conference,
                site=report.site,
                name=name,
                source=report.source,
                category=report.category,
                text=report.text,
                figures=figures,
                state="open",
                at=at,
                by=by,
                taken_at=None,
                taken_by=None,
                solved_at=None,
                solved_by=None,
                remark="",
                fault=None,
            )
            session.add(row)
            data: Json = {"issue": made, "category": report.category, "text": report.text[:200]}
            if "grade" in figures:
                data["grade"] = figures["grade"]
            await append(session, conference, [JournalEntry(at, "issue_reported", by, report.site, data)])
        if report.source == "site":
            vi, en = WORDS[report.category]
            text = f": {report.text}" if report.text else "."
            self._live.warn(
                conference,
                "site_issue",
                f"{name} báo sự cố {vi}{text}",
                f"{name} reports a problem ({en}){text}",
                report.site,
            )
        self._tell(row)
        return row

    async def change(
        self,
        conference: str,
        issue: str,
        *,
        state: IssueState | None,
        remark: str | None,
        fault: str | None,
        by: str,
        at: float,
    ) -> IssueRow:
        """Take it up, solve it, open it again, say something of it.  Raises Refused `unknown_issue`."""
        async with self._database.writing() as session:
            row = await _found(session, conference, issue)
            data: Json = {"issue": row.id}
            if state is not None and state != row.state:
                data |= {"state": state, "was": row.state}
                _moved(row, state, by, at)
            if remark is not None and remark != row.remark:
                row.remark = data["remark"] = remark
            if fault is not None and fault != row.fault:
                row.fault = data["fault"] = fault
            if len(data) > 1:
                await append(session, conference, [JournalEntry(at, "issue_changed", by, row.site, data)])
        self._tell(row)
        return row

    async def remark(
        self, conference: str, site: str, *, text: str, score: int | None, by: str, at: float
    ) -> SiteRemarkRow:
        """What the operator says of a site's connection; replaces what was said before."""
        async with self._database.writing() as session:
            row = await session.get(SiteRemarkRow, (conference, site))
            if row is None:
                row = SiteRemarkRow(conference_id=conference, site=site, remark=text, score=score, at=at, by=by)
                session.add(row)
            elif (row.remark, row.score) == (text, score):
                return row
            row.remark, row.score, row.at, row.by = text, score, at, by
            data: Json = {"remark": text[:200], "score": score}
            await append(session, conference, [JournalEntry(at, "site_remark", by, site, data)])
        return row

    async def greet(self, conference: str, site: str) -> None:
        """An endpoint came (back): how far its newest unsolved report is."""
        _, rows = await self.page(conference=conference, site=site, limit=1)
        if rows and rows[0].source == "site" and rows[0].state != "solved":
            self._live.tell_site(conference, site, _told(rows[0]))

    # ---------------------------------------------------------------------------------------------------- inner

    def _figures(self, conference: str, site: str | None) -> Json:
        """What is measured of the line now."""
        found = self._live.quality(conference).get(site or "")
        if found is None:
            return {}
        figures: dict[str, Any] = {key: round(value, 3) for key, value in found.items() if value is not None}
        return {**figures, "grade": grade_of(measured(found))}

    def _tell(self, row: IssueRow) -> None:
        self._live.tell(row.conference_id, "issues", id=row.id, state=row.state)
        if row.site is not None and row.source == "site":
            self._live.tell_site(row.conference_id, row.site, _told(row))


async def _found(session: AsyncSession, conference: str, issue: str) -> IssueRow:
    row = await session.get(IssueRow, issue)
    if row is None or row.conference_id != conference:
        raise Refused("unknown_issue", f"Phiên họp không có sự cố {issue}.", f"The conference has no issue {issue}.")
    return row


def _told(row: IssueRow) -> Issue:
    return Issue(id=row.id, state=cast("IssueState", row.state), remark=row.remark)


def _moved(row: IssueRow, state: IssueState, by: str, at: float) -> None:
    row.state = state
    if state == "open":
        row.taken_at = row.taken_by = row.solved_at = row.solved_by = None
    elif state == "taken":
        row.taken_at, row.taken_by, row.solved_at, row.solved_by = at, by, None, None
    else:
        row.solved_at, row.solved_by = at, by


async def _check_room(session: AsyncSession, conference: str, site: str | None) -> None:
    """Raises EndpointError queue_full."""
    unsolved = select(func.count()).select_from(IssueRow)
    unsolved = unsolved.where(IssueRow.conference_id == conference, IssueRow.state != "solved")
    if (await session.scalar(unsolved) or 0) >= MOST_OPEN_ALL:
        raise errors.queue_full()
    if (await session.scalar(unsolved.where(IssueRow.site == site)) or 0) >= MOST_OPEN:
        raise errors.queue_full()
