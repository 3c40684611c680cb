"""What a site loses is told from its reports without being alarmed by chance."""

from __future__ import annotations

import random

import pytest

from mcu_core.relay.peer_loss import PeerLoss
from mcu_core.relay.rtcp import Block


class Site:
    """Reports about streams, counted as receivers do."""

    def __init__(self, seed: int = 1) -> None:
        self.loss = PeerLoss()
        self._chance = random.Random(seed)
        self._counts: dict[int, tuple[int, int]] = {}
        self.now = 100.0

    def report(self, ssrc: int, packets: int, share: float) -> float:
        lost, highest = self._counts.get(ssrc, (0, 0xFFFF_FF00))
        gone = sum(self._chance.random() < share for _ in range(packets))
        lost, highest = lost + gone, (highest + packets) & 0xFFFF_FFFF
        self._counts[ssrc] = lost, highest
        self.now += 0.5
        self.loss.hear(Block(ssrc, gone / max(1, packets), lost, highest, 0, 0, 0), self.now)
        return self.loss.fraction


def test_even_loss_of_5_percent_never_looks_like_10() -> None:
    site = Site()
    said = [max(site.report(1, 30, 0.05), site.report(2, 50, 0.05)) for _ in range(600)]
    assert max(said[10:]) < 0.10
    assert sum(said[10:]) / len(said[10:]) == pytest.approx(0.05, abs=0.008)


def test_a_line_that_became_too_narrow_shows_within_two_reports() -> None:
    site = Site()
    for _ in range(20):
        site.report(1, 150, 0.0)
    assert max(site.report(1, 150, 0.5) for _ in range(2)) > 0.2


def test_it_is_forgotten_when_the_line_is_good_again() -> None:
    site = Site()
    for _ in range(10):
        site.report(1, 150, 0.5)
    assert [site.report(1, 150, 0.0) for _ in range(5)][-1] < 0.05


def test_what_a_large_picture_lost_is_not_held_against_the_small_one_after_it() -> None:
    """A browser tells of the picture each second and of sound each five; the small picture is a dozen packets."""
    site = Site()
    for _ in range(20):
        site.report(1, 85, 0.0)
    assert max(site.report(1, 85, 0.9) for _ in range(2)) > 0.4
    site.loss.forget(site.now)
    assert site.report(1, 60, 0.9) == 0, "still of what was sent before"
    site.now += 0.5
    assert max(site.report(1, 13, 0.0) for _ in range(6)) == 0
    assert max(site.report(1, 13, 0.5) for _ in range(6)) > 0.25, "and the small one's own loss is seen"


def test_nothing_is_said_of_a_stream_heard_for_the_first_time_or_begun_anew() -> None:
    loss = PeerLoss()
    loss.hear(Block(1, 1.0, 500, 70_000, 0, 0, 0), 1.0)
    assert loss.fraction == 0
    loss.hear(Block(1, 1.0, 600, 5, 0, 0, 0), 2.0)
    assert loss.fraction == 0


def test_a_few_packets_are_no_evidence() -> None:
    site = Site()
    site.report(1, 1, 0.0)
    assert site.report(1, 4, 1.0) < 0.1
