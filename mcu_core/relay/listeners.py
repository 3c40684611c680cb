"""Who hears one conference.  What all of them are sent in a tick is laid out as the rows of one table.

Six thousand packets of sound a second, of a hundred octets each: what Python does for each of them costs more than
sealing it.  So the headers of all rows are kept, and a tick changes whole columns.  Owned by the relay's event loop.
"""

from __future__ import annotations

import random
import struct
from array import array
from collections.abc import Iterable
from typing import Any

from mcu_core.relay.aiortc_shim import Keys
from mcu_core.relay.ice_lite import Address
from mcu_core.relay.outlet import Outlet, Socket
from mcu_core.wire import AudioOut

MOST = 64  # rows of a part: the longest Opus packets of so many fill two thirds of the buffer
_TAG = 16  # octets after a packet, at most
_STEP = 64  # rows begin at lines of the processor's cache, and there are few widths
_FIELDS = 6  # of a row: those of the header (RFC 3550, section 5.1) and the payload
_HEADER = 12


class AudioSender:
    """One leg's outgoing sound.  `packets`, and `octets` of payload, are what was sent by the last `settle`."""

    __slots__ = ("octets", "outlet", "packets", "payload_type", "sequence", "ssrc")

    def __init__(self, outlet: Outlet, ssrc: int, payload_type: int) -> None:
        self.outlet = outlet
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.sequence = random.randrange(0x4000)
        self.packets = self.octets = 0


class Part:
    """Rows that go out through one socket."""

    def __init__(self, sock: Socket, rows: list[tuple[int, AudioSender]]) -> None:
        self.sock = sock
        self.senders = [sender for _, sender in rows]
        self.addresses: list[Address] = [sender.outlet.address for sender in self.senders]
        self._held: list[Keys] = [sender.outlet.keys for sender in self.senders if sender.outlet.keys is not None]
        self.keys = [keys.send for keys in self._held]  # points into what is held
        self.sizes = array("i")
        self.pitch = 0
        self._sites: dict[int, list[int]] = {}
        for row, (site, _) in enumerate(rows):
            if site:
                self._sites.setdefault(site, []).append(row)
        self._sequences = [sender.sequence for sender in self.senders]
        self._fields: list[Any] = [
            field for sender in self.senders for field in (0x80, sender.payload_type, 0, 0, sender.ssrc, b"")
        ]
        self._structs: dict[int, struct.Struct] = {}  # by pitch
        self._ticks = self._octets = 0
        self._more = [0] * len(rows)  # octets by which a row's own packets were longer than the shared ones

    def set(self, sound: AudioOut, rtp_time: int, pitch: int) -> None:
        """The next tick's columns."""
        fields, count, shared = self._fields, len(self.senders), sound.shared
        self.pitch = pitch
        self._sequences = sequences = [(sequence + 1) & 0xFFFF for sequence in self._sequences]
        fields[2::_FIELDS] = sequences
        fields[3::_FIELDS] = [rtp_time] * count
        fields[5::_FIELDS] = [shared] * count
        self.sizes = array("i", (_HEADER + len(shared),)) * count
        self._ticks += 1
        self._octets += len(shared)
        for site, own in sound.private.items():
            for row in self._sites.get(site, ()):
                fields[_FIELDS * row + 5] = own
                self.sizes[row] = _HEADER + len(own)
                self._more[row] += len(own) - len(shared)

    def write(self, buffer: bytearray) -> None:
        """Write the rows, one every `pitch` octets."""
        found = self._structs.get(self.pitch)
        if found is None:
            row = f"BBHII{self.pitch - _HEADER}s"
            found = self._structs[self.pitch] = struct.Struct("!" + row * len(self.senders))
        found.pack_into(buffer, 0, *self._fields)

    def settle(self) -> None:
        """Tell the senders and their outlets what was sent since the last time."""
        ticks, octets = self._ticks, self._octets
        rows = zip(self.senders, self._held, self._sequences, self._more, strict=True)
        for sender, keys, sequence, more in rows:
            sender.sequence = sequence
            sender.packets += ticks
            sender.octets += octets + more
            sender.outlet.octets += octets + more + (_HEADER + keys.tag) * ticks
        self._ticks = self._octets = 0
        self._more = [0] * len(self._more)


class Listeners:
    """`(site, sender)` of all legs that listen; site 0 has no private sound."""

    def __init__(self, listeners: Iterable[tuple[int, AudioSender]] = ()) -> None:
        self._all = list(listeners)
        self._outlets = [sender.outlet for _, sender in self._all]
        self._ways: tuple[list[Any], ...] = ()  # how they were reached when the parts were made
        self._parts: list[Part] = []

    def tick(self, sound: AudioOut, rtp_time: int) -> list[Part]:
        """What is to be sent now."""
        outlets = self._outlets
        ways = [o.keys for o in outlets], [o.sock for o in outlets], [o.address for o in outlets]
        if ways != self._ways:  # mostly the very same objects, which takes no time to see
            self._ways = ways
            self._part()
        longest = max(map(len, (sound.shared, *sound.private.values())))
        pitch = -(-(_HEADER + longest + _TAG) // _STEP) * _STEP
        for part in self._parts:
            part.set(sound, rtp_time, pitch)
        return self._parts

    def _part(self) -> None:
        self.settle()
        reached: dict[Socket, list[tuple[int, AudioSender]]] = {}
        for site, sender in self._all:
            outlet = sender.outlet
            if outlet.keys is not None and outlet.sock is not None:
                reached.setdefault(outlet.sock, []).append((site, sender))
        self._parts = [
            Part(sock, rows[first : first + MOST])
            for sock, rows in reached.items()
            for first in range(0, len(rows), MOST)
        ]

    def settle(self) -> None:
        """Bring the senders' figures, and their outlets', up to date."""
        for part in self._parts:
            part.settle()
