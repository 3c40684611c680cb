"""Load shedding: quickly down, slowly up, no see-saw, and sound's trouble counts as much as pictures'."""

from __future__ import annotations

import pytest

from mcu_core.mixing.shedding import CALM, LAST_RUNG, LONGEST_CALM, Shedding, slowed


class Machine:
    """Judged once a second."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.shedding = Shedding()

    def seconds(self, count: float, late_sound: float = 0.0, missed: float = 0.0) -> list[int]:
        """The rungs it came to."""
        rungs = []
        for _ in range(round(count)):
            self.now += 1.0
            if self.shedding.judge(late_sound, missed, self.now):
                rungs.append(self.shedding.rung)
        return rungs


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize("trouble", [{"late_sound": 0.2}, {"missed": 0.5}])
def test_an_overloaded_machine_comes_to_the_last_rung_within_ten_seconds(
    machine: Machine, trouble: dict[str, float]
) -> None:
    assert machine.seconds(10, **trouble) == [1, 2, 3]
    assert machine.seconds(100, **trouble) == [], "there is no further one"


def test_a_hiccup_now_and_then_changes_nothing(machine: Machine) -> None:
    for _ in range(100):
        assert machine.seconds(1, late_sound=0.3, missed=0.9) == []
        assert machine.seconds(3, late_sound=0.02, missed=0.02) == []


def test_the_wall_goes_before_what_all_see(machine: Machine) -> None:
    little = {"late_sound": 0.06, "missed": 0.2}
    assert machine.seconds(10, **little) == [1]
    assert machine.seconds(60, **little) == [], "too little to take frames from everybody"


def test_rungs_are_given_back_one_by_one_when_it_is_calm(machine: Machine) -> None:
    machine.seconds(10, missed=0.5)
    assert machine.seconds(CALM) == []
    assert machine.seconds(3 * CALM + 10) == [2, 1, 0]


def test_trouble_that_is_too_small_for_a_rung_gives_none_back(machine: Machine) -> None:
    machine.seconds(10, missed=0.5)
    assert machine.seconds(200, missed=0.1) == []


def test_no_see_saw_where_a_rung_was_given_back_too_early(machine: Machine) -> None:
    machine.seconds(4, missed=0.5)
    assert machine.shedding.rung == 1
    waits = []
    for _ in range(7):
        waits.append(0)
        while machine.seconds(1) == []:
            waits[-1] += 1
        assert machine.seconds(5, missed=0.2) == [1], "worse again at once"
    assert waits == pytest.approx([CALM, 2 * CALM, 4 * CALM, 8 * CALM, *[LONGEST_CALM] * 3], abs=2)
    machine.seconds(2 * LONGEST_CALM + CALM)  # well for long
    machine.seconds(5, missed=0.2)
    assert machine.seconds(CALM + 2) == [0], "patient as in the beginning"


def test_the_rates_of_each_rung() -> None:
    assert [slowed(30.0, rung) for rung in range(LAST_RUNG + 1)] == [30.0, 30.0, 15.0, 10.0]
    assert [slowed(5.0, rung) for rung in range(LAST_RUNG + 1)] == [5.0, 1.0, 1.0, 1.0]
    assert slowed(1.0, 1) == 1.0
