"""A worker that hangs: told from one that is busy, killed, and started again."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from pathlib import Path

import pytest

from mcu_core.node import LocalPool, worker
from mcu_core.node.pulse import until_silent
from mcu_core.node.supervisor import Supervisor
from mcu_core.wire import Peer, WorkerDown, WorkerUp, listen

ROOT = str(Path(__file__).resolve().parents[2])
ANSWERS = """
import asyncio, os
from mcu_core.wire import Peer, listen
async def main():
    path = os.path.join(os.environ["MCU_RUN_DIR"], f"relay-{os.environ['MCU_WORKER_NAME']}.sock")
    await listen(path, Peer)
    await asyncio.get_running_loop().create_future()
asyncio.run(main())
"""


async def test_who_answers_is_asked_again_and_who_falls_silent_is_found(short_path: Path) -> None:
    path = str(short_path / "worker.sock")
    server = await listen(path, Peer)
    watching = asyncio.create_task(until_silent(path, period=0.1, misses=3))
    await asyncio.sleep(0.8)
    assert not watching.done(), "it answers"
    server.close()
    os.unlink(path)
    deaf = await asyncio.get_running_loop().create_unix_server(asyncio.Protocol, path)
    assert not watching.done(), "the connection that is open still answers"
    watching.cancel()
    await asyncio.wait((watching,))
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await until_silent(path, period=0.1, misses=3)
    assert loop.time() - begin >= 0.28
    deaf.close()


async def test_a_worker_that_is_not_there_is_silent(short_path: Path) -> None:
    await until_silent(str(short_path / "nobody.sock"), period=0.05, misses=3)


async def test_a_stopped_worker_is_killed_and_started_again(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "until_silent", functools.partial(until_silent, period=0.4, misses=3))
    program = short_path / "worker.py"
    program.write_text(ANSWERS)
    child = (sys.executable, str(program))
    monkeypatch.setenv("PYTHONPATH", ROOT)
    supervisor = Supervisor(
        short_path, with_control=False, with_spare=False, commands={"control": child, "relay": child, "mixer": child}
    )
    pool = LocalPool(short_path)
    async with asyncio.timeout(40), asyncio.TaskGroup() as tasks:
        running, client = tasks.create_task(supervisor.run()), tasks.create_task(pool.run())
        watch = pool.watch()
        first = await pool.place("relay", "0")
        assert isinstance(await anext(watch), WorkerUp)
        await asyncio.sleep(2.0)
        assert (await pool.list())[0].pid == first.pid, "it answers: nothing is done to it"
        os.kill(first.pid, signal.SIGSTOP)
        down, up = await anext(watch), await anext(watch)
        assert isinstance(down, WorkerDown)
        assert "no answer" in down.reason
        assert isinstance(up, WorkerUp)
        assert up.worker.pid != first.pid
        client.cancel()
        supervisor.stop()
        await running


async def test_a_worker_that_does_not_come_up_is_killed(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "STARTING", 0.5)
    told: asyncio.Queue[WorkerUp | WorkerDown] = asyncio.Queue()
    sleeper = (sys.executable, "-S", "-c", "import time; time.sleep(600)")
    one = worker.Worker("relay", "0", short_path, sleeper, announce=told.put_nowait)
    running = asyncio.create_task(one.run())
    async with asyncio.timeout(20):
        event = await told.get()
    assert isinstance(event, WorkerDown)
    assert "not up" in event.reason
    one.release()
    async with asyncio.timeout(20):
        await running
