"""Gathers what the Sở's papers over all agencies need: use of the system (S50), keeping the regulation (S63)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.admission import capacity_of, demand_for
from control_api.bookings.rules import HOUR, rules_named
from control_api.bookings.steps import Step
from control_api.bookings.tables import BookingRow, BookingSite, BookingStep
from control_api.checks.tables import CheckRow, OverrideRow
from control_api.directory.tables import Organisation, Site
from control_api.meeting.tables import BoardRow
from control_api.problems import Refused
from control_api.reports.organisations import figures_of, reporting
from control_api.reports.rollup import Compliance
from control_api.reports.tables import YearlyRow
from control_api.reports.usage import Meeting, Usage, usage
from control_api.reports.years import Figures, deadline, year_of

if TYPE_CHECKING:
    from control_api.services import Services

MOST_MEETINGS = 20_000
LONGEST = 5 * 366 * 86_400.0  # seconds a report may span
_HELD = (Step.SERVING.value, Step.CLOSED.value)
_DECIDED_FOR_CAPACITY = "no_capacity"


def check_span(since: float, until: float) -> None:
    """Raises Refused `bad_period`."""
    if not since < until <= since + LONGEST:
        raise Refused(
            "bad_period",
            "Kỳ báo cáo phải có ngày kết thúc sau ngày bắt đầu và dài không quá 5 năm.",
            "A report's period ends after it begins and is at most 5 years long.",
        )


async def usage_of(services: Services, since: float, until: float) -> Usage:
    """Raises Refused `bad_period`."""
    check_span(since, until)
    async with services.database.reading() as session:
        capacity = await capacity_of(session, services.settings)
        meetings = await _meetings(session, since, until)
    return usage(meetings, capacity, since, until)


async def _meetings(session: AsyncSession, since: float, until: float) -> list[Meeting]:
    within = BookingRow.starts_at >= since, BookingRow.starts_at < until
    rows = list(
        await session.scalars(
            select(BookingRow).where(*within).order_by(BookingRow.starts_at, BookingRow.id).limit(MOST_MEETINGS)
        )
    )
    named = await session.execute(select(Organisation.id, Organisation.name))
    names = {row.id: row.name for row in named}
    joined = select(BookingSite.booking_id, BookingSite.name, BookingSite.video)
    joined = joined.join(BookingRow, BookingRow.id == BookingSite.booking_id).where(*within)
    sites: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for booking_id, name, video in await session.execute(joined.order_by(BookingSite.position)):
        sites[booking_id].append((name, video))
    closed = select(BookingStep.booking_id, BookingStep.at).where(BookingStep.step == Step.CLOSED.value)
    closed = closed.join(BookingRow, BookingRow.id == BookingStep.booking_id).where(*within)
    ended = {row.booking_id: row.at for row in await session.execute(closed)}
    return [_meeting(row, names, sites[row.id], ended.get(row.id)) for row in rows]


def _meeting(row: BookingRow, names: dict[str, str], sites: list[tuple[str, bool]], closed_at: float | None) -> Meeting:
    video = sum(by_video for _, by_video in sites)
    longest = row.ends_at + 12 * HOUR  # a close-out is often written the next day: that is no use of the machine
    ends_at = row.ends_at if closed_at is None or not row.starts_at < closed_at < longest else closed_at
    decision = row.decision or {}
    return Meeting(
        id=row.id,
        organisation=names.get(row.organisation_id, row.organisation_id),
        class_=row.class_,
        urgent=row.urgent,
        state=Step(row.state),
        starts_at=row.starts_at,
        ends_at=ends_at,
        demand=demand_for(row.parameters, video, len(sites) - video),
        sites=tuple(name for name, _ in sites),
        refused_for_capacity=row.state == Step.REFUSED.value and decision.get("code") == _DECIDED_FOR_CAPACITY,
    )


# --------------------------------------------------------------------------------------------------- compliance


async def compliance_of(services: Services, since: float, until: float) -> list[Compliance]:
    """How each agency keeps the regulation, by name.  Raises Refused `bad_period`."""
    check_span(since, until)
    year = year_of(until)
    due = deadline(year - 1)  # the last one before the end
    async with services.database.reading() as session:
        agencies = await reporting(session)
        figures = await figures_of(session, since, until)
        counts = await _kept(session, since, until)
        sent = set(
            await session.scalars(
                select(YearlyRow.organisation_id).where(YearlyRow.year == year - 1, YearlyRow.state == "submitted")
            )
        )
    nothing = Figures()
    return [
        Compliance(
            organisation_id=one.id,
            name=one.name,
            registered=counts["registered"][one.id],
            closed=counts["closed"][one.id],
            checked=counts["checked"][one.id],
            connected=counts["connected"][one.id],
            contacts=figures.get(one.id, nothing).contacts,
            trained=figures.get(one.id, nothing).trained,
            faults_open=figures.get(one.id, nothing).faults_open,
            reported=one.id in sent if since <= due < until else None,
        )
        for one in agencies
    ]


async def _kept(session: AsyncSession, since: float, until: float) -> dict[str, dict[str, tuple[int, int]]]:
    """By rule and organisation: how often it was kept, of how often it applied."""
    found: dict[str, dict[str, tuple[int, int]]] = {
        name: defaultdict(lambda: (0, 0)) for name in ("registered", "closed", "checked", "connected")
    }

    def count(name: str, organisation: str | None, kept: bool) -> None:
        if organisation is not None:
            before, of = found[name][organisation]
            found[name][organisation] = before + kept, of + 1

    within = BookingRow.starts_at >= since, BookingRow.starts_at < until
    held = (*within, BookingRow.state.in_(_HELD))
    rows = list(await session.scalars(select(BookingRow).where(*held).limit(MOST_MEETINGS)))
    passed = await _checked_in_time(
        session, {row.conference_id: row.starts_at - rules_named(row.rules).ready_hours * HOUR for row in rows}
    )
    boards = {
        board.conference_id: board.sites
        for board in await session.scalars(
            select(BoardRow)
            .join(BookingRow, BookingRow.conference_id == BoardRow.conference_id)
            .where(*held, BoardRow.kind == "hour_before")
        )
    }
    part = select(BookingSite.booking_id, BookingSite.site_id, BookingSite.organisation_id, Site.organisation_id)
    part = part.join(BookingRow, BookingRow.id == BookingSite.booking_id)
    part = part.outerjoin(Site, Site.id == BookingSite.site_id).where(*held)
    sites: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for booking_id, site, given, listed in await session.execute(part):
        sites[booking_id].append((site, given or listed))
    for row in rows:
        if not row.urgent:
            early = row.starts_at - rules_named(row.rules).notice_hours * HOUR
            received = row.received_at if row.received_at is not None else row.created_at
            count("registered", row.organisation_id, received <= early)
        if row.ends_at < until:
            count("closed", row.organisation_id, row.state == Step.CLOSED.value)
        for site, organisation in sites[row.id]:
            count("checked", organisation, (row.conference_id, site) in passed)
            if row.conference_id in boards:
                count("connected", organisation, _was_there(boards[row.conference_id], site))
    return found


async def _checked_in_time(session: AsyncSession, latest: dict[str, float]) -> set[tuple[str, str]]:
    """Conference and site of those with a good check by then; an officer's word goes before the machine's."""
    if not latest:
        return set()
    first, last = min(latest.values()) - 31 * 86_400, max(latest.values())
    checks = select(CheckRow.id, CheckRow.conference_id, CheckRow.site_id, CheckRow.at, CheckRow.verdict)
    when = CheckRow.at >= first, CheckRow.at <= last
    overrides = select(OverrideRow.check_id, OverrideRow.verdict).join(CheckRow, CheckRow.id == OverrideRow.check_id)
    newest_last = await session.execute(overrides.where(*when).order_by(OverrideRow.at))
    said = {row.check_id: row.verdict for row in newest_last}
    found = set()
    for check_id, conference, site, at, verdict in await session.execute(checks.where(*when)):
        if at <= latest.get(conference, 0.0) and said.get(check_id, verdict) != "fail":
            found.add((conference, site))
    return found


def _was_there(board: dict[str, object], site: str) -> bool:
    """`board` is what `meeting/boards.py` kept an hour before."""
    told = board.get(site)
    return isinstance(told, dict) and told.get("presence") == "present"
