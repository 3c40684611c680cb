"""What share of our packets a site loses, from its receiver reports (RFC 3550, section 6.4.1).

The fraction in one report is over a few dozen packets: at 5 % even loss every fifth report says more than 10 %.  So the
counts of all streams are added up over about the last 256 packets: one to two seconds of a picture, five of sound
alone.  A picture that has become small sends a dozen packets a second: what the large one lost would look for twenty
seconds like what is lost now, so it is forgotten.  Owned by the leg; `now` is seconds.
"""

from __future__ import annotations

from mcu_core.relay.rtcp import Block

REMEMBERED = 256.0  # packets
_STILL = 1.0  # seconds in which reports still tell of what was sent before: a browser's interval for a picture
_LEAST = 50.0  # packets before a share means much
_RESTART = 30_000  # packets between two reports that nobody sends


class PeerLoss:
    """All streams to one site."""

    __slots__ = ("_expected", "_from", "_lost", "_seen")

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int]] = {}  # SSRC -> lost, highest
        self._expected = self._lost = 0.0
        self._from = float("-inf")

    def forget(self, now: float) -> None:
        """Another picture is sent from now on."""
        self._expected = self._lost = 0.0
        self._from = now + _STILL

    def hear(self, block: Block, now: float) -> None:
        """One report block about a stream of ours."""
        lost_before, highest_before = self._seen.get(block.ssrc, (block.lost, block.highest))
        self._seen[block.ssrc] = block.lost, block.highest
        expected = (block.highest - highest_before) & 0xFFFF_FFFF
        if not 0 < expected < _RESTART or now < self._from:
            return
        lost = min(max(0, block.lost - lost_before), expected)
        kept = max(0.0, 1 - expected / REMEMBERED)
        self._expected = self._expected * kept + expected
        self._lost = self._lost * kept + lost

    @property
    def fraction(self) -> float:
        """0..1."""
        return self._lost / max(self._expected, _LEAST)
