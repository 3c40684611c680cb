"""What checks do by the clock: close test rooms that are over, run the self-tests that are wanted."""

from __future__ import annotations

import asyncio
from datetime import datetime, time, timedelta

from control_api.checks.calls import run_call
from control_api.checks.models import LOCAL
from control_api.services import Services

PACE = 2.0


async def run(services: Services) -> None:
    """Until cancelled.  Test rooms that a former process left behind are removed first."""
    checks = services.checks
    await services.live.ready.wait()
    await checks.rooms.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_self_tests(services), name="checks/self-tests")
        while True:
            await checks.rooms.tick()
            await asyncio.sleep(PACE)


async def _self_tests(services: Services) -> None:
    tests, at = services.checks.self_tests, services.settings.checks.self_test_at
    while True:
        if at and is_due(at, services.now(), await tests.last_by_clock()):
            await tests.ask(None)
        wanted = await tests.take()
        if wanted is None:
            await asyncio.sleep(PACE)
            continue
        good, report = await run_call(services)
        await tests.finish(wanted.id, good=good, report=report)


def is_due(at: str, now: float, last: float | None) -> bool:
    """Whether the daily test at `at` (HH:MM in Vietnam) is due; one missed by up to an hour is made up for.  Pure."""
    local = datetime.fromtimestamp(now, LOCAL)
    planned = datetime.combine(local.date(), time.fromisoformat(at), LOCAL)
    late = local - planned
    return timedelta(0) <= late < timedelta(hours=1) and (last is None or last < planned.timestamp())
