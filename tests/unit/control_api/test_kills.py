"""kill -9 of the control process, again and again, while it serves: nothing acknowledged is lost, nothing half done.

On SQLite and on PostgreSQL (the server lives on; its client dies), 50 deaths; `MCU_KILLS=4` makes it 200.  Clients
book, allocate, write notes and scripts over HTTP; what got no answer they send again to the next process under the
same Idempotency-Key.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import Accounts
from control_api.accounts.rules import Role
from control_api.api import COOKIE
from control_api.journal.journals import Journals
from control_api.settings import Settings
from control_api.store.database import Database
from control_api.store.upgrade import upgrade
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.world import PASSWORD, open_database, quick_passwords

KILLS = {"sqlite": 40, "postgresql": 10}
TIMES = int(os.environ.get("MCU_KILLS", "1"))
BOOKED = Counter({"booking_step": 2})  # what its journal says of an allocated booking,
OPENED = Counter({"created": 1, "site_added": 2, "site_role": 1})  # and of its conference, once that is made
PATIENCE = 120.0  # seconds, for an answer of any of the processes: many die before it


async def prepare(url: str) -> None:
    await upgrade(url)
    async with open_database(url) as database:
        await samples.add_directory(database)
        accounts = Accounts(database, Settings().session, time.time, passwords=quick_passwords())
        await accounts.add_user("officer", "Trực MCU", Role.OFFICER, PASSWORD)
        accounts.close()


@dataclass
class Clients:
    """What was asked of the processes, and what they acknowledged."""

    url: str
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=lambda: {"X-MCU-Request": "1"})
    conference: str = ""
    acknowledged: Counter[str] = field(default_factory=Counter)  # by what was done
    cut: int = 0  # requests that a process took along when it died
    bookings: dict[str, str] = field(default_factory=dict)  # title -> id, as acknowledged
    over: bool = False

    async def begin(self) -> None:
        user = {"username": "officer", "password": PASSWORD}
        async with self.session.post(f"{self.url}/session", json=user, headers=self.headers) as answer:
            assert answer.status == 200, await answer.text()
            self.headers["Cookie"] = f"{COOKIE}={answer.cookies[COOKIE].value}"
        made = await self.ask("POST", "/conferences", {"title": "Họp giao ban"}, "conference-1")
        self.conference = made["id"]

    async def ask(self, method: str, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        """The answer, of whichever process gives one; the request is repeated as it was until then."""
        headers = {**self.headers, "Idempotency-Key": key}
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    async with self.session.request(method, self.url + path, json=body, headers=headers) as answer:
                        said = await answer.text()
                        assert answer.status in (200, 201), f"{key}: {said}"
                        done: dict[str, Any] = await answer.json()
                        return done
                except aiohttp.ClientConnectorError:  # between two processes
                    await asyncio.sleep(0.01)
                except aiohttp.ClientError:
                    self.cut += 1

    async def work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for does in (self.book(0), self.book(1), self.note(), self.script()):
                tasks.create_task(does)

    async def book(self, first: int) -> None:
        for number in count(first, 2):
            if self.over:
                return
            start = samples.at(time.time(), days=3 + number % 600, hour=8 + number // 600 % 10)
            title = f"Hội nghị {number}"
            form = samples.form(
                time.time(), start=start, ends_at=(start + timedelta(minutes=30)).isoformat(), title=title
            )
            made = await self.ask("POST", "/bookings", form, f"booking-{number}")
            assert made["title"] == title
            self.bookings[title] = made["id"]
            self.acknowledged["registered"] += 1
            body = {"remark": "Thử", "override": True}
            await self.ask("POST", f"/bookings/{made['id']}/allocation", body, f"allocation-{number}")
            self.acknowledged["allocated"] += 1

    async def note(self) -> None:
        while not self.over:
            number = self.acknowledged["note"]
            path = f"/conferences/{self.conference}/journal/notes"
            await self.ask("POST", path, {"text": f"Ghi chú {number}"}, f"note-{number:04}")
            self.acknowledged["note"] += 1

    async def script(self) -> None:
        while not self.over:
            revision = self.acknowledged["script_saved"]
            body = {"revision": revision, "scenes": [{"title": f"Phần {revision}", "minutes": 5}]}
            saved = await self.ask("PUT", f"/conferences/{self.conference}/script", body, f"script-{revision:04}")
            self.acknowledged["script_saved"] += 1
            assert saved["revision"] == self.acknowledged["script_saved"], "saved once, whatever was repeated"


@pytest.mark.timeout(240 * TIMES)
async def test_nothing_acknowledged_is_lost_by_killing_control_again_and_again(either_url: str, tmp_path: Path) -> None:
    await prepare(either_url)
    kills = TIMES * KILLS["sqlite" if either_url.startswith("sqlite") else "postgresql"]
    clients = await kill_again_and_again(either_url, tmp_path, kills)
    assert min(clients.acknowledged.values()) > kills / 20, "every kind of write had its turn"
    assert clients.cut >= kills, "it was at work when it died"
    async with open_database(either_url) as database:
        await check(database, clients)


async def kill_again_and_again(url: str, folder: Path, kills: int) -> Clients:
    dice = random.Random(200)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ("-m", "tests.unit.control_api.killed", str(folder), url, str(port))
    with (folder / "control.log").open("wb") as log:
        programme = await asyncio.create_subprocess_exec(sys.executable, *command, stdin=PIPE, stdout=PIPE, stderr=log)
    assert programme.stdin is not None
    assert programme.stdout is not None
    child = working = None
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        clients = Clients(f"http://127.0.0.1:{port}/api/v1", session)
        try:
            for number in range(kills + 1):
                programme.stdin.write(b"\n")
                child = int(await programme.stdout.readline())
                if working is None:
                    await listening(port)
                    await clients.begin()
                    working = asyncio.create_task(clients.work(), name="clients")
                before = clients.acknowledged.total()
                while clients.acknowledged.total() == before and not working.done():
                    await asyncio.sleep(0.002)
                if working.done() or number == kills:
                    clients.over = True
                    await working  # those cut by the last death are answered too
                longest = 0.05 if number % 4 else 0.5  # seconds; some live longer: every kind of write has its turn
                await asyncio.sleep(dice.uniform(0, longest))
                os.kill(child, signal.SIGKILL)
                assert await programme.stdout.readline() == b"dead\n"
                child = None
        finally:
            if working is not None:
                working.cancel()
            if child is not None:
                os.kill(child, signal.SIGKILL)
            programme.stdin.close()
            await asyncio.wait_for(programme.wait(), 10)
    return clients


async def listening(port: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


async def check(database: Database, clients: Clients) -> None:
    async with database.reading() as session:
        if database.is_sqlite:
            assert (await session.execute(text("PRAGMA integrity_check"))).scalar() == "ok"
            assert (await session.execute(text("PRAGMA foreign_key_check"))).all() == []
        titles = await rows(session, "SELECT title, id FROM bookings")
        states = dict(await rows(session, "SELECT id, state FROM bookings"))
        sites = dict(await rows(session, "SELECT booking_id, count(*) FROM booking_sites GROUP BY 1"))
        steps: dict[str, list[str]] = {}
        for booking, step in await rows(session, "SELECT booking_id, step FROM booking_steps ORDER BY id"):
            steps.setdefault(booking, []).append(step)
        holds = dict(await rows(session, "SELECT booking_id, count(*) FROM booking_holds GROUP BY 1"))
        conferences = dict(await rows(session, "SELECT id, conference_id FROM bookings"))
        lines = dict(await rows(session, "SELECT conference_id, count(*) FROM journal GROUP BY 1"))
        heads = dict(await rows(session, "SELECT conference_id, seq FROM journal_heads"))
    # What was asked for is there once: nothing acknowledged is lost, nothing repeated is done twice.
    assert sorted(titles) == sorted(clients.bookings.items())
    journals = Journals(database)
    written = Counter(line.what for line in await whole(journals, clients.conference))
    noted = [line.data["text"] for line in await whole(journals, clients.conference) if line.what == "note"]
    assert noted == [f"Ghi chú {number}" for number in range(clients.acknowledged["note"])]
    assert written["script_saved"] == clients.acknowledged["script_saved"]
    # Nothing is half done: a booking has its sites, its steps, what it holds and its journal.
    for booking, state in states.items():
        assert state == "allocated"
        assert sites[booking] == 2
        assert steps[booking] == ["registered", "allocated"]
        assert booking in holds
        said = Counter(line.what for line in await whole(journals, conferences[booking]))
        assert said in (BOOKED, BOOKED + OPENED)
    assert sites.keys() == steps.keys() == states.keys()
    assert lines == {conference: seq for conference, seq in heads.items() if seq}
    for conference in (clients.conference, *sorted(conferences.values())[:20]):
        verdict = await journals.verify(conference)
        assert (verdict.findings, verdict.lines) == ((), lines[conference])


async def whole(journals: Journals, conference: str) -> list[Any]:
    read: list[Any] = []
    while part := await journals.lines(conference, after=read[-1].seq if read else 0, order="oldest", limit=500):
        read += part
    return read


async def rows(session: AsyncSession, statement: str) -> list[tuple[str, Any]]:
    return [(str(key), value) for key, value in await session.execute(text(statement))]
