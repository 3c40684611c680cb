"""Series: the same meeting again, at the same local hour, each a booking of its own.  Bounded.  `dates` is pure."""

from __future__ import annotations

import calendar
import secrets
from datetime import date, datetime, timedelta

from control_api.accounts.accounts import SignedIn
from control_api.bookings.desk import Desk
from control_api.bookings.models import NewBooking, Repeat
from control_api.bookings.registering import booking_id, register
from control_api.bookings.rules import ZONE, check_times, rules_at


def dates(first: date, repeat: Repeat) -> list[date]:
    """The days of a series, the first one included.

    Monthly: the same day of the month, or the month's last where there is none; with `weekdays_only` a day on a
    weekend is left out of daily series and moved to the Monday after in others; every 7 (14, …) days counts as weekly.
    """
    found: list[date] = []
    number = 0
    while len(found) < repeat.count:
        if repeat.every == "month":
            months = first.month - 1 + number * repeat.interval
            year, month = first.year + months // 12, months % 12 + 1
            day = date(year, month, min(first.day, calendar.monthrange(year, month)[1]))
        else:
            step = repeat.interval * (7 if repeat.every == "week" else 1)
            day = first + timedelta(days=number * step)
        number += 1
        if repeat.weekdays_only and day.weekday() >= 5:
            if repeat.every == "day" and repeat.interval % 7:  # whole weeks would find this weekday for ever
                continue
            day += timedelta(days=7 - day.weekday())
        found.append(day)
    return found


def moved(form: NewBooking, days: timedelta) -> NewBooking:
    """The same form so many days later."""
    times = {
        name: _later(at, days)
        for name in ("starts_at", "ends_at", "trial_at", "trial_ends_at")
        if (at := getattr(form, name)) is not None
    }
    return form.model_copy(update=times)


async def register_series(
    desk: Desk, user: SignedIn, form: NewBooking, repeat: Repeat, command: str | None
) -> list[str]:
    """Register each meeting; one that does not fit is refused by itself.  Returns their ids.

    A repetition after a crash goes on where the first attempt ended.
    """
    tail = booking_id(command, "series")[2:] if command is not None else secrets.token_hex(6)
    series = f"r-{tail}"
    first = form.starts_at.astimezone(ZONE).date()
    forms = [moved(form, day - first) for day in dates(first, repeat)]
    _check_last(forms[-1], desk.now())  # before any is registered
    ids = []
    for number, one in enumerate(forms):
        its_id = booking_id(f"{series}/{number}")
        await register(desk, user, one, its_id, series=series)
        ids.append(its_id)
    return ids


def _check_last(form: NewBooking, now: float) -> None:
    """Raises Refused `bad_times` when a series goes on for too long, or its times cannot be."""
    trial_at = None if form.trial_at is None else form.trial_at.timestamp()
    trial_ends_at = None if form.trial_ends_at is None else form.trial_ends_at.timestamp()
    check_times(rules_at(now), form.starts_at.timestamp(), form.ends_at.timestamp(), trial_at, trial_ends_at, now)


def _later(at: datetime, days: timedelta) -> datetime:
    return at.astimezone(ZONE) + days
