"""Sounds to test with: speech-like, noise, keyboard, hum.  Blocks of shape (n, 960), int16."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
RATE = 48_000


def _blocks(wave: NDArray[np.float64], level_dbov: float, active: NDArray[np.bool_] | None = None) -> Pcm:
    """Scale so that the active part has this level; cut into blocks."""
    power = np.mean(wave[active] ** 2) if active is not None else np.mean(wave**2)
    wave = wave * (32767 * 10 ** (level_dbov / 20) / np.sqrt(power))
    return np.clip(wave, -32768, 32767).astype(np.int16)[: wave.size // 960 * 960].reshape(-1, 960)


def speech(seconds: float, level_dbov: float = -26.0, floor_dbov: float = -65.0, seed: int = 1) -> Pcm:
    """Syllables of gliding harmonics, four a second, in phrases of two seconds with a pause, over faint noise.

    `level_dbov` is that of the syllables.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * t) + 0.05 * np.sin(2 * np.pi * 2.3 * t + seed))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = np.zeros(t.size)
    for n in range(1, 20):
        formants = np.exp(-(((n * 120 - 500) / 300) ** 2)) + 0.5 * np.exp(-(((n * 120 - 1500) / 400) ** 2)) + 0.03
        voice += formants * np.sin(n * phase)
    envelope = np.clip(np.sin(2 * np.pi * 4 * t), 0, 1) ** 0.6 * ((t % 2.5) < 2.0)
    noise = rng.normal(0, 32767 * 10 ** (floor_dbov / 20), t.size)
    said = _blocks(voice * envelope, level_dbov, envelope > 0.5)
    return np.clip(said + noise[: said.size].reshape(said.shape), -32768, 32767).astype(np.int16)


def noise(seconds: float, level_dbov: float = -40.0, seed: int = 2) -> Pcm:
    """A fan: steady noise."""
    return _blocks(np.random.default_rng(seed).normal(0, 1, round(seconds * RATE)), level_dbov)


def hum(seconds: float, level_dbov: float = -35.0) -> Pcm:
    """A bad cable: 50 Hz and its harmonics."""
    t = np.arange(round(seconds * RATE)) / RATE
    return _blocks(sum((np.sin(2 * np.pi * 50 * n * t) / n for n in (1, 2, 3, 5)), np.zeros(t.size)), level_dbov)


def keyboard(seconds: float, level_dbov: float = -30.0, seed: int = 3) -> Pcm:
    """Six to eight clicks a second, each a burst of noise that dies in 15 ms; the level is that of a click's block."""
    rng = np.random.default_rng(seed)
    wave = rng.normal(0, 0.003, round(seconds * RATE))
    at = 0.0
    while (at := at + rng.uniform(0.09, 0.2)) < seconds - 0.1:
        first = round(at * RATE)
        wave[first : first + 2400] += rng.normal(0, 1, 2400) * np.exp(-np.arange(2400) / 720)
    loud = np.repeat(np.sqrt(np.mean(wave.reshape(-1, 960) ** 2, axis=1)) > 0.1, 960)
    return _blocks(wave, level_dbov, loud)
