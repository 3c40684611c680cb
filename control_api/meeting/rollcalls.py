"""Roll calls in the database and on the podium.

Every step is first written with its journal lines and then shown by a Podium command under an id of its own; after a
crash in between, `recover` shows it again, and showing it twice changes nothing.  The scene of before is stored with
the roll call and comes back as one command (`BringBack`) at the end.  S07, S87.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import structlog
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.rules import NEWEST_RULES
from control_api.conferences.live import Live
from control_api.journal.rows import append
from control_api.live.store import JournalEntry
from control_api.meeting.calling import (
    GOES_ON,
    Action,
    Called,
    Order,
    Result,
    State,
    ToCall,
    acted,
    answered,
    called,
    counted,
    next_open,
    ordered,
    timed_out,
)
from control_api.meeting.ids import new_id
from control_api.meeting.tables import RollCallRow, RollCallSiteRow
from control_api.problems import Refused
from control_api.store.database import Database
from mcu_core.commands import BringBack, Podium
from mcu_core.errors import McuError, OperatorError
from mcu_core.redrawing import kept_redrawn
from mcu_core.scene import CustomTile

_log = structlog.get_logger(__name__)
MOST_SITES = 1000


@dataclass(frozen=True, slots=True)
class RollCall:
    """A roll call as it is stored."""

    row: RollCallRow
    sites: tuple[RollCallSiteRow, ...]

    @property
    def now(self) -> Called:
        row = self.row
        results = tuple(cast("Result | None", site.result) for site in self.sites)
        return Called(cast("State", row.state), row.position, row.seconds, results, row.called_at, row.due_at, row.left)

    @property
    def current(self) -> RollCallSiteRow | None:
        return self.sites[self.row.position] if 0 <= self.row.position < len(self.sites) else None


@dataclass(frozen=True, slots=True)
class Plan:
    """How to call the roll."""

    order: Order = "number"
    seconds: float = NEWEST_RULES.roll_call_seconds
    auto: bool = True
    skip_absent: bool = True
    sites: tuple[str, ...] | None = None  # only these; None: all members


class RollCalls:
    """Owned by the event loop; `_turn` keeps steps of all roll calls in order."""

    def __init__(self, database: Database, live: Live) -> None:
        self._database, self._live = database, live
        self._turn = asyncio.Lock()
        self._due: dict[str, float] | None = None  # roll call -> when its timer ends; None: not read yet

    # -------------------------------------------------------------------------------------------------- reading

    async def get(self, conference: str, roll_call: str) -> RollCall:
        """Raises Refused `unknown_roll_call`."""
        async with self._database.reading() as session:
            return await _found(session, conference, roll_call)

    async def newest(self, conference: str) -> RollCall | None:
        """The one that goes on, or the last one."""
        async with self._database.reading() as session:
            newest = select(RollCallRow).where(RollCallRow.conference_id == conference)
            row = await session.scalar(newest.order_by(RollCallRow.started_at.desc(), RollCallRow.id).limit(1))
            return None if row is None else RollCall(row, await _sites(session, row.id))

    async def page(self, conference: str, offset: int, limit: int) -> tuple[int, list[RollCall]]:
        """Newest first, with how many there are."""
        of_conference = RollCallRow.conference_id == conference
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(RollCallRow).where(of_conference))
            rows = select(RollCallRow).where(of_conference).order_by(RollCallRow.started_at.desc(), RollCallRow.id)
            found = [
                RollCall(row, await _sites(session, row.id))
                for row in await session.scalars(rows.offset(offset).limit(limit))
            ]
        return total or 0, found

    # ------------------------------------------------------------------------------------------------- commands

    async def begin(
        self, conference: str, plan: Plan, script: Sequence[str], *, by: str, at: float, command_id: str | None
    ) -> RollCall:
        """Begin with the first site.  Raises `unknown_conference`, `roll_call_goes_on`, `bad_sites`."""
        made = new_id("r", command_id)
        async with self._turn:
            state = self._live.state(conference)
            async with self._database.reading() as session:
                known = await session.get(RollCallRow, made)
                if known is not None and known.conference_id == conference:  # the same request came before
                    return RollCall(known, await _sites(session, made))
            sites = _to_call(state["sites"], plan, script)
            live = {site["id"] for site in state["sites"] if site["state"] == "live"}
            row = RollCallRow(
                id=made,
                conference_id=conference,
                active=conference,
                state="running",
                order_by=plan.order,
                seconds=plan.seconds,
                auto=plan.auto,
                skip_absent=plan.skip_absent,
                position=0,
                step=1,
                called_at=None,
                due_at=None,
                left=None,
                moment=self._live.moment(conference),
                started_at=at,
                started_by=by,
                ended_at=None,
                ended_by=None,
            )
            begun = Called("running", 0, plan.seconds, (None,) * len(sites))
            async with self._database.writing() as session:
                active = select(RollCallRow.id).where(RollCallRow.active == conference)
                if await session.scalar(active) is not None:
                    raise _goes_on()
                session.add(row)
                await session.flush()
                await session.execute(
                    insert(RollCallSiteRow),
                    [
                        {
                            "roll_call_id": made,
                            "position": position,
                            "site": site.site,
                            "name": site.name,
                            "number": site.number,
                            "result": None,
                            "at": None,
                            "by": None,
                            "remark": "",
                            "on_air_ms": None,
                        }
                        for position, site in enumerate(sites)
                    ],
                )
                started = {"roll_call": made, "order": plan.order, "sites": len(sites)}
                await append(session, conference, [JournalEntry(at, "roll_call_started", by, None, started)])
                stored = RollCall(row, await _sites(session, made))
                await self._store(session, stored, called(begun, 0, at), at, None, live)
            return await self._show(stored, by)

    async def mark(
        self, conference: str, roll_call: str, site: str, result: Result, remark: str, *, by: str, at: float
    ) -> RollCall:
        """Write down a result.  The site that is called now: and on to the next.  Raises Refused `unknown_site`, …"""
        async with self._turn:
            async with self._database.writing() as session:
                stored = await _found(session, conference, roll_call)
                position = next((row.position for row in stored.sites if row.site == site), None)
                if position is None:
                    raise Refused(
                        "unknown_site",
                        f"Lần điểm danh này không có điểm cầu {site}.",
                        f"This roll call has no site {site}.",
                    )
                stored.sites[position].remark = remark
                after = answered(stored.now, position, result, at)
                moved = after.position != stored.row.position or after.state != stored.row.state
                await self._store(session, stored, after, at, by, self._connected(conference))
            return await self._show(stored, by) if moved else stored

    async def act(self, conference: str, roll_call: str, action: Action, step: int, *, by: str, at: float) -> RollCall:
        """Skip, back, repeat, pause, resume, finish or abort; `step` is the one the operator saw.

        Raises Refused `roll_call_moved` when it has gone on since (a repeated request, too), `roll_call_over`.
        """
        async with self._turn:
            async with self._database.writing() as session:
                stored = await _found(session, conference, roll_call)
                if stored.row.state not in GOES_ON:
                    raise Refused(
                        "roll_call_over",
                        "Lần điểm danh này đã kết thúc. Hãy bắt đầu lần mới nếu cần.",
                        "This roll call is over. Begin a new one if it is needed.",
                    )
                if step != stored.row.step:
                    raise Refused(
                        "roll_call_moved",
                        "Điểm danh đã sang bước khác; màn hình vừa được cập nhật. Hãy xem lại rồi bấm lại nếu cần.",
                        "The roll call has moved on; the screen has just been refreshed. Look again, then repeat.",
                    )
                after = acted(stored.now, action, at)
                if after is None:
                    raise Refused(
                        "bad_roll_call_action",
                        "Thao tác này không dùng được lúc này (ví dụ: đang ở điểm cầu đầu tiên).",
                        "That makes no sense at this step (at the first site there is no way back).",
                    )
                await self._store(session, stored, after, at, by, self._connected(conference))
            return await self._show(stored, by)

    async def redraw(self, layout: str, tiles: tuple[CustomTile, ...]) -> None:
        """A layout was drawn anew: so is the scene that comes back when a roll call ends."""
        async with self._turn, self._database.writing() as session:
            for row in await session.scalars(select(RollCallRow).where(RollCallRow.active.is_not(None))):
                row.moment = kept_redrawn(row.moment, layout, tiles)

    # ---------------------------------------------------------------------------------- by the clock, and at start

    async def tick(self, now: float) -> None:
        """End the time of sites that did not answer; call it about twice a second."""
        if self._due is None:
            await self.recover(now)
        assert self._due is not None
        for roll_call, due_at in list(self._due.items()):
            if now >= due_at:
                try:
                    await self._time_out(roll_call, now)
                except McuError as error:  # the database is away, or the conference gone: tried again
                    _log.warning("roll_call_timer", roll_call=roll_call, error=str(error))
                    self._due[roll_call] = now + 5.0

    async def recover(self, now: float) -> None:
        """After a start: show what was called when control died, with its whole time again, and end what was ending."""
        async with self._turn:
            async with self._database.writing() as session:
                rows = list(await session.scalars(select(RollCallRow).where(RollCallRow.active.is_not(None))))
                for row in rows:
                    if row.state == "running" and row.due_at is not None and row.due_at <= now:
                        row.due_at = now + row.seconds
                going = [RollCall(row, await _sites(session, row.id)) for row in rows]
            self._due = {}
            for stored in going:
                try:
                    await self._show(stored, None)
                except McuError as error:
                    _log.warning("roll_call_not_shown", roll_call=stored.row.id, error=str(error))

    async def on_air(self, conference: str, site: str, milliseconds: int) -> None:
        """The picture of a site that was given the podium is on screen."""
        async with self._database.writing() as session:
            row = await session.scalar(select(RollCallRow).where(RollCallRow.active == conference))
            if row is None:
                return
            same = (
                RollCallSiteRow.roll_call_id == row.id,
                RollCallSiteRow.position == row.position,
                RollCallSiteRow.site == site,
                RollCallSiteRow.on_air_ms.is_(None),
            )
            await session.execute(update(RollCallSiteRow).where(*same).values(on_air_ms=milliseconds))

    # ---------------------------------------------------------------------------------------------------- inner

    async def _time_out(self, roll_call: str, now: float) -> None:
        async with self._turn:
            async with self._database.writing() as session:
                row = await session.get(RollCallRow, roll_call)
                if row is None:
                    self._forget(roll_call)
                    return
                stored = RollCall(row, await _sites(session, roll_call))
                live = self._connected(row.conference_id)
                after = timed_out(stored.now, now) if row.auto else None
                if live is None:  # the conference is gone
                    after = acted(stored.now, "abort", now)
                if after is None:
                    self._remember(row)
                    return
                await self._store(session, stored, after, now, None, live)
            await self._show(stored, None)

    def _connected(self, conference: str) -> set[str] | None:
        """Sites that are there now; None while nobody knows."""
        try:
            return {site["id"] for site in self._live.state(conference)["sites"] if site["state"] == "live"}
        except OperatorError:
            return None

    async def _store(
        self,
        session: AsyncSession,
        stored: RollCall,
        after: Called,
        at: float,
        by: str | None,
        live: set[str] | None,
    ) -> None:
        """Write the next step; sites that are not connected are passed over as absent when that is wanted."""
        row, journal = stored.row, list[JournalEntry]()
        for site, result in zip(stored.sites, after.results, strict=True):
            if result is not None and result != site.result:
                journal.append(_result(row.id, site, result, at, by))
        if row.skip_absent and live is not None:
            while after.state == "running" and stored.sites[after.position].site not in live:
                site = stored.sites[after.position]
                if site.result is not None:  # a step back to look at it again
                    break
                journal.append(_result(row.id, site, "absent", at, None))
                results = tuple(r if i != after.position else "absent" for i, r in enumerate(after.results))
                after = Called(after.state, after.position, after.seconds, results)
                after = called(after, next_open(results, after.position), at)
        moved = after.state != row.state or after.position != row.position or after.called_at != row.called_at
        row.step += moved
        row.state, row.position = after.state, after.position
        row.called_at, row.due_at, row.left = after.called_at, after.due_at, after.left
        if after.state in ("finishing", "aborting") and row.ended_at is None:
            row.ended_at, row.ended_by = at, by
            what = "roll_call_ended" if after.state == "finishing" else "roll_call_aborted"
            data = {"roll_call": row.id, **counted([_known(site.result) for site in stored.sites])}
            journal.append(JournalEntry(at, what, by, None, data))
        await append(session, row.conference_id, journal)
        await session.flush()

    async def _show(self, stored: RollCall, by: str | None) -> RollCall:
        """Bring live what is written: the podium of this step, or the scene of before."""
        row = stored.row
        if row.state in ("finishing", "aborting"):
            await self._end(stored, by)
        elif stored.current is not None:
            command_id = f"roll-call/{row.id}/{row.step}"
            try:
                await self._live.command(
                    row.conference_id, Podium(stored.current.site), actor=by, command_id=command_id
                )
            except OperatorError as error:  # the site was taken out of the conference: the timer passes it over
                _log.warning("roll_call_site_gone", roll_call=row.id, site=stored.current.site, error=str(error))
        self._remember(row)
        self._live.tell(row.conference_id, "roll_call", id=row.id, step=row.step)
        return stored

    async def _end(self, stored: RollCall, by: str | None) -> None:
        row = stored.row
        try:
            await self._live.command(
                row.conference_id, BringBack(row.moment), actor=by, command_id=f"roll-call/{row.id}/end"
            )
        except OperatorError as error:  # the conference is gone, or the scene cannot be read: nothing to bring back
            _log.warning("roll_call_scene_not_back", roll_call=row.id, error=str(error))
        state = "finished" if row.state == "finishing" else "aborted"
        async with self._database.writing() as session:
            ended = (
                update(RollCallRow).where(RollCallRow.id == row.id).values(state=state, active=None, step=row.step + 1)
            )
            await session.execute(ended)
        row.state, row.active = state, None
        row.step += 1

    def _remember(self, row: RollCallRow) -> None:
        if self._due is None:
            return
        if row.active is not None and row.auto and row.state == "running" and row.due_at is not None:
            self._due[row.id] = row.due_at
        else:
            self._forget(row.id)

    def _forget(self, roll_call: str) -> None:
        if self._due is not None:
            self._due.pop(roll_call, None)


def _known(result: str | None) -> Result | None:
    return cast("Result | None", result)


def _result(roll_call: str, site: RollCallSiteRow, result: Result, at: float, by: str | None) -> JournalEntry:
    """Set it, and the journal's line of it."""
    data = {"roll_call": roll_call, "result": result, "was": site.result}
    if site.remark:
        data["remark"] = site.remark
    site.result, site.at, site.by = result, at, by
    return JournalEntry(at, "roll_call_result", by, site.site, data)


async def _found(session: AsyncSession, conference: str, roll_call: str) -> RollCall:
    row = await session.get(RollCallRow, roll_call)
    if row is None or row.conference_id != conference:
        raise Refused(
            "unknown_roll_call",
            f"Phiên họp không có lần điểm danh {roll_call}.",
            f"The conference has no roll call {roll_call}.",
        )
    return RollCall(row, await _sites(session, roll_call))


async def _sites(session: AsyncSession, roll_call: str) -> tuple[RollCallSiteRow, ...]:
    rows = select(RollCallSiteRow).where(RollCallSiteRow.roll_call_id == roll_call)
    return tuple(await session.scalars(rows.order_by(RollCallSiteRow.position)))


def _to_call(sites: list[dict[str, object]], plan: Plan, script: Sequence[str]) -> list[ToCall]:
    """Whom to call, in order.  Raises Refused `bad_sites`."""
    known = {str(site["id"]): site for site in sites}
    wanted = [key for key, site in known.items() if site["role"] != "main"] if plan.sites is None else plan.sites
    if plan.sites is not None and (strangers := [site for site in plan.sites if site not in known]):
        raise Refused(
            "bad_sites",
            f"Phiên họp không có điểm cầu {', '.join(strangers[:5])}.",
            f"The conference has no site {', '.join(strangers[:5])}.",
        )
    if not wanted:
        raise Refused(
            "bad_sites",
            "Không có điểm cầu nào để điểm danh. Hãy thêm điểm cầu thành phần trước.",
            "There is no site to call. Add member sites first.",
        )
    found = [ToCall(key, int(str(known[key]["number"])), str(known[key]["name"])) for key in dict.fromkeys(wanted)]
    return ordered(found, plan.order, script if plan.order == "script" else (plan.sites or ()))


def _goes_on() -> Refused:
    return Refused(
        "roll_call_goes_on",
        "Phiên họp đang điểm danh. Hãy kết thúc lần đang chạy trước khi bắt đầu lần mới.",
        "A roll call goes on already. End it before beginning another.",
    )
