"""Whether what a site is sent has suddenly become too much for its line, judged from its receiver reports.

Control judges a leg's size once a second, with estimates that a browser makes in its own time; meanwhile a line that
carries a third of what is sent fills with packets that nobody can use.  But a browser asks for lost packets within a
round trip and adds a report each time (RFC 4585, section 3.1: feedback comes in compound packets), so a line that has
become narrow shows within half a second: a quarter of the packets is lost and the round trip has grown by a queue.
Both are needed: loss alone is the line's own, a longer way alone may be jitter.

Pure; `now` is seconds.  Owned by the leg.
"""

from __future__ import annotations

from collections import deque

from mcu_core.relay.rtcp import Block

WINDOW = 0.5  # seconds looked back
MUCH, LEAST_PACKETS = 0.25, 20.0  # share lost, of at least so many packets
QUEUE = 0.1  # seconds by which the round trip is longer than its least
AGAIN_AFTER = 2.0  # seconds from a keyframe after an overload until another is believed
_BASE_FOR = 10.0  # seconds; the least round trip is that of the last one to two times this
_CUT = 2.0  # seconds between two reports in which the line was cut, not narrow
_RESTART = 30_000  # packets between two reports that nobody sends


class LeastRoundTrip:
    """The least round trip of the last 10 to 20 s."""

    __slots__ = ("_before", "_begun", "_least")

    def __init__(self) -> None:
        self._begun = float("-inf")
        self._before = self._least = float("inf")

    def hear(self, rtt: float, now: float) -> None:
        if now - self._begun >= _BASE_FOR:
            self._before = self._least if now - self._begun < 2 * _BASE_FOR else float("inf")
            self._begun, self._least = now, rtt
        self._least = min(self._least, rtt)

    @property
    def seconds(self) -> float:
        """Infinite before the first."""
        return min(self._before, self._least)


class Downlink:
    """The stream of pictures to one site.  `carried_bps` is what came through when it was last too much."""

    __slots__ = ("_believed_from", "_heard", "_highest", "_lost", "_seen", "carried_bps", "least_rtt")

    def __init__(self) -> None:
        self.carried_bps = 0
        self.least_rtt = LeastRoundTrip()
        self._seen: deque[tuple[float, int, int, int]] = deque()  # when, packets expected, lost, octets sent by then
        self._heard = float("-inf")
        self._highest: int | None = None
        self._lost = 0
        self._believed_from = float("-inf")

    def hear(self, block: Block, rtt: float | None, octets: int, now: float) -> bool:
        """Take in a report of the picture's stream; `octets`: all that the leg was sent so far.

        Returns whether it is too much; then not again before `resumed`.
        """
        if rtt is not None:
            self.least_rtt.hear(rtt, now)
        cut = now - self._heard > _CUT
        self._heard = now
        before, self._highest = self._highest, block.highest
        lost, self._lost = block.lost - self._lost, block.lost
        expected = (block.highest - before) & 0xFFFF_FFFF if before is not None else 0
        if cut or before is None or now < self._believed_from or not 0 <= expected < _RESTART:
            self._seen.clear()
            return False
        seen = self._seen
        seen.append((now, expected, min(lost, expected), octets))
        while now - seen[0][0] > WINDOW:
            seen.popleft()
        if rtt is None or rtt < self.least_rtt.seconds + QUEUE:
            return False
        packets = sum(entry[1] for entry in seen)
        gone = sum(entry[2] for entry in seen)
        if packets < LEAST_PACKETS or gone < MUCH * packets:
            return False
        passed = max(now - seen[0][0], 0.1)
        self.carried_bps = round((octets - seen[0][3]) * 8 / passed * (1 - self._lost_lately()))
        self._believed_from = float("inf")
        seen.clear()
        return True

    def _lost_lately(self) -> float:
        """The share lost of the newest packets: the window may begin before the line became narrow."""
        packets = gone = 0
        for _, expected, lost, _ in reversed(self._seen):
            packets += expected
            gone += lost
            if packets >= LEAST_PACKETS:
                break
        return max(0.0, gone / packets)

    def resumed(self, now: float) -> None:
        """A picture is sent again: what is lost now still belongs to what was too much."""
        if self._believed_from == float("inf"):
            self._believed_from = now + AGAIN_AFTER
