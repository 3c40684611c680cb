"""STOI: how intelligible speech is, 0..1, beside the same speech undisturbed.

After C. H. Taal, R. C. Hendriks, R. Heusdens, J. Jensen, "An Algorithm for Intelligibility Prediction of Time-Frequency
Weighted Noisy Speech", IEEE Transactions on Audio, Speech, and Language Processing 19(7), 2011.  Both signals at
10 kHz, one-third octave bands from 150 Hz, correlation of envelopes over 384 ms.  Above 0.9 every word is understood,
below 0.6 few are.  Both must be aligned in time (hearing.py); level does not matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.floating[Any]]

RATE = 10_000
FRAME, HOP, FFT = 256, 128, 512
BANDS, LOWEST_HZ = 15, 150.0
SEGMENT = 30  # frames: 384 ms
RANGE_DB = 40.0  # frames quieter than this below the loudest are silence
_CLIP = 10 ** (15 / 20)  # beta = -15 dB
_TINY = 1e-12


def stoi(clean: Signal, heard: Signal) -> float:
    """Intelligibility of `heard`, both mono at 10 kHz and of one length (over 0.4 s of speech).

    Raises ValueError for signals that cannot be compared: lengths that differ, or too little speech in `clean`.
    """
    if clean.shape != heard.shape or clean.ndim != 1:
        raise ValueError(f"signals of one length are needed, not {clean.shape} and {heard.shape}")
    clean, heard = _without_silence(clean.astype(np.float64), heard.astype(np.float64))
    if len(clean) < FRAME + SEGMENT * HOP:
        raise ValueError("too little speech to judge")
    x, y = _envelopes(clean), _envelopes(heard)
    windows = np.lib.stride_tricks.sliding_window_view
    x_segments, y_segments = windows(x, SEGMENT, axis=1), windows(y, SEGMENT, axis=1)  # (bands, segments, frames)
    energy_x = np.linalg.norm(x_segments, axis=2, keepdims=True)
    energy_y = np.linalg.norm(y_segments, axis=2, keepdims=True)
    scaled = np.minimum(y_segments * energy_x / (energy_y + _TINY), x_segments * (1 + _CLIP))
    return float(_correlation(x_segments, scaled).mean())


def _correlation(a: Signal, b: Signal) -> Signal:
    """Along the last axis."""
    a = a - a.mean(axis=-1, keepdims=True)
    b = b - b.mean(axis=-1, keepdims=True)
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    correlated: Signal = (a * b).sum(axis=-1) / (norms + _TINY)
    return correlated


def _frames(signal: Signal) -> Signal:
    window = np.hanning(FRAME + 2)[1:-1]
    cut: Signal = np.lib.stride_tricks.sliding_window_view(signal, FRAME)[::HOP] * window
    return cut


def _without_silence(clean: Signal, heard: Signal) -> tuple[Signal, Signal]:
    """Both without the frames in which `clean` is silent, put together again by overlap and add."""
    x, y = _frames(clean), _frames(heard)
    level = 20 * np.log10(np.linalg.norm(x, axis=1) + _TINY)
    spoken = level > level.max() - RANGE_DB
    return _overlap_add(x[spoken]), _overlap_add(y[spoken])


def _overlap_add(frames: Signal) -> Signal:
    out = np.zeros((len(frames) - 1) * HOP + FRAME if len(frames) else 0)
    for index, frame in enumerate(frames):
        out[index * HOP : index * HOP + FRAME] += frame
    return out


def _envelopes(signal: Signal) -> Signal:
    """Magnitudes in the one-third octave bands, shape `(BANDS, frames)`."""
    power = np.abs(np.fft.rfft(_frames(signal), FFT, axis=1)) ** 2
    envelopes: Signal = np.sqrt(_bands() @ power.T)
    return envelopes


def _bands() -> Signal:
    """Which of the transform's bins belong to which band, shape `(BANDS, FFT / 2 + 1)`."""
    hz = np.arange(FFT // 2 + 1) * RATE / FFT
    centres = LOWEST_HZ * 2 ** (np.arange(BANDS) / 3)
    edges = [np.abs(hz[:, None] - centres * 2**side).argmin(axis=0) for side in (-1 / 6, 1 / 6)]
    bins = np.arange(len(hz))
    member: Signal = ((bins >= edges[0][:, None]) & (bins < edges[1][:, None])).astype(np.float64)
    return member
