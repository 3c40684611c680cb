"""Self-tests (S53, article 11.4e): a short synthetic call through the real server, asked for, by the clock, or by hand.

The rows are the interface: whoever wants a test adds one (`ask`), the control process's background task runs it in
`calls.py` and writes what came out.  So the command line needs no account, only the database.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence

from sqlalchemy import func, select, update

from control_api.checks.tables import SelfTestRow
from control_api.live.store import Json
from control_api.problems import Refused
from control_api.store.database import Database

STALE = 600.0  # s after which a test that runs is given up: its process has died


class SelfTests:
    """`now` is the wall clock.  Each method is one transaction."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database, self._now = database, now

    async def ask(self, by: str | None, key: str | None = None) -> SelfTestRow:
        """Ask for a test; one that waits or runs serves for this one too."""
        now = self._now()
        test = secrets.token_hex(8) if key is None else hashlib.sha256(key.encode()).hexdigest()[:16]
        async with self._database.writing() as session:
            known = await session.get(SelfTestRow, f"st-{test}")
            open_ones = select(SelfTestRow).where(SelfTestRow.state != "done", SelfTestRow.asked_at > now - STALE)
            known = known or await session.scalar(open_ones.order_by(SelfTestRow.asked_at).limit(1))
            if known is not None:
                return known
            row = SelfTestRow(
                id=f"st-{test}",
                state="wanted",
                asked_at=now,
                asked_by=by,
                started_at=None,
                done_at=None,
                good=None,
                report={},
            )
            session.add(row)
            return row

    async def take(self) -> SelfTestRow | None:
        """The next test that is wanted; it is running from now on.  Stale ones are closed as failed."""
        now = self._now()
        async with self._database.writing() as session:
            stale = SelfTestRow.state == "running", SelfTestRow.started_at < now - STALE
            given_up = {"state": "done", "done_at": now, "good": False, "report": {"problems": ["given_up"]}}
            await session.execute(update(SelfTestRow).where(*stale).values(**given_up))
            wanted = select(SelfTestRow).where(SelfTestRow.state == "wanted").order_by(SelfTestRow.asked_at).limit(1)
            row = await session.scalar(wanted)
            if row is not None:
                row.state, row.started_at = "running", now
            return row

    async def finish(self, test: str, *, good: bool, report: Json) -> None:
        async with self._database.writing() as session:
            done = {"state": "done", "done_at": self._now(), "good": good, "report": report}
            await session.execute(update(SelfTestRow).where(SelfTestRow.id == test).values(**done))

    async def page(self, offset: int, limit: int) -> tuple[Sequence[SelfTestRow], int]:
        """Newest first, and how many there are."""
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(SelfTestRow)) or 0
            query = select(SelfTestRow).order_by(SelfTestRow.asked_at.desc(), SelfTestRow.id)
            return (await session.scalars(query.offset(offset).limit(limit))).all(), total

    async def get(self, test: str) -> SelfTestRow:
        """Raises Refused `unknown_self_test`."""
        async with self._database.reading() as session:
            row = await session.get(SelfTestRow, test)
        if row is None:
            raise Refused(
                "unknown_self_test", f"Không có lần tự kiểm tra “{test}”.", f"There is no self-test “{test}”."
            )
        return row

    async def last_by_clock(self) -> float | None:
        """When the newest scheduled test was asked for, Unix seconds."""
        async with self._database.reading() as session:
            return await session.scalar(select(func.max(SelfTestRow.asked_at)).where(SelfTestRow.asked_by.is_(None)))
