"""Which source's pictures a rendition shows, and how a site's times become ours."""

from __future__ import annotations

import random

from mcu_core.relay import rtp
from mcu_core.relay.passing import STALLED, ArrivalClock, Passing
from mcu_core.wire import PassPlan


def test_sources_change_at_keyframes_only() -> None:
    passing: Passing[str] = Passing()
    assert passing.over
    passing.plan = PassPlan(5, 1)
    assert passing.wants_site
    assert not passing.wants_mixed
    assert not passing.take_site("a", 1, "camera", False, 0.0)
    assert passing.take_mixed(False), "the mixed picture flows on"
    assert not passing.take_site("s", 1, "screen", True, 0.0)
    assert passing.take_site("a", 1, "camera", True, 0.0)
    assert not passing.take_mixed(True)
    passing.plan = None
    assert passing.wants_mixed
    assert not passing.take_mixed(False)
    assert passing.take_site("a", 1, "camera", False, 0.1), "the site's flows on"
    assert passing.take_mixed(True)
    assert not passing.take_site("a", 1, "camera", True, 0.2)
    assert passing.over


def test_whoever_has_a_keyframe_first_bridges_a_change_of_site() -> None:
    passing: Passing[str] = Passing()
    passing.plan = PassPlan(5, 1)
    passing.take_site("a", 1, "camera", True, 0.0)
    passing.plan = PassPlan(5, 2)
    assert passing.take_site("a", 1, "camera", False, 0.1)
    assert passing.take_mixed(True)
    assert not passing.take_site("a", 1, "camera", True, 0.2)
    assert passing.take_site("b", 2, "camera", True, 0.3)
    assert not passing.take_mixed(True)


def test_silent_site_gives_way_and_returns_at_its_keyframe() -> None:
    passing: Passing[str] = Passing()
    passing.plan = PassPlan(5, 1)
    passing.take_site("a", 1, "camera", True, 0.0)
    assert not passing.age(STALLED)
    assert passing.age(STALLED + 0.1)
    assert not passing.age(STALLED + 0.2), "told once"
    assert passing.wants_mixed
    assert passing.take_mixed(True)
    assert passing.wants_site
    assert not passing.take_site("a", 1, "camera", False, 2.0)
    assert passing.take_site("a", 1, "camera", True, 2.1)


def test_site_that_left_is_followed_by_nothing_but_a_keyframe() -> None:
    passing: Passing[str] = Passing()
    passing.plan = PassPlan(5, 1)
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
