"""Many datagrams with one system call: recvmmsg(2), through ctypes.

One by one, half of what receiving a datagram costs is the call itself and the text made of its address.  Linux only.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence
from typing import Any

from mcu_core.relay.ice_lite import Address

MAX_KNOWN = 4096  # addresses whose text is kept; beyond them all are forgotten, so a flood of strangers fills nothing

_NAME = struct.Struct("28s")  # a sockaddr_in6; a sockaddr_in and zeros
_IN, _IN6 = struct.Struct("!2xH4s"), struct.Struct("!2xHI16s")
_SCOPE, _SCOPE_AT = struct.Struct("=I"), 24
_FAMILY = struct.Struct("=H")


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """struct mmsghdr, with the msghdr at its beginning spelled out."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("parts", ctypes.c_void_p),
        ("part_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("_", ctypes.c_int),
        ("size", ctypes.c_uint32),
    )


_recvmmsg = ctypes.CDLL(None).recvmmsg
_recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)


class Inbox:
    """Receives from one socket into `slots`, a datagram into each.

    What is longer than its slot is cut.  The socket and the slots must outlive it; slots may be shared.
    """

    def __init__(self, sock: socket.socket, slots: Sequence[bytearray]) -> None:
        self._descriptor = sock.fileno()
        self._count = len(slots)
        self._names = bytearray(_NAME.size * self._count)
        self._messages = bytearray(ctypes.sizeof(_Message) * self._count)
        parts = (_Iovec * self._count)(*((_at(slot), len(slot)) for slot in slots))
        messages = (_Message * self._count).from_buffer(self._messages)
        for number, message in enumerate(messages):
            message.name, message.name_length = _at(self._names) + _NAME.size * number, _NAME.size
            message.parts, message.part_count = ctypes.addressof(parts[number]), 1
        step = ctypes.sizeof(_Message) // 4
        self._sizes = memoryview(self._messages).cast("I")[_Message.size.offset // 4 :: step]
        self._known: dict[bytes, Address] = {}
        self._at = ctypes.addressof(messages)
        self._alive: Any = (slots, parts, messages)  # the kernel writes to them

    def receive(self) -> list[tuple[int, Address]]:
        """What has arrived, in the slots' order: octets and where each comes from.

        An error the socket tells, of some peer, ends the call like an empty queue; the next one goes on.
        """
        count = _recvmmsg(self._descriptor, self._at, self._count, socket.MSG_DONTWAIT, None)
        sizes, names = self._sizes[: max(0, count)].tolist(), _NAME.iter_unpack(self._names)
        known = self._known
        return [(size, known.get(name) or self._learn(name)) for size, (name,) in zip(sizes, names, strict=False)]

    def _learn(self, name: bytes) -> Address:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        address = self._known[name] = address_of(name)
        return address


def address_of(name: bytes) -> Address:
    """The kernel's address (28 octets, padded) as the socket module tells it."""
    if _FAMILY.unpack_from(name)[0] == socket.AF_INET6:
        port, flow, host = _IN6.unpack_from(name)
        return socket.inet_ntop(socket.AF_INET6, host), port, flow, _SCOPE.unpack_from(name, _SCOPE_AT)[0]
    port, host = _IN.unpack_from(name)
    return socket.inet_ntop(socket.AF_INET, host), port


def _at(buffer: bytearray) -> int:
    """The address of a buffer, which must not be resized while it is used."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
