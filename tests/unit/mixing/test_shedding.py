"""Load shedding: quickly down, slowly up, no see-saw, and sound's trouble counts as much as pictures'."""

from __future__ import annotations

import pytest

from mcu_core.mixing.shedding import CALM, LAST_RUNG, LONGEST_CALM, Shedding, slowed


class Machine:
    """Judged once a second."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.shedding = Shedding()

    def seconds(self, count: float, late_sound: float = 0.0, missed: float = 0.0, *, wall: bool = True) -> list[int]:
        """The rungs it came to."""
        rungs = []
        for _ in range(round(count)):
            self.now += 1.0
            if self.shedding.judge(late_sound, missed, self.now, wall=wall):
                rungs.append(self.shedding.rung)
        return rungs

    def calm(self) -> float:
        """Seconds until a rung is given back."""
        began = self.now
        while not self.seconds(1):
            assert self.now - began < 1000
        return self.now - began


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize(("late_sound", "missed"), [(0.2, 0.0), (0.0, 0.5)])
def test_an_overloaded_machine_comes_to_the_last_rung_within_twenty_seconds(
    machine: Machine, late_sound: float, missed: float
) -> None:
    assert machine.seconds(20, late_sound, missed) == [1, 2, 3]
    assert machine.seconds(100, late_sound, missed) == [], "there is no further one"


def test_a_hiccup_now_and_then_changes_nothing(machine: Machine) -> None:
    for _ in range(100):
        assert machine.seconds(1, late_sound=0.3, missed=0.9) == []
        assert machine.seconds(3, late_sound=0.02, missed=0.02) == []


def test_many_who_join_at_once_cost_the_wall_only(machine: Machine) -> None:
    assert machine.seconds(7, late_sound=0.3, missed=0.9) == [1]
    assert machine.seconds(CALM + 1) == [0]


def test_the_wall_goes_before_what_all_see(machine: Machine) -> None:
    assert machine.seconds(10, late_sound=0.06, missed=0.2) == [1]
    assert machine.seconds(60, late_sound=0.06, missed=0.2) == [], "too little to take frames from everybody"


def test_a_wall_that_nobody_watches_is_no_help(machine: Machine) -> None:
    assert machine.seconds(60, missed=0.2, wall=False) == []
    assert machine.seconds(8, missed=0.5, wall=False) == [2]
    assert machine.seconds(CALM + 1, wall=False) == [0]


def test_rungs_are_given_back_one_by_one_when_it_is_calm(machine: Machine) -> None:
    machine.seconds(20, missed=0.5)
    assert machine.seconds(CALM) == []
    assert machine.seconds(3 * CALM + 10) == [2, 1, 0]


def test_trouble_that_is_too_small_for_a_rung_gives_none_back(machine: Machine) -> None:
    machine.seconds(20, missed=0.5)
    assert machine.seconds(200, missed=0.1) == []


def test_no_see_saw_where_a_rung_was_given_back_too_early(machine: Machine) -> None:
    machine.seconds(4, missed=0.5)
    assert machine.shedding.rung == 1
    waits = []
    for _ in range(8):
        waits.append(machine.calm())
        assert machine.seconds(5, missed=0.2) == [1], "worse again at once"
    steps = [CALM * 2**n for n in range(6)]
    assert waits == pytest.approx([*steps, LONGEST_CALM, LONGEST_CALM], abs=2)
    machine.seconds(2 * LONGEST_CALM + CALM)  # well for long
    machine.seconds(5, missed=0.2)
    assert machine.calm() == pytest.approx(CALM, abs=2), "patient as in the beginning"


def test_a_fall_through_several_rungs_is_one_relapse(machine: Machine) -> None:
    machine.seconds(4, missed=0.2)
    machine.calm()
    assert machine.seconds(25, missed=0.5) == [1, 2, 3]
    assert machine.calm() == pytest.approx(2 * CALM, abs=2)


def test_the_rates_of_each_rung() -> None:
    rungs = range(LAST_RUNG + 1)
    assert [slowed("programme", 30.0, rung) for rung in rungs] == [30.0, 30.0, 15.0, 10.0]
    assert [slowed("programme", 10.0, rung) for rung in rungs] == [10.0, 10.0, 5.0, 10 / 3]
    assert [slowed("wall", 5.0, rung) for rung in rungs] == [5.0, 1.0, 1.0, 1.0]
    assert slowed("wall", 1.0, 1) == 1.0
