"""How large a picture an encoded frame claims to hold, read before any decoder allocates for it.

H.264: sequence parameter sets in an Annex B frame (ITU-T H.264, sections 7.3.2.1.1 and 7.4.2.1.1).
VP8: the uncompressed header of a keyframe (RFC 6386, section 9.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal

_SPS = 7
_SETS = 8  # parameter sets of one frame that are looked at: a hostile one may hold a hundred thousand
_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


def coded_sizes(codec: Literal["H264", "VP8"], frame: bytes) -> tuple[tuple[int, int], ...]:
    """(width, height) of the first few pictures that a frame makes room for.  Raises ValueError on a broken one."""
    if codec == "H264":
        return tuple(islice(h264_sizes(frame), _SETS))
    size = vp8_size(frame)
    return () if size is None else (size,)


def h264_sizes(frame: bytes) -> Iterator[tuple[int, int]]:
    """Coded (width, height) of every sequence parameter set in an Annex B frame.  Raises ValueError on a broken one."""
    at = frame.find(b"\0\0\1")
    while at >= 0:
        at += 3
        if at < len(frame) and frame[at] & 31 == _SPS:
            end = frame.find(b"\0\0\1", at)
            yield _sps_size(frame[at + 1 : end if end >= 0 else len(frame)])
        at = frame.find(b"\0\0\1", at)


def vp8_size(frame: bytes) -> tuple[int, int] | None:
    """(width, height) of a VP8 keyframe; None for another frame, which cannot change them.  Raises ValueError."""
    if not frame:
        raise ValueError("an empty VP8 frame")
    if frame[0] & 1:
        return None
    if len(frame) < 10 or frame[3:6] != b"\x9d\x01\x2a":
        raise ValueError("a VP8 keyframe without its start code")
    return int.from_bytes(frame[6:8], "little") & 0x3FFF, int.from_bytes(frame[8:10], "little") & 0x3FFF


def _sps_size(sps: bytes) -> tuple[int, int]:
    bits = _Bits(sps.replace(b"\0\0\3", b"\0\0"))
    profile = bits.take(8)
    bits.take(16)  # constraints and level
    bits.ue()  # id
    chroma = 1
    if profile in _WITH_CHROMA:
        chroma = bits.ue()
        if chroma == 3:
            bits.take(1)  # separate colour planes
        bits.ue(), bits.ue(), bits.take(1)  # bit depths, lossless bypass
        if bits.take(1):
            for i in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if i < 6 else 64)
    bits.ue()  # log2_max_frame_num - 4
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.take(1), bits.se(), bits.se()
        cycle = bits.ue()
        if cycle > 255:
            raise ValueError("a picture order cycle over 255")
        for _ in range(cycle):
            bits.se()
    bits.ue(), bits.take(1)  # reference frames, gaps
    width, height = bits.ue() + 1, bits.ue() + 1
    frames_only = bits.take(1)
    return width * 16, height * 16 * (2 - frames_only)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


class _Bits:
    """Reads most significant bits first and Exp-Golomb codes (H.264, section 9.1)."""

    def __init__(self, data: bytes) -> None:
        data = data[:1024]  # far more than the part of a parameter set that is read
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("a sequence parameter set that ends too early")
        return (self._value >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise ValueError("an Exp-Golomb code over 32 bits")
        return (1 << zeros) - 1 + self.take(zeros)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
