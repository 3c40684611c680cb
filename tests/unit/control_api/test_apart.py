"""Long reading does not hold the server's loop: verification, export, figures of many meetings (issue 4)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert

from control_api.accounts.rules import Role
from control_api.bookings.tables import BookingRow
from control_api.conferences.store import SqlConferenceStore
from control_api.live.lag import LIMIT_MS, LagWatch
from control_api.live.store import JournalEntry
from control_api.store.apart import apart
from control_api.store.database import Database
from mcu_core.errors import OperatorError
from tests.unit.control_api import booking_samples
from tests.unit.control_api.world import World

LINES, MEETINGS = 6000, 4000


@contextlib.contextmanager
def loop_work() -> Iterator[list[float]]:
    """Milliseconds of processor that each step of this event loop took: what a busy machine adds is not ours."""
    took: list[float] = []
    handle: Any = asyncio.Handle
    run, loop = handle._run, asyncio.get_running_loop()

    def timed(self: Any) -> None:
        began = time.thread_time()
        run(self)
        if self._loop is loop:
            took.append((time.thread_time() - began) * 1000)

    handle._run = timed
    try:
        yield took
    finally:
        handle._run = run


def told(took: list[float]) -> bool:
    """Whether the watch of the loops would raise its alarm: all of it within a second."""
    watch = LagWatch()
    return any(watch.measured("control", ms, 0.0) for ms in took)


def test_the_watch_of_this_test_sees_a_loop_that_is_held() -> None:
    assert told([LIMIT_MS + 1] * 3)
    assert not told([LIMIT_MS - 1] * 99)


async def test_what_is_done_apart_comes_back_or_raises(world: World) -> None:
    async def count(database: Database) -> int:
        assert database is not world.services.database
        async with database.reading() as session:
            return len((await session.execute(BookingRow.__table__.select())).all())

    async def refuses(database: Database) -> int:
        raise OperatorError("nope", "Không.", "No.")

    assert await apart(world.services.database, count) == 0
    with pytest.raises(OperatorError, match="nope"):
        await apart(world.services.database, refuses)


async def test_verifying_and_exporting_a_long_journal_leaves_the_loop_free(world: World) -> None:
    store = SqlConferenceStore(world.services.database, world.clock)
    conference = await world.conference()
    for part in range(0, LINES, 500):
        entries = [JournalEntry(1.7e9 + part + n, "note", "lan", None, {"text": f"Dòng {n}"}) for n in range(500)]
        await store.append({conference: entries})
    auditor = await world.sign_in(Role.AUDITOR)
    path = f"/api/v1/conferences/{conference}/journal"
    with loop_work() as took:
        verdict = await (await auditor.get(f"{path}/verification")).json()
        exported = await (await auditor.get(f"{path}/export")).read()
    assert (verdict["whole"], verdict["lines"]) == (True, LINES + 1)
    assert exported.count(b"\n") == LINES + 2
    assert not told(took), sorted(took)[-5:]
    assert sum(took) < 1000, "the hashing was done elsewhere"


async def test_figures_of_many_meetings_leave_the_loop_free(world: World) -> None:
    now = world.clock.now
    await booking_samples.add_directory(world.services.database)
    rows = [
        {
            "id": f"b-{number:08}",
            "conference_id": f"c-{number:08}",
            "organisation_id": booking_samples.HOST,
            "owner": "lan",
            "title": f"Họp số {number}",
            "class_": "B",
            "meeting_type": "giao-ban",
            "urgent": False,
            "priority": 0,
            "starts_at": now - number * 60,
            "ends_at": now - number * 60 + 3600,
            "state": "closed",
            "state_at": now,
            "rules": "bn-2025",
            "form": {},
            "parameters": {},
            "sequence": 0,
            "revision": 1,
            "live": "none",
            "live_sites": {},
            "search": "",
            "created_at": now - 86400 * 9,
        }
        for number in range(MEETINGS)
    ]
    async with world.services.database.writing() as session:
        await session.execute(insert(BookingRow), rows)
    auditor = await world.sign_in(Role.AUDITOR)
    span = {"since": "2026-01-01T00:00:00+07:00", "until": "2027-12-31T00:00:00+07:00"}
    with loop_work() as took:
        figures = await (await auditor.get("/api/v1/reports/usage", params=span)).json()
    assert sum(figures["classes"].values()) == MEETINGS, figures
    assert not told(took), sorted(took)[-5:]
