"""A loop that is blocked again and again, or for long, is told of once a minute."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace

import pytest

from control_api.live.lag import LagWatch
from control_api.metrics import Metrics
from mcu_core.node.loop import run_watched
from mcu_core.wire import MixerStats, RelayStats
from tests.unit.live.fakes import settle, world


def told(lags_ms: list[float], begin: float = 0.0, watch: LagWatch | None = None) -> list[float]:
    watch = watch or LagWatch()
    return [begin + n for n, lag in enumerate(lags_ms) if watch.measured("relay 0", lag, begin + n)]


def test_a_hiccup_and_lags_within_the_limit_are_not_worth_an_alarm() -> None:
    assert told([20.0] * 100) == []
    assert told([50.0, 50.0, *[1.0] * 9, 50.0, 199.0]) == []


def test_three_within_ten_seconds_are_and_again_after_a_minute() -> None:
    assert told([21.0] * 130) == [2.0, 62.0, 122.0]


def test_one_block_that_everybody_hears_is_told_at_once() -> None:
    assert told([1.0, 201.0, 201.0, *[1.0] * 58, 300.0]) == [1.0, 61.0]


def test_the_longest_of_ten_seconds_is_shown() -> None:
    watch = LagWatch()
    assert watch.longest_ms("relay 0") == 0.0
    told([*[2.0] * 5, 17.0, *[1.0] * 9], 0.0, watch)
    assert watch.longest_ms("relay 0") == 17.0
    told([1.0], 15.0, watch)
    assert watch.longest_ms("relay 0") == 1.0


def test_the_busiest_turn_of_ten_seconds_is_shown() -> None:
    watch = LagWatch()
    assert watch.busiest_ms("relay 0") == 0.0
    for second, cpu_ms in enumerate([12.0, 3.0, *[1.0] * 9]):
        watch.measured("relay 0", 15.0, second, cpu_ms)
    assert watch.busiest_ms("relay 0") == 3.0


def test_loops_are_watched_apart() -> None:
    watch = LagWatch()
    assert not any(watch.measured(f"relay {n % 2}", 30.0, n) for n in range(4))
    assert watch.measured("relay 0", 30.0, 4)
    watch.forget("relay 1")
    assert not watch.measured("relay 1", 30.0, 5)


@pytest.mark.parametrize("process", ["relay", "mixer"])
async def test_a_worker_that_stands_still_is_told_of_and_seen_for_ten_seconds(process: str) -> None:
    async with world("a") as w:
        await w.join("a")
        if process == "relay":
            w.machine.relay.tell(RelayStats((), 0.2, 480.0, 100.0, 200.0, loop_cpu_ms=9.5))
            w.machine.relay.tell(RelayStats((), 0.2, 3.0, 100.0, 200.0))
        else:
            w.machine.mixer.tell(MixerStats("c-1", 0.5, 480.0, 2.0, 1, 2, (), (), (), loop_cpu_ms=9.5))
            w.machine.mixer.tell(MixerStats("c-1", 0.5, 3.0, 2.0, 1, 2, (), (), ()))
        await settle()
        assert len(w.store.journalled(f"alarm_{process}_slow")) == 1
        figures = w.live.figures()
        [shown] = (figures.relays if process == "relay" else figures.mixers).values()
        assert (shown["loop_lag_ms"], shown["loop_cpu_ms"]) == (480.0, 9.5)


async def test_each_rung_of_load_shedding_is_told_and_its_end() -> None:
    async with world("a") as w:
        await w.join("a")
        stats = MixerStats("c-1", 0.5, 3.0, 2.0, 1, 2, (), (), ())

        def lines() -> list[str]:
            shed, over = w.store.journalled("alarm_load_shed"), w.store.journalled("alarm_load_shed_over")
            return [str(line.data["en"]) for line in (*shed, *over)]

        async def told(*rungs: int) -> list[str]:
            before = len(lines())
            for rung in rungs:
                w.machine.mixer.tell(replace(stats, shed=rung))
            await settle()
            [shown] = w.live.figures().mixers.values()
            assert shown["shed"] == rungs[-1]
            return lines()[before:]

        assert await told(0, 0) == []
        assert ["wall" in text for text in await told(1, 1)] == [True]
        assert ["half" in text for text in await told(2)] == [True]
        assert ["third" in text for text in await told(3, 2, 1)] == [True], "what gets better is told when it is well"
        assert ["as planned" in text for text in await told(0, 0)] == [True]


async def test_a_new_mixer_is_not_told_of_as_one_that_keeps_up_again() -> None:
    async with world("a") as w:
        await w.join("a")
        stats = MixerStats("c-1", 0.5, 3.0, 2.0, 1, 2, (), (), ())
        w.machine.mixer.tell(replace(stats, shed=2))
        await settle()
        w.machine.kill("mixer", "c-1")
        await w.clock.pass_by(3.0)
        w.machine.mixer.tell(stats)
        await settle()
        assert w.store.journalled("alarm_load_shed_over") == []


def test_control_sees_its_own_loop_blocked_for_a_moment_and_tells_the_consoles() -> None:
    async def main() -> None:
        async with world("a") as w:
            await w.join("a")
            metrics = Metrics()
            metrics.watch(w.live)
            task = asyncio.create_task(metrics.run())
            for _ in range(3):
                await asyncio.sleep(0.4)
                time.sleep(0.025)  # noqa: ASYNC251  (what must be seen, though shorter than two looks at the timer)
                await asyncio.sleep(0.6)
            await asyncio.sleep(0.1)
            task.cancel()
            assert len(w.store.journalled("alarm_control_slow")) == 1
            [lag] = re.findall(r"^mcu_control_loop_lag_seconds (.*)$", (await metrics.text()).decode(), re.MULTILINE)
            assert 0.025 <= float(lag) < 1.0
            [cpu] = re.findall(r"^mcu_control_loop_cpu_seconds (.*)$", (await metrics.text()).decode(), re.MULTILINE)
            assert 0.0 < float(cpu) < 0.025, "it slept"

    run_watched(main())
