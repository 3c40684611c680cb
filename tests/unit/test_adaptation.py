"""Choosing a leg's size: down fast, up slowly, and not again and again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from mcu_core.adaptation import SIZES, LegAdaptation, Size, ladder, nearest
from mcu_core.wire import LegStats

FULL = ladder(1280, 720, 30.0, 1_500_000)


def stats(sent_kbps: float, remb_bps: int | None = None, lost: float = 0.0) -> LegStats:
    return LegStats("leg", sent_kbps=sent_kbps, remb_bps=remb_bps, peer_lost_fraction=lost)


def sent(size: Size) -> float:
    rung = nearest(FULL, size)
    return 50.0 if rung is None else rung.needed_bps / 1000


def drive(leg: LegAdaptation, begin: int, seconds: int, line: Callable[[Size], LegStats]) -> list[tuple[int, Size]]:
    """Second by second; when the size changed and to what."""
    return [(now, leg.size) for now in range(begin, begin + seconds) if leg.measured(line(leg.size), FULL, float(now))]


def clean(size: Size) -> LegStats:
    """A line without limit; the estimate is bounded by what is sent."""
    return stats(sent(size), round(1450 * sent(size)))


def narrow(bps: int) -> Callable[[Size], LegStats]:
    """A line that carries so much: beyond that it loses, and the estimate says so."""

    def line(size: Size) -> LegStats:
        offered = sent(size) * 1000
        if offered > bps:
            return stats(offered / 1000, round(0.85 * bps), lost=1 - bps / offered)
        return stats(offered / 1000, round(min(1.45 * offered, bps)))

    return line


def test_the_sizes_of_a_720p_view() -> None:
    assert [(r.size, r.width, r.height, r.frame_rate, r.bitrate_bps) for r in FULL] == [
        ("high", 1280, 720, 30.0, 1_500_000),
        ("medium", 640, 360, 15.0, 400_000),
        ("low", 320, 180, 10.0, 100_000),
    ]


def test_a_slow_wall_is_not_made_faster_and_a_small_view_has_fewer_sizes() -> None:
    wall = ladder(1280, 720, 5.0, 400_000)
    assert {rung.frame_rate for rung in wall} == {5.0}
    assert [rung.bitrate_bps for rung in wall] == [400_000, 106_666, 50_000]
    assert [rung.size for rung in ladder(320, 180, 10.0, 60_000)] == ["high"]


def test_a_size_a_view_lacks_is_the_next_smaller_one_or_its_smallest() -> None:
    small = ladder(320, 180, 10.0, 60_000)
    assert nearest(small, "low") == nearest(small, "medium") == small[0]
    assert nearest(small, "sound") is None


def test_one_bad_second_changes_nothing_and_two_step_down() -> None:
    leg = LegAdaptation()
    assert not leg.measured(stats(1500, 1_000_000, lost=0.2), FULL, 1.0)
    assert not leg.measured(clean("high"), FULL, 2.0)
    assert not leg.measured(stats(1500, 1_000_000, lost=0.2), FULL, 3.0)
    assert leg.measured(stats(1500, 1_000_000, lost=0.2), FULL, 4.0)
    assert leg.size == "medium"


def test_an_estimate_that_stays_below_what_is_sent_steps_down() -> None:
    leg = LegAdaptation()
    assert drive(leg, 0, 10, lambda size: stats(sent(size), 1_000_000)) == [(4, "medium")]


def test_an_estimate_that_still_grows_is_given_time() -> None:
    """A browser that has just joined: 300 kbit/s, then 8 % more each second, up to 1.5 times what it is sent."""
    leg = LegAdaptation()
    now = iter(range(60))
    assert drive(leg, 0, 60, lambda size: stats(1564, round(min(2_300_000, 300_000 * 1.08 ** next(now))))) == []


def test_a_very_narrow_line_steps_down_to_what_it_carries_at_once() -> None:
    leg = LegAdaptation()
    assert drive(leg, 0, 3, narrow(250_000)) == [(0, "low")]


def test_sound_alone_when_not_even_the_smallest_picture_passes() -> None:
    leg = LegAdaptation()
    assert drive(leg, 0, 10, narrow(90_000))[-1][1] == "sound"


def test_the_smallest_picture_stays_on_a_shaky_line() -> None:
    """Chromium's estimate falls with jitter alone, by 0.85 times what comes, again and again."""
    leg = LegAdaptation()
    drive(leg, 0, 3, narrow(250_000))
    assert leg.size == "low"
    assert drive(leg, 3, 60, lambda size: stats(164, 112_000, lost=0.12)) == []


def test_a_small_estimate_of_a_still_picture_is_not_bad() -> None:
    leg = LegAdaptation()
    assert drive(leg, 0, 60, lambda size: stats(200, 290_000)) == []


def test_a_line_that_comes_back_is_used_again_step_by_step() -> None:
    leg = LegAdaptation()
    drive(leg, 0, 3, narrow(250_000))
    changes = drive(leg, 3, 120, clean)
    assert [size for _, size in changes] == ["medium", "high"]
    assert changes[0][0] - 3 >= 10


def test_an_estimate_with_headroom_goes_up_after_10_seconds() -> None:
    leg = LegAdaptation()
    drive(leg, 0, 2, narrow(600_000))
    changes = drive(leg, 2, 60, lambda size: stats(sent(size), 4_000_000))
    assert changes == [(11, "high")]


def test_a_failed_attempt_is_tried_ever_more_rarely() -> None:
    leg = LegAdaptation()
    changes = drive(leg, 0, 1200, narrow(700_000))
    up = [now for now, size in changes if size == "high"]
    gaps = [later - earlier for earlier, later in itertools.pairwise(up)]
    assert len(up) <= 8
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 240


def test_random_loss_of_three_percent_keeps_the_picture() -> None:
    leg = LegAdaptation()
    assert drive(leg, 0, 120, lambda size: stats(sent(size), None, lost=0.03)) == []


def test_loss_that_smaller_pictures_do_not_lessen_gives_the_large_one_back() -> None:
    leg = LegAdaptation()
    changes = drive(leg, 0, 300, lambda size: stats(sent(size), round(1450 * sent(size)), lost=0.11))
    assert [size for _, size in changes] == ["medium", "high"]
    assert changes[1][0] < 30


def test_on_such_a_line_too_much_is_noticed_all_the_same() -> None:
    leg = LegAdaptation()
    drive(leg, 0, 60, lambda size: stats(sent(size), round(1450 * sent(size)), lost=0.11))
    assert leg.size == "high"
    assert drive(leg, 60, 3, lambda size: stats(sent(size), 1_500_000, lost=0.4)) == [(61, "medium")]


def test_loss_that_is_still_counted_after_a_step_down_does_not_cause_another() -> None:
    leg = LegAdaptation()
    drive(leg, 0, 2, narrow(600_000))
    assert leg.size == "medium"
    assert drive(leg, 2, 3, lambda size: stats(sent(size), 600_000, lost=0.3)) == []


def test_a_line_that_does_not_carry_the_next_size_either_is_not_taken_for_a_lossy_one() -> None:
    leg = LegAdaptation()
    loss = {"high": 0.9, "medium": 0.6, "low": 0.0, "sound": 0.0}
    changes = drive(leg, 0, 12, lambda size: stats(sent(size), None, lost=loss[size]))
    assert [size for _, size in changes] == ["medium", "low"]


def test_loss_with_a_longer_round_trip_is_a_line_that_is_full() -> None:
    leg = LegAdaptation()
    drive(leg, 0, 20, lambda size: replace(stats(sent(size), None), rtt_ms=100.0))
    changes = drive(leg, 20, 20, lambda size: replace(stats(sent(size), None, lost=0.2), rtt_ms=400.0))
    assert [size for _, size in changes] == ["medium", "low"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.none() | st.integers(0, 5_000_000)), max_size=80))
def test_it_never_leaves_the_ladder_and_never_goes_up_within_ten_seconds(
    line: list[tuple[float, int | None]],
) -> None:
    leg, before, last_change = LegAdaptation(), SIZES.index("high"), -1.0
    for now, (lost, remb) in enumerate(line):
        leg.measured(stats(sent(leg.size), remb, lost), FULL, float(now))
        index = SIZES.index(leg.size)
        if index < before:
            assert now - last_change >= 10
        if index != before:
            last_change = now
        before = index


def test_more_than_came_through_is_tried_late_unless_the_estimate_says_otherwise() -> None:
    leg = LegAdaptation()

    def stale(size: Size) -> LegStats:
        """The estimate after an overload stays where it fell while little is sent."""
        return stats(sent(size), 340_000 if size == "low" else round(1450 * sent(size)))

    assert drive(leg, 0, 1, narrow(400_000)) == [(0, "low")]
    assert drive(leg, 1, 42, stale) == [(41, "medium")]
    other = LegAdaptation()
    assert drive(other, 0, 1, narrow(400_000)) == [(0, "low")]
    assert drive(other, 1, 3, lambda size: stats(sent(size), 500_000)) == []  # it carries more now
    assert drive(other, 4, 14, stale) == [(16, "medium")]


def test_loss_of_a_quarter_without_a_lower_estimate_takes_two_seconds() -> None:
    leg = LegAdaptation()
    assert drive(leg, 0, 2, lambda size: stats(sent(size), 4_000_000, lost=0.3)) == [(1, "medium")]


def test_an_overload_steps_down_at_once_to_what_came_through_with_a_margin() -> None:
    """Half a megabit does not carry 464 kbit/s and what has to be sent again."""
    for carried, size in ((1_100_000, "medium"), (900_000, "low"), (500_000, "low"), (60_000, "low")):
        leg = LegAdaptation()
        drive(leg, 0, 5, clean)
        assert leg.overloaded(carried, FULL, 5.0)
        assert leg.size == size


def test_the_smallest_picture_and_sound_are_not_made_less_by_an_overload() -> None:
    leg = LegAdaptation()
    leg.overloaded(300_000, FULL, 0.0)
    assert not leg.overloaded(50_000, FULL, 5.0)
    assert leg.size == "low"


def test_an_estimate_from_before_an_overload_tempts_nobody() -> None:
    """Chromium's stood at 2.6 Mbit/s for 13 s while the line carried 500 kbit/s."""
    leg = LegAdaptation()
    leg.overloaded(500_000, FULL, 0.0)
    assert drive(leg, 1, 35, lambda size: stats(sent(size), 2_595_000)) == []


def test_what_came_through_is_overestimated_in_a_jam_and_does_not_tempt_either() -> None:
    leg = LegAdaptation()
    leg.overloaded(650_000, FULL, 0.0)
    assert drive(leg, 1, 35, lambda size: stats(sent(size), round(1950 * sent(size)))) == []


def test_an_estimate_that_no_line_of_now_can_have_given_tempts_nobody() -> None:
    """It stood at 671 kbit/s while 160 were sent, although the jam was thought to let 650 through."""
    leg = LegAdaptation()
    leg.overloaded(650_000, FULL, 0.0)
    assert drive(leg, 1, 35, lambda size: stats(sent(size), 671_000)) == []


def test_the_second_of_the_overload_is_still_full_of_what_was_too_much() -> None:
    leg = LegAdaptation()
    leg.overloaded(650_000, FULL, 0.0)
    leg.measured(stats(1_586, 671_000), FULL, 1.0)
    assert drive(leg, 2, 35, lambda size: stats(sent(size), 671_000)) == []


def test_a_new_estimate_after_an_overload_counts() -> None:
    leg = LegAdaptation()
    leg.overloaded(500_000, FULL, 0.0)
    assert drive(leg, 1, 3, lambda size: stats(sent(size), 240_000)) == []
    changes = drive(leg, 4, 20, lambda size: stats(sent(size), 4_000_000))
    assert [size for _, size in changes] == ["medium", "high"]
    assert changes[0][0] >= 10


def test_a_trial_that_ends_in_an_overload_is_repeated_ever_more_rarely() -> None:
    leg = LegAdaptation()
    leg.overloaded(500_000, FULL, 0.0)
    tried = []
    for now in range(1, 1200):
        if leg.measured(clean(leg.size), FULL, float(now)):
            assert leg.size == "medium"
            tried.append(now)
            assert leg.overloaded(480_000, FULL, now + 0.5)
    waits = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert tried[0] >= 40
    assert waits == sorted(waits)
    assert waits[-1] >= 240


def test_a_new_leg_tries_larger_pictures_soon_however_often_they_failed_before() -> None:
    leg = LegAdaptation()
    for now in range(1, 600):
        if leg.measured(clean(leg.size), FULL, float(now)):
            leg.overloaded(200_000, FULL, now + 0.5)
        if now == 1:
            leg.overloaded(200_000, FULL, now + 0.5)
    assert leg.size == "low"
    leg.begin_anew()
    changes = drive(leg, 600, 60, lambda size: stats(sent(size), 4_000_000))
    assert [size for _, size in changes] == ["medium", "high"]


def test_a_low_estimate_says_nothing_while_all_comes_through() -> None:
    """Chromium's falls to a fifth of what it gets on a line of 2 Mbit/s whose delay wanders by 40 ms."""
    leg = LegAdaptation()
    ways = itertools.cycle((150.0, 60.0, 180.0, 120.0))
    line = lambda size: replace(stats(sent(size), 370_000, lost=0.01), rtt_ms=next(ways))  # noqa: E731
    assert drive(leg, 0, 60, line) == []


def test_a_low_estimate_with_a_long_queue_is_believed() -> None:
    leg = LegAdaptation()
    drive(leg, 0, 10, lambda size: replace(stats(sent(size), 2_000_000), rtt_ms=60.0))
    changes = drive(leg, 10, 6, lambda size: replace(stats(sent(size), 900_000, lost=0.01), rtt_ms=600.0))
    assert [size for _, size in changes] == ["medium"]
