"""Inbound video: packets of one SSRC put in order, asked for again when lost, assembled to whole frames.

A frame is complete at its marker bit, not when the next one begins (that would cost a frame interval).  A hole is
asked for again (NACK) on a timer of about one round trip, three times where the third answer can come in time, else
twice; on a line that loses much each time with two packets, for it loses these, too.  A hole that stays open for
`GIVE_UP` seconds, on a longer line until that answer, is given up: frames are skipped up to the next keyframe, and a
keyframe is asked for (PLI), never more often than every 0.5 s and less and less often.  Frames nobody wants are not
assembled at all, nor is what comes between two stills (`stills.py`).

No sockets, no clock: `receive` and `service` take `now`; frames leave by the callback given.  Owned by the leg.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mcu_core.relay import depacketize
from mcu_core.relay.reception import Reception
from mcu_core.relay.rtp import Buffer, Fixed, bounds, unwrap
from mcu_core.wire import Codec

GIVE_UP = 0.2  # seconds an open hole holds up the picture, at least
THIRD_TRY = 0.8  # and at most, if a third answer comes within it
FIRST_NACK = 0.008  # reordered packets come by themselves within this
TRIES = 3
NACK_GAP = 0.045  # seconds between two tries, at least, so that three outlast an outage of 90 ms
ECHO = 0.012  # seconds between the two packets of a try; senders ignore the second if they have answered the first
MAX_WAITING = 768  # packets behind a hole
FEW_HOLES = 8  # that are worth repairing on a line that is full
MAX_HOLES = 256  # more than this is an outage, not loss
MAX_FRAME_PACKETS = 1024
MAX_FRAME_BYTES = 2 * 1024 * 1024
PLI_FIRST, PLI_GROWTH, PLI_LONGEST = 0.5, 1.5, 4.0

OnFrame = Callable[[bool, int, bytes, float], None]  # keyframe, rtp_time, payload, arrived


class KeyframeAsker:
    """Rate limit of the PLIs for one stream: at most every 0.5 s, growing while they are not answered."""

    def __init__(self) -> None:
        self.wanted = False
        self.sent = 0
        self._next = 0.0
        self._gap = PLI_FIRST

    def want(self) -> None:
        self.wanted = True

    def due(self, now: float) -> bool:
        """Whether to send a PLI now; counts it as sent."""
        if not self.wanted or now < self._next:
            return False
        self._next = now + self._gap
        self._gap = min(self._gap * PLI_GROWTH, PLI_LONGEST)
        self.sent += 1
        return True

    def arrived(self, now: float) -> None:
        """A keyframe has come."""
        self.wanted = False
        self._gap = PLI_FIRST
        self._next = min(self._next, now + PLI_FIRST)


@dataclass(slots=True)
class _Hole:
    since: float
    ask_at: float
    until: float  # given up then
    tries: int = 0
    echo_at: float = float("inf")


_Packet = tuple[int, bool, bytes]  # rtp_time, marker, payload


class VideoIngest:
    """One video SSRC of a site (and its retransmission SSRC)."""

    def __init__(
        self, ssrc: int, codec: Codec, on_frame: OnFrame, on_trouble: Callable[[], None] = lambda: None
    ) -> None:
        self.reception = Reception(ssrc, 90_000)
        self.keyframes = KeyframeAsker()
        self.wanted = False  # somebody sees it
        self.stills = False  # as single keyframes only: `need_keyframe` has the next one taken
        self.open = False  # packets are looked into
        self.frames = 0  # handed on
        self.nacks = 0
        self.repaired = 0  # packets that came as retransmissions
        self.dropped: dict[str, int] = {}
        self._on_frame = on_frame
        self._on_trouble = on_trouble  # `service` has something to do
        self._assemble = depacketize.h264 if codec == "H264" else depacketize.vp8
        self._starts_keyframe = depacketize.h264_starts_keyframe if codec == "H264" else depacketize.vp8_starts_keyframe
        self._sets = depacketize.ParameterSets() if codec == "H264" else None
        self._next = -1  # extended sequence number expected next; -1: begin with the next packet
        self._top = -1  # highest one taken so far
        self._holes: dict[int, _Hole] = {}
        self._waiting: dict[int, _Packet] = {}
        self._frame: list[bytes] = []
        self._frame_bytes = 0
        self._frame_time = 0
        self._broken = True  # frames depend on one that is missing: only a keyframe helps

    @property
    def troubled(self) -> bool:
        """Whether `service` has something to do."""
        return bool(self._holes) or self.keyframes.wanted

    def want(self, wanted: bool) -> None:
        """Whether anybody sees this stream.  When it is wanted again, a keyframe is asked for at once."""
        if wanted == self.wanted:
            return
        self.wanted = wanted
        if wanted:
            self._begin(KeyframeAsker())
        else:
            self._shut()

    def show_stills(self, stills: bool) -> None:
        """Whether single keyframes are enough for those who see it.  If not, one is asked for at once."""
        if stills == self.stills:
            return
        self.stills = stills
        if stills:
            self._shut()
        elif self.wanted and not self.open:
            self._begin(KeyframeAsker())

    def need_keyframe(self) -> None:
        """The decoder needs a keyframe, or it is time for a still."""
        if not self.wanted:
            return
        if not self.open:
            self._begin(self.keyframes)
        self.keyframes.want()
        self._on_trouble()

    def _begin(self, keyframes: KeyframeAsker) -> None:
        """Look into packets from now on, for a keyframe first."""
        self._forget()
        if self.reception.highest >= 0:  # packets of the keyframe to come are missed when they are lost
            self._next, self._top = self.reception.highest + 1, self.reception.highest
        self.open, self.keyframes = True, keyframes
        self.keyframes.want()
        self._on_trouble()

    def _shut(self) -> None:
        self.open = self.keyframes.wanted = False
        self._forget()

    # -- packets

    def skim(self, data: Buffer, size: int, head: Fixed, now: float) -> bool:
        """Count a packet with the header `head` that may end unopened: nobody is to see it."""
        if self.open:
            return False
        self.reception.hear(head[2], head[3], now)
        return True

    def receive(self, data: Buffer, size: int, head: Fixed, now: float) -> None:
        """A packet of the primary SSRC in `data[:size]` with the header `head`, authenticated."""
        start, end = bounds(data, size)
        if not start:
            return
        _, second, sequence, rtp_time, _ = head
        extended = self.reception.hear(sequence, rtp_time, now)
        if not self.open:
            return
        payload = bytes(data[start:end])
        if extended == self._next and not self._waiting and not self._holes:
            self._next, self._top = extended + 1, extended
            self._advance(rtp_time, second > 127, payload, now)
        else:
            self._take(extended, rtp_time, second > 127, payload, now)
        if self._holes or self.keyframes.wanted:
            self._on_trouble()

    def receive_rtx(self, data: Buffer, size: int, head: Fixed, now: float) -> None:
        """A retransmission (RFC 4588); padding sent as retransmission is ignored."""
        start, end = bounds(data, size)
        if end < start + 2 or not self.open or self.reception.highest < 0:
            return
        extended = unwrap(data[start] << 8 | data[start + 1], self.reception.highest)
        if extended in self._holes:
            _, second, _, rtp_time, _ = head
            self.reception.received += 1
            self.repaired += 1
            self._take(extended, rtp_time, second > 127, bytes(data[start + 2 : end]), now)

    def _take(self, extended: int, rtp_time: int, marker: bool, payload: bytes, now: float) -> None:
        expected = self._next
        if extended == expected and not self._waiting:
            if self._holes:
                self._holes.pop(extended, None)
            self._next, self._top = extended + 1, max(self._top, extended)
            self._advance(rtp_time, marker, payload, now)
            return
        if expected < 0:
            self._next, self._top = extended + 1, extended
            self._advance(rtp_time, marker, payload, now)
            return
        ahead = extended - expected
        if ahead < 0 or extended in self._waiting:
            self._drop("late")
            return
        if ahead > MAX_WAITING:  # the sender began anew, or a long outage
            self._skip_to(extended + 1)
            self._top = extended
            self._advance(rtp_time, marker, payload, now)
            return
        self._holes.pop(extended, None)
        for missing in range(max(expected, self._top + 1), extended):
            self._holes[missing] = _Hole(now, now + FIRST_NACK, now + GIVE_UP)
        self._top = max(self._top, extended)
        self._waiting[extended] = (rtp_time, marker, payload)
        if len(self._waiting) > MAX_WAITING or len(self._holes) > MAX_HOLES:
            self._give_up(now)
        else:
            self._drain(now)

    def _drain(self, now: float) -> None:
        while (packet := self._waiting.pop(self._next, None)) is not None:
            self._next += 1
            self._advance(*packet, now)

    def _advance(self, rtp_time: int, marker: bool, payload: bytes, now: float) -> None:
        """The next packet in order."""
        if not payload:
            return  # padding
        if self._frame and rtp_time != self._frame_time:
            self._finish(now)  # its marker bit was never set
        if self._sets is not None and depacketize.may_hold_sets(payload):
            self._sets.hear(payload)
        if self._broken and not self._frame and not self._starts_keyframe(payload):
            return  # nothing can be decoded before the next keyframe
        self._frame_time = rtp_time
        self._frame.append(payload)
        self._frame_bytes += len(payload)
        if marker:
            self._finish(now)
        elif len(self._frame) > MAX_FRAME_PACKETS or self._frame_bytes > MAX_FRAME_BYTES:
            self._drop("frame_too_large")
            self._frame, self._frame_bytes = [], 0
            self._break()

    def _finish(self, now: float) -> None:
        payloads, self._frame, self._frame_bytes = self._frame, [], 0
        picture = self._assemble(payloads)
        if picture is None:
            self._drop("frame_malformed")
            self._break()
            return
        data, keyframe = picture
        whole = self._sets.complete(data) if keyframe and self._sets is not None else data
        if whole is None or (self._broken and not keyframe):
            self._drop("frame_undecodable")
            self.keyframes.want()
            return
        if keyframe:
            self._broken = False
            self.keyframes.arrived(now)
        self.frames += 1
        self._on_frame(keyframe, self._frame_time, whole, now)
        if self.stills:
            self._shut()

    # -- loss

    def service(self, now: float, rtt: float, crowded: bool = False, twice: bool = False) -> list[int]:
        """Give up what is too old.  Returns the sequence numbers to ask for again now (ascending).

        On a `crowded` line each is asked for once only, and many holes are given up: the answers would keep it full.
        `twice`: each try is two packets.
        """
        again: list[int] = []
        if crowded and len(self._holes) > FEW_HOLES:
            self._give_up(now)
        if self._holes:
            tries = 1 if crowded else TRIES
            oldest = next(iter(self._holes.values()))
            if now > oldest.until:
                self._give_up(now)
            for missing, hole in self._holes.items():
                # two answers are worth waiting for, a third on a line that is not too long
                if hole.ask_at <= now and hole.tries < tries and self._in_time(hole, now, rtt):
                    hole.tries += 1
                    hole.until = max(hole.until, hole.since + 2.4 * rtt + 0.04, now + 1.2 * rtt + 0.03)
                    hole.ask_at = now + max(NACK_GAP, 1.2 * rtt)
                    hole.echo_at = now + ECHO if twice and not crowded else float("inf")
                    again.append(missing & 0xFFFF)
                elif hole.echo_at <= now:
                    hole.echo_at = float("inf")
                    again.append(missing & 0xFFFF)
            self.nacks += len(again)
        return again

    @staticmethod
    def _in_time(hole: _Hole, now: float, rtt: float) -> bool:
        return hole.tries < 2 or now + 1.2 * rtt <= hole.since + THIRD_TRY

    def _give_up(self, now: float) -> None:
        """Skip the first hole: on to the next keyframe that is here, or else to what follows the newest packet."""
        self._drop("unrepaired")
        for extended in sorted(self._waiting):
            if self._begins(extended):
                self._skip_to(extended)
                self._drain(now)
                return
        self._skip_to(max(self._waiting, default=self._next) + 1)

    def _begins(self, extended: int) -> bool:
        """Whether a decoder can begin with that packet: not where its parameter sets, new ones perhaps, are missing."""
        payload = self._waiting[extended][2]
        if not self._starts_keyframe(payload):
            return False
        return self._sets is None or depacketize.may_hold_sets(payload) or extended - 1 in self._waiting

    def _skip_to(self, extended: int) -> None:
        self._next = extended
        self._waiting = {number: packet for number, packet in self._waiting.items() if number >= extended}
        self._holes = {number: hole for number, hole in self._holes.items() if number >= extended}
        self._frame, self._frame_bytes = [], 0
        self._break()

    def _break(self) -> None:
        self._broken = True
        self.keyframes.want()

    def _forget(self) -> None:
        self._next = self._top = -1
        self._holes.clear()
        self._waiting.clear()
        self._frame, self._frame_bytes = [], 0
        self._broken = True

    def _drop(
        self, reason: Literal["late", "unrepaired", "frame_too_large", "frame_malformed", "frame_undecodable"]
    ) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
