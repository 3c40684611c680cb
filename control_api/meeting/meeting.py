"""Everything that helps while a meeting runs, gathered: `services.meeting`; and its task, `run`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from control_api.conferences.live import Live
from control_api.meeting import keeping as keeping  # the nightly upkeep finds its rules
from control_api.meeting.boards import HOUR_BEFORE, Boards
from control_api.meeting.cues import Cues
from control_api.meeting.desk import Desk
from control_api.meeting.floor import Floor
from control_api.meeting.grades import PERIOD
from control_api.meeting.invitations import Invitations, Ring, nobody_rings
from control_api.meeting.issues import Issues
from control_api.meeting.quality import QualityHistory, QualityRecorder
from control_api.meeting.rollcalls import RollCalls
from control_api.store.database import Database

_log = structlog.get_logger(__name__)
_STEP = 0.5  # seconds
_PRUNE_EVERY = 3600.0
_LOOK_EVERY = 20.0
_SETTLE_EVERY = 2.0
Booked = Callable[[str], Awaitable[tuple[float, float] | None]]  # conference -> all connected by, begins at


async def not_booked(conference: str) -> tuple[float, float] | None:
    """Nothing is known of a meeting."""
    return None


class Meeting:
    """`now` is the wall clock.  Constructing it starts nothing."""

    def __init__(
        self,
        database: Database,
        live: Live,
        now: Callable[[], float],
        *,
        quality_days: float = 365.0,
        booked: Booked = not_booked,
        ring: Ring = nobody_rings,
    ) -> None:
        self._live, self._now, self._quality_days = live, now, quality_days
        self.roll_calls = RollCalls(database, live)
        self.floor = Floor(database, live)
        self.issues = Issues(database, live)
        self.cues = Cues(database, live)
        self.boards = Boards(database, live)
        self.invitations = Invitations(database, live, ring)
        self._booked = booked
        self._boarded: set[str] = set()  # conferences whose board of an hour before is written
        self.recorder = QualityRecorder(database, live)
        self.history = QualityHistory(database)
        self.desk = Desk(self.floor, self.issues, self.cues, self.roll_calls, now)

    async def run(self) -> None:
        """Timers, readings and pruning until cancelled."""
        await self._live.ready.wait()
        await self.recorder.prepare()
        await self.roll_calls.recover(self._now())
        read_at = prune_at = look_at = settle_at = 0.0
        while True:
            now = self._now()
            await self.desk.catch_up()
            await self.roll_calls.tick(now)
            if now >= settle_at or now < settle_at - 2 * _SETTLE_EVERY:
                settle_at = now + _SETTLE_EVERY
                await self.floor.settle(now)
            if now >= read_at or now < read_at - 2 * PERIOD:  # the second: the clock was set back
                read_at = (now // PERIOD + 1) * PERIOD
                await self.recorder.read_all(now)
            if now >= look_at or now < look_at - 2 * _LOOK_EVERY:
                look_at = now + _LOOK_EVERY
                await self.invitations.again(now)
                await self.keep_boards(now)
            if now >= prune_at or now < prune_at - 2 * _PRUNE_EVERY:
                some = await self.recorder.prune(now, self._quality_days)
                prune_at = now + (_STEP if some else _PRUNE_EVERY)
            await asyncio.sleep(_STEP)

    async def keep_boards(self, now: float) -> None:
        """Write down who is connected an hour before a meeting begins (S87); looked at often, written once."""
        going = {str(one["id"]) for one in self._live.conferences()}
        self._boarded &= going
        for conference in going - self._boarded:
            times = await self._booked(conference)
            if times is None or now < times[0]:
                continue
            self._boarded.add(conference)
            if now < times[1]:
                await self.boards.keep(conference, HOUR_BEFORE, by=None, at=now)
