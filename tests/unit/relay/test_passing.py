"""Which source's pictures a rendition shows, and how a site's times become ours."""

from __future__ import annotations

import random

from mcu_core.relay import rtp
from mcu_core.relay.passing import STALLED, ArrivalClock, Passing
from mcu_core.wire import PassPlan
from tests.unit.relay.packets import picture


def test_sources_change_at_keyframes_only() -> None:
    passing: Passing[str] = Passing()
    assert passing.over
    passing.want(PassPlan(5, 1))
    assert passing.wants_site
    assert not passing.wants_mixed
    assert not passing.take_site("a", 1, "camera", False, 0.0)
    assert passing.take_mixed(False), "the mixed picture flows on"
    assert not passing.take_site("s", 1, "screen", True, 0.0)
    assert passing.take_site("a", 1, "camera", True, 0.0)
    assert not passing.take_mixed(True)
    passing.want(None)
    assert passing.wants_mixed
    assert not passing.take_mixed(False)
    assert passing.take_site("a", 1, "camera", False, 0.1), "the site's flows on"
    assert passing.take_mixed(True)
    assert not passing.take_site("a", 1, "camera", True, 0.2)
    assert passing.over


def test_whoever_has_a_keyframe_first_bridges_a_change_of_site() -> None:
    passing: Passing[str] = Passing()
    passing.want(PassPlan(5, 1))
    passing.take_site("a", 1, "camera", True, 0.0)
    passing.want(PassPlan(5, 2))
    assert passing.take_site("a", 1, "camera", False, 0.1)
    assert passing.take_mixed(True)
    assert not passing.take_site("a", 1, "camera", True, 0.2)
    assert passing.take_site("b", 2, "camera", True, 0.3)
    assert not passing.take_mixed(True)


def test_silent_site_gives_way_and_returns_at_its_keyframe() -> None:
    passing: Passing[str] = Passing()
    passing.want(PassPlan(5, 1))
    passing.take_site("a", 1, "camera", True, 0.0)
    assert passing.age(STALLED["camera"]) is None
    assert passing.flows
    assert passing.age(STALLED["camera"] + 0.1) == "stalled"
    assert passing.age(STALLED["camera"] + 0.2) is None, "told once"
    assert not passing.flows
    assert passing.wants_mixed
    assert passing.take_mixed(True)
    assert passing.wants_site
    assert not passing.take_site("a", 1, "camera", False, 4.0)
    assert passing.take_site("a", 1, "camera", True, 4.1)
    assert passing.flows


def test_a_still_screen_is_sent_seldom_and_stays() -> None:
    passing: Passing[str] = Passing()
    passing.want(PassPlan(5, 1, "screen"))
    passing.take_site("a", 1, "screen", True, 0.0)
    assert passing.age(14.0) is None
    assert passing.age(15.1) == "stalled"


def test_pictures_too_large_give_way_and_return_when_they_have_suited_for_a_while() -> None:
    passing: Passing[str] = Passing()
    passing.want(PassPlan(5, 1, width=1280, height=720))
    now = 0.0

    def film(width: int, height: int) -> bool:
        passing.hear("H264", True, picture(300, True, width=width, height=height), now)
        return passing.take_site("a", 1, "camera", True, now)

    assert film(1280, 720)
    assert passing.flows
    assert film(1920, 1088), "until there is a mixed one"
    assert not passing.flows
    assert passing.age(now) == "too_large"
    assert passing.take_mixed(True)
    assert not film(1920, 1088)
    assert not passing.wants_site
    assert not film(1280, 720)
    now = 4.9
    assert not film(720, 1280), "upright"
    assert not film(1280, 720)
    now = 9.8
    passing.age(now)
    assert not film(1280, 720)
    now = 10.0
    passing.age(now)
    assert passing.wants_site
    assert film(640, 352), "smaller ones suit"


def test_a_picture_that_does_not_tell_its_size_is_mixed() -> None:
    passing: Passing[str] = Passing()
    passing.want(PassPlan(5, 1))
    passing.hear("H264", True, b"\0\0\1\x67\x42", 0.0)
    assert not passing.take_site("a", 1, "camera", True, 0.0)


def test_a_keyframe_of_a_hundred_thousand_parameter_sets_is_not_read_to_its_end() -> None:
    passing: Passing[str] = Passing()
    passing.want(PassPlan(5, 1))
    one = picture(40, True, width=1280, height=720)
    tail = memoryview(one * 8 + b"\0\0\1\x67\x42")  # the ninth is broken: whoever reads it sees that
    passing.hear("H264", True, bytes(tail), 0.0)
    assert passing.take_site("a", 1, "camera", True, 0.0)


def test_a_sender_that_heeds_no_limit_gives_way() -> None:
    passing: Passing[str] = Passing()
    passing.want(PassPlan(5, 1, bitrate_bps=1_000_000))
    troubles: list[str | None] = []
    now = 0.0

    def second(bps: int) -> None:
        nonlocal now
        for _ in range(10):
            now += 0.1
            passing.hear("H264", False, bytes(bps // 80), now)
            passing.take_site("a", 1, "camera", False, now)
            troubles.append(passing.age(now))

    passing.hear("H264", True, picture(300, True), now)
    assert passing.take_site("a", 1, "camera", True, now)
    for rate in (800_000, 3_000_000, 3_000_000, 800_000, 3_000_000, 3_000_000):
        second(rate)
    assert passing.flows, "a peak is no fault"
    second(3_000_000)
    second(3_000_000)
    assert [trouble for trouble in troubles if trouble] == ["too_fast"]
    assert passing.take_mixed(True)
    for _ in range(4):
        second(1_000_000)
        second(1_000_000)
        second(1_300_000)
    assert not passing.wants_site, "still a little much"
    for _ in range(7):
        second(1_000_000)
    assert passing.wants_site


def test_site_that_left_is_followed_by_nothing_but_a_keyframe() -> None:
    passing: Passing[str] = Passing()
    passing.want(PassPlan(5, 1))
    passing.take_site("a", 1, "camera", True, 0.0)
    passing.lost("a")
    assert not passing.take_mixed(False)
    assert passing.take_site("a2", 1, "camera", True, 0.5), "it came back on another leg"


def test_arrival_clock_keeps_steps_follows_drift_and_restarts() -> None:
    clock, source = ArrivalClock(), random.Random(1)
    start, wrap = 1000.0, 2**32 - 40_000
    before = None
    for number in range(30 * 600):
        due = start + number / 30
        sent = (wrap + round(number * 3000 * (1 + 100e-6))) % 2**32  # its clock is 100 ppm fast
        wire = clock.stamp(due + source.uniform(0, 0.03), sent)
        assert abs(rtp.time_delta(wire, round(due * 90_000) % 2**32)) < 0.06 * 90_000
        if before is not None:
            assert 2880 <= rtp.time_delta(wire, before) <= 3120
        before = wire
    assert clock.stamp(5000.0, 7) == round(5000.0 * 90_000) % 2**32, "a sender that began anew"
