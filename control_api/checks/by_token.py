"""A site checks itself: no account, the join link is the key.  The token travels in the body, never in an address."""

from __future__ import annotations

from control_api.api import Call, Routes
from control_api.checks.answers import check_answer
from control_api.checks.checks import Subject
from control_api.checks.models import (
    ByToken,
    CheckAnswer,
    Purpose,
    RoomTurn,
    SentCheck,
    SiteCheckAnswer,
    local,
)
from control_api.checks.routes import sheet_of
from control_api.checks.stills import read_still
from control_api.checks.store import NewCheck, SiteChecks, check_id
from control_api.checks.tokens import Seat
from control_api.checks.verdict import judge

routes = Routes("site checks")


@routes.post("/checks/by-token", right=None, repeatable=False)
async def open_site_check(call: Call, body: ByToken) -> SiteCheckAnswer:
    """What a site's page shows before it begins: which meeting, by when, how the last check went."""
    seat, subject = await _seat(call, body)
    known = await call.services.checks.store.of_conference(seat.conference)
    newest = known.newest.get(seat.site)
    retest = known.open_retest(seat.site, "retest")
    starts = subject.starts_at
    return SiteCheckAnswer(
        conference_title=subject.title,
        site=seat.site,
        site_name=subject.site(seat.site).name,
        starts_at=None if starts is None else local(starts),
        latest=None if subject.due is None else local(subject.due.latest),
        newest=None if newest is None else check_answer(newest),
        retest=None if retest is None else retest.reason,
        speaker=known.open_retest(seat.site, "speaker") is not None,
    )


@routes.post("/checks/by-token/room", right=None, repeatable=False)
async def ask_test_room(call: Call, body: ByToken) -> RoomTurn:
    """Ask for the private test room, and keep it by asking again; the meeting itself is not touched (S85)."""
    seat, subject = await _seat(call, body)
    turn = await call.services.checks.rooms.ask((seat.conference, seat.site), subject.site(seat.site).name)
    if turn.room is None:
        return RoomTurn(state="waiting", place=turn.place)
    return RoomTurn(state="ready", place=0, token=turn.token, seconds_left=round(turn.seconds_left, 1))


@routes.post("/checks/by-token/leave", right=None, repeatable=False, status=204)
async def leave_test_room(call: Call, body: ByToken) -> None:
    """Give the test room, or the place in the queue, to the next site."""
    seat, _ = await _seat(call, body)
    await call.services.checks.rooms.leave((seat.conference, seat.site))


@routes.post("/checks/by-token/result", right=None, repeatable=False, status=201)
async def send_site_check(call: Call, body: SentCheck) -> CheckAnswer:
    """Hand in a finished check. The verdict is the server's; `attempt` makes a repetition harmless (S80, S81)."""
    checks = call.services.checks
    seat, subject = await _seat(call, body)
    still = None if body.still is None else read_still(body.still)
    sheet = sheet_of(body.sheet, "")
    key = (seat.conference, seat.site)
    measured = body.measured.model_copy(update={"mcu": checks.rooms.measured(key), "officer": None})
    known = await checks.store.of_conference(seat.conference)
    at = subject.site(seat.site)
    new = NewCheck(
        check_id(seat.conference, seat.site, body.attempt),
        seat.conference,
        seat.site,
        at.name,
        "browser",
        purpose_of(known, seat.site),
        sheet,
        measured,
        judge(measured, device_ready=sheet.device_ready, video=at.video),
        client=body.client,
        still=still,
    )
    made = await checks.store.add(new)
    await checks.rooms.leave(key)
    return check_answer(made)


async def _seat(call: Call, body: ByToken) -> tuple[Seat, Subject]:
    """Raises Refused `bad_join_token`, `too_many_attempts`; OperatorError `unknown_conference`, `unknown_site`."""
    seat = await call.services.checks.tokens.seat(body.token, call.address)
    subject = await call.services.checks.subject(seat.conference)
    subject.site(seat.site)
    return seat, subject


def purpose_of(known: SiteChecks, site: str) -> Purpose:
    """A check answers what was asked of the site: the second one of a speaker, a retest, or simply the check."""
    if known.open_retest(site, "speaker") is not None:
        return "speaker"
    return "retest" if known.open_retest(site, "retest") is not None else "technical"
