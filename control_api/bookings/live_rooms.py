"""Makes live conferences as the bookings want them, and ends those of bookings that are over.

What is wanted is committed with the booking (`live`: wanted, unwanted); this brings the live conferences there, at
once after a command and again by the clock and at every start, so a crash in between leaves nothing half done.  Every
step looks first whether it is done.  One task at a time.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from sqlalchemy import select, update

from control_api.bookings.desk import sites_of
from control_api.bookings.steps import Step
from control_api.bookings.tables import BookingRow, BookingSite
from control_api.conferences.live import Live
from control_api.live.store import Json
from control_api.store.database import Database
from mcu_core.commands import AddSite, Command, RemoveSite, SetLayout, SetOptions, SetRendition, SetRole, SetTitle
from mcu_core.errors import McuError
from mcu_core.names import MAX_NAME

KEPT = 86400.0  # seconds a room outlives the close of its meeting, for whoever writes the minutes
_AT_ONCE = 50
log = structlog.get_logger("bookings")


class LiveRooms:
    def __init__(self, database: Database, live: Live) -> None:
        self._database = database
        self._live = live
        self._turn = asyncio.Lock()

    async def settle(self, booking_id: str | None = None) -> None:
        """Bring one booking's conference, or all that are due, to what is wanted.  Failures are logged, tried again."""
        async with self._turn:
            async with self._database.reading() as session:
                due = select(BookingRow.id).where(BookingRow.live.in_(("wanted", "unwanted")))
                if booking_id is not None:
                    due = due.where(BookingRow.id == booking_id)
                ids = list(await session.scalars(due.order_by(BookingRow.starts_at).limit(_AT_ONCE)))
            for its_id in ids:
                try:
                    await self._settle(its_id)
                except McuError as error:
                    log.warning("room not settled", booking=its_id, code=error.code, error=error.en)

    async def retire(self, now: float) -> None:
        """Rooms whose meeting was closed a day ago are not wanted any more (S101)."""
        async with self._database.writing() as session:
            old = (BookingRow.state == Step.CLOSED, BookingRow.live == "made", BookingRow.state_at < now - KEPT)
            await session.execute(update(BookingRow).where(*old).values(live="unwanted"))

    async def _settle(self, its_id: str) -> None:
        async with self._database.reading() as session:
            row = await session.get(BookingRow, its_id)
            if row is None:
                return
            sites, seen = await sites_of(session, its_id), row.revision
        if row.live == "wanted":
            put = await self._make(row, sites)
            await self._settled(its_id, seen, "wanted", "made", put)
        elif row.live == "unwanted":
            if self._exists(row.conference_id):
                await self._live.delete_conference(row.conference_id, actor=None)
            await self._settled(its_id, seen, "unwanted", "none", {})

    async def _settled(self, its_id: str, seen: int, was: str, now: str, put: Json) -> None:
        """Say so, unless the booking has changed meanwhile: then it is done again."""
        async with self._database.writing() as session:
            same = (BookingRow.id == its_id, BookingRow.revision == seen, BookingRow.live == was)
            await session.execute(update(BookingRow).where(*same).values(live=now, live_sites=put))

    def _exists(self, conference_id: str) -> bool:
        return any(one["id"] == conference_id for one in self._live.conferences())

    async def _make(self, row: BookingRow, sites: list[BookingSite]) -> Json:
        """Returns what the booking has put into the room, so that a change takes out only its own."""
        room, actor = row.conference_id, row.owner
        title = row.title if len(row.title) <= MAX_NAME else f"{row.title[: MAX_NAME - 1]}…"
        new = not self._exists(room)
        if new:
            await self._live.create_conference(title, actor=actor, conference_id=room)
        state = self._live.state(room)
        if state["title"] != title:
            await self._do(room, SetTitle(title), actor)
        there = {site["id"]: site for site in state["sites"]}
        wanted = {site.site_id: site for site in sites}
        for gone in row.live_sites.get("sites", ()):
            if gone in there and gone not in wanted:
                await self._do(room, RemoveSite(gone), actor)
        for site in sites:
            if site.site_id not in there:
                await self._do(room, AddSite(site.name, "member", site.site_id), actor)
            if site.role == "main" and there.get(site.site_id, {}).get("role") != "main":
                await self._do(room, SetRole(site.site_id, "main"), actor)
        if row.live_sites.get("parameters") != row.parameters:
            for command in commands_of(row.parameters):
                await self._do(room, command, actor)
        return {"sites": sorted(wanted), "parameters": row.parameters}

    async def _do(self, room: str, command: Command, actor: str) -> Any:
        return await self._live.command(room, command, actor=actor)


def commands_of(parameters: Json) -> list[Command]:
    """What brings a room to a booking's parameters (`parameters.Parameters`, as stored; S35)."""
    size = parameters["width"], parameters["height"], parameters["frame_rate"], parameters["bitrate_bps"]
    return [
        SetRendition("programme", *size),
        SetRendition("chair", *size),
        SetLayout("programme", parameters["programme_layout"]),
        SetLayout("chair", parameters["chair_layout"]),
        SetOptions(parameters["auto_mute_noisy"], parameters["pass_through"]),
    ]
