"""Figures of every agency over a time, gathered for yearly, provincial and compliance reports.

One query for each kind of figure over all agencies at once; the counts are the same whoever asks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from control_api.bookings.steps import Step
from control_api.bookings.tables import BookingRow, BookingSite, BookingStep
from control_api.checks.tables import CheckRow
from control_api.directory.directory import certified
from control_api.directory.tables import Asset, Contact, Fault, MaintenanceRow, Organisation, Site, Trainee
from control_api.meeting.grades import score_of
from control_api.meeting.tables import QualitySumRow
from control_api.reports.paper import LOCAL
from control_api.reports.years import Figures

_HELD = (Step.SERVING.value, Step.CLOSED.value)
MOST = 2000  # agencies


@dataclass(slots=True)
class _Sums:
    counts: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    readings: list[int] = field(default_factory=lambda: [0, 0, 0, 0])


async def reporting(session: AsyncSession) -> list[Organisation]:
    """Agencies that have a system, and so report: those with an active site, without carriers and the Sở itself."""
    with_site = select(Site.organisation_id).where(Site.active)
    found = select(Organisation).where(
        Organisation.active, Organisation.id.in_(with_site), Organisation.kind != "carrier"
    )
    return list(await session.scalars(found.order_by(Organisation.kind.desc(), Organisation.name).limit(MOST)))


async def figures_of(session: AsyncSession, since: float, until: float) -> dict[str, Figures]:
    """By organisation; who has nothing is missing."""
    sums: dict[str, _Sums] = defaultdict(_Sums)
    await _directory(session, sums, since, until)
    await _meetings(session, sums, since, until)
    await _quality(session, sums, since, until)
    return {organisation: _figures(one) for organisation, one in sums.items()}


async def _directory(session: AsyncSession, sums: dict[str, _Sums], since: float, until: float) -> None:
    begin, end = _day(since), _day(until)
    last = datetime.fromtimestamp(until - 1, LOCAL).date()

    async def count(
        name: str,
        owner: InstrumentedAttribute[str],
        *where: ColumnElement[bool] | InstrumentedAttribute[bool],
        value: ColumnElement[Any] | None = None,
    ) -> None:
        query = select(owner, func.count() if value is None else value).where(*where).group_by(owner)
        for organisation, amount in await session.execute(query):
            if organisation is not None:
                sums[organisation].counts[name] += float(amount or 0)

    await count("sites", Site.organisation_id, Site.active)
    await count("sites_ready", Site.organisation_id, Site.active, Site.readiness == "ready")
    kept = Asset.state != "retired"
    await count("assets", Asset.organisation_id, kept, value=func.sum(Asset.quantity))
    broken = Asset.state.in_(("broken", "in_repair"))
    await count("assets_broken", Asset.organisation_id, broken, value=func.sum(Asset.quantity))
    await count("contacts", Contact.organisation_id)
    await count("trained", Trainee.organisation_id, *certified(last))
    told = Fault.reported_at >= since, Fault.reported_at < until
    await count("faults", Fault.organisation_id, *told)
    await count("faults_open", Fault.organisation_id, *told, Fault.state != "done")
    done = MaintenanceRow.done_on >= begin, MaintenanceRow.done_on < end
    await count("maintained", MaintenanceRow.organisation_id, *done)
    cost = func.coalesce(func.sum(MaintenanceRow.cost_vnd), 0)
    await count("cost_vnd", MaintenanceRow.organisation_id, *done, value=cost)


async def _meetings(session: AsyncSession, sums: dict[str, _Sums], since: float, until: float) -> None:
    """Meetings that were served; of a meeting an agency hosts and joins, its hours count once."""
    held = BookingRow.starts_at >= since, BookingRow.starts_at < until, BookingRow.state.in_(_HELD)
    columns = (BookingRow.id, BookingRow.organisation_id, BookingRow.starts_at, BookingRow.ends_at, BookingRow.urgent)
    meetings = {row.id: row for row in await session.execute(select(*columns).where(*held))}
    begun = await _served(session, list(held))
    part: dict[str, set[str]] = defaultdict(set)
    joined = select(BookingSite.booking_id, BookingSite.organisation_id, Site.organisation_id).join(
        BookingRow, BookingRow.id == BookingSite.booking_id
    )
    for booking_id, given, listed in await session.execute(
        joined.outerjoin(Site, Site.id == BookingSite.site_id).where(*held)
    ):
        organisation = given or listed
        if organisation is not None:
            part[booking_id].add(organisation)
    for booking_id, row in meetings.items():
        began, ended = begun.get(booking_id, (row.starts_at, row.ends_at))
        hours = max(0.0, ended - began) / 3600
        for organisation in part[booking_id] | {row.organisation_id}:
            counts = sums[organisation].counts
            counts["hosted" if organisation == row.organisation_id else "joined"] += 1
            counts["hours"] += hours
            counts["urgent"] += row.urgent
    owner = Site.organisation_id
    checks = select(owner, func.count(), func.sum(case((CheckRow.verdict == "fail", 1), else_=0))).join(
        Site, Site.id == CheckRow.site_id
    )
    for organisation, all_, failed in await session.execute(
        checks.where(CheckRow.at >= since, CheckRow.at < until).group_by(owner)
    ):
        sums[organisation].counts["checks"] += all_
        sums[organisation].counts["checks_failed"] += failed or 0


async def _served(session: AsyncSession, held: list[ColumnElement[bool]]) -> dict[str, tuple[float, float]]:
    """When meetings really began and ended, of those whose steps tell both."""
    steps: dict[str, dict[str, float]] = defaultdict(dict)
    query = (
        select(BookingStep.booking_id, BookingStep.step, BookingStep.at)
        .join(BookingRow, BookingRow.id == BookingStep.booking_id)
        .where(*held, BookingStep.step.in_(_HELD))
        .order_by(BookingStep.id)
    )
    for booking_id, step, at in await session.execute(query):
        steps[booking_id][step] = at
    return {key: (one[_HELD[0]], one[_HELD[1]]) for key, one in steps.items() if len(one) == len(_HELD)}


async def _quality(session: AsyncSession, sums: dict[str, _Sums], since: float, until: float) -> None:
    owner = Site.organisation_id
    grades = (QualitySumRow.good, QualitySumRow.fair, QualitySumRow.bad, QualitySumRow.lost)
    query = select(owner, *(func.sum(grade) for grade in grades)).join(Site, Site.id == QualitySumRow.site)
    query = query.where(QualitySumRow.first_at >= since, QualitySumRow.first_at < until).group_by(owner)
    for organisation, *readings in await session.execute(query):
        sums[organisation].readings = [int(count or 0) for count in readings]


def _figures(sums: _Sums) -> Figures:
    counts = dict(sums.counts)
    hours = round(counts.pop("hours", 0.0), 1)
    score = score_of(*sums.readings)
    whole = {name: int(value) for name, value in counts.items()}
    return Figures(**whole, hours=hours, quality=None if score is None else float(score))


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, LOCAL).date().isoformat()
