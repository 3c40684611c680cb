from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from mixer.dynamics import CEILING, Limiter, level_dbov


def sine(amplitude: float, blocks: int = 1) -> NDArray[np.int16]:
    t = np.arange(960 * blocks)
    return (amplitude * np.sin(2 * np.pi * 400 * t / 48_000)).astype(np.int16)


@pytest.mark.parametrize(
    ("pcm", "level"),
    [
        (np.zeros(960, np.int16), -127),
        (np.zeros(0, np.int16), -127),
        (np.full(960, 32767, np.int16), 0),
        (np.full(960, -32768, np.int16), 0),
        (np.full(960, 3277, np.int16), -20),
        (sine(32767), -3),
        (np.eye(1, 960, dtype=np.int16)[0], -120),
    ],
)
def test_level(pcm: NDArray[np.int16], level: int) -> None:
    assert level_dbov(pcm) == level


@given(hnp.arrays(np.int16, 960))
def test_level_is_in_range(pcm: NDArray[np.int16]) -> None:
    assert -127 <= level_dbov(pcm) <= 0


def test_nothing_changes_at_no_gain() -> None:
    pcm, out = sine(20_000), np.empty(960, np.int16)
    Limiter().apply(pcm, out)
    assert np.array_equal(pcm, out)


def test_gain_is_applied() -> None:
    out = np.empty(960, np.int16)
    Limiter(6.0206).apply(sine(5000), out)
    assert abs(out).max() == pytest.approx(10_000, rel=0.01)


def test_too_loud_is_turned_down_not_cut_off() -> None:
    limiter, out = Limiter(12), np.empty(960, np.int16)
    for _ in range(3):
        limiter.apply(sine(20_000), out)
    assert abs(out).max() <= CEILING + 1
    assert np.corrcoef(out, sine(20_000))[0, 1] > 0.9999  # the wave has kept its shape


def test_gain_comes_back_slowly() -> None:
    limiter, out = Limiter(), np.empty(960, np.int16)
    limiter.apply(np.full(960, 32767, np.int16), out)
    peaks = []
    for _ in range(20):
        limiter.apply(sine(10_000), out)
        peaks.append(int(abs(out).max()))
    assert peaks == sorted(peaks)
    assert peaks[0] < 9_700
    assert peaks[-1] == pytest.approx(10_000, abs=5)


def test_new_gain_takes_effect() -> None:
    limiter, out = Limiter(), np.empty(960, np.int16)
    limiter.gain_db = -20.0
    for _ in range(2):
        limiter.apply(sine(10_000), out)
    assert abs(out).max() == pytest.approx(1000, rel=0.02)


@given(hnp.arrays(np.int16, (3, 960)), st.floats(-30, 30))
def test_never_wraps(pcm: NDArray[np.int16], gain_db: float) -> None:
    limiter, out = Limiter(gain_db), np.empty(960, np.int16)
    for block in pcm:
        limiter.apply(block, out)
        signs = np.sign(out.astype(np.int32)) * np.sign(block.astype(np.int32))
        assert (signs >= 0).all()


def test_in_place() -> None:
    pcm, out = sine(30_000), np.empty(960, np.int16)
    Limiter(6).apply(pcm, out)
    Limiter(6).apply(pcm, pcm)
    assert np.array_equal(pcm, out)
