"""A process that tries to get rooms while others do: `python -m … URL DATA_DIR START ID...`; prints the ids it got."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from control_api.bookings import deciding
from control_api.bookings.desk import Desk
from control_api.bookings.outbox import Outbox, Receipts
from control_api.directory.directory import Directory
from control_api.problems import Refused
from control_api.settings import Settings
from control_api.store.database import Database
from tests.unit.control_api.booking_samples import OFFICER


def desk_of(url: str, folder: Path) -> Desk:
    """A desk as `services.booking_desk` makes it."""
    settings = Settings(data_dir=folder)
    database = Database(url)
    receipts = Receipts(b"k" * 32, "https://mcu.example.vn")
    return Desk(settings, database, Directory(database), receipts, Outbox(settings, receipts), time.time)


async def race(url: str, folder: Path, start: float, ids: list[str]) -> list[str]:
    desk = desk_of(url, folder)

    async def attempt(its_id: str) -> str | None:
        try:
            await deciding.allocate(desk, OFFICER, its_id)
        except Refused as error:
            if error.code != "no_capacity":
                raise
            return None
        return its_id

    await asyncio.sleep(max(0.0, start - time.time()))
    try:
        return [one for one in await asyncio.gather(*map(attempt, ids)) if one is not None]
    finally:
        await desk.database.close()


if __name__ == "__main__":
    url, folder, start, *ids = sys.argv[1:]
    print(" ".join(asyncio.run(race(url, Path(folder), float(start), ids))))
