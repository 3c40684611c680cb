"""Loudness of one voice: its level, and its gain with a soft limiter.

Mono int16 at 48 kHz in blocks of 20 ms.  A limiter is owned by the loop that mixes its voice.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

CEILING = 29204  # -1 dBov: leaves room for the overshoot of lossy codecs
_ATTACK = 48  # samples over which a gain falls: 1 ms, short enough not to be heard as distortion
_RELEASE_DB = 0.4  # a block of 20 ms may get back this much: 20 dB a second


def level_dbov(pcm: Pcm) -> int:
    """Root mean square of a block relative to a full-scale square wave, -127 (silence) to 0 (RFC 6464, section 3)."""
    if not pcm.size:
        return -127
    wide = pcm.astype(np.float32)
    mean = float(np.dot(wide, wide)) / pcm.size
    if mean < 1e-3:
        return -127
    return max(-127, min(0, round(10 * math.log10(mean / 32767.0**2))))


class Limiter:
    """Gives a voice `gain_db` and turns it down, smoothly, where that would exceed the ceiling."""

    def __init__(self, gain_db: float = 0.0, samples: int = 960) -> None:
        self.gain_db = gain_db
        self._gain = 10 ** (gain_db / 20)
        self._work = np.empty(samples, np.float32)
        self._ramp = np.linspace(0, 1, _ATTACK, dtype=np.float32)
        self._slow_ramp = np.linspace(0, 1, samples, dtype=np.float32)
        self._curve = np.empty(samples, np.float32)

    def apply(self, pcm: Pcm, out: Pcm) -> None:
        """Write `pcm`, shape (samples,), at its gain to `out`, which may be `pcm` itself."""
        wanted = 10 ** (self.gain_db / 20)
        peak = max(-int(pcm.min()), int(pcm.max()), 1)
        target = min(wanted, CEILING / peak, self._gain * 10 ** (_RELEASE_DB / 20))
        if target == self._gain == 1.0:
            if out is not pcm:
                np.copyto(out, pcm)
            return
        self._bend(self._gain, target)
        self._gain = target
        np.multiply(pcm, self._curve, out=self._work)
        np.clip(self._work, -32768, 32767, out=self._work)  # the attack itself may overshoot
        np.copyto(out, self._work, casting="unsafe")

    def _bend(self, start: float, end: float) -> None:
        """Fill the gain curve: down within the attack, up over the whole block."""
        curve = self._curve
        if end < start:
            curve.fill(end)
            np.multiply(self._ramp, end - start, out=curve[:_ATTACK])
            curve[:_ATTACK] += start
        else:
            np.multiply(self._slow_ramp, end - start, out=curve)
            curve += start
