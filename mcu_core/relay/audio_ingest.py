"""Inbound sound: one Opus packet after the other, each with its level, in arrival order.

The mixer's playout buffer sorts and conceals, so nothing is held back here.  Owned by the leg; takes `now`.
"""

from __future__ import annotations

from collections.abc import Callable

from mcu_core.relay.reception import Reception
from mcu_core.relay.rtp import Buffer, Header, audio_level
from mcu_core.wire import LEVEL_UNKNOWN

MAX_OPUS = 1275  # bytes, RFC 6716, section 3.2.1

OnAudio = Callable[[int, int, bool, int, bytes, float], None]  # sequence, level, voice, rtp_time, payload, arrived


class AudioIngest:
    """One audio SSRC of a site.  `level_id` is the id of the audio-level header extension, None when not negotiated."""

    def __init__(self, ssrc: int, level_id: int | None, on_audio: OnAudio) -> None:
        self.reception = Reception(ssrc, 48_000)
        self.wanted = True  # levels are shown even while the site is muted
        self.level_known = False  # it does send levels
        self._level_id = level_id
        self._on_audio = on_audio

    def receive(self, data: Buffer, header: Header, now: float) -> None:
        """A packet, authenticated."""
        self.reception.hear(header.sequence, header.rtp_time, now)
        size = header.end - header.start
        if not 0 < size <= MAX_OPUS:
            return
        level, voice = LEVEL_UNKNOWN, False
        if self._level_id is not None and (found := audio_level(data, header, self._level_id)) is not None:
            level, voice = found
            self.level_known = True
        payload = bytes(data[header.start : header.end])
        self._on_audio(header.sequence, level, voice, header.rtp_time, payload, now)
