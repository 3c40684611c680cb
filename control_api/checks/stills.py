"""The still picture of a check: a JPEG within bounds.  Only its headers are read; nothing here decodes it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from control_api.problems import Refused

MOST_BYTES = 180_000  # as base64 within a request's 256 KiB, below the 200 KB a sheet may carry
MOST_PIXELS = 1920
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn, ITU-T T.81, table B.1
_BARE = frozenset(range(0xD0, 0xD8)) | {0x01}  # markers without a segment


@dataclass(frozen=True, slots=True)
class Still:
    jpeg: bytes
    width: int
    height: int


def read_still(text: str) -> Still:
    """From base64.  Raises Refused `bad_still`."""
    try:
        jpeg = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_still() from None
    size = jpeg_size(jpeg)
    if len(jpeg) > MOST_BYTES or size is None or not all(0 < side <= MOST_PIXELS for side in size):
        raise bad_still()
    return Still(jpeg, *size)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height by the frame header; None when this is not a whole JPEG."""
    if not data.startswith(b"\xff\xd8") or not data.rstrip(b"\x00").endswith(b"\xff\xd9"):
        return None
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _BARE:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _SIZES:
            if length < 8 or at + 9 > len(data):
                return None
            height, width = (int.from_bytes(data[at + 5 + 2 * n : at + 7 + 2 * n], "big") for n in (0, 1))
            return width, height
        if marker == 0xDA or length < 2:
            return None
        at += 2 + length
    return None


def bad_still() -> Refused:
    return Refused(
        "bad_still",
        f"Ảnh chụp phải là JPEG, không quá {MOST_BYTES // 1000} KB và {MOST_PIXELS} điểm ảnh mỗi cạnh.",
        f"The still must be a JPEG of at most {MOST_BYTES // 1000} KB and {MOST_PIXELS} pixels a side.",
    )
