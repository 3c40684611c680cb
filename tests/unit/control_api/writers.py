"""Programme of the durability test: `python -m tests.unit.control_api.writers URL`.

For each line on stdin it forks a child that commits revision after revision and says `ack N` once each is committed.
Forked, because a fresh interpreter would take most of a second and the test wants many deaths.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from control_api.conferences.store import SqlConferenceStore
from control_api.live.store import JournalEntry
from control_api.store.database import Database

CONFERENCE = "c-1"


async def write(url: str) -> None:
    database = Database(url)
    store = SqlConferenceStore(database, time.time)
    found = await store.load_all()
    revision = found[0].revision if found else 0
    while True:
        entries = [JournalEntry(time.time(), "step", data={"revision": revision + 1, "part": part}) for part in (1, 2)]
        await store.save(
            CONFERENCE,
            revision,
            revision + 1,
            {"revision": revision + 1, "padding": "ữ" * 2000},
            f"lan/{revision + 1}#f",
            {"revision": revision + 1},
            entries,
        )
        revision += 1
        os.write(1, f"ack {revision}\n".encode())


def main() -> None:
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(write(sys.argv[1]))
        os.write(1, f"child {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
