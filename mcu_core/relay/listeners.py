"""Who hears one conference.  What all of them are sent in a tick is laid out as the rows of one table.

Six thousand packets of sound a second, of a hundred octets each: what Python does for each of them costs as much as
sealing it.  So the headers of all rows are kept, and a tick changes whole columns.  Owned by the relay's event loop.
"""

from __future__ import annotations

import random
import struct
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from mcu_core.relay.aiortc_shim import TAG, Keys
from mcu_core.relay.ice_lite import Address
from mcu_core.relay.outlet import Outlet, Socket
from mcu_core.relay.ring import FIELDS, layout
from mcu_core.relay.rtp import HEADER_SIZE
from mcu_core.wire import AudioOut

MOST = 64  # rows of a part: the longest Opus packets of so many fill two thirds of the buffer
_STEP = 64  # octets: so there are few widths of rows


class AudioSender:
    """One leg's outgoing sound; a row of the table it is in."""

    __slots__ = ("_first", "_octets", "_packets", "_part", "_row", "outlet", "payload_type", "ssrc")

    def __init__(self, outlet: Outlet, ssrc: int, payload_type: int) -> None:
        self.outlet = outlet
        self.ssrc = ssrc
        self.payload_type = payload_type
        self._first = random.randrange(0x4000)
        self._part: Part | None = None
        self._row = self._packets = self._octets = 0  # what was sent before `_part`

    def enter(self, part: Part, row: int) -> None:
        """From now on it is sent as that row."""
        self._packets, self._octets = self.packets, self.octets
        self._part, self._row = part, row

    @property
    def packets(self) -> int:
        return self._packets + (self._part.ticks if self._part is not None else 0)

    @property
    def octets(self) -> int:
        """Of payload."""
        return self._octets + (self._part.octets_of(self._row) if self._part is not None else 0)

    @property
    def wire_octets(self) -> int:
        """As sent, with headers and tags."""
        return self.octets + self.packets * (HEADER_SIZE + TAG)

    @property
    def sequence(self) -> int:
        """The sequence number of the last packet."""
        return (self._first + self.packets) & 0xFFFF


class Part:
    """Rows that go out through one socket.  `ticks` were sent."""

    def __init__(self, sock: Socket, rows: Sequence[tuple[int, AudioSender, Keys]]) -> None:
        self.sock = sock
        self.addresses: list[Address] = [sender.outlet.address for _, sender, _ in rows]
        self.keys = [keys.send for _, _, keys in rows]
        self._held = [keys for _, _, keys in rows]  # what `keys` point into
        self.sizes = array("i")
        self.pitch = 0
        self.ticks = 0
        self._rows: dict[int, list[int]] = {}  # by site
        self._fields: list[Any] = []
        for row, (site, sender, _) in enumerate(rows):
            if site:
                self._rows.setdefault(site, []).append(row)
            self._fields += (0x80, sender.payload_type, 0, 0, sender.ssrc, b"")
            sender.enter(self, row)
        self._before = [sender.sequence for _, sender, _ in rows]  # the sequence numbers that were sent last
        self._structs: dict[int, struct.Struct] = {}  # by pitch
        self._octets = 0
        self._more = [0] * len(rows)  # octets by which a row's own packets were longer than the shared ones

    def set(self, sound: AudioOut, rtp_time: int, pitch: int) -> None:
        """The next tick's columns."""
        fields, count, shared = self._fields, len(self.keys), sound.shared
        self.pitch = pitch
        self.ticks += 1
        ticks = self.ticks
        fields[2::FIELDS] = [(before + ticks) & 0xFFFF for before in self._before]
        fields[3::FIELDS] = [rtp_time] * count
        fields[5::FIELDS] = [shared] * count
        self.sizes = array("i", (HEADER_SIZE + len(shared),)) * count
        self._octets += len(shared)
        for site, own in sound.private.items():
            for row in self._rows.get(site, ()):
                fields[FIELDS * row + 5] = own
                self.sizes[row] = HEADER_SIZE + len(own)
                self._more[row] += len(own) - len(shared)

    def write(self, buffer: bytearray) -> None:
        """Write the rows, one every `pitch` octets."""
        found = self._structs.get(self.pitch)
        if found is None:
            rows = layout(self.pitch - HEADER_SIZE) * len(self.keys)
            found = self._structs[self.pitch] = struct.Struct("!" + rows)
        found.pack_into(buffer, 0, *self._fields)

    def octets_of(self, row: int) -> int:
        """Octets of payload sent as that row."""
        return self._octets + self._more[row]


class Listeners:
    """`(site, sender)` of all legs that listen; site 0 has no private sound."""

    def __init__(self, listeners: Iterable[tuple[int, AudioSender]] = ()) -> None:
        self._all = list(listeners)
        self._outlets = [sender.outlet for _, sender in self._all]
        self._ways: tuple[list[Any], ...] = ()  # how they were reached when the parts were made
        self._parts: list[Part] = []

    def tick(self, sound: AudioOut, rtp_time: int) -> list[Part]:
        """What is to be sent now; nothing when the encoder had nothing to give."""
        if not sound.shared:
            return []
        outlets = self._outlets
        ways = [o.keys for o in outlets], [o.sock for o in outlets], [o.address for o in outlets]
        if ways != self._ways:  # mostly the very same objects, which takes no time to see
            self._ways = ways
            self._parts = self._divide()
        longest = max(map(len, (sound.shared, *sound.private.values())))
        pitch = -(-(HEADER_SIZE + longest + TAG) // _STEP) * _STEP
        for part in self._parts:
            part.set(sound, rtp_time, pitch)
        return self._parts

    def _divide(self) -> list[Part]:
        reached: dict[Socket, list[tuple[int, AudioSender, Keys]]] = {}
        for site, sender in self._all:
            outlet = sender.outlet
            if outlet.keys is not None and outlet.sock is not None:
                reached.setdefault(outlet.sock, []).append((site, sender, outlet.keys))
        return [
            Part(sock, rows[first : first + MOST])
            for sock, rows in reached.items()
            for first in range(0, len(rows), MOST)
        ]
