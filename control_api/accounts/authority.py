"""Who may command and who may watch a conference, by the class of its booking (articles 6.2b and 9).

Class A is operated by the Sở alone (S37, article 9.1c).  Class B by the host's own operators (S40, 9.2c); the Sở
may step in.  Class C by the Sở, unless the host has hired a service provider, with whom its own technician works (S41,
S42, 9.3).  A conference without a booking is the Sở's to test and train with: the right alone counts.  Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Right, Role
from control_api.accounts.scope import of_so, reads_all
from control_api.problems import Refused

Class = Literal["A", "B", "C"]


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a booking says about who is responsible."""

    class_: Class | None  # none: nobody booked it
    host: str | None  # organisation
    service_hired: bool = False  # of class C: a provider runs it with the host's technician
    participants: Collection[str] = field(default=frozenset())  # organisations of its sites


def may_operate(user: SignedIn, meeting: Meeting | None) -> bool:
    if Right.OPERATE not in user.role.rights:
        return False
    if meeting is None or meeting.class_ is None or of_so(user):
        return True
    if user.organisation != meeting.host:
        return False
    return meeting.class_ == "B" or (meeting.class_ == "C" and meeting.service_hired)


def may_read(user: SignedIn, meeting: Meeting | None) -> bool:
    """What was said of a meeting is for those who take part, and for the Sở (S25).

    Lines and duties of every meeting are the carrier's work; its role has no right to anything else (S62).  A meeting
    that nobody booked is also read by who may operate it.
    """
    if reads_all(user) or user.role is Role.CARRIER:
        return True
    if (meeting is None or meeting.class_ is None) and Right.OPERATE in user.role.rights:
        return True
    return meeting is not None and (user.organisation == meeting.host or user.organisation in meeting.participants)


def may_watch(user: SignedIn, meeting: Meeting | None) -> bool:
    """Sound and picture go to those who take part, and to the Sở (S25); never to the carrier (S62, article 14)."""
    return Right.WATCH in user.role.rights and may_read(user, meeting)


def not_the_operator(meeting: Meeting) -> Refused:
    """Refused `not_yours`, saying who operates instead."""
    vi = {
        "A": "Hội nghị loại A do Sở trực tiếp vận hành điểm cầu chính (Điều 9 khoản 1).",
        "B": "Hội nghị loại B do cán bộ vận hành của cơ quan chủ trì vận hành (Điều 9 khoản 2).",
        "C": "Hội nghị loại C do Sở hoặc cơ quan chủ trì đã thuê dịch vụ vận hành (Điều 9 khoản 3).",
    }[meeting.class_ or "A"]
    en = {
        "A": "A class A meeting is operated by the Sở itself (article 9.1).",
        "B": "A class B meeting is operated by the host organisation's operator (article 9.2).",
        "C": "A class C meeting is operated by the Sở, or by the host where it hired a service (article 9.3).",
    }[meeting.class_ or "A"]
    return Refused("not_yours", f"{vi} Hãy liên hệ đơn vị đó.", f"{en} Ask them.")
