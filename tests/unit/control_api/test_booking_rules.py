"""Clocks, steps, series and the arithmetic of admission."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from control_api.bookings.admission import Hold, peak, windows
from control_api.bookings.alternatives import Asked, propose
from control_api.bookings.capacity_check import Verdict, lesser
from control_api.bookings.clocks import EXPIRED, NOT_CLOSED, WARNED, due
from control_api.bookings.meeting_types import MEETING_TYPES
from control_api.bookings.models import Repeat
from control_api.bookings.rules import (
    DEFAULT_RULES,
    HOUR,
    ZONE,
    answer_by,
    check_notice,
    check_times,
    local,
    rules_at,
    rules_named,
    warn_at,
)
from control_api.bookings.series import dates
from control_api.bookings.steps import ORDER, TRANSITIONS, Step, check_follows, may_follow
from control_api.bookings.tables import BookingRow
from control_api.problems import Refused
from mcu_core.capacity import FULL, Capacity, Demand, MeetingSize, demand_of, total

RULES = DEFAULT_RULES[0]
NOON = datetime(2026, 11, 23, 12, tzinfo=ZONE).timestamp()
TIMES = st.floats(NOON - 400 * 86400, NOON + 400 * 86400)
MACHINE = Capacity(1.6e9, 350e6, 2e9, 250e3)


# ---------------------------------------------------------------------------------------------------------- clocks


def test_s29_ordinary_meeting_needs_24_hours() -> None:
    check_notice(RULES, NOON + 24 * HOUR, NOON)
    with pytest.raises(Refused) as refused:
        check_notice(RULES, NOON + 24 * HOUR - 1, NOON)
    assert refused.value.code == "too_late"
    assert "11 giờ 59 ngày 23/11/2026" in refused.value.vi  # when the latest was
    assert refused.value.detail["urgent"]["phone"] == "0204.3555.992"  # and the way for urgent ones (S31)


@given(TIMES, st.floats(0, 60 * HOUR))
def test_s29_boundary_is_exactly_24_hours(now: float, ahead: float) -> None:
    try:
        check_notice(RULES, now + ahead, now)
    except Refused:
        assert ahead <= 24 * HOUR
    else:
        assert ahead >= 24 * HOUR - 1e-3


@given(TIMES)
def test_s33_s69_answer_is_due_within_6_hours_and_the_same_day(received_at: float) -> None:
    """G2: two clocks, the earlier wins."""
    deadline = answer_by(RULES, received_at)
    assert received_at < deadline <= received_at + 6 * HOUR
    end_of_day = datetime.combine(local(received_at).date() + timedelta(days=1), datetime.min.time(), ZONE).timestamp()
    assert deadline == min(received_at + 6 * HOUR, end_of_day)
    assert received_at < warn_at(received_at, deadline) < deadline


def test_s33_in_the_morning_six_hours_win_in_the_evening_midnight() -> None:
    morning, evening = (datetime(2026, 11, 23, hour, tzinfo=ZONE).timestamp() for hour in (9, 22))
    assert local(answer_by(RULES, morning)) == datetime(2026, 11, 23, 15, tzinfo=ZONE)
    assert local(answer_by(RULES, evening)) == datetime(2026, 11, 24, 0, tzinfo=ZONE)


def _row(**values: object) -> BookingRow:
    defaults = {
        "state": "registered",
        "received_at": NOON,
        "answer_by": NOON + 6 * HOUR,
        "starts_at": NOON + 48 * HOUR,
        "ends_at": NOON + 50 * HOUR,
        "trial_at": None,
    }
    return BookingRow(**{**defaults, **values})


def test_s33_reminders_come_before_and_at_the_deadline() -> None:
    row = _row()
    assert due(row, NOON + 4.9 * HOUR) == []
    assert [one.kind for one in due(row, NOON + 5 * HOUR)] == [WARNED]
    assert [one.kind for one in due(row, NOON + 6 * HOUR)] == [WARNED, EXPIRED]
    assert due(_row(state="refused"), NOON + 7 * HOUR) == []


def test_s43_a_meeting_that_nobody_sums_up_is_called_to_mind() -> None:
    serving = _row(state="serving")
    assert due(serving, NOON + 73 * HOUR) == []
    assert [one.kind for one in due(serving, NOON + 74 * HOUR)] == [NOT_CLOSED]


def test_s01_a_meeting_keeps_the_rules_it_was_registered_under() -> None:
    later = replace(RULES, version="bn-2027", in_force=date(2027, 1, 1), notice_hours=48)
    versions = (RULES, later)
    assert rules_at(datetime(2026, 12, 31, 23, tzinfo=ZONE).timestamp(), versions) is RULES
    assert rules_at(datetime(2027, 1, 1, tzinfo=ZONE).timestamp(), versions) is later
    assert rules_named("bn-2025", versions).notice_hours == 24


def test_s01_the_rules_in_force_are_of_15_november_2025() -> None:
    assert RULES.in_force == date(2025, 11, 15)
    assert "14/2019" in RULES.source


def test_s13_meeting_types_are_a_catalogue_of_their_own() -> None:
    assert len({one.id for one in MEETING_TYPES}) == len(MEETING_TYPES) >= 8


def test_s82_trial_ends_an_hour_before() -> None:
    start = NOON + 48 * HOUR
    check_times(RULES, start, start + HOUR, start - 3 * HOUR, start - HOUR, NOON)
    wrongs: tuple[tuple[float, float, float | None, float | None], ...] = (
        (start, start, None, None),
        (start, start + 25 * HOUR, None, None),
        (start, start + HOUR, start - 3 * HOUR, start - 0.9 * HOUR),
        (start, start + HOUR, start - 3 * HOUR, start - 3 * HOUR),
        (NOON - 9 * HOUR, NOON - 8 * HOUR, None, None),
    )
    for wrong in wrongs:
        with pytest.raises(Refused, match="bad_times"):
            check_times(RULES, *wrong, NOON)


# ----------------------------------------------------------------------------------------------------------- steps


def test_s65_eight_steps_one_after_the_other() -> None:
    assert len(ORDER) == 1 + 8
    for earlier, later in pairwise(ORDER):
        assert may_follow(earlier, later, "B")
    for number, step in enumerate(ORDER):
        for far in ORDER[number + 2 :]:
            if (step, far) != (Step.ANNOUNCED, Step.CONNECTED):
                with pytest.raises(Refused, match="wrong_step"):
                    check_follows(step, far, "A")


def test_s65_what_is_over_stays_over() -> None:
    assert TRANSITIONS[Step.CLOSED] == TRANSITIONS[Step.CANCELLED] == frozenset()
    assert Step.CANCELLED not in TRANSITIONS[Step.SERVING]
    assert Step.DISPLACED not in TRANSITIONS[Step.SERVING]


def test_s41_class_c_has_the_short_way() -> None:
    assert may_follow(Step.ANNOUNCED, Step.CONNECTED, "C")
    assert not may_follow(Step.ANNOUNCED, Step.CONNECTED, "A")


# ---------------------------------------------------------------------------------------------------------- series


@given(
    st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    st.builds(
        Repeat,
        every=st.sampled_from(["day", "week", "month"]),
        interval=st.integers(1, 12),
        count=st.integers(2, 52),
        weekdays_only=st.booleans(),
    ),
)
@example(date(2026, 1, 3), Repeat(every="day", interval=7, count=2, weekdays_only=True))  # a Saturday
def test_series_has_as_many_days_as_asked_in_order(first: date, repeat: Repeat) -> None:
    found = dates(first, repeat)
    assert len(found) == repeat.count
    assert found == sorted(set(found))
    if repeat.weekdays_only:
        assert all(day.weekday() < 5 for day in found)
    elif repeat.every == "month":
        assert {(day.year * 12 + day.month) % repeat.interval for day in found} == {
            (first.year * 12 + first.month) % repeat.interval
        }


# ------------------------------------------------------------------------------------------------------- admission


@st.composite
def _holds(draw: st.DrawFn) -> list[Hold]:
    found = []
    for number in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, 40))
        length = draw(st.integers(1, 12))
        work = Demand(decode=draw(st.floats(0, 1)) * MACHINE.decode)
        found.append(Hold(f"b-{number}", "meeting", start * HOUR, (start + length) * HOUR, work))
    return found


def _share_at(holds: list[Hold], at: float) -> float:
    return MACHINE.share(total(hold.demand for hold in holds if hold.holds_at(at)))


@given(_holds(), _holds())
def test_s68_peak_is_the_fullest_of_all_instants(own: list[Hold], others: list[Hold]) -> None:
    found = peak(own, others, MACHINE)
    everything = [*own, *others]
    tried = [
        _share_at(everything, minute * 600.0)
        for minute in range(0, 60 * 6)
        if any(hold.holds_at(minute * 600.0) for hold in own)
    ]
    assert found.share == pytest.approx(max(tried, default=0.0))


@given(st.lists(_holds(), max_size=12))
def test_s68_admitted_meetings_never_need_more_than_four_fifths(asked: list[list[Hold]]) -> None:
    held: list[Hold] = []
    for one in asked:
        if one and peak(one, held, MACHINE).fits:
            held += one
    for minute in range(0, 60 * 6):
        assert _share_at(held, minute * 600.0) <= FULL + 1e-9


def test_s68_a_meeting_holds_from_an_hour_before_and_during_its_trial() -> None:
    found = windows(RULES, NOON, NOON + 3 * HOUR, NOON - 18 * HOUR, NOON - 16 * HOUR)
    assert found == [("meeting", NOON - HOUR, NOON + 3 * HOUR), ("trial", NOON - 18 * HOUR, NOON - 16 * HOUR)]


def _asked(start: float, sites: int = 60) -> Asked:
    return Asked("b-new", MeetingSize(sites), start, start + 2 * HOUR, start - 20 * HOUR, start - 18 * HOUR)


@given(_holds(), st.integers(20, 120))
def test_s33_every_alternative_can_be_taken_up(others: list[Hold], sites: int) -> None:
    base = datetime(2026, 11, 25, 8, tzinfo=ZONE).timestamp()
    moved = [
        Hold(hold.booking_id, "meeting", base + hold.starts_at, base + hold.ends_at, hold.demand) for hold in others
    ]
    asked = _asked(base + 4 * HOUR, sites)
    for one in propose(RULES, asked, moved, MACHINE, now=base - 48 * HOUR):
        size = asked.size if one.kind == "time" else asked.size.with_video(one.video_sites)
        taken = Asked("b-new", size, one.starts_at, one.ends_at, one.trial_at, one.trial_ends_at)
        assert peak(taken.holds(RULES), moved, MACHINE).fits
        assert one.share <= FULL
        if one.kind == "time":
            assert one.starts_at - (base - 48 * HOUR) >= 24 * HOUR
            assert one.ends_at - one.starts_at == 2 * HOUR


def test_s33_alternatives_are_another_time_fewer_pictures_and_sound() -> None:
    start = datetime(2026, 11, 25, 8, tzinfo=ZONE).timestamp()
    busy = [Hold("b-1", "meeting", start - HOUR, start + 2 * HOUR, demand_of(MeetingSize(10)))]
    small = Capacity(400e6, 200e6, 1e9, 120e3)
    assert not peak(_asked(start).holds(RULES), busy, small).fits
    kinds = [one.kind for one in propose(RULES, _asked(start, 20), busy, small, start - 48 * HOUR)]
    assert kinds.count("time") == 5
    assert kinds[-1] == "sound_only"


# ---------------------------------------------------------------------------------------------------- displacement


@given(_holds(), st.floats(0.3, 0.8))
def test_s32_no_more_give_way_than_needed(others: list[Hold], need: float) -> None:
    own = [Hold("b-urgent", "meeting", 10 * HOUR, 14 * HOUR, Demand(decode=need * MACHINE.decode))]
    asked = Asked("b-urgent", MeetingSize(2), 10 * HOUR, 14 * HOUR, None, None)
    verdict = Verdict(peak(own, others, MACHINE), own, others, asked, MACHINE)
    rows = [BookingRow(id=hold.booking_id) for hold in others]
    gone = lesser(verdict, rows)
    left = [hold for hold in others if hold.booking_id not in gone]
    if verdict.fits:
        assert gone == []
    else:
        assert peak(own, left, MACHINE).fits  # everybody else gone, an urgent one of at most 0.8 always fits
        for one in gone:
            back = [hold for hold in others if hold.booking_id not in gone or hold.booking_id == one]
            assert not peak(own, back, MACHINE).fits
