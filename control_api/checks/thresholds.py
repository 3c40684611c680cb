"""Every limit of the technical check, in one place.

`VERSION` is stored with each check: a sheet of last year is read by the limits it was judged by.  Delays: ITU-T G.114
(150 ms unnoticed, 400 ms the most for talking); the way to the MCU and back is as long as from one site to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VERSION: Final = 1

SHORTEST_LINE_TEST: Final = 8.0  # s of packets, or loss says nothing


@dataclass(frozen=True, slots=True)
class Limit:
    """A value beyond `remark` is worth a remark, beyond `fail` the site fails.  `least`: smaller is worse."""

    remark: float
    fail: float
    least: bool = False

    def judged(self, value: float) -> str:
        """`pass`, `remarks` or `fail`; a value at the limit still passes."""
        for level, limit in (("fail", self.fail), ("remarks", self.remark)):
            if value < limit if self.least else value > limit:
                return level
        return "pass"


# Picture out: what the camera gives.
WIDTH = Limit(remark=640, fail=320, least=True)  # px
FRAME_RATE = Limit(remark=12, fail=5, least=True)  # frames/s
FROZEN = Limit(remark=1.0, fail=3.0)  # s, the longest time without any change; a live sensor always has noise
DARK = Limit(remark=50, fail=16, least=True)  # mean luma, 0..255
BRIGHT = Limit(remark=225, fail=250)  # mean luma
BLACK_CONTRAST: Final = 4.0  # standard deviation of luma; below it there is nothing to see

# Sound out: what the microphone gives while somebody speaks.
SPEECH = Limit(remark=-40, fail=-55, least=True)  # dBFS, the loudest tenth
NOISE = Limit(remark=-45, fail=-30)  # dBFS, the quietest tenth
CLIPPED = Limit(remark=0.005, fail=0.10)  # share of samples at full scale
SPEECH_OVER_NOISE = Limit(remark=12, fail=3, least=True)  # dB

# Sound in.
TRIES = Limit(remark=1, fail=3)  # answers until the number of beeps was right

# Round trip through the MCU.
SOUND_TRIP = Limit(remark=400, fail=800)  # ms
PICTURE_TRIP = Limit(remark=500, fail=1500)  # ms
SOUND_FOUND = Limit(remark=0.9, fail=0.5, least=True)  # share of the sent marks that came back
SOUND_LOSS = Limit(remark=-20, fail=-40, least=True)  # dB, returned against sent
RETURNED_RATE = Limit(remark=8, fail=2, least=True)  # frames/s of the picture that the MCU sends back

# Line.
LOSS = Limit(remark=0.01, fail=0.05)  # either way
JITTER = Limit(remark=30, fail=100)  # ms
ROUND_TRIP = Limit(remark=150, fail=400)  # ms
UP_ROOM = Limit(remark=300, fail=100, least=True)  # kbit/s that the line is estimated to carry upwards
DOWN_RATE = Limit(remark=20, fail=5, least=True)  # kbit/s from the MCU; a still picture and silence need little
