"""One site's connection: its ICE, DTLS and SRTP, the streams it sends, and what it is sent.

A leg decides nothing about the conference: frames, sound and wishes of its site go to its conference (`LegOwner`),
plans come from it.  Its life: new -> connected <-> silent -> closed.  Owned by the relay's event loop; everything
takes `now`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from mcu_core.relay import rtcp, rtp, sdp
from mcu_core.relay.aiortc_shim import Certificate, Dtls, Keys, Opener
from mcu_core.relay.audio_ingest import AudioIngest
from mcu_core.relay.downlink import Downlink
from mcu_core.relay.egress import DEFAULT_RTT, Egress, VideoSender
from mcu_core.relay.ice_lite import IceLite
from mcu_core.relay.ingest import VideoIngest
from mcu_core.relay.listeners import AudioSender
from mcu_core.relay.outlet import Outlet
from mcu_core.relay.peer_loss import PeerLoss
from mcu_core.relay.reception import Reception
from mcu_core.relay.ring import KeyframeGrants, Ring
from mcu_core.relay.stills import EVERY, Film, macroblocks
from mcu_core.relay.uplink import Uplink
from mcu_core.wire import Codec, LegInfo, LegPlan, LegStats, SenderClock, Track

SILENT_AFTER = 3.0
RESTING_SILENT_AFTER = 10.0  # who sends no media checks its consent every 5 s (RFC 7675, section 5.1), +-20 %
GONE_AFTER = 30.0
REPORT_EVERY = 1.0
LOSSY = 0.02  # share of lost packets from which a NACK, or the answer to one, is likely to be lost, too: sent twice
MAX_INBOUND = 16  # SSRCs of one leg
TRUST = 0.25  # seconds; below the mux's REBIND_SILENCE
AUDIO_SHARE, SCREEN_SHARE, UNLIMITED = 64_000, 1_500_000, 2_500_000  # bit/s told to the site by REMB
HIDDEN_SHARE, OBEYS_WITHIN = 40_000, 5.0  # of a picture nobody sees, if it still comes after so many seconds
_SMOOTH = 0.25  # of a judgement's loss, two to four a second
_WALL = time.time() - time.monotonic()  # read once: sender reports never jump

State = Literal["new", "connected", "silent"]
Kind = Literal["audio", "camera", "screen"]


class LegOwner(Protocol):
    """What a leg tells its conference."""

    def frame(
        self, leg: Leg, track: Track, codec: Codec, keyframe: bool, rtp_time: int, data: bytes, now: float
    ) -> None:
        """A whole frame of a wanted stream."""

    def voice(self, leg: Leg, sequence: int, level: int, speech: bool, rtp_time: int, data: bytes, now: float) -> bool:
        """One Opus packet of a site that is open; whether it was passed on."""

    def clock(self, clock: SenderClock) -> None:
        """A sender report of one of the leg's streams."""

    def trouble(self, leg: Leg) -> None:
        """`repair` of the leg is to be called soon."""

    def keyframe_wanted(self, leg: Leg, now: float) -> None:
        """The site cannot decode what it is sent."""

    def overloaded(self, leg: Leg, carried_bps: int, now: float) -> None:
        """What the site is sent is suddenly too much for its line."""

    def video_rtp_time(self, leg: Leg, now: float) -> int: ...

    def audio_rtp_time(self, now: float) -> int: ...


class Receiver(Protocol):
    """What becomes of the packets of one SSRC."""

    def skim(self, data: rtp.Buffer, size: int, head: rtp.Fixed, now: float) -> bool:
        """Take the packet, still encrypted, if its header is all that is needed of it."""

    def receive(self, data: rtp.Buffer, size: int, head: rtp.Fixed, now: float) -> None:
        """Take the packet, authenticated."""


class Inbound:
    """One inbound SSRC.

    A packet may end unopened while its stream was authentic less than `TRUST` seconds ago.  So SRTP keeps count of
    the sequence numbers' roll-overs, and a site that is only skimmed is still known to live.
    """

    __slots__ = ("receiver", "trusted")

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.trusted = 0.0  # until


@dataclass(slots=True)
class Retransmissions:
    """The SSRC on which a video stream is sent again (RFC 4588)."""

    stream: VideoIngest

    def skim(self, data: rtp.Buffer, size: int, head: rtp.Fixed, now: float) -> bool:
        return not self.stream.open

    def receive(self, data: rtp.Buffer, size: int, head: rtp.Fixed, now: float) -> None:
        self.stream.receive_rtx(data, size, head, now)


class Leg:
    """See the module.  `keys` of its outlet are None until DTLS is done."""

    def __init__(
        self,
        leg: str,
        conference: str,
        site: int,
        offer: sdp.Offer,
        ice: IceLite,
        *,
        owner: LegOwner,
        opener: Opener,
        egress: Egress,
        certificate: Certificate,
        now: float,
        start: Callable[[Leg], None],
        draws_names: bool = False,
    ) -> None:
        self._draws_names = draws_names
        self.id, self.conference, self.site = leg, conference, site
        self.offer, self.ice = offer, ice
        self.state: State = "new"
        self.created = self.heard = now
        self.plan = LegPlan(leg)
        self._planned = False
        self.outlet = Outlet()
        self.rtt: float | None = None
        self.downlink = Downlink()
        self._peer_loss = PeerLoss()
        self._reported_ring: Ring | None = None
        self._keyframes = KeyframeGrants()
        self.remb_bps: int | None = None
        self._owner, self._opener, self._egress = owner, opener, egress
        self._dtls = Dtls(certificate, self._send_datagram)
        self._start = start
        self._sdp_session, self._sdp_version = random.getrandbits(62), 1
        camera, audio = offer.line("camera"), offer.line("audio")
        self.codec: Codec | None = camera.codec if camera is not None else None
        self.audio = AudioSender(self.outlet, _new_ssrc(), audio.payload_type if audio is not None else 0)
        self.video: VideoSender | None = None
        if camera is not None and camera.receives:
            self.video = VideoSender(
                self.outlet,
                _new_ssrc(),
                camera.payload_type,
                _new_ssrc() if camera.rtx is not None else None,
                camera.rtx,
            )
        self.listens = audio is not None and audio.receives
        self.streams: dict[Track, VideoIngest] = {}
        self.voice: AudioIngest | None = None
        self._passed: frozenset[Track] = frozenset()
        self._mixing: set[Track] = set()
        self._blocks = 0  # macroblocks of a frame of its camera
        self._inbound: dict[int, Inbound] = {}
        self._uplink = Uplink()
        self._report_at = now
        self._wanted_at: dict[Track, float] = {}  # when each was last known to be wanted
        self._judge_at = now
        self._judged = (now, 0, 0, 0)  # when, octets received, packets expected, packets lost
        self._loss = 0.0  # share of its packets that the site's line loses, before repair
        self._stats_at = now
        self._received_octets = 0
        self._counted: dict[str, int] = {}
        if site:
            for line in offer.lines:
                if line.sends and line.ssrcs:
                    self._open_stream(line, line.ssrcs[0])
                    if line.rtx_ssrc is not None:
                        self._open_rtx(line, line.rtx_ssrc)
        own = self.audio.ssrc
        self._preamble = rtcp.receiver_report(own) + rtcp.source_description(own, sdp.CNAME)

    @property
    def info(self) -> LegInfo:
        def offers(purpose: sdp.Purpose) -> bool:
            line = self.offer.line(purpose)
            return line is not None and line.sends and self.site != 0

        return LegInfo(
            self.id,
            self.conference,
            self.site,
            self.state,
            self.codec,
            offers("camera"),
            offers("screen"),
            self._planned,
            self.plan.rendition,
            self._draws_names,
        )

    def answer(self, *, fingerprint: str, addresses: list[str], port: int) -> str:
        """Our SDP for the current ICE generation."""
        sending: dict[str, sdp.Sending] = {}
        for line in self.offer.lines:
            if line.purpose == "audio":
                sending[line.mid] = sdp.Sending(self.audio.ssrc)
            elif line.purpose == "camera" and self.video is not None:
                sending[line.mid] = sdp.Sending(self.video.ssrc, self.video.rtx_ssrc)
        self._sdp_version += 1
        return sdp.write_answer(
            self.offer,
            session=self._sdp_session,
            version=self._sdp_version,
            credentials=self.ice.credentials,
            fingerprint=fingerprint,
            addresses=addresses,
            port=port,
            sending=sending,
            only_watches=self.site == 0,
        )

    # -- transport

    def reached(self) -> None:
        """There is an address: DTLS may begin."""
        self._start(self)

    async def handshake(self) -> Keys:
        """Raises ConnectionError when it fails."""
        return await self._dtls.handshake(self.offer.fingerprints)

    def connected(self, keys: Keys, now: float) -> None:
        self.outlet.keys = keys
        self.state = "connected"
        self.heard = now
        self._report_at = now + 0.1

    async def ended(self) -> None:
        """Return when the site has said goodbye."""
        await self._dtls.ended()

    async def close(self) -> None:
        """Say goodbye and hold nothing that holds this leg: counted references free it then, not a rare collection."""
        await self._dtls.close()
        self.outlet.keys = None
        self.streams.clear()
        self._inbound.clear()
        self.voice = None

    def take_dtls(self, data: bytes) -> None:
        self._dtls.pipe.feed(data)

    def _send_datagram(self, data: bytes) -> None:
        outlet = self.outlet
        if outlet.sock is not None:
            try:
                outlet.sock.sendto(memoryview(data), outlet.address)
            except OSError:
                self._egress.dropped["send_failed"] = self._egress.dropped.get("send_failed", 0) + 1

    # -- inbound RTP

    def take_rtp(self, size: int, now: float) -> bool:
        """Take the RTP packet in the opener's buffer; True if it was authentic."""
        keys = self.outlet.keys
        if keys is None:
            return False
        opener = self._opener
        buffer = opener.buffer
        head = rtp.FIXED.unpack_from(buffer)  # in the clear, and SRTP authenticates it: read once
        inbound = self._inbound.get(head[4])
        if inbound is not None and now < inbound.trusted and inbound.receiver.skim(buffer, size, head, now):
            self._received_octets += size
            return False
        size = opener.open(keys.receive, size)
        if size < 0:
            return False
        if inbound is None:
            header = rtp.parse(buffer, size)
            inbound = self._adopt(header) if header is not None else None
            if inbound is None:
                return True
        inbound.trusted = now + TRUST
        self._received_octets += size
        inbound.receiver.receive(buffer, size, head, now)
        return True

    def _adopt(self, header: rtp.Header) -> Inbound | None:
        """A stream whose SSRC the offer did not tell: known by its mid, or by a payload type only one line has."""
        if not self.site or len(self._inbound) >= MAX_INBOUND:
            return None
        buffer = self._opener.buffer
        lines = [line for line in self.offer.lines if line.sends and line.purpose != "refused"]
        for line in lines:
            if line.mid_id is not None and (place := rtp.extension(buffer, header, line.mid_id)) is not None:
                at, length = place
                if bytes(buffer[at : at + length]) == line.mid.encode():
                    lines = [line]
                    break
        matching = [line for line in lines if header.payload_type in (line.payload_type, line.rtx)]
        if len(matching) != 1:
            return None
        line = matching[0]
        if header.payload_type == line.rtx:
            return self._open_rtx(line, header.ssrc)
        return self._open_stream(line, header.ssrc)

    def _open_stream(self, line: sdp.Line, ssrc: int) -> Inbound:
        if line.purpose == "audio":
            self.voice = AudioIngest(ssrc, line.level_id, partial(self._owner.voice, self))
            self.voice.plan(self.plan)
            inbound = self._inbound[ssrc] = Inbound(self.voice)
            return inbound
        track: Track = "screen" if line.purpose == "screen" else "camera"
        codec: Codec = line.codec or "H264"

        stream = VideoIngest(
            ssrc, codec, partial(self._owner.frame, self, track, codec), partial(self._owner.trouble, self)
        )
        stream.want(self._wants(track))
        self.streams[track] = stream
        inbound = self._inbound[ssrc] = Inbound(stream)
        return inbound

    def _open_rtx(self, line: sdp.Line, ssrc: int) -> Inbound | None:
        stream = self.streams.get("screen" if line.purpose == "screen" else "camera")
        if stream is None:
            return None
        inbound = self._inbound[ssrc] = Inbound(Retransmissions(stream))
        return inbound

    # -- inbound RTCP

    def take_rtcp(self, size: int, now: float) -> bool:
        """Take the RTCP packet in the opener's buffer; True if it was authentic."""
        keys = self.outlet.keys
        if keys is None:
            return False
        size = self._opener.open_rtcp(keys.receive, size)
        if size < 0:
            return False
        for message in rtcp.parse(self._opener.buffer, size):
            self._obey(message, now)
        return True

    def _obey(self, message: rtcp.Message, now: float) -> None:
        video = self.video
        match message:
            case rtcp.Nack(media, lost) if video is not None and media == video.ssrc:
                self._egress.resend(video, lost, now)
            case rtcp.KeyframeRequest(media) if video is not None and media == video.ssrc:
                video.plis += 1
                # one that is on its way already needs no other
                on_its_way = now - video.keyframe_sent_at <= (self.rtt or DEFAULT_RTT) + 0.05
                if not on_its_way and self._keyframes.grant(now):
                    self._owner.keyframe_wanted(self, now)
            case rtcp.Remb(bitrate):
                self.remb_bps = bitrate
            case rtcp.Block(ssrc) if ssrc == self.audio.ssrc or (video is not None and ssrc == video.ssrc):
                self._hear_report(message, now)
            case rtcp.SenderReport(ssrc, ntp, rtp_time):
                self._hear_clock(ssrc, ntp, rtp_time, now)

    @property
    def _sent_octets(self) -> int:
        return self.outlet.octets + self.audio.wire_octets

    def _hear_report(self, block: rtcp.Block, now: float) -> None:
        rtt = rtcp.round_trip(block, _ntp_of(now))
        if rtt is not None:
            self.rtt = rtt if self.rtt is None else self.rtt + (rtt - self.rtt) / 4
            if self.video is not None:
                self.video.rtt = self.rtt
        video, downlink = self.video, self.downlink
        if video is not None and video.ring is not self._reported_ring:
            self._reported_ring = video.ring
            self._peer_loss.forget(now)
        self._peer_loss.hear(block, now)
        if video is None:
            return
        if block.ssrc == video.ssrc and downlink.hear(block, rtt, self._sent_octets, now):
            self._owner.overloaded(self, downlink.carried_bps, now)
        least = downlink.least_rtt.seconds
        crowded = self.rtt is not None and self.rtt > 1.5 * least + 0.05  # by a queue: repeats fill it
        video.twice = self._peer_loss.fraction >= LOSSY and not crowded

    def _hear_clock(self, ssrc: int, ntp: int, rtp_time: int, now: float) -> None:
        for kind, reception in self._receptions():
            if reception.ssrc == ssrc:
                reception.sender_report(ntp, now)
                self._owner.clock(SenderClock(self.site, kind, rtcp.ntp_seconds(ntp), rtp_time))

    def _receptions(self) -> list[tuple[Kind, Reception]]:
        found: list[tuple[Kind, Reception]] = [(track, stream.reception) for track, stream in self.streams.items()]
        if self.voice is not None:
            found.append(("audio", self.voice.reception))
        return found

    # -- plan and timers

    def apply(self, plan: LegPlan, now: float) -> None:
        """The newest plan; the conference sees to the rendition."""
        before, self.plan, self._planned = self.plan, plan, True
        if self.voice is not None:
            self.voice.plan(plan)
        for track, stream in self.streams.items():
            stream.want(self._wants(track))
            if self._mixed(before, track) != self._mixed(plan, track):
                self._mixing.discard(track)
                if self._mixed(plan, track):
                    stream.need_keyframe()
        if self.slow_film is None:
            self.end_stills()
        if (before.camera_bitrate_bps, before.camera_wanted, before.screen_wanted) != (
            plan.camera_bitrate_bps,
            plan.camera_wanted,
            plan.screen_wanted,
        ):
            self._report_at = now  # tells the site its limit with the next `report`
        self.repair(now)

    def pass_on(self, tracks: frozenset[Track]) -> None:
        """These go to viewers as they are, whether or not the mixer wants them, too."""
        if tracks != self._passed:
            self._passed = tracks
            for track, stream in self.streams.items():
                stream.want(self._wants(track))
            if self.slow_film is None:
                self.end_stills()

    @property
    def slow_film(self) -> Film | None:
        """Its camera, if only the wall shows it."""
        camera, asked = self.streams.get("camera"), self.plan.camera_slow_fps
        if camera is None or asked is None or not camera.wanted or "camera" in self._passed:
            return None
        return Film(asked, camera.reception.frames, self._blocks)

    def take_still(self, now: float) -> None:
        """The wall, which alone shows its camera, shows it as stills, and it is time for the next one."""
        if self.slow_film is not None:
            self.streams["camera"].show_stills(True)
            self.need_keyframe("camera")
            self.repair(now)

    def end_stills(self) -> None:
        """All of its camera's pictures are wanted."""
        if (camera := self.streams.get("camera")) is not None:
            camera.show_stills(False)

    def shows_stills(self, track: Track) -> bool:
        return track in self.streams and self.streams[track].stills

    def measure(self, codec: Codec, keyframe: bytes) -> None:
        """See how large its camera's pictures are."""
        self._blocks = macroblocks(codec, keyframe)

    def mixes(self, track: Track, keyframe: bool) -> bool:
        """Whether the mixer is to be given this frame; what it is given begins with a keyframe."""
        if not self._mixed(self.plan, track):
            return False
        if keyframe:
            self._mixing.add(track)
        elif track not in self._mixing:
            self.need_keyframe(track)
        return track in self._mixing

    def _wants(self, track: Track) -> bool:
        return track in self._passed or self._mixed(self.plan, track)

    @staticmethod
    def _mixed(plan: LegPlan, track: Track) -> bool:
        return plan.camera_wanted if track == "camera" else plan.screen_wanted

    def need_keyframe(self, track: Track) -> None:
        """The mixer's decoder, or one who watches a passed picture, needs a keyframe."""
        if (stream := self.streams.get(track)) is not None:
            stream.need_keyframe()

    def begin_anew(self) -> None:
        """The mixer is new: what is wanted begins with a keyframe."""
        self._mixing.clear()
        for track, stream in self.streams.items():
            if self._mixed(self.plan, track):
                stream.need_keyframe()

    def repair(self, now: float) -> bool:
        """Ask again for what is missing; about every 10 ms while it returns True (there is more to do)."""
        troubled = False
        if self.outlet.keys is not None:
            for stream in self.streams.values():
                if stream.troubled:
                    self._repair(stream, now)
                    troubled = True
        return troubled

    def report(self, now: float) -> None:
        """Judge the site's line, and send the sender and receiver reports, when it is time."""
        if now >= self._judge_at and self.outlet.keys is not None:
            self._judge(now)
        if now >= self._report_at and self.outlet.keys is not None:
            self._report_at = now + REPORT_EVERY
            self._report(now)

    def _repair(self, stream: VideoIngest, now: float) -> None:
        own, media = self.audio.ssrc, stream.reception.ssrc
        crowded = self._uplink.crowded(now)
        again = stream.service(now, self.rtt or DEFAULT_RTT, crowded, twice=self._loss >= LOSSY)
        packet = rtcp.nack(own, media, again) if again else b""
        if not crowded and stream.keyframes.due(now):
            packet += rtcp.pli(own, media)
        if packet:
            self._egress.report(self.outlet, self._preamble + packet)

    def _judge(self, now: float) -> None:
        expected = lost = 0
        queue: float | None = None
        for kind, reception in self._receptions():
            expected += reception.expected
            lost += reception.expected - reception.received
            if kind != "audio":
                lost += self.streams[kind].repaired
            late = reception.queue(now)
            if late is not None and (kind != "audio" or queue is None):
                queue = late if queue is None else max(queue, late)
        then, octets_then, expected_then, lost_then = self._judged
        self._judged = now, self._received_octets, expected, lost
        received_bps = (self._received_octets - octets_then) * 8 / max(now - then, 1e-3)
        share = max(0, lost - lost_then) / max(1, expected - expected_then)
        self._loss += (min(1.0, share) - self._loss) * _SMOOTH
        if self._uplink.measured(received_bps, min(1.0, share), queue, now):
            self._report_at = now  # told at once
        self._judge_at = now + self._uplink.interval

    def _report(self, now: float) -> None:
        blocks = [reception.block(now) for _, reception in self._receptions() if reception.highest >= 0]
        ntp = _ntp_of(now)
        audio, video = self.audio, self.video
        ssrcs = [audio.ssrc]
        parts = []
        if audio.packets:
            report = rtcp.SenderReport(audio.ssrc, ntp, self._owner.audio_rtp_time(now), audio.packets, audio.octets)
            parts.append(rtcp.sender_report(report, blocks))
        else:
            parts.append(rtcp.receiver_report(audio.ssrc, blocks))
        if video is not None and video.packets and video.ring is not None:
            rtp_time = self._owner.video_rtp_time(self, now)
            parts.append(rtcp.sender_report(rtcp.SenderReport(video.ssrc, ntp, rtp_time, video.packets, video.octets)))
            ssrcs.append(video.ssrc)
        parts += [rtcp.source_description(ssrc, sdp.CNAME) for ssrc in ssrcs]
        parts += self._limits(now)
        self._egress.report(self.outlet, b"".join(parts))

    def _limits(self, now: float) -> list[bytes]:
        """What the site may send: told by REMB, which browsers follow at once, or by TMMBR, which room systems know."""
        shares = {
            stream.reception.ssrc: share
            for track, stream in self.streams.items()
            if (share := self._share(track, stream, now))
        }
        line, own = self.offer.line("camera"), self.audio.ssrc
        if line is None or not shares:
            return []
        if (limit := self._uplink.limit_bps) is not None:
            part = min(1.0, max(0.0, limit - AUDIO_SHARE) / sum(shares.values()))
            shares = {ssrc: round(bitrate * part) for ssrc, bitrate in shares.items()}
        if "goog-remb" in line.feedback:
            return [rtcp.remb(own, AUDIO_SHARE + sum(shares.values()), list(shares))]
        if "ccm tmmbr" in line.feedback:
            return [rtcp.tmmbr(own, ssrc, limit) for ssrc, limit in shares.items()]
        return []

    def _share(self, track: Track, stream: VideoIngest, now: float) -> int:
        """Bit/s of one stream; 0: nothing to be told.

        A picture nobody sees is stopped by a hint; whoever goes on sending it knows only limits.  A browser that obeys
        hints is told none, for after one it would begin small when it is seen again.
        """
        if stream.wanted:
            self._wanted_at[track] = now
            return SCREEN_SHARE if track == "screen" else self.plan.camera_bitrate_bps or UNLIMITED
        ignored = now - self._wanted_at.setdefault(track, now) > OBEYS_WITHIN
        return HIDDEN_SHARE if ignored and stream.reception.heard_since(now - REPORT_EVERY) else 0

    def age(self, now: float) -> str | None:
        """Let time pass.  Returns why the leg is to be closed, if it is; `state` tells the rest."""
        quiet = now - self.heard
        if quiet >= GONE_AFTER:
            return "never_connected" if self.state == "new" else "silent"
        if self.state != "new":
            patience = RESTING_SILENT_AFTER if self._resting else SILENT_AFTER
            before, self.state = self.state, "silent" if quiet >= patience else "connected"
            if before == "silent" and self.state == "connected":  # more was lost than is kept to be sent again
                self._owner.keyframe_wanted(self, now)
        return None

    @property
    def _resting(self) -> bool:
        """Nothing was to come from the site but signs of life."""
        streams = self.streams.values()
        films = any(stream.wanted and stream.reception.heard_since(self.heard - REPORT_EVERY) for stream in streams)
        return self.plan.audio_stopped and not films

    # -- figures

    def stats(self, now: float) -> LegStats:
        """Figures since the last call."""
        interval = max(now - self._stats_at, 1e-3)
        self._stats_at = now
        camera = self.streams.get("camera")
        audio_jitter = self.voice.reception.jitter_ms if self.voice is not None else 0.0
        camera_live = camera is not None and camera.wanted
        stills = self.shows_stills("camera")
        frames = self._since("frames", camera.frames if camera is not None else 0)
        heard = self._since("heard", camera.reception.frames if camera is not None else 0)
        return LegStats(
            leg=self.id,
            received_kbps=round(self._since("in", self._received_octets) * 0.008 / interval, 1),
            sent_kbps=round(self._since("out", self._sent_octets) * 0.008 / interval, 1),
            video_fps_received=round((heard if stills else frames) / interval, 1),
            lost_fraction=round(self._lost_fraction(), 4),
            peer_lost_fraction=round(self._peer_loss.fraction, 4),
            jitter_ms=round(camera.reception.jitter_ms if camera is not None and camera_live else audio_jitter, 1),
            rtt_ms=round(self.rtt * 1000, 1) if self.rtt is not None else None,
            nacks=self._since("nacks", self.video.nacks if self.video is not None else 0),
            plis=self._since("plis", self.video.plis if self.video is not None else 0),
            remb_bps=self.remb_bps,
            stills_per_s=1 / EVERY if stills else 0.0,
        )

    def _lost_fraction(self) -> float:
        """After repair: not of what is seen as stills, for between them nothing is repaired."""
        receptions = self._receptions()
        return max(
            (one.fraction_lost for kind, one in receptions if kind == "audio" or not self.streams[kind].stills),
            default=0.0,
        )

    def _since(self, name: str, total: int) -> int:
        before = self._counted.get(name, 0)
        self._counted[name] = total
        return total - before


def _new_ssrc() -> int:
    return random.randrange(1, 0xFFFF_FFFF)


def _ntp_of(now: float) -> int:
    return rtcp.ntp_time(now + _WALL)
