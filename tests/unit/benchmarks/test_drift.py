"""What the drift benchmark says is what happened."""

from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks import drift
from benchmarks.drift import Delays, simulate
from benchmarks.machine import machine
from endpoint_client.loops import encode_sound
from endpoint_client.tones import RATE, babble


class Buffer:
    """Plays by a clock that is right and corrects nothing."""

    def __init__(self) -> None:
        self.arrived: list[float] = []

    def push(self, number: int, arrived: float) -> None:
        assert number == len(self.arrived)
        self.arrived.append(arrived)

    def play(self, now: float) -> None: ...

    def delay(self, now: float) -> float | None:
        return len(self.arrived) * 0.02 - now


@pytest.mark.parametrize("ppm", [-100.0, 100.0])
def test_a_clock_that_nobody_corrects_makes_the_delay_grow(ppm: float) -> None:
    first, last = simulate(Buffer(), ppm, 3600, 0.02).ends()
    assert last - first == pytest.approx(ppm * 1e-6 * 3220, abs=0.01)


def test_the_ends_of_a_short_run_are_tenths_of_it() -> None:
    delays = Delays([(float(at), 0.02 if at < 50 else 0.05) for at in range(101)])
    assert delays.ends() == pytest.approx((0.02, 0.05))
    assert (delays.least, delays.most) == (0.02, 0.05)


def test_the_products_voice_is_measured_and_every_goal_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "_SETTLED", 2.0)
    packets = encode_sound(babble(0)[: RATE * 4], 24_000)
    cases = [drift._case(packets, ppm, 12, lambda share: None) for ppm in (100, -100)]
    console = Console(record=True, width=120)
    for case in cases:
        assert 10 < case["delay_ms_first"] < 100
        assert case["concealed_ms"] == 0
    console.print(drift.table({"hours": 2, "speech": "babble", "cases": cases, "machine": machine()}))
    assert "+100 ppm" in console.export_text()


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="48"):
        drift.run(hours=0)
