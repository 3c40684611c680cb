"""Pictures of a bad line are shown evenly; those of a good one at once."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from mcu_core.mixing.picture_pace import MOST, PicturePace

START = 2**32 - 5 * 90_000  # RTP times wrap after 5 s


def stalled(
    seconds: float, loss: float, round_trip: float, seed: int = 1, start: float = 0.0, rate: int = 30
) -> list[float]:
    """Arrivals of `rate` pictures a second of 4 packets each; a lost packet holds up all behind it for round trips."""
    chance, free, arrivals = random.Random(seed), 0.0, []
    for index in range(round(seconds * rate)):
        at = start + index / rate
        ready = at + 0.05
        for _ in range(4):
            tries = 0
            while chance.random() < loss:
                tries += 1
            ready = max(ready, at + 0.05 + tries * 1.2 * round_trip)
        free = max(free, ready)
        arrivals.append(free)
    return arrivals


def show(pace: PicturePace, arrivals: list[float], first: int = 0, rate: int = 30) -> list[float]:
    step = 90_000 // rate
    return [pace.due((START + (first + index) * step) % 2**32, arrived) for index, arrived in enumerate(arrivals)]


def waits(times: list[float]) -> list[float]:
    return [b - a for a, b in pairwise(times)]


def test_a_good_line_waits_for_nothing() -> None:
    chance = random.Random(1)
    arrivals = [index / 30 + 0.02 + chance.uniform(0, 0.008) for index in range(900)]
    assert show(PicturePace(), arrivals) == arrivals


def test_loss_that_is_repaired_is_hardly_seen() -> None:
    arrivals = stalled(60, 0.05, 0.1)
    shown = show(PicturePace(), arrivals)
    assert sum(wait > 0.183 for wait in waits(arrivals[300:])) >= 15
    assert sum(wait > 0.183 for wait in waits(shown[300:])) <= 1
    even = sum(abs(wait - 1 / 30) < 0.005 for wait in waits(shown[300:])) / len(shown[300:])
    assert even > 0.9
    assert all(0 <= b - a <= MOST for a, b in zip(arrivals, shown, strict=True))


def test_an_answer_that_is_lost_too_finds_pictures_that_wait_long_enough() -> None:
    shown, waited = [], []
    for seed in range(100):
        pace = PicturePace()
        shown.append(show(pace, stalled(20, 0.05, 0.12, seed)))
        waited.append(pace.wait)
    late = sum(wait > 0.183 for times in shown for wait in waits(times[180:]))  # from the sixth second on
    assert late <= 1, "4 where they wait for the stalls that have been only"
    assert min(waited) > 0.25


def test_a_slow_camera_on_a_bad_line_waits_as_long_and_a_fast_one_on_a_fair_line_does_not() -> None:
    slow: list[float] = []
    fair: list[float] = []
    for seed in range(100):
        for waited, rate, loss in ((slow, 15, 0.05), (fair, 30, 0.01)):
            pace = PicturePace()
            show(pace, stalled(30, loss, 0.12, seed, rate=rate), rate=rate)
            waited.append(pace.wait)
    assert sorted(slow)[10] > 0.28, "0.19 where only a fast camera's stalls were often enough"
    assert sorted(fair)[90] < 0.20


@pytest.mark.parametrize("loss", [0.015, 0.02])
def test_the_wait_of_a_line_that_just_stalls_often_does_not_go_to_and_fro(loss: float) -> None:
    moved = 0.0
    for seed in range(20):
        pace, before = PicturePace(), 0.0
        for index, arrived in enumerate(stalled(60, loss, 0.12, seed)):
            pace.due((START + index * 3000) % 2**32, arrived)
            if index >= 450:  # from the 16th second on
                moved += abs(pace.wait - before)
            before = pace.wait
    assert moved / 20 < 0.12, "seconds a run; 0.5 and 0.6 where it has to stall as often all the time"


def test_a_line_that_stalls_now_and_then_is_not_made_slower_than_its_stalls() -> None:
    for seed in range(20):
        pace = PicturePace()
        arrivals = stalled(60, 0.005, 0.1, seed)
        show(pace, arrivals)
        worst = max(arrived - index / 30 - 0.05 for index, arrived in enumerate(arrivals[-900:], len(arrivals) - 900))
        assert pace.wait <= worst + 0.02


def test_a_busy_machine_that_holds_pictures_up_shortly_does_not_make_them_wait_twice_as_long() -> None:
    pace = PicturePace()
    show(pace, [index / 30 + (0.03 if index % 5 == 0 else 0.0) for index in range(900)])
    assert pace.wait == pytest.approx(0.04, abs=0.001)


def test_pictures_are_never_shown_out_of_order() -> None:
    shown = show(PicturePace(), stalled(60, 0.1, 0.15))
    assert all(wait >= -1e-9 for wait in waits(shown))


def test_one_stall_alone_is_not_waited_for() -> None:
    arrivals = [max(index / 30, 5.4) if 5 <= index / 30 < 5.4 else index / 30 for index in range(600)]
    assert show(PicturePace(), arrivals) == arrivals


def test_when_the_line_is_good_again_the_delay_goes_without_a_jump() -> None:
    pace = PicturePace()
    show(pace, stalled(20, 0.05, 0.1))
    assert pace.wait > 0.1
    arrivals = [20 + index / 30 + 0.05 for index in range(1800)]
    shown = show(pace, arrivals, first=600)
    assert pace.wait == 0
    assert shown[-1] == arrivals[-1]
    assert min(waits(shown)) >= 1 / 30 * 0.96


@pytest.mark.parametrize("gap", [5.0, 3600.0])
def test_a_camera_that_was_off_begins_anew(gap: float) -> None:
    pace = PicturePace()
    show(pace, stalled(20, 0.05, 0.1))
    assert pace.due(START + 600 * 3000, 20.05 + gap) == 20.05 + gap
    assert pace.wait == 0


def test_a_clock_that_runs_fast_by_100_ppm_does_not_add_up() -> None:
    pace = PicturePace()
    due = [pace.due(round(index * 3000 * 1.0001) % 2**32, index / 30) - index / 30 for index in range(30 * 3600)]
    assert max(due) < 0.001


def test_waiting_grows_so_slowly_that_sound_can_follow() -> None:
    pace, grown = PicturePace(), []
    for index, arrived in enumerate(stalled(60, 0.05, 0.1)):
        before = pace.wait
        pace.due((START + index * 3000) % 2**32, arrived)
        grown.append(pace.wait - before)
    assert pace.wait > 0.2
    assert max(grown) < 0.05, "also after a stall of half a second"


@pytest.mark.parametrize("seed", range(5))
def test_bad_stalls_of_a_bad_line_are_not_forgotten_before_the_next(seed: int) -> None:
    pace, paces = PicturePace(), []
    for index, arrived in enumerate(stalled(120, 0.05, 0.1, seed)):
        pace.due((START + index * 3000) % 2**32, arrived)
        paces.append(pace.wait)
    assert sum(abs(b - a) for a, b in pairwise(paces[600:])) < 0.3
