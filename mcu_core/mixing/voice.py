"""One site's sound on its way into the mix: playout buffer, decoder, channel strip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mcu_core.mixing.line import Line
from mcu_core.mixing.playout import BLOCK, RATE, Conceal, Play
from mcu_core.wire import LEVEL_UNKNOWN, AudioIn
from mixer.codec import OpusDecoder, OpusEncoder
from mixer.dynamics import level_dbov
from mixer.master import Master
from mixer.stretch import LONGEST, cut, lengthen, repeat, shorten

Pcm = NDArray[np.int16]

HANG_OVER = 2.0  # seconds after its last sound that a voice keeps its private mix

QUIET_DBOV = -52  # a block below this may be cut anywhere

_DOWN = np.linspace(1, 0, BLOCK, dtype=np.float32)
_URGENT = 0.060  # seconds off: rather a rough cut than so much delay
_ONSET = np.linspace(0, 1, 120, dtype=np.float32)  # 2.5 ms: a voice let in within a word does not click
_NOTHING: Pcm = np.zeros(0, np.int16)


class PrivateMix:
    """What one voice hears: everybody but itself."""

    def __init__(self, like: Master) -> None:
        self.encoder, self.master = OpusEncoder(), Master(BLOCK)
        self.master.follow(like)


class Voice:
    """Takes packets, gives 20 ms blocks.  Owned by the audio mix; used in its thread only."""

    def __init__(self, site: int, row: int, line: Line, now: float) -> None:
        self.site, self.row = site, row
        self.line, self.playout = line, line.playout
        self.heard_until = 0.0
        self.spoke = now  # last time; a new one is given time to
        self.ending = False  # muted or gone: one more block, faded out
        self.private: PrivateMix | None = None  # made when first needed
        self._decoder = OpusDecoder()
        self._left = _NOTHING  # decoded but not yet mixed
        self._sounding = False
        self._level_told = False

    def receive(self, packet: AudioIn) -> int | None:
        """Take a packet; returns its level in dBov when the sender told it."""
        self.playout.push(packet.sequence, packet.rtp_time, packet.arrived, packet.payload)
        self._level_told = packet.level != LEVEL_UNKNOWN
        if packet.speech:
            self.spoke = packet.arrived
        return -packet.level if self._level_told else None

    def read(self, now: float, gain_db: float, out: Pcm) -> bool:
        """Write the next block to `out`, shape (960,); False (and zeros) when nothing sounds."""
        filled = 0
        while filled < BLOCK and not self.ending:
            if not self._left.size:
                block = self._decode_next(now)
                if block is None:
                    break
                self._left = block
            part = self._left[: BLOCK - filled]
            out[filled : filled + part.size] = part
            filled += part.size
            self._left = self._left[part.size :]
        if filled < BLOCK and self._sounding:
            filled = self._fade_out(out, filled)
            self._sounding = False
        elif filled and not self._sounding:
            out[: _ONSET.size] = out[: _ONSET.size] * _ONSET
            self._sounding = True
        out[filled:] = 0
        if filled:
            self.heard_until = now + HANG_OVER
            self.line.heard(now)
            self.line.strip.process(out, gain_db, out)
            if not self._level_told and self.line.strip.activity.speaking:
                self.spoke = now
        return filled > 0

    @property
    def level(self) -> int | None:
        """Level of the newest block in dBov, as it came, when the sender does not tell it; None when it does."""
        return None if self._level_told else round(self.line.strip.level)

    def over(self, now: float) -> bool:
        """It can be forgotten: nothing plays and its private mix has run on long enough."""
        return not self._sounding and (self.ending or (self.playout.idle and now >= self.heard_until))

    def close(self) -> None:
        self.playout.stop()
        self._decoder.close()
        if self.private is not None:
            self.private.encoder.close()

    def _decode_next(self, now: float) -> Pcm | None:
        match self.playout.pull(now):
            case Play(payload, change, quiet_only):
                block = self._decoder.decode(payload)
                return block if change == 0.0 else _paced(block, change, quiet_only)
            case Conceal(None):
                return self._decoder.conceal(BLOCK)
            case Conceal(following) if following is not None:
                return self._decoder.decode_fec(following, BLOCK)
        return None

    def _fade_out(self, out: Pcm, filled: int) -> int:
        """Let what sounded fade instead of breaking off."""
        rest = BLOCK - filled
        tail = self._left[:rest] if self._left.size else self._decoder.conceal(BLOCK)[:rest]
        self._left = _NOTHING
        out[filled : filled + tail.size] = tail * _DOWN[BLOCK - tail.size :]
        return filled + tail.size


def _paced(block: Pcm, change: float, quiet_only: bool) -> Pcm:
    """`block` made shorter or longer by up to `change` seconds, if that can be done unheard."""
    if level_dbov(block) < QUIET_DBOV:
        samples = min(round(abs(change) * RATE), LONGEST)
        return cut(block, samples) if change < 0 else repeat(block, samples)
    if quiet_only:
        return block
    anywhere = abs(change) > _URGENT
    return shorten(block, anywhere=anywhere) if change < 0 else lengthen(block, anywhere=anywhere)
