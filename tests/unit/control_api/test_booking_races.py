"""Capacity is never sold twice: several processes allocate at the same moment, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from sqlalchemy import select

from control_api.bookings.registering import register
from control_api.bookings.tables import BookingHold, BookingRow, CapacityRow
from control_api.store.upgrade import upgrade
from mcu_core.capacity import FULL, MeetingSize, demand_of
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.booking_racer import desk_of, race

PROCESSES, EACH, ROOM = 3, 4, 5  # meetings each process tries, and how many fit


async def test_s68_capacity_is_never_sold_twice_to_parallel_processes(either_url: str, tmp_path: Path) -> None:
    await upgrade(either_url)
    desk = desk_of(either_url, tmp_path)
    await samples.add_directory(desk.database)
    one = demand_of(MeetingSize(2))
    room = 3 * (ROOM + 0.5) / FULL
    async with desk.database.writing() as session:
        kinds = {name: getattr(one, name) * room for name in ("decode", "encode", "compose")}
        session.add(CapacityRow(at=1.0, machine="test", packets=1e12, details={"packets_of_one": 1e12}, **kinds))
    ids = [f"b-{number:08x}" for number in range(PROCESSES * EACH)]
    now = time.time()
    for its_id in ids:
        await register(desk, samples.host_user(), samples.parsed(now), its_id)
    start = time.time() + 2.5
    arguments = [either_url, str(tmp_path), str(start)]
    others = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.unit.control_api.booking_racer",
            *arguments,
            *ids[EACH * number : EACH * (number + 1)],
            stdout=asyncio.subprocess.PIPE,
        )
        for number in range(1, PROCESSES)
    ]
    got = await race(either_url, tmp_path, start, ids[:EACH])
    for process in others:
        output, _ = await process.communicate()
        assert process.returncode == 0
        got += output.decode().split()
    assert len(got) == len(set(got)) == ROOM
    async with desk.database.reading() as session:
        held = set(await session.scalars(select(BookingHold.booking_id)))
        allocated = set(await session.scalars(select(BookingRow.id).where(BookingRow.state == "allocated")))
    await desk.database.close()
    assert held == allocated == set(got)
