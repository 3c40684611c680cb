"""Programme of the kill test: `python -m tests.unit.control_api.killed URL FOLDER`.

For each line on stdin it forks a child that registers and allocates meetings and writes into journals, one after the
other, and says `ack WHAT` once each is committed; then it is killed.  Forked, because a fresh interpreter would take
most of a second and the test wants many deaths.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import timedelta
from itertools import count
from pathlib import Path

from control_api.bookings.deciding import allocate
from control_api.bookings.desk import Desk
from control_api.bookings.models import NewBooking
from control_api.bookings.outbox import Outbox, open_receipts
from control_api.bookings.registering import register
from control_api.conferences.store import SqlConferenceStore
from control_api.directory.directory import Directory
from control_api.live.store import JournalEntry
from control_api.settings import Settings
from control_api.store.database import Database
from tests.unit.control_api import booking_samples as samples

CONFERENCE = "c-1"


def booking_id(number: int) -> str:
    return f"b-{number:012x}"


async def work(url: str, folder: Path, first: int) -> None:
    settings = Settings(data_dir=folder)
    database = Database(url)
    receipts = open_receipts(settings)
    desk = Desk(settings, database, Directory(database), receipts, Outbox(settings, receipts), time.time)
    store = SqlConferenceStore(database, time.time)
    user = samples.host_user()
    for number in count(first):
        start = samples.at(time.time(), days=3 + number % 600, hour=8 + number // 600 % 10)
        form = samples.form(time.time(), start=start, ends_at=(start + timedelta(minutes=30)).isoformat())
        its_id = booking_id(number)
        await register(desk, user, NewBooking.model_validate(form), its_id)
        os.write(1, f"ack registered {number}\n".encode())
        entries = [JournalEntry(time.time(), "note", "lan", data={"text": "x", "n": number, "part": n}) for n in (1, 2)]
        await store.append({CONFERENCE: entries, "c-2": entries[:1]})
        os.write(1, f"ack journalled {number}\n".encode())
        await allocate(desk, samples.OFFICER, its_id, remark="Thử", override=True)
        os.write(1, f"ack allocated {number}\n".encode())


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(work(url, folder, int(line)))
        os.write(1, f"child {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
