"""What the control process does by the clock, beside answering: deadlines, notices, upkeep.  One task each.

A task that raises is logged and begun again after `_AGAIN` seconds: one feature's bug does not stop the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from control_api.bookings import task as bookings
from control_api.checks import upkeep as checks
from control_api.directory import reminders as directory
from control_api.mail import task as mail
from control_api.preparation import clock as preparation
from control_api.reports import reminders as reports
from control_api.security.upkeep import guard
from control_api.services import Services

Task = Callable[[Services], Awaitable[None]]


async def _upkeep(services: Services) -> None:
    await services.upkeep.run()


async def _arrivals(services: Services) -> None:
    await services.arrivals.watch()


async def _meeting(services: Services) -> None:
    await services.meeting.run()


TASKS: dict[str, Task] = {
    "arrivals": _arrivals,
    "bookings": bookings.run,
    "checks": checks.run,
    "directory": directory.remind,
    "mail": mail.run,
    "meeting": _meeting,
    "preparation": preparation.watch,
    "reports": reports.remind,
    "security": guard,
    "upkeep": _upkeep,
}  # name of the task -> runs until cancelled

_AGAIN = 5.0

log = structlog.get_logger("background")


async def keep(name: str, task: Task, services: Services) -> None:
    """Run one of `TASKS` until cancelled."""
    while True:
        try:
            await task(services)
        except Exception:
            log.exception("task failed", task=name)
        await asyncio.sleep(_AGAIN)
