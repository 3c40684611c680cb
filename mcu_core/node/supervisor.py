"""`mcu serve`: starts, watches and restarts control, relays and mixers; touches neither sites nor the database.

Serves `$MCU_RUN_DIR/node.sock` (Place, Release, ListWorkers; WorkerUp and WorkerDown to everybody connected).  Children
die with this process.  Owned by one event loop, whose thread must outlive the children: normally the main one.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import structlog

from mcu_core.errors import OperatorError, PeerLost
from mcu_core.node.commands import COMMANDS, socket_path
from mcu_core.node.logs import configure_logs
from mcu_core.node.pool import PoolEvent
from mcu_core.node.reserve import Reserve
from mcu_core.node.worker import PATIENCE, Worker, child_environment
from mcu_core.wire import (
    Call,
    Done,
    ListWorkers,
    Peer,
    Place,
    Placed,
    Release,
    Reply,
    WorkerKind,
    Workers,
    listen,
)

log = structlog.get_logger("node")

CONTROL_NAME = "0"
_UP_DEADLINE = 8.0  # a Place is answered within this, less than the caller's own 10 s
_WRONG_SETTINGS = os.EX_CONFIG  # exit code of control that restarting does not heal


class Supervisor:
    """The workers of one run directory."""

    def __init__(
        self,
        run_dir: Path,
        *,
        with_control: bool = True,
        with_spare: bool = True,
        commands: Mapping[WorkerKind, Sequence[str]] = COMMANDS,
    ) -> None:
        self._run_dir = run_dir
        self._with_control = with_control
        self._commands = commands
        self.spare = Reserve(commands["mixer"], child_environment(run_dir)) if with_spare else None
        self._workers: dict[tuple[WorkerKind, str], Worker] = {}
        self._peers: set[Peer] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self._children: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._exit_code = 0

    def stop(self, exit_code: int = 0) -> None:
        """End `run`: SIGTERM to all workers, SIGKILL after 5 s to those that stay."""
        self._exit_code = exit_code
        self._stop.set()

    async def run(self) -> int:
        """Supervise until stopped and return the exit code.

        Raises OperatorError "already_running" when another supervisor uses the run directory.
        """
        self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket_path(self._run_dir, "mixer", "x" * 24)  # a path too long is refused now, not at the first join
        with _only_one(self._run_dir):
            server = await listen(str(self._run_dir / "node.sock"), self._new_peer)
            log.info("supervisor started", run_dir=str(self._run_dir))
            try:
                await self._supervise()
            finally:
                server.close()
                for peer in list(self._peers):
                    peer.close()
                log.info("supervisor stopped", exit_code=self._exit_code)
        return self._exit_code

    async def _supervise(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            if self.spare is not None:
                self._children.add(tasks.create_task(self.spare.run(), name="node/reserve"))
            if self._with_control:
                self._start("control", CONTROL_NAME)
            await self._stop.wait()
            for task in self._children:
                task.cancel()

    def _start(self, kind: WorkerKind, name: str) -> Worker:
        worker = Worker(
            kind,
            name,
            self._run_dir,
            self._commands[kind],
            announce=self._announce,
            reserve=self.spare if kind == "mixer" else None,
        )
        assert self._tasks is not None
        self._workers[kind, name] = worker
        task = self._tasks.create_task(self._keep(worker), name=f"node/{kind}/{name}")
        self._children.add(task)
        task.add_done_callback(self._children.discard)
        return worker

    async def _keep(self, worker: Worker) -> None:
        try:
            await worker.run()
        finally:
            del self._workers[worker.kind, worker.name]

    def _announce(self, event: PoolEvent) -> None:
        for peer in self._peers:
            peer.post(event)
        control = self._workers.get(("control", CONTROL_NAME))
        if control is not None and control.last_code == _WRONG_SETTINGS:
            log.error("control refuses its settings; see its message above")
            self.stop(_WRONG_SETTINGS)

    # -- what control asks

    def _new_peer(self) -> Peer:
        peer = Peer(on_call=self._on_call, on_lost=self._peers.discard)
        self._peers.add(peer)
        return peer

    async def _on_call(self, peer: Peer, call: Call) -> Reply:
        match call:
            case Place(kind=kind, name=name):
                return await self._place(kind, name)
            case Release(kind=kind, name=name):
                await self._release(kind, name)
                return Done()
            case ListWorkers():
                return Workers(tuple(worker.info for worker in self._workers.values()), len(asyncio.all_tasks()))
        raise PeerLost(
            "not_served", "Tiến trình giám sát không nhận lệnh đó.", f"The supervisor does not serve {call.type}."
        )

    async def _place(self, kind: WorkerKind, name: str) -> Placed:
        if kind == "control":
            raise OperatorError(
                "not_placeable",
                "Tiến trình điều khiển do tiến trình giám sát tự chạy.",
                "Control is started by the supervisor.",
            )
        while (worker := self._workers.get((kind, name))) is not None and worker.released:
            await worker.ended.wait()
            await asyncio.sleep(0)
        if self._stop.is_set():  # control may outlive a relay by a moment: nobody would end what is started now
            raise PeerLost("stopping", "Dịch vụ MCU đang dừng.", "The MCU is stopping.")
        if worker is None:
            worker = self._start(kind, name)
        try:
            async with asyncio.timeout(_UP_DEADLINE):
                await worker.up.wait()
        except TimeoutError:
            raise PeerLost(
                "worker_not_up",
                f"Tiến trình {kind} {name} chưa chạy được. Xem nhật ký của dịch vụ.",
                f"The {kind} {name} did not come up. See the log of the service.",
            ) from None
        return Placed(worker.info)

    async def _release(self, kind: WorkerKind, name: str) -> None:
        worker = self._workers.get((kind, name))
        if worker is None:
            return
        worker.release()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE + 1):
                await worker.ended.wait()


@contextlib.contextmanager
def _only_one(run_dir: Path) -> Iterator[None]:
    with open(run_dir / "node.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError(
                "already_running",
                f"Một dịch vụ MCU khác đang dùng thư mục {run_dir}. Hãy dừng nó hoặc đặt MCU_RUN_DIR khác.",
                f"Another MCU uses the directory {run_dir}. Stop it, or set another MCU_RUN_DIR.",
            ) from None
        yield


async def supervise(run_dir: Path, *, with_control: bool = True) -> int:
    """Run a supervisor that SIGTERM and SIGINT stop."""
    supervisor = Supervisor(run_dir, with_control=with_control)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    try:
        return await supervisor.run()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def run_supervisor(run_dir: Path, *, with_control: bool = True) -> int:
    """What `mcu serve` calls, in the main thread: supervise until SIGTERM or Ctrl-C.

    Returns 0, or 78 (EX_CONFIG) when control found a wrong setting.  Raises OperatorError when it cannot start.
    """
    configure_logs("supervisor")
    return asyncio.run(supervise(run_dir, with_control=with_control))
