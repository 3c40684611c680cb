from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from mixer.audio_bus import AudioBus

loud = hnp.arrays(np.int16, st.tuples(st.integers(1, 8), st.just(16)))
quiet = hnp.arrays(np.int16, st.tuples(st.integers(1, 8), st.just(16)), elements=st.integers(-4000, 4000))


def filled(pcm: NDArray[np.int16]) -> AudioBus:
    bus = AudioBus(*pcm.shape)
    bus.pcm[...] = pcm
    bus.add_up()
    return bus


@given(quiet)
def test_unclipped_mix_minus_and_own_voice_are_the_sum(pcm: NDArray[np.int16]) -> None:
    bus, total, rest = filled(pcm), np.empty(16, np.int16), np.empty(16, np.int16)
    bus.total(total)
    for row in range(len(pcm)):
        bus.without(row, rest)
        assert np.array_equal(rest + pcm[row], total)


@given(loud)
def test_clipping_happens_once_at_the_end(pcm: NDArray[np.int16]) -> None:
    """Not on the way: a loud voice that another one cancels must not leave its edges behind."""
    bus, out = filled(pcm), np.empty(16, np.int16)
    exact = pcm.astype(np.int64).sum(axis=0)
    bus.total(out)
    assert np.array_equal(out, np.clip(exact, -32768, 32767))
    for row in range(len(pcm)):
        bus.without(row, out)
        assert np.array_equal(out, np.clip(exact - pcm[row], -32768, 32767))


def test_nobody_hears_themselves() -> None:
    pcm = np.zeros((3, 16), np.int16)
    pcm[1] = 1000
    bus, out = filled(pcm), np.full(16, 7, np.int16)
    bus.without(1, out)
    assert not out.any()


def test_a_later_tick_starts_afresh() -> None:
    bus, out = filled(np.full((2, 16), 500, np.int16)), np.empty(16, np.int16)
    bus.pcm[...] = 3
    bus.add_up()
    bus.total(out)
    assert set(out) == {6}


def test_an_empty_bus_is_silent() -> None:
    bus, out = AudioBus(0), np.full(960, 7, np.int16)
    bus.add_up()
    bus.total(out)
    assert not out.any()
    assert bus.rows == 0


def test_no_such_row() -> None:
    with pytest.raises(IndexError):
        AudioBus(2).without(2, np.empty(960, np.int16))


def test_a_tick_allocates_no_block() -> None:
    bus, out = AudioBus(16), np.empty(960, np.int16)
    bus.add_up()
    tracemalloc.start()
    try:
        for _ in range(20):
            bus.add_up()
            bus.total(out)
            bus.without(3, out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1500  # a block of int16 is 1920 bytes
