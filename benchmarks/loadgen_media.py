"""What a load generator's legs send: pre-encoded loops cut into RTP payloads once, and the way back for received ones.

H.264 as RFC 6184, packetization-mode 1: single NAL units, FU-A, and STAP-A for the parameter sets.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from endpoint_client.loops import SoundLoop, VideoLoop, sound_loop, video_loop

PAYLOAD = 1200  # bytes of an RTP payload at most
UNMARKED = 1000  # number on the plates of legs whose picture nobody measures
VOICED = 0x80
START_CODE = b"\x00\x00\x00\x01"


@dataclass(frozen=True, slots=True)
class Film:
    """A video loop as RTP payloads.  Begins with its only keyframe."""

    frames: tuple[tuple[bytes, ...], ...]
    frame_rate: int
    kbps: float


@dataclass(frozen=True, slots=True)
class Tape:
    """A sound loop: RTP header extension (audio level, RFC 6464, id 1) and payload of each packet, joined."""

    bodies: tuple[bytes, ...]


@functools.lru_cache(maxsize=256)
def film(site: int, width: int, height: int, frame_rate: int) -> Film:
    """The loop of a site, with the grain of a camera.  Takes 50-100 ms for 320x180@15."""
    loop = video_loop("H264", site, width, height, frame_rate, grain=10, keyframe_seconds=4)
    return cut(loop)


def cut(loop: VideoLoop) -> Film:
    return Film(tuple(tuple(payloads(frame)) for frame in loop.payloads), loop.frame_rate, loop.kbps)


@functools.lru_cache(maxsize=256)
def tape(site: int, speaks: bool) -> Tape:
    """Talk (one of a few voices) or silence, at 24 kbit/s."""
    loop: SoundLoop = sound_loop("babble", site % 8, 24_000) if speaks else sound_loop("silence", 0, 24_000)
    return Tape(tuple(levelled(level, packet) for level, packet in zip(loop.levels, loop.packets, strict=True)))


@functools.lru_cache(maxsize=64)
def tone_tape(site: int) -> Tape:
    """A site's steady tone."""
    loop = sound_loop("tone", site)
    return Tape(tuple(levelled(level, packet) for level, packet in zip(loop.levels, loop.packets, strict=True)))


def levelled(level_dbov: int, packet: bytes) -> bytes:
    """A packet behind the header extension that tells its level."""
    voiced = VOICED if level_dbov > -60 else 0
    return bytes((0xBE, 0xDE, 0, 1, 1 << 4, voiced | -level_dbov, 0, 0)) + packet


def nal_units(annex_b: bytes) -> list[bytes]:
    """NAL units of an Annex B frame, without start codes."""
    return [unit.rstrip(b"\x00") for unit in annex_b.replace(START_CODE, START_CODE[1:]).split(START_CODE[1:]) if unit]


def payloads(annex_b: bytes) -> list[bytes]:
    """RTP payloads of one frame."""
    out: list[bytes] = []
    small: list[bytes] = []

    def flush() -> None:
        if len(small) == 1:
            out.append(small[0])
        elif small:
            importance = max(unit[0] & 0x60 for unit in small)
            out.append(bytes((importance | 24,)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in small))
        small.clear()

    for unit in nal_units(annex_b):
        if len(unit) > PAYLOAD:
            flush()
            indicator, kind = unit[0] & 0x60 | 28, unit[0] & 0x1F
            body = unit[1:]
            count = -(-len(body) // (PAYLOAD - 2))
            size = -(-len(body) // count)
            for index in range(count):
                edge = 0x80 * (index == 0) | 0x40 * (index == count - 1)
                out.append(bytes((indicator, edge | kind)) + body[index * size : (index + 1) * size])
        elif unit[0] & 0x1F in (6, 7, 8):  # SEI and parameter sets travel together
            small.append(unit)
        else:
            flush()
            out.append(unit)
    flush()
    return out


def assemble(received: list[bytes]) -> bytes:
    """Annex B frame of the payloads of one frame, in order.  Raises ValueError on a malformed payload."""
    out = bytearray()
    for payload in received:
        if len(payload) < 2:
            raise ValueError("short H.264 payload")
        kind = payload[0] & 0x1F
        if kind == 28:
            if payload[1] & 0x80:
                out += START_CODE
                out.append(payload[0] & 0xE0 | payload[1] & 0x1F)
            out += payload[2:]
        elif kind == 24:
            at = 1
            while at + 2 <= len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                out += START_CODE + payload[at + 2 : at + 2 + size]
                at += 2 + size
        elif 1 <= kind <= 23:
            out += START_CODE + payload
        else:
            raise ValueError(f"H.264 payload of unknown kind {kind}")
    return bytes(out)


def is_keyframe(annex_b: bytes) -> bool:
    return any(unit[0] & 0x1F == 5 for unit in nal_units(annex_b))
