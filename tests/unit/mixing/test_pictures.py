"""Views and plans: what is drawn and encoded at each tick, and what a new plan leaves alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcu_core.errors import OperatorError
from mcu_core.mixing import conference_mix
from mcu_core.mixing import rendition as rendition_module
from mcu_core.mixing.conference_mix import ConferenceMix, Outlets, Threads
from mcu_core.mixing.decoding import DecoderPool
from mcu_core.mixing.quarantine import Source
from mcu_core.mixing.rendition import PATIENCE, Rendition
from mcu_core.mixing.scene import check_plan, make_scene
from mcu_core.mixing.shedding import Shedding
from mcu_core.mixing.suspects import DecodingMarks
from mcu_core.mixing.view_loop import ViewLoop
from mcu_core.wire import (
    AudioIn,
    AudioOut,
    MixerStats,
    MixPlan,
    Noisy,
    PassedPicture,
    PictureWait,
    PlanOnAir,
    RenditionPlan,
    SenderClock,
    SitePlan,
    Speaker,
    TilePlan,
    VideoIn,
    VideoOut,
    View,
    ViewPlan,
)
from mixer.codec import EncodedVideo, video_encoder
from mixer.picture import Canvas, Picture
from tests.unit.mixing.fakes import AtOnce, FakeClock

SITES = {n: SitePlan(n, f"Điểm {n}", present=True) for n in (1, 2, 3)}
LEFT, RIGHT = TilePlan(0.0, 0.0, 0.5, 1.0, site=1), TilePlan(0.5, 0.0, 0.5, 1.0, site=2)
PROGRAMME = ViewPlan("programme", 64, 32, 30.0, (LEFT, RIGHT))
FIRST = RenditionPlan(1, "programme", "H264", 64, 32, 30.0, 100_000)


class FakeEncoder:
    """Takes note of what is asked of it."""

    opened: list[FakeEncoder] = []  # noqa: RUF012

    def __init__(self, codec: str, width: int, height: int, frame_rate: float, bitrate_bps: int) -> None:
        if width == 34:
            raise ValueError("no such size")
        self.bitrates, self.pictures, self.closed = [bitrate_bps], 0, False
        FakeEncoder.opened.append(self)

    def encode(self, canvas: object, rtp_time: int, force_keyframe: bool = False) -> list[EncodedVideo]:
        assert not self.closed
        self.pictures += 1
        return [EncodedVideo(b"picture", force_keyframe or self.pictures == 1, rtp_time)]

    def set_bitrate(self, bitrate_bps: int) -> None:
        self.bitrates.append(bitrate_bps)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def encoders(monkeypatch: pytest.MonkeyPatch) -> list[FakeEncoder]:
    FakeEncoder.opened = []
    monkeypatch.setattr(rendition_module, "video_encoder", FakeEncoder)
    return FakeEncoder.opened


class Screen:
    """A view loop on a fake clock, and all it sends."""

    def __init__(self, plan: ViewPlan = PROGRAMME, *renditions: RenditionPlan) -> None:
        self.clock = FakeClock()
        self.pictures: dict[Source, Picture] = {}
        self.drawing = 0.0  # seconds that each picture takes
        self.sent: list[VideoOut] = []
        self.aired: list[tuple[View, int, float]] = []
        scene = make_scene(1, plan, SITES)
        self.loop = ViewLoop(scene, self.clock, AtOnce(), self, self.sent.append, lambda *what: self.aired.append(what))
        self.loop.update(scene, renditions)

    def picture(self, source: Source, now: float) -> Picture | None:
        if source == (1, "camera"):
            self.clock.advance(self.drawing)
        return self.pictures.get(source)

    def begins(self, source: Source, now: float) -> bool:
        return False

    async def run(self, pictures: int) -> list[VideoOut]:
        """Let the clock run until so many more pictures were sent."""
        before = len(self.sent)
        task = asyncio.ensure_future(self.loop.run())
        async with asyncio.timeout(5):
            while len(self.sent) < before + pictures:
                await asyncio.sleep(0)
        task.cancel()
        return self.sent[before : before + pictures]


async def test_a_slow_picture_costs_the_next_tick_and_no_more() -> None:
    screen = Screen(PROGRAMME, FIRST)
    screen.drawing = 0.04  # longer than a tick of 33 ms
    made = await screen.run(10)
    steps = {round((b.tick - a.tick) * 30) for a, b in itertools.pairwise(made)}
    assert steps <= {1, 2}
    assert all((b.rtp_time - a.rtp_time) % 3000 == 0 for a, b in itertools.pairwise(made))
    assert 1 <= screen.loop.skipped <= 3
    assert screen.clock.now() - made[-1].tick < 0.1, "nothing is queued"


async def test_a_view_that_is_slowed_down_keeps_to_its_ticks_and_its_encoder(encoders: list[FakeEncoder]) -> None:
    screen = Screen(PROGRAMME, FIRST)
    await screen.run(5)
    screen.loop.rung = 2
    made = await screen.run(10)
    assert {round((b.tick - a.tick) * 30) for a, b in itertools.pairwise(made[1:])} == {2}
    assert not any(each.keyframe for each in made)
    screen.loop.rung = 0
    made = await screen.run(10)
    assert {round((b.tick - a.tick) * 30) for a, b in itertools.pairwise(made[1:])} == {1}
    assert len(encoders) == 1
    assert screen.loop.missed() == 0.0


async def test_missed_ticks_are_told_as_a_share() -> None:
    screen = Screen(PROGRAMME, FIRST)
    screen.drawing = 0.06  # a tick of 33 ms is missed after each picture
    await screen.run(10)
    assert screen.loop.missed() == pytest.approx(0.5, abs=0.1)
    assert screen.loop.missed() == 0.0, "since the last call"


async def test_renditions_of_one_view_share_its_canvas_and_keep_their_own_rates(encoders: list[FakeEncoder]) -> None:
    screen = Screen(PROGRAMME, FIRST, replace(FIRST, rendition=2, frame_rate=10.0))
    made = await screen.run(40)
    fast, slow = ([each for each in made if each.rendition == n] for n in (1, 2))
    assert len(fast) == 30
    assert {round((b.tick - a.tick) * 30) for a, b in itertools.pairwise(slow[1:])} == {3}
    assert fast[0].keyframe
    assert slow[0].keyframe
    assert len(encoders) == 2


async def test_the_first_picture_of_a_revision_is_announced_once() -> None:
    screen = Screen(PROGRAMME, FIRST)
    await screen.run(5)
    screen.loop.update(make_scene(7, PROGRAMME, SITES), [FIRST])
    made = await screen.run(5)
    assert [revision for _, revision, _ in screen.aired] == [1, 7]
    assert screen.aired[1][2] == made[0].tick


async def test_pictures_stand_in_their_tiles_and_a_new_scene_moves_them() -> None:
    screen = Screen(PROGRAMME, FIRST)
    screen.pictures = {
        (1, "camera"): Picture.blank(32, 32, (200, 128, 128)),
        (2, "camera"): Picture.blank(32, 32, (50, 128, 128)),
    }
    await screen.run(1)
    assert screen.loop._compositor is not None
    row = screen.loop._compositor.canvas.picture.y[4]
    assert (int(np.median(row[:32])), int(np.median(row[32:]))) == (200, 50)
    swapped = replace(PROGRAMME, tiles=(replace(LEFT, site=2), replace(RIGHT, site=1)))
    screen.loop.update(make_scene(2, swapped, SITES), [FIRST])
    await screen.run(1)
    row = screen.loop._compositor.canvas.picture.y[4]
    assert (int(np.median(row[:32])), int(np.median(row[32:]))) == (50, 200)


async def test_without_a_rendition_nothing_is_drawn_and_encoders_are_freed(encoders: list[FakeEncoder]) -> None:
    screen = Screen(PROGRAMME, FIRST)
    task = asyncio.ensure_future(screen.loop.run())
    async with asyncio.timeout(5):
        while len(screen.sent) < 3:
            await asyncio.sleep(0)
        screen.loop.update(make_scene(2, PROGRAMME, SITES), [])
        while not encoders[0].closed:
            await asyncio.sleep(0)
        sent, now = len(screen.sent), screen.clock.now()
        for _ in range(20):
            await asyncio.sleep(0)
        assert (len(screen.sent), screen.clock.now()) == (sent, now), "not even the clock is followed"
        screen.loop.update(make_scene(3, PROGRAMME, SITES), [FIRST])
        while len(screen.sent) == sent:
            await asyncio.sleep(0)
        assert screen.sent[sent].keyframe
        screen.loop.retire()
        await task
    assert all(encoder.closed for encoder in encoders)


async def test_a_new_bitrate_keeps_the_encoder_and_a_new_size_replaces_it(encoders: list[FakeEncoder]) -> None:
    screen = Screen(PROGRAMME, FIRST)
    await screen.run(2)
    screen.loop.update(make_scene(2, PROGRAMME, SITES), [replace(FIRST, bitrate_bps=50_000)])
    await screen.run(2)
    assert [encoder.bitrates for encoder in encoders] == [[100_000, 50_000]]
    screen.loop.update(make_scene(3, PROGRAMME, SITES), [replace(FIRST, width=48)])
    made = await screen.run(2)
    assert len(encoders) == 2
    assert encoders[0].closed
    assert [each.keyframe for each in made] == [True, False]


async def test_an_encoder_that_cannot_be_opened_harms_no_other_and_is_tried_again(encoders: list[FakeEncoder]) -> None:
    screen = Screen(PROGRAMME, FIRST, replace(FIRST, rendition=2, width=34))
    made = await screen.run(30)
    assert {each.rendition for each in made} == {1}
    broken = screen.loop._renditions[2]
    broken.plan = replace(broken.plan, width=36)
    made = await screen.run(90)  # past the two seconds
    assert next(each for each in made if each.rendition == 2).keyframe


def test_keyframes_asked_for_in_a_burst_are_merged_and_none_is_forgotten() -> None:
    rendition = Rendition(FIRST)
    assert rendition.take_keyframe(0.0)
    assert not rendition.take_keyframe(0.1)
    rendition.ask_keyframe()
    assert not rendition.take_keyframe(0.2)
    assert rendition.take_keyframe(0.31)
    assert not rendition.take_keyframe(1.0)


def test_a_scene_names_what_each_tile_shows() -> None:
    sites = {
        1: replace(SITES[1], muted=True),
        2: replace(SITES[2], camera_off=True),
        3: replace(SITES[3], present=False),
    }
    tiles = (
        LEFT,
        RIGHT,
        replace(RIGHT, track="screen"),
        replace(LEFT, site=3),
        replace(LEFT, site=9),
        TilePlan(0, 0, 1, 1),
    )
    scene = make_scene(1, replace(PROGRAMME, tiles=tiles, podium=1), sites)
    assert scene.sources == ((1, "camera"), None, (2, "screen"), None, None, None)
    assert [tile.key for tile in scene.tiles] == [
        (1, "camera"),
        (2, "camera"),
        (2, "screen"),
        (3, "camera"),
        None,
        None,
    ]
    assert (scene.tiles[0].muted, scene.tiles[0].podium, scene.tiles[1].podium) == (True, True, False)
    assert (scene.tiles[1].camera_off, scene.tiles[2].camera_off, scene.tiles[3].present) == (True, False, False)


@pytest.mark.parametrize(
    "wrong", [{"width": 63}, {"height": 0}, {"width": 4096, "height": 4096}, {"frame_rate": 0.0}, {"frame_rate": 500.0}]
)
def test_a_plan_nobody_could_draw_is_refused(wrong: dict[str, float]) -> None:
    check_plan(MixPlan("c", 1, (), (PROGRAMME,), (FIRST,)))
    for views, renditions in (
        ((replace(PROGRAMME, **wrong),), ()),  # type: ignore[arg-type]
        ((PROGRAMME,), (replace(FIRST, **wrong),)),  # type: ignore[arg-type]
    ):
        with pytest.raises(OperatorError, match="bad_plan"):
            check_plan(MixPlan("c", 1, (), views, renditions))


class Conference:
    """A conference's mix whose control and sites are lists."""

    def __init__(self, folder: Path) -> None:
        self.told: list[Speaker | Noisy | PlanOnAir | MixerStats] = []
        self.asked: list[Source] = []
        self.video: list[VideoOut] = []
        self.audio: list[AudioOut] = []
        self.waits: list[PictureWait] = []
        self.decoders = DecoderPool(AtOnce(), AtOnce(), DecodingMarks(folder / "marks"), self.asked.append)
        outlets = Outlets(self.video.append, self.audio.append, self.told.append, self.waits.append, lambda: True)
        self.clock = FakeClock()
        self.threads = Threads(AtOnce(), AtOnce(), AtOnce(), AtOnce())
        self.mix = ConferenceMix(self.clock, self.threads, self.decoders, outlets)

    @property
    def on_air(self) -> list[int]:
        return [event.revision for event in self.told if isinstance(event, PlanOnAir)]

    def plan(self, revision: int, *views: ViewPlan, renditions: tuple[RenditionPlan, ...] = (FIRST,)) -> MixPlan:
        return MixPlan("c-1", revision, tuple(SITES.values()), views, renditions)


@contextmanager
def running(mix: ConferenceMix) -> Iterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(mix.run())
    try:
        yield task
    finally:
        task.cancel()


async def test_only_what_a_watched_view_shows_is_decoded(tmp_path: Path) -> None:
    conference = Conference(tmp_path)
    chair = replace(PROGRAMME, view="chair", tiles=(replace(LEFT, site=3),))
    conference.mix.apply(conference.plan(1, PROGRAMME, chair))
    assert sorted(conference.asked) == [(1, "camera"), (2, "camera")]
    watched = (FIRST, replace(FIRST, rendition=2, view="chair"))
    conference.mix.apply(conference.plan(2, PROGRAMME, chair, renditions=watched))
    assert conference.asked[2:] == [(3, "camera")], "who is decoded already is not asked again"
    conference.mix.apply(conference.plan(3, chair, renditions=watched[1:]))
    assert conference.decoders.decoders == 1


async def test_who_comes_with_the_next_page_is_decoded_before_and_drawn_with_the_first_picture_of_it(
    tmp_path: Path,
) -> None:
    conference = Conference(tmp_path)
    wall = replace(PROGRAMME, view="wall", frame_rate=5.0, tiles=(TilePlan(0, 0, 1, 1, site=1),))
    watched = replace(FIRST, rendition=5, view="wall", frame_rate=5.0)
    conference.mix.apply(
        replace(conference.plan(1, wall, renditions=(watched,)), coming=((2, "camera"), (3, "camera")))
    )
    assert sorted(conference.asked) == [(1, "camera"), (2, "camera"), (3, "camera")]
    canvas = Canvas(64, 32)
    keyframe = video_encoder("H264", 64, 32, 10, 100_000).encode(canvas.frame, 0, force_keyframe=True)[0]
    conference.mix.receive_video(VideoIn(2, "camera", "H264", True, 0.0, 0, keyframe.payload))
    turned = replace(wall, tiles=(TilePlan(0, 0, 1, 1, site=2),))
    conference.mix.apply(conference.plan(2, turned, renditions=(watched,)))
    assert len(conference.asked) == 3, "it is decoded already"
    assert conference.decoders.picture((2, "camera"), 0.1) is not None
    assert conference.decoders.decoders == 1


class Overloaded(Shedding):
    """On rung 2 from its second judgement on."""

    def judge(self, late_sound: float, missed: float, now: float, *, wall: bool = True) -> bool:
        self.rung, before = min(self.rung + 1, 2), self.rung
        return self.rung != before


async def test_load_is_shed_by_all_views_also_by_those_that_come_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conference_mix, "Shedding", Overloaded)
    conference = Conference(tmp_path)
    wall = replace(PROGRAMME, view="wall", frame_rate=5.0)
    renditions = FIRST, replace(FIRST, rendition=5, view="wall", frame_rate=5.0)
    conference.mix.apply(conference.plan(1, PROGRAMME, wall, renditions=renditions))

    def shed() -> list[int]:
        return [event.shed for event in conference.told if isinstance(event, MixerStats)]

    with running(conference.mix):
        async with asyncio.timeout(20):
            while len(shed()) < 3:
                await asyncio.sleep(0)
    assert shed() == [1, 2, 2]
    conference.mix.apply(conference.plan(2, PROGRAMME, replace(PROGRAMME, view="chair"), wall, renditions=renditions))
    rates = {view: loop.frame_rate for view, loop in conference.mix._views.items()}
    assert rates == {"programme": 15.0, "chair": 15.0, "wall": 1.0}


async def test_a_plan_is_on_air_when_every_watched_view_shows_it(tmp_path: Path) -> None:
    conference = Conference(tmp_path)
    chair = replace(PROGRAMME, view="chair")
    both = (FIRST, replace(FIRST, rendition=2, view="chair"))
    conference.mix.apply(conference.plan(1, PROGRAMME, chair, renditions=()))
    assert conference.on_air == [1], "nobody watches: nothing to wait for"
    with running(conference.mix):
        conference.mix.apply(conference.plan(2, PROGRAMME, chair, renditions=both))
        async with asyncio.timeout(5):
            while conference.on_air != [1, 2]:
                await asyncio.sleep(0)
        assert {each.rendition for each in conference.video} == {1, 2}
        conference.mix.apply(conference.plan(3, chair, renditions=both[1:]))
        async with asyncio.timeout(5):
            while conference.on_air != [1, 2, 3]:
                await asyncio.sleep(0)


async def test_a_relay_that_comes_is_given_keyframes_and_may_be_asked_for_them(tmp_path: Path) -> None:
    conference = Conference(tmp_path)
    conference.mix.apply(conference.plan(1, PROGRAMME))
    with running(conference.mix):
        async with asyncio.timeout(5):
            while len(conference.video) < 30:
                await asyncio.sleep(0)
            conference.video.clear()
            conference.asked.clear()
            conference.mix.relay_attached()
            assert sorted(conference.asked) == [(1, "camera"), (2, "camera")]
            while len(conference.video) < 12:
                await asyncio.sleep(0)
        assert sum(each.keyframe for each in conference.video) == 1


@pytest.mark.parametrize(
    ("filming", "keyframe_after", "begins_after", "luma"),
    [
        (True, 0.2, 0.2, 200),  # a site that viewers saw as it films: they go on seeing it
        (True, 9.9, PATIENCE, None),  # one that does not answer holds nobody up for long
        (False, 9.9, 0.0, None),  # nor does one that sends nothing
    ],
)
async def test_a_view_begins_with_the_picture_of_who_was_seen_unmixed(
    tmp_path: Path, filming: bool, keyframe_after: float, begins_after: float, luma: int | None
) -> None:
    conference = Conference(tmp_path)
    mix, clock, canvas = conference.mix, conference.clock, Canvas(64, 32)
    canvas.picture.fill((200, 128, 128))
    encoder = video_encoder("H264", 64, 32, 15, 100_000)
    frames = [each.payload for n in range(2) for each in encoder.encode(canvas.frame, n * 6000, n == 0)]

    def film(n: int) -> None:
        mix.receive_video(VideoIn(1, "camera", "H264", n == 0, clock.now(), 6000 * n, frames[n]))

    whole = replace(PROGRAMME, tiles=(TilePlan(0, 0, 1, 1, site=1),))
    mix.apply(conference.plan(1, whole, renditions=()))
    if filming:
        film(1)
    mix.apply(conference.plan(2, whole))
    assert conference.asked == [(1, "camera")]
    start, due = clock.now(), clock.now() + keyframe_after
    with running(mix):
        async with asyncio.timeout(5):
            while not conference.video:
                if clock.now() >= due:
                    film(0)
                    due = float("inf")
                elif filming:
                    film(1)
                await asyncio.sleep(0)
    first = conference.video[0]
    assert first.keyframe
    assert 0 <= first.tick - start - begins_after < 0.25, "its clock goes by tenths"
    compositor = mix._views["programme"]._compositor
    assert compositor is not None
    shown = float(np.median(compositor.canvas.picture.y[4:16]))
    assert shown == pytest.approx(luma, abs=10) if luma else shown < 100


async def test_clocks_told_before_the_first_plan_keep_sound_and_picture_in_step(tmp_path: Path) -> None:
    mix = (conference := Conference(tmp_path)).mix
    for site in (1, 9):
        mix.receive_clock(SenderClock(site, "audio", 1000.0, 0))
        mix.receive_clock(SenderClock(site, "camera", 1000.0, 0))
    mix.apply(conference.plan(1, PROGRAMME))
    for site in (1, 9):
        mix.receive_passed(PassedPicture(site, 0, 5.2))
        mix.receive_audio(AudioIn(site, 0, 20, True, 5.0, 0, b"opus"))
    waits = mix._lip_sync.waits(1, 0.05, 5.3)
    assert waits is not None
    assert waits.sound > 0.05
    assert mix._lip_sync.waits(9, 0.05, 5.3) is None, "the plan does not know it"


@pytest.mark.parametrize("mixed", [True, False])
async def test_a_picture_that_is_not_decoded_is_shown_when_it_comes(tmp_path: Path, mixed: bool) -> None:
    mix = (conference := Conference(tmp_path)).mix
    mix.apply(conference.plan(1, *((PROGRAMME,) if mixed else ())))
    mix.receive_clock(SenderClock(1, "camera", 1000.0, 0))
    mix.receive_video(VideoIn(1, "camera", "H264", False, 5.2, 0, b""))
    assert mix._lip_sync._sites[1].picture == pytest.approx(5.2 - 1000.0 + (0.020 if mixed else 0.0))


async def test_figures_come_once_a_second(tmp_path: Path) -> None:
    conference = Conference(tmp_path)
    conference.mix.apply(conference.plan(1, PROGRAMME))
    with running(conference.mix):
        async with asyncio.timeout(5):
            while not any(isinstance(event, MixerStats) for event in conference.told):
                await asyncio.sleep(0)
    stats = next(event for event in conference.told if isinstance(event, MixerStats))
    assert (stats.encoders, stats.decoders, stats.views[0].view) == (1, 2, "programme")
    assert conference.audio
