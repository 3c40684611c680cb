"""The carrier's own page (S60 to S62, article 14): when its lines are needed and which of them are at fault.

Times and lines, never a title, an agenda, sound or picture.  A carrier is shown what hangs on its own lines; the Sở
sees all of them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field
from sqlalchemy import ColumnElement, select

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Right
from control_api.accounts.scope import sees_all
from control_api.api import Call, Model, Routes
from control_api.bookings.steps import HOLDING, Step
from control_api.bookings.tables import BookingRow, BookingSite
from control_api.directory.fields import OwnId
from control_api.directory.tables import Fault, Site
from control_api.preparation.deadlines import local
from control_api.preparation.texts import Text

routes = Routes("carrier")
_BACK = 86400.0
_AHEAD = 62 * 86400.0
_MOST = 500


class CarrierSite(Model):
    site: str
    name: str
    line_code: str
    reserve_line: str


class CarrierMeeting(Model):
    """A meeting as its carrier knows it: when, and over which of its lines."""

    conference: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    trial_at: AwareDatetime | None
    trial_ends_at: AwareDatetime | None
    under_way: bool
    sites: tuple[CarrierSite, ...]


class LineFault(Model):
    """A fault of a line, without the meeting it was noticed in."""

    id: str
    revision: int
    site: str
    site_name: str
    line_code: str
    title: str
    urgent: bool
    state: Literal["open", "in_progress", "done"]
    reported_at: AwareDatetime
    taken_by: str | None
    outcome: str
    figures: dict[str, object]


class FaultWord(Model):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"revision": 1, "state": "in_progress", "outcome": "Đang thay thiết bị"}]}
    )

    revision: int = Field(ge=1)
    state: Literal["in_progress", "done"] = Field(description='"in_progress": we know of it and work on it.')
    outcome: Annotated[Text, Field(max_length=2000)] = ""


@routes.get("/carrier/meetings", right=Right.LINES)
async def list_carrier_meetings(call: Call) -> list[CarrierMeeting]:
    """Meetings of the coming two months for which somebody of the carrier is on duty, the next one first."""
    now = call.services.now()
    alive = BookingRow.state.in_([step.value for step in (*HOLDING, Step.SERVING)])
    near = BookingRow.ends_at > now - _BACK, BookingRow.starts_at < now + _AHEAD
    async with call.services.database.reading() as session:
        asked = select(BookingRow, BookingSite.name, Site)
        asked = asked.join(BookingSite, BookingSite.booking_id == BookingRow.id)
        asked = asked.join(Site, Site.id == BookingSite.site_id).where(alive, *near, *_own_lines(call.user))
        rows = list(await session.execute(asked.order_by(BookingRow.starts_at, BookingRow.id, BookingSite.position)))
    meetings: dict[str, tuple[BookingRow, list[CarrierSite]]] = {}
    for row, name, site in rows:
        line = CarrierSite(site=site.id, name=name, line_code=site.line_code, reserve_line=site.reserve_line)
        meetings.setdefault(row.id, (row, []))[1].append(line)
    return [_meeting(row, sites) for row, sites in list(meetings.values())[:_MOST]]


@routes.get("/directory/line-faults", right=Right.LINES)
async def list_line_faults(call: Call) -> list[LineFault]:
    """Faults of the carrier's lines: those that are open first, then the newest."""
    async with call.services.database.reading() as session:
        asked = select(Fault, Site).join(Site, Site.id == Fault.site_id).where(Fault.kind == "line")
        asked = asked.where(*_own_lines(call.user))
        order = (Fault.state == "done"), Fault.urgent.desc(), Fault.reported_at.desc(), Fault.id
        rows = list(await session.execute(asked.order_by(*order).limit(_MOST)))
    return [_fault(fault, site) for fault, site in rows]


@routes.post("/directory/line-faults/{fault}/confirmation", right=Right.LINES)
async def confirm_line_fault(call: Call, fault: OwnId, body: FaultWord) -> LineFault:
    """The carrier says that it works on a fault of its line, or that the line is good again; the Sở is told (S60)."""
    done, site = await call.services.registry.faults.confirm_line(
        fault, body.state, body.outcome, body.revision, call.user, call.command_id
    )
    return _fault(done, site)


def _own_lines(user: SignedIn) -> list[ColumnElement[bool]]:
    """A carrier without an organisation has no lines."""
    return [] if sees_all(user) else [Site.carrier_id == (user.organisation or "")]


def _meeting(row: BookingRow, sites: list[CarrierSite]) -> CarrierMeeting:
    return CarrierMeeting(
        conference=row.conference_id,
        starts_at=local(row.starts_at),
        ends_at=local(row.ends_at),
        trial_at=None if row.trial_at is None else local(row.trial_at),
        trial_ends_at=None if row.trial_ends_at is None else local(row.trial_ends_at),
        under_way=row.state == Step.SERVING.value,
        sites=tuple(sites),
    )


def _fault(fault: Fault, site: Site) -> LineFault:
    return LineFault(
        id=fault.id,
        revision=fault.revision,
        site=site.id,
        site_name=site.name,
        line_code=site.line_code,
        title=fault.title,
        urgent=fault.urgent,
        state=fault.state,
        reported_at=local(fault.reported_at),
        taken_by=fault.taken_by,
        outcome=fault.outcome,
        figures=fault.figures,
    )
