"""The playout buffer: a site's packets, put in order and evened out against the mixer's clock.

Packets come when the network pleases; the mixer takes 20 ms every 20 ms.  Each packet lies on the sender's timeline
(its RTP timestamp); `pull` walks along it.  The delay between arrival and playing follows the jitter that was seen: it
grows by concealing a block that is merely late, and shrinks by merging two blocks into one.  Model: NetEq of WebRTC,
reduced to what a mix needs.  Pure: `now` and arrival times are seconds of the same clock.  Owned by the audio mix.
"""

from __future__ import annotations

from dataclasses import dataclass

RATE = 48_000
BLOCK = 960

LOWEST, HIGHEST = 0.020, 0.200  # seconds of delay
_STEP = 0.010  # width of a bin of the jitter histogram
_QUANTILE = 0.97
_MEMORY = 250  # packets, about 5 s
_WINDOW = 5.0  # seconds; the fastest transit is taken over one to two of these
_SLACK = 0.025  # this much more delay than the target is left alone
_PATIENCE = 0.5  # seconds of too much delay before it is shortened
_HOPELESS = 0.300  # so much more delay than the target: jump
_GIVE_UP = 5  # blocks concealed in a row before the voice counts as ended
_MOST = 40  # packets kept
_NEW_STREAM = 1.0  # seconds by which a timestamp disagrees with its arrival: another source, another timeline


@dataclass(frozen=True, slots=True)
class Play:
    """Decode this packet."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Merge:
    """Decode both packets and cross-fade them into the length of one."""

    first: bytes
    second: bytes


@dataclass(frozen=True, slots=True)
class Conceal:
    """Make up a block; `following` is the packet after the lost one, which may carry its redundancy."""

    following: bytes | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing is said."""


QUIET = Quiet()
Step = Play | Merge | Conceal | Quiet


@dataclass(frozen=True, slots=True)
class _Packet:
    sequence: int  # both unwrapped
    at: int  # samples on the sender's timeline
    samples: int
    payload: bytes


def opus_samples(payload: bytes) -> int:
    """Length of an Opus packet in samples at 48 kHz, 0 if it is malformed (RFC 6716, section 3.1)."""
    if not payload:
        return 0
    config, code = payload[0] >> 3, payload[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    count = (1, 2, 2, payload[1] & 0x3F if len(payload) > 1 else 0)[code]
    return frame * count if frame * count <= 5760 else 0


def unwrap(value: int, near: int, bits: int) -> int:
    """The number congruent to `value` modulo 2**bits that lies nearest to `near`."""
    half = 1 << (bits - 1)
    return near + ((value - near + half) % (1 << bits)) - half


class Jitter:
    """How much later than the fastest packets the others come; decides the delay."""

    def __init__(self) -> None:
        self._bins = [0.0] * (round(HIGHEST / _STEP) + 1)
        self._bins[1] = 1.0  # until more is known, 10 to 20 ms
        self._seen = 20
        self._minima: list[float] = []  # of this window and the one before
        self._window_ends = 0.0
        self.target = 0.030

    @property
    def base(self) -> float:
        """Arrival of the fastest packets minus their time on the sender's timeline."""
        return min(self._minima)

    def arrived(self, transit: float, now: float) -> None:
        """Take one packet's arrival minus its time on the sender's timeline."""
        if not self._minima or now >= self._window_ends:
            self._minima = [*self._minima[-1:], transit]
            self._window_ends = now + _WINDOW
        else:
            self._minima[-1] = min(self._minima[-1], transit)
        self._seen = min(self._seen + 1, _MEMORY)
        keep = 1 - 1 / self._seen
        bins = self._bins
        for n in range(len(bins)):
            bins[n] *= keep
        bins[min(int((transit - self.base) / _STEP), len(bins) - 1)] += 1 - keep
        self.target = min(max((self._quantile() + 2) * _STEP, LOWEST), HIGHEST)

    def _quantile(self) -> int:
        """The bin within which `_QUANTILE` of the packets came."""
        total = 0.0
        for n, share in enumerate(self._bins):
            total += share
            if total >= _QUANTILE:
                return n
        return len(self._bins) - 1


class PlayoutBuffer:
    """Packets of one site.  `push` what arrives, `pull` what to play next.

    Counts `late` (came after their time), `lost` (never came), `merged` and `overflowed`.
    """

    def __init__(self) -> None:
        self.late = self.lost = self.merged = self.overflowed = 0
        self._packets: dict[int, _Packet] = {}  # by time
        self._newest: tuple[int, int, float] | None = None  # sequence, time, arrival
        self._jitter = Jitter()
        self._at: int | None = None  # time of the next block; None while nothing plays
        self._over: int | None = None  # where playing ended: what lies before comes too late
        self._played = 0  # sequence of the newest packet played
        self._missed = 0  # blocks made up in a row
        self._too_much_since = 0.0  # seconds

    @property
    def target(self) -> float:
        """Wanted delay in seconds, within 0.02..0.2."""
        return self._jitter.target

    @property
    def idle(self) -> bool:
        """Nothing is playing or waiting to."""
        return self._at is None and not self._packets

    def push(self, sequence: int, rtp_time: int, arrived: float, payload: bytes) -> bool:
        """Take a packet with its 16-bit sequence number and 32-bit timestamp; False if it is of no use."""
        samples = opus_samples(payload)
        if not samples:
            return False
        newest = self._newest or (sequence, rtp_time, arrived)
        at = unwrap(rtp_time, newest[1], 32)
        if abs((at - newest[1]) / RATE - (arrived - newest[2])) > _NEW_STREAM:
            self._restart()
            newest = (sequence, at, arrived)
        sequence = unwrap(sequence, newest[0], 16)
        self._newest = (sequence, at, arrived) if at >= newest[1] else newest
        self._jitter.arrived(arrived - at / RATE, arrived)
        past = self._at if self._at is not None else self._over
        if past is not None and at + samples <= past:
            self.late += 1
            return False
        if at in self._packets:
            return False  # a duplicate
        if len(self._packets) >= _MOST:
            del self._packets[min(self._packets)]
            self.overflowed += 1
        self._packets[at] = _Packet(sequence, at, samples, payload)
        return True

    def pull(self, now: float) -> Step:
        """What the next block is made of."""
        if self._at is None and not self._begin(now):
            return QUIET
        assert self._at is not None
        excess = now - (self._jitter.base + self._at / RATE) - self._jitter.target
        if excess > _HOPELESS:
            self._at += int(excess * RATE)
            excess = 0.0
        self._forget_past(self._at)
        packet = self._next_within(self._at, BLOCK)
        if packet is None:
            return self._bridge(excess)
        self._missed = 0
        self._play(packet)
        if excess < _SLACK:
            self._too_much_since = now
        elif now - self._too_much_since >= _PATIENCE:
            second = self._next_within(self._at, 1)
            if second is not None and second.samples == packet.samples == BLOCK:
                self._play(second)
                self._too_much_since = now - _PATIENCE + 0.1  # not twice in a row
                self.merged += 1
                return Merge(packet.payload, second.payload)
        return Play(packet.payload)

    def _restart(self) -> None:
        """The source is another one: forget the timeline."""
        self._packets.clear()
        self._newest = self._at = self._over = None
        self._jitter = Jitter()

    def _begin(self, now: float) -> bool:
        """Start playing when the first waiting packet has waited for the target delay."""
        if not self._packets:
            return False
        first = self._packets[min(self._packets)]
        if now - (self._jitter.base + first.at / RATE) < self._jitter.target:
            return False
        self._at, self._played, self._missed, self._too_much_since = first.at, first.sequence - 1, 0, now
        return True

    def _forget_past(self, at: int) -> None:
        while self._packets:
            oldest = self._packets[min(self._packets)]
            if oldest.at + oldest.samples > at:
                return
            del self._packets[oldest.at]
            self.late += 1

    def _next_within(self, at: int, samples: int) -> _Packet | None:
        if not self._packets:
            return None
        oldest = min(self._packets)
        return self._packets[oldest] if oldest < at + samples else None

    def _play(self, packet: _Packet) -> None:
        del self._packets[packet.at]
        self._at = packet.at + packet.samples
        self._played = packet.sequence

    def _bridge(self, excess: float) -> Step:
        """Nothing lies at this time: it is late, lost, or was never sent."""
        assert self._at is not None
        if not self._packets:
            self._missed += 1
            if self._missed > _GIVE_UP:
                self._over, self._at = self._at, None
                return QUIET
            if excess >= 0:  # else it is only late: wait for it, at the price of more delay
                self._at += BLOCK
            return Conceal()
        following = self._packets[min(self._packets)]
        gap, self._at = following.at - self._at, self._at + BLOCK
        if following.sequence == self._played + 1:
            return QUIET  # the sender paused (DTX)
        self.lost += 1
        self._missed += 1
        if self._missed > _GIVE_UP:
            return QUIET
        return Conceal(following.payload if gap < 2 * BLOCK else None)
