"""The load generator's one loop: every 2 ms it drains all sockets that have something and sends what is due.

Waking once per packet would cost more than the packets; a tick serves all legs.  Sound goes out 50 times a second per
leg, in ten groups, pictures at their frame rate with a phase of their own, so that a relay sees a steady stream as
from real sites.  Receive times are up to one tick late.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import select
import time

from benchmarks.loadgen_leg import Leg

TICK = 0.002
_GROUPS = 10  # of legs, one per tick of a 20 ms period
_SLOW_EVERY = 15  # ticks
_ROUNDS = 16  # reads of one socket in one tick at most
_BEHIND = 0.1  # seconds after which missed work is skipped and counted


class Engine:
    """Owns legs from `add` to `remove`.  `start` and all else on one event loop."""

    def __init__(self) -> None:
        self._legs: dict[int, Leg] = {}
        self._groups: list[list[Leg]] = [[] for _ in range(_GROUPS)]
        self._pictures: list[tuple[float, int, Leg]] = []
        self._order = itertools.count()
        self._epoll = select.epoll()
        self._ticks = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.late_ms: list[float] = []  # of ticks, since it was cleared
        self.skipped = 0  # ticks not made up for

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + TICK
        self._timer = loop.call_at(self._due, self._tick, loop)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._epoll.close()

    def add(self, leg: Leg) -> None:
        fd = leg.socket.fileno()
        self._legs[fd] = leg
        self._epoll.register(fd, select.EPOLLIN)
        if leg.tape is not None:
            min(self._groups, key=len).append(leg)
        if leg.film is not None:
            leg.next_video = time.monotonic() + random.random() / leg.film.frame_rate
            heapq.heappush(self._pictures, (leg.next_video, next(self._order), leg))

    def remove(self, leg: Leg) -> None:
        fd = leg.socket.fileno()
        if self._legs.pop(fd, None) is not None:
            self._epoll.unregister(fd)
        for group in self._groups:
            if leg in group:
                group.remove(leg)
        self._pictures = [entry for entry in self._pictures if entry[2] is not leg]
        heapq.heapify(self._pictures)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        late = now - self._due
        self.late_ms.append(late * 1000)
        missed = int(late / TICK)
        if late > _BEHIND:
            self.skipped += missed
            missed = 0
        for _ in range(1 + missed):
            self._ticks += 1
            for leg in self._groups[self._ticks % _GROUPS]:
                leg.send_audio()
        self._send_pictures()
        self._drain()
        if self._ticks % _SLOW_EVERY <= missed:
            for leg in self._legs.values():
                leg.tick(time.monotonic())
        self._due = self._due + (1 + missed) * TICK if late <= _BEHIND else now + TICK
        self._timer = loop.call_at(self._due, self._tick, loop)

    def _send_pictures(self) -> None:
        now, heap = time.monotonic(), self._pictures
        while heap and heap[0][0] <= now:
            due, order, leg = heap[0]
            assert leg.film is not None
            if leg.sends_video:
                leg.send_video()
            period = 1 / leg.film.frame_rate
            heapq.heapreplace(heap, (due + period if now - due < _BEHIND else now + period, order, leg))

    def _drain(self) -> None:
        poll, legs = self._epoll.poll, self._legs
        for _ in range(_ROUNDS):
            events = poll(0)
            if not events:
                return
            now = time.monotonic()
            for fd, _flags in events:
                leg = legs[fd]
                try:
                    data = leg.socket.recv(2048)
                except OSError:
                    leg.counters.send_errors += 1  # an ICMP answer to what was sent
                    continue
                if data:
                    leg.receive(data, now)
