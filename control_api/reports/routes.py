"""Routes of reports: papers of a meeting, its evaluation, yearly reports, papers over all agencies."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import ColumnElement, func, or_, select

from control_api.accounts.rules import Right
from control_api.accounts.scope import check_scope, in_scope, sees_all
from control_api.api import Call, Download, Routes
from control_api.bookings.steps import Step
from control_api.bookings.tables import BookingRow, BookingSite
from control_api.conferences.models import ConferenceId
from control_api.directory.fields import Slug
from control_api.journal.access import check_reader
from control_api.live.room import unknown_conference
from control_api.reports.evaluation import average
from control_api.reports.models import (
    CompliancePaper,
    EvaluationAnswer,
    EvaluationChange,
    EvaluationItem,
    Figure,
    MeetingLine,
    MeetingsQuery,
    MonthAnswer,
    PaperQuery,
    Period,
    ReturnRequest,
    RollupQuery,
    UsageAnswer,
    Year,
    YearlyAnswer,
    YearlyChange,
    YearlyLine,
    YearlyQuery,
)
from control_api.reports.paper import LOCAL, local
from control_api.reports.render import MEDIA_TYPES, Format
from control_api.reports.tables import EvaluationRow
from control_api.reports.usage import Month, advice
from control_api.reports.yearly import YearlyReport, standing
from control_api.reports.years import FIGURE_NAMES, FIGURE_NAMES_EN, deadline
from control_api.services import Services

routes = Routes("reports")

_PAPER = (MEDIA_TYPES["docx"], MEDIA_TYPES["pdf"])
_ALL = (MEDIA_TYPES["xlsx"], *_PAPER)
_AFTER = (Step.CHECKED.value, Step.CONNECTED.value, Step.SERVING.value, Step.CLOSED.value)


# ------------------------------------------------------------------------------------------------------- a meeting


@routes.get("/reports/meetings", right=Right.READ)
async def meetings_with_papers(call: Call, query: MeetingsQuery) -> list[MeetingLine]:
    """Meetings from their technical check on, newest first, and whether they have been evaluated."""
    where: list[ColumnElement[bool]] = [BookingRow.state.in_(_AFTER)]
    if not sees_all(call.user):
        own = call.user.organisation or ""
        part = select(BookingSite.booking_id).where(BookingSite.organisation_id == own)
        where.append(or_(BookingRow.organisation_id == own, BookingRow.id.in_(part)))
    async with call.services.database.reading() as session:
        total = await session.scalar(select(func.count()).select_from(BookingRow).where(*where)) or 0
        newest = select(BookingRow).where(*where).order_by(BookingRow.starts_at.desc(), BookingRow.id)
        rows = list(await session.scalars(newest.offset(query.offset).limit(query.limit)))
        ids = [row.id for row in rows]
        counted = select(BookingSite.booking_id, func.count().label("sites")).where(BookingSite.booking_id.in_(ids))
        found = await session.execute(counted.group_by(BookingSite.booking_id))
        counts = {one.booking_id: one.sites for one in found}
        asked = EvaluationRow.conference_id.in_([row.conference_id for row in rows])
        evaluated = await session.execute(select(EvaluationRow.conference_id, EvaluationRow.signed_at).where(asked))
        signed = {one.conference_id: one.signed_at for one in evaluated}
    call.headers["X-Total-Count"] = str(total)
    return [
        MeetingLine(
            conference=row.conference_id,
            booking=row.id,
            title=row.title,
            class_=row.class_,
            organisation=row.organisation_id,
            state=row.state,
            starts_at=local(row.starts_at),
            ends_at=local(row.ends_at),
            sites=counts.get(row.id, 0),
            evaluation="none"
            if row.conference_id not in signed
            else "written"
            if signed[row.conference_id] is None
            else "signed",
        )
        for row in rows
    ]


@routes.get("/conferences/{conference}/minutes", right=Right.READ, produces=_PAPER)
async def minutes_of_meeting(call: Call, conference: ConferenceId, query: PaperQuery) -> Download:
    """Minutes: attendance, quality of each site, incidents, evaluation, head of the journal (S102)."""
    await _check_known_reader(call, conference)
    body = await call.services.reports.minutes(conference, query.format)
    return _file(body, query.format, f"bien-ban-{conference}")


@routes.get("/conferences/{conference}/check-summary", right=Right.READ, produces=_PAPER)
async def summary_of_checks(call: Call, conference: ConferenceId, query: PaperQuery) -> Download:
    """The technical check's summary form, one line a site; the PDF has the stills in an annex (S81)."""
    await _check_known_reader(call, conference)
    body = await call.services.reports.check_summary(conference, query.format)
    return _file(body, query.format, f"kiem-tra-{conference}")


@routes.get("/conferences/{conference}/evaluation", right=Right.READ)
async def read_evaluation(call: Call, conference: ConferenceId) -> EvaluationAnswer:
    """What was said of a meeting after it; empty while nobody has."""
    await _check_known_reader(call, conference)
    return _evaluation(conference, await call.services.reports.evaluations.get(conference))


@routes.put("/conferences/{conference}/evaluation", right=Right.BOOK)
async def write_evaluation(call: Call, conference: ConferenceId, body: EvaluationChange) -> EvaluationAnswer:
    """Write a meeting's evaluation: who, what, score, remarks.  Not any more once it is signed."""
    await _check_host(call, conference)
    content = body.model_dump(mode="json", include={"items", "remark", "proposal"})
    row = await call.services.reports.evaluations.write(
        conference, content, body.evaluator or call.user.name, body.position, body.revision, call.user.username
    )
    return _evaluation(conference, row)


@routes.post("/conferences/{conference}/evaluation/signature", right=Right.BOOK)
async def sign_evaluation(call: Call, conference: ConferenceId) -> EvaluationAnswer:
    """Sign it: it is locked, and bound to the journal as it stands now."""
    await _check_host(call, conference)
    return _evaluation(conference, await call.services.reports.evaluations.sign(conference, call.user.username))


# ---------------------------------------------------------------------------------------------------------- yearly


@routes.get("/reports/yearly/{year}", right=Right.READ)
async def list_yearly_reports(call: Call, year: Year, query: YearlyQuery) -> list[YearlyLine]:
    """Where each agency stands; with `missing` those the Sở must urge."""
    now = call.services.now()
    found = [one for one in await call.services.reports.all_yearly(year) if in_scope(call.user, one.organisation_id)]
    if query.missing:
        found = [one for one in found if one.submitted_at is None]
    call.headers["X-Total-Count"] = str(len(found))
    return [_line(one, now) for one in found[query.offset : query.offset + query.limit]]


@routes.get("/reports/yearly/{year}/rollup", right=Right.AUDIT, produces=_ALL)
async def roll_up_yearly_reports(call: Call, year: Year, query: RollupQuery) -> Download:
    """The Sở's report to the chairman over all agencies (S58)."""
    body = await call.services.reports.yearly_rollup(year, query.format)
    return _file(body, query.format, f"tong-hop-bao-cao-nam-{year}")


@routes.get("/reports/yearly/{year}/organisations/{organisation}", right=Right.READ)
async def read_yearly_report(call: Call, year: Year, organisation: Slug) -> YearlyAnswer:
    """One agency's report; drafted from the figures while nobody has saved it."""
    check_scope(call.user, organisation)
    return await _yearly(call.services, await call.services.reports.yearly.one(year, organisation))


@routes.put("/reports/yearly/{year}/organisations/{organisation}", right=Right.MAINTAIN)
async def write_yearly_report(call: Call, year: Year, organisation: Slug, body: YearlyChange) -> YearlyAnswer:
    """Save the text.  Figures are always the program's."""
    check_scope(call.user, organisation)
    sections = {str(name): text for name, text in sorted(body.sections.items())}
    report = await call.services.reports.yearly.write(
        year, organisation, sections, body.signer, body.signer_position, body.revision, call.user.username
    )
    return await _yearly(call.services, report)


@routes.post("/reports/yearly/{year}/organisations/{organisation}/submission", right=Right.MAINTAIN)
async def submit_yearly_report(call: Call, year: Year, organisation: Slug) -> YearlyAnswer:
    """Send it to the Sở; it is locked then."""
    check_scope(call.user, organisation)
    report = await call.services.reports.yearly.submit(year, organisation, call.user.username)
    return await _yearly(call.services, report)


@routes.post("/reports/yearly/{year}/organisations/{organisation}/return", right=Right.DECIDE)
async def return_yearly_report(call: Call, year: Year, organisation: Slug, body: ReturnRequest) -> YearlyAnswer:
    """Give it back to the agency to be completed."""
    report = await call.services.reports.yearly.give_back(year, organisation, body.remark, call.user.username)
    return await _yearly(call.services, report)


@routes.get("/reports/yearly/{year}/organisations/{organisation}/document", right=Right.READ, produces=_PAPER)
async def paper_of_yearly_report(call: Call, year: Year, organisation: Slug, query: PaperQuery) -> Download:
    """An agency's report as a paper to be signed."""
    check_scope(call.user, organisation)
    body = await call.services.reports.yearly_report(year, organisation, query.format)
    return _file(body, query.format, f"bao-cao-{year}-{organisation}")


# -------------------------------------------------------------------------------------------------- over all agencies


@routes.get("/reports/compliance", right=Right.AUDIT, produces=_ALL)
async def compliance_report(call: Call, query: CompliancePaper) -> Download:
    """How agencies keep the regulation, for the People's Committee (S63)."""
    since, until = query.since.timestamp(), query.until.timestamp()
    body = await call.services.reports.compliance(since, until, query.format)
    return _file(body, query.format, f"thuc-hien-quy-che-{query.since.astimezone(LOCAL):%Y-%m-%d}")


@routes.get("/reports/usage", right=Right.AUDIT)
async def usage_figures(call: Call, query: Period) -> UsageAnswer:
    """Use and capacity: hours, sites, peak against capacity, refusals (S50)."""
    found = await call.services.reports.usage_figures(query.since.timestamp(), query.until.timestamp())
    return UsageAnswer(
        since=local(found.since),
        until=local(found.until),
        total=_month(found.total),
        months=[_month(one) for one in found.months],
        classes=found.classes,
        refused_for_capacity=found.refused_for_capacity,
        capacity_measured=found.measured,
        advice=advice(found)[0],
        advice_en=advice(found)[1],
    )


@routes.get("/reports/usage/workbook", right=Right.AUDIT, produces=(MEDIA_TYPES["xlsx"],))
async def usage_workbook(call: Call, query: Period) -> Download:
    """The same as XLSX, by month, agency and site."""
    body = await call.services.reports.usage(query.since.timestamp(), query.until.timestamp())
    return _file(body, "xlsx", f"su-dung-{query.since.astimezone(LOCAL):%Y-%m-%d}")


# ---------------------------------------------------------------------------------------------------------- answers


async def _check_known_reader(call: Call, conference: str) -> None:
    """As the journal; a meeting that is only booked has none yet, and is read by its host and its sites."""
    if await call.services.journals.head(conference) is not None:
        await check_reader(call, conference)
        return
    booking = await call.services.bookings.of_conference(conference)
    if booking is None:
        raise unknown_conference(conference)
    own = {booking.organisation_id, *(site.organisation_id for site in booking.sites)}
    if not any(in_scope(call.user, organisation) for organisation in own):
        check_scope(call.user, booking.organisation_id)


async def _check_host(call: Call, conference: str) -> None:
    """The host sums its meeting up (S43); one that nobody booked is everybody's who may book."""
    booking = await call.services.bookings.of_conference(conference)
    if booking is not None:
        check_scope(call.user, booking.organisation_id)
    elif await call.services.journals.head(conference) is None:
        raise unknown_conference(conference)


def _file(body: bytes, kind: Format, name: str) -> Download:
    return Download(body, MEDIA_TYPES[kind], f"{name}.{kind}")


def _evaluation(conference: str, row: EvaluationRow | None) -> EvaluationAnswer:
    content = row.content if row is not None else {}
    return EvaluationAnswer(
        conference=conference,
        revision=0 if row is None else row.revision,
        items=[EvaluationItem.model_validate(item) for item in content.get("items", [])],
        remark=str(content.get("remark", "")),
        proposal=str(content.get("proposal", "")),
        evaluator="" if row is None else row.evaluator,
        position="" if row is None else row.position,
        score=average(content),
        changed_at=None if row is None else local(row.changed_at),
        changed_by=None if row is None else row.changed_by,
        signed_at=None if row is None or row.signed_at is None else local(row.signed_at),
        signed_by=None if row is None else row.signed_by,
        digest=None if row is None else row.digest,
        journal_seq=None if row is None else row.journal_seq,
        journal_hash=None if row is None else row.journal_hash,
    )


def _line(report: YearlyReport, now: float) -> YearlyLine:
    return YearlyLine(
        year=report.year,
        organisation=report.organisation_id,
        name=report.name,
        state=report.state,
        standing=standing(report, now),
        submitted_at=None if report.submitted_at is None else local(report.submitted_at),
    )


async def _yearly(services: Services, report: YearlyReport) -> YearlyAnswer:
    row = report.row
    stored = report.figures.stored()
    return YearlyAnswer(
        **_line(report, services.now()).model_dump(),
        revision=0 if row is None else row.revision,
        due=local(deadline(report.year)),
        sections=report.sections,
        figures=[
            Figure(name=name, vi=title, en=FIGURE_NAMES_EN[name], value=stored[name])
            for name, title in FIGURE_NAMES.items()
        ],
        signer="" if row is None else row.signer,
        signer_position="" if row is None else row.signer_position,
        remark="" if row is None else row.remark,
        changed_at=None if row is None else local(row.changed_at),
        changed_by=None if row is None else row.changed_by,
    )


def _month(one: Month) -> MonthAnswer:
    return MonthAnswer(**asdict(one))
