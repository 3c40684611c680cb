"""Sites on bad lines (benchmarks/impair.py) in a real conference: they are seen and see, and keep their seat.

Quick forms of `mcu bench line`, with stock aiortc on the bad line; times leave room for a busy machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from benchmarks.freezes import freezes
from benchmarks.impair import PROFILES, Line, Profile, Stage
from benchmarks.impair_proxy import Course, TcpProxy, UdpProxy
from benchmarks.line_sites import Ears, Eyes, detour, through
from endpoint_client.headless_site import HeadlessSite
from endpoint_client.media import SiteOptions
from tests.integration.harness import Room

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEED = 7
CUT = 5.0
GOOD, NOTHING = Line(delay=0.01), Line(loss=1.0)
FLAP = Profile(
    "flap", "đứt 5 giây", "cut for 5 s", (Stage(0, GOOD, GOOD), Stage(0.5, NOTHING, NOTHING), Stage(5.5, GOOD, GOOD))
)


@dataclass
class Meeting:
    """`bad` sits on the bad line; `good` looks at it in the mix."""

    bad: HeadlessSite
    good: HeadlessSite
    course: Course
    media: UdpProxy
    seen: Eyes  # of `good`: when another picture of `bad` came
    sees: Eyes  # of `bad`: when any picture came
    heard: Ears  # of `bad`

    async def both_ways(self, since: float, timeout: float) -> float:
        """Wait until pictures go both ways after `since` (wall clock); the seconds it took."""
        await self._until(lambda: self._last(self.seen.changes) > since, "new picture of the bad line", timeout)
        await self._until(lambda: self._last(self.sees.all) > since, "picture over the bad line", timeout)
        return max(min(time for time in times if time > since) - since for times in (self.seen.changes, self.sees.all))

    @staticmethod
    def _last(times: list[float]) -> float:
        return times[-1] if times else 0.0

    async def _until(self, fact: Callable[[], bool], what: str, timeout: float) -> None:
        until = time.monotonic() + timeout
        while not fact():
            assert time.monotonic() < until, f"no {what} within {timeout} s"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def meeting(room: Room, profile: Profile) -> AsyncIterator[Meeting]:
    course = Course(profile, asyncio.get_running_loop().time)
    media = UdpProxy(course, ("127.0.0.1", room.mcu.relay_port), SEED)
    web = TcpProxy(course, ("127.0.0.1", room.mcu.port))
    await web.start()
    try:
        made = [await room.add(name) for name in ("Đường truyền kém", "Đường truyền tốt")]
        seen, sees, heard = Eyes(int(made[0]["number"])), Eyes(int(made[1]["number"])), Ears()
        options = SiteOptions(frame_rate=15, looks_per_second=0)
        bad = HeadlessSite(through(made[0]["url"], web.port), options=options, ca=room.mcu.ca, name="bad")
        good = HeadlessSite(made[1]["url"], options=options, ca=room.mcu.ca, name="good")
        bad.on_answer = detour(media.port)
        bad.pictures, bad.sounds, good.pictures = sees, heard, seen
        room.sites += [bad, good]
        await good.start()
        await bad.start(30.0)
        now = Meeting(bad, good, course, media, seen, sees, heard)
        await now.both_ways(time.time(), 15.0)
        await good.hears(bad.number)
        yield now
        await asyncio.gather(bad.stop(), good.stop())  # while there is a line
    finally:
        media.close()
        await web.close()


async def test_at_1_percent_loss_the_picture_never_stands_for_long(room: Room) -> None:
    async with meeting(room, PROFILES["N2"]) as now:
        await asyncio.sleep(2.0)  # the mixer gets to know the line
        begin = time.time()
        now.course.begin()
        await asyncio.sleep(6.0)
        end = time.time()
        counts = now.media.counts()["up"]
        assert counts["lost"] > 0
        longest = max((freeze.seconds for freeze in freezes(now.seen.changes, begin, end)), default=0.0)
        assert longest < 0.8
        assert sum(begin < moment <= end for moment in now.seen.changes) >= 6 * 15 * 0.6
        assert now.bad.media_connections == 1
        await now.good.hears(now.bad.number)
        await now.bad.hears(now.good.number)


async def test_after_a_cut_of_5_seconds_the_same_seat_goes_on_within_2(room: Room) -> None:
    async with meeting(room, FLAP) as now:
        seat = now.bad.link.seat
        now.course.begin()
        returns = time.time() + 0.5 + CUT
        await asyncio.sleep(CUT)
        assert now.seen.changes[-1] < time.time() - 2, "the line was cut"
        await asyncio.sleep(max(0.0, returns - time.time()))
        assert await now.both_ways(returns, 10.0) <= 3.0
        await now.good.hears(now.bad.number)
        await now.bad.hears(now.good.number)
        assert now.bad.link.seat == seat
        assert now.bad.link.refused is None
        state = await room.site_state(now.bad)
        assert state["state"] == "live"


async def test_a_new_address_of_the_nat_is_followed_at_once(room: Room) -> None:
    async with meeting(room, PROFILES["N1"]) as now:
        connections = now.bad.media_connections, now.bad.link.connections
        for _ in range(2):
            now.media.rebind()
            assert await now.both_ways(time.time(), 10.0) <= 2.5
        await now.good.hears(now.bad.number)
        await now.bad.hears(now.good.number)
        assert (now.bad.media_connections, now.bad.link.connections) == connections, "no rejoin was needed"
