"""A line that is too narrow is found, a lossy or shaky one is not taken for narrow."""

from __future__ import annotations

import random

import pytest

from mcu_core.relay.uplink import CROWDED_FOR, INTERVAL, LEAST_BPS, QUEUE, SOONER, Delay, Uplink


class Line:
    """A bottleneck with a queue, and a site that sends what it is told, up to what it would like."""

    def __init__(self, rate_bps: float, wants_bps: float = 760_000, queue: float = 0.25, loss: float = 0.0) -> None:
        self.rate, self.wants, self.longest, self.own_loss = rate_bps, wants_bps, queue, loss
        self.uplink = Uplink()
        self.now, self.backlog = 0.0, 0.0

    def run(self, seconds: float) -> list[tuple[float, float]]:
        """(rate that is sent, queue) at each judgement."""
        seen = []
        for _ in range(round(seconds / INTERVAL)):
            self.now += INTERVAL
            sent = min(self.wants, self.uplink.limit_bps or self.wants)
            self.backlog += (sent - self.rate) * INTERVAL
            dropped = max(0.0, self.backlog - self.longest * self.rate)
            self.backlog = min(max(0.0, self.backlog), self.longest * self.rate)
            lost = dropped / (sent * INTERVAL) + self.own_loss
            queue = self.backlog / self.rate
            self.uplink.measured(min(sent, self.rate) * (1 - self.own_loss), min(1.0, lost), queue, self.now)
            seen.append((sent, queue))
        return seen


def test_a_wide_line_is_not_limited() -> None:
    line = Line(4_000_000)
    line.run(60)
    assert line.uplink.limit_bps is None


def test_a_narrow_line_is_used_well_with_a_short_queue() -> None:
    line = Line(300_000)
    line.run(4)
    seen = line.run(60)
    assert sum(sent for sent, _ in seen) / len(seen) > 0.8 * 300_000
    assert max(sent for sent, _ in seen) < 1.3 * 300_000
    assert sum(queue > QUEUE for _, queue in seen) / len(seen) < 0.15


def test_a_line_that_becomes_narrow_and_wide_again_is_followed() -> None:
    line = Line(2_000_000)
    line.run(30)
    line.rate = 500_000
    assert line.run(3)[-1][0] < 550_000
    line.rate = 2_000_000
    assert line.run(30)[-1][0] == 760_000


def test_a_full_queue_is_drained_within_two_seconds() -> None:
    line = Line(2_000_000)
    line.run(30)
    line.rate = 500_000
    seen = line.run(6)
    full = [index * INTERVAL for index, (_, queue) in enumerate(seen) if queue > QUEUE]
    assert full[-1] - full[0] <= 2.0
    assert 0.75 * 500_000 < seen[-1][0] < 500_000, "and most of the line is used again"


def test_a_first_limit_that_was_too_high_is_followed_by_another_after_a_second() -> None:
    """What came in half a second of which only the end was narrow says little of the line."""
    uplink = Uplink()
    for index in range(10):
        uplink.measured(1_500_000, 0.0, 0.0, index * INTERVAL)
    told = [
        uplink.measured(rate, 0.2, 0.25, 5 + index * INTERVAL) for index, rate in enumerate((1_200_000, *[480_000] * 4))
    ]
    assert told[:3] == [True, False, True]
    assert uplink.limit_bps is not None
    assert uplink.limit_bps < 400_000
    assert uplink.measured(300_000, 0.0, 0.02, 8.0)
    assert 0.85 * 480_000 <= uplink.limit_bps < 0.85 * 520_000


def test_one_short_interval_in_which_little_came_does_not_halve_the_limit() -> None:
    uplink = Uplink()
    for index in range(10):
        uplink.measured(560_000, 0.0, 0.0, index * INTERVAL)
    for index, rate in enumerate((498_000, 245_000, 563_000, 460_000, 393_000)):
        uplink.measured(rate, 0.1, 0.22, 5 + index * SOONER)
    assert uplink.measured(267_000, 0.0, 0.03, 6.5)
    assert uplink.limit_bps is not None
    assert uplink.limit_bps > 320_000


def test_a_full_line_is_crowded_until_its_queue_is_gone_but_not_for_ever() -> None:
    uplink = Uplink()
    for index in range(10):
        uplink.measured(700_000, 0.0, 0.0, index * INTERVAL)
        assert not uplink.crowded(index * INTERVAL)
    assert uplink.interval == INTERVAL
    uplink.measured(480_000, 0.2, 0.2, 5.0)
    assert uplink.crowded(5.2)
    assert uplink.interval == SOONER
    assert not uplink.crowded(5.0 + CROWDED_FOR)
    uplink.measured(300_000, 0.0, 0.02, 5.5)
    assert not uplink.crowded(5.6)


@pytest.mark.parametrize("loss", [0.05, 0.15, 0.25])
def test_loss_without_a_queue_is_not_narrowness(loss: float) -> None:
    line = Line(4_000_000, loss=loss)
    line.run(60)
    assert line.uplink.limit_bps is None


def test_a_cut_for_some_seconds_does_not_slow_the_site() -> None:
    uplink = Uplink()
    for index in range(20):
        uplink.measured(700_000, 0.0, 0.0, index * INTERVAL)
    for index in range(20, 30):
        uplink.measured(0, 0.0, None, index * INTERVAL)
    assert not uplink.measured(500_000, 0.9, 0.0, 15.0)
    assert uplink.limit_bps is None


def test_a_line_that_loses_half_of_everything_for_long_is_relieved() -> None:
    uplink = Uplink()
    for index in range(10):
        uplink.measured(400_000, 0.5, 0.0, index * INTERVAL)
    assert uplink.limit_bps is not None


def test_the_limit_has_a_floor_for_sound() -> None:
    line = Line(20_000)
    line.run(60)
    assert line.uplink.limit_bps is not None
    assert line.uplink.limit_bps >= LEAST_BPS


def queues(jitter: float, seconds: float = 120.0, seed: int = 1) -> list[float]:
    """What `Delay` says of a line with wandering jitter and no queue."""
    chance, delay, found = random.Random(seed), Delay(), []
    sway, now, judged = 0.0, 0.0, 0.0
    while now < seconds:
        now += 1 / 30
        sway = sway * 0.51 + chance.gauss(0, 0.86)
        delay.hear(0.1 + max(0.0, jitter * sway))
        if now >= judged + INTERVAL:
            judged = now
            queue = delay.queue(now)
            assert queue is not None
            found.append(queue)
    return found


def test_jitter_is_not_a_queue() -> None:
    assert max(queues(0.02)) < QUEUE / 2
    assert max(queues(0.06)) < QUEUE


def test_a_growing_delay_is_a_queue_and_another_clock_is_not() -> None:
    delay = Delay()
    for _ in range(30):
        delay.hear(5.0)
    assert delay.queue(0.5) == 0
    for _ in range(30):
        delay.hear(5.2)
    assert delay.queue(1.0) == pytest.approx(0.2)
    for _ in range(30):
        delay.hear(-80.0)
    assert delay.queue(1.5) == 0
    assert delay.queue(2.0) is None
