"""Writes to the database what happens without a command: seats and journal lines.

Commands save themselves.  A seat waits here as its newest version only; journal lines are written in batches, and past
`JOURNAL_LIMIT` unwritten ones the oldest are dropped and counted (the database is gone; nobody waits for it).
"""

from __future__ import annotations

import asyncio
from collections import deque

import structlog

from control_api.live.clock import Clock
from control_api.live.store import ConferenceStore, JournalEntry, StoredSeat

_log = structlog.get_logger(__name__)
JOURNAL_LIMIT = 10_000
_RETRY = 1.0


class Writer:
    """Owned by the task in `run`."""

    def __init__(self, store: ConferenceStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._seats: dict[str, StoredSeat | None] = {}
        self._written: dict[str, list[asyncio.Future[None]]] = {}
        self._journal: deque[tuple[str, JournalEntry]] = deque(maxlen=JOURNAL_LIMIT)
        self._wake = asyncio.Event()
        self.journal_dropped = 0

    def seat(self, seat_id: str, seat: StoredSeat | None) -> asyncio.Future[None]:
        """Save a seat, or forget it.  The future is done once this version, or a newer one, is in the database."""
        self._seats[seat_id] = seat
        self._wake.set()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._written.setdefault(seat_id, []).append(future)
        return future

    def journal(self, conference_id: str, entry: JournalEntry) -> None:
        self.journal_dropped += len(self._journal) == JOURNAL_LIMIT
        self._journal.append((conference_id, entry))
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled; a database that fails is tried again every second."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._write_seats()
                await self._write_journal()
            except Exception as error:  # whatever the database raises: joining must go on when it is back
                _log.error("database_failed", error=repr(error))
                await self._clock.sleep(_RETRY)
                self._wake.set()

    async def _write_seats(self) -> None:
        while self._seats:
            seat_id = next(iter(self._seats))
            seat, waiting = self._seats.pop(seat_id), self._written.pop(seat_id)
            try:
                if seat is None:
                    await self._store.delete_seat(seat_id)
                else:
                    await self._store.save_seat(seat)
            except Exception:
                self._seats.setdefault(seat_id, seat)  # unless there is a newer version already
                self._written.setdefault(seat_id, []).extend(waiting)
                raise
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    async def _write_journal(self) -> None:
        batches: dict[str, list[JournalEntry]] = {}
        for conference_id, entry in self._journal:
            batches.setdefault(conference_id, []).append(entry)
        count = len(self._journal)
        for conference_id, entries in batches.items():
            await self._store.append(conference_id, entries)
        for _ in range(min(count, len(self._journal))):
            self._journal.popleft()
