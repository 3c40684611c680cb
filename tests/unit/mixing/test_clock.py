"""The mixer follows its clock: what was missed is skipped, and timestamps tell the time of the tick."""

from __future__ import annotations

import itertools
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu_core.mixing.clock import Tick, rtp_time, ticks
from mcu_core.mixing.meter import Meter
from tests.unit.mixing.fakes import FakeClock


async def take(clock: FakeClock, work: list[float], period: float, catch_up: int = 0) -> list[Tick]:
    """The ticks seen by a consumer whose jobs take as long as `work` says."""
    seen = []
    async with aclosing(ticks(clock, period, catch_up=catch_up)) as source:
        for seconds in work:
            seen.append(await anext(source))
            clock.advance(seconds)
    return seen


async def test_a_tick_that_was_missed_never_happens() -> None:
    seen = await take(FakeClock(1000.0), [0.01, 0.11, 0.01, 0.01], 0.04)
    numbers = [tick.number - seen[0].number for tick in seen]
    assert numbers == [0, 1, 3, 4]  # 0.04 + 0.11 = 0.15: tick 2 is over, tick 3 begins 30 ms late
    assert [tick.skipped for tick in seen] == [0, 0, 1, 0]
    assert seen[2].late == pytest.approx(0.03)
    assert seen[3].late == pytest.approx(0.0, abs=1e-6)


async def test_sound_catches_up_over_a_short_stall_and_lets_a_long_one_go() -> None:
    seen = await take(FakeClock(1000.0), [0.07, 0.0, 0.0, 0.0, 1.0, 0.0], 0.02, catch_up=5)
    steps = [b.number - a.number for a, b in itertools.pairwise(seen)]
    assert steps[:4] == [1, 1, 1, 1]
    assert steps[4] == 45  # 1 s is 50 ticks; the 5 before the newest are made up for
    assert seen[5].skipped == 44


@given(st.floats(0.0, 1e7), st.sampled_from([5.0, 15.0, 25.0, 29.97, 30.0, 50.0, 60.0]), st.data())
async def test_ticks_never_go_back_and_lie_on_the_grid(start: float, rate: float, data: st.DataObject) -> None:
    work = data.draw(st.lists(st.floats(0.0, 0.5), min_size=1, max_size=12))
    seen = await take(FakeClock(start), work, 1 / rate)
    assert seen[0].due >= start - 1e-5
    for a, b in itertools.pairwise(seen):
        assert b.number > a.number
        assert b.due - a.due == pytest.approx((b.number - a.number) / rate, abs=1e-6)
        assert b.late < 1 / rate + 1e-5  # never works on a tick while a newer one is due


def test_timestamps_wrap_at_32_bits() -> None:
    assert rtp_time(0.0, 90_000) == 0
    just_before = (2**32 - 3000) / 90_000
    assert rtp_time(just_before, 90_000) == 2**32 - 3000
    assert rtp_time(just_before + 1 / 30, 90_000) == 0


def test_a_meter_is_bounded_and_names_its_quantiles() -> None:
    meter = Meter()
    assert (meter.median_ms(), meter.p99_ms(), meter.max_ms()) == (0.0, 0.0, 0.0)
    for n in range(1, 101):
        meter.add(n / 1000)
    assert (meter.median_ms(), meter.p99_ms(), meter.max_ms()) == (51.0, 100.0, 100.0)
    for _ in range(10_000):
        meter.add(1.0)
    assert meter.count == 512
    meter.clear()
    assert meter.count == 0
