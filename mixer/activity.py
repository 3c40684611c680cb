"""Is somebody speaking?  Levels against the noise floor, and whether the sound has the pitch of a voice.

The floor is the least level of the last one to two seconds (minimum statistics after Martin, IEEE Trans. Speech and
Audio Processing 9(5), 2001, by levels instead of spectra).  Steady noise, however loud, is its own floor and so never
speech.  Levels are dBov as floats.  State of one site; owned by the loop that mixes it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SILENCE = -127.0
ABOVE = 9.0  # dB above the floor from which a block counts as speech
FAINTEST = -58.0  # dBov, speech is louder
HANG_OVER = 12  # blocks of 20 ms: pauses between syllables belong to speech

_WINDOW = 50  # blocks
_FLOOR_AT_FIRST = -70.0

_DECIMATE = 6  # to 8 kHz: the pitch of voices and their first formant
_SPAN = 480  # samples at 8 kHz, 60 ms
_LOWEST_LAG, _HIGHEST_LAG = 20, 133  # 400 to 60 Hz


class VoiceActivity:
    """`hear` each block's level.  `active` includes the hang-over; `speaking` is this block alone."""

    def __init__(self) -> None:
        self.floor = _FLOOR_AT_FIRST  # dBov
        self.active = self.speaking = False
        self.known = False  # a whole window was heard: the floor means something
        self._least = 0.0  # of this window
        self._last_least: float | None = None  # of the one before
        self._count = 0
        self._hang_over = 0

    def hear(self, level: float) -> bool:
        """Take the level of one block; returns `active`."""
        self._least = min(self._least, level)
        self._count += 1
        if self._count == _WINDOW:
            self.known = True
            self._last_least, self._least, self._count = self._least, 0.0, 0
        if self._last_least is not None:
            self.floor = max(min(self._least, self._last_least), SILENCE)
        self.speaking = level > max(self.floor + ABOVE, FAINTEST)
        self._hang_over = HANG_OVER if self.speaking else max(self._hang_over - 1, 0)
        self.active = self._hang_over > 0
        return self.active


class Pitch:
    """How periodic the last 60 ms are, at the pitch of a human voice: 0 (noise, clicks) to 1 (a vowel, a hum)."""

    def __init__(self) -> None:
        self._past = np.zeros(_SPAN, np.float32)
        self._spectrum_size = 1024

    def hear(self, block: NDArray[np.float32]) -> float:
        """Take one block of shape (960,)."""
        past, new = self._past, block.size // _DECIMATE
        past[:-new] = past[new:]
        np.mean(block.reshape(new, _DECIMATE), axis=1, out=past[-new:])
        spectrum = np.fft.rfft(past, self._spectrum_size)
        alike = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[: _HIGHEST_LAG + 1]
        if alike[0] < 1.0:
            return 0.0
        # lags overlap less and less: undo that bias of the raw autocorrelation
        lags = np.arange(_LOWEST_LAG, _HIGHEST_LAG + 1)
        scores = alike[_LOWEST_LAG:] / alike[0] * (_SPAN / (_SPAN - lags))
        return float(min(max(scores.max(), 0.0), 1.0))
