"""What goes out: one shared ring per rendition, and per viewer only headers and SRTP.

A viewer is a cursor in a ring.  When a picture comes, all viewers' cursors are moved on in turns: a few packets for
each, written, sealed and sent for some tens of viewers at a time, then the next turn, so that a keyframe for a hundred
viewers neither bursts the socket nor keeps sound waiting (sound never queues here).  All turns together are no faster
than the machine's line: what its queue cannot hold is lost without a word, for everybody.  A viewer that joins or
changes rendition begins at a keyframe; until that is there the old rendition flows on.  A NACK is answered from the
shared ring.  Owned by the relay's event loop; takes `now`.
"""

from __future__ import annotations

import errno
import math
import random
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from mcu_core.relay import batch
from mcu_core.relay.aiortc_shim import Sealer
from mcu_core.relay.batch import Letter
from mcu_core.relay.listeners import Listeners
from mcu_core.relay.outlet import Outlet, Socket
from mcu_core.relay.packetize import MAX_PAYLOAD
from mcu_core.relay.ring import LEAST_STEP, Packet, Ring, Run, packer
from mcu_core.relay.rtp import sequence_delta, time_delta
from mcu_core.wire import AudioOut

SLICE = 12  # packets of one viewer per turn: a keyframe comes as 25 Mbit/s at most, and no queue on its way overflows
LEAST_GAP = 0.001  # seconds: the loop's timers are no finer
SLICE_GAP = 0.005  # seconds between turns of a large picture
TURN = 400  # packets sent before the loop may do something else, at most
TURN_WORK = 0.002  # seconds after which nothing more is begun in it: of a slow processor
TOGETHER = 84  # packets of a group of viewers, which go out together: the buffer holds no more of the longest
TURN_TIME = 0.004  # seconds of the line's rate that go out in a turn at most
RESEND_SHARE, RESEND_BURST = 1 / 3, 65_536  # of the octets sent, and octets: answers to one viewer's NACKs
HELD_BURST = 8_192  # octets of answers after a line was too narrow
RESEND_AGAIN = 0.006  # seconds from an answer to its copy, on a line that loses answers, too
DEFAULT_RTT = 0.1


class Outbox(Protocol):
    """Sends what lies in a buffer (`batch.Outbox`)."""

    def send(self, sock: Any, letters: Sequence[Letter], segment: int = 0, /) -> list[tuple[int, OSError]]: ...


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

    @property
    def ready(self) -> bool:
        """Whether something can be sent."""
        outlet = self.outlet
        return outlet.keys is not None and outlet.sock is not None and not self.held

    def beside(self, other: VideoSender) -> bool:
        """Whether it gets the same packets next as `other`, which is ready, and in the same way."""
        if self.ring is not other.ring or self.cursor != other.cursor or self.held:
            return False
        outlet, their = self.outlet, other.outlet
        if outlet.keys is None or their.keys is None or outlet.keys.tag != their.keys.tag:
            return False
        return outlet.sock is their.sock and outlet.gso == their.gso

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

    # -- video

    def push(self, senders: Iterable[VideoSender]) -> None:
        """Their rings have something new."""
        fresh = [sender for sender in senders if not sender.queued]
        for sender in fresh:
            sender.queued = True
        self._turn.extend(sorted(fresh, key=_socket_of))  # one socket's behind another's: they go out together
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
            group = self._next_group(budget)
            budget -= self._advance(group)
            for sender in group:
                if sender.ring is not None and sender.cursor < sender.ring.next and sender.ready:
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

    def _next_group(self, budget: int) -> list[VideoSender]:
        """The next in turn and those behind it that are to get the same packets, as far as buffer and budget reach."""
        turn = self._turn
        first = turn.popleft()
        group = [first]
        ring = first.ring
        if ring is not None and first.ready:
            count = max(1, min(SLICE, ring.next - first.cursor))
            most = min(budget, TOGETHER) // count
            while turn and len(group) < most and turn[0].beside(first):
                group.append(turn.popleft())
        return group

    def _advance(self, group: list[VideoSender]) -> int:
        """Send the next slice to all of a group; returns how many packets that were."""
        sender = group[0]
        ring, first = sender.ring, sender.cursor
        if ring is None or not sender.ready:
            return 0
        if not ring.holds(first):
            if first < ring.next:  # they fell behind by a whole ring
                for late in group:
                    self._drop("egress_behind")
                    late.cursor = ring.next
                ring.want_keyframe()
            return 0
        end = min(ring.next, first + SLICE)
        number = first
        for run in ring.runs(first, end):
            self._send_run(group, run, number)
            number += len(run)
        for sent in group:
            sent.cursor = end
        return (end - first) * len(group)

    def _send_run(self, group: list[VideoSender], run: Run, number: int) -> None:
        """Write, seal and send the packets of a run, from `number` on, to all of a group.

        Each step for all: one step after the other for each would find nothing of the last time in the caches.
        """
        buffer, count = self.sealer.buffer, len(run)
        outlet = group[0].outlet
        tag: int = outlet.keys.tag  # type: ignore[union-attr]
        pitch = run.sizes[0] + tag
        step = pitch * count
        keys: list[Any] = []
        for place, sender in enumerate(group):
            sequence = number + sender.offset
            run.write(buffer, place * step, tag, sender.payload_type, sequence, sender.shift, sender.ssrc)
            keys += [sender.outlet.keys.send] * count  # type: ignore[union-attr]
        sealed = self.sealer.seal_rows(keys, pitch, run.sizes * len(group))
        places = list(zip(group, range(0, step * len(group), step), strict=True))
        if min(sealed) < 0:
            places = [(s, at) for s, at in places if min(sealed[at // pitch : at // pitch + count]) >= 0]
            self._drop("srtp_refused", count * (len(group) - len(places)))
        octets, payload = run.octets + tag * count, run.octets - 12 * count
        for sender, _ in places:
            sender.packets += count
            sender.octets += payload
            sender.outlet.octets += octets
        self.packets += count * len(places)
        self.octets += run.octets * len(places)
        letters = [(sender.outlet.address, at, octets) for sender, at in places]
        if not (self.gso and outlet.gso and count > 1):
            self._mail(outlet.sock, _cut(letters, pitch))
            return
        for place, error in self._outbox.send(outlet.sock, letters, pitch):
            if error.errno in (errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.EOPNOTSUPP):
                places[place][0].outlet.gso = False  # this way out cannot cut packets itself
                self._mail(outlet.sock, _cut(letters[place : place + 1], pitch))
            else:
                self._send_failed(error)

    def _mail(self, sock: Socket | None, letters: list[Letter]) -> None:
        for _, error in self._outbox.send(sock, letters):
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
        outlet.octets += sealed
        self.packets += 1

    # -- audio

    def sound(self, sound: AudioOut, rtp_time: int, listeners: Listeners) -> None:
        """Send one tick of sound: to each site its private packet if there is one, else the shared one.

        They are written, sealed and sent all together, or many at a time.
        """
        sealer = self.sealer
        for part in listeners.tick(sound, rtp_time):
            part.write(sealer.buffer)
            sealed = sealer.seal_rows(part.keys, part.pitch, part.sizes)
            places = range(0, part.pitch * len(sealed), part.pitch)
            letters = list(zip(part.addresses, places, sealed, strict=True))
            if min(sealed) < 0:
                letters = [letter for letter in letters if letter[2] > 0]
                self._drop("srtp_refused", len(sealed) - len(letters))
            self._mail(part.sock, letters)
            self.packets += len(letters)

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

    def _drop(self, reason: str, count: int = 1) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + count


def _socket_of(sender: VideoSender) -> int:
    return id(sender.outlet.sock)


def _cut(letters: Sequence[Letter], pitch: int) -> list[Letter]:
    """A letter for each packet of those that hold some."""
    return [
        (address, at + start, min(pitch, size - start))
        for address, at, size in letters
        for start in range(0, size, pitch)
    ]
