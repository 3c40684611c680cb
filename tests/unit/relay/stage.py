"""A conference without sockets: real legs with injected keys, a link that only keeps, time in the test's hands."""

from __future__ import annotations

import struct
from typing import Any

from mcu_core import wire
from mcu_core.relay import depacketize, packetize, rtcp, rtp, sdp
from mcu_core.relay.aiortc_shim import Keys, Opener, Sealer, new_certificate
from mcu_core.relay.conference import Conference
from mcu_core.relay.egress import Egress
from mcu_core.relay.ice_lite import Credentials, IceLite
from mcu_core.relay.leg import Leg
from mcu_core.relay.mux import Mux
from mcu_core.relay.rtcp import Message
from tests.unit.relay.packets import FakeOutbox, FakeSocket, picture, rtp_packet

CERTIFICATE = new_certificate()
PROTOCOL = "UDP/TLS/RTP/SAVPF"
HERE, THERE = bytes(range(44)), bytes(range(60, 104))


class FakeLink:
    """Stands for the mixer: keeps what it is sent."""

    def __init__(self) -> None:
        self.path = "/mixer"
        self.media: list[Any] = []
        self.events: list[wire.Event] = []
        self.dropped = self.unsent = 0

    def send_media(self, packed: bytes) -> None:
        unpack = {wire.VIDEO_IN: wire.VideoIn.unpack, wire.AUDIO_IN: wire.AudioIn.unpack}[packed[4]]
        self.media.append(unpack(packed[5:]))

    def post(self, event: wire.Event) -> None:
        self.events.append(event)

    def keyframes(self) -> list[int]:
        return [event.rendition for event in self.events if isinstance(event, wire.RenditionKeyframe)]


class Stage:
    """One conference, its time, and its sites' browsers."""

    def __init__(self) -> None:
        self.now = 100.0
        self.opener = Opener()
        self.sock = FakeSocket()
        self.mux = Mux(self.opener)
        self.egress = Egress(lambda delay, call: None, clock=lambda: self.now, outbox=FakeOutbox)
        self.conference = Conference("c", "/mixer", "0", self.egress, lambda: self.now)
        self.link = FakeLink()
        self.conference.link = self.link  # type: ignore[assignment]
        self.plans: dict[str, wire.LegPlan] = {}
        self.passes: tuple[wire.PassPlan, ...] = ()

    def leg(
        self,
        site: int,
        codec: wire.Codec = "H264",
        level_id: int | None = 1,
        feedback: tuple[str, ...] = ("nack", "nack pli", "goog-remb"),
    ) -> Leg:
        audio = sdp.Line(
            "audio", "audio", "0", "111", PROTOCOL, True, True, None, 111, ssrcs=(site * 10,), level_id=level_id
        )
        camera = sdp.Line(
            "camera", "video", "1", "96", PROTOCOL, True, True, codec, 96,
            feedback=feedback, ssrcs=(site * 10 + 1,), mid_id=4,
        )  # fmt: skip
        screen = sdp.Line("screen", "video", "2", "96", PROTOCOL, False, True, codec, 96, feedback=feedback, mid_id=4)
        made = Leg(
            f"leg{site}",
            "c",
            site,
            sdp.Offer((audio, camera, screen), ("0", "1", "2"), "theirs", "p" * 24, ()),
            IceLite(Credentials.create("theirs", "p" * 24)),
            owner=self.conference,
            opener=self.opener,
            egress=self.egress,
            certificate=CERTIFICATE,
            now=self.now,
            start=lambda leg: None,
        )
        self.mux.add(made, ())
        self.mux.learn(made, ("192.0.2.1", site), self.sock.as_socket, self.now)
        self.conference.add(made, self.now)
        return made

    def connect(self, leg: Leg) -> Browser:
        leg.connected(Keys.from_secrets(HERE, THERE), self.now)
        self.conference.joined(leg, self.now)
        return Browser(self, leg)

    def join(self, site: int, **plan: Any) -> Browser:
        leg = self.leg(site)
        self.plan(leg, **plan)
        return self.connect(leg)

    def plan(self, leg: Leg, loudest: int = 4, **plan: Any) -> None:
        self.plans[leg.id] = wire.LegPlan(leg.id, **plan)
        self._apply(loudest)

    def pass_on(self, *passes: wire.PassPlan) -> None:
        self.passes = passes
        self._apply()

    def _apply(self, loudest: int = 4) -> None:
        legs = tuple(self.plans.values())
        self.conference.plan(wire.LegPlans("c", "/mixer", legs, loudest, self.passes), self.now)

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.01
            self.conference.service(self.now)
            self.conference.report(self.now)

    def show(self, rendition: int, keyframe: bool = False, seed: int = 0) -> None:
        payload = picture(300, keyframe, seed)
        self.conference._media(wire.VideoOut(rendition, keyframe, self.now, int(self.now * 90_000), payload))


class Browser:
    """The other end of a leg."""

    def __init__(self, stage: Stage, leg: Leg) -> None:
        self.stage, self.leg = stage, leg
        self.address = ("192.0.2.1", leg.site)
        self._keys = Keys.from_secrets(THERE, HERE)
        self._sealer, self._opener = Sealer(4096), Opener()
        self._sequences: dict[int, int] = {}

    def rtp(self, ssrc: int, payload: bytes, **header: Any) -> None:
        sequence = self._sequences[ssrc] = self._sequences.get(ssrc, 0) + 1
        data = rtp_packet(sequence, int(self.stage.now * 90_000), payload, ssrc=ssrc, **header)
        self._hear(data, self._sealer.seal)

    def rtcp(self, data: bytes) -> None:
        self._hear(data, self._sealer.seal_rtcp)

    def _hear(self, data: bytes, seal: Any) -> None:
        self._sealer.view[: len(data)] = data
        size = seal(self._keys.send, 0, len(data))
        self.stage.opener.buffer[:size] = self._sealer.view[:size]
        self.stage.mux.datagram(size, self.address, self.stage.sock.as_socket, self.stage.now)

    def speak(self, level: int = 20, payload: bytes = b"opus") -> None:
        self.rtp(self.leg.site * 10, payload, payload_type=111, extensions=bytes((0x10, level)))

    def film(
        self,
        keyframe: bool = False,
        ssrc: int | None = None,
        seed: int = 0,
        width: int = 640,
        height: int = 352,
        **header: Any,
    ) -> None:
        payloads = packetize.h264(picture(2000, keyframe, seed, width, height))
        for number, payload in enumerate(payloads):
            marker = number == len(payloads) - 1
            self.rtp(ssrc or self.leg.site * 10 + 1, payload, marker=marker, payload_type=96, **header)

    def got(self) -> tuple[list[tuple[int, int]], list[Message]]:
        """RTP as (payload type, size) and RTCP messages that have arrived since the last call."""
        media, reports = [], []
        for data, address in self.stage.sock.sent:
            if address != self.address:
                continue
            self._opener.buffer[: len(data)] = data
            if 191 < data[1] < 224:
                size = self._opener.open_rtcp(self._keys.receive, len(data))
                reports += rtcp.parse(self._opener.buffer, size)
            else:
                size = self._opener.open(self._keys.receive, len(data))
                assert size > 0
                media.append((data[1] & 0x7F, size))
        self.stage.sock.sent = [entry for entry in self.stage.sock.sent if entry[1] != self.address]
        return media, reports

    def pictures(self) -> int:
        return sum(kind == 96 for kind, _ in self.got()[0])

    def plis(self) -> int:
        return sum(isinstance(message, rtcp.KeyframeRequest) for message in self.got()[1])

    def seen(self) -> list[tuple[int, bytes, bool]]:
        """Whole H.264 pictures that have arrived since the last call: RTP time, Annex B bytes, is a keyframe."""
        found: list[tuple[int, bytes, bool]] = []
        payloads: list[bytes] = []
        for data, address in self.stage.sock.sent:
            if address != self.address or 191 < data[1] < 224:
                continue
            self._opener.buffer[: len(data)] = data
            header = rtp.parse(self._opener.buffer, self._opener.open(self._keys.receive, len(data)))
            assert header is not None
            if header.payload_type == 96:
                payloads.append(bytes(self._opener.buffer[header.start : header.end]))
                if header.marker:
                    whole = depacketize.h264(payloads)
                    assert whole is not None
                    found.append((header.rtp_time, *whole))
                    payloads = []
        self.stage.sock.sent = [entry for entry in self.stage.sock.sent if entry[1] != self.address]
        return found

    def limits(self) -> dict[int, int]:
        """Bit/s by SSRC of the TMMBR messages that have arrived since the last call."""
        found = {}
        for data, address in self.stage.sock.sent:
            if address == self.address and 191 < data[1] < 224:
                self._opener.buffer[: len(data)] = data
                size = self._opener.open_rtcp(self._keys.receive, len(data))
                at = 0
                while at + 4 <= size:
                    first, kind, words = struct.unpack_from("!BBH", self._opener.buffer, at)
                    if (kind, first & 0x1F) == (205, 3):
                        ssrc, limit = struct.unpack_from("!II", self._opener.buffer, at + 12)
                        found[ssrc] = (limit >> 9 & 0x1FFFF) << (limit >> 26)
                    at += 4 + 4 * words
        return found
