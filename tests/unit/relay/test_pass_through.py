"""A rendition passed through: viewers get the site's own pictures, the mixer none, and changes never break them."""

from __future__ import annotations

import itertools

import pytest

from mcu_core.relay import rtcp, rtp
from mcu_core.relay.passing import STALLED
from mcu_core.wire import Event, PassedPicture, PassFlow, PassPlan, PictureWait, VideoIn
from tests.unit.relay.packets import picture
from tests.unit.relay.stage import Browser, Stage

SITE, MIXED = 2000, 300


@pytest.fixture
def stage() -> Stage:
    return Stage()


def passed(stage: Stage) -> tuple[Browser, Browser]:
    """Site 1 passed through to viewer 2."""
    site, viewer = stage.join(1), stage.join(2, rendition=5)
    stage.show(5, keyframe=True)
    stage.pass_on(PassPlan(5, 1))
    stage.now += 0.02
    site.film(keyframe=True)
    viewer.seen()
    site.got()
    return site, viewer


def sizes(viewer: Browser) -> list[int]:
    """Of the pictures that have arrived, their kind by size."""
    return [SITE if len(data) > 1000 else MIXED for _, data, _ in viewer.seen()]


def test_site_is_asked_at_once_and_the_mixed_picture_flows_until_its_keyframe(stage: Stage) -> None:
    site, viewer = stage.join(1), stage.join(2, rendition=5)
    stage.show(5, keyframe=True)
    stage.now += 1.0
    stage.pass_on(PassPlan(5, 1))
    assert site.plis() == 1
    site.film()
    stage.show(5)
    assert sizes(viewer) == [MIXED, MIXED]
    site.film(keyframe=True)
    stage.show(5)
    stage.show(5, keyframe=True)
    site.film()
    assert sizes(viewer) == [SITE, SITE]
    assert stage.link.media == [], "nobody mixes that camera"


def test_picture_arrives_as_the_site_made_it(stage: Stage) -> None:
    site, viewer = passed(stage)
    stage.now += 1 / 30
    site.film(keyframe=True, seed=3)
    ((_, data, keyframe),) = viewer.seen()
    assert keyframe
    assert data == picture(2000, True, seed=3)


def test_back_at_the_mixers_keyframe(stage: Stage) -> None:
    site, viewer = passed(stage)
    stage.link.events.clear()
    stage.now += 1.0
    stage.pass_on()
    stage.pass_time(0.01)
    assert stage.link.keyframes() == [5]
    stage.show(5)
    site.film()
    assert sizes(viewer) == [SITE]
    stage.show(5, keyframe=True)
    site.film()
    stage.show(5)
    assert sizes(viewer) == [MIXED, MIXED]
    before = site.leg.streams["camera"].frames
    site.film(keyframe=True)
    assert site.leg.streams["camera"].frames == before, "nobody wants it any more"


def test_times_go_on_over_every_change(stage: Stage) -> None:
    site, viewer = passed(stage)
    times: list[int] = []
    for number in range(12):
        stage.now += 1 / 30
        if number == 3:
            stage.pass_on()
        if number == 8:
            stage.pass_on(PassPlan(5, 1))
        stage.show(5, keyframe=number == 5)
        site.film(keyframe=number == 10)
        times += [rtp_time for rtp_time, _, _ in viewer.seen()]
    assert len(times) in (12, 13)
    steps = [rtp.time_delta(later, earlier) for earlier, later in itertools.pairwise(times)]
    assert all(0 < step < 9000 for step in steps)
    assert rtp.time_delta(times[-1], int(stage.now * 90_000) % 2**32) == pytest.approx(0, abs=9000)


def test_viewers_requests_go_to_the_site_but_not_too_often(stage: Stage) -> None:
    site, viewer = passed(stage)
    others = [stage.join(number, rendition=5) for number in (3, 4)]
    stage.link.events.clear()
    stage.now += 2.0
    for _ in range(20):
        for browser in (viewer, *others):
            assert browser.leg.video is not None
            browser.rtcp(rtcp.pli(1, browser.leg.video.ssrc))
        stage.pass_time(0.02)
        site.film()
    assert stage.link.keyframes() == []
    assert site.plis() == 1
    site.film(keyframe=True)
    assert all(SITE in sizes(browser) for browser in others)


def test_joiner_begins_with_a_keyframe_of_the_site(stage: Stage) -> None:
    site, _ = passed(stage)
    stage.now += 5.0
    site.film()
    joiner = stage.join(3, rendition=5)
    site.film()
    assert sizes(joiner) == []
    assert site.plis() == 1
    site.film(keyframe=True)
    assert sizes(joiner) == [SITE]


def test_camera_that_is_mixed_too_reaches_the_mixer_from_a_keyframe_on(stage: Stage) -> None:
    site, viewer = passed(stage)
    stage.now += 1.0
    stage.plan(site.leg, camera_wanted=True)
    assert site.plis() == 1
    site.film()
    site.film(keyframe=True)
    site.film()
    assert [media.keyframe for media in stage.link.media if isinstance(media, VideoIn)] == [True, False]
    assert sizes(viewer) == [SITE] * 3, "viewers are not disturbed"


def test_mixer_that_dies_does_not_disturb_what_is_passed_through(stage: Stage) -> None:
    site, viewer = passed(stage)
    stage.conference._mixer_up()
    site.film()
    assert sizes(viewer) == [SITE]


def test_silent_site_is_counted_and_gives_way(stage: Stage) -> None:
    site, viewer = passed(stage)
    stage.link.events.clear()
    stage.pass_time(STALLED["camera"] + 0.1)
    assert stage.conference.all_dropped()["pass_stalled"] == 1
    assert 5 in stage.link.keyframes()
    stage.show(5, keyframe=True)
    assert sizes(viewer) == [MIXED]
    site.film()
    assert sizes(viewer) == []
    site.film(keyframe=True)
    assert sizes(viewer) == [SITE]


def test_control_is_told_when_a_site_s_pictures_flow_and_when_they_cease(stage: Stage) -> None:
    told: list[Event] = []
    stage.conference._tell = told.append
    site, _ = passed(stage)
    stage.pass_time(0.02)
    assert told == [PassFlow("c", 5, 1, "camera")]
    assert tuple(stage.conference.flows.values()) == (PassFlow("c", 5, 1, "camera"),)
    told.clear()
    stage.pass_time(STALLED["camera"] + 0.1)
    assert told == [PassFlow("c", 5, 1, "camera", flows=False)]
    site.film(keyframe=True)
    stage.pass_time(0.02)
    assert told[1:] == [PassFlow("c", 5, 1, "camera")]
    stage.conference.remove(site.leg)
    assert told[2:] == [PassFlow("c", 5, 1, "camera", flows=False)], "at once: the conference may be gone in a moment"
    assert stage.conference.flows == {}


def test_pictures_larger_than_the_view_give_way_to_mixed_ones(stage: Stage) -> None:
    site, viewer = passed(stage)
    stage.link.events.clear()
    stage.now += 1.0
    site.film(keyframe=True, width=1920, height=1088)
    stage.pass_time(0.4)
    assert stage.conference.flows == {}
    assert stage.conference.all_dropped()["pass_too_large"] == 1
    assert 5 in stage.link.keyframes()
    stage.show(5, keyframe=True)
    site.film(keyframe=True, width=1920, height=1088)
    assert sizes(viewer) == [SITE, MIXED]


def test_site_that_leaves_makes_room_for_the_mixer(stage: Stage) -> None:
    site, viewer = passed(stage)
    stage.conference.remove(site.leg)
    stage.show(5)
    stage.show(5, keyframe=True)
    stage.show(5)
    assert sizes(viewer) == [MIXED, MIXED]


def test_reports_stay_on_the_clock_of_the_sound(stage: Stage) -> None:
    site, viewer = passed(stage)
    assert viewer.leg.video is not None
    at = stage.conference.video_rtp_time(viewer.leg, stage.now)
    shift = viewer.leg.video.shift
    assert rtp.time_delta(at, (round(stage.now * 90_000) + shift) % 2**32) == 0
    site.film()
    ((rtp_time, _, _),) = viewer.seen()
    assert rtp.time_delta(rtp_time, at) == pytest.approx(0, abs=100)


def test_mixer_is_told_of_cameras_it_does_not_get(stage: Stage) -> None:
    site, _ = passed(stage)
    stage.link.events.clear()
    stage.now += 0.05
    site.film()
    (told,) = [event for event in stage.link.events if isinstance(event, PassedPicture)]
    assert (told.site, told.arrived) == (1, stage.now)
    stage.plan(site.leg, camera_wanted=True)
    site.film(keyframe=True)
    assert len([event for event in stage.link.events if isinstance(event, PassedPicture)]) == 1, "now it gets them"


def test_picture_waits_for_its_sound_by_its_time(stage: Stage) -> None:
    """Nothing is kept here: the viewer's browser shows it with the sound of that time."""
    site, viewer = passed(stage)
    stage.now += 1 / 30
    site.film()
    ((before, _, _),) = viewer.seen()
    began = stage.now
    stage.conference._event(PictureWait(1, 0.15))
    times = []
    for _ in range(30 * 8):
        stage.now += 1 / 30
        site.film()
        ((at, _, _),) = viewer.seen()
        times.append(at)
    steps = [rtp.time_delta(later, earlier) for earlier, later in itertools.pairwise((before, *times))]
    assert max(steps) <= 3000 + 91, "no jump"
    shift = viewer.leg.video.shift if viewer.leg.video is not None else 0
    ideal = round((stage.now + 0.15) * 90_000) + shift
    assert rtp.time_delta(times[-1], ideal % 2**32) == pytest.approx(0, abs=0.025 * 90_000), stage.now - began
    stage.conference._mixer_up()
    site.film()
    ((now, _, _),) = viewer.seen()
    assert rtp.time_delta(now, times[-1]) > 0, "a new mixer begins without waits, and slowly too"


def test_other_codec_is_not_passed_on(stage: Stage) -> None:
    leg = stage.leg(1, codec="VP8")
    site, viewer = stage.connect(leg), stage.join(2, rendition=5)
    stage.show(5, keyframe=True)
    viewer.seen()
    stage.pass_on(PassPlan(5, 1))
    site.rtp(11, b"\x10\x00frame", payload_type=96, marker=True)
    assert sizes(viewer) == []
    assert stage.conference.dropped["pass_wrong_codec"] == 1
