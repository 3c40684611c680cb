"""Whose things an account may touch or read: its own organisation's, or everybody's (S25, S27; articles 6.2b, 7.1).

Rights say what an account may do, scope says to whose rooms, sites and meetings.  The Sở's accounts reach everything;
an account of an agency reaches what belongs to that agency, and reads the meetings that it takes part in (`guard.py`).
An account without an organisation is the province's: nothing narrows what it reads, but it changes nobody's things
unless its role does.  Pure.
"""

from __future__ import annotations

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Role
from control_api.problems import Refused

_EVERYWHERE = frozenset({Role.ADMINISTRATOR, Role.OFFICER, Role.AUDITOR})


def of_so(user: SignedIn) -> bool:
    """Whether the account is the Sở's own staff who run the MCU: officer, administrator, operator of no agency."""
    return user.role in (Role.ADMINISTRATOR, Role.OFFICER) or (user.role is Role.OPERATOR and user.organisation is None)


def sees_all(user: SignedIn) -> bool:
    """Whether nothing narrows the account; lists need no filter then."""
    return user.role in _EVERYWHERE or of_so(user)


def in_scope(user: SignedIn, organisation: str | None) -> bool:
    """Whether the account reaches what belongs to `organisation`; None is the province's, not an agency's."""
    return sees_all(user) or (organisation is not None and user.organisation == organisation)


def reads_all(user: SignedIn) -> bool:
    """Whether nothing narrows what the account reads."""
    return user.organisation is None or sees_all(user)


def reads(user: SignedIn, organisation: str | None) -> bool:
    """Whether the account reads what belongs to `organisation`."""
    return reads_all(user) or in_scope(user, organisation)


def check_reads(user: SignedIn, organisation: str | None) -> None:
    """Raises Refused `not_yours` when `reads` says no."""
    if not reads(user, organisation):
        raise not_yours()


def check_scope(user: SignedIn, organisation: str | None) -> None:
    """Raises Refused `not_yours` when `in_scope` says no."""
    if not in_scope(user, organisation):
        raise not_yours()


def not_yours() -> Refused:
    return Refused(
        "not_yours",
        "Mục này thuộc cơ quan khác nên tài khoản của bạn không được thao tác. Hãy liên hệ cơ quan chủ trì hoặc Sở.",
        "This belongs to another organisation, so your account may not touch it. Ask the host organisation or the Sở.",
    )
