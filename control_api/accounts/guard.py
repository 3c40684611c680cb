"""Looked at before every request of somebody signed in: whether the account is finished, whose meeting it is about.

The rules are `authority.py` and `scope.py`; here is what they need to know.  Every route with `{conference}` in its
path passes `check_meeting`, whatever its right, so that a new one cannot forget it; lists of meetings ask `readable`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from aiohttp import web
from sqlalchemy import select

from control_api.accounts import refusals
from control_api.accounts.accounts import SignedIn
from control_api.accounts.authority import Meeting, may_operate, may_read, not_the_operator
from control_api.accounts.rules import Right
from control_api.accounts.scope import reads_all
from control_api.bookings.tables import BookingRow, BookingSite
from control_api.directory.tables import Site
from control_api.problems import Refused
from control_api.services import Services
from mcu_core.errors import OperatorError

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
    """Commands to a booked meeting are for those whom its class names (article 9); the rest for those who take part.

    Raises Refused `not_yours`.
    """
    conference = request.match_info.get("conference")
    if conference is None or who is None or right is None or not _ID.fullmatch(conference):
        return
    if right is Right.OPERATE:
        meeting = await meeting_of(services, conference)
        if meeting is not None and not may_operate(who, meeting):
            raise not_the_operator(meeting)
    elif conference not in await readable(services, who, (conference,)):
        raise not_invited()


async def readable(services: Services, who: SignedIn, conferences: Collection[str]) -> set[str]:
    """Which of these conferences the account reads: its organisation hosts them, or one of its sites takes part."""
    own = who.organisation
    if own is None or reads_all(who) or may_read(who, Meeting("A", None)):
        return set(conferences)
    ids = list(conferences)
    async with services.database.reading() as session:
        hosts = select(BookingRow.conference_id, BookingRow.organisation_id).where(BookingRow.conference_id.in_(ids))
        host_of = {row.conference_id: row.organisation_id for row in await session.execute(hosts)}
        invited = set(
            await session.scalars(
                select(BookingRow.conference_id)
                .join(BookingSite, BookingSite.booking_id == BookingRow.id)
                .where(BookingSite.organisation_id == own, BookingRow.conference_id.in_(ids))
            )
        )
        sites = set(await session.scalars(select(Site.id).where(Site.organisation_id == own)))
    found = set()
    for conference in ids:
        takes_part = conference in invited or bool(sites & _live_sites(services, conference))
        booked = conference in host_of
        participants = frozenset({own} if takes_part else ())
        meeting = Meeting("A" if booked else None, host_of.get(conference), participants=participants)
        if may_read(who, meeting):
            found.add(conference)
    return found


def _live_sites(services: Services, conference: str) -> set[str]:
    """Also those that were added by hand; none of a conference that is over."""
    try:
        return {str(site["id"]) for site in services.live.state(conference)["sites"]}
    except OperatorError:
        return set()


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
        "Cơ quan của bạn không tham dự phiên họp này nên không xem được. Hãy liên hệ cơ quan chủ trì.",
        "Your organisation does not take part in this conference, so you cannot see it. Ask its host.",
    )
