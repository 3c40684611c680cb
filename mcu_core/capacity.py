"""What a meeting asks of the machine, and how much of the machine that is.  Pure.

Four kinds of work are counted: pixels decoded, encoded and composed, and packets in and out, each a second.  They share
the same processors, so a meeting's load is the sum of its shares: the work of each kind divided by what the machine
does when it does nothing else (`Capacity`, measured by `mcu check`).  1.0 is the whole machine; at most `FULL` of it is
given away, the rest is for what no model foresees.  Relays are single threads, so packets have a second limit.

Sound is counted as decoding: one site's Opus costs as much as `SOUND_PIXELS` a second (43 µs a packet beside 0.84
pixels a nanosecond, `mcu bench audio` and `encode`).  For 8 to 200 sites the model asks for a sixth more
than `mcu bench scale` saw.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mcu_core.adaptation import ladder

FULL = 0.8
SOUND_PIXELS = 1.8e6  # a second of one site's sound, as decoding
SOUND_PACKETS = 50  # a second, each way
PACKET_BITS = 1100 * 8  # payload of a full packet
# What a site sends when it is shown large, in a tile of half the width, smaller: width, height, bit/s
_LARGE, _MIDDLE, _SMALL = (1280, 720, 1_500_000), (640, 360, 600_000), (320, 180, 200_000)


@dataclass(frozen=True, slots=True)
class Demand:
    """Work a second: pixels (luma) and packets."""

    decode: float = 0.0
    encode: float = 0.0
    compose: float = 0.0
    packets: float = 0.0

    def __add__(self, other: Demand) -> Demand:
        return Demand(
            self.decode + other.decode,
            self.encode + other.encode,
            self.compose + other.compose,
            self.packets + other.packets,
        )


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the machine does of each kind a second, when it does nothing else.  All above 0."""

    decode: float
    encode: float
    compose: float
    packets: float  # by all processors together
    relay_packets: float = float("inf")  # by the relays that are set up
    measured: bool = True

    def share(self, demand: Demand) -> float:
        """How much of the machine that is; 1.0 is all of it."""
        work = demand.decode / self.decode + demand.encode / self.encode + demand.compose / self.compose
        return max(work + demand.packets / self.packets, demand.packets / self.relay_packets)

    def fits(self, demand: Demand) -> bool:
        return self.share(demand) <= FULL


def assumed(cores: int, relays: int = 1) -> Capacity:
    """A cautious guess for a machine that was never measured: about half of what a core of 2021 does."""
    cores = max(1, cores)
    return Capacity(400e6 * cores, 80e6 * cores, 500e6 * cores, 60e3 * cores, 60e3 * relays, measured=False)


@dataclass(frozen=True, slots=True)
class MeetingSize:
    """What decides the cost of a meeting."""

    video_sites: int
    sound_sites: int = 0
    width: int = 1280  # of the views
    height: int = 720
    frame_rate: float = 30.0
    bitrate_bps: int = 1_500_000
    views: int = 2  # programme and chair
    personal_views: int = 0

    @property
    def sites(self) -> int:
        return self.video_sites + self.sound_sites

    def sound_only(self) -> MeetingSize:
        """The same people without pictures: nothing is composed or encoded."""
        return replace(self, video_sites=0, sound_sites=self.sites, views=0, personal_views=0)

    def with_video(self, video_sites: int) -> MeetingSize:
        """The same sites, so many of them by picture."""
        if video_sites == 0:
            return self.sound_only()
        return replace(self, video_sites=video_sites, sound_sites=self.sites - video_sites)


def demand_of(size: MeetingSize) -> Demand:
    """The work of a meeting when everybody is in: every view in every size, one site large, the others as shown."""
    decode, into = SOUND_PIXELS * size.sites, float(SOUND_PACKETS * size.sites)
    if size.video_sites:
        others = size.video_sites - 1
        # Never less for one site more: up to three others are shown in tiles of half the width.
        parts = ((1, _LARGE, size.frame_rate), (min(3, others), _MIDDLE, size.frame_rate))
        small = _pixels((others, _SMALL, min(15.0, size.frame_rate)))
        decode += _pixels(parts[0]) + max(_pixels(parts[1]), small)
        into += (_LARGE[2] + max(min(3, others) * _MIDDLE[2], others * _SMALL[2])) / PACKET_BITS
    views = size.views + size.personal_views if size.video_sites else 0
    rungs = ladder(size.width, size.height, size.frame_rate, size.bitrate_bps)
    encode = views * sum(rung.width * rung.height * rung.frame_rate for rung in rungs)
    compose = views * size.width * size.height * size.frame_rate + encode
    out = SOUND_PACKETS * size.sites + (size.video_sites * size.bitrate_bps / PACKET_BITS if views else 0.0)
    return Demand(decode, encode, compose, into + out)


def total(demands: Iterable[Demand]) -> Demand:
    return sum(demands, Demand())


def most_video(size: MeetingSize, capacity: Capacity, besides: Demand) -> int | None:
    """With how many of its sites by picture the meeting fits beside others; None: not even by sound alone."""
    fitting = None
    low, high = 0, size.sites
    while low <= high:
        middle = (low + high) // 2
        if capacity.fits(besides + demand_of(size.with_video(middle))):
            fitting, low = middle, middle + 1
        else:
            high = middle - 1
    return fitting


def _pixels(part: tuple[int, tuple[int, int, int], float]) -> float:
    sites, (width, height, _), frame_rate = part
    return sites * width * height * frame_rate
