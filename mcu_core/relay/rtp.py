"""RTP headers, header extensions and the arithmetic of wrapping counters (RFC 3550, 8285, 6464, 4588).

Everything here works on the bytes of one packet in a caller's buffer and allocates nothing but the returned
tuple.  Malformed input gives None, never an exception: the bytes come from the network.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER_SIZE = 12
FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
_FIRST_ELEMENT = struct.Struct("!HHBB")  # profile, words, tag and first octet of the first element
_ONE_BYTE, _TWO_BYTE = 0xBEDE, 0x1000

Buffer = bytes | bytearray | memoryview
Fixed = tuple[int, int, int, int, int]  # as `FIXED` reads it: V P X CC, M PT, sequence, rtp_time, ssrc


class Header(NamedTuple):
    """One packet's header; `start`, `end` bound the payload, `ext`, `ext_end` the extension block (0, 0: none)."""

    marker: bool
    payload_type: int
    sequence: int
    rtp_time: int
    ssrc: int
    start: int
    end: int
    profile: int
    ext: int
    ext_end: int


def parse(data: Buffer, size: int) -> Header | None:
    """Read the header of the packet in `data[:size]`.  None when it is not a whole RTP packet."""
    if size < HEADER_SIZE:
        return None
    first, second, sequence, rtp_time, ssrc = FIXED.unpack_from(data)
    if first & 0xC0 != 0x80:
        return None
    start = HEADER_SIZE + 4 * (first & 0x0F)
    profile = ext = ext_end = 0
    if first & 0x10:
        if size < start + 4:
            return None
        profile, words = _EXTENSION.unpack_from(data, start)
        ext = start + 4
        start = ext_end = ext + 4 * words
    end = size
    if first & 0x20:
        padding = data[size - 1]
        if padding == 0:
            return None
        end -= padding
    if start > end:
        return None
    return Header(bool(second & 0x80), second & 0x7F, sequence, rtp_time, ssrc, start, end, profile, ext, ext_end)


def bounds(data: Buffer, size: int) -> tuple[int, int]:
    """Where the payload of the packet in `data[:size]` begins and ends; (0, 0) when it is not a whole RTP packet.

    The quick way for packets whose header fields are read where they are used.
    """
    if size >= HEADER_SIZE and data[0] == 0x80:
        return HEADER_SIZE, size
    if size >= HEADER_SIZE + 4 and data[0] == 0x90:  # an extension, and neither padding nor contributors
        start = HEADER_SIZE + 4 + 4 * (data[14] << 8 | data[15])
        return (start, size) if start <= size else (0, 0)
    header = parse(data, size)
    return (0, 0) if header is None else (header.start, header.end)


def extension(data: Buffer, header: Header, wanted: int) -> tuple[int, int] | None:
    """Where the header extension with id `wanted` lies in `data`: `(at, length)`; None if the packet has none."""
    return _element(data, header.profile, header.ext, header.ext_end, wanted)


def _element(data: Buffer, profile: int, at: int, end: int, wanted: int) -> tuple[int, int] | None:
    if profile == _ONE_BYTE:
        while at < end:
            tag = data[at]
            at += 1
            if tag == 0:
                continue
            number, length = tag >> 4, (tag & 0x0F) + 1
            if number == 15 or at + length > end:
                return None
            if number == wanted:
                return at, length
            at += length
    elif profile & 0xFFF0 == _TWO_BYTE:
        while at + 1 < end:
            number = data[at]
            if number == 0:
                at += 1
                continue
            length = data[at + 1]
            at += 2
            if at + length > end:
                return None
            if number == wanted:
                return at, length
            at += length
    return None


def audio_level(data: Buffer, size: int, wanted: int) -> int:
    """The client-to-mixer audio level (RFC 6464) of the packet in `data[:size]`: its octet, -1 if it has none.

    The low 7 bits are the level in -dBov, the high bit tells voice.  Reads the header only, which SRTP leaves clear.
    """
    first = data[0]
    if first == 0x90 and size >= HEADER_SIZE + 8:  # as browsers send it: the first element
        profile, words, tag, octet = _FIRST_ELEMENT.unpack_from(data, HEADER_SIZE)
        if tag == wanted << 4 and profile == _ONE_BYTE and 0 < words <= (size - HEADER_SIZE - 4) >> 2:
            level: int = octet
            return level
    at = HEADER_SIZE + 4 * (first & 0x0F)
    if not first & 0x10 or size < at + 8:
        return -1
    end = at + 4 + 4 * (data[at + 2] << 8 | data[at + 3])
    if end > size or end == at + 4:
        return -1
    found = _element(data, data[at] << 8 | data[at + 1], at + 4, end, wanted)
    return -1 if found is None or found[1] < 1 else data[found[0]]


def sequence_delta(later: int, earlier: int) -> int:
    """How far `later` is ahead of `earlier`, -32768..32767."""
    return ((later - earlier + 0x8000) & 0xFFFF) - 0x8000


def time_delta(later: int, earlier: int) -> int:
    """How far the RTP timestamp `later` is ahead of `earlier`, -2^31..2^31-1."""
    return ((later - earlier + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


def unwrap(sequence: int, near: int) -> int:
    """The extended sequence number (any size) whose low 16 bits are `sequence` and which is nearest to `near`."""
    return near + sequence_delta(sequence, near & 0xFFFF)


class MediaClock:
    """Maps the mixer's RTP times onto one timeline that all streams of this machine share: `tick * rate`.

    The mixer's `rtp_time` is followed exactly from packet to packet (a sound decoder hears a step of one sample), but a
    restarted mixer counts from somewhere else: past `tolerance` seconds off the timeline the clock is set again,
    never backwards.
    """

    def __init__(self, rate: int, tolerance: float = 0.2) -> None:
        self.rate = rate
        self._tolerance = int(tolerance * rate)
        self._offset: int | None = None
        self._last = 0
        self._tick = 0.0

    def stamp(self, tick: float, rtp_time: int) -> int:
        """The RTP timestamp to send for `rtp_time` of the mixer, taken at `tick`."""
        ideal = round(tick * self.rate)
        if self._offset is None or abs(time_delta(rtp_time + self._offset, ideal)) > self._tolerance:
            start = ideal
            if self._offset is not None and 0 <= self._last - ideal < 10 * self._tolerance:
                start = self._last + 1
            self._offset = start - rtp_time
        wire = (rtp_time + self._offset) & 0xFFFF_FFFF
        self._last = ideal + time_delta(wire, ideal)
        self._tick = tick
        return wire

    def at(self, now: float) -> int:
        """The RTP timestamp that belongs to `now`, for sender reports."""
        if self._offset is None:
            return round(now * self.rate) & 0xFFFF_FFFF
        return (self._last + round((now - self._tick) * self.rate)) & 0xFFFF_FFFF
