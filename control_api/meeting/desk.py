"""What sites ask of the meeting, and what comes on air: the live conferences' `Listener`.

How often a site may ask is limited here; what is asked is done by floor, issues and cues.  What must not wait is put
into `_happened` and done by the meeting's task.  Owned by the event loop.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

import structlog

from control_api.meeting.cues import Cues
from control_api.meeting.floor import Floor
from control_api.meeting.issues import Issues, Report
from control_api.meeting.rollcalls import RollCalls
from mcu_core.errors import McuError
from signaling import errors
from signaling.messages import CueSeen, LowerHand, RaiseHand, ReportIssue, Request

_log = structlog.get_logger(__name__)
PAUSE = {"raise_hand": 2.0, "lower_hand": 2.0, "report_issue": 15.0, "cue_seen": 1.0}  # seconds between two of a site
_MOST_REMEMBERED = 10_000
_MOST_WAITING = 2_000


class Desk:
    """`now` is the wall clock."""

    def __init__(
        self, floor: Floor, issues: Issues, cues: Cues, roll_calls: RollCalls, now: Callable[[], float]
    ) -> None:
        self._floor, self._issues, self._cues, self._roll_calls = floor, issues, cues, roll_calls
        self._now = now
        self._last: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._happened: deque[tuple[str, str, int | None]] = deque(maxlen=_MOST_WAITING)  # None: it entered

    # ------------------------------------------------------------------------------------------- live's Listener

    async def asked(self, conference: str, site: str, request: Request) -> None:
        """Raises EndpointError too_often or queue_full, PeerLost when the database is away."""
        now = self._now()
        self._check_pause(conference, site, "hand" if "hand" in request.type else request.type, request.type, now)
        match request:
            case RaiseHand():
                await self._floor.raise_hand(conference, site, by=None, at=now)
            case LowerHand():
                await self._floor.withdraw(conference, site, by=None, at=now)
            case ReportIssue():
                report = Report(site, "site", request.category, request.text)
                await self._issues.report(conference, report, by=None, at=now)
            case CueSeen():
                await self._cues.seen(conference, site, request, at=now)

    def entered(self, conference: str, site: str) -> None:
        self._happened.append((conference, site, None))

    def on_air(self, conference: str, command: str, site: str | None, seconds: float) -> None:
        if command == "Podium" and site is not None:
            self._happened.append((conference, site, round(seconds * 1000)))

    # ------------------------------------------------------------------------------------------- the task's part

    async def catch_up(self) -> None:
        """Do what happened since the last time; what fails is logged, nobody waits for it."""
        while self._happened:
            conference, site, milliseconds = self._happened.popleft()
            try:
                if milliseconds is None:
                    await self._floor.greet(conference, site)
                    await self._cues.greet(conference, site)
                    await self._issues.greet(conference, site)
                else:
                    await self._roll_calls.on_air(conference, site, milliseconds)
                    await self._floor.on_air(conference, site, milliseconds, at=self._now())
            except McuError as error:
                _log.warning("not_caught_up", conference=conference, site=site, error=str(error))

    def _check_pause(self, conference: str, site: str, group: str, kind: str, now: float) -> None:
        key = (conference, site, group)
        last = self._last.get(key)
        if last is not None and 0 <= now - last < PAUSE[kind]:
            raise errors.too_often()
        self._last[key] = now
        self._last.move_to_end(key)
        while len(self._last) > _MOST_REMEMBERED:
            self._last.popitem(last=False)
