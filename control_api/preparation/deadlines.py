"""By when what must be ready (S77, S82, S87), and what is to be told at which time.  Pure; times are Unix seconds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from control_api.bookings.rules import HOUR, RuleSet
from control_api.bookings.steps import ORDER, Step
from control_api.checks.progress import deadline
from control_api.preparation.meetings import Meeting

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
REMIND_BEFORE = 2 * HOUR
DUTY_BEFORE = 12 * HOUR  # the officer on duty is named so long before the preparation is due
BATTERIES_BEFORE = 900.0
STALE = 900.0  # a reminder that could not be given in time is not given any more, only written down

Due = Literal[
    "duty_missing", "prepare_soon", "prepare_late", "check_soon", "check_late", "board", "batteries", "close_out"
]


@dataclass(frozen=True, slots=True)
class Deadlines:
    prepare_by: float  # before the rehearsal begins (S77); without one, before the checks should be done
    check_wished: float  # one half-day before the meeting (S82)
    check_by: float  # at the latest one hour before
    connect_by: float  # all sites connected (S87)


def deadlines(starts_at: float, trial_at: float | None, rules: RuleSet) -> Deadlines:
    checks, connected = deadline(starts_at, rules), starts_at - rules.ready_hours * HOUR
    return Deadlines(checks.wished if trial_at is None else trial_at, checks.wished, checks.latest, connected)


def reached(state: str | None, step: Step) -> bool:
    """Whether a booking has come to `step` or further."""
    return state in [one.value for one in ORDER[ORDER.index(step) :]]


def under_way(state: str | None) -> bool:
    """Between the allocation and the end: clocks run."""
    return reached(state, Step.ALLOCATED) and state != Step.CLOSED.value


def due(meeting: Meeting, now: float, told: Collection[tuple[str, float]]) -> list[tuple[Due, float]]:
    """What is to be told now and since when, oldest first, without what was told already."""
    if meeting.starts_at is None or meeting.ends_at is None or not under_way(meeting.state):
        return []
    times = deadlines(meeting.starts_at, meeting.trial_at, meeting.rules)
    prepared, checked = reached(meeting.state, Step.PREPARED), reached(meeting.state, Step.CHECKED)
    serving = reached(meeting.state, Step.SERVING)
    clock: list[tuple[Due, float, bool]] = [
        ("duty_missing", times.prepare_by - DUTY_BEFORE, not prepared),
        ("prepare_soon", times.prepare_by - REMIND_BEFORE, not prepared and now < times.prepare_by),
        ("prepare_late", times.prepare_by, not prepared),
        ("check_soon", times.check_by - REMIND_BEFORE, not checked and now < times.check_by),
        ("check_late", times.check_by, not checked),
        ("board", times.connect_by, not serving and now < meeting.ends_at),
        ("batteries", meeting.starts_at - BATTERIES_BEFORE, now < meeting.ends_at),
        ("close_out", meeting.ends_at, True),
    ]
    found = [(what, at) for what, at, wanted in clock if at <= now and wanted and (what, at) not in told]
    return sorted(found, key=lambda one: one[1])


def local(at: float) -> datetime:
    """Unix seconds as a time of Vietnam."""
    return datetime.fromtimestamp(at, ZONE)
