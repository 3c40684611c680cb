"""Roll call: begin, results, keys; and the board of who is there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from control_api.accounts.rules import Right
from control_api.api import Call, Model, Routes
from control_api.bookings.rules import NEWEST_RULES
from control_api.conferences.models import Answer, ConferenceId, Page, SiteId
from control_api.meeting.boards import OnBoard
from control_api.meeting.calling import Action, Order, Result, State, counted
from control_api.meeting.rollcalls import MOST_SITES, Plan, RollCall
from control_api.meeting.tables import BoardRow, RollCallSiteRow
from control_api.meeting.texts import OwnId, Remark
from control_api.scripts.store import ScriptStore

routes = Routes("meeting")


class NewRollCall(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"order": "alphabet", "seconds": 15}]})

    order: Order = Field(default="number", description='"script": as the meeting\'s script names the sites.')
    seconds: Annotated[float, Field(ge=5, le=300)] = Field(
        default=NEWEST_RULES.roll_call_seconds, description="That a site has to answer."
    )
    auto: bool = Field(default=True, description="After that time: no answer, and on to the next.")
    skip_absent: bool = Field(default=True, description="A site that is not connected is absent at once.")
    sites: tuple[SiteId, ...] | None = Field(
        default=None, max_length=MOST_SITES, description="Only these; left out: every site but the main one."
    )


class RollCallResult(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"result": "present"}]})

    result: Result
    remark: Remark = ""


class RollCallStep(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"action": "skip", "step": 7}]})

    action: Action
    step: Annotated[int, Field(ge=0, le=2**53)] = Field(description="As it was when the operator pressed the key.")


class RollCallSite(Answer):
    position: int
    site: str
    number: int
    name: str
    result: Result | None
    at: float | None
    by: str | None = Field(description="Null: the timer, or because it was not connected.")
    remark: str
    on_air_ms: int | None = Field(description="From the call to the picture on the screen.")


class RollCallAnswer(Answer):
    id: str
    state: State
    order: str
    seconds: float
    auto: bool
    skip_absent: bool
    position: int
    step: int
    site: str | None = Field(description="Who is called now.")
    called_at: float | None
    due_at: float | None = Field(description="When its time is over; null while paused.")
    left: float | None = Field(description="Seconds left while paused.")
    now: float = Field(description="The server's clock: compare `due_at` with it, not with your own.")
    started_at: float
    started_by: str
    ended_at: float | None
    ended_by: str | None
    counts: dict[str, int]
    sites: tuple[RollCallSite, ...]


class RollCallNow(Answer):
    roll_call: RollCallAnswer | None = Field(description="The one that goes on, else the last one.")


class BoardSite(Answer):
    site: str
    number: int
    name: str
    presence: Literal["present", "absent", "failed"]
    state: str
    grade: Literal["good", "fair", "bad", "lost"] | None


class KeptBoard(Answer):
    kind: str
    at: float
    by: str | None
    sites: tuple[BoardSite, ...]


class RollBoardAnswer(Answer):
    at: float
    present: int
    absent: int
    failed: int
    sites: tuple[BoardSite, ...]
    kept: tuple[KeptBoard, ...] = Field(description='Boards written down; "hour_before" by the MCU itself.')


@routes.get("/conferences/{conference}/roll-call", right=Right.READ)
async def get_roll_call_now(call: Call, conference: ConferenceId) -> RollCallNow:
    """The roll call that goes on, or the last one: what a console shows after it was reloaded."""
    newest = await call.services.meeting.roll_calls.newest(conference)
    return RollCallNow(roll_call=None if newest is None else answer_of(newest, call.services.now()))


@routes.get("/conferences/{conference}/roll-calls", right=Right.READ)
async def list_roll_calls(call: Call, conference: ConferenceId, query: Page) -> list[RollCallAnswer]:
    """Roll calls of a conference with their results, newest first."""
    total, found = await call.services.meeting.roll_calls.page(conference, query.offset, min(query.limit, 50))
    call.headers["X-Total-Count"] = str(total)
    return [answer_of(one, call.services.now()) for one in found]


@routes.post("/conferences/{conference}/roll-calls", right=Right.OPERATE, status=201)
async def begin_roll_call(call: Call, conference: ConferenceId, body: NewRollCall) -> RollCallAnswer:
    """Begin a roll call: the first site has the podium, everybody else but the main site is muted."""
    script = await script_order(call, conference) if body.order == "script" else ()
    plan = Plan(body.order, body.seconds, body.auto, body.skip_absent, body.sites)
    begun = await call.services.meeting.roll_calls.begin(
        conference, plan, script, by=call.user.username, at=call.services.now(), command_id=call.command_id
    )
    call.headers["Location"] = f"{call.request.path}/{begun.row.id}"
    return answer_of(begun, call.services.now())


@routes.get("/conferences/{conference}/roll-calls/{roll_call}", right=Right.READ)
async def get_roll_call(call: Call, conference: ConferenceId, roll_call: OwnId) -> RollCallAnswer:
    """One roll call with its results."""
    found = await call.services.meeting.roll_calls.get(conference, roll_call)
    return answer_of(found, call.services.now())


@routes.put("/conferences/{conference}/roll-calls/{roll_call}/sites/{site}", right=Right.OPERATE)
async def mark_roll_call(
    call: Call, conference: ConferenceId, roll_call: OwnId, site: SiteId, body: RollCallResult
) -> RollCallAnswer:
    """Result of a site. Of the one that is called now: and on to the next; of another, also later: a correction."""
    marked = await call.services.meeting.roll_calls.mark(
        conference, roll_call, site, body.result, body.remark, by=call.user.username, at=call.services.now()
    )
    return answer_of(marked, call.services.now())


@routes.post("/conferences/{conference}/roll-calls/{roll_call}/step", right=Right.OPERATE)
async def step_roll_call(call: Call, conference: ConferenceId, roll_call: OwnId, body: RollCallStep) -> RollCallAnswer:
    """Skip, back, repeat, pause, resume, finish, abort. At the end the scene of before comes back."""
    moved = await call.services.meeting.roll_calls.act(
        conference, roll_call, body.action, body.step, by=call.user.username, at=call.services.now()
    )
    return answer_of(moved, call.services.now())


@routes.get("/conferences/{conference}/board", right=Right.READ)
async def get_board(call: Call, conference: ConferenceId) -> RollBoardAnswer:
    """Who is present, absent or failed now, and the boards that were kept (an hour before the meeting)."""
    boards = call.services.meeting.boards
    board, kept = await boards.now(conference), await boards.kept(conference)
    return _board(board, kept, call.services.now())


@routes.post("/conferences/{conference}/board", right=Right.OPERATE, status=201)
async def keep_board(call: Call, conference: ConferenceId) -> KeptBoard:
    """Write the board of this moment down."""
    now = call.services.now()
    kept = await call.services.meeting.boards.keep(conference, f"{now:.0f}", by=call.user.username, at=now)
    return _kept(kept)


async def script_order(call: Call, conference: str) -> tuple[str, ...]:
    """Sites as the meeting's script names them; none when there is no script."""
    script = await ScriptStore(call.services.database).find(conference)
    return tuple(dict.fromkeys(site for scene in script.scenes for site in scene.speaking))


def answer_of(roll_call: RollCall, now: float) -> RollCallAnswer:
    row, current = roll_call.row, roll_call.current
    return RollCallAnswer(
        id=row.id,
        state=roll_call.now.state,
        order=row.order_by,
        seconds=row.seconds,
        auto=row.auto,
        skip_absent=row.skip_absent,
        position=row.position,
        step=row.step,
        site=current.site if current is not None and row.active is not None else None,
        called_at=row.called_at,
        due_at=row.due_at,
        left=row.left,
        now=now,
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        counts=counted(roll_call.now.results),
        sites=tuple(_site(site) for site in roll_call.sites),
    )


def _site(row: RollCallSiteRow) -> RollCallSite:
    return RollCallSite.model_validate({name: getattr(row, name) for name in RollCallSite.model_fields})


def _board(board: list[OnBoard], kept: list[BoardRow], now: float) -> RollBoardAnswer:
    def count(presence: str) -> int:
        return sum(one.presence == presence for one in board)

    sites = tuple(
        BoardSite(
            site=one.site, number=one.number, name=one.name, presence=one.presence, state=one.state, grade=one.grade
        )
        for one in board
    )
    return RollBoardAnswer(
        at=now,
        present=count("present"),
        absent=count("absent"),
        failed=count("failed"),
        sites=sites,
        kept=tuple(map(_kept, kept)),
    )


def _kept(row: BoardRow) -> KeptBoard:
    sites = sorted(row.sites.values(), key=lambda site: int(site["number"]))
    return KeptBoard(kind=row.kind, at=row.at, by=row.by, sites=tuple(BoardSite.model_validate(s) for s in sites))
