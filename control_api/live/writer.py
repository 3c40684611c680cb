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
        self._journal: deque[tuple[str, JournalEntry]] = deque()  # at most JOURNAL_LIMIT
        self._dropped: dict[str, int] = {}  # by conference, not yet told in its journal
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
        if len(self._journal) >= JOURNAL_LIMIT:
            of, _ = self._journal.popleft()
            self._dropped[of] = self._dropped.get(of, 0) + 1
            self.journal_dropped += 1
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
            seats, self._seats = self._seats, {}
            written, self._written = self._written, {}
            try:
                await self._store.save_seats(seats)
            except Exception:
                self._seats = seats | self._seats  # newer versions win
                for seat_id, waiting in written.items():
                    self._written.setdefault(seat_id, []).extend(waiting)
                raise
            for waiting in written.values():
                for future in waiting:
                    if not future.done():
                        future.set_result(None)

    async def _write_journal(self) -> None:
        """All conferences in one transaction; what was dropped before is told where it is missing."""
        if not self._journal:
            return
        batches: dict[str, list[JournalEntry]] = {}
        dropped, self._dropped = self._dropped, {}
        for conference_id, count in dropped.items():
            entry = JournalEntry(self._clock.wall(), "journal_gap", None, None, {"lines": count})
            batches.setdefault(conference_id, []).append(entry)
        waiting, self._journal = self._journal, deque()
        for conference_id, entry in waiting:
            batches.setdefault(conference_id, []).append(entry)
        try:
            await self._store.append(batches)
        except Exception:
            for conference_id, count in self._dropped.items():
                dropped[conference_id] = dropped.get(conference_id, 0) + count
            self._dropped = dropped
            newer, self._journal = self._journal, waiting
            for conference_id, entry in newer:
                self.journal(conference_id, entry)
            raise
