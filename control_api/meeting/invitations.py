"""Calling the sites that are not there yet (S83): who was called how often, and how; again by the MCU itself.

A site is called on its own page when that is open, and by e-mail with its link (`Ring`).  Where neither can be done,
the operator telephones: the contact card is beside it, and the call is written down all the same.  The MCU calls a
site that stays away again after two, then four minutes, and stops after `MOST_TRIES` or when it has come.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

from control_api.conferences.live import Live
from control_api.journal.rows import append
from control_api.live.store import JournalEntry, Json
from control_api.meeting.tables import InvitationRow
from control_api.store.database import Database
from mcu_core.errors import McuError, OperatorError

MOST_TRIES = 3
PAUSE = 120.0  # seconds before the second call; doubled before each later one
Way = Literal["page", "notice", "phone"]
Progress = Literal["connected", "connecting", "called", "given_up", "not_called"]
Ring = Callable[[str, Sequence[str]], Awaitable[Mapping[str, Way]]]  # conference, sites -> how each was reached


@dataclass(frozen=True, slots=True)
class Invited:
    """One site of the conference and how far its call is."""

    site: str
    number: int
    name: str
    state: str  # of the live conference
    progress: Progress
    tries: int = 0
    last_at: float | None = None
    last_by: str | None = None
    way: str | None = None
    next_at: float | None = None


def next_call(tries: int, now: float) -> float | None:
    """When to call again after so many calls; None: not again.  Pure."""
    return None if tries >= MOST_TRIES else now + PAUSE * 2 ** (tries - 1)


async def nobody_rings(conference: str, sites: Sequence[str]) -> Mapping[str, Way]:
    """Nothing can be sent: the operator telephones."""
    return {}


class Invitations:
    def __init__(self, database: Database, live: Live, ring: Ring = nobody_rings) -> None:
        self._database, self._live, self._ring = database, live, ring

    async def all(self, conference: str) -> list[Invited]:
        """Raises OperatorError unknown_conference."""
        sites = self._live.state(conference)["sites"]
        async with self._database.reading() as session:
            rows = await session.scalars(select(InvitationRow).where(InvitationRow.conference_id == conference))
            known = {row.site: row for row in rows}
        return [_invited(site, known.get(str(site["id"]))) for site in sites]

    async def call(self, conference: str, sites: Sequence[str] | None, *, by: str | None, at: float) -> list[Invited]:
        """Call sites, None: all that are absent.  Who is there is not called.  Raises OperatorError unknown_site."""
        states = {str(site["id"]): str(site["state"]) for site in self._live.state(conference)["sites"]}
        for site in sites or ():
            if site not in states:
                raise OperatorError(
                    "unknown_site", f"Phiên họp không có điểm cầu {site}.", f"The conference has no site {site}."
                )
        wanted = [site for site in (states if sites is None else dict.fromkeys(sites)) if states[site] == "absent"]
        if wanted:
            sent = await self._ring(conference, wanted)
            async with self._database.writing() as session:
                for site in wanted:
                    row = await session.get(InvitationRow, (conference, site))
                    if row is None:
                        row = InvitationRow(conference_id=conference, site=site, tries=0)
                        session.add(row)
                    row.tries = 1 if by is not None and row.tries >= MOST_TRIES else row.tries + 1
                    row.last_at, row.last_by = at, by
                    row.way = sent.get(site, "phone")
                    row.next_at = next_call(row.tries, at) if site in sent else None
                data: Json = {"sites": wanted, "notices": len(sent)}
                await append(session, conference, [JournalEntry(at, "sites_called", by, None, data)])
            self._live.tell(conference, "invitations", at=at)
        return await self.all(conference)

    async def again(self, now: float) -> int:
        """Call again those whose time has come; returns how many.  Called by the meeting's task."""
        async with self._database.reading() as session:
            due = select(InvitationRow).where(InvitationRow.next_at <= now).order_by(InvitationRow.conference_id)
            rows = list(await session.scalars(due.limit(1000)))
        by_conference: dict[str, list[str]] = {}
        for row in rows:
            by_conference.setdefault(row.conference_id, []).append(row.site)
        for conference, sites in by_conference.items():
            try:
                there = {str(site["id"]) for site in self._live.state(conference)["sites"]}
                await self.call(conference, [site for site in sites if site in there], by=None, at=now)
            except McuError:  # the conference is gone
                there = set()
            await self._rest(conference, sites, now)
        return len(rows)

    async def _rest(self, conference: str, sites: Sequence[str], now: float) -> None:
        """Those that have come, or are gone, are not called any more."""
        async with self._database.writing() as session:
            for site in sites:
                row = await session.get(InvitationRow, (conference, site))
                if row is not None and row.next_at is not None and row.next_at <= now:
                    row.next_at = None


def _invited(site: Json, row: InvitationRow | None) -> Invited:
    state = str(site["state"])
    progress: Progress = "not_called"
    if state in ("live", "away"):
        progress = "connected"
    elif state == "connecting":
        progress = "connecting"
    elif row is not None:
        progress = "given_up" if row.tries >= MOST_TRIES and row.next_at is None else "called"
    invited = Invited(str(site["id"]), int(site["number"]), str(site["name"]), state, progress)
    if row is None:
        return invited
    return Invited(
        invited.site, invited.number, invited.name, state, progress, row.tries, row.last_at, row.last_by, row.way,
        row.next_at,
    )  # fmt: skip
