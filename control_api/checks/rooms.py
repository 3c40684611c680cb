"""Private test rooms ("phòng kiểm tra riêng", S85): one short-lived conference for each site that is being checked.

The room is an ordinary conference on the same MCU with `echo` set, so what comes back has passed decoder, mixer and
encoder, and nothing of it can reach the meeting.  Only so many at a time, the rest wait in a queue; while a mixer is
late with its sound, no room is opened at all.  A page asks again every few seconds; who stops asking loses its place.
The queue is in memory: after a restart pages ask again, and rooms left behind are removed.  Owned by the event loop.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from control_api.checks.measured import McuMeasured
from control_api.checks.watching import Watch
from control_api.conferences.live import Live
from control_api.live.figures import Figures
from control_api.live.store import TEST_ROOM
from mcu_core.commands import AddSite, SetOptions, SetRendition
from mcu_core.errors import McuError, OperatorError

PREFIX = TEST_ROOM
LIFE = 420.0  # s that a room lasts at most
FORGOTTEN = 30.0  # s without a question after which a page is gone
LATE_SOUND = 15.0  # ms; a mixer whose sound is this late must not get a neighbour
MOST_WAITING = 500
FORMAT = SetRendition("programme", 1280, 720, 15.0, 1_000_000)  # what a meeting's line must carry, at half the rate

log = structlog.get_logger("checks")
Key = tuple[str, str]  # conference and site


@dataclass(slots=True)
class Ticket:
    """A site's turn."""

    key: Key
    name: str
    asked_at: float
    seen_at: float
    room: str | None = None
    token: str = ""  # join token of the room
    opened_at: float = 0.0
    watch: Watch | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a page is told: its room, or its place in the queue (1 is next)."""

    room: str | None
    token: str
    place: int
    seconds_left: float


@dataclass(slots=True)
class Rooms:
    """`now` is monotonic enough: the wall clock of the services."""

    live: Live
    now: Callable[[], float]
    most: int
    _tickets: dict[Key, Ticket] = field(default_factory=dict)  # in the order of asking
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, key: Key, name: str) -> Turn:
        """Ask, or ask again, for a room.  Raises OperatorError `too_many_waiting`."""
        now = self.now()
        ticket = self._tickets.get(key)
        if ticket is None:
            if len(self._tickets) >= MOST_WAITING:
                raise OperatorError(
                    "too_many_waiting",
                    "Quá nhiều điểm cầu đang chờ kiểm tra. Hãy thử lại sau ít phút.",
                    "Too many sites are waiting to be checked. Try again in a few minutes.",
                )
            ticket = self._tickets[key] = Ticket(key, name, now, now)
        ticket.seen_at = now
        await self.tick()
        waiting = [one for one in self._tickets.values() if one.room is None]
        place = 0 if ticket.room is not None else waiting.index(ticket) + 1 if ticket in waiting else 1
        return Turn(ticket.room, ticket.token, place, max(0.0, ticket.opened_at + LIFE - now) if ticket.room else 0.0)

    async def leave(self, key: Key) -> None:
        """The check is over, or given up."""
        async with self._lock:
            ticket = self._tickets.pop(key, None)
            if ticket is not None:
                await self._close(ticket)
        await self.tick()

    def measured(self, key: Key) -> McuMeasured | None:
        """What the MCU saw of the site in its room; None when it has none."""
        ticket = self._tickets.get(key)
        return None if ticket is None or ticket.watch is None else ticket.watch.measured()

    async def tick(self) -> None:
        """Close what is over, open what is next."""
        async with self._lock:
            now = self.now()
            for ticket in list(self._tickets.values()):
                over = ticket.room is not None and now - ticket.opened_at > LIFE
                if over or now - ticket.seen_at > FORGOTTEN:
                    del self._tickets[ticket.key]
                    await self._close(ticket)
            for ticket in list(self._tickets.values()):
                if ticket.room is None and self._free():
                    await self._open(ticket, now)

    async def clear(self) -> None:
        """Remove every test room there is: ours when we end, and those of a control process that died."""
        async with self._lock:
            for ticket in self._tickets.values():
                if ticket.watch is not None:
                    ticket.watch.stop()
            self._tickets.clear()
            for one in self.live.conferences():
                if str(one["id"]).startswith(PREFIX):
                    await self._delete(str(one["id"]))

    def _free(self) -> bool:
        used = sum(ticket.room is not None for ticket in self._tickets.values())
        return used < self.most and not is_late(self.live.figures())

    async def _open(self, ticket: Ticket, now: float) -> None:
        room = f"{PREFIX}{secrets.token_hex(6)}"
        try:
            await open_room(self.live, room, ticket.name, ticket.key[1])
            ticket.token = await self.live.issue_link(room, ticket.key[1], actor=None)
        except BaseException:
            await self._delete(room)
            raise
        ticket.room, ticket.opened_at = room, now
        ticket.watch = Watch(self.live.events(room), ticket.key[1])

    async def _close(self, ticket: Ticket) -> None:
        if ticket.watch is not None:
            ticket.watch.stop()
        if ticket.room is not None:
            await self._delete(ticket.room)

    async def _delete(self, room: str) -> None:
        try:
            await self.live.delete_conference(room, actor=None)
        except McuError as error:
            if error.code != "unknown_conference":
                log.warning("test_room_not_removed", room=room, error=str(error))


async def open_room(live: Live, room: str, name: str, site: str) -> None:
    """An echo conference for one site; the main site's sound is always passed on, whatever its level."""
    await live.create_conference(f"Phòng kiểm tra riêng – {name}"[:200], actor=None, conference_id=room)
    await live.command(room, AddSite(name, "main", site), actor=None)
    await live.command(room, SetOptions(pass_through=False, echo=True), actor=None)
    for view in ("programme", "chair"):
        form = SetRendition(view, FORMAT.width, FORMAT.height, FORMAT.frame_rate, FORMAT.bitrate_bps)
        await live.command(room, form, actor=None)


def is_late(figures: Figures) -> bool:
    """Whether some mixer cannot keep its sound in time: a meeting comes before a check."""
    return any(mixer.get("audio_late_ms_p99", 0.0) > LATE_SOUND for mixer in figures.mixers.values())
