from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.levels import ActiveSpeaker, Loudest


def talk(speaker: ActiveSpeaker[str], start: float, end: float, **levels: float) -> None:
    """20 ms blocks of steady levels."""
    for block in range(round((end - start) / 0.02)):
        for key, level in levels.items():
            speaker.hear(key, level, start + 0.02 * block)


def test_speaker_is_kept_through_a_short_interruption() -> None:
    speaker = ActiveSpeaker[str](hold=1.5)
    speaker.hear("ada", -20, now=0.0)
    speaker.hear("bob", -15, now=0.4)
    assert speaker.current == "ada"


def test_first_voice_is_the_speaker_at_once_and_noise_is_nobody() -> None:
    speaker = ActiveSpeaker[str]()
    speaker.hear("fan", -60, now=0.0)
    assert speaker.current is None
    speaker.hear("ada", -30, now=0.1)
    assert speaker.current == "ada"


def test_speaker_changes_when_the_last_one_has_been_silent_for_the_hold() -> None:
    speaker = ActiveSpeaker[str](hold=1.5)
    talk(speaker, 0, 2, ada=-25)
    talk(speaker, 2, 3.4, ada=-80, bob=-40)
    assert speaker.current == "ada"
    talk(speaker, 3.4, 3.6, ada=-80, bob=-40)
    assert speaker.current == "bob"


def test_somebody_louder_for_the_whole_hold_takes_over() -> None:
    speaker = ActiveSpeaker[str](hold=1.5)
    talk(speaker, 0, 2, ada=-35)
    talk(speaker, 2, 3.4, ada=-35, bob=-20)
    assert speaker.current == "ada"
    talk(speaker, 3.4, 3.6, ada=-35, bob=-20)
    assert speaker.current == "bob"


def test_a_shout_is_forgotten() -> None:
    speaker = ActiveSpeaker[str](hold=1.5)
    speaker.hear("ada", -2, 0.0)
    talk(speaker, 0.02, 6, ada=-40, bob=-25)
    assert speaker.current == "bob"


def test_a_quieter_voice_never_takes_over() -> None:
    speaker = ActiveSpeaker[str](hold=1.5)
    talk(speaker, 0, 10, ada=-25, bob=-35)
    assert speaker.current == "ada"


def test_two_interruptions_do_not_add_up() -> None:
    speaker = ActiveSpeaker[str](hold=1.5)
    talk(speaker, 0, 1, ada=-25)
    for start in (1, 3, 5):
        talk(speaker, start, start + 0.9, ada=-25, bob=-15)
        talk(speaker, start + 0.9, start + 2, ada=-25, bob=-90)
    assert speaker.current == "ada"


def test_last_speaker_stays_in_general_silence() -> None:
    speaker = ActiveSpeaker[str]()
    talk(speaker, 0, 1, ada=-25)
    talk(speaker, 1, 60, ada=-90, bob=-70)
    assert speaker.current == "ada"


def test_who_left_is_not_the_speaker() -> None:
    speaker = ActiveSpeaker[str]()
    speaker.hear("ada", -20, now=0.0)
    speaker.drop("ada")
    assert speaker.current is None
    speaker.hear("bob", -40, now=0.1)
    assert speaker.current == "bob"


def test_the_loudest_pass() -> None:
    loudest = Loudest[str](2)
    for block in range(20):
        now = 0.02 * block
        passed = {key for key, level in (("a", -40), ("b", -20), ("c", -30)) if loudest.hear(key, level, now)}
    assert passed == {"b", "c"}


def test_a_place_is_kept_for_the_hold_so_that_words_are_not_cut() -> None:
    loudest = Loudest[str](1, hold=2.0)
    assert loudest.hear("a", -20, 0.0)
    assert loudest.hear("a", -90, 1.9)
    assert not loudest.hear("a", -90, 2.1)
    assert loudest.hear("b", -45, 2.2)


def test_a_clearly_louder_voice_takes_the_weakest_place() -> None:
    loudest = Loudest[str](1)
    assert loudest.hear("a", -40, 0.0)
    assert not loudest.hear("b", -39, 0.02)
    assert loudest.hear("b", -20, 0.04)
    assert not loudest.hear("a", -40, 0.06)


def test_who_stopped_sending_altogether_makes_room() -> None:
    loudest = Loudest[str](1, hold=2.0)
    assert loudest.hear("a", -10, 0.0)
    assert loudest.hear("b", -45, 2.5)


def test_chair_and_podium_pass_always_and_take_no_place() -> None:
    loudest = Loudest[str](1)
    loudest.always.add("chair")
    assert loudest.hear("chair", -127, 0.0)
    assert loudest.hear("a", -30, 0.0)
    assert loudest.hear("chair", -10, 0.02)
    assert loudest.passing == {"chair", "a"}
    loudest.drop("chair")
    assert not loudest.hear("chair", -80, 0.04)


def test_fewer_places_are_obeyed_at_once() -> None:
    loudest = Loudest[str](3)
    for key in "abc":
        loudest.hear(key, -20, 0.0)
    loudest.n = 1
    passed = [key for key in "abc" if loudest.hear(key, -20, 0.02)]
    assert len(passed) == 1


def test_dropped_voice_frees_its_place() -> None:
    loudest = Loudest[str](1)
    loudest.hear("a", -10, 0.0)
    loudest.drop("a")
    assert loudest.hear("b", -45, 0.02)


@given(
    n=st.integers(0, 5),
    packets=st.lists(st.tuples(st.integers(0, 9), st.integers(-127, 0), st.floats(0, 0.5)), max_size=200),
)
def test_never_more_than_n_places(n: int, packets: list[tuple[int, int, float]]) -> None:
    loudest, now = Loudest[int](n), 0.0
    for key, level, pause in packets:
        now += pause
        passed = loudest.hear(key, level, now)
        assert len(loudest.passing) <= n
        assert passed == (key in loudest.passing)


@pytest.mark.parametrize("level", [-127, -50])
def test_silence_gets_no_place(level: int) -> None:
    assert not Loudest[str](4).hear("a", level, 0.0)
