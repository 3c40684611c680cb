"""Many datagrams with one system call: recvmmsg(2) and sendmmsg(2), through ctypes.

One by one, half of what receiving a datagram costs, and a quarter of sending one, is the call itself and the text its
address is made to or from.  For 64-bit Linux, whose structures are spelled out here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
from array import array
from collections.abc import Sequence

from mcu_core.relay.ice_lite import Address

MAX_KNOWN = 4096  # addresses whose text is kept; beyond them all are forgotten, so a flood of strangers fills nothing

_NAME = struct.Struct("28s")  # a sockaddr_in6; a sockaddr_in and zeros
_IN, _IN6 = struct.Struct("!2xH4s"), struct.Struct("!2xHI16s")
_SCOPE, _SCOPE_AT = struct.Struct("=I"), 24
_FAMILY = struct.Struct("=H")
_CONTROL, _PADDING = struct.Struct("=QiiH6x"), 6  # struct cmsghdr, the size of a segment, filled up (cmsg(3))
_SOL_UDP, _UDP_SEGMENT = 17, 103


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


_libc = ctypes.CDLL(None, use_errno=True)
_recvmmsg, _sendmmsg = _libc.recvmmsg, _libc.sendmmsg
_recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
_sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)

Letter = tuple[Address, int, int]  # whom to, where it begins in the buffer, octets


class _Messages:
    """`count` messages of one part each; `names`, `parts` and `sizes` are what the kernel reads and writes."""

    def __init__(self, count: int) -> None:
        self.names = bytearray(_NAME.size * count)
        self._parts = bytearray(ctypes.sizeof(_Iovec) * count)
        self._messages = bytearray(ctypes.sizeof(_Message) * count)
        self._control = bytearray(_CONTROL.size)  # of all
        for number, message in enumerate((_Message * count).from_buffer(self._messages)):
            message.name, message.name_length = _at(self.names) + _NAME.size * number, _NAME.size
            message.parts, message.part_count = _at(self._parts) + ctypes.sizeof(_Iovec) * number, 1
            message.control = _at(self._control)
        self.parts = memoryview(self._parts).cast("Q")  # an address and a length each
        words, step = memoryview(self._messages).cast("I"), ctypes.sizeof(_Message) // 4
        self.sizes = words[_Message.size.offset // 4 :: step]
        self._control_lengths = words[_Message.control_length.offset // 4 :: step]  # the upper half stays 0
        self._segment = 0
        self.at = _at(self._messages)

    def cut(self, segment: int) -> None:
        """Let the kernel cut all messages into datagrams of so many octets; 0: into none."""
        if segment == self._segment:
            return
        if not segment or not self._segment:
            length = len(self._control) if segment else 0
            self._control_lengths[:] = memoryview(array("I", [length]) * len(self._control_lengths))
        self._segment = segment
        _CONTROL.pack_into(self._control, 0, _CONTROL.size - _PADDING, _SOL_UDP, _UDP_SEGMENT, segment)


class Inbox:
    """Receives from one socket into `slots`, a datagram into each.

    What is longer than its slot is cut.  The socket must outlive it; slots may be shared.
    """

    def __init__(self, sock: socket.socket, slots: Sequence[bytearray]) -> None:
        self._descriptor = sock.fileno()
        self._slots = slots  # kept: the kernel writes to them
        self._messages = _Messages(len(slots))
        for number, slot in enumerate(slots):
            self._messages.parts[2 * number], self._messages.parts[2 * number + 1] = _at(slot), len(slot)
        self._known: dict[bytes, Address] = {}

    def receive(self) -> list[tuple[int, Address]]:
        """What has arrived, in the slots' order: octets and where each comes from.

        An error the socket tells, of some peer, ends the call like an empty queue; the next one goes on.
        """
        messages = self._messages
        count = _recvmmsg(self._descriptor, messages.at, len(self._slots), socket.MSG_DONTWAIT, None)
        sizes, names = messages.sizes[: max(0, count)].tolist(), _NAME.iter_unpack(messages.names)
        known = self._known
        return [(size, known.get(name) or self._learn(name)) for size, (name,) in zip(sizes, names, strict=False)]

    def _learn(self, name: bytes) -> Address:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        address = self._known[name] = address_of(name)
        return address


class Outbox:
    """Sends datagrams that lie in `buffer`, which must not be resized."""

    def __init__(self, buffer: bytearray, room: int = 64) -> None:
        self._buffer = buffer
        self._start = _at(buffer)
        self._room = room
        self._messages = _Messages(room)
        self._names: dict[Address, bytes] = {}

    def send(self, sock: socket.socket, letters: Sequence[Letter], segment: int = 0) -> list[tuple[int, OSError]]:
        """Send all; returns which could not be sent, and why.

        With `segment` the kernel cuts each into datagrams of so many octets, the last perhaps shorter (udp(7),
        UDP_SEGMENT).
        """
        errors: list[tuple[int, OSError]] = []
        self._messages.cut(segment)
        for first in range(0, len(letters), self._room):
            for number, error in self._send(sock.fileno(), letters[first : first + self._room]):
                errors.append((first + number, error))
        return errors

    def _send(self, descriptor: int, letters: Sequence[Letter]) -> list[tuple[int, OSError]]:
        known, start, messages = self._names, self._start, self._messages
        names: list[bytes] = []
        parts: list[int] = []
        for address, at, size in letters:
            names.append(known.get(address) or self._learn(address))
            parts += (start + at, size)
        messages.names[: _NAME.size * len(names)] = b"".join(names)
        messages.parts[: len(parts)] = array("Q", parts)
        errors: list[tuple[int, OSError]] = []
        done = 0
        while done < len(letters):
            first = messages.at + done * ctypes.sizeof(_Message)
            sent = _sendmmsg(descriptor, first, len(letters) - done, socket.MSG_DONTWAIT)
            if sent < 0:  # the first of them fails; those behind it may have another way
                number = ctypes.get_errno()
                errors.append((done, OSError(number, os.strerror(number))))
            done += max(1, sent)
        return errors

    def _learn(self, address: Address) -> bytes:
        if len(self._names) >= MAX_KNOWN:
            self._names.clear()
        name = self._names[address] = name_of(address)
        return name


def probe_gso() -> bool:
    """Whether the kernel cuts one message into datagrams: tried once over loopback."""
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sender = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        try:
            receiver.bind(("127.0.0.1", 0))
            receiver.setblocking(False)
            failed = Outbox(bytearray(250), room=1).send(sender, [(receiver.getsockname(), 0, 250)], 100)
            return not failed and [len(receiver.recv(1500)) for _ in range(3)] == [100, 100, 50]
        except OSError:
            return False


def address_of(name: bytes) -> Address:
    """The kernel's address (28 octets, padded) as the socket module tells it."""
    if _FAMILY.unpack_from(name)[0] == socket.AF_INET6:
        port, flow, host = _IN6.unpack_from(name)
        return socket.inet_ntop(socket.AF_INET6, host), port, flow, _SCOPE.unpack_from(name, _SCOPE_AT)[0]
    port, host = _IN.unpack_from(name)
    return socket.inet_ntop(socket.AF_INET, host), port


def name_of(address: Address) -> bytes:
    """The reverse of `address_of`: 28 octets."""
    if len(address) > 2:
        host, port, flow, scope = address
        name = _IN6.pack(port, flow, socket.inet_pton(socket.AF_INET6, host)) + _SCOPE.pack(scope)
        return _FAMILY.pack(socket.AF_INET6) + name[2:]
    host, port = address
    return (_FAMILY.pack(socket.AF_INET) + _IN.pack(port, socket.inet_pton(socket.AF_INET, host))[2:]).ljust(28, b"\0")


def _at(buffer: bytearray) -> int:
    """The address of a buffer, which must not be resized while it is used."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
