"""Which of sound and picture has to wait, from sender reports and arrivals."""

from __future__ import annotations

import pytest

from mcu_core.mixing.lip_sync import EARLIEST, LATEST, MOST, LipSync, Waits

WALL = 3_900_000_000.0  # the site's own clock, seconds since 1900
PLAYOUT = 0.030


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


def lateness(waits: Waits, sound: float, picture: float) -> float:
    """By how much sound comes after the picture, with what the mixer itself needs."""
    return (sound + max(waits.sound, PLAYOUT) + 0.015) - (picture + waits.picture + 0.020 + 0.004)


@pytest.mark.parametrize(
    ("sound", "picture"),
    [(0.02, 0.02), (0.02, 0.05), (0.02, 0.12), (0.02, 0.2), (0.05, 0.02), (0.12, 0.02), (0.2, 0.01), (1.0, 1.15)],
)
def test_sound_and_picture_come_together(sound: float, picture: float) -> None:
    waits = site(sound, picture).waits(1, PLAYOUT)
    assert waits is not None
    assert EARLIEST - 0.012 <= lateness(waits, sound, picture) <= LATEST + 0.012
    assert not (waits.sound and waits.picture)


def test_a_passed_picture_is_earlier_by_what_the_mixer_would_need() -> None:
    mixed, passed = site(0.2, 0.02).waits(1, PLAYOUT), site(0.2, 0.02, passed=True).waits(1, PLAYOUT)
    assert mixed is not None
    assert passed is not None
    assert passed.picture - mixed.picture == pytest.approx(0.020)


@pytest.mark.parametrize("at", [2**31 - 48_000, 2**32 - 48_000])
def test_timestamps_wrap(at: int) -> None:
    waits = site(0.02, 0.12, audio_at=at, camera_at=at).waits(1, PLAYOUT)
    assert waits is not None
    assert waits.sound == pytest.approx(0.11, abs=0.02)


def test_what_is_in_step_waits_for_nothing() -> None:
    assert site(0.03, 0.04).waits(1, PLAYOUT) == Waits(0.0, 0.0)


def test_waiting_is_bounded() -> None:
    early, late = site(0.02, 0.9).waits(1, PLAYOUT), site(0.9, 0.02).waits(1, PLAYOUT)
    assert early is not None
    assert late is not None
    assert early.sound == pytest.approx(PLAYOUT + MOST)
    assert late.picture == pytest.approx(MOST)


def test_reports_that_make_no_sense_are_not_obeyed() -> None:
    sync = site(0.02, 0.05)
    sync.report(1, "audio", WALL + 5000.0, 0)
    sync.sound_arrived(1, 960, 87.04)
    assert sync.waits(1, PLAYOUT) is None
    sync.report(1, "camera", WALL + 5000.0, 0)
    sync.picture_arrived(1, 1800, 87.04)
    assert sync.waits(1, PLAYOUT) is not None, "both have the new clock"


def test_without_reports_nothing_waits() -> None:
    sync = LipSync()
    sync.sound_arrived(1, 0, 1.0)
    sync.picture_arrived(1, 0, 1.0)
    assert sync.waits(1, PLAYOUT) is None
    sync = site(0.02, 0.2)
    sync.keep([2])
    assert sync.waits(1, PLAYOUT) is None
