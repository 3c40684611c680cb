"""The steps of a booking: the appendix's eight, in order, and the three ways it can end early (S65).  Pure.

    draft -> registered -> allocated -> announced -> prepared -> checked -> connected -> serving -> closed

A plain table: there is nothing a state machine library would add to it.  A class C meeting reaches one site through
somebody else's MCU, and the appendix does not cover it (article 9.3, G9): it may go from announced to connected.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Literal

from control_api.problems import Refused

Class = Literal["A", "B", "C"]


class Step(StrEnum):
    """A state, named after the step that was done last."""

    DRAFT = "draft"
    REGISTERED = "registered"  # 1: the host has registered; the Sở's clocks run
    ALLOCATED = "allocated"  # 2: the room exists and its capacity is held
    ANNOUNCED = "announced"  # 3: the sites have been told both times
    PREPARED = "prepared"  # 4
    CHECKED = "checked"  # 5: every site connected and checked
    CONNECTED = "connected"  # 6: all sites are in, an hour before
    SERVING = "serving"  # 7: the official time
    CLOSED = "closed"  # 8: summed up, evaluated, switched off
    REFUSED = "refused"
    CANCELLED = "cancelled"
    DISPLACED = "displaced"  # by an urgent meeting


ORDER = (
    Step.DRAFT,
    Step.REGISTERED,
    Step.ALLOCATED,
    Step.ANNOUNCED,
    Step.PREPARED,
    Step.CHECKED,
    Step.CONNECTED,
    Step.SERVING,
    Step.CLOSED,
)
HOLDING = ORDER[2:8]  # hold capacity, and have a live conference
BEFORE = ORDER[:7]  # may still be changed, cancelled
_PREPARING = ORDER[3:6]

NAMES: dict[Step, tuple[str, str]] = {
    Step.DRAFT: ("bản nháp", "draft"),
    Step.REGISTERED: ("đã đăng ký", "registered"),
    Step.ALLOCATED: ("đã cấp phòng", "allocated"),
    Step.ANNOUNCED: ("đã thông báo", "announced"),
    Step.PREPARED: ("đã chuẩn bị", "prepared"),
    Step.CHECKED: ("đã kiểm tra", "checked"),
    Step.CONNECTED: ("đã kết nối", "connected"),
    Step.SERVING: ("đang họp", "serving"),
    Step.CLOSED: ("đã kết thúc", "closed"),
    Step.REFUSED: ("bị từ chối", "refused"),
    Step.CANCELLED: ("đã hủy", "cancelled"),
    Step.DISPLACED: ("phải nhường chỗ", "displaced"),
}

_FORWARD = {earlier: {later} for earlier, later in pairwise(ORDER)}
TRANSITIONS: dict[Step, frozenset[Step]] = {
    step: frozenset(
        _FORWARD.get(step, set())
        | ({Step.CANCELLED} if step in BEFORE or step in (Step.REFUSED, Step.DISPLACED) else set())
        | ({Step.REFUSED} if step is Step.REGISTERED else set())
        | ({Step.DISPLACED} if step in ORDER[2:7] else set())
        | ({Step.ALLOCATED} if step in _PREPARING else set())  # time or sites changed: announce and check again
        | ({Step.REGISTERED} if step in (Step.REFUSED, Step.DISPLACED) else set())  # registered again, changed
    )
    for step in Step
}


def may_follow(state: Step, step: Step, class_: Class) -> bool:
    return step in TRANSITIONS[state] or (class_ == "C" and (state, step) == (Step.ANNOUNCED, Step.CONNECTED))


def check_follows(state: Step, step: Step, class_: Class) -> None:
    """Raises Refused `wrong_step`, which says what may follow."""
    if may_follow(state, step, class_):
        return
    allowed = [one for one in Step if may_follow(state, one, class_)]
    vi = ", ".join(NAMES[one][0] for one in allowed) or "không còn bước nào"
    en = ", ".join(NAMES[one][1] for one in allowed) or "nothing any more"
    raise Refused(
        "wrong_step",
        f"Phiên họp đang ở bước “{NAMES[state][0]}” nên không thể chuyển sang “{NAMES[step][0]}”. "
        f"Có thể chuyển sang: {vi}.",
        f"The meeting is {NAMES[state][1]}, so it cannot become {NAMES[step][1]}. What may follow: {en}.",
        detail={"state": state.value, "may_follow": [one.value for one in allowed]},
    )
