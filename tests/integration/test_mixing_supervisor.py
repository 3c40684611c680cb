"""A real supervisor with small stand-in workers: placed, killed, restarted, released, gone with their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcu_core.errors import OperatorError, PeerLost
from mcu_core.node import LocalPool, worker
from mcu_core.node.commands import COMMANDS
from mcu_core.node.supervisor import Supervisor
from mcu_core.wire import WorkerDown, WorkerUp

ROOT = str(Path(__file__).resolve().parents[2])
STAND_IN = """
import os, signal, socket, sys
name = os.environ.get("MCU_WORKER_NAME", "")
if "--spare" in sys.argv:
    print("ready", flush=True)
    import json
    line = sys.stdin.readline()
    if not line: sys.exit(0)
    name = json.loads(line)["name"]
if name == "broken": sys.exit(7)
if name == "stubborn": signal.signal(signal.SIGTERM, signal.SIG_IGN)
kind = sys.argv[1]
if kind == "control": sys.exit(78)  # wrong settings
path = os.path.join(os.environ["MCU_RUN_DIR"], f"{kind}-{name}.sock")
if os.path.exists(path): os.unlink(path)
server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen(8)
while True: server.accept()[0].close()
"""


def supervisor_of(run_dir: Path, *, with_spare: bool = False) -> Supervisor:
    program = run_dir / "worker.py"
    program.write_text(STAND_IN)
    child = (sys.executable, "-S", str(program))
    return Supervisor(
        run_dir,
        with_control=False,
        with_spare=with_spare,
        commands={"control": (*child, "control"), "relay": (*child, "relay"), "mixer": (*child, "mixer")},
    )


@asynccontextmanager
async def supervised(run_dir: Path, *, with_spare: bool = False) -> AsyncIterator[LocalPool]:
    supervisor = supervisor_of(run_dir, with_spare=with_spare)
    pool = LocalPool(run_dir)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(supervisor.run())
        client = tasks.create_task(pool.run())
        try:
            yield pool
        finally:
            client.cancel()
            supervisor.stop()
            await running


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_a_killed_worker_is_back_and_control_is_told_why(short_path: Path) -> None:
    async with supervised(short_path) as pool, asyncio.timeout(10):
        watch = pool.watch()
        first = await pool.place("relay", "0")
        assert (await pool.place("relay", "0")).pid == first.pid
        assert isinstance(await anext(watch), WorkerUp)
        os.kill(first.pid, signal.SIGKILL)
        down, up = await anext(watch), await anext(watch)
        assert isinstance(down, WorkerDown)
        assert down.reason == "killed by SIGKILL"
        assert down.worker.pid == first.pid
        assert isinstance(up, WorkerUp)
        assert up.worker.pid != first.pid
        assert up.worker.restarts == 1
        assert await pool.list() == (up.worker,)
    assert not alive(up.worker.pid)


async def test_a_released_worker_ends_and_can_be_placed_again(short_path: Path) -> None:
    async with supervised(short_path) as pool, asyncio.timeout(10):
        first = await pool.place("mixer", "c-1")
        await pool.release("mixer", "c-1")
        assert not alive(first.pid)
        assert await pool.list() == ()
        assert (await pool.place("mixer", "c-1")).pid != first.pid


async def test_the_spare_takes_the_name_of_the_killed_mixer(short_path: Path) -> None:
    async with supervised(short_path, with_spare=True) as pool, asyncio.timeout(10):
        watch = pool.watch()
        await asyncio.sleep(0.3)  # the stand-in spare is warm by then
        loop = asyncio.get_running_loop()
        before = loop.time()
        first = await pool.place("mixer", "c-1")
        assert loop.time() - before < 0.2
        await anext(watch)
        await asyncio.sleep(1.5)  # the next spare
        os.kill(first.pid, signal.SIGKILL)
        before = loop.time()
        await anext(watch)
        assert isinstance(await anext(watch), WorkerUp)
        assert loop.time() - before < 0.2


async def test_workers_share_a_session_that_nice_values_count_among_them_but_not_its_signals(short_path: Path) -> None:
    async with supervised(short_path, with_spare=True) as pool, asyncio.timeout(10):
        await asyncio.sleep(0.3)
        workers = [(await pool.place("relay", "0")).pid, (await pool.place("mixer", "c-1")).pid]  # the second a spare
        assert {os.getsid(pid) for pid in workers} == {os.getsid(0)}
        assert [os.getpgid(pid) for pid in workers] == workers, "Ctrl-C is for the supervisor alone"


async def test_a_worker_that_keeps_dying_raises_the_alarm_and_harms_nobody(short_path: Path) -> None:
    async with supervised(short_path) as pool, asyncio.timeout(10):
        watch = pool.watch()
        healthy = await pool.place("relay", "0")
        await anext(watch)
        placing = asyncio.ensure_future(pool.place("mixer", "broken"))
        reasons = []
        for _ in range(4):
            event = await anext(watch)
            assert isinstance(event, WorkerDown)
            reasons.append(event.reason)
        assert reasons[0] == "exit code 7"
        assert "restarted too often" in reasons[3]
        assert healthy in await pool.list()
        await pool.release("mixer", "broken")
        placing.cancel()


async def test_bad_requests_are_refused_and_nothing_starts(short_path: Path) -> None:
    async with supervised(short_path) as pool, asyncio.timeout(10):
        with pytest.raises(OperatorError, match="bad_worker_name"):
            await pool.place("mixer", "../etc")
        with pytest.raises(OperatorError, match="not_placeable"):
            await pool.place("control", "1")
        assert await pool.list() == ()


async def test_nothing_is_started_while_it_stops(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control may see the relay go, and ask for it again, before it ends itself."""
    monkeypatch.setattr(worker, "PATIENCE", 1.0)
    supervisor, pool = supervisor_of(short_path), LocalPool(short_path)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(supervisor.run())
        client = tasks.create_task(pool.run())
        relay = await pool.place("relay", "0")
        await pool.place("mixer", "stubborn")  # it holds up the end for a second
        supervisor.stop()
        while alive(relay.pid):
            await asyncio.sleep(0.01)
        with pytest.raises(PeerLost, match="stopping"):
            await pool.place("relay", "0")
        await running
        client.cancel()


async def test_two_supervisors_cannot_share_a_run_directory(short_path: Path) -> None:
    async with supervised(short_path) as pool, asyncio.timeout(10):
        await pool.list()
        with pytest.raises(OperatorError, match="already_running"):
            await Supervisor(short_path, with_control=False, with_spare=False).run()
        await pool.list()


async def test_without_a_supervisor_the_pool_says_so(short_path: Path) -> None:
    with pytest.raises(PeerLost, match="no_supervisor"):
        await LocalPool(short_path, deadline=0.1).list()


async def test_wrong_settings_of_control_end_the_supervisor_instead_of_looping(short_path: Path) -> None:
    program = short_path / "worker.py"
    program.write_text(STAND_IN)
    commands = {kind: (sys.executable, "-S", str(program), kind) for kind in COMMANDS}
    async with asyncio.timeout(5):
        assert await Supervisor(short_path, with_spare=False, commands=commands).run() == 78


async def test_children_die_with_a_killed_supervisor(short_path: Path) -> None:
    (short_path / "sleeper.py").write_text("import time; time.sleep(60)")
    parent = (
        "import os, subprocess, sys, time\n"
        "env = dict(os.environ, MCU_SUPERVISOR_PID=str(os.getpid()), PYTHONPATH=sys.argv[1] + ':' + sys.argv[2])\n"
        "child = subprocess.Popen([sys.executable, '-m', 'mcu_core.node.child', 'sleeper'], env=env)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, ROOT, str(short_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    child = int(await process.stdout.readline())
    await asyncio.sleep(0.5)
    assert alive(child)
    process.kill()
    await process.wait()
    async with asyncio.timeout(3):
        while alive(child):
            await asyncio.sleep(0.02)
