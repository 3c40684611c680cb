"""Freezes by the W3C rule, and recovery from an event."""

from __future__ import annotations

import pytest

from benchmarks.freezes import Span, freezes, recovery


def paced(begin: float, end: float, rate: float = 30.0) -> list[float]:
    count = round((end - begin) * rate)
    return [begin + index / rate for index in range(count + 1)]


def test_an_even_picture_never_freezes() -> None:
    assert freezes(paced(0, 10), 0, 10) == []


@pytest.mark.parametrize(("rate", "wait", "froze"), [(30, 0.17, False), (30, 0.19, True), (10, 0.28, False)])
def test_a_wait_is_a_freeze_when_it_is_longer_than_usual_by_150_ms(rate: float, wait: float, froze: bool) -> None:
    times = [*paced(0, 5, rate), *paced(5 + wait, 10, rate)]
    assert bool(freezes(times, 0, 10)) is froze


def test_at_a_slow_pace_three_times_the_usual_wait_is_needed() -> None:
    assert freezes([*paced(0, 10, 5), *paced(10.5, 15, 5)], 0, 15) == []
    assert len(freezes([*paced(0, 10, 5), *paced(10.7, 15, 5)], 0, 15)) == 1


def test_a_freeze_lasts_from_picture_to_picture() -> None:
    (freeze,) = freezes([*paced(0, 5), *paced(7, 10)], 0, 10)
    assert (freeze.begin, freeze.end, freeze.seconds) == pytest.approx((5, 7, 2))


def test_freezes_count_only_between_begin_and_end() -> None:
    times = [*paced(0, 3), *paced(6, 9), *paced(12, 20)]
    assert [span.seconds for span in freezes(times, 4, 11)] == pytest.approx([2, 2])
    assert freezes(times, 13, 20) == []


def test_no_picture_at_all_is_one_freeze() -> None:
    assert freezes([], 5, 10) == [Span(5, 10)]


def test_a_picture_that_stops_is_frozen_to_the_end() -> None:
    (freeze,) = freezes(paced(0, 5), 0, 30)
    assert freeze.end == 30


def test_recovery_is_the_end_of_the_last_trouble_before_the_line_changes_again() -> None:
    pictures = [Span(8, 13.5), Span(20, 20.3), Span(34.9, 46)]
    sounds = [Span(8, 14.2), Span(50, 50.1)]
    assert recovery([Span(13, 35), Span(45, 60)], pictures, sounds) == pytest.approx([1.2, 1.0])
    assert recovery([Span(48, 60)], pictures, sounds) == [0.0]


def test_what_lasts_to_the_end_of_a_stretch_has_not_recovered() -> None:
    assert recovery([Span(10, 20), Span(20, 30)], [Span(8, 30)], []) == [None, None]
    assert recovery([Span(10, 20), Span(20, 30)], [Span(8, 22)], []) == [None, 2.0]
    assert recovery([Span(10, 20)], [Span(8, 11)], [Span(19.4, 21)]) == [None], "silence, not the next change"
    assert recovery([Span(10, 20)], [Span(8, 11)], [Span(19.7, 21)]) == [1.0], "which this belongs to"
