"""Encoded pictures cut into RTP payloads: H.264 (RFC 6184, packetization-mode 1) and VP8 (RFC 7741).

A picture is cut into pieces of equal size (only the last may be shorter), because the kernel can then send them in
one system call per receiver (UDP segmentation offload), and no packet is nearly empty.
"""

from __future__ import annotations

MAX_PAYLOAD = 1200
_STAP_A, _FU_A = 24, 28


def split_annex_b(data: bytes) -> list[memoryview]:
    """The NAL units of an Annex B byte stream, without start codes and trailing zeros; empty ones are left out."""
    view = memoryview(data)
    marks = []
    at = data.find(b"\0\0\1")
    while at >= 0:
        marks.append(at)
        at = data.find(b"\0\0\1", at + 3)
    units = []
    for number, mark in enumerate(marks):
        end = marks[number + 1] if number + 1 < len(marks) else len(data)
        while end > mark + 3 and data[end - 1] == 0:
            end -= 1
        if end > mark + 3:
            units.append(view[mark + 3 : end])
    return units


def h264(data: bytes, limit: int = MAX_PAYLOAD) -> list[bytes]:
    """Payloads of one Annex B access unit.  Small units travel together (STAP-A), large ones are cut (FU-A)."""
    payloads: list[bytes] = []
    together: list[memoryview] = []
    size = 1

    def flush() -> None:
        nonlocal size
        if len(together) == 1:
            payloads.append(bytes(together[0]))
        elif together:
            importance = max(unit[0] & 0x60 for unit in together)
            parts = [bytes((importance | _STAP_A,))]
            for unit in together:
                parts += (len(unit).to_bytes(2, "big"), bytes(unit))
            payloads.append(b"".join(parts))
        together.clear()
        size = 1

    for unit in split_annex_b(data):
        if unit[0] & 0x1F == 9:  # access unit delimiter: the marker bit says the same
            continue
        if len(unit) > limit:
            flush()
            payloads += _fragments(unit, limit)
            continue
        if size + 2 + len(unit) > limit:
            flush()
        together.append(unit)
        size += 2 + len(unit)
    flush()
    return payloads


def _fragments(unit: memoryview, limit: int) -> list[bytes]:
    indicator, kind = unit[0] & 0x60 | _FU_A, unit[0] & 0x1F
    body = unit[1:]
    step = _even(len(body), limit - 2)
    last = (len(body) - 1) // step * step
    return [
        bytes((indicator, kind | (0x80 if at == 0 else 0) | (0x40 if at == last else 0))) + body[at : at + step]
        for at in range(0, len(body), step)
    ]


def vp8(data: bytes, picture_id: int, limit: int = MAX_PAYLOAD) -> list[bytes]:
    """Payloads of one VP8 frame with a 15-bit picture id (RFC 7741, section 4.2)."""
    identity = (0x8000 | picture_id & 0x7FFF).to_bytes(2, "big")
    first, other = b"\x90\x80" + identity, b"\x80\x80" + identity
    step = _even(len(data), limit - 4)
    return [(other if at else first) + data[at : at + step] for at in range(0, len(data), step)]


def _even(size: int, limit: int) -> int:
    """The length of the pieces when `size` bytes are cut into as few equal pieces of at most `limit` as possible."""
    pieces = max(1, -(-size // limit))
    return max(1, -(-size // pieces))
