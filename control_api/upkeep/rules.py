"""When upkeep runs and how far back things are kept.  Pure; local time is Asia/Ho_Chi_Minh."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_FIRST = 3600.0  # a new machine makes its first backup after an hour
_MADE_UP = 300.0  # a missed night is made up for once meetings have had time to come back
LATE = 26 * 3600.0  # seconds after which a nightly backup is missing


def next_run(now: float, hour: int) -> float:
    """The next time the local clock shows `hour`:00, after `now`.  Unix seconds."""
    local = datetime.fromtimestamp(now, ZONE)
    at = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    if at <= local:
        at += timedelta(days=1)
    return at.timestamp()


def months_before(now: float, months: int) -> float:
    """The same day and time `months` earlier, or the last day of a shorter month.  Unix seconds."""
    local = datetime.fromtimestamp(now, ZONE)
    number = local.year * 12 + local.month - 1 - months
    year, month = divmod(number, 12)
    for day in (local.day, 30, 29, 28):
        try:
            return local.replace(year=year, month=month + 1, day=day).timestamp()
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def is_late(last_good: float | None, began: float, now: float) -> bool:
    """Whether last night's backup is missing; `last_good`: when the newest good one ended; `began`: when we started."""
    return now - (began if last_good is None else last_good) > LATE


def first_run(last_good: float | None, began: float, hour: int) -> float:
    """When upkeep runs first after a start: at night, or soon on a machine that is switched off at night."""
    if last_good is None:
        return min(next_run(began, hour), began + _FIRST)
    return began + _MADE_UP if is_late(last_good, began, began) else next_run(began, hour)


def day_of(now: float) -> str:
    """The local date, 2026-11-23."""
    return datetime.fromtimestamp(now, ZONE).date().isoformat()
