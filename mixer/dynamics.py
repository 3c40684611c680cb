"""Loudness: the level of a block, the gain of one voice with a soft limiter, and the limiter of what all hear.

Mono int16 at 48 kHz in blocks of 20 ms.  A limiter is owned by the loop that mixes.
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


_RELEASE = 10 ** (_RELEASE_DB / 20 / 20)  # … and this much a millisecond


class Limiter:
    """Gives a voice `gain_db` and turns it down, smoothly, where that would exceed the ceiling."""

    def __init__(self, gain_db: float = 0.0, samples: int = 960) -> None:
        self.gain_db = gain_db
        self._gain = 10 ** (gain_db / 20)
        self._work = np.empty(samples, np.float32)
        self._ramp = np.linspace(0, 1, _ATTACK, dtype=np.float32)
        self._slow_ramp = np.linspace(0, 1, samples, dtype=np.float32)
        self._curve = np.empty(samples, np.float32)

    def apply(self, pcm: Pcm, out: Pcm, at_once: bool = False) -> None:
        """Write `pcm`, shape (samples,), at its gain to `out`, which may be `pcm` itself.

        Gain comes back slowly, unless it is wanted `at_once` (the first word after a pause).
        """
        wanted = 10 ** (self.gain_db / 20)
        peak = max(-int(pcm.min()), int(pcm.max()), 1)
        target = min(wanted, CEILING / peak)
        if not at_once:
            target = min(target, self._gain * 10 ** (_RELEASE_DB / 20))
        if target == self._gain == 1.0:
            if out is not pcm:
                np.copyto(out, pcm)
            return
        self._bend(self._gain, target, at_once)
        self._gain = target
        np.multiply(pcm, self._curve, out=self._work)
        np.clip(self._work, -32768, 32767, out=self._work)  # the attack itself may overshoot
        np.copyto(out, self._work, casting="unsafe")

    def _bend(self, start: float, end: float, at_once: bool) -> None:
        """Fill the gain curve: down within the attack, up over the whole block."""
        curve = self._curve
        if end < start or at_once:
            curve.fill(end)
            np.multiply(self._ramp, end - start, out=curve[:_ATTACK])
            curve[:_ATTACK] += start
        else:
            np.multiply(self._slow_ramp, end - start, out=curve)
            curve += start


class BusLimiter:
    """Limits a sum of voices so that it never clips: it looks ahead, so that the gain is down before a peak comes.

    Adds a delay of LOOK_AHEAD samples, always.  The gain follows straight lines between points 1 ms apart.
    """

    LOOK_AHEAD = 192  # 4 ms

    def __init__(self, samples: int = 960) -> None:
        if samples % _ATTACK:
            raise ValueError(f"a block of {samples} samples is not a multiple of {_ATTACK}")
        self._line = np.zeros(self.LOOK_AHEAD + samples, np.float32)
        self._size = np.empty_like(self._line)
        self._steps = samples // _ATTACK
        self._ahead = self.LOOK_AHEAD // _ATTACK
        self._gain = 1.0
        self._needed = 1.0  # in the last millisecond that was let out
        self._tail_peak = 0.0
        self._ramp = np.arange(_ATTACK, dtype=np.float32) / _ATTACK
        self._curve = np.empty((self._steps, _ATTACK), np.float32)

    def follow(self, other: BusLimiter) -> None:
        """Go on as `other` would: whoever is given a mix of its own hears no gap."""
        self._line[:] = other._line
        self._gain, self._needed, self._tail_peak = other._gain, other._needed, other._tail_peak

    def apply(self, mix: NDArray[np.int32], out: Pcm) -> float:
        """Take a sum, shape (samples,), and write what is let out to `out`; returns the peak of `mix`."""
        line, ahead = self._line, self.LOOK_AHEAD
        np.copyto(line[ahead:], mix, casting="unsafe")
        peak = float(max(-int(mix.min()), int(mix.max())))
        if self._gain == 1.0 and peak <= CEILING and self._tail_peak <= CEILING:
            np.copyto(out, line[:-ahead], casting="unsafe")
            self._needed = 1.0
        else:
            self._limit(out)
        line[:ahead] = line[-ahead:]
        self._tail_peak = float(np.abs(line[:ahead]).max())
        return peak

    def _limit(self, out: Pcm) -> None:
        np.abs(self._line, out=self._size)
        peaks = self._size.reshape(-1, _ATTACK).max(axis=1)
        needed = [self._needed, *(CEILING / np.maximum(peaks, CEILING)).tolist()]
        gains = [self._gain]
        # Point n lies between milliseconds n and n + 1 of `needed`.
        for n in range(1, self._steps + 1):
            gain = gains[-1]
            step = min((needed[n + 1 + k] - gain) / (k + 1) for k in range(min(self._ahead, len(needed) - n - 1)))
            up = min(gain * _RELEASE, 1.0, needed[n], needed[n + 1])
            gains.append(min(gain + step, up) if step < 0 else up)
        points = np.array(gains, np.float32)
        np.multiply(np.diff(points)[:, None], self._ramp, out=self._curve)
        self._curve += points[:-1, None]
        mixed = self._size[: out.size]
        np.multiply(self._line[: out.size], self._curve.reshape(-1), out=mixed)
        np.clip(mixed, -32768, 32767, out=mixed)  # rounding only: the gain has seen to it
        np.copyto(out, mixed, casting="unsafe")
        self._gain, self._needed = gains[-1], needed[self._steps]
