"""The proxy that makes a line bad: between peers and one UDP port, and for their HTTPS and WebSocket beside it.

Each peer (address) is a flow of its own with its own address towards the server, as behind a NAT; `rebind` gives all
flows new ones, after which nothing reaches them at the old.  Byte streams are not lossy (TCP sends again) but late by
the line's delay and held while it is cut.  In this process, or in one of its own (`ProxyProcess`), which keeps
the line's timing away from a busy benchmark:

    proxy = await ProxyProcess.start(PROFILES["N3"], seed=1, media=("127.0.0.1", 40000), web=("127.0.0.1", 8443))
    ...join through proxy.media_port, proxy.web_port...
    await proxy.begin()          # the profile's time is 0 now
    print(await proxy.counts())
    await proxy.stop()
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.impair import PROFILES, Counts, Direction, Held, Line, Profile

Address = tuple[str, int]
MAX_FLOWS = 64
_BUFFER = 1 << 21
_BATCH = 64  # datagrams read before others have their turn
_CHUNK = 1 << 16
_HOME = Path(__file__).resolve().parents[1]


class Course:
    """Where in its profile a line is.  Until `begin` the first stage holds."""

    def __init__(self, profile: Profile, clock: Callable[[], float]) -> None:
        self.profile = profile
        self.clock = clock
        self._began: float | None = None

    def begin(self) -> None:
        self._began = self.clock()

    @property
    def time(self) -> float:
        """Seconds since the beginning, 0 before it."""
        return 0.0 if self._began is None else self.clock() - self._began

    @property
    def up(self) -> Line:
        return self.profile.stage(self.time).up

    @property
    def down(self) -> Line:
        return self.profile.stage(self.time).down


@dataclass(slots=True)
class _Flow:
    peer: Address
    up: Direction
    down: Direction
    outside: socket.socket
    old: list[socket.socket] = field(default_factory=list)


class UdpProxy:
    """Owned by the loop it was started on.  `port` is where peers send to."""

    def __init__(self, course: Course, server: Address, seed: int, bind: str = "127.0.0.1") -> None:
        self._course, self._server, self._seed = course, server, seed
        self._loop = asyncio.get_running_loop()
        self._inside = _udp(bind)
        self.port = int(self._inside.getsockname()[1])
        self._bind = bind
        self._flows: dict[Address, _Flow] = {}
        self._held: Held[tuple[socket.socket, bytes, Address]] = Held()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self.refused = 0  # packets of peers beyond `MAX_FLOWS`
        self.stale = 0  # packets to addresses that are no more
        self.overflow = 0
        self._loop.add_reader(self._inside, self._from_peers)

    def rebind(self) -> None:
        """Every flow gets another address towards the server, now."""
        for flow in self._flows.values():
            self._loop.remove_reader(flow.outside)
            self._loop.add_reader(flow.outside, partial(self._throw_away, flow.outside))
            flow.old.append(flow.outside)
            flow.outside = _udp(self._bind)
            self._listen(flow)

    def counts(self) -> dict[str, Any]:
        """Both directions of all flows together."""
        return {
            "up": _total([flow.up.counts for flow in self._flows.values()]).values(),
            "down": _total([flow.down.counts for flow in self._flows.values()]).values(),
            "flows": len(self._flows),
            "refused": self.refused,
            "stale": self.stale,
            "overflow": self.overflow,
        }

    def reset(self) -> None:
        """Count from zero."""
        for flow in self._flows.values():
            flow.up.counts, flow.down.counts = Counts(), Counts()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for sock in (self._inside, *(s for flow in self._flows.values() for s in (flow.outside, *flow.old))):
            self._loop.remove_reader(sock)
            sock.close()
        self._flows.clear()

    # -- packets

    def _from_peers(self) -> None:
        for _ in range(_BATCH):
            try:
                data, peer = self._inside.recvfrom(2048)
            except OSError:
                return
            flow = self._flows.get(peer) or self._new_flow(peer)
            if flow is not None:
                self._carry(flow.up, self._course.up, flow.outside, data, self._server)

    def _from_server(self, flow: _Flow, outside: socket.socket) -> None:
        for _ in range(_BATCH):
            try:
                data, source = outside.recvfrom(2048)
            except OSError:
                return
            if source == self._server:
                self._carry(flow.down, self._course.down, self._inside, data, flow.peer)

    def _throw_away(self, outside: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for _ in range(_BATCH):
                outside.recv(2048)
                self.stale += 1

    def _carry(self, direction: Direction, line: Line, out: socket.socket, data: bytes, to: Address) -> None:
        now = self._loop.time()
        for time in direction.carry(line, len(data), now):
            if time <= now and not self._held:
                _send(out, data, to)
            elif not self._held.hold(time, (out, data, to)):
                self.overflow += 1
        self._arm()

    def _arm(self) -> None:
        due = self._held.next_out
        if due is None or (self._timer is not None and self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._loop.call_at(due, self._deliver), due

    def _deliver(self) -> None:
        self._timer = None
        for out, data, to in self._held.due(self._loop.time() + 0.0005):
            _send(out, data, to)
        self._arm()

    def _new_flow(self, peer: Address) -> _Flow | None:
        if len(self._flows) >= MAX_FLOWS:
            self.refused += 1
            return None
        name = f"{self._seed}/{len(self._flows)}"
        flow = self._flows[peer] = _Flow(peer, Direction(f"{name}/up"), Direction(f"{name}/down"), _udp(self._bind))
        self._listen(flow)
        return flow

    def _listen(self, flow: _Flow) -> None:
        self._loop.add_reader(flow.outside, partial(self._from_server, flow, flow.outside))


class TcpProxy:
    """The same line for byte streams; `port` is where peers connect to."""

    def __init__(self, course: Course, server: Address) -> None:
        self._course, self._target = course, server
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = 0

    async def start(self, bind: str = "127.0.0.1") -> None:
        self._server = await asyncio.start_server(self._connected, bind, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._passable(lambda: self._course.up)
            there_reader, there_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        pumps = [
            asyncio.create_task(self._pump(reader, there_writer, lambda: self._course.up), name="proxy/up"),
            asyncio.create_task(self._pump(there_reader, writer, lambda: self._course.down), name="proxy/down"),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in (writer, there_writer):
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Callable[[], Line]) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await asyncio.sleep(line().delay)
                await self._passable(line)
                writer.write(data)
                await writer.drain()

    async def _passable(self, line: Callable[[], Line]) -> None:
        while line().is_cut:
            await asyncio.sleep(0.02)


class ProxyProcess:
    """Both proxies in a process of their own."""

    def __init__(self, process: Process, ports: dict[str, int]) -> None:
        self._process = process
        self.media_port, self.web_port = ports["media"], ports["web"]

    @classmethod
    async def start(
        cls, profile: Profile, *, seed: int, media: Address, web: Address, seconds: float | None = None
    ) -> ProxyProcess:
        """`seconds`: the length of the run, for profiles that stretch."""
        words = [profile.name, str(seed), *map(str, media), *map(str, web), str(seconds or profile.seconds)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.impair_proxy", *words),
            stdin=PIPE,
            stdout=PIPE,
            cwd=_HOME,
        )
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"the proxy ended with {await process.wait()}")
        return cls(process, json.loads(line))

    async def begin(self) -> None:
        """The profile begins now, and the counts from zero."""
        await self._ask("begin")

    async def rebind(self) -> None:
        await self._ask("rebind")

    async def counts(self) -> dict[str, Any]:
        return await self._ask("counts")

    async def _ask(self, command: str) -> dict[str, Any]:
        """Raises RuntimeError when the process has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command.encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the proxy ended with {await self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 3)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def _serve(profile: Profile, seed: int, media: Address, web: Address) -> None:
    """Obey commands on standard input until it ends."""
    loop = asyncio.get_running_loop()
    course = Course(profile, loop.time)
    udp, tcp = UdpProxy(course, media, seed), TcpProxy(course, web)
    await tcp.start()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say({"media": udp.port, "web": tcp.port})
    planned: list[asyncio.TimerHandle] = []
    try:
        while command := (await reader.readline()).decode().strip():
            if command == "begin":
                course.begin()
                udp.reset()
                planned += [loop.call_later(time, udp.rebind) for time in profile.rebinds]
            elif command == "rebind":
                udp.rebind()
            _say(udp.counts())
    finally:
        for handle in planned:
            handle.cancel()
        udp.close()
        await tcp.close()


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _total(several: list[Counts]) -> Counts:
    total = Counts()
    for one in several:
        for name in Counts.__slots__:
            values = getattr(total, name), getattr(one, name)
            setattr(total, name, max(values) if name == "queue_peak" else sum(values))
    return total


def _udp(bind: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
    sock.bind((bind, 0))
    return sock


def _send(out: socket.socket, data: bytes, to: Address) -> None:
    with contextlib.suppress(OSError):  # lost, as on any line
        out.sendto(data, to)


def main() -> None:
    parser = argparse.ArgumentParser(description="a bad line before one UDP port and one TCP port")
    parser.add_argument("profile", choices=sorted(PROFILES))
    parser.add_argument("seed", type=int)
    parser.add_argument("media_host")
    parser.add_argument("media_port", type=int)
    parser.add_argument("web_host")
    parser.add_argument("web_port", type=int)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    profile = PROFILES[given.profile].over(given.seconds)
    asyncio.run(_serve(profile, given.seed, (given.media_host, given.media_port), (given.web_host, given.web_port)))


if __name__ == "__main__":
    main()
