"""The speaking queue and the operator's words to sites."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from control_api.accounts.rules import Right
from control_api.api import Call, Model, Routes
from control_api.conferences.models import Answer, ConferenceId, Page, SiteId
from control_api.meeting.cues import Word
from control_api.meeting.tables import CueRow, FloorRequestRow
from control_api.meeting.texts import Line, OwnId

routes = Routes("meeting")


class HandRaised(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"site": "xa-van-mon"}]})

    site: SiteId


class QueuePosition(Model):
    position: Annotated[int, Field(ge=1, le=1000)] = Field(examples=[1], description="From 1; past the end: last.")


class FloorRequest(Answer):
    id: str
    site: str
    name: str
    state: Literal["waiting", "speaking", "done", "withdrawn"]
    raised_at: float
    raised_by: str | None = Field(description="Null: the site itself.")
    given_at: float | None
    given_by: str | None
    on_air_ms: int | None = Field(description="From giving the floor to the picture on the screen.")
    ended_at: float | None


class NewCue(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "check", "sites": ["xa-van-mon"]}]})

    kind: Literal["check", "prepare", "microphone", "camera", "message"]
    sites: tuple[SiteId, ...] | None = Field(
        default=None, min_length=1, max_length=1000, description="Left out: every site that is connected."
    )
    text: Line = Field(default="", description='Instead of the usual words; needed for "message".')


class CueAnswer(Answer):
    id: str
    site: str
    name: str
    kind: str
    vi: str
    confirm: bool
    at: float
    by: str
    reached: bool = Field(description="Somebody was connected when it was sent.")
    seen_at: float | None
    ok: bool | None


@routes.get("/conferences/{conference}/floor", right=Right.READ)
async def get_floor(call: Call, conference: ConferenceId) -> list[FloorRequest]:
    """Who speaks and who waits to, in order."""
    return [_request(row) for row in await call.services.meeting.floor.queue(conference)]


@routes.get("/conferences/{conference}/floor/history", right=Right.READ)
async def list_floor_requests(call: Call, conference: ConferenceId, query: Page) -> list[FloorRequest]:
    """All requests to speak, newest first, with the times from asking to being on air."""
    total, rows = await call.services.meeting.floor.past(conference, query.offset, query.limit)
    call.headers["X-Total-Count"] = str(total)
    return [_request(row) for row in rows]


@routes.post("/conferences/{conference}/floor", right=Right.OPERATE, status=201)
async def raise_hand(call: Call, conference: ConferenceId, body: HandRaised) -> FloorRequest:
    """Put a site into the queue, in its name; one that waits already keeps its place."""
    return _request(
        await call.services.meeting.floor.raise_hand(
            conference, body.site, by=call.user.username, at=call.services.now(), command_id=call.command_id
        )
    )


@routes.post("/conferences/{conference}/floor/{request}/give", right=Right.OPERATE)
async def give_floor(call: Call, conference: ConferenceId, request: OwnId) -> FloorRequest:
    """Give a site of the queue the podium; whoever spoke before is done."""
    floor = call.services.meeting.floor
    return _request(await floor.give(conference, request, by=call.user.username, at=call.services.now()))


@routes.post("/conferences/{conference}/floor/{request}/next", right=Right.OPERATE)
async def call_next_of_floor(call: Call, conference: ConferenceId, request: OwnId) -> FloorRequest:
    """Tell a site of the queue that it is next."""
    return _request(await call.services.meeting.floor.call_next(conference, request, by=call.user.username))


@routes.put("/conferences/{conference}/floor/{request}/position", right=Right.OPERATE)
async def move_in_floor(
    call: Call, conference: ConferenceId, request: OwnId, body: QueuePosition
) -> list[FloorRequest]:
    """Put a waiting site elsewhere in the queue. Answers the queue."""
    rows = await call.services.meeting.floor.move(
        conference, request, body.position, by=call.user.username, at=call.services.now()
    )
    return [_request(row) for row in rows]


@routes.delete("/conferences/{conference}/floor/{request}", right=Right.OPERATE)
async def end_floor_request(call: Call, conference: ConferenceId, request: OwnId) -> None:
    """Take a site out of the queue; of the one that speaks: its speech is over, the room is as before."""
    await call.services.meeting.floor.remove(conference, request, by=call.user.username, at=call.services.now())


@routes.get("/conferences/{conference}/cues", right=Right.READ)
async def list_cues(call: Call, conference: ConferenceId) -> list[CueAnswer]:
    """The newest 200 words to sites, and which of them were answered."""
    return [_cue(row) for row in await call.services.meeting.cues.newest(conference)]


@routes.post("/conferences/{conference}/cues", right=Right.OPERATE, status=201)
async def send_cue(call: Call, conference: ConferenceId, body: NewCue) -> list[CueAnswer]:
    """Tell sites something: check picture and sound now, get ready, a line of text."""
    word = Word(body.kind, body.text)
    rows = await call.services.meeting.cues.send(
        conference,
        body.sites,
        word,
        by=call.user.username,
        at=call.services.now(),
        command_id=call.command_id,
    )
    return [_cue(row) for row in rows]


def _request(row: FloorRequestRow) -> FloorRequest:
    return FloorRequest.model_validate({name: getattr(row, name) for name in FloorRequest.model_fields})


def _cue(row: CueRow) -> CueAnswer:
    return CueAnswer.model_validate({name: getattr(row, name) for name in CueAnswer.model_fields})
