"""Packets for the tests: RTP as bytes, Annex B pictures of any size."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from typing import cast

from mcu_core.relay.batch import Letter
from mcu_core.relay.ice_lite import Address
from mcu_core.relay.outlet import Socket


def rtp_packet(
    sequence: int,
    rtp_time: int = 0,
    payload: bytes = b"x",
    *,
    ssrc: int = 7,
    marker: bool = False,
    payload_type: int = 96,
    extensions: bytes = b"",
    profile: int = 0xBEDE,
    padding: int = 0,
) -> bytes:
    """`extensions` is the extension block's content, padded here to words."""
    first = 0x80 | (0x10 if extensions else 0) | (0x20 if padding else 0)
    head = struct.pack("!BBHII", first, marker << 7 | payload_type, sequence & 0xFFFF, rtp_time & 0xFFFF_FFFF, ssrc)
    if extensions:
        extensions += bytes(-len(extensions) % 4)
        head += struct.pack("!HH", profile, len(extensions) // 4) + extensions
    return head + payload + (bytes(padding - 1) + bytes((padding,)) if padding else b"")


def nal(kind: int, size: int, seed: int = 0) -> bytes:
    """A NAL unit without anything that looks like a start code, not ending in zero."""
    body = random.Random(seed * 1000 + size).randbytes(size).replace(b"\0", b"\1")
    return bytes((0x60 | kind,)) + body


def sps(width: int, height: int) -> bytes:
    """An H.264 sequence parameter set, constrained baseline, of whole macroblocks."""

    def ue(value: int) -> str:
        code = f"{value + 1:b}"
        return "0" * (len(code) - 1) + code

    counts = (0, 0, 2, 1)  # id, frame numbers, picture order, reference frames
    bits = "".join(map(ue, counts)) + "0" + ue(width // 16 - 1) + ue(height // 16 - 1) + "1" + "1001"
    bits += "0" * (-len(bits) % 8)
    return bytes((0x67, 66, 0xE0, 31)) + int(bits, 2).to_bytes(len(bits) // 8, "big")


def picture(size: int, keyframe: bool = False, seed: int = 0, width: int = 640, height: int = 352) -> bytes:
    """An Annex B picture; a keyframe has parameter sets."""
    units = [sps(width, height), nal(8, 4), nal(5, size, seed)] if keyframe else [nal(1, size, seed)]
    return b"".join(b"\0\0\0\1" + unit for unit in units)


class FakeSocket:
    """Keeps what is sent; `fail` is raised instead."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address]] = []
        self.calls = 0
        self.fail: OSError | None = None

    def sendto(self, data: memoryview, address: Address, /) -> int:
        self.calls += 1
        if self.fail is not None:
            raise self.fail
        self.sent.append((bytes(data), address))
        return len(data)

    def send_cut(self, data: memoryview, segment: int, address: Address) -> None:
        """Cuts like the kernel does (UDP_SEGMENT)."""
        self.calls += 1
        if self.fail is not None:
            raise self.fail
        self.sent += [(bytes(data[at : at + segment]), address) for at in range(0, len(data), segment)]

    @property
    def as_socket(self) -> Socket:
        return cast(Socket, self)


class FakeOutbox:
    """Gives what lies in the buffer to fake sockets."""

    def __init__(self, buffer: bytearray) -> None:
        self._view = memoryview(buffer)

    def send(self, sock: FakeSocket, letters: Sequence[Letter], segment: int = 0) -> list[tuple[int, OSError]]:
        errors = []
        for number, (address, at, size) in enumerate(letters):
            data = self._view[at : at + size]
            try:
                if segment:
                    sock.send_cut(data, segment, address)
                else:
                    sock.sendto(data, address)
            except OSError as error:
                errors.append((number, error))
        return errors
