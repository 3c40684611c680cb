"""Control's connection to one relay or mixer, for as long as that worker should exist.

A worker that dies is started again by its pool; the link places it, connects again and sends the newest plans again.
Plans are whole, so only the newest of each kind waits (`LatestSlot`), and a hung worker delays nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol

import structlog

from control_api.live.clock import Clock
from mcu_core.errors import McuError, PeerLost
from mcu_core.wire import Call, Event, Peer, Reply, WorkerDown, WorkerInfo, WorkerKind, WorkerUp, connect

_log = structlog.get_logger(__name__)
_RETRY = 0.05
_PLAN_DEADLINE = 3.0

OnEvent = Callable[[Event], None]


class Pool(Protocol):
    """The part of `mcu_core.node.pool.NodePool` that control uses."""

    async def place(self, kind: WorkerKind, name: str) -> WorkerInfo: ...

    async def release(self, kind: WorkerKind, name: str) -> None: ...

    def watch(self) -> AsyncIterable[WorkerUp | WorkerDown]: ...


class Link(Protocol):
    """An open connection to a worker; `wire.Peer` is one."""

    closed: asyncio.Event

    async def call(self, call: Call, deadline: float = ...) -> Reply: ...

    def close(self) -> None: ...


Connect = Callable[[str, OnEvent, Callable[[], None]], Awaitable[Link]]


async def connect_worker(socket: str, on_event: OnEvent, on_lost: Callable[[], None]) -> Link:
    """Connect to a worker's Unix socket.  Raises PeerLost when nobody listens within a second."""
    peer = Peer(on_event=lambda _, event: on_event(event), on_lost=lambda _: on_lost())
    return await connect(socket, peer, deadline=1.0)


class WorkerLink:
    """Owned by the task in `run`; the other methods may be called from any task of the same loop."""

    def __init__(
        self,
        kind: WorkerKind,
        name: str,
        pool: Pool,
        connect: Connect,
        clock: Clock,
        *,
        on_up: Callable[[Link], Awaitable[None]],
        on_event: OnEvent,
    ) -> None:
        self.kind, self.name = kind, name
        self.info: WorkerInfo | None = None  # as last placed
        self._pool, self._connect, self._clock = pool, connect, clock
        self._on_up, self._on_event = on_up, on_event
        self._link: Link | None = None
        self._up = asyncio.Event()
        self._wake = asyncio.Event()
        self._plans: dict[str, Call] = {}
        self._due: dict[str, None] = {}

    @property
    def up(self) -> bool:
        return self._up.is_set()

    def plan(self, key: str, plan: Call | None) -> None:
        """Send a plan now and after every reconnection, until another one with the same key replaces it."""
        if plan is None:
            self._plans.pop(key, None)
            self._due.pop(key, None)
            return
        self._plans[key] = plan
        self._due[key] = None
        self._wake.set()

    async def ready(self, deadline: float) -> WorkerInfo:
        """Wait until the worker is connected.  Raises PeerLost."""
        try:
            async with asyncio.timeout(deadline):
                await self._up.wait()
        except TimeoutError:
            raise PeerLost(
                "peer_timeout",
                f"Tiến trình {self.kind} {self.name} chưa sẵn sàng.",
                f"The {self.kind} {self.name} is not ready after {deadline:g} s.",
            ) from None
        assert self.info is not None
        return self.info

    async def call(self, call: Call, deadline: float) -> Reply:
        """Call the worker, waiting for it to be there.  Raises its McuError, or PeerLost."""
        await self.ready(deadline)
        assert self._link is not None
        return await self._link.call(call, deadline)

    async def run(self) -> None:
        """Place the worker and stay connected to it until cancelled."""
        while True:
            try:
                self.info = await self._pool.place(self.kind, self.name)
                link = await self._connect(self.info.socket, self._on_event, self._wake.set)
            except (McuError, OSError) as error:
                _log.warning("worker_unreachable", kind=self.kind, worker=self.name, error=str(error))
                await self._clock.sleep(_RETRY)
                continue
            try:
                await self._serve(link)
            except McuError as error:
                _log.warning("worker_lost", kind=self.kind, worker=self.name, error=str(error))
                await self._clock.sleep(_RETRY)
            finally:
                self._up.clear()
                self._link = None
                link.close()

    async def _serve(self, link: Link) -> None:
        self._link = link
        await self._on_up(link)
        self._due = dict.fromkeys(self._plans)
        self._up.set()
        _log.info("worker_connected", kind=self.kind, worker=self.name)
        while not link.closed.is_set():
            self._wake.clear()
            while self._due and not link.closed.is_set():
                key = next(iter(self._due))
                del self._due[key]
                await link.call(self._plans[key], _PLAN_DEADLINE)
            if not link.closed.is_set():
                await self._wake.wait()
