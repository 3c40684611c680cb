"""Who is on duty (S45, S72): four parties with shifts, and the time nobody covers.  Pure; times are Unix seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Right, Role
from control_api.accounts.scope import in_scope
from control_api.bookings.rules import HOUR
from control_api.preparation.meetings import Meeting

Party = Literal["so", "main", "member", "carrier"]

PARTIES: tuple[Party, ...] = ("so", "main", "member", "carrier")
COVERED: tuple[Party, ...] = ("so", "main", "carrier")  # from the rehearsal to the end; members name an operator each
NAMES: dict[Party, tuple[str, str]] = {
    "so": ("Sở (vận hành MCU)", "the Sở (MCU)"),
    "main": ("điểm cầu chính", "the main site"),
    "member": ("điểm cầu thành phần", "the member sites"),
    "carrier": ("đơn vị viễn thông", "the carrier"),
}
LONGEST_SHIFT = 24 * HOUR
_SAME_DAY = 8 * HOUR  # a rehearsal nearer than that is one shift with the meeting


@dataclass(frozen=True, slots=True)
class Shift:
    id: str
    party: Party
    site: str | None  # of a member
    operator: str | None  # of the directory's certified operators
    name: str
    position: str
    phone: str
    starts_at: float
    ends_at: float
    remark: str = ""
    changed_by: str = ""
    changed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody of this party is on duty from `starts_at` to `ends_at`."""

    party: Party
    starts_at: float
    ends_at: float


def span(meeting: Meeting) -> tuple[float, float] | None:
    """The time to cover: from the rehearsal, at the latest one hour before, to the end."""
    if meeting.starts_at is None or meeting.ends_at is None:
        return None
    begins = meeting.starts_at - meeting.rules.ready_hours * HOUR
    return (begins if meeting.trial_at is None else min(begins, meeting.trial_at)), meeting.ends_at


def gaps(shifts: Iterable[Shift], party: Party, begins: float, ends: float) -> list[Gap]:
    """Parts of the time from `begins` to `ends` that no shift of the party covers."""
    found, covered = [], begins
    for starts, stops in sorted((one.starts_at, one.ends_at) for one in shifts if one.party == party):
        if starts >= ends:
            break
        if starts > covered:
            found.append(Gap(party, covered, starts))
        covered = max(covered, stops)
    return [*found, Gap(party, covered, ends)] if covered < ends else found


def all_gaps(shifts: Iterable[Shift], meeting: Meeting) -> list[Gap]:
    """Of the parties that must be there all the time.  A rehearsal on an earlier day is a shift of its own.

    Between a rehearsal and the last hour before the meeting nobody needs to be on duty.
    """
    covered = span(meeting)
    if covered is None or meeting.starts_at is None:
        return []
    known, (begins, ends) = list(shifts), covered
    parts = [(begins, ends)]
    ready = meeting.starts_at - meeting.rules.ready_hours * HOUR
    if ready - begins > _SAME_DAY:
        parts = [(begins, begins + HOUR), (ready, ends)]
    return [gap for party in COVERED for since, until in parts for gap in gaps(known, party, since, until)]


def may_assign(user: SignedIn, party: Party, meeting: Meeting, site: str | None) -> bool:
    """The Sở assigns everybody; the others their own people."""
    rights = user.role.rights
    if Right.DECIDE in rights:
        return True
    unbooked = meeting.booking_id is None and user.organisation is None
    match party:
        case "so":
            return False
        case "carrier":
            return user.role is Role.CARRIER
        case "main":
            ours = unbooked or in_scope(user, meeting.organisation)
            return bool(rights & {Right.BOOK, Right.OPERATE}) and ours
        case "member":
            organisation = None if site is None else meeting.site(site).organisation
            ours = unbooked or in_scope(user, organisation) or in_scope(user, meeting.organisation)
            return bool(rights & {Right.BOOK, Right.CHECK}) and ours
    raise AssertionError(party)
