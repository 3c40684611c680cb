"""STOI behaves as its authors describe: 1 for the same, level does not matter, noise lowers it steadily."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.hearing import Samples, resample
from benchmarks.stoi import RATE, stoi
from endpoint_client.tones import RATE as TONES_RATE
from endpoint_client.tones import babble


@pytest.fixture(scope="module")
def voice() -> Samples:
    return np.concatenate([resample(babble(site), TONES_RATE) for site in range(3)])


def noisy(voice: Samples, snr_db: float) -> Samples:
    noise = np.random.default_rng(1).normal(0, 1, len(voice))
    mixed: Samples = voice + noise * np.sqrt(np.mean(voice**2)) / 10 ** (snr_db / 20)
    return mixed


def test_the_same_is_perfect_at_any_level(voice: Samples) -> None:
    assert stoi(voice, voice) == pytest.approx(1.0, abs=1e-6)
    assert stoi(voice, 0.1 * voice) == pytest.approx(1.0, abs=1e-6)
    assert stoi(0.001 * voice, voice) == pytest.approx(1.0, abs=1e-6)


def test_noise_lowers_it_steadily(voice: Samples) -> None:
    scores = [stoi(voice, noisy(voice, snr)) for snr in (30, 15, 5, -5, -15)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9
    assert scores[-1] < 0.5


def test_something_else_is_not_intelligible(voice: Samples) -> None:
    assert abs(stoi(voice, np.random.default_rng(2).normal(0, 1, len(voice)))) < 0.2
    assert stoi(voice, np.zeros(len(voice))) == pytest.approx(0.0, abs=1e-6)


def test_more_lost_packets_mean_less_understood(voice: Samples) -> None:
    scores = []
    for share in (0.0, 0.05, 0.2, 0.5):
        heard = voice[: len(voice) // 200 * 200].reshape(-1, 200).copy()
        heard[np.random.default_rng(3).random(len(heard)) < share] = 0
        scores.append(stoi(voice[: heard.size], heard.ravel()))
    assert scores == sorted(scores, reverse=True)
    assert scores[1] > 0.85 > scores[3]


def test_silence_around_speech_does_not_count(voice: Samples) -> None:
    pause = np.zeros(3 * RATE)
    said = np.concatenate([pause, voice, pause])
    hum = np.concatenate([noisy(voice, 5)[: len(pause)] * 0.05, voice, pause])
    assert stoi(said, hum) > 0.98


def test_what_cannot_be_judged_is_refused(voice: Samples) -> None:
    with pytest.raises(ValueError, match="one length"):
        stoi(voice, voice[1:])
    with pytest.raises(ValueError, match="too little"):
        stoi(voice[:2000], voice[:2000])
