"""How well one inbound stream arrives: what a receiver report says of it (RFC 3550, section 6.4.1, appendix A).

Owned by the stream's ingest; takes `now`, has no clock.
"""

from __future__ import annotations

from mcu_core.relay.rtcp import Block
from mcu_core.relay.rtp import sequence_delta, time_delta
from mcu_core.relay.uplink import Delay

_RESTART = 3000  # a jump of so many packets is a sender that began anew


class Reception:
    """Counts one SSRC.  `highest` is the extended highest sequence number, -1 before the first packet."""

    __slots__ = (
        "_arrived",
        "_base",
        "_delay",
        "_expected_before",
        "_heard",
        "_heard_before",
        "_jitter",
        "_rate",
        "_received_before",
        "_rtp_time",
        "_sr_at",
        "_sr_middle",
        "_tick",
        "_transit",
        "_transits",
        "fraction_lost",
        "highest",
        "received",
        "ssrc",
    )

    def __init__(self, ssrc: int, rate: int) -> None:
        self.ssrc = ssrc
        self.highest = -1
        self.received = 0
        self.fraction_lost = 0.0  # over the last report interval
        self._rate, self._tick = rate, 1 / rate
        self._base = 0
        self._jitter = 0.0  # seconds
        self._arrived = 0.0
        self._rtp_time = 0
        self._expected_before = self._received_before = 0
        self._sr_middle = 0
        self._sr_at = 0.0
        self._transit = 0.0
        self._transits, self._heard = 0.0, 0  # added up for `_delay`, and how many
        self._heard_before = 0
        self._delay = Delay()

    @property
    def expected(self) -> int:
        """Packets that should have come so far."""
        return self.highest - self._base + 1 if self.highest >= 0 else 0

    @property
    def frames(self) -> int:
        """RTP times that packets came of: of a picture stream, frames, whole or not."""
        return self._heard_before + self._heard

    def hear(self, sequence: int, rtp_time: int, now: float) -> int:
        """Count a packet; returns its extended sequence number."""
        self.received += 1
        highest = self.highest
        delta = (sequence - highest) & 0xFFFF
        if 0 < delta < _RESTART and highest >= 0:
            self.highest = highest = highest + delta
            before = self._rtp_time
            if rtp_time != before:
                if self._arrived:
                    step = rtp_time - before
                    if not -0x8000_0000 <= step < 0x8000_0000:
                        step = time_delta(rtp_time, before)
                    late = now - self._arrived - step * self._tick
                    self._jitter += ((late if late > 0 else -late) - self._jitter) * 0.0625
                    self._transit += late
                    self._transits += self._transit
                    self._heard += 1
                self._arrived, self._rtp_time = now, rtp_time
            return highest
        if highest < 0:
            self.highest = self._base = 0x10000 + sequence
            self._arrived, self._rtp_time = now, rtp_time
            return self.highest
        behind = sequence_delta(sequence, highest & 0xFFFF)
        if not -_RESTART < behind < _RESTART:
            self.highest = self._base = (highest | 0xFFFF) + 1 + sequence
            self._expected_before = self._received_before = 0
            self.received = 1
            self._arrived, self._rtp_time = now, rtp_time
            return self.highest
        return highest + behind

    def sender_report(self, ntp: int, now: float) -> None:
        self._sr_middle, self._sr_at = (ntp >> 16) & 0xFFFF_FFFF, now

    def pause(self) -> None:
        """The sender stops for a while, and perhaps the clock of its timestamps: no delay is known across that."""
        self._arrived, self._delay = 0.0, Delay()
        self._forget_transits()

    def queue(self, now: float) -> float | None:
        """How much later packets came than they did at best, since the last call; None when too few came."""
        self._delay.hear(self._transits, self._heard)
        self._forget_transits()
        return self._delay.queue(now)

    def _forget_transits(self) -> None:
        self._heard_before += self._heard
        self._transits, self._heard = 0.0, 0

    def heard_since(self, then: float) -> bool:
        return self.highest >= 0 and self._arrived >= then

    @property
    def jitter_ms(self) -> float:
        return self._jitter * 1000

    def block(self, now: float) -> Block:
        """The report block for the interval since the last call."""
        expected = self.expected
        interval = expected - self._expected_before
        lost = interval - (self.received - self._received_before)
        self._expected_before, self._received_before = expected, self.received
        self.fraction_lost = max(0.0, lost / interval) if interval > 0 else 0.0
        return Block(
            ssrc=self.ssrc,
            fraction=self.fraction_lost,
            lost=expected - self.received,
            highest=max(0, self.highest) & 0xFFFF_FFFF,
            jitter=int(self._jitter * self._rate),
            lsr=self._sr_middle,
            dlsr=int((now - self._sr_at) * 65536) if self._sr_middle else 0,
        )
