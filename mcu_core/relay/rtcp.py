"""RTCP: what browsers report and ask for, and what the relay does (RFC 3550, 4585, 5104; REMB: draft-alvestrand-rmcat).

Parsing yields values for what the relay acts on and skips the rest; a malformed tail ends the compound packet there.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")
_FEEDBACK = struct.Struct("!II")
_MAX_LOST = 1024  # sequence numbers taken from one NACK packet


@dataclass(frozen=True, slots=True)
class Block:
    """One report block: how a receiver gets the stream `ssrc`.  `fraction` is 0..1 over the last interval."""

    ssrc: int
    fraction: float
    lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int  # 64-bit NTP time
    rtp_time: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Nack:
    media_ssrc: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """PLI or FIR."""

    media_ssrc: int


@dataclass(frozen=True, slots=True)
class Remb:
    bitrate_bps: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]


Message = Block | SenderReport | Nack | KeyframeRequest | Remb | Bye


def parse(data: bytes | bytearray | memoryview, size: int) -> list[Message]:
    """What the compound packet in `data[:size]` says, in order."""
    messages: list[Message] = []
    at = 0
    while at + 4 <= size:
        first, kind, words = _HEADER.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first & 0xC0 != 0x80 or end > size:
            break
        body, stop, count = at + 4, end, first & 0x1F
        if first & 0x20:
            stop -= data[end - 1]
        if stop >= body:
            _parse_one(data, kind, count, body, stop, messages)
        at = end
    return messages


def _parse_one(
    data: bytes | bytearray | memoryview, kind: int, count: int, at: int, end: int, out: list[Message]
) -> None:
    if kind == SR:
        if end - at >= _SENDER.size:
            ssrc, ntp, rtp_time, packets, octets = _SENDER.unpack_from(data, at)
            out.append(SenderReport(ssrc, ntp, rtp_time, packets, octets))
            _parse_blocks(data, count, at + _SENDER.size, end, out)
    elif kind == RR:
        _parse_blocks(data, count, at + 4, end, out)
    elif kind == BYE:
        fits = min(count, (end - at) // 4)
        out.append(Bye(struct.unpack_from(f"!{fits}I", data, at)))
    elif kind in (RTPFB, PSFB) and end - at >= _FEEDBACK.size:
        media = _FEEDBACK.unpack_from(data, at)[1]
        fci = at + _FEEDBACK.size
        if kind == RTPFB and count == 1:
            lost: list[int] = []
            while fci + 4 <= end and len(lost) < _MAX_LOST:
                first, mask = struct.unpack_from("!HH", data, fci)
                lost.append(first)
                lost.extend((first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1)
                fci += 4
            out.append(Nack(media, tuple(lost)))
        elif kind == PSFB and count == 1:
            out.append(KeyframeRequest(media))
        elif kind == PSFB and count == 4:
            out.extend(KeyframeRequest(struct.unpack_from("!I", data, i)[0]) for i in range(fci, end - 7, 8))
        elif kind == PSFB and count == 15 and end - fci >= 8 and bytes(data[fci : fci + 4]) == b"REMB":
            number, high, low = struct.unpack_from("!BBH", data, fci + 4)
            number = min(number, (end - fci - 8) // 4)
            bitrate = (((high & 3) << 16) | low) << (high >> 2)
            out.append(Remb(bitrate, struct.unpack_from(f"!{number}I", data, fci + 8)))


def _parse_blocks(data: bytes | bytearray | memoryview, count: int, at: int, end: int, out: list[Message]) -> None:
    for _ in range(count):
        if at + _BLOCK.size > end:
            return
        ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(data, at)
        lost = loss & 0xFFFFFF
        out.append(
            Block(ssrc, (loss >> 24) / 256, lost - (lost >> 23 << 24), highest, jitter, lsr, dlsr),
        )
        at += _BLOCK.size


# --------------------------------------------------------------------------------------------------- building


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _pack_blocks(blocks: Sequence[Block]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            b.ssrc,
            (min(255, int(b.fraction * 256)) << 24) | (max(-0x800000, min(0x7FFFFF, b.lost)) & 0xFFFFFF),
            b.highest & 0xFFFF_FFFF,
            b.jitter & 0xFFFF_FFFF,
            b.lsr,
            b.dlsr & 0xFFFF_FFFF,
        )
        for b in blocks[:31]
    )


def sender_report(report: SenderReport, blocks: Sequence[Block] = ()) -> bytes:
    head = _SENDER.pack(
        report.ssrc, report.ntp, report.rtp_time, report.packets & 0xFFFF_FFFF, report.octets & 0xFFFF_FFFF
    )
    return _packet(SR, min(31, len(blocks)), head + _pack_blocks(blocks))


def receiver_report(ssrc: int, blocks: Sequence[Block] = ()) -> bytes:
    return _packet(RR, min(31, len(blocks)), struct.pack("!I", ssrc) + _pack_blocks(blocks))


def source_description(ssrc: int, cname: str) -> bytes:
    """One chunk only: some parsers (aiortc 1.16) lose their way between two."""
    name = cname.encode()[:255]
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name + b"\0"
    return _packet(SDES, 1, chunk + bytes(-len(chunk) % 4))


def nack(ssrc: int, media_ssrc: int, lost: Sequence[int]) -> bytes:
    """Ask for the sequence numbers `lost` (ascending in sequence order, not empty)."""
    pairs: list[list[int]] = []
    for sequence in lost:
        ahead = (sequence - pairs[-1][0]) & 0xFFFF if pairs else 0
        if 1 <= ahead <= 16:
            pairs[-1][1] |= 1 << (ahead - 1)
        else:
            pairs.append([sequence & 0xFFFF, 0])
    body = _FEEDBACK.pack(ssrc, media_ssrc) + b"".join(struct.pack("!HH", *pair) for pair in pairs)
    return _packet(RTPFB, 1, body)


def pli(ssrc: int, media_ssrc: int) -> bytes:
    return _packet(PSFB, 1, _FEEDBACK.pack(ssrc, media_ssrc))


def remb(ssrc: int, bitrate_bps: int, ssrcs: Sequence[int]) -> bytes:
    """Receiver's estimated maximum bitrate for all of `ssrcs` together."""
    exponent, mantissa = 0, bitrate_bps
    while mantissa > 0x3FFFF:
        mantissa >>= 1
        exponent += 1
    head = struct.pack("!BBH", len(ssrcs), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
    return _packet(PSFB, 15, _FEEDBACK.pack(ssrc, 0) + b"REMB" + head + struct.pack(f"!{len(ssrcs)}I", *ssrcs))


def tmmbr(ssrc: int, media_ssrc: int, bitrate_bps: int, overhead: int = 40) -> bytes:
    """Temporary maximum media bitrate request (RFC 5104, section 4.2.1); `overhead`: octets a packet below RTP."""
    exponent, mantissa = 0, bitrate_bps
    while mantissa > 0x1FFFF:
        mantissa >>= 1
        exponent += 1
    return _packet(RTPFB, 3, struct.pack("!IIII", ssrc, 0, media_ssrc, exponent << 26 | mantissa << 9 | overhead))


def ntp_time(wall: float) -> int:
    """64-bit NTP time of `wall` seconds since 1970."""
    return int((wall + NTP_EPOCH) * 2**32) & 0xFFFF_FFFF_FFFF_FFFF


def ntp_seconds(ntp: int) -> float:
    """Seconds since 1900 of a 64-bit NTP time."""
    return ntp / 2**32


def round_trip(block: Block, now_ntp: int) -> float | None:
    """Seconds from our report to the other side and back (RFC 3550, section 6.4.1); None when it tells nothing."""
    if block.lsr == 0:
        return None
    units = ((now_ntp >> 16) - block.lsr - block.dlsr) & 0xFFFF_FFFF
    return units / 65536 if units < 30 * 65536 else None
