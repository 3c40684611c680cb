"""The real mixer process, fed by a stand-in relay: what the programme shows and what each site hears."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from dataclasses import replace
from statistics import median

import pytest

from mcu_core.errors import OperatorError
from mcu_core.node import LocalPool
from mcu_core.node.supervisor import Supervisor
from mcu_core.wire import RenditionPlan, SitePlan, TilePlan, ViewPlan
from tests.integration.mixing_bench import Bench, Site, bench, frame_size, grid, plan

CENTRES = ((160, 90), (480, 90), (160, 270), (480, 270))  # of the tiles of a 2x2 on 640x360
LOUD, SILENT = 3000.0, 60.0


def places(*sites: int) -> dict[tuple[int, int], int]:
    return dict(zip(CENTRES, sites, strict=False))


def present(*numbers: int, **more: bool) -> list[SitePlan]:
    return [SitePlan(number, f"Điểm cầu {number}", present=True, **more) for number in numbers]


async def test_each_site_stands_where_the_plan_says_and_a_new_plan_moves_it() -> None:
    async with bench([Site(n) for n in range(1, 5)]) as stage:
        await stage.control.send(plan(1, present(1, 2, 3, 4), [1, 2, 3, 4]))
        await stage.sees(1, places(1, 2, 3, 4))
        assert {site for site, _ in stage.relay.asked} == {1, 2, 3, 4}
        assert stage.control.on_air(1)
        asked = len(stage.relay.asked)
        await stage.control.send(plan(2, present(1, 2, 3, 4), [4, 3, 2, 1]))
        took = await stage.sees(1, places(4, 3, 2, 1))
        assert took < 0.5
        assert stage.control.on_air(2)
        assert len(stage.relay.asked) == asked, "moving a tile needs no keyframe"
        await stage.control.send(plan(3, present(1, 2, 3, 4), [2]))
        await stage.sees(1, {(100, 60): 2, (560, 300): 2})
        await stage.until(lambda: stage.control.stats is not None and stage.control.stats.decoders == 1)
        stats = stage.control.stats
        assert stats is not None
        assert (stats.encoders, stats.receiving) == (1, (2,))
        # an older plan of the same control is not obeyed
        await stage.control.send(plan(1, present(1, 2, 3, 4), [1, 2, 3, 4]))
        await stage.sees(1, {(100, 60): 2, (560, 300): 2})


async def test_pictures_keep_the_rate_and_their_timestamps_follow_the_clock() -> None:
    async with bench([Site(1)]) as stage:
        await stage.control.send(plan(1, present(1), [1]))
        await stage.sees(1, {(320, 180): 1})
        await asyncio.sleep(1.0)
        pictures = stage.relay.video[1]
        # a busy machine may cost a tick; time is told right all the same
        steps = [(b.rtp_time - a.rtp_time) % 2**32 for a, b in itertools.pairwise(pictures)]
        assert median(steps) == 6000
        assert all(step % 6000 == 0 for step in steps)
        assert pictures[0].keyframe
        assert all(abs(p.rtp_time - round(p.tick * 90_000)) % 2**32 <= 1 for p in pictures)
        ticks = stage.relay.audio
        steps = [(b.rtp_time - a.rtp_time) % 2**32 for a, b in itertools.pairwise(ticks)]
        assert median(steps) == 960
        assert [round((b.tick - a.tick) * 48_000) for a, b in itertools.pairwise(ticks)] == steps


async def test_everybody_hears_the_others_and_never_themselves() -> None:
    async with bench([Site(1, speaks=True), Site(2, speaks=True), Site(3)]) as stage:
        await stage.control.send(plan(1, present(1, 2, 3), [1, 2, 3]))
        await stage.until(lambda: bool(stage.relay.audio) and set(stage.relay.audio[-1].private) == {1, 2})
        listener, first, second = await asyncio.gather(stage.listen(0.4), stage.listen(0.4, 1), stage.listen(0.4, 2))
        assert min(listener[1], listener[2]) > LOUD
        assert first[2] > LOUD
        assert first[1] < SILENT
        assert second[1] > LOUD
        assert second[2] < SILENT
        stats = stage.control.stats
        assert stats is None or stats.voices == (1, 2)


async def test_a_muted_site_is_not_heard_and_is_again_when_unmuted() -> None:
    async with bench([Site(1, speaks=True), Site(2, speaks=True)]) as stage:
        sites = present(1, 2)
        await stage.control.send(plan(1, [replace(sites[0], muted=True), sites[1]], [1, 2]))
        await stage.until(lambda: bool(stage.relay.audio) and set(stage.relay.audio[-1].private) == {2})
        heard = await stage.listen(0.4)
        assert heard[1] < SILENT
        assert heard[2] > LOUD
        await stage.control.send(plan(2, sites, [1, 2]))
        await stage.until(lambda: set(stage.relay.audio[-1].private) == {1, 2})
        assert (await stage.listen(0.4))[1] > LOUD
        await stage.control.send(plan(3, [replace(sites[0], muted=True), sites[1]], [1, 2]))
        await stage.until(lambda: set(stage.relay.audio[-1].private) == {2})
        assert (await stage.listen(0.4))[1] < SILENT


async def test_two_relays_are_one_conference() -> None:
    async with bench([Site(1, speaks=True)]) as stage:
        other = type(stage.relay)(stage.relay.path, [Site(2, speaks=True)], "1")
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(other.run())
            await stage.control.send(plan(1, present(1, 2), [1, 2]))
            await stage.sees(1, {(160, 90): 1, (480, 90): 2})
            await stage.until(lambda: set(other.audio[-1].private) == {1, 2})
            assert (await stage.listen(0.4))[2] > LOUD
            assert other.video[1]
            await stage.until(lambda: {site for site, _ in stage.relay.asked} >= {1})
            stage.relay.asked.clear()
            other.asked.clear()
            # sites are known to their relays by now: only the right one is asked
            await stage.control.send(plan(2, present(1, 2), [1]))
            await stage.control.send(plan(3, present(1, 2), [1, 2]))
            await stage.until(lambda: bool(other.asked))
            assert stage.relay.asked == []
            running.cancel()


async def test_garbage_of_one_site_harms_only_its_own_tile() -> None:
    async with bench([Site(1), Site(2, garbage=True), Site(3, speaks=True)]) as stage:
        await stage.control.send(plan(1, present(1, 2, 3), [1, 2, 3]))
        await stage.sees(1, places(1))
        await stage.until(lambda: stage.control.stats is not None and stage.control.stats.quarantined == (2,), 8)
        await stage.sees(1, {CENTRES[0]: 1, CENTRES[2]: 3})
        stats = stage.control.stats
        assert stats is not None
        assert stats.dropped["video_broken"] >= 5
        assert (await stage.listen(0.5))[3] > LOUD


async def test_what_crashed_the_last_mixer_is_kept_out_of_the_next() -> None:
    async with bench([Site(1), Site(2)], crashed_on=2) as stage:
        await stage.control.send(plan(1, present(1, 2), [1, 2]))
        await stage.sees(1, {(160, 90): 1, (480, 90): -1})
        await stage.until(lambda: stage.control.stats is not None and stage.control.stats.quarantined == (2,))


async def test_renditions_come_change_and_go() -> None:
    async with bench([Site(1)]) as stage:
        await stage.control.send(plan(1, present(1), [1], renditions=()))
        await stage.until(lambda: stage.control.on_air(1))
        await stage.until(lambda: stage.control.stats is not None)
        stats = stage.control.stats
        assert stats is not None
        assert (stats.encoders, stats.decoders, stats.views) == (0, 0, ())
        first = RenditionPlan(1, "programme", "H264", 640, 360, 15.0, 600_000)
        small = RenditionPlan(2, "programme", "VP8", 320, 180, 7.5, 200_000)
        await stage.control.send(plan(2, present(1), [1], renditions=(first, small)))
        await stage.sees(1, {(320, 180): 1})
        await stage.until(lambda: len(stage.relay.video[2]) > 6)
        assert frame_size(stage.relay.video[1][0].payload) == (640, 360)
        two = stage.relay.video[2]
        assert two[0].keyframe
        assert median((b.rtp_time - a.rtp_time) % 2**32 for a, b in itertools.pairwise(two[1:])) == 12_000
        # another bitrate is no reason for a new encoder, another size is
        await stage.control.send(plan(3, present(1), [1], renditions=(replace(first, bitrate_bps=300_000),)))
        await stage.until(lambda: stage.control.on_air(3))
        stage.relay.video.clear()
        await stage.until(lambda: len(stage.relay.video[1]) > 3)
        assert not any(picture.keyframe for picture in stage.relay.video[1])
        await stage.control.send(plan(4, present(1), [1], renditions=(replace(first, width=320, height=180),)))
        await stage.until(lambda: stage.control.on_air(4))
        await stage.until(lambda: any(picture.keyframe for picture in stage.relay.video[1]))
        keyframe = next(picture for picture in stage.relay.video[1] if picture.keyframe)
        assert frame_size(keyframe.payload) == (320, 180)
        await stage.control.send(plan(5, present(1), [1], renditions=()))
        await asyncio.sleep(0.2)
        stage.relay.video.clear()
        await asyncio.sleep(0.3)
        assert not stage.relay.video[1]


async def test_keyframes_come_when_asked_for_but_not_in_bursts() -> None:
    async with bench([Site(1)]) as stage:
        await stage.control.send(plan(1, present(1), [1]))
        await stage.sees(1, {(320, 180): 1})
        await asyncio.sleep(0.4)
        stage.relay.video.clear()
        for _ in range(10):
            stage.relay.ask_keyframe(1)
            await asyncio.sleep(0.03)
        await asyncio.sleep(0.4)
        keyframes = [picture.tick for picture in stage.relay.video[1] if picture.keyframe]
        assert 1 <= len(keyframes) <= 2
        assert all(b - a >= 0.3 for a, b in itertools.pairwise(keyframes))


async def test_a_plan_that_cannot_be_drawn_is_refused_and_the_old_one_goes_on() -> None:
    async with bench([Site(1)]) as stage:
        await stage.control.send(plan(1, present(1), [1]))
        await stage.sees(1, {(320, 180): 1})
        odd = ViewPlan("programme", 641, 360, 15.0, grid([1], 1))
        with pytest.raises(OperatorError, match="bad_plan"):
            await stage.control.send(plan(2, present(1), [1], views=(odd,)))
        outside = ViewPlan("programme", 640, 360, 15.0, (TilePlan(0.9, -3.0, 7.0, 9.0, site=1), *grid([1], 1)))
        await stage.control.send(plan(3, present(1), [1], views=(outside,)))
        await stage.sees(1, {(320, 180): 1})


async def test_a_spare_takes_over_from_a_killed_mixer_within_a_second() -> None:
    async with bench([Site(1, speaks=True), Site(2), Site(3), Site(4)], start=False) as stage:
        supervisor = Supervisor(stage.run_dir, with_control=False)
        pool = LocalPool(stage.run_dir)
        async with asyncio.TaskGroup() as tasks:
            keeping, client = tasks.create_task(supervisor.run()), tasks.create_task(pool.run())
            first = await pool.place("mixer", "c-1")
            wanted = plan(1, present(1, 2, 3, 4), [1, 2, 3, 4])
            await stage.control.send(wanted)
            await stage.sees(1, places(1, 2, 3, 4), 10)
            assert supervisor.spare is not None
            await stage.until(lambda: supervisor.spare is not None and supervisor.spare.ready, 15)
            took = await _kill_and_time(stage, pool, first.pid, wanted)
            print(f"mixer killed: new mixer up {took[0]:.3f} s, sound {took[1]:.3f} s, picture {took[2]:.3f} s")
            assert took[0] < 0.5
            assert max(took) < 1.0
            client.cancel()
            supervisor.stop()
            assert await keeping == 0


async def _kill_and_time(stage: Bench, pool: LocalPool, pid: int, wanted: object) -> tuple[float, float, float]:
    """Seconds from SIGKILL to: the new mixer listens, sound flows, the whole picture is back."""
    loop, watch = asyncio.get_running_loop(), pool.watch()
    stage.relay.video.clear()
    stage.relay.audio.clear()
    os.kill(pid, signal.SIGKILL)
    killed = loop.time()
    stage.relay.video.clear()
    stage.relay.audio.clear()
    while (await anext(watch)).type != "worker_up":
        pass
    up = loop.time() - killed
    await stage.control.send(wanted)  # type: ignore[arg-type]
    await stage.until(lambda: any(tick.private for tick in stage.relay.audio))
    heard = loop.time() - killed
    await stage.sees(1, places(1, 2, 3, 4))
    return up, heard, loop.time() - killed
