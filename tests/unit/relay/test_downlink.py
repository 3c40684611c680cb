"""A line that has become narrow shows within half a second; loss alone and jitter alone are not taken for that."""

from __future__ import annotations

import random

from mcu_core.relay.downlink import AGAIN_AFTER, Downlink, LeastRoundTrip
from mcu_core.relay.rtcp import Block

PACKETS = 160  # a second, at 1.5 Mbit/s
OCTETS = 1200


class Site:
    """A site whose browser reports `every` so many seconds."""

    def __init__(self, every: float = 0.05, packets: int = PACKETS) -> None:
        self.downlink = Downlink()
        self.every, self.packets = every, packets
        self.now, self.sent, self.lost = 100.0, 0, 0
        self._chance = random.Random(1)

    def reports(self, seconds: float, lost: float, rtt: float, jitter: float = 0.0) -> float | None:
        """When, in seconds from here, it was said to be too much."""
        begin = self.now
        while self.now < begin + seconds:
            self.now += self.every
            new = round(self.packets * self.every)
            self.sent += new
            self.lost += sum(self._chance.random() < lost for _ in range(new))
            block = Block(1, lost, self.lost, self.sent, 0, 0, 0)
            way = rtt + jitter * abs(self._chance.gauss(0, 1))
            if self.downlink.hear(block, way, self.sent * OCTETS, self.now):
                return self.now - begin
        return None


def test_a_line_that_becomes_narrow_is_seen_within_half_a_second_with_what_it_carries() -> None:
    site = Site()
    assert site.reports(30, 0.01, 0.12, jitter=0.05) is None
    found = site.reports(5, 0.66, 0.45)
    assert found is not None
    assert found <= 0.5
    assert 300_000 < site.downlink.carried_bps < 800_000


def test_loss_without_a_queue_is_the_lines_own() -> None:
    site = Site()
    assert site.reports(60, 0.10, 0.12) is None
    assert site.reports(5, 0.4, 0.12) is None


def test_loss_of_a_tenth_on_a_shaky_line_is_not_too_much() -> None:
    assert Site().reports(300, 0.10, 0.2, jitter=0.12) is None


def test_a_longer_way_without_loss_is_not_too_much() -> None:
    site = Site()
    site.reports(10, 0.0, 0.05)
    assert site.reports(30, 0.02, 0.4) is None


def test_few_packets_say_nothing() -> None:
    site = Site(every=0.1, packets=20)
    site.reports(10, 0.0, 0.05)
    assert site.reports(5, 0.5, 0.4) is None


def test_it_is_said_once_and_believed_again_some_time_after_the_picture_went_on() -> None:
    site = Site()
    site.reports(10, 0.0, 0.05)
    assert site.reports(5, 0.6, 0.4) is not None
    assert site.reports(5, 0.6, 0.4) is None
    site.downlink.resumed(site.now)
    again = site.reports(5, 0.6, 0.4)
    assert again is not None
    assert AGAIN_AFTER <= again < AGAIN_AFTER + 1


def test_a_line_that_was_cut_is_not_too_narrow() -> None:
    """After 5 s without any packet the first report tells of hundreds that are lost, in a crowd of late ones."""
    site = Site()
    site.reports(20, 0.0, 0.03)
    site.sent += 5 * PACKETS
    site.lost += 5 * PACKETS
    site.now += 5
    assert site.reports(0.5, 0.0, 0.3) is None
    assert site.reports(5, 0.0, 0.03) is None


def test_sequence_numbers_that_begin_anew_are_not_loss() -> None:
    site = Site()
    site.reports(10, 0.0, 0.05)
    site.sent = 5
    assert site.reports(5, 0.0, 0.4) is None


def test_the_least_round_trip_forgets_a_better_way_in_20_seconds() -> None:
    least = LeastRoundTrip()
    assert least.seconds == float("inf")
    least.hear(0.02, 0.0)
    for now in range(1, 10):
        least.hear(0.2, float(now))
        assert least.seconds == 0.02
    for now in range(10, 31):
        least.hear(0.2, float(now))
    assert least.seconds == 0.2
