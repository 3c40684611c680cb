"""A flash and a beep taken at the same moment, again and again; and when each is seen and heard in what came out.

Shared by `bench lipsync` and the test of the mixer's lip sync.  The lag of Opus (6.5 ms each time it is encoded) is
part of what a listener hears, so it stays in.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from mixer.codec import OpusEncoder, video_encoder
from mixer.picture import Canvas, Picture

Pcm = NDArray[np.int16]

RATE, BLOCK = 48_000, 960
LIT = 0.2  # seconds of light and tone
MOST_BEFORE, MOST_AFTER = 0.045, 0.125  # seconds by which sound may be before the picture, and after it: ITU-R BT.1359
_LOUD = 6000
_STEP = 240  # samples, 5 ms
_HEARD = 700  # of the tone's half amplitude, over 20 ms
_BEFORE, _WITHIN, _TORN = 10, 60, 3  # steps: of silence before a beep, in which it ends, by which it may be shorter
_WHITE = 125


@cache
def flashes(period: float, frame_rate: int, key_every: int = 0) -> tuple[bytes, ...]:
    """One period of H.264: white for `LIT`, black for the rest; a keyframe at its start and every so many frames."""
    canvas, frames = Canvas(320, 180), []
    encoder = video_encoder("H264", 320, 180, frame_rate, 400_000)
    for n in range(round(period * frame_rate)):
        canvas.picture.fill((235 if n < LIT * frame_rate else 16, 128, 128))
        keyframe = n % key_every == 0 if key_every else n == 0
        frames += [each.payload for each in encoder.encode(canvas.frame, round(n * 90_000 / frame_rate), keyframe)]
    encoder.close()
    return tuple(frames)


def beep(tone: float, period: float) -> Pcm:
    """One period of sound, whole blocks: the tone for `LIT`, silence for the rest."""
    pcm = (_LOUD * np.sin(2 * np.pi * tone * np.arange(round(period * RATE)) / RATE)).astype(np.int16)
    pcm[round(LIT * RATE) :] = 0
    return pcm


@cache
def beeps(tone: float, period: float) -> tuple[bytes, ...]:
    """The same as Opus packets of 20 ms."""
    encoder = OpusEncoder()
    packets = tuple(encoder.encode(block) for block in beep(tone, period).reshape(-1, BLOCK))
    encoder.close()
    return packets


def beep_starts(pcm: Pcm, tone: float) -> list[int]:
    """Where in the sound a beep begins, in samples, to 5 ms.

    One that is shorter than most by 15 ms or more has lost its beginning or end on the way: it does not count.
    """
    at = np.arange(pcm.size) / RATE
    turned = (pcm * np.exp(-2j * np.pi * tone * at))[: pcm.size // _STEP * _STEP].reshape(-1, _STEP)
    loud = np.abs(np.convolve(turned.mean(axis=1), np.ones(4) / 4, "full")) > _HEARD
    starts = [n for n in range(_BEFORE, loud.size - _WITHIN) if loud[n] and not loud[n - _BEFORE : n].any()]
    lasts = [int(np.flatnonzero(loud[n : n + _WITHIN])[-1]) for n in starts]
    whole = np.median(lasts) - _TORN if lasts else 0
    return [n * _STEP for n, last in zip(starts, lasts, strict=True) if last > whole]


def is_white(picture: Picture, x: int, y: int) -> bool:
    """Whether the picture is white around a pixel, labels aside."""
    return float(np.median(picture.y[y - 30 : y + 10, x - 30 : x + 30])) > _WHITE
