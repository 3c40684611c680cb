"""Who reads which journal, and what there is to read.

The Sở and auditors read all; an account of an agency reads the journals of the meetings it hosts or takes part in.  A
conference that nobody booked is everybody's who may read conferences.
"""

from __future__ import annotations

from collections.abc import Mapping

from control_api.accounts.rules import Right
from control_api.accounts.scope import in_scope, not_yours
from control_api.api import Call
from control_api.journal.verify import Head
from control_api.live.room import unknown_conference
from control_api.services import Services
from mcu_core.errors import OperatorError


async def check_known(services: Services, conference: str) -> Head:
    """Its journal's head.  Raises OperatorError `unknown_conference` when nothing was ever journalled under that id."""
    head = await services.journals.head(conference)
    if head is None:
        raise unknown_conference(conference)
    return head


async def check_reader(call: Call, conference: str) -> None:
    """Raises Refused `not_yours`, OperatorError `unknown_conference`."""
    await check_known(call.services, conference)
    if Right.AUDIT in call.user.role.rights:
        return
    taking_part = await _organisations(call.services, conference)
    if taking_part and not any(in_scope(call.user, organisation) for organisation in taking_part):
        raise not_yours()


async def _organisations(services: Services, conference: str) -> set[str]:
    """Of the host and of the sites of a booked conference; none: nobody booked it."""
    booking = await services.bookings.of_conference(conference)
    if booking is None:
        return set()
    sites = (site.organisation_id for site in booking.sites)
    return {booking.organisation_id, *(organisation for organisation in sites if organisation is not None)}


async def site_names(services: Services, conference: str) -> Mapping[str, str]:
    """Names of the sites by their ids: as they are now, else as the journal tells."""
    try:
        state = services.live.state(conference)
    except OperatorError:
        return await services.journals.names(conference)
    return {str(site["id"]): str(site["name"]) for site in state["sites"]}


async def title_of(services: Services, conference: str) -> str | None:
    """What the conference is called now, else in its booking, else in its journal; None: nowhere."""
    try:
        return str(services.live.state(conference)["title"])
    except OperatorError:
        booking = await services.bookings.of_conference(conference)
        return await services.journals.title(conference) if booking is None else booking.title


async def check_site(call: Call, site: str, names: Mapping[str, str]) -> None:
    """Raises OperatorError `unknown_site` unless the site takes part."""
    if site not in names:
        raise OperatorError(
            "unknown_site",
            f"Phiên họp này không có điểm cầu “{site}”.",
            f"This conference has no site “{site}”.",
        )
