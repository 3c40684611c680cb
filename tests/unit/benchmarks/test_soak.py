"""A soak tells growth from noise, and one kind of process from another."""

from __future__ import annotations

import random

import pytest
from rich.console import Console

from benchmarks.machine import machine
from benchmarks.soak import Sample, judge, line_through, table


def soaked(relay_grows: float = 0.0, minutes: int = 20, tasks_grow: float = 0.0) -> list[Sample]:
    """A look every 10 s; the relay's memory rises by `relay_grows` MB an hour, after a start that is steep anyway, and
    its tasks by `tasks_grow` an hour."""
    chance = random.Random(1)
    samples = []
    for at in range(0, minutes * 60 + 1, 10):
        start = max(0, 60 - at)
        held = {
            "relay": {
                "rss_mb": 80 + relay_grows * at / 3600 - start + chance.uniform(-1, 1),
                "files": 30 + chance.choice((-1, 0, 1)),
                "tasks": 90.0 + round(tasks_grow * at / 3600),
            },
            "control": {"rss_mb": 120.0, "files": 60.0, "threads": 4.0},
        }
        samples.append(Sample(float(at), held, frozenset({1, 2})))
    return samples


def test_a_line_through_points_has_their_slope() -> None:
    line = line_through([(0, 100.0), (1800, 105.0), (3600, 110.0)])
    assert line == {"first": 100.0, "last": 110.0, "largest": 110.0, "per_hour": 10.0, "growth": 10.0}
    assert line_through([(5.0, 3.0)])["per_hour"] == 0


def test_what_does_not_grow_is_flat_although_it_wavers_and_started_steeply() -> None:
    judged = judge(soaked(), 1200)
    assert judged["warm_up_s"] == 300
    assert judged["series"]["relay_rss_mb"]["per_hour"] == pytest.approx(0, abs=2)
    assert judged["series"]["relay_files"]["growth"] == pytest.approx(0, abs=0.7)
    assert judged["series"]["control_threads"]["per_hour"] == 0
    assert "relay_threads" not in judged["series"]
    assert judged["flat"]


def test_a_leak_is_seen_in_its_process() -> None:
    judged = judge(soaked(relay_grows=60), 1200)
    assert judged["series"]["relay_rss_mb"]["per_hour"] == pytest.approx(60, abs=3)
    assert judged["series"]["control_rss_mb"]["per_hour"] == 0
    assert judged["rss_mb_per_hour"] == pytest.approx(60, abs=3)
    assert [key for key, one in judged["series"].items() if not one["flat"]] == ["relay_rss_mb"]
    assert not judged["flat"]


def test_it_says_how_slow_a_leak_it_can_see() -> None:
    for minutes in (20, 120):
        seen = judge(soaked(minutes=minutes), minutes * 60)["series"]["relay_rss_mb"]["seen_per_hour"]
        assert judge(soaked(relay_grows=2 * seen, minutes=minutes), minutes * 60)["flat"] is False
        assert judge(soaked(relay_grows=0.5 * seen, minutes=minutes), minutes * 60)["flat"] is True
        assert seen == pytest.approx(10 if minutes == 20 else 1.25, rel=0.1), "1 % of 80 MB in the last third"


def test_a_leak_of_tasks_is_seen() -> None:
    judged = judge(soaked(tasks_grow=20), 1200)
    assert [key for key, one in judged["series"].items() if not one["flat"]] == ["relay_tasks"]
    assert judge(soaked(tasks_grow=4), 1200)["flat"], "one more in a quarter of an hour is somebody who joined"


def test_caches_that_fill_before_the_last_third_are_no_leak() -> None:
    samples = [
        Sample(float(at), {"control": {"rss_mb": 150 + min(at, 700) / 100}}, frozenset()) for at in range(0, 1201, 10)
    ]
    judged = judge(samples, 1200)
    assert judged["series"]["control_rss_mb"]["growth"] > 1.5
    assert judged["flat"]


def shown(samples: list[Sample], *failed: str) -> str:
    judged = judge(samples, 1200, failed)
    more = {"sites": 40, "minutes": 20, "cycles": 1000, "failed": failed, "join_ms_p95": 99.0, "podium_moves": 240}
    after = {"fps_min_after": 30.0, "audio_pps_min_after": 50.0, "machine": machine()}
    console = Console(record=True, width=180)
    console.print(table({**more, **judged, **after}))
    return " ".join(console.export_text().split())


def test_the_table_has_a_goal_for_each_and_says_the_verdict() -> None:
    for grows, said in ((0.0, "flat"), (60.0, "NOT FLAT")):
        text = shown(soaked(relay_grows=grows))
        assert said in text
        assert ("✗" in text) == (grows > 0)
        assert "240 podium moves" in text
        assert "leaks seen" in text


def test_a_process_that_was_replaced_is_not_flat_however_little_it_holds() -> None:
    samples = soaked()
    samples.append(Sample(1210.0, samples[-1].values, frozenset({1, 3})))
    judged = judge(samples, 1210)
    assert (judged["processes_replaced"], judged["flat"]) == (1, False)
    assert "1 processes replaced ✗" in shown(samples)


def test_a_spare_that_came_after_the_first_look_replaced_nobody() -> None:
    samples = soaked()
    samples.append(Sample(1210.0, samples[-1].values, frozenset({1, 2, 3})))
    judged = judge(samples, 1210)
    assert (judged["processes_replaced"], judged["flat"]) == (0, True)


def test_a_site_that_did_not_come_back_is_not_flat() -> None:
    assert judge(soaked(), 1200, ["site 9: not ready"])["flat"] is False
    assert "1 did not ✗" in shown(soaked(), "site 9: not ready")
