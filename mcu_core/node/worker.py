"""One worker: its process, its restarts, whether its socket accepts.

Its task owns the process from start to `waitpid`; exits are seen by asyncio's child watcher, not by polling.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from mcu_core.node.child import PARENT
from mcu_core.node.commands import socket_path
from mcu_core.node.pool import PoolEvent
from mcu_core.node.pulse import MISSES, PERIOD, until_silent
from mcu_core.node.reserve import Reserve
from mcu_core.node.restarts import RestartPolicy
from mcu_core.node.spare import Assignment
from mcu_core.wire import WorkerDown, WorkerInfo, WorkerKind, WorkerUp

log = structlog.get_logger("node")

PATIENCE = 5.0  # between SIGTERM and SIGKILL
STARTING = 60.0  # a worker whose socket does not accept by then is hung
_PROBE = 0.01
_OWN_FAULTS = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT})


class Worker:
    """A relay, a mixer or control, kept running until released.

    `announce` is told each WorkerUp and WorkerDown; a WorkerDown carries the pid of the process that ended.
    """

    def __init__(
        self,
        kind: WorkerKind,
        name: str,
        run_dir: Path,
        command: Sequence[str],
        *,
        announce: Callable[[PoolEvent], None],
        reserve: Reserve | None = None,
    ) -> None:
        self.kind, self.name = kind, name
        self._run_dir, self._command = run_dir, command
        # Control listens for people, not on a socket of its own here.
        self._socket = "" if kind == "control" else str(socket_path(run_dir, kind, name))
        self._announce = announce
        self._reserve = reserve
        self._policy = RestartPolicy()
        self._process: Process | None = None
        self._last_pid = 0
        self._released = asyncio.Event()
        self._hung = ""  # why the process was killed by us
        self.last_code: int | None = None
        self.up = asyncio.Event()
        self.ended = asyncio.Event()

    @property
    def info(self) -> WorkerInfo:
        return self._info(0 if self._process is None else self._process.pid)

    def _info(self, pid: int) -> WorkerInfo:
        return WorkerInfo(self.kind, self.name, pid, self._socket, self._policy.restarts)

    @property
    def released(self) -> bool:
        return self._released.is_set()

    def release(self) -> None:
        """Ask the worker to end; `ended` is set when it has."""
        self._released.set()
        if self._process is not None:
            _signal(self._process, signal.SIGTERM)

    async def run(self) -> None:
        """Start the process and start it again when it dies, until released or cancelled."""
        crashed = False
        try:
            while not self.released:
                reason = await self._live_once(crashed)
                self.up.clear()
                crashed = self.last_code is not None and -self.last_code in _OWN_FAULTS
                await self._after_death(reason)
        finally:
            self.ended.set()

    async def _live_once(self, crashed: bool) -> str:
        """Run one process to its end and say how it ended."""
        try:
            process = await self._start(Assignment(self.name, crashed))
        except OSError as error:
            self.last_code = None
            return f"cannot be started: {error}"
        self._process, self._hung = process, ""
        log.info("worker started", kind=self.kind, name=self.name, child=process.pid)
        if self.released:
            _signal(process, signal.SIGTERM)  # released while it was being started
        try:
            async with asyncio.TaskGroup() as tasks:
                probe = tasks.create_task(self._watch(process), name=f"node/{self.kind}/{self.name}/probe")
                self.last_code = await self._wait(process)
                probe.cancel()
        except asyncio.CancelledError:
            await stop(process)
            raise
        finally:
            self._last_pid, self._process = process.pid, None
        return self._hung or describe_exit(self.last_code)

    async def _wait(self, process: Process) -> int:
        """Wait for the exit; after a release, no longer than PATIENCE."""
        leaving = asyncio.ensure_future(process.wait())
        released = asyncio.ensure_future(self._released.wait())
        try:
            await asyncio.wait({leaving, released}, return_when=asyncio.FIRST_COMPLETED)
            if not leaving.done():
                await asyncio.wait({leaving}, timeout=PATIENCE)
                if not leaving.done():
                    _signal(process, signal.SIGKILL)
            return await leaving
        finally:
            leaving.cancel()
            released.cancel()

    async def _after_death(self, reason: str) -> None:
        if self.released:
            self._announce(WorkerDown(self._info(self._last_pid), f"released; {reason}"))
            log.info("worker released", kind=self.kind, name=self.name, reason=reason)
            return
        pause = self._policy.died(time.monotonic())
        if pause:
            reason += f"; restarted too often, next try in {pause:g} s"
            log.error("worker keeps dying", kind=self.kind, name=self.name, reason=reason, alarm=True)
        else:
            log.warning("worker died", kind=self.kind, name=self.name, reason=reason)
        self._announce(WorkerDown(self._info(self._last_pid), reason))
        if pause:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._released.wait()

    async def _start(self, assignment: Assignment) -> Process:
        if self._reserve is not None and (spare := self._reserve.take(assignment)) is not None:
            return spare
        environment = child_environment(self._run_dir) | {
            "MCU_WORKER_NAME": assignment.name,
            "MCU_WORKER_CRASHED": "1" if assignment.crashed else "0",
        }
        return await asyncio.create_subprocess_exec(*self._command, env=environment, stdin=DEVNULL, process_group=0)

    async def _watch(self, process: Process) -> None:
        """See that it comes up and goes on answering; one that does not is killed, and so started again."""
        try:
            async with asyncio.timeout(STARTING):
                await self._say_when_up()
        except TimeoutError:
            self._hung = f"killed: not up within {STARTING:g} s"
        else:
            if not self._socket:  # control: its `/healthz` is for others to watch
                return
            await until_silent(self._socket)
            self._hung = f"killed: no answer for {MISSES * PERIOD:g} s"
        log.error("worker hangs", kind=self.kind, name=self.name, child=process.pid, reason=self._hung)
        _signal(process, signal.SIGKILL)

    async def _say_when_up(self) -> None:
        while self._socket and not _accepts(self._socket):
            await asyncio.sleep(_PROBE)
        self.up.set()
        log.info("worker up", kind=self.kind, name=self.name, child=self.info.pid)
        self._announce(WorkerUp(self.info))


def child_environment(run_dir: Path) -> dict[str, str]:
    """The supervisor's environment and what every child needs of it."""
    return {**os.environ, "MCU_RUN_DIR": str(run_dir), PARENT: str(os.getpid())}


def describe_exit(code: int) -> str:
    """`exit code 3`, or `killed by SIGKILL`; `code` as in `Process.returncode`."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


async def stop(process: Process) -> None:
    """SIGTERM, and SIGKILL after PATIENCE; returns when the process is gone."""
    _signal(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        return probe.connect_ex(path) == 0
