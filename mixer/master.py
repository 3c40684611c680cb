"""The last step of a mix before its encoder: the bus limiter, and faint noise when nobody says anything.

A line that is digitally silent sounds dead: people ask whether anybody is still there.  Mono int16 at 48 kHz in blocks
of 20 ms.  One for the shared mix and one for each private mix; owned by the audio loop.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from mixer.dynamics import BusLimiter

Pcm = NDArray[np.int16]

COMFORT_DBOV = -72.0  # level of the noise: heard in a quiet room, not in any other
SILENT_PEAK = 24  # a mix whose peak is lower says nothing (-63 dBov)

_BLOCKS = 50  # of noise, played from changing places
_FADE_IN, _FADE_OUT = 1 / 25, 1 / 3  # a block; half a second to come, 60 ms to go


@cache
def comfort_noise(samples: int = 960) -> NDArray[np.float32]:
    """A second of soft noise without its highs, shape (_BLOCKS * samples,); its end meets its start."""
    size = _BLOCKS * samples
    rng = np.random.default_rng(1)
    frequencies = np.fft.rfftfreq(size, 1 / 48_000)
    shape = 1 / (1 + (frequencies / 900) ** 2) * (frequencies > 80)
    noise = np.fft.irfft(shape * np.exp(2j * np.pi * rng.random(frequencies.size)), size)
    noise *= 32767 * 10 ** (COMFORT_DBOV / 20) / np.sqrt(np.mean(noise**2))
    return noise.astype(np.float32)


class Master:
    """`finish` each block of one mix."""

    def __init__(self, samples: int = 960) -> None:
        self._limiter = BusLimiter(samples)
        self._noise = comfort_noise(samples)
        self._mixed = np.empty(samples, np.float32)
        self._gain = 0.0
        self._block = 0

    def follow(self, other: Master) -> None:
        """Go on where `other` is: whoever gets a mix of its own hears no seam."""
        self._limiter.follow(other._limiter)
        self._gain, self._block = other._gain, other._block

    def finish(self, mix: NDArray[np.int32], out: Pcm) -> None:
        """Write the sum `mix`, shape (samples,), limited and never quite silent, to `out`; 4 ms later than it came."""
        peak = self._limiter.apply(mix, out)
        start = self._gain
        self._gain = min(start + _FADE_IN, 1.0) if peak < SILENT_PEAK else max(start - _FADE_OUT, 0.0)
        self._block = (self._block + 1) % _BLOCKS
        if start == self._gain == 0.0:
            return
        at = self._block * out.size
        np.multiply(self._noise[at : at + out.size], (start + self._gain) / 2, out=self._mixed)
        self._mixed += out
        np.rint(self._mixed, out=self._mixed)
        np.clip(self._mixed, -32768, 32767, out=self._mixed)
        np.copyto(out, self._mixed, casting="unsafe")
