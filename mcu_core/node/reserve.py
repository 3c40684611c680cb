"""The supervisor's half of the spare mixer: one process with its imports done, waiting for a name.

A mixer that is killed is replaced in the time a line takes through a pipe; importing PyAV, OpenCV and NumPy would take
about a second of a core.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence

import structlog

from mcu_core.node.commands import SPARE_FLAG
from mcu_core.node.restarts import RestartPolicy
from mcu_core.node.spare import Assignment

log = structlog.get_logger("node")

_SETTLE = 1.0  # a mixer that was just placed has the machine to itself before the next spare warms up


class Reserve:
    """Keeps one spare.  `run` owns the process until `take` gives it away."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, environment
        self._policy = RestartPolicy()
        self._process: Process | None = None
        self._ready = False
        self._taken = asyncio.Event()

    @property
    def ready(self) -> bool:
        return self._ready

    def take(self, assignment: Assignment) -> Process | None:
        """Give the spare away under a name; None while there is none that is warm."""
        process = self._process
        if process is None or not self._ready or process.returncode is not None:
            return None
        assert process.stdin is not None
        process.stdin.write(assignment.line().encode())
        process.stdin.close()
        self._process, self._ready = None, False
        self._taken.set()
        return process

    async def run(self) -> None:
        """Keep one spare until cancelled."""
        while True:
            self._taken.clear()
            process = await asyncio.create_subprocess_exec(
                *self._command, SPARE_FLAG, env=self._environment, stdin=PIPE, stdout=PIPE, process_group=0
            )
            self._process = process
            try:
                await self._keep(process)
            except asyncio.CancelledError:
                if self._process is not None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()  # it holds nothing
                    await process.wait()
                raise
            if self._taken.is_set():
                await asyncio.sleep(_SETTLE)
                continue
            self._process, self._ready = None, False
            pause = self._policy.died(time.monotonic())
            log.warning("spare mixer died", code=process.returncode, next_try=pause)
            await asyncio.sleep(pause)

    async def _keep(self, process: Process) -> None:
        """Return when the spare was taken or has died."""
        assert process.stdout is not None
        if await process.stdout.readline():
            self._ready = True
            log.info("spare mixer ready", child=process.pid)
        exit_, taken = asyncio.ensure_future(process.wait()), asyncio.ensure_future(self._taken.wait())
        try:
            await asyncio.wait({exit_, taken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            exit_.cancel()
            taken.cancel()
