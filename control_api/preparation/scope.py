"""Who may prepare a meeting: its host, and the Sở.  Pure."""

from __future__ import annotations

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Right, Role
from control_api.accounts.scope import check_scope, sees_all
from control_api.preparation.meetings import Meeting
from control_api.problems import forbidden


def check_prepares(user: SignedIn, meeting: Meeting) -> None:
    """A conference that nobody booked is for tests and training.  Raises Refused `not_yours`."""
    if meeting.booking_id is not None or user.organisation is not None:
        check_scope(user, meeting.organisation)


def check_prepares_site(user: SignedIn, meeting: Meeting, site_id: str) -> None:
    """A site is its own organisation's, its host's and the Sở's.  Raises Refused `not_yours`, `unknown_site`."""
    site = meeting.site(site_id)
    if user.organisation is None or site.organisation is None or user.organisation != site.organisation:
        check_prepares(user, meeting)


def check_reads(user: SignedIn, meeting: Meeting) -> None:
    """Names and telephone numbers are for those who take part, the carrier and the Sở.  Raises Refused `not_yours`."""
    if user.organisation is None or user.role is Role.CARRIER or sees_all(user) or meeting.booking_id is None:
        return
    if user.organisation not in {site.organisation for site in meeting.sites}:
        check_scope(user, meeting.organisation)


def check_sees_lines(user: SignedIn) -> None:
    """The duty roster and the lines are for all who read meetings, and for the carrier.  Raises Refused `forbidden`."""
    if not user.role.rights & {Right.READ, Right.LINES}:
        raise forbidden(Right.LINES.value)
