"""Who asks to speak: a queue in the database, shown to the consoles and to the sites that wait (S08, S91, S95).

A site raises its hand, or the operator does it for one that telephoned; the floor is given by the Podium command.  The
time from asking to the picture on air is kept.  One request per site at a time, at most `MOST` in a conference.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.conferences.live import Live
from control_api.journal.rows import append
from control_api.live.store import JournalEntry, Json
from control_api.meeting.ids import new_id
from control_api.meeting.tables import FloorRequestRow
from control_api.problems import Refused
from control_api.store.database import Database
from mcu_core.commands import CallNext, Podium
from mcu_core.errors import OperatorError
from signaling import errors
from signaling.messages import Hand

MOST = 200
_SETTLING = 2.0  # seconds in which the podium may follow what is written


class Floor:
    """Owned by the event loop; `_turn` keeps changes in order."""

    def __init__(self, database: Database, live: Live) -> None:
        self._database, self._live = database, live
        self._turn = asyncio.Lock()

    # -------------------------------------------------------------------------------------------------- reading

    async def queue(self, conference: str) -> list[FloorRequestRow]:
        """Who speaks and who waits, in order."""
        async with self._database.reading() as session:
            return await _queue(session, conference)

    async def past(self, conference: str, offset: int, limit: int) -> tuple[int, list[FloorRequestRow]]:
        """All requests of a conference, newest first, with how many there are."""
        mine = FloorRequestRow.conference_id == conference
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(FloorRequestRow).where(mine))
            rows = select(FloorRequestRow).where(mine).order_by(FloorRequestRow.raised_at.desc(), FloorRequestRow.id)
            return total or 0, list(await session.scalars(rows.offset(offset).limit(limit)))

    # ------------------------------------------------------------------------------------------------- changing

    async def raise_hand(
        self, conference: str, site: str, *, by: str | None, at: float, command_id: str | None = None
    ) -> FloorRequestRow:
        """Put a site into the queue; one that is there already stays where it is.

        Raises OperatorError unknown_conference or unknown_site, EndpointError queue_full.
        """
        name = _name(self._live, conference, site)
        async with self._turn:
            async with self._database.writing() as session:
                waiting = await _queue(session, conference)
                here = next((row for row in waiting if row.site == site), None)
                if here is None and command_id is not None:
                    here = await session.get(FloorRequestRow, new_id("f", command_id))
                if here is not None:
                    row = here
                elif len(waiting) >= MOST:
                    raise errors.queue_full()
                else:
                    row = FloorRequestRow(
                        id=new_id("f", command_id),
                        conference_id=conference,
                        active=f"{conference}/{site}",
                        site=site,
                        name=name,
                        state="waiting",
                        rank=max((other.rank for other in waiting), default=0.0) + 1.0,
                        raised_at=at,
                        raised_by=by,
                        given_at=None,
                        given_by=None,
                        on_air_ms=None,
                        ended_at=None,
                    )
                    session.add(row)
                    await append(session, conference, [JournalEntry(at, "hand_raised", by, site, {"request": row.id})])
            await self._tell(conference)
        return row

    async def withdraw(self, conference: str, site: str, *, by: str | None, at: float) -> None:
        """The hand goes down; nothing happens when it is down, or the site speaks already."""
        async with self._turn:
            async with self._database.writing() as session:
                row = await _of_site(session, conference, site)
                if row is not None and row.state == "waiting":
                    await _end(session, row, "withdrawn", at, by)
            await self._tell(conference, site)

    async def remove(self, conference: str, request: str, *, by: str, at: float) -> FloorRequestRow:
        """The operator takes a site out of the queue, or ends its speech.  Raises Refused `unknown_request`."""
        async with self._turn:
            async with self._database.writing() as session:
                row = await _found(session, conference, request)
                speaking = row.state == "speaking"
                if row.active is not None:
                    await _end(session, row, "done" if speaking else "withdrawn", at, by)
            if speaking and self._live.state(conference)["podium"] == row.site:
                await self._live.command(conference, Podium(None), actor=by, command_id=f"floor/{row.id}/done")
            await self._tell(conference, row.site)
        return row

    async def give(self, conference: str, request: str, *, by: str, at: float) -> FloorRequestRow:
        """Give a waiting site the podium; whoever spoke before is done.

        Raises Refused `unknown_request`, `request_over`, OperatorError unknown_site.
        """
        async with self._turn:
            async with self._database.reading() as session:
                row = await _found(session, conference, request)
            if row.active is None:
                raise Refused(
                    "request_over",
                    "Lượt phát biểu này đã kết thúc hoặc đã được rút. Hãy chọn lượt khác.",
                    "This request is over or was withdrawn. Choose another one.",
                )
            # First the picture: it must not wait for our own rows, and giving the podium twice changes nothing.
            await self._live.command(conference, Podium(row.site), actor=by, command_id=f"floor/{row.id}/give")
            async with self._database.writing() as session:
                row = await _found(session, conference, request)
                await _given(session, row, by, at)
            await self._tell(conference, row.site)
        return row

    async def call_next(self, conference: str, request: str, *, by: str) -> FloorRequestRow:
        """Tell a waiting site that it is next (S95)."""
        async with self._database.reading() as session:
            row = await _found(session, conference, request)
        await self._live.command(conference, CallNext(row.site), actor=by)
        return row

    async def move(self, conference: str, request: str, position: int, *, by: str, at: float) -> list[FloorRequestRow]:
        """Put a waiting site at a position, from 1; past the end: last.  Raises Refused `unknown_request`."""
        async with self._turn:
            async with self._database.writing() as session:
                row = await _found(session, conference, request)
                rows = await _queue(session, conference)
                waiting = [other for other in rows if other.state == "waiting" and other.id != row.id]
                if row.state == "waiting":
                    before = [other.id for other in rows if other.state == "waiting"]
                    waiting.insert(position - 1, row)
                    for rank, other in enumerate(waiting, start=1):
                        other.rank = float(rank)
                    if [other.id for other in waiting] != before:
                        moved: Json = {"request": row.id, "position": 1 + waiting.index(row)}
                        await append(session, conference, [JournalEntry(at, "queue_moved", by, row.site, moved)])
            await self._tell(conference)
            return await self.queue(conference)

    # --------------------------------------------------------------------------------------- what the room tells

    async def on_air(self, conference: str, site: str, milliseconds: int, *, at: float) -> None:
        """The podium's picture is on screen: of a request, if the site has one, however it was given."""
        async with self._turn:
            async with self._database.writing() as session:
                row = await _of_site(session, conference, site)
                if row is None or row.on_air_ms is not None:
                    return
                if row.state == "waiting":
                    await _given(session, row, None, at - milliseconds / 1000)
                row.on_air_ms = milliseconds
                asked_s = round((row.given_at or at) - row.raised_at + milliseconds / 1000, 3)
                data: Json = {"request": row.id, "ms": milliseconds, "since_asked_s": asked_s}
                await append(session, conference, [JournalEntry(at, "floor_on_air", None, site, data)])
            await self._tell(conference, site)

    async def settle(self, now: float) -> None:
        """A site that lost the podium, by whichever command, has spoken.  Called by the meeting's task."""
        speaking = select(FloorRequestRow).where(
            FloorRequestRow.state == "speaking", FloorRequestRow.active.is_not(None)
        )
        async with self._database.reading() as session:
            rows = list(await session.scalars(speaking))
        for row in rows:
            if now - (row.given_at or now) < _SETTLING or self._podium(row.conference_id) == row.site:
                continue
            async with self._turn:
                async with self._database.writing() as session:
                    again = await session.get(FloorRequestRow, row.id)
                    if again is not None and again.state == "speaking":
                        await _end(session, again, "done", now, None)
                await self._tell(row.conference_id, row.site)

    def _podium(self, conference: str) -> str | None:
        try:
            podium: str | None = self._live.state(conference)["podium"]
        except OperatorError:  # the conference is gone
            return None
        return podium

    async def greet(self, conference: str, site: str) -> None:
        """An endpoint came (back): tell it of its hand when it is up."""
        rows = await self.queue(conference)
        if any(row.site == site for row in rows):
            self._hands(conference, rows, only=site)

    async def _tell(self, conference: str, *lowered: str) -> None:
        """Consoles look again; waiting sites are told their place, `lowered` ones that they have none."""
        rows = await self.queue(conference)
        self._hands(conference, rows)
        for site in lowered:
            if all(row.site != site or row.state != "waiting" for row in rows):
                waiting = sum(row.state == "waiting" for row in rows)
                self._live.tell_site(conference, site, Hand(raised=False, waiting=waiting))
        self._live.tell(conference, "floor", waiting=sum(row.state == "waiting" for row in rows))

    def _hands(self, conference: str, rows: list[FloorRequestRow], only: str | None = None) -> None:
        waiting = [row for row in rows if row.state == "waiting"]
        for position, row in enumerate(waiting, start=1):
            if only in (None, row.site):
                hand = Hand(raised=True, position=position, waiting=len(waiting))
                self._live.tell_site(conference, row.site, hand)


async def _queue(session: AsyncSession, conference: str) -> list[FloorRequestRow]:
    rows = select(FloorRequestRow).where(
        FloorRequestRow.conference_id == conference, FloorRequestRow.active.is_not(None)
    )
    found = list(await session.scalars(rows.order_by(FloorRequestRow.rank, FloorRequestRow.id)))
    return sorted(found, key=lambda row: row.state != "speaking")


async def _of_site(session: AsyncSession, conference: str, site: str) -> FloorRequestRow | None:
    mine = select(FloorRequestRow).where(FloorRequestRow.active == f"{conference}/{site}")
    found: FloorRequestRow | None = await session.scalar(mine)
    return found


async def _found(session: AsyncSession, conference: str, request: str) -> FloorRequestRow:
    row = await session.get(FloorRequestRow, request)
    if row is None or row.conference_id != conference:
        raise Refused(
            "unknown_request",
            f"Hàng chờ phát biểu không có lượt {request}.",
            f"The speaking queue has no request {request}.",
        )
    return row


async def _given(session: AsyncSession, row: FloorRequestRow, by: str | None, at: float) -> None:
    """The site speaks from now on; who spoke before is done."""
    if row.state != "waiting":
        return
    for other in await _queue(session, row.conference_id):
        if other.state == "speaking":
            await _end(session, other, "done", at, by)
    row.state, row.given_at, row.given_by = "speaking", at, by
    data: Json = {"request": row.id, "waited_s": round(at - row.raised_at, 1)}
    await append(session, row.conference_id, [JournalEntry(at, "floor_given", by, row.site, data)])


async def _end(session: AsyncSession, row: FloorRequestRow, state: str, at: float, by: str | None) -> None:
    row.state, row.active, row.ended_at = state, None, at
    what = "floor_done" if state == "done" else "hand_lowered"
    await append(session, row.conference_id, [JournalEntry(at, what, by, row.site, {"request": row.id})])


def _name(live: Live, conference: str, site: str) -> str:
    """Name of a site.  Raises OperatorError unknown_conference or unknown_site."""
    for one in live.state(conference)["sites"]:
        if one["id"] == site:
            return str(one["name"])
    raise OperatorError("unknown_site", f"Phiên họp không có điểm cầu {site}.", f"The conference has no site {site}.")
