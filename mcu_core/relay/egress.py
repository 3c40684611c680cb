"""What goes out: one shared ring per rendition, and per viewer only header, SRTP and one system call.

A viewer is a cursor in a ring.  When a picture comes, all viewers' cursors are moved on in turns: a few packets for
each, then the next turn, so that a keyframe for a hundred viewers neither bursts the socket nor keeps sound waiting
(sound never queues here).  All turns together are no faster than the machine's line: what its queue cannot hold is lost
without a word, for everybody.  A viewer that joins or changes rendition begins at a keyframe; until that is there the
old rendition flows on.  A NACK is answered from the shared ring.  Owned by the relay's event loop; takes `now`.
"""

from __future__ import annotations

import contextlib
import errno
import math
import random
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from mcu_core.relay import batch
from mcu_core.relay.aiortc_shim import MAX_DATAGRAM, Keys, Sealer
from mcu_core.relay.batch import Letter
from mcu_core.relay.ice_lite import Address
from mcu_core.relay.packetize import MAX_PAYLOAD
from mcu_core.relay.ring import LEAST_STEP, Packet, Ring, Run, packer
from mcu_core.relay.rtp import sequence_delta, time_delta
from mcu_core.wire import AudioOut

SLICE = 12  # packets of one viewer per turn: a keyframe comes as 25 Mbit/s at most, and no queue on its way overflows
LEAST_GAP = 0.001  # seconds: the loop's timers are no finer
SLICE_GAP = 0.005  # seconds between turns of a large picture
TURN = 400  # packets sent before the loop may do something else, at most
TURN_WORK = 0.002  # seconds of it, at most: of a slow processor
TURN_TIME = 0.004  # seconds of the line's rate that go out in a turn at most
RESEND_SHARE, RESEND_BURST = 1 / 3, 65_536  # of the octets sent, and octets: answers to one viewer's NACKs
HELD_BURST = 8_192  # octets of answers after a line was too narrow
RESEND_AGAIN = 0.006  # seconds from an answer to its copy, on a line that loses answers, too
DEFAULT_RTT = 0.1
_SOL_UDP, _UDP_SEGMENT = 17, 103


class Socket(Protocol):
    """The part of `socket.socket` that sends."""

    def sendto(self, data: memoryview, address: Address, /) -> int: ...

    def sendmsg(
        self, buffers: Iterable[memoryview], ancillary: Iterable[Any], flags: int, address: Address, /
    ) -> int: ...


class Outbox(Protocol):
    """Sends what lies in a buffer (`batch.Outbox`)."""

    def send(self, sock: Any, letters: Sequence[Letter], /) -> list[OSError]: ...


class Outlet:
    """Where one leg's packets go, and what went there.  `keys` is None until DTLS is done."""

    __slots__ = ("address", "gso", "keys", "octets", "packets", "sock")

    def __init__(self) -> None:
        self.keys: Keys | None = None
        self.sock: Socket | None = None
        self.address: Address = ()
        self.gso = True
        self.packets = 0
        self.octets = 0


class AudioSender:
    """One leg's outgoing sound."""

    __slots__ = ("octets", "outlet", "packets", "payload_type", "sequence", "ssrc")

    def __init__(self, outlet: Outlet, ssrc: int, payload_type: int) -> None:
        self.outlet = outlet
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.sequence = random.randrange(0x4000)
        self.packets = self.octets = 0


class VideoSender:
    """One leg's outgoing picture: a cursor in the ring it watches."""

    __slots__ = (
        "_budget",
        "_budget_at",
        "_last_time",
        "_resent",
        "cursor",
        "held",
        "keyframe_sent_at",
        "nacks",
        "octets",
        "offset",
        "outlet",
        "packets",
        "payload_type",
        "plis",
        "previous",
        "queued",
        "ring",
        "rtt",
        "rtx_payload_type",
        "rtx_sequence",
        "rtx_ssrc",
        "shift",
        "ssrc",
        "start",
        "target",
        "twice",
    )

    def __init__(
        self,
        outlet: Outlet,
        ssrc: int,
        payload_type: int,
        rtx_ssrc: int | None = None,
        rtx_payload_type: int | None = None,
    ) -> None:
        self.outlet = outlet
        self.ssrc, self.payload_type = ssrc, payload_type
        self.rtx_ssrc, self.rtx_payload_type = rtx_ssrc, rtx_payload_type
        self.rtx_sequence = random.randrange(0x4000)
        self.ring: Ring | None = None  # what it is sent
        self.target: Ring | None = None  # what it waits for; None: nothing
        self.cursor = 0  # number of the next packet to send
        self.start = 0  # where it began in this ring
        # sequence number = number in the ring + offset; begins below 2^15 (both sides then agree on the SRTP roll-over)
        self.offset = random.randrange(0x4000)
        self.shift = 0  # added to the ring's RTP times
        self.previous: tuple[Ring, int, int, int, int] | None = None  # ring, offset, shift, start, end before a change
        self._last_time: int | None = None
        self.queued = False
        self.rtt = DEFAULT_RTT
        self.packets = self.octets = 0
        self.nacks = self.plis = 0
        self.held = False  # too much for the line: nothing is sent until it enters a ring again
        self.twice = False  # answer each NACK with two copies
        self.keyframe_sent_at = float("-inf")
        self._resent: dict[int, float] = {}
        self._budget, self._budget_at = float(RESEND_BURST), 0  # octets; `octets` when it was last counted

    def enter(self, ring: Ring, number: int, now: float) -> None:
        """Continue at packet `number` (a keyframe) of `ring`, without a gap in the sequence numbers.

        RTP times go on, too: two renditions have pictures of the same tick, and a receiver would take packets with
        the same time for one picture.
        """
        self._retire()
        if self.held:  # what was too much is not sent again either
            self.held, self.previous = False, None
        self.offset -= number
        first = ring.get(number)
        self.shift = 0
        if first is not None and self._last_time is not None:
            ahead = time_delta(first.rtp_time, self._last_time)
            self.shift = max(0, LEAST_STEP - ahead)
        self.ring, self.target = ring, None
        self.cursor = self.start = number
        self.keyframe_sent_at = now
        self._resent.clear()

    def hold(self) -> None:
        """Send nothing before the next `enter`: neither what is on its turn nor answers to NACKs."""
        self.held = True
        self._budget = min(self._budget, HELD_BURST)

    def leave(self) -> None:
        """Send nothing from now on."""
        self._retire()
        self.ring = self.target = None

    def _retire(self) -> None:
        """Remember what was sent from the ring; `offset` becomes the next sequence number."""
        if self.ring is None:
            return
        self.previous = (self.ring, self.offset, self.shift, self.start, self.cursor)
        last = self.ring.get(self.cursor - 1) if self.cursor > self.start else None
        if last is not None:
            self._last_time = (last.rtp_time + self.shift) & 0xFFFF_FFFF
        self.offset += self.cursor

    def locate(self, sequence: int) -> tuple[Ring, int, int] | None:
        """The ring, the number in it and the shift with which it was sent as `sequence`; None when it never was."""
        if self.ring is not None:
            newest = self.cursor - 1
            number = newest + sequence_delta(sequence, (newest + self.offset) & 0xFFFF)
            if self.start <= number <= newest:
                return self.ring, number, self.shift
        if self.previous is not None:
            ring, offset, shift, start, end = self.previous
            number = end - 1 + sequence_delta(sequence, (end - 1 + offset) & 0xFFFF)
            if start <= number < end:
                return ring, number, shift
        return None

    def overtaken(self, ring: Ring, number: int, now: float) -> bool:
        """Whether a keyframe was sent after this packet: it shows all that the packet could.

        The last packets of a rendition that was left a moment ago are still answered.
        """
        if ring is not self.ring:
            return now - self.keyframe_sent_at > self.rtt + 0.1
        return ring.keyframe is not None and number < ring.keyframe < self.cursor

    def may_resend(self, sequence: int, size: int, now: float) -> bool:
        """Whether a NACK for `sequence` is answered: not twice for one trip of an answer, and within the budget.

        Who misses an answer asks again after what it takes for a round trip, which may be less than what we do.  The
        budget is a share of what is sent anyway: a line that is too narrow loses packets because there are too many,
        and answering every NACK would keep it so.
        """
        if now - self._resent.get(sequence, float("-inf")) < max(0.02, 0.75 * self.rtt):
            return False
        if not self.spend(size):
            return False
        if len(self._resent) >= 512:
            self._resent.clear()
        self._resent[sequence] = now
        return True

    def spend(self, size: int) -> bool:
        """Take so many octets from the budget of answers; False when it does not hold them."""
        self._budget = min(RESEND_BURST, self._budget + (self.octets - self._budget_at) * RESEND_SHARE)
        self._budget_at = self.octets
        if self._budget < size:
            return False
        self._budget -= size
        return True


class Egress:
    """Sends for all legs of the relay through one scratch buffer.

    `later(delay, call)` is the loop's `call_later`; a delay of 0 means after the other work at hand.  `rate_bps` is
    what the way out of this machine carries of pictures.
    """

    def __init__(
        self,
        later: Callable[[float, Callable[[], None]], object],
        gso: bool = True,
        rate_bps: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        outbox: Callable[[bytearray], Outbox] = batch.Outbox,
    ) -> None:
        self.sealer = Sealer()
        self._outbox = outbox(self.sealer.buffer)
        self.gso = gso
        self._octet_time = 8 / rate_bps
        self._packets_a_turn = max(SLICE, int(min(TURN, TURN_TIME * rate_bps / 8 / MAX_PAYLOAD)))
        self.packets = 0
        self.octets = 0
        self.dropped: dict[str, int] = {}
        self._later, self._clock = later, clock
        self._free_at = 0.0  # when what went out has left the machine
        self._turn: deque[VideoSender] = deque()
        self._behind: deque[VideoSender] = deque()
        self._scheduled = False
        self._segment: dict[int, list[tuple[int, int, bytes]]] = {}

    # -- video

    def push(self, senders: Iterable[VideoSender]) -> None:
        """Their rings have something new."""
        for sender in senders:
            if not sender.queued:
                sender.queued = True
                self._turn.append(sender)
        if not self._scheduled:
            wait = self._free_at - self._clock()  # another view's pictures may still be on their way out
            if wait < LEAST_GAP:
                self._pump()
            else:
                self._go_on(wait)

    def _pump(self) -> None:
        self._scheduled = False
        began = self._clock()
        budget, before = self._packets_a_turn, self.octets
        turn, behind = self._turn, self._behind
        until = began + TURN_WORK
        while turn and budget > 0 and self._clock() < until:
            sender = turn.popleft()
            budget -= self._advance(sender)
            ring, idle = sender.ring, sender.held or sender.outlet.keys is None
            if ring is not None and sender.cursor < ring.next and not idle:
                behind.append(sender)
            else:
                sender.queued = False
        self._free_at = max(self._free_at, began - LEAST_GAP) + (self.octets - before) * self._octet_time
        wait = max(0.0, self._free_at - self._clock())
        if not turn and behind:
            turn.extend(behind)
            behind.clear()
            wait = max(SLICE_GAP, wait)
        if turn:
            self._go_on(wait)

    def _go_on(self, wait: float) -> None:
        self._scheduled = True
        self._later(wait, self._pump)

    def _advance(self, sender: VideoSender) -> int:
        ring, outlet = sender.ring, sender.outlet
        if ring is None or outlet.keys is None or outlet.sock is None or sender.held:
            return 0
        first = sender.cursor
        if not ring.holds(first):
            if first < ring.next:  # it fell behind by a whole ring
                self._drop("egress_behind")
                sender.cursor = ring.next
                ring.want_keyframe()
            return 0
        end = min(ring.next, first + SLICE)
        number = first
        for run in ring.runs(first, end):
            self._send_run(sender, outlet, run, number)
            number += len(run)
        sender.cursor = end
        return end - first

    def _send_run(self, sender: VideoSender, outlet: Outlet, run: Run, number: int) -> None:
        seal, buffer, view = self.sealer.seal, self.sealer.buffer, self.sealer.view
        key, sock, address = outlet.keys.send, outlet.sock, outlet.address  # type: ignore[union-attr]
        payload_type, ssrc, shift = sender.payload_type, sender.ssrc, sender.shift
        sequence = number + sender.offset
        at = octets = 0
        count = len(run)
        together = self.gso and outlet.gso and count > 1
        for pack, size, marker, rtp_time, payload in run:
            stamp = (rtp_time + shift) & 0xFFFF_FFFF
            pack.pack_into(buffer, at, 0x80, marker | payload_type, sequence & 0xFFFF, stamp, ssrc, payload)
            sealed = seal(key, at, size)
            if sealed < 0:
                self._drop("srtp_refused")
                return
            octets += size
            if together:
                at += sealed
            else:
                try:
                    sock.sendto(view[:sealed], address)  # type: ignore[union-attr]
                except OSError as error:
                    self._send_failed(error)
                outlet.octets += sealed
            sequence += 1
        if together:
            first = run[0].size + sealed - run[-1].size
            segment = self._segment.get(first)
            if segment is None:
                segment = self._segment[first] = [(_SOL_UDP, _UDP_SEGMENT, struct.pack("=H", first))]
            try:
                sock.sendmsg((view[:at],), segment, 0, address)  # type: ignore[union-attr]
            except OSError as error:
                if error.errno in (errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.EOPNOTSUPP):
                    outlet.gso = False  # this way out cannot cut packets itself
                    self._one_by_one(outlet, view[:at], first)
                else:
                    self._send_failed(error)
            outlet.octets += at
        outlet.packets += count
        self.packets += count
        self.octets += octets
        sender.packets += count
        sender.octets += octets - 12 * count

    def _one_by_one(self, outlet: Outlet, data: memoryview, segment: int) -> None:
        for at in range(0, len(data), segment):
            try:
                outlet.sock.sendto(data[at : at + segment], outlet.address)  # type: ignore[union-attr]
            except OSError as error:
                self._send_failed(error)

    def resend(self, sender: VideoSender, sequences: Iterable[int], now: float) -> None:
        """Answer a NACK from the ring: as RTX where negotiated, else the same packet again."""
        outlet = sender.outlet
        if outlet.keys is None or outlet.sock is None or sender.held:
            return
        answered: list[tuple[int, Packet, int]] = []
        for sequence in sequences:
            sender.nacks += 1
            place = sender.locate(sequence)
            packet = place[0].get(place[1]) if place is not None else None
            if packet is None:
                self._drop("nack_unknown")
                continue
            if place is None or sender.overtaken(place[0], place[1], now):
                continue
            if not sender.may_resend(sequence, packet.size, now):
                continue
            answered.append((sequence, packet, (packet.rtp_time + place[2]) & 0xFFFF_FFFF))
            self._send_again(sender, *answered[-1])
        if sender.twice and answered:
            self._later(RESEND_AGAIN, lambda: self._send_copies(sender, answered))

    def _send_copies(self, sender: VideoSender, answered: list[tuple[int, Packet, int]]) -> None:
        """The same answers once more: an answer that is lost would cost the viewer another round trip, a freeze."""
        if sender.outlet.keys is None or sender.outlet.sock is None or sender.held:
            return
        for again in answered:
            if sender.spend(again[1].size):
                self._send_again(sender, *again)

    def _send_again(self, sender: VideoSender, sequence: int, packet: Packet, rtp_time: int) -> None:
        outlet = sender.outlet
        if sender.rtx_ssrc is not None and sender.rtx_payload_type is not None:
            payload = struct.pack("!H", sequence) + packet.payload
            sender.rtx_sequence = (sender.rtx_sequence + 1) & 0xFFFF
            second = packet.marker | sender.rtx_payload_type
            self._send_one(outlet, second, sender.rtx_sequence, rtp_time, sender.rtx_ssrc, payload)
        else:
            second = packet.marker | sender.payload_type
            self._send_one(outlet, second, sequence, rtp_time, sender.ssrc, packet.payload)

    def _send_one(self, outlet: Outlet, second: int, sequence: int, rtp_time: int, ssrc: int, payload: bytes) -> None:
        size = len(payload)
        packer(size).pack_into(self.sealer.buffer, 0, 0x80, second, sequence, rtp_time, ssrc, payload)
        self._seal_and_send(outlet, 12 + size)

    def _seal_and_send(self, outlet: Outlet, size: int) -> None:
        sealed = self.sealer.seal(outlet.keys.send, 0, size)  # type: ignore[union-attr]
        if sealed < 0:
            self._drop("srtp_refused")
            return
        try:
            outlet.sock.sendto(self.sealer.view[:sealed], outlet.address)  # type: ignore[union-attr]
        except OSError as error:
            self._send_failed(error)
        outlet.packets += 1
        outlet.octets += sealed
        self.packets += 1

    # -- audio

    def sound(self, sound: AudioOut, rtp_time: int, listeners: Iterable[tuple[int, AudioSender]]) -> None:
        """Send one tick of sound: to each `(site, sender)` its private packet if there is one, else the shared one.

        They are sealed one behind the other and sent with few calls, when the buffer is full and at the end.
        """
        seal, buffer = self.sealer.seal, self.sealer.buffer
        shared, private = sound.shared, sound.private
        pack, shared_size = packer(len(shared)).pack_into, 12 + len(shared)
        waiting: dict[Socket, list[Letter]] = {}
        at, end = 0, len(buffer) - MAX_DATAGRAM
        count = 0
        for site, sender in listeners:
            outlet = sender.outlet
            keys, sock = outlet.keys, outlet.sock
            if keys is None or sock is None:
                continue
            sender.sequence = sequence = (sender.sequence + 1) & 0xFFFF
            own = private.get(site) if private and site else None
            if own is not None:
                size = 12 + len(own)
                packer(len(own)).pack_into(buffer, at, 0x80, sender.payload_type, sequence, rtp_time, sender.ssrc, own)
            elif shared:
                size = shared_size
                pack(buffer, at, 0x80, sender.payload_type, sequence, rtp_time, sender.ssrc, shared)
            else:
                continue
            sealed = seal(keys.send, at, size)
            if sealed < 0:
                self._drop("srtp_refused")
                continue
            letters = waiting.get(sock)
            if letters is None:
                letters = waiting[sock] = []
            letters.append((outlet.address, at, sealed))
            sender.packets += 1
            sender.octets += size - 12
            outlet.packets += 1
            outlet.octets += sealed
            count += 1
            at += sealed
            if at > end:
                self._send(waiting)
                at = 0
        self._send(waiting)
        self.packets += count

    def _send(self, waiting: dict[Socket, list[Letter]]) -> None:
        """Send what is sealed; the buffer is free then."""
        for sock, letters in waiting.items():
            for error in self._outbox.send(sock, letters):
                self._send_failed(error)
        waiting.clear()

    # -- RTCP

    def report(self, outlet: Outlet, packet: bytes) -> None:
        """Send one compound RTCP packet."""
        if outlet.keys is None or outlet.sock is None:
            return
        size = len(packet)
        self.sealer.view[:size] = packet
        sealed = self.sealer.seal_rtcp(outlet.keys.send, 0, size)
        if sealed < 0:
            self._drop("srtp_refused")
            return
        try:
            outlet.sock.sendto(self.sealer.view[:sealed], outlet.address)
        except OSError as error:
            self._send_failed(error)

    def _send_failed(self, error: OSError) -> None:
        """One peer's send error never reaches the shared loop; the packet counts as lost on the way."""
        self._drop("send_buffer_full" if isinstance(error, BlockingIOError) else "send_failed")

    def _drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


def probe_gso() -> bool:
    """Whether the kernel cuts one send into datagrams (UDP_SEGMENT): tried once over loopback."""
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sender = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        try:
            receiver.bind(("127.0.0.1", 0))
            receiver.setblocking(False)
            segment = [(_SOL_UDP, _UDP_SEGMENT, struct.pack("=H", 100))]
            sender.sendmsg((bytes(250),), segment, 0, receiver.getsockname())
            return [len(receiver.recv(1500)) for _ in range(3)] == [100, 100, 50]
        except OSError:
            return False
