"""The store of `mcu bench store` is one that the MCU itself could have written."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from benchmarks.store_filling import CORES, fill
from control_api.bookings.admission import capacity_of, holds_between
from control_api.bookings.tables import BookingRow
from control_api.journal.journals import Journals
from control_api.settings import Settings
from control_api.store.database import Database
from mcu_core.capacity import FULL, assumed, total


async def test_no_instant_is_sold_twice_and_every_journal_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "mcu.sqlite3"
    filled = await fill(path, bookings=1500, lines=6000, progress=lambda done: None, ahead=14)
    database = Database(f"sqlite+aiosqlite:///{path}")
    try:
        async with database.reading() as session:
            capacity = await capacity_of(session, Settings())
            held = await holds_between(session, 0.0, 1e12)
            states = dict((await session.execute(select(BookingRow.state, func.count()).group_by("state"))).all())
        assert capacity.encode == assumed(CORES).encode, "a server's capacity, not this machine's"
        shares = [capacity.share(total(two.demand for two in held if two.holds_at(one.starts_at))) for one in held]
        assert FULL / 2 < max(shares) <= FULL + 1e-9, "as full as it may be"
        assert states["refused"] > 10, "and some found no room"
        journals = Journals(database)
        for conference in filled.conferences[:20]:
            verdict = await journals.verify(conference)
            assert (verdict.findings, verdict.lines) == ((), 4)
    finally:
        await database.close()
