"""What is remembered of one site's sound while it says nothing: the jitter of its line, its gain, its noise.

A site that speaks again is buffered and loud enough from its first syllable on.  Owned by the audio mix.
"""

from __future__ import annotations

from mcu_core.mixing.playout import BLOCK, PlayoutBuffer
from mixer.channel import ChannelStrip

_FORGET_NOISE = 5.0  # seconds without sound
_REPEAT = 10.0  # seconds between two reports of the same noise


class Line:
    """Lasts as long as the site is in the plan."""

    def __init__(self) -> None:
        self.playout = PlayoutBuffer()
        self.strip = ChannelStrip(BLOCK)
        self._heard = float("-inf")
        self._reported = float("-inf")

    def heard(self, now: float) -> None:
        """A block went through the strip."""
        if now - self._heard > _FORGET_NOISE:
            self.strip.begin()
        self._heard = now

    def take_noise(self, now: float) -> int | None:
        """Level of the noise the site is nothing but, in dBov, when that is news; said again every 10 s."""
        noisy = self.strip.noise.noisy
        if noisy is None:
            self._reported = float("-inf")
            return None
        if now - self._reported < _REPEAT:
            return None
        self._reported = now
        return round(noisy)
