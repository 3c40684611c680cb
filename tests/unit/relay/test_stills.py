"""A wall's cameras as stills: who is shown so, when, and what the relay does with their packets."""

from __future__ import annotations

import pytest

from mcu_core.relay.stills import (
    CALM,
    DEAF,
    EVERY,
    JUDGE_EVERY,
    OBEYS_WITHIN,
    REMEMBERED,
    Film,
    Stills,
    macroblocks,
)
from mixer.codec import video_encoder
from mixer.picture import Canvas
from tests.unit.relay.stage import Browser, Stage

BLOCKS = 240  # of 320x180


class Cameras:
    """Cameras that send `rates` frames/s of `BLOCKS` macroblocks and are asked for 5."""

    def __init__(self, budget: float, rates: dict[str, float]) -> None:
        self.stills: Stills[str] = Stills(budget)
        self.now = 50.0
        self.rates = rates
        self.deaf: set[str] = set()  # who sends no keyframe for the asking
        self.frames = dict.fromkeys(rates, 0.0)

    def pass_time(self, seconds: float) -> set[str]:
        """Judge, and take what is due, as the relay does; returns who is shown as stills."""
        shown: frozenset[str] = frozenset()
        for _ in range(round(seconds / JUDGE_EVERY)):
            for camera in self.stills.due(self.now):
                if camera not in self.deaf:
                    self.stills.came(camera)
            self.now += JUDGE_EVERY
            for camera, rate in self.rates.items():
                self.frames[camera] = self.frames.get(camera, 0.0) + rate * JUDGE_EVERY
            films = {camera: Film(5, int(self.frames[camera]), BLOCKS) for camera in self.rates}
            shown = self.stills.judge(films, self.now)
        return set(shown)


def test_who_sends_too_much_is_shown_as_stills_while_all_together_cost_too_much() -> None:
    cameras = Cameras(10_000, {"page": 5, "room": 30, "other room": 30})
    assert cameras.pass_time(OBEYS_WITHIN) == set(), "a hint takes a moment to be followed"
    assert cameras.pass_time(4) == {"room", "other room"}
    cameras.rates["room"] = 5
    assert cameras.pass_time(2) == {"other room"}
    cameras.rates["other room"] = 12
    assert cameras.pass_time(2) == set(), "it is as fast as before, but all together cost little now"


def test_a_small_wall_is_decoded_whole_whatever_its_sites_send() -> None:
    assert Cameras(10_000, {"room": 30}).pass_time(30) == set()


def test_many_that_obey_are_never_stills() -> None:
    assert Cameras(10_000, {f"page {n}": 5 for n in range(20)}).pass_time(30) == set()


def test_rates_near_the_limits_do_not_make_a_camera_change_all_the_time() -> None:
    cameras = Cameras(10_000, {"a": 22, "b": 22})
    assert cameras.pass_time(10) == {"a", "b"}
    cameras.rates = {"a": 20, "b": 20}  # 9,600: over what is calm, under the budget
    assert cameras.pass_time(10) == {"a", "b"}
    cameras.rates = dict.fromkeys("ab", 10_000 * CALM / BLOCKS / 2 - 0.5)
    assert cameras.pass_time(4) == set()
    cameras.rates = {"a": 20, "b": 20}
    assert cameras.pass_time(10) == set()
    cameras.rates = {"a": 5.5, "b": 60}
    assert cameras.pass_time(10) == {"b"}
    cameras.rates["a"] = 7
    assert cameras.pass_time(10) == {"b"}, "asked for 5, 7 is near enough"


def test_what_a_line_held_up_and_then_sends_at_once_is_no_disobedience() -> None:
    cameras = Cameras(10_000, {"page": 5, "room": 60})
    assert cameras.pass_time(10) == {"room"}
    cameras.frames["page"] += 8  # after 1.6 s without any
    assert cameras.pass_time(2) == {"room"}
    assert cameras.pass_time(2) == {"room"}


def test_a_page_of_the_wall_that_comes_again_is_known() -> None:
    cameras = Cameras(5_000, {"a": 30})
    assert cameras.pass_time(10) == {"a"}
    cameras.rates = {"b": 30}
    assert cameras.pass_time(2) == set()
    assert cameras.pass_time(8) == {"b"}
    cameras.frames["a"] += 300  # it went on sending
    cameras.rates = {"a": 30}
    assert cameras.pass_time(2) == {"a"}
    cameras.rates = {"b": 30}
    cameras.pass_time(REMEMBERED + 2)
    cameras.rates = {"a": 30}
    assert cameras.pass_time(OBEYS_WITHIN) == set(), "after a minute it is judged anew"


def test_who_is_asked_for_less_has_its_time_to_obey_again() -> None:
    stills: Stills[str] = Stills(0.0)
    for second in range(0, 40, 2):
        asked = 15 if second < 20 else 5
        shown = stills.judge({"a": Film(asked, 15 * second, BLOCKS)}, float(second))
        assert bool(shown) == (second >= 20 + OBEYS_WITHIN)


def test_who_sends_no_keyframe_when_asked_is_seen_whole() -> None:
    cameras = Cameras(5_000, {"a": 30, "b": 30})
    cameras.deaf.add("a")
    assert cameras.pass_time(8) == {"a", "b"}
    assert cameras.pass_time(DEAF * EVERY + 4) == {"b"}
    cameras.stills.came("a")  # by itself, now and then
    assert cameras.pass_time(60) == {"b"}


def test_a_camera_that_stands_still_is_not_taken_for_deaf() -> None:
    cameras = Cameras(5_000, {"a": 30, "b": 30})
    assert cameras.pass_time(8) == {"a", "b"}
    cameras.deaf.add("a")
    cameras.rates["a"] = 0
    cameras.pass_time(60)
    cameras.deaf.clear()
    cameras.rates["a"] = 30
    assert cameras.pass_time(8) == {"a", "b"}


def test_a_new_stream_of_a_site_changes_nothing_for_others() -> None:
    cameras = Cameras(10_000, {"a": 30, "b": 30})
    cameras.pass_time(10)
    cameras.frames["a"] = 0.0
    cameras.rates["b"] = 100  # more than the budget by itself
    assert cameras.pass_time(2) == {"b"}
    assert cameras.pass_time(8) == {"a", "b"}, "and has its time to obey"


def test_a_flood_counts_as_no_more_than_a_camera() -> None:
    cameras = Cameras(60 * BLOCKS + 7 * BLOCKS * 2, {"flood": 60_000, "a": 7, "b": 7})
    assert cameras.pass_time(10) == set()


def test_stills_of_many_cameras_come_evenly() -> None:
    cameras = Cameras(10_000, {f"room {n}": 30.0 for n in range(120)})
    cameras.pass_time(10)
    cameras.stills.due(cameras.now)
    at_once = []
    taken: dict[str, int] = {}
    for step in range(1, 101):
        due = cameras.stills.due(cameras.now + step / 10)
        at_once.append(len(due))
        for camera in due:
            taken[camera] = taken.get(camera, 0) + 1
    assert set(taken.values()) == {round(10 / EVERY)}
    assert max(at_once) <= 2 * 120 / (EVERY * 10)


def test_a_late_turn_takes_no_still_twice() -> None:
    cameras = Cameras(10_000, {"a": 30, "b": 30})
    cameras.pass_time(10)
    assert len(cameras.stills.due(cameras.now + 60)) == 2
    assert cameras.stills.due(cameras.now + 60) == []
    assert len(cameras.stills.due(cameras.now + 60 + EVERY)) == 2, "each keeps its place among the others"


def test_size_is_read_from_keyframes() -> None:
    for codec in ("H264", "VP8"):
        encoder, canvas = video_encoder(codec, 320, 180, 15, 200_000), Canvas(320, 180)
        frame = next(each.payload for n in range(9) for each in encoder.encode(canvas.frame, 6000 * n))
        assert macroblocks(codec, frame) == BLOCKS
    assert macroblocks("H264", b"\0\0\0\1\x67\xff") == 0
    assert macroblocks("VP8", b"\x30\x02\x00\x9d\x01\x2a\xff\x3f\xff\x3f") == 0, "16383x16383 is decoded by nobody"
    assert macroblocks("VP8", b"") == 0


# ------------------------------------------------------------------------------------------- in a conference

FPS = 15
CAMERA = 11  # SSRC
FIVE_STILLS = ([True] * 5, [True] * 6)  # in ten seconds


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage()
    monkeypatch.setattr(made.conference, "_stills", Stills(1000.0))
    return made


def film(stage: Stage, site: Browser, seconds: float) -> list[bool]:
    """Film with a keyframe when asked; returns of each frame the mixer got whether it was a still."""
    stage.link.media.clear()
    for _ in range(round(seconds * FPS)):
        stage.pass_time(1 / FPS)
        site.film(keyframe=site.plis() > 0)
    assert all(media.keyframe for media in stage.link.media if media.still)
    return [media.still for media in stage.link.media]


def on_the_wall(stage: Stage, sequence: int = 0) -> Browser:
    """A site on the wall alone that sends three times what it is asked for, judged."""
    site = stage.join(1, camera_wanted=True, camera_slow_fps=5)
    site._sequences[CAMERA] = sequence
    frames = film(stage, site, OBEYS_WITHIN)
    assert len(frames) >= OBEYS_WITHIN * FPS - 2
    assert not any(frames)
    film(stage, site, 3 * JUDGE_EVERY)
    assert site.leg.shows_stills("camera")
    return site


def gives_a_still(stage: Stage, site: Browser) -> bool:
    """Whether the mixer gets the site's next keyframe, and as a still."""
    stage.link.media.clear()
    site.film(keyframe=True)
    return [media.still for media in stage.link.media] == [True]


def test_the_mixer_gets_single_keyframes(stage: Stage) -> None:
    site = on_the_wall(stage)
    assert film(stage, site, 10.0) in FIVE_STILLS
    assert site.leg.stats(stage.now).stills_per_s == 0.5
    film(stage, site, 1.0)
    assert site.leg.stats(stage.now).video_fps_received == pytest.approx(FPS, abs=1), "what it sends is still known"


def test_between_two_stills_packets_end_unopened(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    site = on_the_wall(stage)
    opened = 0
    really = stage.opener.open

    def count(*args: object) -> int:
        nonlocal opened
        opened += 1
        return really(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(stage.opener, "open", count)
    before = site.leg.streams["camera"].reception.received
    film(stage, site, 10.0)
    received = site.leg.streams["camera"].reception.received - before
    assert received >= 10 * FPS
    assert opened < received * 0.6, "some for the stills, and one in a quarter of a second, so that SRTP keeps count"
    assert site.leg.state == "connected"


def test_on_the_podium_it_is_seen_at_once(stage: Stage) -> None:
    site = on_the_wall(stage)
    stage.plan(site.leg, camera_wanted=True)
    assert site.plis() == 1
    stage.link.media.clear()
    site.film(keyframe=True)
    site.film()
    assert [(media.keyframe, media.still) for media in stage.link.media] == [(True, False), (False, False)]
    assert not any(film(stage, site, 20.0)), "nor is it judged any more"


def test_a_passed_picture_is_whole(stage: Stage) -> None:
    site = on_the_wall(stage)
    site.leg.pass_on(frozenset({"camera"}))
    stage.pass_time(0.02)
    assert site.plis() == 1
    site.film(keyframe=True)
    assert not any(film(stage, site, 20.0))


def test_a_lost_still_is_asked_for_again(stage: Stage) -> None:
    site = on_the_wall(stage)
    film(stage, site, 1.0)
    for _ in range(3 * FPS):
        stage.pass_time(1 / FPS)
        site.film()
        if site.plis():
            break
    for _ in range(round(0.7 * FPS)):  # its answer is lost
        stage.pass_time(1 / FPS)
        site.film()
    assert site.plis() == 1
    assert gives_a_still(stage, site)


def test_a_new_mixer_gets_a_still_at_once(stage: Stage) -> None:
    site = on_the_wall(stage)
    film(stage, site, 1.0)
    stage.conference._mixer_up()
    assert site.plis() == 1
    assert gives_a_still(stage, site)


def test_who_leaves_is_forgotten(stage: Stage) -> None:
    site = on_the_wall(stage)
    stage.conference.remove(site.leg)
    stage.pass_time(5.0)
    assert site.plis() == 0
    assert not stage.conference._stills._known


def test_a_wall_that_is_looked_away_from_for_a_moment_is_stills_again(stage: Stage) -> None:
    site = on_the_wall(stage)
    for _ in range(3):
        stage.plan(site.leg)
        film(stage, site, 0.4)
        stage.plan(site.leg, camera_wanted=True, camera_slow_fps=5)
        film(stage, site, 0.4)
    film(stage, site, EVERY + JUDGE_EVERY)
    assert film(stage, site, 10.0) in FIVE_STILLS


def test_it_is_seen_whole_until_its_first_still(stage: Stage) -> None:
    site = stage.join(1, camera_wanted=True, camera_slow_fps=5)
    last = stage.now
    frames = 0
    for _ in range(20 * FPS):
        stage.pass_time(1 / FPS)
        site.film(keyframe=site.plis() > 0)
        if len(stage.link.media) > frames:
            frames = len(stage.link.media)
            if site.leg.shows_stills("camera"):
                break
            last = stage.now
    assert stage.link.media[-1].still
    assert stage.now - last < 0.3, "no gap between the last picture and the first still"


def test_a_camera_that_stops_and_films_again_is_a_still_again(stage: Stage) -> None:
    site = on_the_wall(stage)
    stage.pass_time(20.0)
    film(stage, site, 3 * JUDGE_EVERY + OBEYS_WITHIN)
    assert film(stage, site, 10.0) in FIVE_STILLS


def test_losses_between_stills_are_not_told_as_losses_of_the_meeting(stage: Stage) -> None:
    site = on_the_wall(stage)
    site._sequences[CAMERA] += 40
    for _ in range(20):
        film(stage, site, 0.1)
        if site.leg.streams["camera"].reception.fraction_lost > 0.1:
            break
    assert site.leg.streams["camera"].reception.fraction_lost > 0.1
    assert site.leg.stats(stage.now).lost_fraction == 0.0


def test_a_sequence_that_wraps_between_stills_is_followed(stage: Stage) -> None:
    site = on_the_wall(stage, sequence=65_000)
    assert site._sequences[CAMERA] < 65_536
    film(stage, site, 30.0)
    assert site.leg.streams["camera"].reception.highest == 65_536 + site._sequences[CAMERA] > 2 * 65_536
    assert film(stage, site, 10.0) in FIVE_STILLS
