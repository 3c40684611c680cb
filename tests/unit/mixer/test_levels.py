from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.levels import ActiveSpeaker, Loudest, Speech


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


# ---------------------------------------------------------------------------------------------- speech and noise

Levels = Callable[[int], float]  # level of the nth packet


def fan(level: float, seed: int = 1) -> Levels:
    random = Random(seed)
    return lambda n: level + random.uniform(-1.5, 1.5)


def person(level: float, room: float = -70.0, seed: int = 2) -> Levels:
    """Four syllables a second, phrases of two seconds, over the noise of their own room."""
    noise = fan(room, seed)

    def at(n: int) -> float:
        envelope = max(math.sin(2 * math.pi * (n % 13) / 13), 1e-3) if n % 125 < 100 else 1e-3
        return max(level + 20 * math.log10(envelope), noise(n))

    return at


def clapping(level: float, start: int, end: int, seed: int = 3) -> Levels:
    """A hall's applause; silence before and after."""
    claps = Random(seed)
    return lambda n: level + claps.gauss(0, 1.5) if start <= n < end else -70.0


class Hall:
    """Sites with their levels, one relay's choice and the speaker."""

    def __init__(self, places: int, **sites: Levels) -> None:
        self.sites, self.speech = sites, {site: Speech() for site in sites}
        self.loudest, self.speaker = Loudest[str](places), ActiveSpeaker[str]()
        self._n: Iterator[int] = count()

    def run(self, seconds: float) -> dict[str, float]:
        """The share of packets above SPEECH_DBOV that passed, of each site that had any."""
        loud, passed = dict.fromkeys(self.sites, 0), dict.fromkeys(self.sites, 0)
        for n in (next(self._n) for _ in range(round(seconds * 50))):
            for site, levels in self.sites.items():
                level = max(-127, round(levels(n)))
                speech = self.speech[site].hear(level, 0.02 * n)
                passes = self.loudest.hear(site, level, 0.02 * n, speech)
                loud[site] += level > -50
                passed[site] += level > -50 and passes
                if passes:
                    self.speaker.hear(site, level, 0.02 * n, speech)
        return {site: passed[site] / loud[site] for site in loud if loud[site]}


def fans(*levels: float) -> dict[str, Levels]:
    return {f"fan{n}": fan(level, n) for n, level in enumerate(levels)}


def test_four_fans_keep_out_nobody_who_speaks() -> None:
    hall = Hall(4, **fans(-32, -32, -32, -32), ada=lambda n: person(-34)(n) if n >= 150 else -70)
    hall.run(3.0)
    assert hall.run(5.0)["ada"] > 0.95
    assert hall.speaker.current == "ada"


@pytest.mark.parametrize("level", [-28, -34, -40])
def test_the_speaker_stays_the_speaker_in_a_pause_beside_a_fan(level: float) -> None:
    ada = person(level)
    hall = Hall(4, ada=lambda n: ada(n) if n % 400 < 200 else -70, **fans(-30))
    hall.run(4.0)
    for _ in range(8):
        hall.run(1.0)
        assert hall.speaker.current == "ada"


def test_a_fan_that_has_just_come_is_not_the_speaker() -> None:
    ada = person(-34)
    hall, late = Hall(4, ada=lambda n: ada(n) if n < 200 else -70, fan=fan(-36)), fan(-36)
    del hall.sites["fan"]
    hall.run(5.6)
    hall.sites["fan"] = late
    hall.run(10.0)
    assert hall.speaker.current == "ada"


def test_of_sounds_that_are_not_speech_the_much_louder_is_heard() -> None:
    hall, choir = Hall(4, **fans(-46, -46, -46, -46), choir=fan(-22)), fan(-22)
    del hall.sites["choir"]  # closed, so that its floor is known when it is opened
    for n in range(250):
        hall.speech["choir"].hear(choir(n), 0.02 * n)
    hall.run(5.0)
    hall.sites["choir"] = choir
    assert hall.run(10.0)["choir"] > 0.95


def test_noise_is_heard_while_there_is_room() -> None:
    """Steady music or singing too: nobody else wants the place."""
    hall = Hall(2, **fans(-30, -35))
    assert hall.run(20.0) == {"fan0": 1.0, "fan1": 1.0}


@pytest.mark.parametrize("level", [-26, -32, -38])
@pytest.mark.parametrize("snr", [12, 18])
def test_a_person_beside_their_own_fan_speaks(level: float, snr: float) -> None:
    ada = person(level, room=level - snr)
    hall = Hall(1, ada=ada, bob=lambda n: person(level - 1, seed=5)(n) if n > 150 else -70)
    hall.run(3.0)
    passed = hall.run(4.0)
    assert passed["ada"] > 0.95, "another as loud does not take the place of who speaks"


def test_a_soft_voice_is_speech() -> None:
    hall = Hall(1, **fans(-35), ada=person(-45))
    hall.run(3.0)
    assert hall.run(5.0)["ada"] > 0.95


def test_applause_drowns_the_speaker_for_a_moment_only_and_is_never_the_speaker() -> None:
    """It is steady within a second and a half."""
    claps = {f"hall{n}": clapping(-14, 200, 700, n) for n in range(4)}
    hall = Hall(4, ada=person(-30), **claps)
    hall.run(4.0)
    for _ in range(4):
        hall.run(1.0)
        assert hall.speaker.current == "ada"
    assert hall.run(6.0)["ada"] > 0.95


def test_a_voice_bit_counts_only_against_and_only_where_the_sender_uses_it() -> None:
    syllables = [person(-30)(n) for n in range(500)]

    def share(mark: Callable[[int], bool]) -> float:
        speech = Speech()
        said = [speech.hear(level, 0.02 * n, mark(n)) for n, level in enumerate(syllables)]
        return sum(said[50:]) / sum(level > -45 for level in syllables[50:])

    never, always = share(lambda n: False), share(lambda n: True)
    assert never == always > 0.8
    assert share(lambda n: n == 0) < 0.1  # it says that the rest is none
    assert share(lambda n: syllables[n] > -45) == pytest.approx(always, abs=0.05)
    forgotten = Speech()
    forgotten.hear(-30, 0.0, True)
    assert [forgotten.hear(level, 11 + 0.02 * n) for n, level in enumerate(syllables)][50:] == [
        level > -50 and said for level, said in zip(syllables, _unmarked(syllables), strict=True)
    ][50:]


def _unmarked(levels: list[float]) -> list[bool]:
    speech = Speech()
    return [speech.hear(level, 11 + 0.02 * n) for n, level in enumerate(levels)]


def test_packets_that_come_rarely_tell_of_noise_too() -> None:
    """A sender with DTX sends a few packets a second of a fan that its encoder takes for silence."""
    speech = Speech()
    said = [speech.hear(-32, 0.4 * n) for n in range(50)]
    assert not any(said[8:])


def test_only_the_least_level_of_a_window_and_its_end_change_what_is_speech() -> None:
    """A relay leaves all other levels of a quiet site out."""
    told, spared = Speech(), Speech()
    left_out = 0
    for n in range(1500):
        level, now = person(-30 - n // 100)(n), 0.02 * n
        quiet = level < -45
        verdict = told.hear(level, now)
        if quiet and level >= spared.least and now < spared.turns:
            left_out += 1
        else:
            assert spared.hear(level, now) == verdict
    assert left_out > 100
