"""A site's channel strip: automatic gain, noise gate, the operator's own gain, limiter; and whether it is only noise.

Every site's speech comes out at about the same loudness, and what lies under its speech is not pumped up: gain moves
while somebody speaks and stands still otherwise.  Mono int16 at 48 kHz in blocks of 20 ms.  State of one site, kept
while it is silent; used by the loop that mixes it.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from mixer.activity import SILENCE, Pitch, VoiceActivity
from mixer.dynamics import Limiter

Pcm = NDArray[np.int16]

TARGET = -23.0  # dBov of speech
MOST_GAIN = 12.0  # dB, up and down
GATE = -12.0  # dB taken off while nobody speaks
GATE_BELOW = -45.0  # dBov: a louder floor is not hidden, so that it is heard, reported and seen to

_LOUDER, _SOFTER = 1 - math.exp(-0.02 / 1.0), 1 - math.exp(-0.02 / 1.5)  # smoothing of the speech level
_STEP_UP, _STEP_DOWN = 0.06, 0.12  # dB a block: 3 and 6 dB a second
_DEADBAND = 1.0  # dB
_GATE_STEP = 1.0  # dB a block on closing; it opens within the block that has speech in it
_FULL_SCALE = 20 * math.log10(32767)


class GainControl:
    """Brings the level of speech towards TARGET; bounded, slow, and still while nobody speaks."""

    def __init__(self) -> None:
        self.gain_db = 0.0
        self.speech: float | None = None  # smoothed level of what was said, dBov

    def hear(self, level: float, activity: VoiceActivity) -> float:
        """Take a block's level, after `activity` has; returns the gain in dB, within ±MOST_GAIN."""
        if not activity.speaking:
            return self.gain_db
        if self.speech is None:
            self.speech = level
        # power, not dB: soft ends of words must not count as soft speech
        power, now = 10 ** (self.speech / 10), 10 ** (level / 10)
        power += (_LOUDER if now > power else _SOFTER) * (now - power)
        self.speech = 10 * math.log10(max(power, 1e-12))
        wanted = min(max(TARGET - self.speech, -MOST_GAIN), MOST_GAIN)
        if wanted < self.gain_db - _DEADBAND:
            self.gain_db = max(self.gain_db - _STEP_DOWN, wanted)
        elif wanted > self.gain_db + _DEADBAND and activity.known:  # what is not known to be speech is not raised
            self.gain_db = min(self.gain_db + _STEP_UP, wanted)
        return self.gain_db


class NoiseWatch:
    """Does a site send noise that nobody called: a fan, a hum, a keyboard, paper?

    Over the last ten seconds of sound there was much of it, and none had both the pitch and the rhythm of speech.
    """

    SECONDS = 10
    LOUD = -48.0  # dBov
    MUCH = 0.15  # share of blocks that are loud
    SPEECH = 0.03  # share of blocks from which it is speech
    PERIODIC = 0.6

    def __init__(self) -> None:
        self.noisy: float | None = None  # level in dBov while the site is nothing but noise
        self._pitch = Pitch()
        self._seconds: deque[tuple[int, int, float]] = deque(maxlen=self.SECONDS)  # loud, speech, power
        self._blocks = self._loud = self._speech = 0
        self._power = 0.0

    def hear(self, level: float, speaking: bool, block: NDArray[np.float32]) -> None:
        """Take one block with its level; `speaking`: louder than the floor."""
        self._blocks += 1
        if level > self.LOUD:
            self._loud += 1
            self._power += 10 ** (level / 10)
            self._speech += speaking and self._pitch.hear(block) > self.PERIODIC
        if self._blocks == 50:
            self._seconds.append((self._loud, self._speech, self._power))
            self._blocks = self._loud = self._speech = 0
            self._power = 0.0
            self._judge()

    def begin(self) -> None:
        """What was heard before is too old to count."""
        self._seconds.clear()
        self.noisy = None

    def _judge(self) -> None:
        blocks = 50 * self.SECONDS
        loud, speech = sum(each[0] for each in self._seconds), sum(each[1] for each in self._seconds)
        whole = len(self._seconds) == self.SECONDS
        if whole and loud >= self.MUCH * blocks and speech < self.SPEECH * blocks:
            self.noisy = 10 * math.log10(sum(each[2] for each in self._seconds) / loud)
        else:
            self.noisy = None


class ChannelStrip:
    """`process` each block of a site on its way to the bus."""

    def __init__(self, samples: int = 960) -> None:
        self.level = SILENCE  # of the newest block as it came, dBov
        self.activity = VoiceActivity()
        self.gain = GainControl()
        self.noise = NoiseWatch()
        self._gate_db = 0.0
        self._limiter = Limiter(0.0, samples)
        self._wide = np.empty(samples, np.float32)

    def process(self, pcm: Pcm, trim_db: float, out: Pcm) -> None:
        """Write `pcm`, shape (samples,), as it goes to the bus to `out`, which may be `pcm` itself.

        `trim_db` is the operator's gain for this site.
        """
        wide = self._wide
        np.copyto(wide, pcm)
        power = float(wide @ wide) / wide.size
        self.level = level = max(10 * math.log10(power) - _FULL_SCALE, SILENCE) if power > 1e-3 else SILENCE
        active = self.activity.hear(level)
        self.noise.hear(level, self.activity.speaking, wide)
        gain = self.gain.hear(level, self.activity)
        opens = False
        if active or self.activity.floor > GATE_BELOW:
            opens, self._gate_db = self._gate_db < 0, 0.0
        else:
            self._gate_db = max(self._gate_db - _GATE_STEP, GATE)
        self._limiter.gain_db = gain + self._gate_db + trim_db
        self._limiter.apply(pcm, out, at_once=opens)

    def begin(self) -> None:
        """The site is heard again after a long silence."""
        self.noise.begin()
