"""The sound of a synthetic site, and the ear that tells sites apart in a mix.

Each site has its own tone, so what is heard of whom can be measured; `babble` sounds like somebody talking and is
for people's ears.  Everything is mono at 48 kHz, loops of `LOOP` seconds that join without a click.
The ear looks at Fourier bins of a Hann window of 100 ms; tones lie exactly on bins.  (One transform costs 40 µs; a bank
of Goertzel filters as a matrix product would wake the linear algebra's threads, which spin for longer than they work.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from endpoint_client.pattern import LOOP

Pcm = NDArray[np.int16]
Voice = Literal["tone", "babble", "silence"]

RATE = 48_000
BLOCK = 960  # samples of a 20 ms packet
WINDOW = 4800  # samples an ear listens to at a time
TONES = 37
_BESIDE_HZ = 30
_FLOOR_DB = -100.0


def tone_hz(site: int) -> int:
    """Frequency of a site's tone: 300..2820 Hz, 70 Hz apart, no two of 37 successive sites alike."""
    return 300 + 70 * (site * 11 % TONES)


def tone(site: int, level_dbfs: float = -20.0) -> Pcm:
    """`LOOP` seconds of a site's tone, shape `(LOOP * RATE,)`."""
    moments = np.arange(LOOP * RATE)
    wave = np.sin(2 * np.pi * tone_hz(site) / RATE * moments)
    pcm: Pcm = (wave * 32767 * 10 ** (level_dbfs / 20)).astype(np.int16)
    return pcm


def babble(site: int, level_dbfs: float = -20.0) -> Pcm:
    """`LOOP` seconds of somebody talking without words: harmonics of a pitch, in syllables, with moving formants."""
    rng = np.random.default_rng(1000 + site)
    moments = np.arange(LOOP * RATE) / RATE
    pitch = 95 + 115 * (site * 0.618 % 1.0)
    sway = 0.04 * np.sin(2 * np.pi * 0.75 * moments) + 0.03 * np.sin(2 * np.pi * 1.25 * moments + site)
    phase = 2 * np.pi * np.cumsum(pitch * (1 + sway)) / RATE
    wave = np.zeros_like(moments)
    syllables = LOOP * 4
    knots = np.arange(syllables + 1) / 4
    first = np.append(rng.uniform(300, 800, syllables), 0)
    second = np.append(rng.uniform(900, 2300, syllables), 0)
    first[-1], second[-1] = first[0], second[0]
    formants = (np.interp(moments, knots, first), np.interp(moments, knots, second))
    for harmonic in range(1, 25):
        hz = harmonic * pitch
        gain = sum(np.exp(-(((hz - formant) / 160) ** 2)) for formant in formants) + 0.02
        wave += gain * np.sin(harmonic * phase) / harmonic**0.3
    loud = rng.choice([0.0, 0.6, 1.0], syllables, p=[0.15, 0.35, 0.5])
    envelope = np.repeat(loud, RATE // 4) * np.sin(np.pi * (moments * 4 % 1)) ** 0.7
    wave *= envelope
    wave *= 10 ** (level_dbfs / 20) / max(float(np.sqrt(np.mean(wave**2))), 1e-9)
    pcm: Pcm = (np.clip(wave, -0.98, 0.98) * 32767).astype(np.int16)
    return pcm


def voice_pcm(voice: Voice, site: int) -> Pcm:
    """The loop of a voice, shape `(LOOP * RATE,)`."""
    if voice == "tone":
        return tone(site)
    if voice == "babble":
        return babble(site)
    return np.zeros(LOOP * RATE, np.int16)


def level_dbov(pcm: Pcm) -> int:
    """Level of a block for the RTP header (RFC 6464): 0 loudest .. -127 silent."""
    power = float(np.mean(np.square(pcm, dtype=np.float64)))
    if power < 1:
        return -127
    return max(-127, min(0, round(10 * math.log10(power / 32768**2))))


class Ear:
    """Hears the tones of some sites in a stream of PCM blocks.  Owned by one reader.

    A site is heard when its frequency is above `threshold_dbfs` and stands out by 10 dB from both sides of it
    (30 Hz away, between the tones), so noise and talk are not taken for a tone.
    """

    def __init__(self, sites: Iterable[int], threshold_dbfs: float = -48.0) -> None:
        self.sites = tuple(dict.fromkeys(sites))
        self._threshold = threshold_dbfs
        bins = np.array([tone_hz(site) * WINDOW // RATE for site in self.sites], np.intp)
        beside = _BESIDE_HZ * WINDOW // RATE
        self._bins = np.concatenate([bins, bins - beside, bins + beside])
        self._hann = (np.hanning(WINDOW) * 4 / WINDOW / 32768).astype(np.float32)
        self._pending = np.empty(0, np.int16)

    def listen(self, pcm: Pcm) -> list[dict[int, float]]:
        """Take mono samples; for each full window the sites heard in it and their level in dB below full scale."""
        self._pending = np.concatenate([self._pending, pcm])
        heard = []
        while len(self._pending) >= WINDOW:
            window, self._pending = self._pending[:WINDOW], self._pending[WINDOW:]
            heard.append(self._window(window))
        return heard

    def _window(self, window: Pcm) -> dict[int, float]:
        count = len(self.sites)
        amplitude = np.abs(np.fft.rfft(window * self._hann)[self._bins])
        level = np.maximum(20 * np.log10(np.maximum(amplitude, 1e-9)), _FLOOR_DB)
        beside = np.maximum(level[count : 2 * count], level[2 * count :])
        clear = (level[:count] > self._threshold) & (level[:count] > beside + 10)
        return {self.sites[i]: round(float(level[i]), 1) for i in np.flatnonzero(clear)}
