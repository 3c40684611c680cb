from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from mixer.stretch import LEAST, LONGEST, SHORTEST, cut, lengthen, repeat, shorten

Pcm = NDArray[np.int16]


def vowel(frequency: float, blocks: int = 5) -> Pcm:
    t = np.arange(960 * blocks) / 48_000
    harmonics = np.arange(1, 8)[:, None]
    wave = (6000 * np.sin(2 * np.pi * frequency * harmonics * t) / harmonics).sum(axis=0)
    return np.asarray(wave, np.int16)


def roughness(pcm: Pcm) -> int:
    """The sharpest bend of the wave: a click is one."""
    return int(np.abs(np.diff(pcm.astype(np.int32), 2)).max())


@pytest.mark.parametrize("frequency", [85, 110, 130, 200, 350])
def test_a_voice_is_changed_by_whole_periods_without_a_click(frequency: float) -> None:
    said = vowel(frequency)
    first, second, third, fourth, fifth = said.reshape(5, 960)
    shorter, longer = shorten(second), lengthen(fourth)
    for left_out in (960 - shorter.size, longer.size - 960):
        assert SHORTEST <= left_out <= LONGEST
        periods = left_out * frequency / 48_000
        assert periods == pytest.approx(round(periods), abs=0.02)
    whole = np.concatenate((first, shorter, third, longer, fifth))
    assert roughness(whole) <= roughness(said) * 1.2
    spectrum = np.abs(np.fft.rfft(whole * np.hanning(whole.size)))
    assert int(np.argmax(spectrum)) * 48_000 / whole.size == pytest.approx(frequency, abs=8)


def test_what_resembles_itself_nowhere_is_left_alone_unless_it_must_not_be() -> None:
    sweep = np.zeros(960, np.int16)
    sweep[:240] = np.random.default_rng(5).normal(0, 5000, 240)
    assert shorten(sweep) is sweep
    assert lengthen(sweep) is sweep
    assert shorten(sweep, anywhere=True).size < 960
    assert lengthen(sweep, anywhere=True).size > 960


@pytest.mark.parametrize("change", [cut, repeat])
def test_ends_meet_what_stands_beside_the_block(change: Callable[[Pcm, int], Pcm]) -> None:
    block = vowel(130, 1)
    for samples in (1, 100, 480, LONGEST):
        out = change(block, samples)
        assert abs(out.size - 960) == samples
        assert out[0] == block[0]
        assert out[-1] == block[-1]


@given(hnp.arrays(np.int16, st.integers(0, 2000)), st.booleans())
def test_any_block_can_be_asked_for(pcm: Pcm, anywhere: bool) -> None:
    shorter, longer = shorten(pcm, anywhere=anywhere), lengthen(pcm, anywhere=anywhere)
    assert shorter.dtype == longer.dtype == np.int16
    assert pcm.size - LONGEST <= shorter.size <= pcm.size <= longer.size <= pcm.size + LONGEST
    if pcm.size < LEAST:
        assert shorter is pcm
        assert longer is pcm
