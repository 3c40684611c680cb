"""A loop that is blocked again and again is told of once a minute."""

from __future__ import annotations

import asyncio
import re
import time

from control_api.live.lag import LagWatch
from control_api.metrics import Metrics
from tests.unit.live.fakes import world


def told(lags_ms: list[float], begin: float = 0.0, watch: LagWatch | None = None) -> list[float]:
    watch = watch or LagWatch()
    return [begin + n for n, lag in enumerate(lags_ms) if watch.measured("relay 0", lag, begin + n)]


def test_a_hiccup_and_lags_within_the_limit_are_not_worth_an_alarm() -> None:
    assert told([20.0] * 100) == []
    assert told([50.0, 50.0, *[1.0] * 9, 50.0]) == []


def test_three_within_ten_seconds_are_and_again_after_a_minute() -> None:
    assert told([21.0] * 130) == [2.0, 62.0, 122.0]


def test_loops_are_watched_apart() -> None:
    watch = LagWatch()
    assert not any(watch.measured(f"relay {n % 2}", 30.0, n) for n in range(4))
    assert watch.measured("relay 0", 30.0, 4)
    watch.forget("relay 1")
    assert not watch.measured("relay 1", 30.0, 5)


async def test_control_sees_its_own_loop_blocked_for_a_moment_and_tells_the_consoles() -> None:
    async with world("a") as w:
        await w.join("a")
        metrics = Metrics()
        metrics.watch(w.live)
        task = asyncio.create_task(metrics.run())
        for _ in range(3):
            await asyncio.sleep(0.5)
            time.sleep(0.06)  # noqa: ASYNC251  (what must be seen)
            await asyncio.sleep(0.6)
        task.cancel()
        assert len(w.store.journalled("alarm_control_slow")) == 1
        [lag] = re.findall(r"^mcu_control_loop_lag_seconds (.*)$", metrics.text().decode(), re.MULTILINE)
        assert 0.04 <= float(lag) < 1.0
