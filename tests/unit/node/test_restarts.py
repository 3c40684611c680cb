"""A worker that dies now and then is back at once; one that keeps dying is slowed down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu_core.node.restarts import RestartPolicy


def test_three_restarts_are_immediate_and_the_fourth_waits() -> None:
    policy = RestartPolicy()
    assert [policy.died(now) for now in (0.0, 1.0, 2.0, 3.0)] == [0.0, 0.0, 0.0, 5.0]
    assert policy.restarts == 4


def test_after_a_quiet_minute_restarts_are_immediate_again() -> None:
    policy = RestartPolicy()
    for now in (0.0, 1.0, 2.0, 3.0):
        policy.died(now)
    assert policy.died(59.9) == 5.0
    assert policy.died(130.0) == 0.0


def test_one_death_in_twenty_seconds_is_never_slowed_down() -> None:
    policy = RestartPolicy()
    assert {policy.died(20.0 * n) for n in range(50)} == {0.0}


@given(st.lists(st.floats(0.0, 30.0), min_size=1, max_size=60))
def test_never_more_than_three_immediate_restarts_in_a_minute(gaps: list[float]) -> None:
    policy, now, immediate = RestartPolicy(), 0.0, []
    for gap in gaps:
        now += gap
        pause = policy.died(now)
        if pause == 0.0:
            immediate.append(now)
        now += pause
    for n, first in enumerate(immediate):
        assert sum(1 for later in immediate[n:] if later - first < 60.0) <= 3
