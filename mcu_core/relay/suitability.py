"""Whether a site's own pictures suit the viewers of a rendition, who would be sent them as they are.

A sender is told what to send, but some listen to nobody.  Pictures may be no larger than planned, which keyframes tell
(only they can change it), nor may they need much more than the planned bitrate for `FAST_SECONDS`.  What did not suit
does so again after `AGAIN` seconds without a fault, so that the picture does not change its source all the time.

Pure: `age` is called often, at least once a second.  Takes `now`.
"""

from __future__ import annotations

from typing import Literal

from mcu_core.wire import Codec, PassPlan
from mixer.bitstream import coded_sizes

MUCH, ENOUGH = 1.5, 1.2  # times the planned bitrate: too much; little enough to be taken again
FAST_SECONDS = 3
AGAIN = 5.0
_BLOCK = 16  # H.264 codes whole macroblocks

Fault = Literal["too_large", "too_fast"]


class Suitability:
    """Of one site's stream for one plan."""

    def __init__(self, plan: PassPlan) -> None:
        self.fault: Fault | None = None
        self._plan = plan
        self._large = False
        self._fast = 0  # seconds on end
        self._octets = 0
        self._counted: float | None = None  # since when
        self._again = float("-inf")

    @property
    def suits(self) -> bool:
        return self.fault is None

    def hear(self, codec: Codec, keyframe: bool, data: bytes, now: float) -> None:
        """A picture of the site."""
        self._octets += len(data)
        if keyframe:
            self._large = not self._fits(codec, data)
            self._judge(now)

    def age(self, now: float) -> None:
        """Let time pass."""
        if self._counted is None:
            self._counted, self._octets = now, 0
        elif (seconds := now - self._counted) >= 1.0:
            share = self._octets * 8 / seconds / self._plan.bitrate_bps
            self._fast = self._fast + 1 if share > (MUCH if self.suits else ENOUGH) else 0
            self._counted, self._octets = now, 0
        if self._fast or self._large or not self.suits:
            self._judge(now)

    def _judge(self, now: float) -> None:
        fault: Fault | None = "too_large" if self._large else None
        if self._fast >= (FAST_SECONDS if self.suits else 1):
            fault = fault or "too_fast"
        if fault is not None:
            self.fault, self._again = fault, now + AGAIN
        elif now >= self._again:
            self.fault = None

    def _fits(self, codec: Codec, keyframe: bytes) -> bool:
        """One that does not tell its size is left to the mixer's decoder."""
        try:
            sizes = coded_sizes(codec, keyframe)
        except ValueError:
            return False
        most = -(-self._plan.width // _BLOCK) * _BLOCK, -(-self._plan.height // _BLOCK) * _BLOCK
        return bool(sizes) and all(width <= most[0] and height <= most[1] for width, height in sizes)
