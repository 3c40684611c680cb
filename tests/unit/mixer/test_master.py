"""The last step of a mix: never clipped, never dead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from mixer.dynamics import CEILING, BusLimiter, level_dbov
from mixer.master import COMFORT_DBOV, Master

LATER = BusLimiter.LOOK_AHEAD


def limited(mix: NDArray[np.int32], limiter: BusLimiter | None = None) -> NDArray[np.int16]:
    limiter, blocks = limiter or BusLimiter(), mix.reshape(-1, 960)
    out = np.empty(blocks.shape, np.int16)
    for block, place in zip(blocks, out, strict=True):
        limiter.apply(block, place)
    return out.reshape(-1)


def sine(amplitude: float, blocks: int, frequency: float = 300.0) -> NDArray[np.int32]:
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(960 * blocks) / 48_000)).astype(np.int32)


def test_what_fits_passes_as_it_is_four_milliseconds_later() -> None:
    mix = sine(29_000, 10)
    assert LATER <= 240  # 5 ms
    assert np.array_equal(limited(mix)[LATER:], mix[:-LATER])


@pytest.mark.parametrize("frequency", [80, 300, 3000])
def test_too_much_keeps_its_shape(frequency: float) -> None:
    """Signal to distortion of a steady sum 10 dB over the ceiling, once the gain has settled."""
    mix = sine(92_000, 60, frequency)
    out, wanted = limited(mix)[24_000:].astype(np.float64), mix[24_000 - LATER : -LATER].astype(np.float64)
    gain = out @ wanted / (wanted @ wanted)
    rest = out - gain * wanted
    assert 10 * np.log10((gain**2 * wanted @ wanted) / (rest @ rest)) > 40
    assert np.abs(out).max() <= CEILING


def test_a_sudden_shout_is_turned_down_before_it_comes() -> None:
    mix = sine(8000, 4)
    mix[2000:] *= 10
    out = limited(mix)
    assert np.abs(out).max() <= CEILING
    bends = np.abs(np.diff(out.astype(np.int32), 2))
    assert bends.max() <= np.abs(np.diff(mix, 2)).max() + 200  # no corner where the wave met the ceiling


def test_gain_comes_back() -> None:
    limiter = BusLimiter()
    limited(sine(90_000, 5), limiter)
    out = limited(sine(20_000, 60), limiter)
    assert np.abs(out[LATER:1152]).max() < 10_000
    assert np.abs(out[-9600:]).max() == pytest.approx(20_000, rel=0.01)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3839), st.integers(-520_000, 520_000)), max_size=12),
    hnp.arrays(np.int32, 4, elements=st.integers(0, 200_000)),
)
def test_never_over_the_ceiling(spikes: list[tuple[int, int]], amplitudes: NDArray[np.int32]) -> None:
    mix = np.repeat(amplitudes, 960).astype(np.int32) * np.sign(sine(9, 4, 700))
    for at, height in spikes:
        mix[at] = height
    assert np.abs(limited(mix.astype(np.int32)).astype(np.int32)).max() <= CEILING


def test_other_block_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="not a multiple"):
        BusLimiter(1000)


def test_silence_is_filled_with_faint_noise_which_speech_drives_out() -> None:
    master, out = Master(), np.empty(960, np.int16)
    silence = np.zeros(960, np.int32)
    levels = []
    for _ in range(60):
        master.finish(silence, out)
        levels.append(level_dbov(out))
    assert levels[0] < -85  # it comes slowly …
    assert all(abs(level - COMFORT_DBOV) <= 4 for level in levels[30:])
    loud = sine(5000, 6).reshape(-1, 960)
    for block in loud:
        master.finish(block, out)
    assert np.array_equal(out[LATER:], loud[-1][:-LATER])  # … and goes at once


def test_noise_has_no_seam() -> None:
    master, out = Master(), np.empty(960, np.int16)
    heard = []
    for _ in range(160):
        master.finish(np.zeros(960, np.int32), out)
        heard.append(out.copy())
    steps = np.abs(np.diff(np.concatenate(heard[40:]).astype(np.int32)))
    assert steps.max() <= 25


def test_a_private_mix_goes_on_where_the_shared_one_is() -> None:
    shared, private = Master(), Master()
    mix, first, second = sine(80_000, 8).reshape(-1, 960), np.empty(960, np.int16), np.empty(960, np.int16)
    for block in mix[:5]:
        shared.finish(block, first)
    private.follow(shared)
    for block in mix[5:]:
        shared.finish(block, first)
        private.finish(block, second)
        assert np.array_equal(first, second)
