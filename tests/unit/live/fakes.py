"""A database, a machine with relays and mixers, endpoints and time, all in memory."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from control_api.live import LiveService, LiveSettings
from control_api.live.store import JoinToken, JournalEntry, Json, StaleRevisionError, StoredConference, StoredSeat
from mcu_core.commands import AddSite
from mcu_core.errors import EndpointError, PeerLost
from mcu_core.wire import (
    Call,
    CloseLeg,
    Codec,
    Done,
    Event,
    LegAnswer,
    LegInfo,
    LegPlan,
    LegPlans,
    LegState,
    MixPlan,
    OpenLeg,
    PassFlow,
    PlanApplied,
    RelayInfo,
    RelayStatus,
    Reply,
    RestartIce,
    View,
    WorkerDown,
    WorkerInfo,
    WorkerKind,
    WorkerUp,
)
from signaling import messages as say
from signaling.outbox import Outgoing

M = TypeVar("M", bound=say.Message)


class FakeClock:
    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return 1_700_000_000.0 + self.time

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._numbers), future))
        await future

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, waking everybody in turn."""
        end = self.time + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.time, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await settle()
        self.time = end
        await settle()


async def settle() -> None:
    """Let every task do what it can do now."""
    for _ in range(60):
        await asyncio.sleep(0)


class FakeStore:
    def __init__(self) -> None:
        self.conferences: dict[str, StoredConference] = {}
        self.seats: dict[str, StoredSeat] = {}
        self.tokens: dict[str, JoinToken] = {}
        self.owners: dict[str, str] = {}  # of monitors' tokens
        self.answers: dict[tuple[str, str], Json] = {}
        self.journal: list[tuple[str, JournalEntry]] = []
        self.broken = False
        self._numbers = itertools.count(1)

    def _works(self) -> None:
        if self.broken:
            raise OSError("disk full")

    async def load_all(self) -> list[StoredConference]:
        return [
            replace(c, seats=tuple(seat for seat in self.seats.values() if seat.conference == c.id))
            for c in self.conferences.values()
        ]

    async def load(self, conference_id: str) -> StoredConference | None:
        return next((one for one in await self.load_all() if one.id == conference_id), None)

    async def save(
        self,
        conference_id: str,
        expected_revision: int,
        revision: int,
        document: Json,
        command_id: str | None,
        answer: Json | None,
        journal: list[JournalEntry],
    ) -> None:
        await asyncio.sleep(0)
        self._works()
        stored = self.conferences.get(conference_id)
        if (0 if stored is None else stored.revision) != expected_revision:
            raise StaleRevisionError(conference_id)
        self.conferences[conference_id] = StoredConference(conference_id, revision, document)
        if command_id is not None:
            assert answer is not None
            self.answers[conference_id, command_id] = answer
        self.journal += [(conference_id, entry) for entry in journal]

    async def answer_of(self, conference_id: str, command_id: str) -> Json | None:
        return self.answers.get((conference_id, command_id))

    async def delete(self, conference_id: str, journal: list[JournalEntry]) -> None:
        self._works()
        self.journal += [(conference_id, entry) for entry in journal]
        self.conferences.pop(conference_id, None)
        self.seats = {key: seat for key, seat in self.seats.items() if seat.conference != conference_id}

    async def append(self, journal: dict[str, list[JournalEntry]]) -> None:
        self._works()
        for conference_id, entries in journal.items():
            self.journal += [(conference_id, entry) for entry in entries]

    async def seat_for_token(self, token: str) -> JoinToken | None:
        return self.tokens.get(token)

    async def issue_token(
        self,
        conference_id: str,
        site: str | None,
        view: View,
        expires_at: float | None,
        *,
        owner: str | None = None,
        beside: bool = False,
    ) -> str:
        if site is not None and not beside:
            await self.revoke_token(conference_id, site)
        number = next(self._numbers)
        self.tokens[f"token-{number}"] = JoinToken(f"t-{number}", conference_id, site, view, expires_at)
        if owner is not None:
            self.owners[f"token-{number}"] = owner
        return f"token-{number}"

    async def revoke_monitors(self, owner: str) -> set[str]:
        theirs = [key for key, whose in self.owners.items() if whose == owner and self.tokens[key].site is None]
        return {self.tokens.pop(key).id for key in theirs if self.owners.pop(key)}

    async def revoke_token(self, conference_id: str, site: str) -> None:
        held = {seat.token_id for seat in self.seats.values()}
        for key, token in list(self.tokens.items()):
            if (token.conference, token.site) == (conference_id, site):
                del self.tokens[key]
                if token.id in held:
                    self.tokens[key] = replace(token, expires_at=0.0)

    async def save_seats(self, seats: dict[str, StoredSeat | None]) -> None:
        await asyncio.sleep(0)
        self._works()
        for seat_id, seat in seats.items():
            if seat is None:
                self.seats.pop(seat_id, None)
            else:
                self.seats[seat_id] = seat

    def journalled(self, what: str) -> list[JournalEntry]:
        return [entry for _, entry in self.journal if entry.what == what]


class FakeWorker:
    """A relay or a mixer: what it was told, what it carries.  Survives control; `kill` it."""

    def __init__(self, info: WorkerInfo) -> None:
        self.info = info
        self.calls: list[Call] = []
        self.legs: dict[str, LegInfo] = {}
        self.links: list[FakeLink] = []
        self.codec: Codec | None = "H264"
        self.flows: tuple[PassFlow, ...] = ()
        self.hung = asyncio.Event()
        self.hung.set()

    def tell(self, event: Event) -> None:
        for link in self.links:
            if not link.closed.is_set():
                link.on_event(event)

    def connected(self, *seats: str) -> None:
        """Media of these seats flows."""
        for seat in seats:
            self.legs[seat] = replace(self.legs[seat], state="connected")
            self.tell(LegState(seat, "connected"))

    async def answer(self, call: Call) -> Reply:
        await self.hung.wait()
        self.calls.append(call)
        match call:
            case RelayStatus():
                plans = self.leg_plans
                known = (
                    replace(i, planned=True, rendition=plans[i.leg].rendition) if i.leg in plans else i
                    for i in self.legs.values()
                )
                return RelayInfo(1, 40000, tuple(known), self.flows)
            case OpenLeg(leg=leg, conference=conference, site=site, offer=offer, draws_names=draws):
                if offer == "bad":
                    raise EndpointError("bad_offer", "Sai.", "Wrong.")
                self.legs[leg] = LegInfo(
                    leg,
                    conference,
                    site,
                    "new",
                    self.codec,
                    camera=site > 0,
                    screen=False,
                    planned=False,
                    rendition=None,
                    draws_names=draws,
                )
                return LegAnswer("answer", self.legs[leg])
            case RestartIce(leg=leg):
                return LegAnswer("restarted", self.legs[leg])
            case CloseLeg(leg=leg):
                self.legs.pop(leg, None)
            case MixPlan(revision=revision):
                return PlanApplied(revision)
        return Done()

    # -- as tests ask

    @property
    def mix(self) -> MixPlan:
        """The plan in force."""
        return next(call for call in reversed(self.calls) if isinstance(call, MixPlan))

    @property
    def leg_plans(self) -> dict[str, LegPlan]:
        """The newest plan of each leg."""
        newest: dict[str, LegPlans] = {}
        for call in self.calls:
            if isinstance(call, LegPlans):
                newest[call.conference] = call
        return {plan.leg: plan for plans in newest.values() for plan in plans.legs}


class FakeLink:
    def __init__(self, worker: FakeWorker, on_event: Callable[[Event], None], on_lost: Callable[[], None]) -> None:
        self.worker, self.on_event, self._on_lost = worker, on_event, on_lost
        self.closed = asyncio.Event()

    async def call(self, call: Call, deadline: float = 10.0) -> Reply:
        await asyncio.sleep(0)
        if self.closed.is_set():
            raise PeerLost("peer_lost", "Mất kết nối.", "Lost.")
        return await self.worker.answer(call)

    def close(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self._on_lost()


class FakeMachine:
    """Workers and the pool that places them."""

    def __init__(self) -> None:
        self.workers: dict[tuple[str, str], FakeWorker] = {}
        self.reachable = True
        self.released: list[tuple[str, str]] = []
        self._watches: list[asyncio.Queue[WorkerUp | WorkerDown]] = []

    @property
    def relay(self) -> FakeWorker:
        return self.workers["relay", "0"]

    @property
    def mixer(self) -> FakeWorker:
        return self.workers["mixer", "c-1"]

    async def place(self, kind: WorkerKind, name: str) -> WorkerInfo:
        await asyncio.sleep(0)
        if not self.reachable:
            raise PeerLost("no_supervisor", "Không có.", "None.")
        if (kind, name) not in self.workers:
            worker = self.workers[kind, name] = FakeWorker(WorkerInfo(kind, name, 1, f"/run/{kind}-{name}.sock", 0))
            for events in self._watches:
                events.put_nowait(WorkerUp(worker.info))
        return self.workers[kind, name].info

    async def release(self, kind: WorkerKind, name: str) -> None:
        self.released.append((kind, name))
        worker = self.workers.pop((kind, name), None)
        if worker is not None:
            for events in self._watches:
                events.put_nowait(WorkerDown(worker.info, "released; exit 0"))

    async def watch(self) -> AsyncIterator[WorkerUp | WorkerDown]:
        events: asyncio.Queue[WorkerUp | WorkerDown] = asyncio.Queue()
        self._watches.append(events)
        while True:
            yield await events.get()

    async def connect(self, socket: str, on_event: Callable[[Event], None], on_lost: Callable[[], None]) -> FakeLink:
        await asyncio.sleep(0)
        worker = next((worker for worker in self.workers.values() if worker.info.socket == socket), None)
        if worker is None:
            raise PeerLost("peer_lost", "Mất kết nối.", "Nobody listens.")
        link = FakeLink(worker, on_event, on_lost)
        worker.links.append(link)
        return link

    def kill(self, kind: str, name: str) -> None:
        """kill -9; placing it again gives a new one that knows nothing."""
        worker = self.workers.pop((kind, name))
        for events in self._watches:
            events.put_nowait(WorkerDown(worker.info, "killed"))
        for link in worker.links:
            link.close()


class FakeChannel:
    """An endpoint's WebSocket, seen from the MCU."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        self.address = address
        self.texts: list[str] = []
        self.closed = False
        self.last_word: say.Error | None = None

    def send(self, message: Outgoing) -> None:
        if not self.closed:
            self.texts.append(message.text)

    def close(self, error: say.Error | None = None) -> None:
        if not self.closed:
            self.closed, self.last_word = True, error

    def got(self, kind: type[M]) -> list[M]:
        """Messages of one kind since the last `forget`."""
        messages = [say.TO_ENDPOINT.validate_json(text) for text in self.texts]
        return [message for message in messages if isinstance(message, kind)]

    def forget(self) -> None:
        self.texts.clear()


class World:
    """Everything around one LiveService, which can be killed and started again."""

    def __init__(self, **settings: Any) -> None:
        self.store, self.machine, self.clock = FakeStore(), FakeMachine(), FakeClock()
        self.settings = LiveSettings(**settings)
        self.measured: list[tuple[str, float]] = []
        self.live: LiveService
        self._task: asyncio.Task[None] | None = None

    def command_done(self, command: str, seconds: float) -> None:
        """Counted by nobody here."""

    def on_air(self, command: str, seconds: float) -> None:
        self.measured.append((command, seconds))

    async def start(self) -> None:
        self.live = LiveService(
            self.store,
            self.machine,
            self.settings,
            metrics=self,
            clock=self.clock,
            connect=self.machine.connect,
        )
        self._task = asyncio.create_task(self.live.run())
        await self.live.ready.wait()
        await settle()

    async def kill(self) -> None:
        """kill -9 of control: workers stay, their links to it end."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if not self._task.cancelled():
            self._task.result()

    async def token(self, site: str) -> str:
        return await self.live.issue_link("c-1", site, actor="an")

    async def enter(
        self, token: str, seat: str | None = None, media: bool = False, draws_names: bool = True
    ) -> tuple[str, FakeChannel]:
        channel = FakeChannel()
        hello = say.Hello(version=1, token=token, client="test/1", seat=seat, media=media, draws_names=draws_names)
        return await self.live.enter(hello, channel), channel

    async def join(self, site: str) -> tuple[str, FakeChannel]:
        """A site comes in and its media flows."""
        seat, channel = await self.enter(await self.token(site))
        await self.offer(seat, channel)
        await self.live_media(seat, channel)
        return seat, channel

    async def offer(self, seat: str, channel: FakeChannel) -> None:
        await self.live.offer(seat, channel, say.Offer(sdp="v=0"))

    async def live_media(self, seat: str, channel: FakeChannel) -> None:
        self.machine.relay.connected(seat)
        self.live.sends(seat, channel, say.State(microphone=True, camera=True, screen=False))
        await self.clock.pass_by(0.1)

    def site(self, site: str) -> Json:
        found: Json = next(one for one in self.live.state("c-1")["sites"] if one["id"] == site)
        return found


@asynccontextmanager
async def world(*members: str, **settings: Any) -> AsyncIterator[World]:
    """Conference "c-1" with main site "tinh" (number 1) and members."""
    around = World(**settings)
    await around.start()
    await around.live.create_conference("Họp giao ban", actor="an", conference_id="c-1")
    await around.live.command("c-1", AddSite("UBND tỉnh", "main", "tinh"), actor="an")
    for member in members:
        await around.live.command("c-1", AddSite(f"Xã {member}", site=member), actor="an")
    await settle()
    try:
        yield around
    finally:
        await around.kill()
