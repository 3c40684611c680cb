"""Bad lines do what their profiles say: shares, delays, order, bounds, and the same again with the same seed."""

from __future__ import annotations

from itertools import pairwise
from statistics import mean, pstdev

import pytest

from benchmarks.impair import HEADERS, PROFILES, Bursts, Direction, Held, Line

Fates = list[tuple[float, ...]]


def send(line: Line, count: int = 20_000, *, every: float = 0.005, size: int = 1000, seed: str = "1") -> Fates:
    """Packets at a steady pace from time 0; what became of each."""
    direction = Direction(seed)
    return [direction.carry(line, size, index * every) for index in range(count)]


def share_lost(fates: Fates) -> float:
    return sum(not fate for fate in fates) / len(fates)


def test_a_perfect_line_delivers_at_once() -> None:
    assert send(Line(), 100) == [(index * 0.005,) for index in range(100)]


@pytest.mark.parametrize(("name", "share"), [("N1", 0.0005), ("N2", 0.01), ("N3", 0.05), ("N4", 0.03), ("N5", 0.1)])
def test_a_profile_loses_its_share_in_both_directions(name: str, share: float) -> None:
    stage = PROFILES[name].stage(0)
    for line in (stage.up, stage.down):
        fates = [fate for seed in "abc" for fate in send(line, 20_000, seed=seed)]
        assert share_lost(fates) == pytest.approx(share, rel=0.12, abs=0.0002)


def test_bursts_have_their_lengths() -> None:
    line = PROFILES["N4"].stage(0).down
    assert line.bursts == Bursts(0.03, 3, 10)
    lost = [not fate for fate in send(line, 200_000)]
    runs, length = [], 0
    for gone in [*lost, False]:
        if gone:
            length += 1
        elif length:
            runs.append(length)
            length = 0
    shares = {length: runs.count(length) / len(runs) for length in set(runs)}
    assert set(shares) == set(range(3, 11))
    assert all(share == pytest.approx(1 / 8, rel=0.35) for share in shares.values())
    assert mean(runs) == pytest.approx(6.5, rel=0.05)


def test_random_loss_comes_alone() -> None:
    lost = [not fate for fate in send(Line(loss=0.03), 50_000)]
    assert sum(a and b for a, b in pairwise(lost)) / sum(lost) == pytest.approx(0.03, abs=0.02)


def test_delay_has_its_mean_and_deviation_and_keeps_the_order() -> None:
    fates = send(Line(delay=0.1, jitter=0.02), 40_000, every=0.02)
    delays = [fate[0] - index * 0.02 for index, fate in enumerate(fates)]
    assert mean(delays) == pytest.approx(0.1, abs=0.005)
    assert pstdev(delays) == pytest.approx(0.02, rel=0.2)
    assert min(delays) >= 0.1 - 2.5 * 0.02 - 1e-9
    assert all(a[0] <= b[0] for a, b in pairwise(fates))


def test_jitter_never_delivers_before_it_was_sent() -> None:
    fates = send(Line(delay=0.005, jitter=0.02), 5000)
    assert all(fate[0] >= index * 0.005 for index, fate in enumerate(fates))


def test_reordered_and_duplicated_packets_are_as_many_as_the_profile_says() -> None:
    direction = Direction("1")
    line = Line(delay=0.05, reorder=0.01, duplicate=0.005)
    fates = [direction.carry(line, 500, index * 0.002) for index in range(50_000)]
    overtaken = sum(a[0] > b[0] for a, b in pairwise(fates))
    assert overtaken / len(fates) == pytest.approx(0.01, rel=0.15)
    assert sum(len(fate) == 2 for fate in fates) / len(fates) == pytest.approx(0.005, rel=0.2)
    assert direction.counts.reordered == pytest.approx(overtaken, rel=0.03)  # two in a row may keep their order
    assert direction.counts.duplicated == sum(len(fate) == 2 for fate in fates)
    assert direction.counts.delivered == 50_000


def test_a_bottleneck_lets_its_rate_through_and_its_queue_is_bounded() -> None:
    direction = Direction("1")
    line = Line(rate_bps=500_000, queue=0.2)
    size, every = 1000, 0.008  # about 1 Mbit/s offered
    fates = [direction.carry(line, size, index * every) for index in range(5000)]
    seconds = 5000 * every
    through = sum(8 * (size + HEADERS) for fate in fates if fate) / seconds
    assert through == pytest.approx(500_000, rel=0.02)
    delays = [fate[0] - index * every for index, fate in enumerate(fates) if fate]
    assert max(delays) <= 0.2 + 1e-9
    assert direction.counts.queue_peak == pytest.approx(max(delays))
    assert direction.counts.queue_full == sum(not fate for fate in fates)


def test_a_bottleneck_wider_than_the_traffic_drops_nothing() -> None:
    assert share_lost(send(Line(rate_bps=4_000_000), 2000, size=1000, every=0.005)) == 0


def test_a_backlog_drains_while_nothing_is_sent() -> None:
    direction = Direction("1")
    line = Line(rate_bps=80_000, queue=1.0)
    for _ in range(5):
        direction.carry(line, 1000, 0.0)
    (out,) = direction.carry(line, 1000, 10.0)
    assert out == pytest.approx(10.0 + 8 * (1000 + HEADERS) / 80_000)


def test_the_same_seed_gives_the_same_fate_and_another_one_another() -> None:
    line = PROFILES["N5"].stage(0).up
    assert send(line, 3000) == send(line, 3000)
    assert send(line, 3000) != send(line, 3000, seed="2")


def test_losses_do_not_depend_on_times_or_sizes() -> None:
    line = PROFILES["N4"].stage(0).up
    slow, fast = send(line, 5000, every=0.02, size=100), send(line, 5000, every=0.001)
    assert [bool(fate) for fate in slow] == [bool(fate) for fate in fast]


def test_losses_after_a_cut_are_those_without_it() -> None:
    """Every packet uses up the same chance, whatever the line does with it."""
    line, cut = Line(loss=0.05), Line(loss=1.0)
    plain, flapped = Direction("1"), Direction("1")
    for index in range(500):
        a = plain.carry(line, 100, index * 0.01)
        b = flapped.carry(cut if 100 <= index < 200 else line, 100, index * 0.01)
        assert b == (() if 100 <= index < 200 else a)
    assert flapped.counts.cut == 100


def test_stages_follow_the_time() -> None:
    flap = PROFILES["N7"]
    assert not flap.stage(-5).up.is_cut
    assert [flap.stage(time).up.is_cut for time in (0, 7.9, 8, 12.9, 13, 35, 44.9, 45, 65, 99.9, 100)] == [
        *(False, False, True, True, False, True, True, False, True, True, False)
    ]
    assert flap.calm(130) == ((13.0, 35.0), (45.0, 65.0), (100.0, 130.0))
    assert flap.calm(30) == ((13.0, 30.0),)


def test_steps_stretch_over_the_run() -> None:
    steps = PROFILES["N6"].over(120)
    assert [steps.stage(time).down.rate_bps for time in (0, 39.9, 40, 79.9, 80, 119)] == [
        *(2_000_000, 2_000_000, 500_000, 500_000, 2_000_000, 2_000_000)
    ]
    assert steps.calm(120) == ((40.0, 80.0), (80.0, 120.0))
    assert PROFILES["N8"].over(60).calm(60) == ((30.0, 60.0),)


def test_a_short_run_makes_no_step_shorter_than_its_goal_needs() -> None:
    """Well again within 10 s: steps of 10 s cannot miss that."""
    assert PROFILES["N6"].length(30) == 90
    assert PROFILES["N6"].over(30).calm(90) == ((30.0, 60.0), (60.0, 90.0))
    assert (PROFILES["N8"].length(8), PROFILES["N8"].length(45)) == (30, 45)
    assert (PROFILES["N3"].length(8), PROFILES["N7"].length(30)) == (8, 30)
    assert PROFILES["N3"].calm(30) == ()
    assert PROFILES["N7"].over(30) == PROFILES["N7"]


def test_an_asymmetric_line_is_narrow_upwards() -> None:
    stage = PROFILES["N11"].stage(0)
    assert (stage.up.rate_bps, stage.down.rate_bps) == (300_000, 4_000_000)


def test_held_packets_come_out_in_order_of_time_then_arrival_and_are_bounded() -> None:
    held: Held[str] = Held(limit=3)
    assert held.next_out is None
    assert held.hold(2.0, "late")
    assert held.hold(1.0, "early")
    assert held.hold(1.0, "early, second")
    assert not held.hold(0.5, "one too many")
    assert held.next_out == 1.0
    assert held.due(0.99) == []
    assert held.due(1.0) == ["early", "early, second"]
    assert held.due(9.0) == ["late"]
    assert len(held) == 0
