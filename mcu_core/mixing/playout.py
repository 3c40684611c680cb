"""The playout buffer: a site's packets, put in order and evened out against the mixer's clock.

Packets come when the network pleases; the mixer takes 20 ms every 20 ms.  Each packet lies on the sender's timeline
(its RTP timestamp); `pull` walks along it.  The delay between arrival and playing follows the jitter that was seen: it
grows at once, by concealing a block that is merely late, and shrinks slowly, by asking for blocks to be made
shorter: in quiet when it is a little off, within speech when it is much off.  The same corrects a sender's clock that
runs fast or slow.  When a line has become longer for good, by more than any delay makes up for (another radio cell or
route, a queue), playing begins anew with what arrives then.  Model: NetEq of WebRTC, reduced to what a mix needs.
Pure: `now` and arrival times are seconds of the same clock.  Owned by the audio mix.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

RATE = 48_000
BLOCK = 960

LOWEST, HIGHEST = 0.020, 0.200  # seconds of delay
_STEP = 0.010  # width of a bin of the jitter histogram
_QUANTILE = 0.97
_MEMORY = 250  # packets, about 5 s
_LATE_WEIGHT = 3  # a packet later than the target counts as so many: the target is quick to rise, slow to fall
_LOSSY = 0.045  # while packets get lost, wait long enough for the next one: it may carry the redundancy
_LOSSY_FOR = 5.0  # seconds after a loss
_WINDOW = 5.0  # seconds; the fastest transit is taken over one to two of these
_ANOTHER_WAY = 0.050  # seconds by which the fastest transit rises when it is no longer jitter
_LONGER_FOR, _LONGER_PACKETS = 0.2, 10  # seconds in which all come too late: the line has become longer; by its newest
_EASY = (-0.006, 0.018)  # seconds off the target from which a quiet block is changed; wider than a block
_HARD = (-0.012, 0.030)  # … and any block
_PATIENCE = 0.5  # seconds of too much delay before it is shortened
_PAUSE = 0.1  # seconds between two shortenings, unless
_HURRY = 0.080  # so much is too much
_HOPELESS = 0.300  # so much more delay than the target: jump
_GIVE_UP = 5  # blocks concealed in a row before the voice counts as ended
_MOST = 40  # packets kept
_REST = 30  # blocks of comfort noise after a sender fell silent; it sends at least one packet every 400 ms (RFC 6716)
_REST_BYTES = 2  # a packet of at most so many says "silence from here" (RFC 6716, section 2.1.9)
_NEW_STREAM = 1.0  # seconds by which a timestamp disagrees with its arrival: another source, another timeline


@dataclass(frozen=True, slots=True)
class Play:
    """Decode this packet; make it longer by about `change` seconds, shorter if negative, where that is not heard."""

    payload: bytes
    change: float = 0.0
    quiet_only: bool = False  # change it only if nothing is said in it


@dataclass(frozen=True, slots=True)
class Conceal:
    """Make up a block; `following` is the packet after the lost one, which may carry its redundancy."""

    following: bytes | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing is said."""


QUIET = Quiet()
Step = Play | Conceal | Quiet


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
        self._bins[1] = self._total = 20.0  # until more is known, 10 to 20 ms
        self._weight = 1.0  # of the next packet; it grows instead of the older ones' shrinking
        self._minima: list[float] = []  # of this window and the one before
        self._window_ends = 0.0
        self._hopeless: deque[float] = deque(maxlen=_LONGER_PACKETS)  # transits since the last packet that was of use
        self._hopeless_since = 0.0
        self.target = 0.030

    @property
    def base(self) -> float:
        """Arrival of the fastest packets minus their time on the sender's timeline."""
        return min(self._minima)

    def arrived(self, transit: float, now: float) -> bool:
        """Take one packet's arrival minus its time on the sender's timeline.

        True when the line has become longer: `base` is another then, and what seemed too late is not.
        """
        if not self._minima or now >= self._window_ends:
            # after a long silence clocks may have drifted: what was the fastest then says nothing now
            kept = self._minima[-1:] if now < self._window_ends + _WINDOW else []
            before = self.base if self._minima else transit
            self._minima = [*kept, transit]
            self._window_ends = now + _WINDOW
            if self.base - before >= _ANOTHER_WAY:
                self._shift(int((self.base - before) / _STEP))
        else:
            self._minima[-1] = min(self._minima[-1], transit)
        delay = transit - self.base
        if delay > HIGHEST:  # no delay that is allowed would have saved it
            return self._longer(transit, now)
        self._hopeless.clear()
        share = self._weight * (_LATE_WEIGHT if delay > self.target else 1)
        self._bins[int(delay / _STEP)] += share
        self._total += share
        self._weight *= 1 + 1 / _MEMORY
        if self._total > 1e9:
            self._bins = [share / self._total for share in self._bins]
            self._weight, self._total = self._weight / self._total, 1.0
        self.target = min(max((self._quantile() + 2) * _STEP, LOWEST), HIGHEST)
        return False

    def _longer(self, transit: float, now: float) -> bool:
        """Not after a stall: what it held back arrives at once, and in time again at its end."""
        if not self._hopeless:
            self._hopeless_since = now
        self._hopeless.append(transit)
        if now - self._hopeless_since < _LONGER_FOR:
            return False
        self._minima, self._window_ends = [min(self._hopeless)], now + _WINDOW
        self._hopeless.clear()
        return True

    def _shift(self, bins: int) -> None:
        """What was learned counted from a base that is no more: the delays were shorter by so many bins."""
        self._bins = [sum(self._bins[: bins + 1]), *self._bins[bins + 1 :], *[0.0] * bins]

    def _quantile(self) -> int:
        """The bin within which `_QUANTILE` of the packets came."""
        beyond = (1 - _QUANTILE) * self._total
        for n in range(len(self._bins) - 1, 0, -1):
            beyond -= self._bins[n]
            if beyond < 0:
                return n
        return 0


class PlayoutBuffer:
    """Packets of one site.  `push` what arrives, `pull` what to play next.

    `least` is a delay in seconds that must not be undercut (lip sync).  Counts `late` (came after their time), `lost`
    (never came) and `overflowed`.
    """

    def __init__(self) -> None:
        self.least = 0.0
        self.late = self.lost = self.overflowed = 0
        self._packets: dict[int, _Packet] = {}  # by time
        self._newest: tuple[int, int, float] | None = None  # sequence, time, arrival
        self._jitter = Jitter()
        self._at: int | None = None  # time of the next block; None while nothing plays
        self._over: int | None = None  # where playing ended: what lies before comes too late
        self._played_to: int | None = None  # end of the newest packet played
        self._played = 0  # sequence of the newest packet played
        self._missed = 0  # blocks made up in a row
        self._missing: set[int] = set()  # sequences counted as lost before the newest packet played
        self._excused: set[int] = set()  # sequences after it that came too late
        self._resting = 0  # blocks of comfort noise that may still come, once the sender has said that it is silent
        self._lossy_until = float("-inf")
        self._content_since = 0.0  # when the delay was last not too much
        self._shortened = 0.0  # when a block was last to be shortened

    @property
    def target(self) -> float:
        """Wanted delay in seconds: at least `least`, and what jitter and loss ask for, within 0.02..0.2."""
        return max(self._jitter.target, self.least)

    @property
    def jitter(self) -> float:
        """The delay that jitter alone asks for, seconds."""
        return self._jitter.target

    @property
    def idle(self) -> bool:
        """Nothing is playing or waiting to."""
        return self._at is None and not self._packets

    def delay(self, now: float) -> float | None:
        """Seconds between the arrival of the fastest packets and their playing; None while nothing plays."""
        return None if self._at is None else now - self._jitter.base - self._at / RATE

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
        if self._jitter.arrived(arrived - at / RATE, arrived):
            self._at, self._over = None, self._played_to
        past = self._at if self._at is not None else self._over
        if past is not None and at + samples <= past:
            self._excuse(sequence)
            return False
        if at in self._packets:
            return False  # a duplicate
        if len(self._packets) >= _MOST:
            del self._packets[min(self._packets)]
            self.overflowed += 1
        self._packets[at] = _Packet(sequence, at, samples, payload)
        return True

    def pull(self, now: float) -> Step:
        """What comes next, wanted at `now`: what has not arrived by then is made up.

        A voice whose last block was made shorter asks twice at the same time.
        """
        if self._at is None and not self._begin(now):
            return QUIET
        assert self._at is not None
        excess = now - self._jitter.base - self._at / RATE - self._wanted(now)
        if excess > _HOPELESS:
            self._at += int(excess * RATE)
            excess = 0.0
        self._forget_past(self._at)
        packet = self._next_within(self._at, BLOCK)
        if packet is None:
            return self._bridge(excess, now)
        self._missed = 0
        if packet.sequence != self._played + 1:
            self._lossy_until = now + _LOSSY_FOR
        self._play(packet)
        return self._paced(packet.payload, excess, now)

    def stop(self) -> None:
        """Play nothing of what waits; a later packet begins anew, with the jitter that is known."""
        self._packets.clear()
        if self._at is not None:
            self._over, self._at = self._at, None

    def _restart(self) -> None:
        """The source is another one: forget the timeline."""
        self._packets.clear()
        self._newest = self._at = self._over = self._played_to = None
        self._missing.clear()
        self._excused.clear()
        self._jitter = Jitter()

    def _wanted(self, now: float) -> float:
        return max(self.target, _LOSSY) if now < self._lossy_until else self.target

    def _begin(self, now: float) -> bool:
        """Start playing when the first waiting packet has waited for the target delay."""
        if not self._packets:
            return False
        first = self._packets[min(self._packets)]
        if now - (self._jitter.base + first.at / RATE) < self._wanted(now):
            return False
        self._at, self._played, self._missed = first.at, first.sequence - 1, 0
        self._content_since = now
        self._excused.clear()
        return True

    def _paced(self, payload: bytes, excess: float, now: float) -> Play:
        """Play, a little faster or slower when the delay is off."""
        if excess <= _EASY[1]:
            self._content_since = now
        if excess < _EASY[0]:
            return Play(payload, -excess, quiet_only=excess > _HARD[0])
        hurry = excess > _HURRY
        if (now - self._content_since < _PATIENCE or now - self._shortened < _PAUSE) and not hurry:
            return Play(payload)
        self._shortened = now
        return Play(payload, -excess, quiet_only=excess < _HARD[1])

    def _forget_past(self, at: int) -> None:
        while self._packets:
            oldest = self._packets[min(self._packets)]
            if oldest.at + oldest.samples > at:
                return
            del self._packets[oldest.at]
            self._excuse(oldest.sequence)

    def _next_within(self, at: int, samples: int) -> _Packet | None:
        if not self._packets:
            return None
        oldest = min(self._packets)
        return self._packets[oldest] if oldest < at + samples else None

    def _play(self, packet: _Packet) -> None:
        del self._packets[packet.at]
        self._at = self._played_to = packet.at + packet.samples
        missing = range(max(self._played + 1, packet.sequence - _MOST), packet.sequence)
        lost = set(missing) - self._excused
        if lost:
            self.lost += len(lost)
            self._missing = lost
        self._excused.clear()
        self._played = packet.sequence
        self._resting = _REST if len(packet.payload) <= _REST_BYTES else 0

    def _excuse(self, sequence: int) -> None:
        """It came after its time: late, and so not lost."""
        self.late += 1
        if sequence in self._missing:
            self._missing.discard(sequence)
            self.lost -= 1
        elif self._at is not None and sequence > self._played:
            self._excused.add(sequence)

    def _bridge(self, excess: float, now: float) -> Step:
        """Nothing lies at this time: it is late, lost, or was never sent."""
        assert self._at is not None
        following = self._packets[min(self._packets)] if self._packets else None
        if self._resting and (following is None or following.sequence == self._played + 1):
            self._resting -= 1
            self._at += BLOCK
            return Conceal()  # a decoder that was told of the silence makes comfort noise
        if following is None:
            self._missed += 1
            if self._missed > _GIVE_UP:
                self._over, self._at = self._at, None
                return QUIET
            if excess >= 0:  # else it is only late: wait for it, at the price of more delay
                self._at += BLOCK
            return Conceal()
        gap, self._at = following.at - self._at, self._at + BLOCK
        if following.sequence == self._played + 1:
            return QUIET  # the sender paused
        self._missed += 1
        if self._missed > _GIVE_UP:
            return QUIET
        return Conceal(following.payload if gap < 2 * BLOCK else None)
