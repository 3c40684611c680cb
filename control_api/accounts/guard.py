"""Looked at before every request of somebody signed in: whether the account is finished, whose meeting it is about.

The rules are `authority.py`; here is what they need to know.
"""

from __future__ import annotations

import re

from aiohttp import web

from control_api.accounts import refusals
from control_api.accounts.accounts import SignedIn
from control_api.accounts.authority import Meeting, may_operate, may_watch, not_the_operator
from control_api.accounts.rules import Right
from control_api.problems import Refused
from control_api.services import Services

ASKED_AS = web.RequestKey("asked_as", str)  # of a sign-in: the user name given, for the security log

_ID = re.compile(r"[!-~]{1,80}")  # anything else is no conference, and is refused later

_OWN = "/api/v1/me/"
_SESSION = "/api/v1/session"
_WHILE_PENDING = {
    "password": (_SESSION, f"{_OWN}password"),
    "second_factor": (_SESSION, f"{_OWN}second-factor"),
}


def check_finished(who: SignedIn, path: str) -> None:
    """Raises Refused `password_change_needed` or `second_factor_needed` where that must come first."""
    if who.pending is not None and path not in _WHILE_PENDING[who.pending]:
        first = who.pending == "password"
        raise refusals.password_change_needed() if first else refusals.second_factor_needed()


async def check_meeting(request: web.Request, services: Services, who: SignedIn | None, right: Right | None) -> None:
    """Commands to, and pictures of, a booked meeting are for those whom its class names (article 9).

    Raises Refused `not_yours`.
    """
    conference = request.match_info.get("conference")
    if conference is None or who is None or right not in (Right.OPERATE, Right.WATCH) or not _ID.fullmatch(conference):
        return
    meeting = await meeting_of(services, conference)
    if meeting is None:
        return
    if right is Right.OPERATE and not may_operate(who, meeting):
        raise not_the_operator(meeting)
    if right is Right.WATCH and not may_watch(who, meeting):
        raise not_invited()


async def meeting_of(services: Services, conference: str) -> Meeting | None:
    """What is booked for a conference; None: nothing, it is for tests and training."""
    booking = await services.bookings.of_conference(conference)
    if booking is None:
        return None
    return Meeting(
        booking.class_,
        booking.organisation_id,
        service_hired=(booking.form.get("uplink") or {}).get("operated_by") == "provider",
        participants=frozenset(site.organisation_id for site in booking.sites if site.organisation_id is not None),
    )


def not_invited() -> Refused:
    return Refused(
        "not_yours",
        "Cơ quan của bạn không tham dự phiên họp này nên không xem được.",
        "Your organisation does not take part in this conference, so you cannot watch it.",
    )
