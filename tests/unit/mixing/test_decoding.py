"""The decoder pool: decodes what is wanted, starts at keyframes, drops what it cannot keep up with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from mcu_core.mixing.decoding import STALE_STILL, DecoderPool
from mcu_core.mixing.quarantine import Source
from mcu_core.mixing.suspects import DecodingMarks
from mcu_core.mixing.video_stream import QUEUE, WAITING
from mcu_core.wire import Codec, VideoIn
from mixer.codec import video_encoder
from mixer.picture import Canvas
from tests.unit.mixing.fakes import AtOnce, Later

ADA: Source = (1, "camera")


@cache
def coded(codec: Codec = "H264", width: int = 64, height: int = 48) -> tuple[bytes, ...]:
    encoder, canvas = video_encoder(codec, width, height, 15, 100_000), Canvas(width, height)
    return tuple(each.payload for n in range(30) for each in encoder.encode(canvas.frame, 6000 * n))


def frame(n: int, at: float, site: int = 1, codec: Codec = "H264") -> VideoIn:
    return VideoIn(site, "camera", codec, n == 0, at, 6000 * n, coded(codec)[n])


class Stage:
    """A pool and whom it asked for keyframes."""

    def __init__(self, folder: Path, executor: AtOnce, slow: AtOnce | None = None) -> None:
        self.asked: list[Source] = []
        self.executor = executor
        self.slow = slow or executor
        self.pool = DecoderPool(executor, self.slow, DecodingMarks(folder / "marks"), self.asked.append)


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, AtOnce())


async def test_a_stream_asks_at_once_and_again_and_starts_with_its_keyframe(stage: Stage) -> None:
    pool = stage.pool
    pool.want([ADA], 0.0)
    assert stage.asked == [ADA]
    pool.receive(frame(5, 0.1), 0.1)
    pool.tend(0.3)
    assert stage.asked == [ADA]
    pool.tend(0.6)
    assert stage.asked == [ADA, ADA]
    assert pool.picture(ADA, 0.6) is None
    pool.receive(frame(0, 0.7), 0.7)
    assert pool.picture(ADA, 0.7) is not None
    pool.tend(5.0)
    assert stage.asked == [ADA, ADA]
    assert pool.dropped()["video_frames"] == 1


async def test_what_nobody_watches_is_not_decoded(stage: Stage) -> None:
    stage.pool.receive(frame(0, 0.0), 0.0)
    assert (stage.pool.decoders, stage.pool.dropped()["video_unseen"]) == (0, 1)
    stage.pool.want([ADA], 0.0)
    stage.pool.receive(frame(0, 0.1), 0.1)
    assert stage.pool.receiving(0.2) == (1,)
    stage.pool.want([], 1.0)
    assert stage.pool.decoders == 0
    assert stage.pool.picture(ADA, 1.0) is None


async def test_a_still_is_shown_until_the_next_two_should_have_come(stage: Stage) -> None:
    still, live = frame(0, 0.0), frame(0, 0.0, site=2)
    stage.pool.want([ADA, (2, "camera")], 0.0)
    stage.pool.receive(replace(still, still=True), 0.0)
    stage.pool.receive(live, 0.0)
    for now, shown in ((1.0, (1, 2)), (5.0, (1,)), (STALE_STILL + 0.1, ())):
        assert stage.pool.receiving(now) == shown
        assert (stage.pool.picture(ADA, now) is not None) == (1 in shown)
    stage.pool.receive(replace(still, still=True, arrived=8.0, rtp_time=720_000), 8.0)
    stage.pool.receive(replace(still, arrived=8.1, rtp_time=729_000), 8.1)  # somebody else sees it, too
    assert stage.pool.picture(ADA, 8.2) is not None
    assert stage.pool.picture(ADA, 12.0) is None
    assert stage.pool.decoded == 4
    stage.pool.want([], 13.0)
    assert stage.pool.decoded == 4, "since start"


async def test_an_old_picture_is_not_shown(stage: Stage) -> None:
    screen: Source = (1, "screen")
    stage.pool.want([ADA, screen], 0.0)
    stage.pool.receive(frame(0, 0.0), 0.0)
    stage.pool.receive(VideoIn(1, "screen", "H264", True, 0.0, 0, coded()[0]), 0.0)
    assert stage.pool.picture(ADA, 2.9) is not None
    assert stage.pool.picture(ADA, 3.1) is None
    assert stage.pool.picture(screen, 10.0) is not None, "a still screen is sent seldom"


async def test_a_site_may_come_back_with_another_codec(stage: Stage) -> None:
    stage.pool.want([ADA], 0.0)
    stage.pool.receive(frame(0, 0.0), 0.0)
    stage.pool.receive(frame(3, 1.0, codec="VP8"), 1.0)
    assert stage.asked == [ADA, ADA]
    stage.pool.receive(frame(0, 1.1, codec="VP8"), 1.1)
    assert stage.pool.picture(ADA, 4.0) is not None


async def test_a_decoder_that_is_behind_drops_all_and_starts_again_from_a_keyframe(tmp_path: Path) -> None:
    later = Later()
    stage = Stage(tmp_path, later)
    stage.pool.want([ADA], 0.0)
    for n in range(QUEUE + 1):
        stage.pool.receive(frame(n, n * 0.07), n * 0.07)
    assert stage.asked == [ADA, ADA]
    assert stage.pool.dropped()["video_frames"] == QUEUE + 1
    later.run_all()
    assert stage.pool.picture(ADA, 1.0) is None
    stage.pool.receive(frame(0, 1.0), 1.0)
    stage.pool.receive(frame(1, 1.1), 1.1)
    later.run_all()
    assert stage.pool.picture(ADA, 1.2) is not None


def break_it(pool: DecoderPool, times: int) -> None:
    for _ in range(times):
        pool.receive(VideoIn(1, "camera", "H264", True, 0.0, 0, coded()[0][:30] + b"\0\0\1\x65" + b"\xff" * 50), 0.0)


async def settle(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(1):
        while not fact():
            await asyncio.sleep(0)


async def test_a_stream_that_breaks_its_decoder_is_kept_out_and_others_are_not(stage: Stage) -> None:
    pool, loop = stage.pool, asyncio.get_running_loop()
    bob: Source = (2, "camera")
    pool.want([ADA, bob], loop.time())
    break_it(pool, 5)
    await settle(lambda: pool.quarantined(loop.time()) == (1,))
    now = loop.time()
    pool.receive(frame(0, now), now)
    pool.receive(frame(0, now, site=2), now)
    assert pool.picture(ADA, now) is None
    assert pool.picture(bob, now) is not None
    assert pool.dropped()["video_quarantined"] == 1
    asked = len(stage.asked)
    pool.tend(now + 20)
    assert len(stage.asked) == asked, "nobody is asked for what is not wanted"
    pool.tend(now + 40)
    pool.receive(frame(0, now + 40), now + 40)
    assert pool.picture(ADA, now + 40) is not None


async def test_a_picture_too_large_is_kept_out_at_once(stage: Stage) -> None:
    pool, loop = stage.pool, asyncio.get_running_loop()
    pool.want([ADA], loop.time())
    payload = oversized_vp8()
    pool.receive(VideoIn(1, "camera", "VP8", True, 0.0, 0, payload), loop.time())
    await settle(lambda: pool.quarantined(loop.time()) == (1,))


def oversized_vp8() -> bytes:
    """A keyframe header that says 16000 x 16000 (RFC 6386, section 9.1)."""
    return bytes([0x10, 0, 0, 0x9D, 0x01, 0x2A]) + (16_000).to_bytes(2, "little") * 2 + bytes(40)


async def test_suspects_of_a_crash_start_in_quarantine(tmp_path: Path) -> None:
    pool = DecoderPool(AtOnce(), AtOnce(), DecodingMarks(tmp_path / "m"), lambda _: None, suspects={ADA}, now=100.0)
    pool.want([ADA], 100.0)
    pool.receive(frame(0, 101.0), 101.0)
    assert pool.picture(ADA, 101.0) is None
    assert pool.quarantined(101.0) == (1,)


async def test_pictures_wait_for_their_sound(stage: Stage) -> None:
    pool = stage.pool
    pool.want([ADA], 0.0)
    pool.receive(frame(0, 1.0), 1.0)
    first = pool.picture(ADA, 1.0)
    assert first is not None
    pool.hold(ADA, 0.1)
    for n in range(1, 4):
        pool.receive(frame(n, 1.0 + n * 0.04), 1.0 + n * 0.04)
    assert pool.picture(ADA, 1.13) is first
    second = pool.picture(ADA, 1.15)
    assert second is not first
    third = pool.picture(ADA, 1.3)
    assert third is not second
    pool.hold(ADA, 0.0)
    pool.receive(frame(4, 1.4), 1.4)
    assert pool.picture(ADA, 1.4) is not third, "shown at once again"


@pytest.mark.parametrize(("rate", "wait"), [(60, 0.5), (30, 0.6), (240, 0.5)])
async def test_pictures_that_wait_long_are_shown_however_many_come(stage: Stage, rate: int, wait: float) -> None:
    pool, shown = stage.pool, []
    pool.want([ADA], 0.0)
    pool.hold(ADA, wait)
    for n in range(2 * rate):
        now = n / rate
        pool.receive(replace(frame(n % 30, now), rtp_time=n * (90_000 // rate), keyframe=n % 30 == 0), now)
        shown.append(pool.picture(ADA, now))
    assert len({id(picture) for picture in shown[rate:]}) > 0.8 * rate, "none of them, where the oldest was dropped"


async def test_what_a_repair_held_up_is_decoded_whole(tmp_path: Path) -> None:
    executor = Later()
    pool = Stage(tmp_path, executor).pool
    pool.want([ADA], 0.0)
    for n in range(50):  # 0.8 s of 60 a second
        pool.receive(replace(frame(n % 30, 1.0), rtp_time=n * 1500, keyframe=n % 30 == 0), 1.0)
    executor.run_all()
    assert pool.decoded == 50
    assert pool.dropped()["video_frames"] == 0


async def test_a_stream_on_slow_views_is_decoded_in_its_turn(tmp_path: Path) -> None:
    stage = Stage(tmp_path, soon := Later(), later := Later())
    pool = stage.pool
    pool.want([ADA], 0.0, slow=[ADA])
    pool.receive(frame(0, 0.0), 0.0)
    later.run_all()
    first = pool.picture(ADA, 0.0)
    assert first is not None, "nobody waits a turn for the first picture"
    for n in range(1, 4):
        pool.receive(frame(n, n / 15), n / 15)
    assert pool.picture(ADA, 0.2) is first
    assert not later.jobs  # no hop to a thread yet
    pool.take_turns(0.1, 5.0)
    assert not later.jobs
    pool.take_turns(0.1, 5.0)
    assert len(later.jobs) == 1
    later.run_all()
    assert pool.picture(ADA, 0.19) is first, "of a turn only its last picture is kept"
    assert pool.picture(ADA, 0.4) is not first
    assert not later.jobs  # all three in one go
    for n in range(4, 4 + WAITING):
        pool.receive(frame(n, 0.4 + n / 15), 0.4 + n / 15)
    assert len(later.jobs) == 1  # a view that stopped asking leaves no queue behind
    later.run_all()
    assert not soon.jobs
    pool.want([ADA], 2.0)
    pool.receive(frame(4 + WAITING, 2.0), 2.0)
    assert len(soon.jobs) == 1, "served at once by the others' threads from now on"
    assert pool.dropped()["video_frames"] == 0


async def test_slow_streams_take_turns_one_after_the_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path, AtOnce(), later := Later())
    pool = stage.pool
    sites: list[Source] = [(site, "camera") for site in range(1, 11)]
    pool.want(sites, 0.0, slow=sites)
    for site, _ in sites:
        pool.receive(frame(0, 0.0, site), 0.0)
    later.run_all()
    for site, _ in sites:
        pool.receive(frame(1, 0.1, site), 0.1)
    for turn in range(1, 11):  # each five times a second: one in 20 ms
        pool.take_turns(0.020, 5.0)
        assert len(later.jobs) == turn
    pool.want(sites[:3], 0.3, slow=sites[:3])
    pool.take_turns(1.0, 5.0)
    assert len(later.jobs) == 10, "they are at it already, and after a pause none is due twice"
