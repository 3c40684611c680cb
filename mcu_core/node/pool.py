"""NodePool: where relays and mixers are placed.  LocalPool asks the supervisor of this machine.

Control owns one LocalPool on its event loop and runs it in its TaskGroup.
"""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import Protocol

from mcu_core.errors import PeerLost
from mcu_core.wire import (
    Call,
    Event,
    ListWorkers,
    Peer,
    Place,
    Placed,
    Release,
    Reply,
    WorkerDown,
    WorkerInfo,
    WorkerKind,
    Workers,
    WorkerUp,
    connect,
)

PoolEvent = WorkerUp | WorkerDown

_RETRY = 0.05
_EVENTS_KEPT = 1024


class PoolWatch:
    """What happens to workers, in order: `async for event in pool.watch()`.  Drops the oldest past 1024 unread."""

    def __init__(self) -> None:
        self._events: deque[PoolEvent] = deque(maxlen=_EVENTS_KEPT)
        self._arrived = asyncio.Event()
        self.dropped = 0

    def put(self, event: PoolEvent) -> None:
        self.dropped += len(self._events) == _EVENTS_KEPT
        self._events.append(event)
        self._arrived.set()

    def __aiter__(self) -> PoolWatch:
        return self

    async def __anext__(self) -> PoolEvent:
        while not self._events:
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()


class NodePool(Protocol):
    """Starts, stops and watches workers, wherever they run."""

    async def place(self, kind: WorkerKind, name: str) -> WorkerInfo:
        """Start a worker if there is none of that kind and name; returns when its socket accepts."""
        ...

    async def release(self, kind: WorkerKind, name: str) -> None:
        """Stop a worker; nothing happens if there is none."""
        ...

    async def list(self) -> tuple[WorkerInfo, ...]:
        """All workers; `pid` is 0 while one is down."""
        ...

    def watch(self) -> PoolWatch:
        """Events from now on; after each (re)connection first a WorkerUp of every worker that is up."""
        ...


class LocalPool:
    """NodePool on the supervisor of this machine.  `run` keeps the connection; calls wait for it, up to `deadline`."""

    def __init__(self, run_dir: Path, *, deadline: float = 10.0) -> None:
        self._path = str(run_dir / "node.sock")
        self._deadline = deadline
        self._peer: Peer | None = None
        self._connected = asyncio.Event()
        self._watches: list[PoolWatch] = []

    async def run(self) -> None:
        """Stay connected until cancelled, trying every 50 ms while the supervisor does not answer."""
        try:
            while True:
                peer = Peer(on_event=self._on_event)
                try:
                    await connect(self._path, peer, retry=_RETRY)
                    reply = await peer.call(ListWorkers(), self._deadline)
                except (PeerLost, OSError):
                    peer.close()
                    await asyncio.sleep(_RETRY)
                    continue
                self._peer = peer
                self._connected.set()
                for worker in _workers(reply):
                    if worker.pid:
                        self._tell(WorkerUp(worker))
                await peer.closed.wait()
                self._connected.clear()
        finally:
            self._connected.clear()
            if self._peer is not None:
                self._peer.close()

    async def place(self, kind: WorkerKind, name: str) -> WorkerInfo:
        """Raises OperatorError for a name that cannot be a worker's, PeerLost when it does not come up."""
        reply = await self._call(Place(kind, name))
        assert isinstance(reply, Placed)
        return reply.worker

    async def release(self, kind: WorkerKind, name: str) -> None:
        await self._call(Release(kind, name))

    async def list(self) -> tuple[WorkerInfo, ...]:
        return _workers(await self._call(ListWorkers()))

    def watch(self) -> PoolWatch:
        watch = PoolWatch()
        self._watches.append(watch)
        return watch

    async def _call(self, call: Call) -> Reply:
        try:
            async with asyncio.timeout(self._deadline):
                await self._connected.wait()
        except TimeoutError:
            raise PeerLost(
                "no_supervisor",
                "Không kết nối được với tiến trình giám sát. Hãy kiểm tra dịch vụ mcu serve.",
                f"The supervisor does not answer at {self._path}. Check that mcu serve runs.",
            ) from None
        assert self._peer is not None
        return await self._peer.call(call, self._deadline)

    def _on_event(self, peer: Peer, event: Event) -> None:
        if isinstance(event, WorkerUp | WorkerDown):
            self._tell(event)

    def _tell(self, event: PoolEvent) -> None:
        for watch in self._watches:
            watch.put(event)


def _workers(reply: Reply) -> tuple[WorkerInfo, ...]:
    assert isinstance(reply, Workers)
    return reply.workers
