"""The last packets of one rendition, packetised once and shared by all who watch it.

A packet's number in the ring grows for ever; a viewer's sequence number is that plus an offset of its own.  So
neither sending nor answering a NACK needs a copy per viewer.  Owned by the relay's event loop; takes `now`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

from mcu_core.relay import packetize
from mcu_core.relay.rtp import MediaClock, time_delta
from mcu_core.wire import Codec, VideoOut

CAPACITY = 1024  # packets; about 6 s at 1.5 Mbit/s
KEYFRAME_FRESH = 0.7  # a joiner may begin with a keyframe of this age
REQUEST_GAP = 0.3  # between keyframe requests for one rendition
GRANT_FIRST, GRANT_LONGEST, GRANT_CALM = 0.5, 2.0, 4.0  # seconds between those one viewer may cause
LEAST_STEP = 90  # of the RTP time, from the picture of one source to the first of another
_MAX_RUN_BYTES = 60_000
_MAX_RUN = 60
FIELDS = 6  # of a packet: those of the header (RFC 3550, section 5.1) and the payload

_packers: dict[int, struct.Struct] = {}


def layout(payload_size: int) -> str:
    """A packet without extension, for `struct`: its `FIELDS`."""
    return f"BBHII{payload_size}s"


def packer(payload_size: int) -> struct.Struct:
    """RTP header (no extension) and payload in one step."""
    found = _packers.get(payload_size)
    if found is None:
        found = _packers[payload_size] = struct.Struct("!" + layout(payload_size))
    return found


class Packet(NamedTuple):
    """What all viewers' copies of one packet have in common."""

    size: int  # header and payload
    marker: int  # 0x80 or 0
    rtp_time: int
    payload: bytes


class Run:
    """Packets of the same size (the last may be shorter): the kernel can cut them from one piece of memory.

    Nothing but the numbers of the header differs between viewers, so one call writes them all.
    """

    def __init__(self, packets: Sequence[Packet]) -> None:
        self.packets = packets
        self.sizes = array("i", (packet.size for packet in packets))
        self.octets = sum(self.sizes)
        self._fields: list[Any] = [field for packet in packets for field in (0x80, 0, 0, 0, 0, packet.payload)]
        self._written: tuple[int, int] | None = None  # payload type and shift that the fields have
        self._structs: dict[int, struct.Struct] = {}  # by the length of the tag

    def __len__(self) -> int:
        return len(self.packets)

    def write(
        self, buffer: bytearray, at: int, tag: int, payload_type: int, sequence: int, shift: int, ssrc: int
    ) -> None:
        """Write the packets to `buffer[at:]`, one behind the other, from `sequence` on, with room for a tag each."""
        fields, count = self._fields, len(self.packets)
        if self._written != (payload_type, shift):
            self._written = payload_type, shift
            fields[1::FIELDS] = [packet.marker | payload_type for packet in self.packets]
            fields[3::FIELDS] = [(packet.rtp_time + shift) & 0xFFFF_FFFF for packet in self.packets]
        first = sequence & 0xFFFF
        numbers = range(first, first + count)
        fields[2::FIELDS] = numbers if first + count <= 0x1_0000 else [number & 0xFFFF for number in numbers]
        fields[4::FIELDS] = [ssrc] * count
        (self._structs.get(tag) or self._struct(tag)).pack_into(buffer, at, *fields)

    def _struct(self, tag: int) -> struct.Struct:
        parts = [f"{layout(len(packet.payload))}{tag}x" for packet in self.packets]
        found = self._structs[tag] = struct.Struct("!" + "".join(parts))
        return found


class Ring:
    """The packets of one rendition.  `next` is the number of the packet to come."""

    def __init__(self, rendition: int, codec: Codec, capacity: int = CAPACITY) -> None:
        self.rendition = rendition
        self.codec = codec
        self.clock = MediaClock(90_000)
        self.next = 0
        self.keyframe: int | None = None  # number of the first packet of the last keyframe
        self.keyframe_at = float("-inf")
        self.frames = 0
        self._capacity = capacity
        self._slots: list[Packet | None] = [None] * capacity
        self._runs: dict[tuple[int, int], list[Run]] = {}
        self._asked_at = float("-inf")
        self._ask = False
        self._last_time = 0
        self._by_arrival = False

    def add(self, picture: VideoOut, now: float) -> int:
        """Packetise a picture of the mixer; returns the number of its first packet."""
        self._by_arrival = False
        return self._append(picture.payload, picture.keyframe, self.clock.stamp(picture.tick, picture.rtp_time), now)

    def pass_on(self, payload: bytes, keyframe: bool, rtp_time: int, now: float) -> int:
        """The same for a site's own picture; `rtp_time`: when it is to be shown, on the timeline of all streams."""
        self._by_arrival = True
        return self._append(payload, keyframe, rtp_time, now)

    def rtp_time(self, now: float) -> int:
        """The RTP timestamp that belongs to `now`, for sender reports."""
        return round(now * 90_000) & 0xFFFF_FFFF if self._by_arrival else self.clock.at(now)

    def _append(self, payload: bytes, keyframe: bool, rtp_time: int, now: float) -> int:
        payloads = packetize.h264(payload) if self.codec == "H264" else packetize.vp8(payload, self.frames)
        first = self.next
        if not payloads:
            return first
        if self.frames and time_delta(rtp_time, self._last_time) < LEAST_STEP:
            rtp_time = (self._last_time + LEAST_STEP) & 0xFFFF_FFFF  # another source counts a little differently
        self._last_time = rtp_time
        self.frames += 1
        last = len(payloads) - 1
        for number, payload in enumerate(payloads):
            marker = 0x80 if number == last else 0
            self._slots[self.next % self._capacity] = Packet(12 + len(payload), marker, rtp_time, payload)
            self.next += 1
        self._runs.clear()
        if keyframe:
            self.keyframe, self.keyframe_at = first, now
            self._ask = False
        return first

    def get(self, number: int) -> Packet | None:
        """Packet `number`, or None when it is not (or no longer) held."""
        if not max(0, self.next - self._capacity) <= number < self.next:
            return None
        return self._slots[number % self._capacity]

    def holds(self, number: int) -> bool:
        return max(0, self.next - self._capacity) <= number < self.next

    def begin(self, now: float) -> int | None:
        """Where a joiner may begin at once: a keyframe fresh enough and still held; None: wait for the next."""
        if self.keyframe is None or now - self.keyframe_at >= KEYFRAME_FRESH or not self.holds(self.keyframe):
            return None
        return self.keyframe

    def runs(self, first: int, end: int) -> list[Run]:
        """Packets `first..end-1` in runs the kernel can cut itself: equal sizes, only the last may be shorter."""
        found = self._runs.get((first, end))
        if found is None:
            packets = [packet for number in range(first, end) if (packet := self.get(number)) is not None]
            found = self._runs[first, end] = into_runs(packets)
        return found

    # -- keyframe requests, merged over the viewers

    def want_keyframe(self) -> None:
        """A viewer cannot go on (or begin) without a keyframe."""
        self._ask = True

    def request_due(self, now: float) -> bool:
        """Whether to ask the mixer for a keyframe now; counts it as asked.  At least `REQUEST_GAP` apart."""
        if not self._ask or now - max(self._asked_at, self.keyframe_at) < REQUEST_GAP:
            return False
        self._asked_at = now
        return True


class KeyframeGrants:
    """How often one viewer may ask for a keyframe, which all viewers of its rendition pay for.

    At once, then half a second later, and ever more rarely, up to two seconds, while it goes on; as at first after four
    calm seconds.
    """

    __slots__ = ("_asked", "_gap", "_next")

    def __init__(self) -> None:
        self._asked = self._next = float("-inf")
        self._gap = GRANT_FIRST

    def grant(self, now: float) -> bool:
        if now - self._asked >= GRANT_CALM:
            self._gap = GRANT_FIRST
        self._asked = now
        if now < self._next:
            return False
        self._next, self._gap = now + self._gap, min(2 * self._gap, GRANT_LONGEST)
        return True


def into_runs(packets: Sequence[Packet]) -> list[Run]:
    """Cut a sequence of packets into runs of equal size whose last may be shorter."""
    runs: list[list[Packet]] = []
    run: list[Packet] = []
    total = 0
    for packet in packets:
        fits = (
            run
            and run[-1].size == run[0].size >= packet.size
            and len(run) < _MAX_RUN
            and total + packet.size + 16 <= _MAX_RUN_BYTES
        )
        if not fits:
            run = []
            runs.append(run)
            total = 0
        run.append(packet)
        total += packet.size + 16
    return [Run(packets) for packets in runs]
