"""Yearly reports in the database, and as texts for the template (S58)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.directory.tables import Organisation
from control_api.live.store import Json
from control_api.reports.evaluation import changed_meanwhile
from control_api.reports.organisations import figures_of, reporting
from control_api.reports.paper import Context, Office, day, head, lines
from control_api.reports.tables import YearlyRow
from control_api.reports.years import (
    FIGURE_NAMES,
    FIRST_YEAR,
    LAST_YEAR,
    SECTIONS,
    Figures,
    State,
    already_submitted,
    draft,
    figure_text,
    is_late,
    not_submitted,
    period,
    report_empty,
    unknown_year,
)
from control_api.store.database import Database
from mcu_core.errors import OperatorError


@dataclass(frozen=True, slots=True)
class YearlyReport:
    """One agency's report; `row` None: nobody has saved anything, and the sections are the drafted ones."""

    year: int
    organisation_id: str
    name: str
    figures: Figures
    sections: dict[str, str]
    row: YearlyRow | None

    @property
    def state(self) -> State:
        return "none" if self.row is None else cast(State, self.row.state)

    @property
    def submitted_at(self) -> float | None:
        return self.row.submitted_at if self.row is not None and self.row.state == "submitted" else None


class YearlyReports:
    """`now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database, self._now = database, now

    async def all(self, year: int) -> list[YearlyReport]:
        """Of every agency that must report, and of those that did though they need not any more; by name.

        Raises Refused `unknown_year`.
        """
        _check(year)
        since, until = period(year)
        async with self._database.reading() as session:
            agencies = {one.id: one.name for one in await reporting(session)}
            found = await session.scalars(select(YearlyRow).where(YearlyRow.year == year))
            rows = {row.organisation_id: row for row in found}
            known = await figures_of(session, since, until)
        names = agencies | {key: row.organisation_name for key, row in rows.items() if key not in agencies}
        return [_report(year, key, name, known.get(key, Figures()), rows.get(key)) for key, name in names.items()]

    async def one(self, year: int, organisation_id: str) -> YearlyReport:
        """Raises Refused `unknown_year`, OperatorError `unknown_organisation`."""
        _check(year)
        async with self._database.reading() as session:
            return await self._one(session, year, organisation_id)

    async def _one(self, session: AsyncSession, year: int, organisation_id: str, lock: bool = False) -> YearlyReport:
        row = await session.get(YearlyRow, (year, organisation_id), with_for_update=lock)
        organisation = await session.get(Organisation, organisation_id)
        if organisation is None and row is None:
            raise OperatorError(
                "unknown_organisation",
                f"Không có cơ quan {organisation_id[:80]} trong danh bạ. Hãy kiểm tra lại hoặc tải lại danh sách.",
                f"There is no organisation {organisation_id[:80]} in the directory. Check it or reload the list.",
            )
        name = organisation.name if organisation is not None else (row.organisation_name if row is not None else "")
        known = await figures_of(session, *period(year))
        return _report(year, organisation_id, name, known.get(organisation_id, Figures()), row)

    async def write(
        self,
        year: int,
        organisation_id: str,
        sections: dict[str, str],
        signer: str,
        position: str,
        revision: int,
        by: str,
    ) -> YearlyReport:
        """Save it over revision `revision` (0: nothing saved yet), with the figures of now.

        The same text once more is well.  Raises Refused `report_submitted`, `report_changed`, `unknown_year`,
        OperatorError `unknown_organisation`.
        """
        _check(year)
        now = self._now()
        async with self._database.writing() as session:
            report = await self._one(session, year, organisation_id, lock=True)
            row = report.row
            if row is not None and row.state == "submitted":
                raise already_submitted()
            if row is not None and (row.sections, row.signer, row.signer_position) == (sections, signer, position):
                return report
            if (0 if row is None else row.revision) != revision:
                raise changed_meanwhile()
            if row is None:
                row = YearlyRow(year=year, organisation_id=organisation_id, state="draft", remark="", revision=0)
                session.add(row)
            row.organisation_name, row.sections, row.figures = (
                report.name,
                cast(Json, sections),
                report.figures.stored(),
            )
            row.signer, row.signer_position = signer, position
            row.revision, row.changed_at, row.changed_by = revision + 1, now, by
            return _report(year, organisation_id, report.name, report.figures, row)

    async def submit(self, year: int, organisation_id: str, by: str) -> YearlyReport:
        """Send it to the Sở: it is locked, with the figures of now.  Sent already: nothing happens.

        Raises Refused `report_empty`, `unknown_year`, OperatorError `unknown_organisation`.
        """
        _check(year)
        async with self._database.writing() as session:
            report = await self._one(session, year, organisation_id, lock=True)
            if report.row is None:
                raise report_empty()
            if report.row.state != "submitted":
                report.row.state, report.row.figures = "submitted", report.figures.stored()
                report.row.submitted_at, report.row.submitted_by = self._now(), by
                report.row.revision += 1
            return _report(year, organisation_id, report.name, report.figures, report.row)

    async def give_back(self, year: int, organisation_id: str, remark: str, by: str) -> YearlyReport:
        """The Sở returns it to be completed.  Returned already: nothing happens.

        Raises Refused `report_not_submitted`, `unknown_year`, OperatorError `unknown_organisation`.
        """
        _check(year)
        async with self._database.writing() as session:
            report = await self._one(session, year, organisation_id, lock=True)
            row = report.row
            if row is None or row.state == "draft":
                raise not_submitted()
            if row.state == "submitted":
                row.state, row.remark, row.returned_at, row.returned_by = "returned", remark, self._now(), by
                row.revision += 1
            return _report(year, organisation_id, report.name, report.figures, row)


def _check(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise unknown_year()


def _report(year: int, organisation_id: str, name: str, now: Figures, row: YearlyRow | None) -> YearlyReport:
    """Once submitted its figures stay what they were."""
    if row is None:
        return YearlyReport(year, organisation_id, name, now, draft(now, year), None)
    figures = Figures.of(row.figures) if row.state == "submitted" else now
    sections: dict[str, str] = {section: str(row.sections.get(section, "")) for section in SECTIONS}
    return YearlyReport(year, organisation_id, name, figures, sections, row)


def paper_of(report: YearlyReport, office: Office, signer: tuple[str, str] = ("", "")) -> Context:
    """Texts of one agency's report.  `signer`: name and position where nobody has written them yet."""
    since, until = period(report.year)
    row = report.row
    name, position = (row.signer, row.signer_position) if row is not None else signer
    stored = report.figures.stored()
    titles = {section: titles[0] for section, titles in SECTIONS.items()}
    return {
        "head": head(office, "BC", report.submitted_at),
        "title": f"Báo cáo năm {report.year} – {report.name}",
        "about": f"Tình hình quản lý, vận hành và sử dụng hệ thống hội nghị truyền hình trực tuyến năm {report.year}",
        "opening": f"Thực hiện khoản 4 Điều 13 Quy chế quản lý, vận hành và sử dụng hệ thống hội nghị truyền hình trực "
        f"tuyến tỉnh {office.place}, {report.name} báo cáo Sở Khoa học và Công nghệ như sau:",
        "period": f"từ {day(since)} đến trước {day(until)}",
        "figures": [
            {"n": str(index), "name": FIGURE_NAMES[key], "value": figure_text(key, stored[key])}
            for index, key in enumerate(FIGURE_NAMES, 1)
        ],
        "sections": [
            {"title": f"{_ROMAN[index]}. {titles[section].upper()}", "texts": lines(report.sections.get(section, ""))}
            for index, section in enumerate(SECTIONS)
        ],
        "end": f"Trên đây là báo cáo năm {report.year} của {report.name}, kính gửi Sở Khoa học và Công nghệ "
        "tổng hợp./.",
        "signer": name,
        "signer_position": position or "Thủ trưởng cơ quan",
        "recipients": ["Sở Khoa học và Công nghệ;", "Lưu: VT."],
    }


_ROMAN = ("II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
Kept = Literal["submitted", "missing", "late"]


def standing(report: YearlyReport, now: float) -> Kept:
    """Where an agency stands for the provincial list."""
    if report.submitted_at is not None:
        return "late" if is_late(report.year, report.submitted_at, now) else "submitted"
    return "missing"
