"""Bad lines: the profiles N0-N8 and N11, and what each does to one packet after the other.

A profile is data: per direction a `Line` for each stretch of time.  `Direction` applies it: given a packet's size and
the time it says when the packet comes out at the other end, once, twice or never.  The model is the usual one of
network emulators (tc-netem(8), libwebrtc's simulated network):

- a bottleneck with a rate and a bounded queue, which drops what does not fit (its tail);
- then delay with jitter: a deviation that wanders (correlated over 50 ms) and never changes the order by itself;
- then loss, at random or in bursts: they begin at random and last a number of packets that is drawn evenly;
- a reordered packet is held back 5-25 ms while others pass; a duplicate follows within 2 ms.

Pure: `now` is passed in, chance comes from the seed, every packet uses up the same number of draws.  So the same
packets at the same times meet the same fate, and losses do not depend on times at all.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from heapq import heappop, heappush
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Generic, TypeVar

T = TypeVar("T")
HEADERS = 28  # bytes of IPv4 and UDP before each datagram's payload, which a bottleneck carries, too
MAX_HELD = 20_000  # packets on their way in one proxy
_WANDER = 0.05  # seconds over which jitter stays alike
_WIDEST = 2.5  # deviations
_HELD_BACK = (0.005, 0.025)
_ECHO = 0.002


@dataclass(frozen=True, slots=True)
class Bursts:
    """Loss in bursts: `loss` of all packets, `shortest` to `longest` in a row, each length as likely."""

    loss: float
    shortest: int
    longest: int

    @property
    def enter(self) -> float:
        """Chance that a burst begins with a packet; the one after a burst always gets through."""
        return self.loss / (1 - self.loss) / ((self.shortest + self.longest) / 2)

    def drawn(self, turn: float) -> int:
        """Length of a burst, of a number from 0 to 1."""
        return self.shortest + min(int(turn * (self.longest - self.shortest + 1)), self.longest - self.shortest)


@dataclass(frozen=True, slots=True)
class Line:
    """One direction.  Seconds, bits per second, chances 0..1."""

    delay: float = 0.0
    jitter: float = 0.0  # standard deviation of the delay
    loss: float = 0.0
    bursts: Bursts | None = None
    reorder: float = 0.0
    duplicate: float = 0.0
    rate_bps: int | None = None
    queue: float = 0.25  # seconds' worth of the rate that may wait before the bottleneck

    @property
    def is_cut(self) -> bool:
        return self.loss >= 1.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Both directions from `begins` seconds on.  `recovers`: recovery is counted from here."""

    begins: float
    up: Line
    down: Line
    recovers: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """A line with a history: `stages` in order, the first at 0; `rebinds` are the times of a new NAT address.

    `seconds` is its own length; one that `stretches` may be run over a longer one, with its times in proportion.
    """

    name: str
    vi: str
    en: str
    stages: tuple[Stage, ...]
    rebinds: tuple[float, ...] = ()
    seconds: float = 30.0
    stretches: bool = False

    def length(self, seconds: float) -> float:
        """How long a run is that was to take `seconds`: steps come no faster than they were meant to."""
        return max(seconds, self.seconds) if self.stretches else seconds

    def over(self, seconds: float) -> Profile:
        """The profile for a run of this length."""
        seconds = self.length(seconds)
        if not self.stretches or seconds == self.seconds:
            return self
        factor = seconds / self.seconds
        return replace(
            self,
            stages=tuple(replace(stage, begins=stage.begins * factor) for stage in self.stages),
            rebinds=tuple(time * factor for time in self.rebinds),
            seconds=seconds,
        )

    def stage(self, time: float) -> Stage:
        """What holds at `time`; before the beginning the first stage does."""
        return self.stages[max(0, bisect_right([stage.begins for stage in self.stages], time) - 1)]

    def calm(self, until: float) -> tuple[tuple[float, float], ...]:
        """(begin, end) of each stretch up to `until` that follows a step, the line's return or a new address.

        Recovery is counted from its begin.
        """
        steps = {stage.begins for stage in self.stages if stage.recovers} | set(self.rebinds)
        changes = sorted({stage.begins for stage in self.stages} | set(self.rebinds) | {until})
        return tuple((a, b) for a, b in pairwise(changes) if a in steps and a < until)


def _both(line: Line) -> tuple[Stage, ...]:
    return (Stage(0.0, line, line),)


def _flaps(*cuts: tuple[float, float]) -> tuple[Stage, ...]:
    """A good line that is cut at each (time, for seconds)."""
    good, cut = Line(delay=0.01), Line(loss=1.0)
    stages = [Stage(0.0, good, good)]
    for at, lasting in cuts:
        stages += [Stage(at, cut, cut), Stage(at + lasting, good, good, recovers=True)]
    return tuple(stages)


def _steps(*rates: tuple[float, int]) -> tuple[Stage, ...]:
    lines = [(at, Line(delay=0.06, jitter=0.04, loss=0.01, rate_bps=rate)) for at, rate in rates]
    return tuple(Stage(at, line, line, recovers=at > 0) for at, line in lines)


_NARROW = Line(delay=0.03, jitter=0.005, loss=0.01, rate_bps=300_000)
_WIDE = Line(delay=0.03, jitter=0.005, loss=0.01, rate_bps=4_000_000)

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile("N0", "đường truyền tốt", "a good line", _both(Line())),
            Profile("N1", "cáp quang trong tỉnh", "province fibre", _both(Line(delay=0.01, jitter=0.002, loss=0.0005))),
            Profile("N2", "mất gói 1 %", "1 % loss, partly managed", _both(Line(delay=0.04, jitter=0.02, loss=0.01))),
            Profile("N3", "mất gói 5 %", "5 % loss", _both(Line(delay=0.05, loss=0.05))),
            Profile(
                "N4",
                "mất từng chùm 3 – 10 gói, cộng lại 3 %",
                "loss of 3 to 10 packets in a row, 3 % in all",
                _both(Line(delay=0.04, jitter=0.01, bursts=Bursts(0.03, 3, 10))),
            ),
            Profile(
                "N5",
                "mạng không được quản lý, mất gói 10 %",
                "unmanaged, 10 % loss",
                _both(Line(delay=0.1, jitter=0.06, loss=0.1, reorder=0.01, duplicate=0.005)),
            ),
            Profile(
                "N6",
                "như 4G: 2 Mbit/s, 500 kbit/s, 2 Mbit/s",
                "4G-like: 2 Mbit/s, 500 kbit/s, 2 Mbit/s",
                _steps((0.0, 2_000_000), (30.0, 500_000), (60.0, 2_000_000)),
                seconds=90.0,
                stretches=True,
            ),
            Profile(
                "N7",
                "đứt 5 s, 10 s, 35 s",
                "cut for 5 s, 10 s, 35 s",
                _flaps((8.0, 5.0), (35.0, 10.0), (65.0, 35.0)),
                seconds=130.0,
            ),
            Profile(
                "N8",
                "đổi địa chỉ",
                "another address (NAT rebinding)",
                _both(Line(delay=0.02, jitter=0.002)),
                rebinds=(15.0,),
                stretches=True,
            ),
            Profile(
                "N11",
                "bất đối xứng: lên 300 kbit/s, xuống 4 Mbit/s",
                "asymmetric: 300 kbit/s up, 4 Mbit/s down",
                (Stage(0.0, _NARROW, _WIDE),),
            ),
        )
    }
)


@dataclass(slots=True)
class Counts:
    """What one direction did.  `octets` are of payloads; `queue_peak` in seconds."""

    packets: int = 0
    octets: int = 0
    delivered: int = 0
    delivered_octets: int = 0
    lost: int = 0
    cut: int = 0
    queue_full: int = 0
    reordered: int = 0
    duplicated: int = 0
    overflow: int = 0
    queue_peak: float = 0.0

    def values(self) -> dict[str, Any]:
        return {**asdict(self), "queue_peak": round(self.queue_peak, 4)}


@dataclass(slots=True)
class Direction:
    """One direction of one flow: its chance, its queue and its counts.  `seed` is any text."""

    seed: str
    counts: Counts = field(default_factory=Counts)
    _chance: random.Random = field(init=False)
    _burst: int = 0  # packets that a burst still decides on: those it takes, and one that gets through
    _wander: float = 0.0  # deviations from the mean delay
    _backlog: float = 0.0  # bits before the bottleneck
    _at: float = -math.inf  # of the last packet
    _last_out: float = -math.inf

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def carry(self, line: Line, size: int, now: float) -> tuple[float, ...]:
        """When a packet with `size` bytes of payload comes out: one time, two for a duplicate, none when it is lost."""
        chance, counts = self._chance, self.counts
        loss, turn, swap, echo, spread = (chance.random() for _ in range(5))
        sway = chance.gauss(0.0, 1.0)
        passed, self._at = max(0.0, now - self._at), now
        counts.packets += 1
        counts.octets += size
        kept = math.exp(-passed / _WANDER)
        self._wander = self._wander * kept + sway * math.sqrt(1 - kept * kept)
        lost = self._loses(line, loss, turn)
        if line.is_cut:
            counts.cut += 1
            self._backlog = 0.0
            return ()
        wait = self._pass_bottleneck(line, size, passed)
        if wait is None:
            counts.queue_full += 1
            return ()
        if lost:
            counts.lost += 1
            return ()
        jitter = line.jitter * max(-_WIDEST, min(_WIDEST, self._wander))
        out = max(self._last_out, now + wait + max(0.0, line.delay + jitter))
        if swap < line.reorder:
            counts.reordered += 1
            out += _HELD_BACK[0] + spread * (_HELD_BACK[1] - _HELD_BACK[0])
        else:
            self._last_out = out
        counts.delivered += 1
        counts.delivered_octets += size
        if echo < line.duplicate:
            counts.duplicated += 1
            return out, out + spread * _ECHO
        return (out,)

    def _loses(self, line: Line, loss: float, turn: float) -> bool:
        if line.bursts is not None:
            if not self._burst and turn < line.bursts.enter:
                self._burst = line.bursts.drawn(loss) + 1
            self._burst = max(0, self._burst - 1)
            if self._burst:
                return True
        return loss < line.loss

    def _pass_bottleneck(self, line: Line, size: int, passed: float) -> float | None:
        """Seconds until the packet is through; None when the queue is full."""
        if line.rate_bps is None:
            self._backlog = 0.0
            return 0.0
        self._backlog = max(0.0, self._backlog - passed * line.rate_bps) if math.isfinite(passed) else 0.0
        bits = 8 * (size + HEADERS)
        if self._backlog > 0 and self._backlog + bits > line.queue * line.rate_bps:
            return None
        self._backlog += bits
        wait = self._backlog / line.rate_bps
        self.counts.queue_peak = max(self.counts.queue_peak, wait)
        return wait


class Held(Generic[T]):
    """Packets on their way, by the time they come out; bounded."""

    def __init__(self, limit: int = MAX_HELD) -> None:
        self._limit = limit
        self._heap: list[tuple[float, int, T]] = []
        self._order = 0

    def __len__(self) -> int:
        return len(self._heap)

    def hold(self, out: float, packet: T) -> bool:
        """Keep a packet until `out`; False when there are too many."""
        if len(self._heap) >= self._limit:
            return False
        self._order += 1
        heappush(self._heap, (out, self._order, packet))
        return True

    @property
    def next_out(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[T]:
        """Take out what comes out until `now`, in order."""
        packets = []
        while self._heap and self._heap[0][0] <= now:
            packets.append(heappop(self._heap)[2])
        return packets
