"""All live conferences of the control process: what routes, endpoints, relays and mixers do with them.

`run` owns everything: it loads what is stored, keeps relays and mixers at work through `Pool`, and serves until
cancelled.  Routes call the methods below; `signaling.EndpointSockets` calls those of `signaling.Conferences`.  Control
may die at any moment: conferences and seats are in the database, media goes on without it, and after a restart the
relays tell which legs they carry.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from control_api.live.clock import Clock, SystemClock
from control_api.live.feed import Subscription
from control_api.live.figures import Figures, Metrics, NoMetrics, mixer_figures, relay_figures
from control_api.live.gate import Gate, OpenGate
from control_api.live.lag import LagWatch
from control_api.live.listener import Listener, NobodyListens
from control_api.live.room import Room, unknown_conference
from control_api.live.settings import LiveSettings
from control_api.live.store import (
    ConferenceStore,
    JoinToken,
    JournalEntry,
    Json,
    StaleRevisionError,
    StoredConference,
)
from control_api.live.surroundings import Surroundings
from control_api.live.workers import Connect, Link, Pool, WorkerLink, connect_worker
from control_api.live.writer import Writer
from mcu_core.commands import Command, RedrawLayout
from mcu_core.conference import Conference
from mcu_core.errors import EndpointError, OperatorError
from mcu_core.moments import moment_of
from mcu_core.on_air import OnAir
from mcu_core.scene import CustomTile
from mcu_core.wire import (
    CloseLeg,
    Event,
    LegInfo,
    LegOverload,
    LegState,
    Levels,
    Noisy,
    PassFlow,
    RelayInfo,
    RelayStats,
    RelayStatus,
    View,
    WorkerDown,
)
from signaling import Channel, errors
from signaling import messages as say
from signaling.seats import Seat

_log = structlog.get_logger(__name__)
_TICK = 1.0


class LiveService:
    """What the routes use, and `signaling.Conferences`.  OperatorError when refused.  Owned by control's event loop."""

    def __init__(
        self,
        store: ConferenceStore,
        pool: Pool,
        settings: LiveSettings | None = None,
        *,
        metrics: Metrics | None = None,
        clock: Clock | None = None,
        connect: Connect = connect_worker,
    ) -> None:
        self.ready = asyncio.Event()  # what was stored is loaded
        self._store, self._pool, self._connect = store, pool, connect
        self._listener: Listener = NobodyListens()
        self._settings = settings or LiveSettings()
        self._clock: Clock = clock or SystemClock()
        self._writer = Writer(store, self._clock)
        self._rooms: dict[str, Room] = {}
        self._room_tasks: dict[str, asyncio.Task[None]] = {}
        self._relay_stats: dict[str, RelayStats] = {}
        self._lag = LagWatch()
        self._synced = asyncio.Event()
        self._unsynced = set(self._settings.relays)
        self._early: dict[str, list[LegState | PassFlow]] = {}  # by relay: told while we ask what it carries
        self._tasks: asyncio.TaskGroup | None = None
        self.gate: Gate = OpenGate()
        self._relays = {name: self._relay_link(name) for name in self._settings.relays}
        self._around = Surroundings(
            store,
            self._writer,
            pool,
            connect,
            self._clock,
            metrics or NoMetrics(),
            self._settings,
            self._relays,
            self._synced,
            self._spawn,
            lambda: self._listener,
        )

    # ------------------------------------------------------------------------------------------------------ running

    async def run(self) -> None:
        """Load, then serve until cancelled.  Only the tasks started here touch the conferences."""
        async with asyncio.TaskGroup() as self._tasks:
            for stored in await self._store.load_all():
                self._restore(stored)
            self.ready.set()
            self._spawn(self._writer.run(), "live/writer")
            self._spawn(self._watch_pool(), "live/pool")
            self._spawn(self._tick(), "live/tick")
            self._spawn(self._give_up_waiting(), "live/sync")
            for relay in self._relays.values():
                self._spawn(relay.run(), f"live/relay-{relay.name}")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        assert self._tasks is not None, "the service runs"
        return self._tasks.create_task(work, name=name)

    def _restore(self, stored: StoredConference) -> None:
        try:
            known = Conference.from_document(stored.id, stored.document, self._settings.personal_views)
            room = self._open(known)
        except OperatorError as error:  # one damaged conference must not keep the others down
            _log.error("conference_unreadable", conference=stored.id, error=str(error))
            return
        room.restore(stored.seats)

    def _open(self, conference: Conference) -> Room:
        room = self._rooms[conference.id] = Room(conference, self._around)
        self._room_tasks[conference.id] = self._spawn(room.run(), f"live/{conference.id}")
        return room

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(_TICK)
            for room in list(self._rooms.values()):
                room.tick(self._relay_stats)
                if room.vanished and not room.ended:
                    self._spawn(self._end(room), f"live/{room.id}/end")

    async def _watch_pool(self) -> None:
        async for event in self._pool.watch():
            for room in self._rooms.values():
                if event.worker.kind == "relay" or event.worker.name == room.id:
                    if isinstance(event, WorkerDown):
                        room.worker_down(event)
                    else:
                        room.worker_up(event)

    async def _give_up_waiting(self) -> None:
        """A relay that does not answer must not keep the others from being told their plans."""
        await self._clock.sleep(self._settings.sync_deadline)
        self._synced.set()

    # ------------------------------------------------------------------------------------------------------- relays

    def _relay_link(self, name: str) -> WorkerLink:
        async def up(link: Link) -> None:
            await self._relay_up(name, link)

        return WorkerLink(
            "relay",
            name,
            self._pool,
            self._connect,
            self._clock,
            on_up=up,
            on_event=lambda event: self._relay_event(name, event),
        )

    async def _relay_up(self, name: str, link: Link) -> None:
        """Compare the legs a relay carries with the seats: after it died, and after we did."""
        self._early[name] = []
        info = await link.call(RelayStatus(), self._settings.worker_deadline)
        assert isinstance(info, RelayInfo)
        by_conference: dict[str, dict[str, LegInfo]] = {}
        for leg in info.legs:
            by_conference.setdefault(leg.conference, {})[leg.leg] = leg
        orphans = []
        for conference_id, room in self._rooms.items():
            orphans += room.legs.reconcile(name, by_conference.pop(conference_id, {}))
            room.passed_on(name, [flow for flow in info.flows if flow.conference == conference_id])
        orphans += [leg for legs in by_conference.values() for leg in legs]
        for event in self._early.pop(name):
            self._relay_event(name, event)
        for leg_id in orphans:
            await link.call(CloseLeg(leg_id), self._settings.worker_deadline)
        self._unsynced.discard(name)
        if not self._unsynced:
            self._synced.set()

    def _relay_event(self, name: str, event: Event) -> None:
        match event:
            case LegState() | PassFlow() if name in self._early:
                self._early[name].append(event)
            case LegState():
                for room in self._rooms.values():
                    room.legs.told(event)
            case PassFlow():
                if (passing_room := self._rooms.get(event.conference)) is not None:
                    passing_room.pass_flow(name, event)
            case LegOverload():
                for room in self._rooms.values():
                    room.leg_overload(event)
            case Levels():
                room_of_levels = self._rooms.get(event.conference)
                if room_of_levels is not None:
                    room_of_levels.levels(event)
            case Noisy():
                if (noisy_room := self._rooms.get(event.conference)) is not None:
                    noisy_room.noisy(event)
            case RelayStats():
                self._relay_stats[name] = event
                if self._lag.measured(f"relay {name}", event.loop_lag_ms, self._clock.now(), event.loop_cpu_ms):
                    for room in self._rooms.values():
                        room.blocked("relay", event.loop_lag_ms)
                for stats in event.legs:
                    for room in self._rooms.values():
                        room.leg_stats(stats)

    # ------------------------------------------------------------------------------------------- what routes ask for

    def conferences(self) -> list[Json]:
        """[{id, title, open, revision, sites, present, podium}], as created."""
        return [room.summary() for room in self._rooms.values()]

    def state(self, conference_id: str) -> Json:
        """ConferenceState."""
        return self._room(conference_id).state()

    def renditions(self, conference_id: str) -> list[Json]:
        """What is encoded now: [{rendition, view, codec, width, height, frame_rate, bitrate_bps, viewers}]."""
        return self._room(conference_id).on_air.renditions()

    def events(self, conference_id: str) -> Subscription:
        """Messages for a console; close it when done."""
        return self._room(conference_id).feed.subscribe()

    def listen(self, listener: Listener) -> None:
        """From now on `listener` is told what sites ask, who enters and what came on air."""
        self._listener = listener

    def tell(self, conference_id: str, kind: str, **content: object) -> None:
        """Tell the consoles; a newer message of a kind takes the older one's place.  Unknown conference: nobody."""
        room = self._rooms.get(conference_id)
        if room is not None:
            room.feed.tell(kind, **content)

    def tell_site(self, conference_id: str, site_id: str, message: say.ToEndpoint) -> bool:
        """Send a message to a site's endpoint; False when nobody is connected there."""
        room = self._rooms.get(conference_id)
        return room is not None and room.people.to_site(site_id, message)

    def warn(self, conference_id: str, code: str, vi: str, en: str, site_id: str | None = None) -> None:
        """An alarm: journalled, and shown on the consoles until somebody has read it.  Unknown conference: nothing."""
        room = self._rooms.get(conference_id)
        if room is not None:
            room.alarm(code, vi, en, site_id)

    def moment(self, conference_id: str) -> Json:
        """What the room sees and hears now, for `mcu_core.commands.BringBack`."""
        return moment_of(self._room(conference_id).arrangement)

    def quality(self, conference_id: str) -> dict[str, dict[str, float | None]]:
        """Newest figures of the connected sites: the relays' view and what the endpoints told of theirs."""
        return self._room(conference_id).quality()

    def control_blocked(self, lag_ms: float) -> None:
        for room in self._rooms.values():
            room.blocked("control", lag_ms)

    def reachable(self) -> dict[str, bool]:
        """Whether media can be served: all relays answer."""
        return {f"relay_{name}": relay.up for name, relay in self._relays.items()}

    def figures(self) -> Figures:
        """Gauges for `/metrics`."""
        seats = [seat for room in self._rooms.values() for seat in room.people.seats]
        mixers = {
            room.id: mixer_figures(room.mixer_stats) | _loop_lately(room.lag, "mixer")
            for room in self._rooms.values()
            if room.mixer_stats
        }
        return Figures(
            conferences=len(self._rooms),
            sites={room.id: room.site_states() for room in self._rooms.values()},
            legs=sum(len(room.presence.legs) for room in self._rooms.values()),
            monitors=sum(seat.site is None for seat in seats),
            relays={
                name: relay_figures(stats) | _loop_lately(self._lag, f"relay {name}")
                for name, stats in self._relay_stats.items()
            },
            mixers=mixers,
        )

    async def create_conference(
        self,
        title: str,
        *,
        actor: str | None,
        conference_id: str | None = None,
        command_id: str | None = None,
        first: Sequence[Command] = (),
    ) -> Json:
        """A new, open conference, with what the `first` commands bring about, as one transaction.

        Raises OperatorError bad_name, conference_exists or what a command raises; then there is no conference.
        """
        most = self._settings.personal_views
        conference = Conference.new(conference_id or f"c-{secrets.token_hex(6)}", title, most)
        if conference.id in self._rooms:
            answered = None if command_id is None else await self._store.answer_of(conference.id, command_id)
            if answered is not None:
                return self._rooms[conference.id].state()
            raise _conference_exists(conference.id)
        wall = self._clock.wall()
        journal = [JournalEntry(wall, "created", actor, None, {"title": conference.arrangement.title})]
        for command in first:
            events = conference.apply(command, self._clock.now())
            journal += [JournalEntry(wall, event.what, actor, event.site, event.data) for event in events]
        conference.revision = 1
        answer = OnAir(conference).state()
        try:
            await self._store.save(conference.id, 0, 1, conference.document(), command_id, {"revision": 1}, journal)
        except StaleRevisionError:  # another control process made it, or we did and were not told
            stored = await self._store.load(conference.id)
            if stored is not None and stored.id not in self._rooms:
                self._restore(stored)
            raise _conference_exists(conference.id) from None
        self._open(conference)
        return answer

    async def delete_conference(self, conference_id: str, *, actor: str | None) -> None:
        """End a conference for everybody and forget it; its journal stays."""
        room = self._room(conference_id)
        async with room.lock:
            room.check_not_ended()
            entry = JournalEntry(self._clock.wall(), "deleted", actor)
            await self._store.delete(conference_id, [entry])
            await self._end(room)

    async def _end(self, room: Room) -> None:
        """It is in the database no more: everybody is told, nothing of it stays."""
        del self._rooms[room.id]
        room.ended = True
        for seat in room.people.seats:
            room.end_seat(seat, errors.conference_closed())
        await room.legs.release()
        self._room_tasks.pop(room.id).cancel()
        room.feed.end()

    async def command(
        self, conference_id: str, command: Command, *, actor: str | None, command_id: str | None = None
    ) -> Json:
        """Carry out a command as one transaction.  Returns ConferenceState: of now, if `command_id` was done before.

        Raises OperatorError; then nothing has changed (`Room.command` names the one exception).
        """
        return await self._room(conference_id).command(command, actor, command_id)

    async def layout_changed(self, name: str, tiles: tuple[CustomTile, ...], *, actor: str | None) -> None:
        """A stored layout was drawn anew: every conference that has it takes the new tiles, as one command."""
        for room in list(self._rooms.values()):
            if room.conference.keeps_other_tiles(name, tiles):
                await room.command(RedrawLayout(name, tiles), actor, None)

    async def drop_site(self, conference_id: str, site_id: str, *, actor: str | None) -> None:
        """Disconnect a site's endpoint; it may come back with the same link.  Not connected: nothing happens."""
        room = self._room(conference_id)
        room.known(site_id)
        seat = room.people.seats.of_site(site_id)
        if seat is not None:
            await self._store.append({conference_id: [JournalEntry(self._clock.wall(), "dropped", actor, site_id)]})
            room.end_seat(seat, errors.removed())

    async def issue_link(self, conference_id: str, site_id: str, *, actor: str | None, beside: bool = False) -> str:
        """A new join token for a site; older ones stop working for newcomers, unless it is one `beside` them."""
        self._room(conference_id).known(site_id)
        life = self._settings.site_token_life
        token = await self._store.issue_token(
            conference_id, site_id, "programme", None if life is None else self._clock.wall() + life, beside=beside
        )
        await self._store.append({conference_id: [JournalEntry(self._clock.wall(), "link_issued", actor, site_id)]})
        return token

    async def revoke_link(self, conference_id: str, site_id: str, *, actor: str | None) -> None:
        """Make a site's join tokens worthless; who is in the conference stays."""
        self._room(conference_id).known(site_id)
        await self._store.revoke_token(conference_id, site_id)
        await self._store.append({conference_id: [JournalEntry(self._clock.wall(), "link_revoked", actor, site_id)]})

    async def open_monitor(self, conference_id: str, view: View, *, actor: str | None) -> str:
        """A short-lived join token with which a console watches a view."""
        self._room(conference_id)
        expires_at = self._clock.wall() + self._settings.monitor_token_life
        return await self._store.issue_token(conference_id, None, view, expires_at, owner=actor)

    async def end_monitors(self, owner: str) -> None:
        """Somebody may watch no more: their monitor tokens end, and what was opened with them."""
        tokens = await self._store.revoke_monitors(owner)
        for room in self._rooms.values():
            for seat in room.people.seats:
                if seat.site is None and seat.token_id in tokens:
                    room.end_seat(seat, errors.removed())

    async def drop_address(
        self, covers: Callable[[str], bool], *, actor: str | None, site: str | None = None, why: str = "blocked"
    ) -> int:
        """Disconnect every endpoint, or those of one site, whose address `covers` says yes to.  Returns how many."""
        gone = 0
        for room in self._rooms.values():
            for seat in room.people.seats:
                channel = room.people.channel(seat.id)
                if site is not None and seat.site != site:
                    continue
                if channel is not None and covers(channel.address):
                    if seat.site is not None:
                        entry = JournalEntry(self._clock.wall(), "dropped", actor, seat.site, {"why": why})
                        await self._store.append({room.id: [entry]})
                    room.end_seat(seat, errors.removed())
                    gone += 1
        return gone

    def _room(self, conference_id: str) -> Room:
        room = self._rooms.get(conference_id)
        if room is None:
            raise unknown_conference(conference_id)
        return room

    # ---------------------------------------------------------------------------------------- signaling.Conferences

    async def enter(self, hello: say.Hello, channel: Channel) -> str:
        token = await self._store.seat_for_token(hello.token)
        try:
            return await self._enter(hello, channel, token)
        except EndpointError as error:
            conference, site = (None, None) if token is None else (token.conference, token.site)
            self.gate.turned_away(error.code, channel.address, conference, site)
            raise

    async def _enter(self, hello: say.Hello, channel: Channel, token: JoinToken | None) -> str:
        room = None if token is None else self._rooms.get(token.conference)
        if token is None or room is None:
            raise errors.bad_token()
        if token.site is not None:
            await self.gate.admit(room.id, token.site, channel.address)
        await self._synced.wait()  # until then nobody knows whether a leg still lives
        monitor = token.site is None
        taken = sum((seat.site is None) is monitor for one in self._rooms.values() for seat in one.people.seats)
        full = taken >= (self._settings.max_monitors if monitor else self._settings.max_legs)
        before = None if token.site is None else room.people.seats.of_site(token.site)
        seat = await room.enter(hello, token, channel, full=full)
        if token.site is not None:
            replaced = before is not None and before.id != seat
            self.gate.came_in(room.id, token.site, channel.address, hello.client, replaced=replaced)
        return seat

    async def offer(self, seat: str, channel: Channel, offer: say.Offer) -> str:
        found = self._find(seat, channel)
        if found is None:
            raise errors.replaced()
        room, sitting = found
        return await room.legs.offer(sitting, offer)

    def sends(self, seat: str, channel: Channel, state: say.State) -> None:
        if (found := self._find(seat, channel)) is not None:
            found[0].endpoint_sends(found[1], state)

    def measured(self, seat: str, channel: Channel, quality: say.Quality) -> None:
        if (found := self._find(seat, channel)) is not None:
            found[0].endpoint_measured(found[1], quality)

    def watch(self, seat: str, channel: Channel, view: View) -> None:
        if (found := self._find(seat, channel)) is not None:
            found[0].endpoint_watches(found[1], view)

    async def ask(self, seat: str, channel: Channel, request: say.Request) -> None:
        if (found := self._find(seat, channel)) is not None:
            await found[0].endpoint_asks(found[1], request)

    async def leave(self, seat: str, channel: Channel) -> None:
        if (found := self._find(seat, channel)) is not None:
            found[0].end_seat(found[1], None)

    def lost(self, seat: str, channel: Channel) -> None:
        if (found := self._find(seat, channel)) is not None:
            found[0].endpoint_lost(found[1])

    def _find(self, seat_id: str, channel: Channel) -> tuple[Room, Seat] | None:
        """A seat that belongs to this WebSocket."""
        for room in self._rooms.values():
            seat = room.people.seats.get(seat_id)
            if seat is not None and room.people.is_theirs(seat_id, channel):
                return room, seat
        return None


def _loop_lately(watch: LagWatch, loop: str) -> dict[str, float]:
    return {"loop_lag_ms": watch.longest_ms(loop), "loop_cpu_ms": watch.busiest_ms(loop)}


def _conference_exists(conference_id: str) -> OperatorError:
    return OperatorError(
        "conference_exists",
        f"Mã phiên họp “{conference_id}” đã có.",
        f"There already is a conference “{conference_id}”.",
    )
