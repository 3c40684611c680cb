"""A wall's cameras as stills: who is shown so, when, and what the relay does with their packets."""

from __future__ import annotations

import pytest

from mcu_core.relay.conference import Conference
from mcu_core.relay.stills import CALM, EVERY, JUDGE_EVERY, OBEYS_WITHIN, Film, Stills, macroblocks
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
        self._frames = dict.fromkeys(rates, 0.0)

    def pass_time(self, seconds: float) -> set[str]:
        """Judge as the relay does; returns who is shown as stills."""
        for _ in range(round(seconds / JUDGE_EVERY)):
            self.now += JUDGE_EVERY
            for camera, rate in self.rates.items():
                self._frames[camera] = self._frames.get(camera, 0.0) + rate * JUDGE_EVERY
            films = {camera: Film(5, int(self._frames[camera]), BLOCKS) for camera in self.rates}
            self.stills.judge(films, self.now)
        return set(self.stills.shown)


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


def test_the_next_page_has_its_time_to_obey() -> None:
    cameras = Cameras(10_000, {"a": 30, "b": 30})
    assert cameras.pass_time(10) == {"a", "b"}
    cameras.stills.forget("a")
    assert cameras.pass_time(2) == {"b"}
    assert cameras.pass_time(8) == {"a", "b"}


def test_who_is_asked_for_less_has_its_time_to_obey_again() -> None:
    stills: Stills[str] = Stills(0.0)
    for second in range(0, 40, 2):
        asked = 15 if second < 20 else 5
        stills.judge({"a": Film(asked, 15 * second, BLOCKS)}, float(second))
        assert bool(stills.shown) == (second >= 20 + OBEYS_WITHIN)


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
    assert macroblocks("VP8", b"") == 0


# ------------------------------------------------------------------------------------------- in a conference

FPS = 15


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


def on_the_wall(stage: Stage) -> Browser:
    """A site on the wall alone that sends three times what it is asked for, judged."""
    site = stage.join(1, camera_wanted=True, camera_slow_fps=5)
    frames = film(stage, site, OBEYS_WITHIN)
    assert len(frames) >= OBEYS_WITHIN * FPS - 2
    assert not any(frames)
    film(stage, site, 2 * JUDGE_EVERY)
    return site


def test_the_mixer_gets_single_keyframes(stage: Stage) -> None:
    site = on_the_wall(stage)
    stills = film(stage, site, 10.0)
    assert stills == [True] * 5
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
    while not site.plis():
        stage.pass_time(0.1)
    stage.pass_time(0.7)  # its answer is lost
    assert site.plis() == 1
    stage.link.media.clear()
    site.film(keyframe=True)
    assert [media.still for media in stage.link.media] == [True]


def test_a_new_mixer_gets_a_still_at_once(stage: Stage) -> None:
    site = on_the_wall(stage)
    film(stage, site, 1.0)
    stage.conference._mixer_up()
    assert site.plis() == 1
    stage.link.media.clear()
    site.film(keyframe=True)
    assert [media.still for media in stage.link.media] == [True]


def test_who_leaves_is_forgotten(stage: Stage) -> None:
    site = on_the_wall(stage)
    conference: Conference = stage.conference
    assert conference._stills.shown
    conference.remove(site.leg)
    assert not conference._stills.shown
    stage.pass_time(5.0)
