"""Issues, remarks on connections, and the time line of incidents of a meeting (S48, S49, S90, S98)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, cast

from pydantic import ConfigDict, Field, model_validator

from control_api.accounts.rules import Right
from control_api.api import Call, Model, Routes
from control_api.conferences.models import Answer, ConferenceId, Page, SiteId
from control_api.conferences.sites import known_site
from control_api.meeting.handing_over import hand_over
from control_api.meeting.issues import Report
from control_api.meeting.tables import IssueRow, LineEventRow, SiteRemarkRow
from control_api.meeting.texts import OwnId, SlugId, Text
from signaling.messages import IssueCategory, IssueState

routes = Routes("meeting")


class IssueQuery(Page):
    state: IssueState | None = None
    site: SiteId | None = None


class NewIssue(Model):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"site": "xa-van-mon", "category": "sound", "text": "Tiếng bị rè"}]}
    )

    site: SiteId | None = Field(default=None, description="Left out: of the whole conference.")
    category: IssueCategory
    text: Text = ""


class IssueChange(Model):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "taken", "remark": "Đang đổi micro"}]})

    state: IssueState | None = None
    remark: Text | None = None
    fault: SlugId | None = Field(default=None, description="Id of the directory's fault it became.")


class NewRemark(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"remark": "Tiếng nhỏ", "score": 3}]})

    remark: Text
    score: Annotated[int, Field(ge=1, le=5)] | None = Field(default=None, description="1 (bad) to 5 (very good).")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.remark and self.score is None:
            raise ValueError("write a remark or give a score")
        return self


class IssueAnswer(Answer):
    id: str
    conference_id: str
    site: str | None
    name: str
    source: Literal["site", "operator"]
    category: IssueCategory
    text: str
    figures: dict[str, Any] = Field(description="What was measured of the line when it was told.")
    state: IssueState
    at: float
    by: str | None = Field(description="Null: the site itself.")
    taken_at: float | None
    taken_by: str | None
    solved_at: float | None
    solved_by: str | None
    remark: str
    fault: str | None


class RemarkAnswer(Answer):
    site: str
    remark: str
    score: int | None
    at: float
    by: str


class Incident(Answer):
    """One line of the time line: an issue, or something that happened to a line."""

    at: float
    what: Literal["issue", "line"]
    site: str | None
    name: str
    kind: str = Field(description="Category of the issue; of a line: bad, better, lost, back, reserve.")
    text: str
    state: str | None = Field(description="Of the issue.")
    seconds: float | None = Field(description="How long a line had been bad or lost, when that ended.")
    by: str | None


@routes.get("/conferences/{conference}/issues", right=Right.READ)
async def list_issues(call: Call, conference: ConferenceId, query: IssueQuery) -> list[IssueAnswer]:
    """Issues of a conference, newest first."""
    total, rows = await call.services.meeting.issues.page(
        conference=conference, site=query.site, state=query.state, offset=query.offset, limit=query.limit
    )
    call.headers["X-Total-Count"] = str(total)
    return [_issue(row) for row in rows]


@routes.post("/conferences/{conference}/issues", right=Right.OPERATE, status=201)
async def report_issue(call: Call, conference: ConferenceId, body: NewIssue) -> IssueAnswer:
    """Write an issue down; the MCU adds what it measures of the site's line."""
    row = await call.services.meeting.issues.report(
        conference,
        Report(body.site, "operator", body.category, body.text),
        by=call.user.username,
        at=call.services.now(),
        command_id=call.command_id,
    )
    return _issue(row)


@routes.patch("/conferences/{conference}/issues/{issue}", right=Right.OPERATE)
async def change_issue(call: Call, conference: ConferenceId, issue: OwnId, body: IssueChange) -> IssueAnswer:
    """Take an issue up, solve it, open it again, add a remark; the site that told it is told."""
    row = await call.services.meeting.issues.change(
        conference,
        issue,
        state=body.state,
        remark=body.remark,
        fault=body.fault,
        by=call.user.username,
        at=call.services.now(),
    )
    return _issue(row)


@routes.post("/conferences/{conference}/issues/{issue}/fault", right=Right.OPERATE)
async def hand_over_issue(call: Call, conference: ConferenceId, issue: OwnId) -> IssueAnswer:
    """Hand an issue over to the directory's register of faults, with its figures; twice makes one fault (S56)."""
    row = await call.services.meeting.issues.get(conference, issue)
    return _issue(await hand_over(call.services, row, call.user.username))


@routes.get("/conferences/{conference}/incidents", right=Right.READ)
async def list_incidents(call: Call, conference: ConferenceId, query: Page) -> list[Incident]:
    """The time line of incidents: issues and what happened to lines, newest first (S49)."""
    meeting, most = call.services.meeting, query.offset + query.limit
    issues, rows = await meeting.issues.page(conference=conference, limit=most)
    events, lines = await meeting.history.events(conference=conference, limit=most)
    found = sorted([*map(_of_issue, rows), *map(_of_line, lines)], key=lambda one: -one.at)
    call.headers["X-Total-Count"] = str(issues + events)
    return found[query.offset : most]


@routes.get("/conferences/{conference}/remarks", right=Right.READ)
async def list_remarks(call: Call, conference: ConferenceId) -> list[RemarkAnswer]:
    """What operators said of the sites' connections in this meeting."""
    found = await call.services.meeting.issues.remarks(conference)
    return [_remark(row) for _, row in sorted(found.items())]


@routes.put("/conferences/{conference}/sites/{site}/remark", right=Right.OPERATE)
async def remark_site(call: Call, conference: ConferenceId, site: SiteId, body: NewRemark) -> RemarkAnswer:
    """Judge a site's connection in this meeting; what was said before is replaced (the journal keeps it)."""
    known_site(call, conference, site)
    row = await call.services.meeting.issues.remark(
        conference, site, text=body.remark, score=body.score, by=call.user.username, at=call.services.now()
    )
    return _remark(row)


def _issue(row: IssueRow) -> IssueAnswer:
    return IssueAnswer.model_validate({name: getattr(row, name) for name in IssueAnswer.model_fields})


def _remark(row: SiteRemarkRow) -> RemarkAnswer:
    return RemarkAnswer.model_validate({name: getattr(row, name) for name in RemarkAnswer.model_fields})


def _of_issue(row: IssueRow) -> Incident:
    return Incident(
        at=row.at,
        what="issue",
        site=row.site,
        name=row.name,
        kind=row.category,
        text=row.text,
        state=cast("IssueState", row.state),
        seconds=None,
        by=row.by,
    )


def _of_line(row: LineEventRow) -> Incident:
    return Incident(
        at=row.at,
        what="line",
        site=row.site,
        name=row.name,
        kind=row.kind,
        text=row.text,
        state=None,
        seconds=row.seconds,
        by=row.by,
    )
