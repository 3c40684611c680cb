"""The load of a soak: sites that stay and sites that leave and join again, in one process.

Run as `python -m benchmarks.soak_churn`; JSON lines as for benchmarks/loadgen.py, with one command more:

    {"do": "churn", "seconds": 60, "cycles": 50}

makes so many cycles in that time: a site leaves (every fifth one vanishes without a word instead, as on a broken
line), stays away for a moment and joins anew by its link.  The answer says how many came back, and how fast.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from benchmarks.loadgen import Caller, Generator
from benchmarks.loadgen_leg import Leg
from benchmarks.loadgen_media import UNMARKED, film, tape
from endpoint_client.headless import parse_source
from endpoint_client.link import SiteRefused, split_link, trust
from endpoint_client.watching import percentile

AWAY = 0.3  # seconds between leaving and joining
VANISHES = 5  # every so many cycles
STAY = 4  # the first sites never leave: the main site and those who speak
_JOIN = 20.0
_LEAVE = 2.0


class Churn(Generator):
    """All sites of the soak."""

    def __init__(self) -> None:
        super().__init__()
        self._join_command: dict[str, Any] = {}
        self._places: deque[int] = deque()  # those who may go, longest there first
        self._join_ms: list[float] = []
        self._failed: list[str] = []

    async def join(self, command: dict[str, Any]) -> dict[str, Any]:
        self._join_command = command
        answer = await super().join(command)
        self._places = deque(range(STAY, len(command["legs"])))
        return answer

    async def churn(self, command: dict[str, Any]) -> dict[str, Any]:
        """Spread the cycles evenly; one is skipped when nobody may go (all are on their way)."""
        seconds, cycles = command["seconds"], command["cycles"]
        self._join_ms, self._failed = [], []
        begin, skipped = time.monotonic(), 0
        async with asyncio.TaskGroup() as group:
            for number in range(cycles):
                await asyncio.sleep(max(0.0, begin + number * seconds / cycles - time.monotonic()))
                if self._places:
                    place = self._places.popleft()
                    group.create_task(self._cycle(place, number % VANISHES == VANISHES - 1), name=f"cycle/{number}")
                else:
                    skipped += 1
            await asyncio.sleep(max(0.0, begin + seconds - time.monotonic()))
        return {
            "cycles": len(self._join_ms),
            "skipped": skipped,
            "failed": self._failed,
            "join_ms_p50": percentile(self._join_ms, 0.5),
            "join_ms_p95": percentile(self._join_ms, 0.95),
        }

    async def _cycle(self, place: int, vanish: bool) -> None:
        """One site goes and comes back."""
        await self._go(place, vanish)
        await asyncio.sleep(AWAY)
        caller = await self._come(place)
        if caller.leg.joined_at is not None:
            self._join_ms.append((caller.leg.joined_at - caller.clicked_at) * 1000)
        else:
            self._failed.append(f"{caller.name}: {self._why(caller)}")
        self._places.append(place)

    async def _go(self, place: int, vanish: bool) -> None:
        caller, task = self._callers[place], self._tasks[place]
        if vanish:
            await caller.link.drop()
        else:
            await caller.link.leave()
            await asyncio.wait([task], timeout=_LEAVE)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, SiteRefused):
            await task
        self._engine.remove(caller.leg)
        if vanish:
            caller.leg.socket.close()
        else:
            caller.leg.close()

    async def _come(self, place: int) -> Caller:
        command = self._join_command
        spec = command["legs"][place]
        source = parse_source(command["source"])
        leg = Leg(self._identity, film(UNMARKED, *source), tape(spec["number"], False), UNMARKED)
        origin, _ = split_link(command["url"], "-")
        caller = Caller(leg, origin, trust(Path(command["ca"]), False), spec, command.get("obey_hints", False))
        self._callers[place] = caller
        self._engine.add(leg)
        self._tasks[place] = asyncio.create_task(caller.run(0.0), name=f"leg/{caller.name}")
        until = time.monotonic() + _JOIN
        while not caller.ready and time.monotonic() < until:
            await asyncio.sleep(0.02)
        return caller


async def serve() -> None:
    """Obey stdin until its end."""
    reader = asyncio.StreamReader(limit=1 << 22)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    load = Churn()
    commands = {"join": load.join, "churn": load.churn, "measure": load.measure}
    try:
        while line := await reader.readline():
            command = json.loads(line)
            print(json.dumps(await commands[command["do"]](command)), flush=True)
    finally:
        await load.quit()


if __name__ == "__main__":
    asyncio.run(serve())
