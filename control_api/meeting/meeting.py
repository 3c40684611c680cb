"""Everything that helps while a meeting runs, gathered: `services.meeting`; and its task, `run`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from control_api.conferences.live import Live
from control_api.meeting.boards import Boards
from control_api.meeting.cues import Cues
from control_api.meeting.desk import Desk
from control_api.meeting.floor import Floor
from control_api.meeting.grades import PERIOD
from control_api.meeting.issues import Issues
from control_api.meeting.quality import QualityHistory, QualityRecorder
from control_api.meeting.rollcalls import RollCalls
from control_api.store.database import Database

_log = structlog.get_logger(__name__)
_STEP = 0.5  # seconds
_PRUNE_EVERY = 3600.0


class Meeting:
    """`now` is the wall clock.  Constructing it starts nothing."""

    def __init__(
        self, database: Database, live: Live, now: Callable[[], float], *, quality_days: float = 365.0
    ) -> None:
        self._live, self._now, self._quality_days = live, now, quality_days
        self.roll_calls = RollCalls(database, live)
        self.floor = Floor(database, live)
        self.issues = Issues(database, live)
        self.cues = Cues(database, live)
        self.boards = Boards(database, live)
        self.recorder = QualityRecorder(database, live)
        self.history = QualityHistory(database)
        self.desk = Desk(self.floor, self.issues, self.cues, self.roll_calls, now)

    async def run(self) -> None:
        """Timers, readings and pruning until cancelled."""
        await self._live.ready.wait()
        await self.roll_calls.recover(self._now())
        read_at = prune_at = 0.0
        while True:
            now = self._now()
            await self.desk.catch_up()
            await self.roll_calls.tick(now)
            if now >= read_at or now < read_at - 2 * PERIOD:  # the second: the clock was set back
                read_at = (now // PERIOD + 1) * PERIOD
                await self.recorder.read_all(now)
            if now >= prune_at or now < prune_at - 2 * _PRUNE_EVERY:
                some = await self.recorder.prune(now, self._quality_days)
                prune_at = now + (_STEP if some else _PRUNE_EVERY)
            await asyncio.sleep(_STEP)
