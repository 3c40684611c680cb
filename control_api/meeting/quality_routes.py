"""Quality of lines: of one meeting for its operators, of all lines for the carrier (no title, sound or picture)."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from control_api.accounts.rules import Right
from control_api.api import Call, Download, Model, Routes
from control_api.checks.rooms import PREFIX as TEST_ROOM
from control_api.conferences.models import Answer, ConferenceId, Page, SiteId
from control_api.conferences.sites import known_site
from control_api.meeting.grades import PERIOD, Grade, Reading, grade_of, measured, score_of, thinned
from control_api.meeting.sla import CSV, LineRecord, readings_csv, records, records_csv
from control_api.meeting.tables import LineEventRow, QualitySumRow
from control_api.meeting.texts import Remark, When

routes = Routes("meeting")
_DAY = 86400.0
_RECENT = 30  # readings: five minutes
_MOST_RANGE = 400 * _DAY
_MOST_EXPORTED = 3 * 360  # readings of all sites in one file: three hours

GradeName = Literal["good", "fair", "bad", "lost"]


class Range(Model):
    since: When | None = Field(default=None, description="From then on; ISO 8601 with offset.")
    until: When | None = Field(default=None, description="Before then; left out: now.")


class PointsQuery(Range):
    points: Annotated[int, Field(ge=10, le=2000)] = Field(
        default=360, description="At most so many; of neighbours the worst is kept."
    )


class EventsQuery(Page, Range):
    site: SiteId | None = None


class MeetingsQuery(Page, Range):
    pass


class ReserveLine(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Chuyển sang 4G của VNPT"}]})

    text: Remark = ""


class Point(Answer):
    at: float
    grade: GradeName
    loss_up: float | None = Field(description="Fraction of what the site sent; null: not connected.")
    loss_down: float | None
    jitter_ms: float | None
    rtt_ms: float | None
    up_kbps: float | None
    down_kbps: float | None


class SiteQuality(Answer):
    site: str
    name: str
    score: int | None = Field(description="0 to 100 over the meeting.")
    grade: GradeName | None = Field(description="Now; null: not connected.")
    good: int = Field(description="Readings, one each 10 s.")
    fair: int
    bad: int
    lost: int
    loss: float | None = Field(description="Mean fraction, the worse direction.")
    loss_most: float
    rtt_ms: float | None
    recent: tuple[GradeName, ...] = Field(description="The last five minutes, oldest first.")


class LineNow(Answer):
    site: str
    name: str
    grade: GradeName | None = Field(description="Null: not connected, and nothing known.")
    since: float | None = Field(description="When it was last measured.")
    figures: Point | None


class LineEvent(Answer):
    at: float
    site: str
    name: str
    kind: Literal["bad", "better", "lost", "back", "reserve"]
    seconds: float | None = Field(description="How long it had been bad or lost, when that ends.")
    by: str | None
    text: str


class LineMeeting(Answer):
    """One meeting of a line, without saying which."""

    first_at: float
    last_at: float
    score: int | None
    good: int
    fair: int
    bad: int
    lost: int
    loss: float | None
    loss_most: float
    rtt_ms: float | None


class LineRecordAnswer(Answer):
    site: str
    name: str
    meetings: int
    seconds: float = Field(description="Measured.")
    availability: float | None
    score: int | None
    good: int
    fair: int
    bad: int
    lost: int
    loss: float | None
    loss_most: float
    rtt_ms: float | None
    outages: int
    longest_outage: float
    bad_times: int
    reserve_changes: int


# --------------------------------------------------------------------------------------------------- of one meeting


@routes.get("/conferences/{conference}/quality", right=Right.READ)
async def list_quality(call: Call, conference: ConferenceId) -> list[SiteQuality]:
    """Each site's line in this meeting: score, means and the last five minutes."""
    history, now = call.services.meeting.history, call.services.now()
    sums = await history.sums(conference=conference)
    recent = await history.readings(conference, since=now - _RECENT * PERIOD, until=now + PERIOD)
    fresh = recent[-1][1] if recent and now - recent[-1][0] < 3 * PERIOD else {}
    answers = []
    for row in sorted(sums, key=lambda row: row.site):
        grades = tuple(sites[row.site].grade for _, sites in recent if row.site in sites)
        newest = fresh.get(row.site)
        answers.append(
            SiteQuality(
                site=row.site,
                name=row.name,
                grade=None if newest is None else newest.grade,
                recent=grades,
                **_summed(row),
            )
        )
    return answers


@routes.get("/conferences/{conference}/quality/export", right=Right.READ, produces=(CSV,))
async def export_quality(call: Call, conference: ConferenceId, query: Range) -> Download:
    """Readings of all sites as CSV; the newest three hours of the time asked for."""
    history = call.services.meeting.history
    since, until = _range(query, call.services.now(), _MOST_RANGE)
    found = await history.readings(conference, since=since, until=until, most=_MOST_EXPORTED)
    names = {row.site: row.name for row in await history.sums(conference=conference)}
    return Download(readings_csv(found, names), CSV, _file("chat-luong"))


@routes.get("/conferences/{conference}/quality/{site}", right=Right.READ)
async def get_site_quality(call: Call, conference: ConferenceId, site: SiteId, query: PointsQuery) -> list[Point]:
    """One site's line in this meeting, oldest first."""
    since, until = _range(query, call.services.now(), _MOST_RANGE)
    found = await call.services.meeting.history.of_site(site, conference=conference, since=since, until=until)
    return [_point(at, reading) for at, reading in thinned(found, query.points)]


@routes.post("/conferences/{conference}/sites/{site}/reserve-line", right=Right.OPERATE, status=201)
async def change_to_reserve(call: Call, conference: ConferenceId, site: SiteId, body: ReserveLine) -> LineEvent:
    """Write down, with the time, that a site was changed over to its reserve line (article 14)."""
    known_site(call, conference, site)
    row = await call.services.meeting.recorder.reserve(
        conference, site, body.text, by=call.user.username, at=call.services.now()
    )
    return _event(row)


# ------------------------------------------------------------------------------------------------- of all the lines


@routes.get("/lines", right=Right.LINES)
async def list_lines(call: Call) -> list[LineNow]:
    """Every line that is connected now, or was in the last thirty days; the worst first."""
    live, now = call.services.live, call.services.now()
    found: dict[str, LineNow] = {}
    for conference in live.conferences():
        key = str(conference["id"])
        if key.startswith(TEST_ROOM):
            continue
        figures = live.quality(key)
        for site in live.state(key)["sites"]:
            if site["state"] == "live" and site["id"] in figures:
                newest = measured(figures[site["id"]])
                reading = Reading(grade_of(newest), newest)
                line = LineNow(
                    site=site["id"], name=site["name"], grade=reading.grade, since=now, figures=_point(now, reading)
                )
                found[line.site] = line
            elif site["state"] == "away":
                found.setdefault(
                    site["id"], LineNow(site=site["id"], name=site["name"], grade="lost", since=now, figures=None)
                )
    for row in await call.services.meeting.history.sums(since=now - 30 * _DAY, limit=5000):
        known = LineNow(site=row.site, name=row.name, grade=None, since=row.last_at, figures=None)
        found.setdefault(row.site, known)
    order = {"lost": 0, "bad": 1, "fair": 2, "good": 3, None: 4}
    return sorted(found.values(), key=lambda line: (order[line.grade], line.name))


@routes.get("/lines/{site}", right=Right.LINES)
async def get_line(call: Call, site: SiteId, query: PointsQuery) -> list[Point]:
    """One line, oldest first; left out, the last day."""
    since, until = _range(query, call.services.now(), _DAY)
    found = await call.services.meeting.history.of_site(site, conference=None, since=since, until=until)
    return [_point(at, reading) for at, reading in thinned(found, query.points)]


@routes.get("/lines/{site}/meetings", right=Right.LINES)
async def list_line_meetings(call: Call, site: SiteId, query: MeetingsQuery) -> list[LineMeeting]:
    """One line over the meetings, newest first (S48)."""
    since, until = _range(query, call.services.now(), _MOST_RANGE)
    rows = await call.services.meeting.history.sums(
        site=site, since=since, until=until, offset=query.offset, limit=query.limit
    )
    return [LineMeeting(first_at=row.first_at, last_at=row.last_at, **_summed(row)) for row in rows]


@routes.get("/line-events", right=Right.LINES)
async def list_line_events(call: Call, query: EventsQuery) -> list[LineEvent]:
    """What happened to lines, newest first: bad, better, lost, back, changed to the reserve line."""
    since, until = _range(query, call.services.now(), _MOST_RANGE)
    total, rows = await call.services.meeting.history.events(
        site=query.site, since=since, until=until, offset=query.offset, limit=query.limit
    )
    call.headers["X-Total-Count"] = str(total)
    return [_event(row) for row in rows]


@routes.get("/line-report", right=Right.LINES)
async def get_line_report(call: Call, query: Range) -> list[LineRecordAnswer]:
    """How well the lines were over a time (left out, thirty days), the worst first."""
    return [_record(one) for one in await _records(call, query)]


@routes.get("/line-report/export", right=Right.LINES, produces=(CSV,))
async def export_line_report(call: Call, query: Range) -> Download:
    """The same as CSV for the carrier."""
    return Download(records_csv(await _records(call, query)), CSV, _file("duong-truyen"))


async def _records(call: Call, query: Range) -> list[LineRecord]:
    since, until = _range(query, call.services.now(), 30 * _DAY)
    history = call.services.meeting.history
    sums = await history.sums(since=since, until=until)
    _, events = await history.events(since=since, until=until, limit=100_000)
    return records(sums, events)


def _range(query: Range, now: float, before: float) -> tuple[float, float]:
    """Seconds; left out: up to now (and what is just being written), from `before` seconds earlier."""
    until = now + PERIOD if query.until is None else query.until.timestamp()
    return until - before if query.since is None else query.since.timestamp(), until


def _summed(row: QualitySumRow) -> dict[str, int | float | None]:
    connected = row.good + row.fair + row.bad
    return {
        "score": score_of(row.good, row.fair, row.bad, row.lost),
        "good": row.good,
        "fair": row.fair,
        "bad": row.bad,
        "lost": row.lost,
        "loss": round(row.loss_sum / connected, 4) if connected else None,
        "loss_most": round(row.loss_most, 4),
        "rtt_ms": round(row.rtt_sum / connected, 1) if connected else None,
    }


def _point(at: float, reading: Reading) -> Point:
    grade: Grade = reading.grade
    figures = reading.figures
    if figures is None:
        nothing = dict.fromkeys(("loss_up", "loss_down", "jitter_ms", "rtt_ms", "up_kbps", "down_kbps"))
        return Point(at=at, grade=grade, **nothing)
    return Point(
        at=at,
        grade=grade,
        loss_up=round(figures.loss_up, 4),
        loss_down=round(figures.loss_down, 4),
        jitter_ms=round(figures.jitter_ms, 1),
        rtt_ms=None if figures.rtt_ms is None else round(figures.rtt_ms, 1),
        up_kbps=round(figures.up_kbps),
        down_kbps=round(figures.down_kbps),
    )


def _event(row: LineEventRow) -> LineEvent:
    return LineEvent.model_validate({name: getattr(row, name) for name in LineEvent.model_fields})


def _record(one: LineRecord) -> LineRecordAnswer:
    mean, rtt = one.mean("loss"), one.mean("rtt")
    return LineRecordAnswer(
        site=one.site,
        name=one.name,
        meetings=one.meetings,
        seconds=one.seconds,
        availability=None if one.availability is None else round(one.availability, 4),
        score=one.score,
        good=one.good,
        fair=one.fair,
        bad=one.bad,
        lost=one.lost,
        loss=None if mean is None else round(mean, 4),
        loss_most=round(one.loss_most, 4),
        rtt_ms=None if rtt is None else round(rtt, 1),
        outages=one.outages,
        longest_outage=one.longest_outage,
        bad_times=one.bad_times,
        reserve_changes=one.reserve_changes,
    )


def _file(name: str) -> str:
    return f"{name}-{time.strftime('%Y%m%d-%H%M')}.csv"
