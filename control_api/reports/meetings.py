"""What is known of one meeting, gathered for its papers: booking, roll call, presence, quality, issues, journal.

Reads what the other areas keep, each through one query; nothing is written.  The lists are bounded, so that a paper is
made in seconds whatever happened; what did not fit is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.booking import Booking
from control_api.bookings.steps import Step
from control_api.directory.tables import Organisation
from control_api.journal.chain import GENESIS, Line
from control_api.journal.journals import Wanted
from control_api.live.room import unknown_conference
from control_api.live.store import Json
from control_api.meeting.grades import score_of
from control_api.meeting.tables import (
    FloorRequestRow,
    IssueRow,
    LineEventRow,
    QualitySumRow,
    RollCallRow,
    RollCallSiteRow,
    SiteRemarkRow,
)
from control_api.reports.attendance import CODES, Presence, Span, presence, rehearsals, within
from control_api.reports.tables import EvaluationRow
from mcu_core.errors import OperatorError

if TYPE_CHECKING:
    from control_api.services import Services

MOST_SITES = 1000
MOST_INCIDENTS = 200
MOST_NOTES = 100
_VERIFY_WITHIN = 20.0  # seconds; a longer journal is verified by `mcu journal verify`
REHEARSED = "(Tổng duyệt) "  # before what happened in a rehearsal
_LONG = 30.0  # s without a line before it is told as an incident


@dataclass(frozen=True, slots=True)
class MeetingSite:
    id: str
    name: str
    main: bool
    place: str = ""
    attendees: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one site's line over the meeting."""

    score: int | None  # 0 to 100
    good: float  # fractions of the readings
    fair: float
    bad: float
    lost: float
    loss: float | None  # mean fraction of packets
    loss_most: float | None
    rtt_ms: float | None


@dataclass(frozen=True, slots=True)
class Incident:
    at: float
    site: str  # its name; empty: the whole conference
    text: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where the journal stood; `whole` None: it was too long to verify here."""

    lines: int
    hash: str
    whole: bool | None


@dataclass(frozen=True, slots=True)
class MeetingRecord:
    """Everything its papers say.  Times are Unix seconds."""

    conference_id: str
    title: str
    booking: Booking | None
    host: str  # name of the organisation, empty when nobody booked
    host_symbol: str
    began_at: float | None
    ended_at: float | None
    sites: tuple[MeetingSite, ...]
    results: dict[str, tuple[str | None, float | None, str]] = field(default_factory=dict)  # of the roll call, by site
    presences: dict[str, Presence] = field(default_factory=dict)
    quality: dict[str, Quality] = field(default_factory=dict)
    remarks: dict[str, tuple[int | None, str]] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    incidents_left_out: int = 0
    notes: tuple[Line, ...] = ()
    floor_turns: int = 0
    on_air_ms: float | None = None  # mean from the command to the picture (S91)
    rehearsals: tuple[Span, ...] = ()  # S78: what happened then is told as rehearsed and counts for nobody
    evaluation: EvaluationRow | None = None
    sealed: Sealed = Sealed(0, GENESIS, None)


async def record_of(services: Services, conference_id: str) -> MeetingRecord:
    """Raises OperatorError `unknown_conference` when nothing is known under that id."""
    journals = services.journals
    head = await journals.head(conference_id)
    booking = await services.bookings.of_conference(conference_id)
    if head is None and booking is None:
        raise unknown_conference(conference_id)
    sites = await _sites(services, conference_id, booking)
    began, ended = await _times(services, booking)
    until = ended if ended is not None else (head.changed_at if head is not None else 0.0)
    lines = [line async for some in journals.all_lines(conference_id, Wanted(what=CODES)) for line in some]
    rehearsed = rehearsals(lines, until)
    notes = await journals.lines(conference_id, Wanted(what=("note",)), limit=MOST_NOTES)
    names = {site.id: site.name for site in sites}
    async with services.database.reading() as session:
        host = None if booking is None else await session.get(Organisation, booking.organisation_id)
        results = await _roll_call(session, conference_id, rehearsed)
        quality = await _quality(session, conference_id, names)
        remarks = await _remarks(session, conference_id)
        incidents, left_out = await _incidents(session, conference_id, rehearsed)
        turns, on_air = await _floor(session, conference_id, rehearsed)
        evaluation = await session.get(EvaluationRow, conference_id)
    return MeetingRecord(
        conference_id=conference_id,
        title=booking.title if booking is not None else await _title(services, conference_id),
        booking=booking,
        host=host.name if host is not None else "",
        host_symbol=host.short_name if host is not None else "",
        began_at=began,
        ended_at=ended,
        sites=sites,
        results=results,
        presences=presence(lines, began if began is not None else 0.0, until),
        quality=quality,
        remarks=remarks,
        incidents=incidents,
        incidents_left_out=left_out,
        notes=tuple(notes),
        floor_turns=turns,
        on_air_ms=on_air,
        rehearsals=rehearsed,
        evaluation=evaluation,
        sealed=await _sealed(services, conference_id),
    )


async def _sites(services: Services, conference_id: str, booking: Booking | None) -> tuple[MeetingSite, ...]:
    if booking is not None and booking.sites:
        booked = [MeetingSite(s.site_id, s.name, s.role == "main", s.place, s.attendees) for s in booking.sites]
        return tuple(sorted(booked, key=lambda site: not site.main)[:MOST_SITES])
    try:
        state: Json = services.live.state(conference_id)
    except OperatorError:
        names = await services.journals.names(conference_id)
        return tuple(MeetingSite(site, name, main=False) for site, name in list(names.items())[:MOST_SITES])
    live = [MeetingSite(str(site["id"]), str(site["name"]), site["role"] == "main") for site in state["sites"]]
    return tuple(sorted(live, key=lambda site: not site.main)[:MOST_SITES])


async def _times(services: Services, booking: Booking | None) -> tuple[float | None, float | None]:
    """When it really began and ended: by the stamps of its steps, else as booked."""
    if booking is None:
        return None, None
    at = {stamp.step: stamp.at for stamp in await services.bookings.stamps(booking.id)}
    return at.get(Step.SERVING, booking.starts_at), at.get(Step.CLOSED, booking.ends_at)


async def _title(services: Services, conference_id: str) -> str:
    try:
        return str(services.live.state(conference_id)["title"])
    except OperatorError:
        told = await services.journals.lines(conference_id, Wanted(what=("created", "title")), order="newest", limit=1)
        return str(told[0].data.get("title", conference_id)) if told else conference_id


async def _roll_call(
    session: AsyncSession, conference_id: str, rehearsed: Sequence[Span]
) -> dict[str, tuple[str | None, float | None, str]]:
    """Results of all roll calls of the meeting; a later one counts more, one that was rehearsed not at all."""
    rows = await session.execute(
        select(RollCallSiteRow, RollCallRow.started_at)
        .join(RollCallRow, RollCallRow.id == RollCallSiteRow.roll_call_id)
        .where(RollCallRow.conference_id == conference_id, RollCallSiteRow.result.is_not(None))
        .order_by(RollCallRow.started_at, RollCallSiteRow.position)
    )
    return {row.site: (row.result, row.at, row.remark) for row, begun in rows if not within(begun, rehearsed)}


async def _quality(session: AsyncSession, conference_id: str, names: dict[str, str]) -> dict[str, Quality]:
    rows = await session.scalars(select(QualitySumRow).where(QualitySumRow.conference_id == conference_id))
    counted = (row for row in rows if row.good + row.fair + row.bad + row.lost)  # else only a rehearsal was measured
    return {row.site: quality_of(row) for row in counted if row.site in names}


def quality_of(row: QualitySumRow) -> Quality:
    readings = row.good + row.fair + row.bad + row.lost
    connected = row.good + row.fair + row.bad
    return Quality(
        score=score_of(row.good, row.fair, row.bad, row.lost),
        good=row.good / readings if readings else 0.0,
        fair=row.fair / readings if readings else 0.0,
        bad=row.bad / readings if readings else 0.0,
        lost=row.lost / readings if readings else 0.0,
        loss=row.loss_sum / connected if connected else None,
        loss_most=row.loss_most if connected else None,
        rtt_ms=row.rtt_sum / connected if connected else None,
    )


async def _remarks(session: AsyncSession, conference_id: str) -> dict[str, tuple[int | None, str]]:
    rows = await session.scalars(select(SiteRemarkRow).where(SiteRemarkRow.conference_id == conference_id))
    return {row.site: (row.score, row.remark) for row in rows}


_CATEGORIES = {
    "picture": "Hình ảnh",
    "sound": "Âm thanh",
    "echo": "Tiếng vọng",
    "content": "Trình chiếu",
    "line": "Đường truyền",
    "power": "Nguồn điện",
    "room": "Phòng họp",
    "other": "Khác",
}
_STATES = {"open": "chưa xử lý", "taken": "đang xử lý", "solved": "đã xử lý"}


async def _incidents(
    session: AsyncSession, conference_id: str, rehearsed: Sequence[Span]
) -> tuple[tuple[Incident, ...], int]:
    issues = (IssueRow.conference_id == conference_id,)
    # A line's trouble is told once, when it ends: then it is known how long it took.
    told = LineEventRow.kind == "reserve", (LineEventRow.seconds >= _LONG) & LineEventRow.kind.in_(("back", "better"))
    events = (LineEventRow.conference_id == conference_id, told[0] | told[1])
    count = 0
    for table, where in ((IssueRow, issues), (LineEventRow, events)):
        count += await session.scalar(select(func.count()).select_from(table).where(*where)) or 0
    found = [
        _issue(row)
        for row in await session.scalars(
            select(IssueRow).where(*issues).order_by(IssueRow.at, IssueRow.id).limit(MOST_INCIDENTS)
        )
    ]
    found += [
        _event(row)
        for row in await session.scalars(
            select(LineEventRow).where(*events).order_by(LineEventRow.at, LineEventRow.id).limit(MOST_INCIDENTS)
        )
    ]
    found = sorted(found, key=lambda incident: (incident.at, incident.site, incident.text))[:MOST_INCIDENTS]
    told_so = [replace(one, text=f"{REHEARSED}{one.text}") if within(one.at, rehearsed) else one for one in found]
    return tuple(told_so), count - len(found)


def _issue(row: IssueRow) -> Incident:
    text = _CATEGORIES.get(row.category, row.category) + (f": {row.text}" if row.text else "")
    outcome = _STATES.get(row.state, row.state) + (f"; {row.remark}" if row.remark else "")
    return Incident(row.at, row.name if row.site is not None else "", text, outcome)


def _event(row: LineEventRow) -> Incident:
    seconds = round(row.seconds or 0)
    text = {
        "back": f"Mất kết nối {seconds} giây",
        "better": f"Đường truyền kém {seconds} giây",
        "reserve": "Chuyển sang đường truyền dự phòng",
    }[row.kind]
    outcome = "đã kết nối lại" if row.kind == "back" else "đã tốt trở lại" if row.kind == "better" else "đã chuyển"
    return Incident(row.at, row.name, text, outcome + (f"; {row.text}" if row.text else ""))


async def _floor(session: AsyncSession, conference_id: str, rehearsed: Sequence[Span]) -> tuple[int, float | None]:
    rows = await session.execute(
        select(FloorRequestRow.given_at, FloorRequestRow.on_air_ms).where(
            FloorRequestRow.conference_id == conference_id, FloorRequestRow.given_at.is_not(None)
        )
    )
    turns = [on_air for given_at, on_air in rows if not within(given_at, rehearsed)]
    measured = [float(one) for one in turns if one is not None]
    return len(turns), sum(measured) / len(measured) if measured else None


async def _sealed(services: Services, conference_id: str) -> Sealed:
    try:
        async with asyncio.timeout(_VERIFY_WITHIN):
            verdict = await services.journals.verify(conference_id)
    except TimeoutError:
        head = await services.journals.head(conference_id)
        return Sealed(0, GENESIS, None) if head is None else Sealed(head.seq, head.hash, None)
    return Sealed(verdict.seq, verdict.hash, verdict.whole)


def count_present(record: MeetingRecord) -> int:
    """Sites that answered the roll call or were live in the meeting."""
    return sum(site.id in record.presences or _answered(record, site.id) for site in record.sites)


def _answered(record: MeetingRecord, site: str) -> bool:
    return record.results.get(site, (None, None, ""))[0] in ("present", "poor")


def absent(record: MeetingRecord) -> Sequence[MeetingSite]:
    return [site for site in record.sites if site.id not in record.presences and not _answered(record, site.id)]
