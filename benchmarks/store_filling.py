"""A store as a province has it after years: meetings of every step, and a journal of each, chained as the MCU does it.

The directory is the one the demo begins with.  Eight in ten meetings are over and closed, within the last two years;
the others are planned for the coming half year, ten a working day at the hours when everybody meets, beside each
other for as long as they fit a server of `CORES` cores, and refused from there on.  Journals get their hashes by the
MCU's own function; only the triggers that would check each line again are off while a million of them are written.
SQLite.
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from control_api.bookings.admission import Hold, demand_for, peak
from control_api.bookings.forms import searched
from control_api.bookings.parameters import Parameters
from control_api.bookings.rules import rules_at
from control_api.bookings.tables import BookingHold, BookingRow, BookingSite, BookingStep, CapacityRow
from control_api.directory.seed import seed
from control_api.directory.tables import Site
from control_api.journal.chain import GENESIS, linked
from control_api.store.database import Database
from control_api.store.upgrade import upgrade
from mcu_core.capacity import Capacity, assumed

DAY, HOUR = 86400.0, 3600.0
CORES = 12  # the measured server of the store: five or six meetings at once
AHEAD = 180  # days
_SUBJECTS = (
    "triển khai công tác phòng chống thiên tai",
    "giao ban tháng của UBND tỉnh",
    "tập huấn chuyển đổi số cho cán bộ xã",
    "sơ kết công tác cải cách hành chính",
    "đánh giá tình hình sản xuất vụ xuân",
    "quán triệt nghị quyết của Tỉnh ủy",
    "phòng chống dịch bệnh trên đàn gia súc",
    "kiểm điểm tiến độ giải ngân đầu tư công",
    "tuyển quân và công tác quân sự địa phương",
    "bảo đảm an toàn giao thông dịp Tết",
)
_STEPS = ("registered", "allocated", "announced", "prepared", "checked", "connected", "serving", "closed")
_WORDS = (
    "site_joined",
    "site_live",
    "podium",
    "on_air",
    "muted",
    "unmuted",
    "layout",
    "site_away",
    "site_returned",
    "note",
)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Filled:
    bookings: int
    lines: int
    conferences: list[str]
    sites: list[str]  # of the directory
    owners: dict[str, str]  # site -> its organisation
    seconds: float


async def fill(
    path: Path, *, bookings: int, lines: int, progress: Callable[[float], None], ahead: int = AHEAD
) -> Filled:
    """Make the database at `path` and fill it, plans for `ahead` days; `progress` is told shares from 0 to 1."""
    started, now = time.monotonic(), time.time()
    url = f"sqlite+aiosqlite:///{path}"
    await upgrade(url)
    database = Database(url)
    try:
        await seed(database, now)
        async with database.reading() as session:
            known = (await session.execute(select(Site.id, Site.name, Site.organisation_id).order_by(Site.id))).all()
        sites = [site for site, _, _ in known]
        names = {site: name for site, name, _ in known}
        owners = {site: owner for site, _, owner in known}
        dice, calendar = random.Random(1), Calendar(assumed(CORES, 2))
        made: list[str] = []
        async with database.writing() as session:
            session.add(calendar.row(now))
        for first in range(0, bookings, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, bookings))
            parts = [booking(dice, n, now, sites, names, owners, calendar, ahead) for n in numbers]
            async with database.writing() as session:
                for table, key in ((BookingRow, 0), (BookingSite, 1), (BookingStep, 2), (BookingHold, 3)):
                    values = [one for part in parts for one in part[key]]
                    if values:
                        await session.execute(insert(table), values)
            made += [part[0][0]["conference_id"] for part in parts]
            progress(0.3 * (first + _AT_ONCE) / bookings)
    finally:
        await database.close()
    written = journals(path, made, lines, sites, now, lambda done: progress(0.3 + 0.7 * done))
    return Filled(bookings, written, made, sites, owners, time.monotonic() - started)


Rows = list[dict[str, Any]]


class Calendar:
    """What the planned meetings hold, day by day: never more than the machine gives."""

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self._days: dict[int, list[Hold]] = {}

    def row(self, at: float) -> CapacityRow:
        """The machine, as `mcu check` would have written it down."""
        machine = self.capacity
        return CapacityRow(
            at=at,
            machine=f"{CORES} cores",
            decode=machine.decode,
            encode=machine.encode,
            compose=machine.compose,
            packets=machine.packets,
            details={"packets_of_one": machine.relay_packets / 2},
        )

    def admit(self, holds: list[Hold]) -> bool:
        """Whether they fit; they are held then."""
        days = {int(at // DAY) for hold in holds for at in (hold.starts_at, hold.ends_at)}
        near = {id(one): one for day in days for one in self._days.get(day, ())}
        if not peak(holds, list(near.values()), self.capacity).fits:
            return False
        for hold in holds:
            for day in {int(hold.starts_at // DAY), int(hold.ends_at // DAY)}:
                self._days.setdefault(day, []).append(hold)
        return True


def booking(
    dice: random.Random,
    number: int,
    now: float,
    sites: list[str],
    names: dict[str, str],
    owners: dict[str, str],
    calendar: Calendar,
    ahead: int = AHEAD,
) -> tuple[Rows, Rows, Rows, Rows]:
    """Rows of one booking: itself, its sites, its steps, what it holds."""
    its_id = f"b-{hashlib.sha256(str(number).encode()).hexdigest()[:12]}"
    over = dice.random() < 0.8
    day = int((now + 7 * HOUR) / DAY) * DAY - 7 * HOUR  # local midnight
    starts_at = day + dice.randint(-730, -1) * DAY if over else _working_day(day, dice.randint(2, ahead))
    starts_at += dice.choice((8, 8.5, 9, 13.5, 14, 15)) * HOUR
    ends_at = starts_at + dice.choice((1, 1.5, 2, 3)) * HOUR
    chosen = dice.sample(sites, dice.choice((3, 5, 8, 12, 20)) if not over else dice.choice((5, 12, 25, 40)))
    parameters = Parameters().as_json()
    demand = demand_for(parameters, len(chosen), 0)
    planned = [
        Hold(its_id, "trial", starts_at - 18 * HOUR, starts_at - 16 * HOUR, demand),
        Hold(its_id, "meeting", starts_at - HOUR, ends_at, demand),
    ]
    done = _STEPS if over else _STEPS[: dice.choice((1, 2, 3, 3))]
    if len(done) > 1 and not over and not calendar.admit(planned):
        done = ("registered", "refused")
    title = f"Hội nghị {dice.choice(_SUBJECTS)} lần {number}"
    class_ = dice.choice("AABBBBBB")
    registered_at = starts_at - dice.randint(2, 20) * DAY if over else now - dice.randint(1, 30) * DAY
    rows: Rows = []
    for position, site in enumerate(chosen):
        rows.append(
            {
                "booking_id": its_id,
                "site_id": site,
                "position": position,
                "name": names[site],
                "organisation_id": owners[site],
                "role": "main" if position == 0 else "member",
                "place": "Phòng họp trực tuyến",
                "attendees": "Lãnh đạo và các bộ phận liên quan",
                "attendee_count": dice.randint(3, 40),
                "video": True,
                "email": None,
            }
        )
    search = searched(title, names[chosen[0]], "Giám đốc Sở", f"{number}/GM", [BookingSite(**row) for row in rows])
    row = {
        "id": its_id,
        "conference_id": f"c{its_id[1:]}",
        "organisation_id": owners[chosen[0]],
        "owner": "host",
        "title": title,
        "class_": class_,
        "meeting_type": "lam-viec",
        "urgent": False,
        "priority": 20 if class_ == "A" else 10,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "trial_at": starts_at - 18 * HOUR,
        "trial_ends_at": starts_at - 16 * HOUR,
        "state": done[-1],
        "state_at": ends_at if over else registered_at,
        "rules": rules_at(now).version,
        "form": {"chair": "Giám đốc Sở", "agenda": "1. Khai mạc\n2. Thảo luận", "contact": None, "letter": None},
        "parameters": parameters,
        "frozen_at": starts_at - HOUR if over else None,
        "decision": None,
        "close_out": {"summary": "Hoàn thành.", "evaluation": "good"} if over else None,
        "received_at": registered_at,
        "answer_by": registered_at + 6 * HOUR,
        "answered_at": registered_at + HOUR if len(done) > 1 else None,
        "sequence": 0,
        "revision": len(done),
        "live": "none",
        "live_sites": {},
        "series_id": None,
        "search": search,
        "created_at": registered_at,
    }
    steps: Rows = [
        {"booking_id": its_id, "step": step, "at": registered_at + index, "by": "officer", "remark": ""}
        for index, step in enumerate(done)
    ]
    holding = not over and len(done) > 1 and done[-1] != "refused"
    holds: Rows = [_values(hold) for hold in planned] if holding else []
    return [row], rows, steps, holds


def _working_day(today: float, days: int) -> float:
    """Midnight of that day, or of the Monday after."""
    day = today + days * DAY
    weekday = int((day + 7 * HOUR) // DAY + 3) % 7  # 1 January 1970 was a Thursday
    return day + (7 - weekday) * DAY if weekday >= 5 else day


def _values(hold: Hold) -> dict[str, Any]:
    return {
        "booking_id": hold.booking_id,
        "part": hold.part,
        "starts_at": hold.starts_at,
        "ends_at": hold.ends_at,
        "decode": hold.demand.decode,
        "encode": hold.demand.encode,
        "compose": hold.demand.compose,
        "packets": hold.demand.packets,
    }


def journals(
    path: Path, conferences: list[str], lines: int, sites: list[str], now: float, progress: Callable[[float], None]
) -> int:
    """Give each conference its share of `lines`; returns how many were written."""
    each = max(1, lines // len(conferences))
    dice = random.Random(2)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        connection.execute("BEGIN IMMEDIATE")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for index, conference in enumerate(conferences):
            entries = list(_entries(dice, each, sites, now - dice.uniform(0, 300) * DAY))
            chained = linked(conference, 0, GENESIS, entries)
            connection.executemany(
                "INSERT INTO journal (conference_id, at, what, actor, site, data, seq, previous, hash)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        conference,
                        line.at,
                        line.what,
                        line.actor,
                        line.site,
                        json.dumps(line.data),
                        line.seq,
                        line.previous,
                        line.hash,
                    )
                    for line in chained
                ],
            )
            last = chained[-1]
            connection.execute(
                "INSERT INTO journal_heads (conference_id, seq, hash, changed_at, pruned_seq, pruned_hash)"
                " VALUES (?, ?, ?, ?, 0, ?)",
                (conference, last.seq, last.hash, last.at, GENESIS),
            )
            if index % 100 == 0:
                progress(index / len(conferences))
        for _, statement in triggers:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return each * len(conferences)


def _entries(
    dice: random.Random, count: int, sites: list[str], since: float
) -> Iterator[tuple[float, str, str | None, str | None, dict[str, Any]]]:
    for number in range(count):
        what = dice.choice(_WORDS)
        data: dict[str, Any] = {"ms": dice.randint(40, 300), "command": "Podium"} if what == "on_air" else {}
        if what == "note":
            data = {"text": "Đã kiểm tra lại đường truyền, hình và tiếng tốt.", "note": f"n-{number}"}
        yield since + number * 30.0, what, dice.choice(("lan", None)), dice.choice(sites), data
