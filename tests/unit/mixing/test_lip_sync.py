"""Which of sound and picture has to wait, from sender reports and arrivals."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mcu_core.mixing.lip_sync import PICTURE_MOST, SOUND_MOST, LipSync, Waits
from mcu_core.mixing.picture_pace import PicturePace
from tests.unit.mixing.test_picture_pace import stalled

WALL = 3_900_000_000.0  # the site's own clock, seconds since 1900
PLAYOUT = 0.030
LONGER, SHORTER = 0.0101, 0.0051  # seconds by which the wait of sound may change in 0.1 s; more would be heard


def site(
    sound: float,
    picture: float,
    *,
    audio_at: int = 1000,
    camera_at: int = 5000,
    seconds: float = 10.0,
    passed: bool = False,
) -> LipSync:
    """A site whose sound and pictures arrive so many seconds after they were taken."""
    sync = LipSync()
    for tick in range(round(seconds * 50)):
        taken = tick * 0.02
        if tick % 50 == 0:
            sync.report(1, "audio", WALL + taken, (audio_at + tick * 960) % 2**32)
            sync.report(1, "camera", WALL + taken, (camera_at + tick * 1800) % 2**32)
        jitter = tick % 5 * 0.002
        sync.sound_arrived(1, (audio_at + tick * 960) % 2**32, 77.0 + taken + sound + jitter)
        if tick % 2 == 0:
            shown = 77.0 + taken + picture + jitter
            sync.picture_arrived(1, (camera_at + tick * 1800) % 2**32, shown, passed=passed)
    return sync


def settled(sync: LipSync, seconds: float = 10.0) -> Waits:
    """What it says in the end when it is asked ten times a second, as the mix does."""
    return asked(sync, 87.0, seconds)[-1]


def asked(sync: LipSync, now: float, seconds: float) -> list[Waits]:
    answers = [sync.waits(1, PLAYOUT, now + tick / 10) for tick in range(round(seconds * 10) + 1)]
    assert None not in answers
    return [each for each in answers if each is not None]


def lateness(waits: Waits, sound: float, picture: float) -> float:
    """By how much sound comes after the picture, with what the mixer itself needs."""
    return (sound + max(waits.sound, PLAYOUT) + 0.015) - (picture + waits.picture + 0.020 + 0.004)


@pytest.mark.parametrize(
    ("sound", "picture"),
    [(0.02, 0.02), (0.02, 0.05), (0.02, 0.12), (0.02, 0.2), (0.05, 0.02), (0.12, 0.02), (0.2, 0.01), (1.0, 1.15)],
)
def test_sound_and_picture_come_together(sound: float, picture: float) -> None:
    waits = settled(site(sound, picture))
    assert -0.005 <= lateness(waits, sound, picture) <= 0.056
    assert not (waits.sound and waits.picture)


def test_a_passed_picture_is_earlier_by_what_the_mixer_would_need() -> None:
    mixed, passed = settled(site(0.2, 0.02)), settled(site(0.2, 0.02, passed=True))
    assert passed.picture - mixed.picture == pytest.approx(0.020)


@pytest.mark.parametrize("at", [2**31 - 48_000, 2**32 - 48_000])
def test_timestamps_wrap(at: int) -> None:
    waits = settled(site(0.02, 0.12, audio_at=at, camera_at=at))
    assert waits.sound == pytest.approx(0.11, abs=0.02)


def test_what_is_in_step_waits_for_nothing() -> None:
    assert settled(site(0.03, 0.04)) == Waits(0.0, 0.0)


def test_waiting_is_bounded() -> None:
    early, late = settled(site(0.02, 0.9)), settled(site(0.9, 0.02))
    assert early.sound == pytest.approx(PLAYOUT + SOUND_MOST)
    assert late.picture == pytest.approx(PICTURE_MOST)


def test_reports_that_make_no_sense_are_not_obeyed() -> None:
    sync = site(0.02, 0.05)
    sync.report(1, "audio", WALL + 5000.0, 0)
    sync.sound_arrived(1, 960, 87.04)
    assert sync.waits(1, PLAYOUT, 87.1) is None
    sync.report(1, "camera", WALL + 5000.0, 0)
    sync.picture_arrived(1, 1800, 87.04)
    assert sync.waits(1, PLAYOUT, 87.1) is not None, "both have the new clock"


def test_without_reports_nothing_waits() -> None:
    sync = LipSync()
    sync.sound_arrived(1, 0, 1.0)
    sync.picture_arrived(1, 0, 1.0)
    assert sync.waits(1, PLAYOUT, 87.1) is None
    sync = site(0.02, 0.2)
    sync.keep([2])
    assert sync.waits(1, PLAYOUT, 87.1) is None


def test_sound_that_must_wait_longer_is_stretched_unheard() -> None:
    sync = site(0.02, 0.2)
    waits = [max(each.sound, PLAYOUT) for each in asked(sync, 87.0, 10.0)]
    assert waits[-1] > PLAYOUT + 0.1
    assert max(b - a for a, b in pairwise(waits)) <= LONGER


def test_sound_does_not_jump_when_it_was_not_asked_about_for_long() -> None:
    sync = site(0.02, 0.2)
    before = settled(sync).sound
    show(sync, 0.3, begin=10.0)
    assert 0 < asked(sync, 3600.0, 0.0)[0].sound - before < 0.06


def test_sound_is_not_hurried_when_pictures_come_a_little_earlier() -> None:
    sync = site(0.02, 0.2)
    before = settled(sync).sound
    show(sync, 0.15, begin=10.0)
    assert before - settled(sync, 2.0).sound < 0.015, "its pictures may wait again"
    assert before - settled(sync, 60.0).sound > 0.030, "no longer than need be"


def test_sound_that_is_much_too_late_comes_nearer_little_by_little() -> None:
    sync = site(0.02, 0.3)
    settled(sync)
    show(sync, 0.1, begin=10.0)
    waits = [each.sound for each in asked(sync, 97.0, 10.0)]
    assert max(a - b for a, b in pairwise(waits)) <= SHORTER
    assert lateness(Waits(waits[-1], 0.0), 0.02, 0.1) <= 0.060


def show(sync: LipSync, picture: float, begin: float) -> None:
    """Pictures of `site` go on for 5 s from `begin`, shown so many seconds after they were taken."""
    for tick in range(0, 250, 2):
        taken = begin + tick * 0.02
        sync.picture_arrived(1, round(5000 + taken * 90_000) % 2**32, 77.0 + taken + picture)


@pytest.mark.parametrize("seed", range(5))
def test_sound_keeps_step_with_pictures_of_a_line_that_loses_5_percent(seed: int) -> None:
    """And its wait changes seldom: each change is a blemish in speech."""
    sync, pace = LipSync(), PicturePace()
    sync.report(1, "audio", WALL, 0)
    sync.report(1, "camera", WALL, 0)
    sound, outside, changed, shown = PLAYOUT, 0, 0.0, 0
    for n, arrived in enumerate(stalled(120, 0.05, 0.1, seed)):
        taken = n / 30
        sync.sound_arrived(1, round(taken * 48_000), taken + 0.05)
        due = pace.due(n * 3000, arrived)
        sync.picture_arrived(1, n * 3000, due)
        waits = sync.waits(1, PLAYOUT, taken + 0.05)
        before, sound = sound, max(waits.sound if waits is not None else 0.0, PLAYOUT)
        if taken > 15:
            later = (taken + 0.05 + sound) - due
            shown, outside, changed = shown + 1, outside + (not -0.045 < later < 0.125), changed + abs(sound - before)
    assert outside < 0.02 * shown
    assert changed < 0.3
