"""What was heard of what was said: a recording put beside the voice that was played in a loop.

Networks and playout buffers delay sound and stretch it a little; neither makes it less intelligible, so each 320 ms of
the recording is looked up in the loop on its own before both are compared.  Then intelligibility is STOI (stoi.py) and
a gap is the longest time in which speech was said and nothing, or 20 dB less than usual, was heard.
All signals are mono.  For reports, not for hot paths: about 0.2 s for 30 s of sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.freezes import Span
from benchmarks.stoi import RATE, stoi

Samples = NDArray[np.float64]

_SEGMENT = int(0.32 * RATE)
_CONTEXT = int(0.16 * RATE)  # looked at on both sides of a segment
_NEAR, _FAR = int(0.12 * RATE), int(1.0 * RATE)  # where a segment may have moved to
_SURE = 0.5  # correlation at which a place is taken for found
_BLOCK = RATE // 100
_SMOOTH = 5  # blocks
_BRIDGED = 6  # blocks
_SPOKEN_DB, _LOST_DB = -30.0, -20.0
_FLOOR = 1e-9


@dataclass(frozen=True, slots=True)
class Heard:
    """`intelligibility` is None where there was too little speech to judge; gaps are in seconds of the recording."""

    intelligibility: float | None
    gaps: tuple[Span, ...]
    found: float  # share of the segments that were recognised

    @property
    def longest_gap(self) -> float:
        return max((gap.seconds for gap in self.gaps), default=0.0)


def resample(signal: NDArray[np.floating] | NDArray[np.int16], rate: int, to: int = RATE) -> Samples:
    """By its spectrum; the signal is taken for periodic, so its ends ring a little."""
    count = round(len(signal) * to / rate)
    spectrum = np.fft.rfft(np.asarray(signal, np.float64))
    kept = np.zeros(count // 2 + 1, np.complex128)
    common = min(len(spectrum), len(kept))
    kept[:common] = spectrum[:common]
    resampled: Samples = np.fft.irfft(kept, count) * (count / max(1, len(signal)))
    return resampled


def compare(loop: Samples, recording: Samples) -> Heard:
    """Judge a recording of the loop, both at 10 kHz; the recording may begin anywhere in it."""
    said, found = _beside(loop, recording)
    try:
        intelligibility = stoi(said, recording[: len(said)])
    except ValueError:
        intelligibility = None
    return Heard(intelligibility, tuple(_gaps(said, recording[: len(said)])), found)


def _beside(loop: Samples, recording: Samples) -> tuple[Samples, float]:
    """What was said at each moment of the recording, and the share of it that was recognised."""
    lag = _first_lag(loop, recording)
    said, sure = [], 0
    starts = range(0, len(recording) - _SEGMENT + 1, _SEGMENT)
    for start in starts:
        window = recording[max(0, start - _CONTEXT) : start + _SEGMENT + _CONTEXT]
        at = max(0, start - _CONTEXT)
        for reach in (_NEAR, _FAR):
            moved, likeness = _look_up(loop, window, at + lag, reach)
            if likeness >= _SURE:
                lag, sure = lag + moved, sure + 1
                break
        said.append(_cut(loop, start + lag, _SEGMENT))
    whole: Samples = np.concatenate(said) if said else np.zeros(0)
    return whole, sure / max(1, len(starts))


def _first_lag(loop: Samples, recording: Samples) -> int:
    """Where in the loop the recording begins, by the stretch of 2 s that fits best of some."""
    spectrum = np.fft.rfft(loop)
    best, lag = -1.0, 0
    size = min(2 * RATE, len(loop), len(recording))
    for start in range(0, len(recording) - size + 1, 2 * RATE):
        part = np.zeros(len(loop))
        part[:size] = recording[start : start + size]
        norm = float(np.linalg.norm(part))
        if norm < _FLOOR:
            continue
        fit = np.fft.irfft(spectrum * np.conj(np.fft.rfft(part)), len(loop)) / norm
        at = int(fit.argmax())
        likeness = float(fit[at]) / max(float(np.linalg.norm(_cut(loop, at, size))), _FLOOR)
        if likeness > best:
            best, lag = likeness, at - start
    return lag


def _look_up(loop: Samples, window: Samples, at: int, reach: int) -> tuple[int, float]:
    """How far from `at` in the loop the window fits best, and its correlation there."""
    around = _cut(loop, at - reach, len(window) + 2 * reach)
    norm = float(np.linalg.norm(window))
    if norm < _FLOOR:
        return 0, 0.0
    size = 1 << (len(around) + len(window)).bit_length()
    fit = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(window, size)), size)[: 2 * reach + 1]
    energy = np.concatenate([[0.0], np.cumsum(around**2)])
    norms = np.sqrt(np.maximum(energy[len(window) :][: 2 * reach + 1] - energy[: 2 * reach + 1], _FLOOR))
    likeness = fit / (norms * norm)
    best = int(likeness.argmax())
    return best - reach, float(likeness[best])


def _cut(loop: Samples, start: int, count: int) -> Samples:
    part: Samples = loop[np.arange(start, start + count) % len(loop)]
    return part


def _gaps(said: Samples, heard: Samples) -> list[Span]:
    """Where speech was said and not heard.  A pause belongs to the gap when at least 60 ms are lost on both sides."""
    a, b = _levels(said), _levels(heard)
    if not len(a):
        return []
    spoken = a > a.max() + _SPOKEN_DB
    if not spoken.any():
        return []
    usual = float(np.percentile((b - a)[spoken], 75))
    lost = spoken & (b - a < usual + _LOST_DB)
    found: list[Span] = []
    begin = end = -1  # of the stretch of lost blocks that is looked at
    for index in [*np.flatnonzero(spoken).tolist(), len(spoken)]:
        if begin >= 0 and (index > end or index == len(spoken)):
            whole = index < len(spoken) and bool(lost[index])  # a pause, and then lost speech again
            if whole and min(end - begin, _run(lost, index)) >= _BRIDGED:
                end = index
            else:
                found.append(Span(begin / 100, end / 100))
                begin = -1
        if index < len(spoken) and lost[index]:
            begin, end = (index if begin < 0 else begin), index + 1
    return found


def _run(lost: NDArray[np.bool_], start: int) -> int:
    """How many blocks from `start` on are lost."""
    end = start
    while end < len(lost) and lost[end]:
        end += 1
    return end - start


def _levels(signal: Samples) -> Samples:
    """In dB per 10 ms, over 50 ms."""
    count = len(signal) // _BLOCK
    if not count:
        return np.zeros(0)
    power = (signal[: count * _BLOCK].reshape(count, _BLOCK) ** 2).mean(axis=1)
    smooth = np.convolve(power, np.ones(_SMOOTH) / _SMOOTH, mode="same")
    levels: Samples = 10 * np.log10(smooth + _FLOOR)
    return levels
