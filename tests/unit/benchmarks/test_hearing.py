"""A recording is found in the loop it was played from, wherever it begins and however it was delayed on its way."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.hearing import Samples, compare, resample
from benchmarks.speech import speech
from benchmarks.stoi import RATE


@pytest.fixture(scope="module")
def loop() -> Samples:
    return resample(speech(0).pcm, 48_000)


def played(loop: Samples, start: float, seconds: float) -> Samples:
    at = np.arange(int(start * RATE), int((start + seconds) * RATE)) % len(loop)
    return loop[at]


def test_a_perfect_recording_is_recognised_whole(loop: Samples) -> None:
    heard = compare(loop, 0.3 * played(loop, 5.3, 20))
    assert heard.intelligibility == pytest.approx(1.0, abs=0.001)
    assert heard.found == 1.0
    assert heard.gaps == ()


def test_more_delay_in_the_middle_is_neither_a_gap_nor_less_intelligible(loop: Samples) -> None:
    heard = compare(loop, np.concatenate([played(loop, 0, 8), played(loop, 7.9, 8)]))
    assert heard.intelligibility is not None
    assert heard.intelligibility > 0.97
    assert heard.longest_gap < 0.1


def test_a_cut_is_one_gap_of_its_length(loop: Samples) -> None:
    recording = played(loop, 3, 20)
    recording[8 * RATE : 13 * RATE] = 0
    heard = compare(loop, recording)
    assert heard.longest_gap == pytest.approx(5.0, abs=0.4)
    assert max(heard.gaps, key=lambda gap: gap.seconds).begin == pytest.approx(8.0, abs=0.4)
    assert heard.intelligibility is not None
    assert heard.intelligibility < 0.85


def test_pauses_of_the_speaker_are_no_gaps(loop: Samples) -> None:
    noise = np.random.default_rng(1).normal(0, 1e-4 * np.abs(loop).max(), 20 * RATE)
    assert compare(loop, played(loop, 0, 20) + noise).longest_gap < 0.05


def test_silence_is_all_gap_and_not_judged_intelligible(loop: Samples) -> None:
    heard = compare(loop, np.zeros(10 * RATE))
    assert heard.found == 0
    assert heard.intelligibility == pytest.approx(0, abs=0.01)


def test_nothing_recorded_is_not_judged(loop: Samples) -> None:
    assert compare(loop, np.zeros(0)).intelligibility is None


def test_resampling_keeps_a_tone_and_its_level() -> None:
    moments = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 440 * moments)
    assert resample(tone, 48_000) == pytest.approx(np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE), abs=1e-6)


def test_speech_is_a_loop_of_whole_packets_that_says_who_speaks() -> None:
    voices = [speech(0), speech(1)]
    for voice in voices:
        assert len(voice.pcm) % 960 == 0
        assert 10 <= len(voice.pcm) / 48_000 <= 30
        assert voice.source.startswith(("espeak-ng", "babble"))
    assert not np.array_equal(voices[0].pcm[:48_000], voices[1].pcm[:48_000])
