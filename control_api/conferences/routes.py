"""Conferences: list, make, change, remove, and the whole state of one."""

from __future__ import annotations

import hashlib

from control_api.accounts.guard import readable
from control_api.accounts.rules import Right
from control_api.api import Call, Routes
from control_api.bookings.required import check_booked
from control_api.conferences.models import (
    ConferenceAnswer,
    ConferenceChange,
    ConferenceId,
    ConferenceState,
    NewConference,
    Page,
    RenditionAnswer,
)
from control_api.live.store import TEST_ROOM
from mcu_core.commands import AddSite, Command, SetOpen, SetOptions, SetTitle
from mcu_core.errors import OperatorError

routes = Routes("conferences")


@routes.get("/conferences", right=Right.READ)
async def list_conferences(call: Call, query: Page) -> list[ConferenceAnswer]:
    """All conferences; an agency's account sees those that it hosts or takes part in."""
    found = [one for one in call.services.live.conferences() if not str(one["id"]).startswith(TEST_ROOM)]
    seen = await readable(call.services, call.user, [str(one["id"]) for one in found])
    found = [one for one in found if one["id"] in seen]
    call.headers["X-Total-Count"] = str(len(found))
    return [ConferenceAnswer.model_validate(one) for one in found[query.offset : query.offset + query.limit]]


@routes.post("/conferences", right=Right.OPERATE, status=201)
async def create_conference(call: Call, body: NewConference) -> ConferenceAnswer:
    """Make a conference."""
    check_booked(call.services.settings, call.user)
    live, actor = call.services.live, call.user.username
    # With an Idempotency-Key the id follows from it, so that a repetition after a crash finds what the first one made.
    made_id = None
    if call.command_id is not None:
        made_id = f"c-{hashlib.sha256(call.command_id.encode()).hexdigest()[:10]}"
    first = () if body.main_site is None else (AddSite(body.main_site, "main"),)
    made = await live.create_conference(
        body.title, actor=actor, conference_id=made_id, command_id=part_of(call, "create"), first=first
    )
    conference_id = str(made["id"])
    call.headers["Location"] = f"{call.request.path}/{conference_id}"
    return summary(call, conference_id)


@routes.get("/conferences/{conference}", right=Right.READ)
async def get_conference(call: Call, conference: ConferenceId) -> ConferenceAnswer:
    """One conference in short."""
    return summary(call, conference)


@routes.patch("/conferences/{conference}", right=Right.OPERATE)
async def change_conference(call: Call, conference: ConferenceId, body: ConferenceChange) -> ConferenceAnswer:
    """Rename a conference, open it to its sites or close it, set its options."""
    if body.title is not None:
        await command(call, conference, SetTitle(body.title), part="title")
    if body.open is not None:
        await command(call, conference, SetOpen(body.open), part="open")
    options = SetOptions(body.auto_mute_noisy, body.pass_through, loudest=body.loudest)
    if options != SetOptions():
        await command(call, conference, options, part="options")
    return summary(call, conference)


@routes.delete("/conferences/{conference}", right=Right.OPERATE)
async def delete_conference(call: Call, conference: ConferenceId) -> None:
    """Remove a conference: its sites are disconnected, its links stop working. Its journal stays."""
    await call.services.live.delete_conference(conference, actor=call.user.username)


@routes.get("/conferences/{conference}/state", right=Right.READ)
async def get_state(call: Call, conference: ConferenceId) -> ConferenceState:
    """Everything the console shows."""
    return ConferenceState.model_validate(call.services.live.state(conference))


@routes.get("/conferences/{conference}/renditions", right=Right.READ)
async def list_renditions(call: Call, conference: ConferenceId) -> list[RenditionAnswer]:
    """The encodings that run now and how many watch each."""
    return [RenditionAnswer.model_validate(one) for one in call.services.live.renditions(conference)]


# ------------------------------------------------------------------------------------- shared with the other files


async def command(call: Call, conference: str, what: Command, *, part: str = "") -> ConferenceState:
    """Carry out one command in the name of the caller; a repetition gets the answer of the first time."""
    answer = await call.services.live.command(
        conference, what, actor=call.user.username, command_id=part_of(call, part)
    )
    return ConferenceState.model_validate(answer)


def part_of(call: Call, part: str) -> str | None:
    """The id of one of several commands that a request is made of."""
    if call.command_id is None or not part:
        return call.command_id
    key, _, fingerprint = call.command_id.rpartition("#")
    return f"{key}/{part}#{fingerprint}"


def summary(call: Call, conference: str) -> ConferenceAnswer:
    """Raises OperatorError `unknown_conference`."""
    for one in call.services.live.conferences():
        if one["id"] == conference:
            return ConferenceAnswer.model_validate(one)
    raise OperatorError(
        "unknown_conference",
        f"Không có phiên họp {conference}. Có thể phiên họp đã bị xóa.",
        f"There is no conference {conference}. It may have been removed.",
    )
