"""Inbound sound: one Opus packet after the other, each with its level, in arrival order.

The mixer's playout buffer sorts and conceals, so nothing is held back here.  Most sites are silent or muted most of
the time: what cannot pass on ends at its clear header (`skim`), before SRTP.  Owned by the leg; takes `now`.
"""

from __future__ import annotations

from collections.abc import Callable

from mcu_core.relay.reception import Reception
from mcu_core.relay.rtp import Buffer, Fixed, audio_level, bounds
from mcu_core.wire import LEVEL_UNKNOWN, LegPlan
from mixer.levels import SPEECH_DBOV, Speech

MAX_OPUS = 1275  # bytes, RFC 6716, section 3.2.1
SILENT, QUIET = 127, -SPEECH_DBOV  # -dBov
METER_STEP = 3  # dB

OnAudio = Callable[[int, int, bool, int, bytes, float], bool]  # sequence, level, speech, rtp_time, payload, arrived


class AudioIngest:
    """One audio SSRC of a site.  `level_id` is the id of the audio-level header extension, None when not negotiated.

    `on_audio` says whether the packet was passed on to the mixer.
    """

    def __init__(self, ssrc: int, level_id: int | None, on_audio: OnAudio) -> None:
        self.reception = Reception(ssrc, 48_000)
        self.open = False  # the plan lets it be heard
        self.level_known = False  # it does send levels
        self._stopped = False  # the site was told to send nothing
        self._passes = False  # the last packet was passed on
        self._peak = SILENT
        self._speech = Speech()
        self._level_id = level_id
        self._on_audio = on_audio

    def plan(self, plan: LegPlan) -> None:
        """Whether it may be heard, and whatever its level."""
        self.open = plan.audio_open
        if self._stopped and not plan.audio_stopped:
            self.reception.pause()
        self._stopped = plan.audio_stopped
        self._passes |= plan.audio_always

    def skim(self, data: Buffer, size: int, head: Fixed, now: float) -> bool:
        """Take the packet in `data[:size]`, still encrypted, if its header `head` is all that is needed of it.

        A closed site is only shown on its meter, and a quiet one whose last packet did not pass cannot pass.  What
        would show speech on the meter is never believed unopened, for anybody could have written it.
        """
        if self.open and self._passes:
            return False
        octet = -1 if self._level_id is None else audio_level(data, size, self._level_id)
        level = octet & 0x7F if octet >= 0 else SILENT
        if self.open:
            if octet < 0 or level < QUIET:
                return False
            speech = self._speech
            if -level < speech.least or now >= speech.turns:  # its pauses: any other level would change nothing
                speech.hear(-level, now)
        elif level < QUIET and level < self._peak - METER_STEP:
            return False
        self.reception.hear(head[2], head[3], now)
        if QUIET <= level < self._peak:
            self._peak = level
        return True

    def receive(self, data: Buffer, size: int, head: Fixed, now: float) -> None:
        """A packet in `data[:size]` with the header `head`, authenticated."""
        start, end = bounds(data, size)
        if not 0 < end - start <= MAX_OPUS:
            return
        _, _, sequence, rtp_time, _ = head
        self.reception.hear(sequence, rtp_time, now)
        octet = -1 if self._level_id is None else audio_level(data, size, self._level_id)
        level, speech = LEVEL_UNKNOWN, False
        if octet >= 0:
            level = octet & 0x7F
            speech = self._speech.hear(-level, now, octet > 127)
            self.level_known = True
            if level < self._peak:
                self._peak = level
        self._passes = self.open and self._on_audio(sequence, level, speech, rtp_time, bytes(data[start:end]), now)

    def take_level(self) -> int:
        """The loudest level since the last call, dBov; -127 when there was none."""
        peak, self._peak = self._peak, SILENT
        return -peak
