"""The papers: what is gathered, worded and typeset for each.  `services.reports`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from control_api.checks.tables import StillRow
from control_api.directory.tables import Organisation
from control_api.reports.evaluations import Evaluations
from control_api.reports.meetings import MeetingRecord, record_of
from control_api.reports.minutes import minutes
from control_api.reports.paper import Office
from control_api.reports.province import compliance_of, usage_of
from control_api.reports.render import Format, Renderer
from control_api.reports.rollup import compliance_paper, compliance_sheets, rollup_sheets, yearly_rollup
from control_api.reports.summary import MOST_STILLS, summary
from control_api.reports.usage import Usage, workbook
from control_api.reports.yearly import YearlyReport, YearlyReports, paper_of
from control_api.reports.years import deadline
from control_api.store.apart import apart

if TYPE_CHECKING:
    from control_api.services import Services


T = TypeVar("T")


class Reports:
    """One for the process.  Every paper is made anew: same data, same bytes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        settings = services.settings.reports
        self.renderer = Renderer(settings.templates, settings.fonts)
        self.evaluations = Evaluations(services.database, services.now)
        self.yearly = YearlyReports(services.database, services.now)

    @property
    def so(self) -> Office:
        """The Sở, as the settings name it."""
        settings = self._services.settings.reports
        return Office(settings.authority, settings.agency, settings.symbol, settings.place)

    def office(self, name: str, symbol: str) -> Office:
        """Of another agency."""
        settings = self._services.settings.reports
        return Office(settings.authority, name, symbol, settings.place)

    async def minutes(self, conference_id: str, kind: Format) -> bytes:
        """Raises OperatorError `unknown_conference`, and what `render` raises."""
        record = await record_of(self._services, conference_id)
        return await self.renderer.render(kind, "minutes", minutes(record, self._author(record)), _time_of(record))

    async def check_summary(self, conference_id: str, kind: Format) -> bytes:
        """Raises OperatorError `unknown_conference`, and what `render` raises."""
        record = await record_of(self._services, conference_id)
        known = await self._services.checks.store.of_conference(conference_id)
        pictures = await self._stills([check.row.id for check in known.newest.values()]) if kind == "pdf" else {}
        ordered = [
            site.id for site in record.sites if site.id in known.newest and known.newest[site.id].row.id in pictures
        ][:MOST_STILLS]
        context = summary(record, known.newest, self._author(record), ordered)
        files = {f"{number}.jpg": pictures[known.newest[site].row.id] for number, site in enumerate(ordered, 1)}
        at = max((check.row.at for check in known.newest.values()), default=_time_of(record))
        return await self.renderer.render(kind, "summary", context, at, files)

    async def _stills(self, checks: list[str]) -> dict[str, bytes]:
        async with self._services.database.reading() as session:
            rows = await session.execute(
                select(StillRow.check_id, StillRow.jpeg).where(StillRow.check_id.in_(checks[:MOST_STILLS]))
            )
            return {row.check_id: row.jpeg for row in rows}

    async def yearly_report(self, year: int, organisation_id: str, kind: Format) -> bytes:
        report = await self.yearly.one(year, organisation_id)
        async with self._services.database.reading() as session:
            organisation = await session.get(Organisation, organisation_id)
        symbol = organisation.short_name if organisation is not None else ""
        head = (organisation.accountable_name, organisation.accountable_position) if organisation else ("", "")
        context = paper_of(report, self.office(report.name, symbol), head)
        at = report.submitted_at or (report.row.changed_at if report.row is not None else deadline(year))
        return await self.renderer.render(kind, "yearly", context, at)

    async def yearly_rollup(self, year: int, kind: Format) -> bytes:
        """Carries the day it is made: what is missing or late depends on it."""
        now = self._today()
        reports = await self.all_yearly(year)
        if kind == "xlsx":
            return await self.renderer.render(kind, "rollup", rollup_sheets(reports, year, now), now)
        return await self.renderer.render(kind, "rollup", yearly_rollup(reports, year, self.so, now), now)

    async def compliance(self, since: float, until: float, kind: Format) -> bytes:
        """Raises Refused `bad_period`, and what `render` raises."""
        found = await self._apart(lambda services: compliance_of(services, since, until))
        if kind == "xlsx":
            return await self.renderer.render(kind, "rollup", compliance_sheets(found, since, until), until)
        return await self.renderer.render(kind, "rollup", compliance_paper(found, since, until, self.so), until)

    async def usage(self, since: float, until: float) -> bytes:
        """A workbook.  Raises Refused `bad_period`, and what `render` raises."""
        found = await self.usage_figures(since, until)
        return await self.renderer.render("xlsx", "usage", workbook(found, self.so.name), until)

    async def usage_figures(self, since: float, until: float) -> Usage:
        """Raises Refused `bad_period`."""
        return await self._apart(lambda services: usage_of(services, since, until))

    async def all_yearly(self, year: int) -> list[YearlyReport]:
        """Of all agencies."""
        return await self._apart(lambda services: YearlyReports(services.database, services.now).all(year))

    async def _apart(self, gather: Callable[[Services], Awaitable[T]]) -> T:
        """Rows of many meetings are gathered beside the server (`store/apart.py`)."""
        services = self._services
        return await apart(services.database, lambda database: gather(replace(services, database=database)))

    def _author(self, record: MeetingRecord) -> Office:
        """Who writes a meeting's papers: the Sở in class A, which it operates itself (S37), else the host."""
        if record.booking is None or record.booking.class_ == "A" or not record.host:
            return self.so
        return self.office(record.host, record.host_symbol)

    def _today(self) -> float:
        now = self._services.now()
        return now - now % 60


def _time_of(record: MeetingRecord) -> float:
    return record.ended_at if record.ended_at is not None else record.began_at or 0.0
