"""kill -9, 200 times, while meetings are booked and journals written: nothing acknowledged is lost, nothing half done.

160 deaths on SQLite, 40 on PostgreSQL (the server lives on; its client dies).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.journal.journals import Journals
from control_api.store.database import Database
from control_api.store.upgrade import upgrade
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.killed import CONFERENCE, booking_id

KILLS = {"sqlite": 160, "postgresql": 40}


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def prepare(url: str) -> None:
    await upgrade(url)
    async with opened(url) as database:
        await samples.add_directory(database)


@pytest.mark.timeout(300)
async def test_nothing_acknowledged_is_lost_by_killing_the_process_again_and_again(
    either_url: str, tmp_path: Path
) -> None:
    await prepare(either_url)
    kind = "sqlite" if either_url.startswith("sqlite") else "postgresql"
    acknowledged = await asyncio.to_thread(kill_again_and_again, either_url, tmp_path, KILLS[kind])
    assert len(acknowledged["registered"]) >= KILLS[kind] / 2, "it was at work when it died"
    async with opened(either_url) as database:
        await check(database, acknowledged)


def kill_again_and_again(url: str, folder: Path, kills: int) -> dict[str, set[int]]:
    """Numbers that were acknowledged, by what was done."""
    dice = random.Random(200)
    acknowledged: dict[str, set[int]] = {"registered": set(), "journalled": set(), "allocated": set()}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.control_api.killed", url, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as programme:
        assert programme.stdin is not None
        assert programme.stdout is not None
        number = 0
        for _ in range(kills):
            programme.stdin.write(f"{number}\n")
            child, begun = None, False
            while child is None or not begun:  # its first acknowledgement may come before we are told its number
                said = programme.stdout.readline()
                assert said, "the child failed; see its traceback"
                word, *rest = said.split()
                if word == "child":
                    child = int(rest[0])
                else:
                    acknowledged[rest[0]].add(int(rest[1]))
                    begun = True
            time.sleep(dice.uniform(0, 0.04))
            os.kill(child, signal.SIGKILL)
            for line in programme.stdout:
                if line == "dead\n":
                    break
                _, what, done = line.split()
                acknowledged[what].add(int(done))
            number = max(acknowledged["registered"]) + 2  # the next one may be there without an acknowledgement
        programme.stdin.close()
        assert programme.wait(10) == 0
    return acknowledged


async def check(database: Database, acknowledged: dict[str, set[int]]) -> None:
    async with database.reading() as session:
        if database.is_sqlite:
            assert (await session.execute(text("PRAGMA integrity_check"))).scalar() == "ok"
            assert (await session.execute(text("PRAGMA foreign_key_check"))).all() == []
        states = dict(await rows(session, "SELECT id, state FROM bookings"))
        sites = dict(await rows(session, "SELECT booking_id, count(*) FROM booking_sites GROUP BY 1"))
        steps: dict[str, list[str]] = {}
        for booking, step in await rows(session, "SELECT booking_id, step FROM booking_steps ORDER BY id"):
            steps.setdefault(booking, []).append(step)
        holds = dict(await rows(session, "SELECT booking_id, count(*) FROM booking_holds GROUP BY 1"))
        conferences = dict(await rows(session, "SELECT id, conference_id FROM bookings"))
        lines = dict(await rows(session, "SELECT conference_id, count(*) FROM journal GROUP BY 1"))
        heads = dict(await rows(session, "SELECT conference_id, seq FROM journal_heads"))
    # Nothing acknowledged is lost.
    assert {booking_id(number) for number in acknowledged["registered"]} <= states.keys()
    for number in acknowledged["allocated"]:
        assert states[booking_id(number)] == "allocated"
    assert lines[CONFERENCE] >= 2 * len(acknowledged["journalled"])
    # Nothing is half done: a booking has its sites, its steps, what it holds and its journal, or is not there at all.
    for booking, state in states.items():
        assert sites[booking] == 2
        assert steps[booking] == (["registered"] if state == "registered" else ["registered", "allocated"])
        assert (booking in holds) == (state == "allocated")
        assert lines[conferences[booking]] == len(steps[booking])
    assert sites.keys() == steps.keys() == states.keys()
    assert lines[CONFERENCE] == 2 * lines["c-2"], "both journals of one transaction, or neither"
    assert lines == {conference: seq for conference, seq in heads.items() if seq}
    journals = Journals(database)
    for conference in (CONFERENCE, "c-2", *random.Random(1).sample(sorted(conferences.values()), 20)):
        verdict = await journals.verify(conference)
        assert (verdict.findings, verdict.lines) == ((), lines[conference])


async def rows(session: AsyncSession, statement: str) -> list[tuple[str, Any]]:
    return [(str(key), value) for key, value in await session.execute(text(statement))]
