"""One leg of the load generator: a UDP socket, a minimal controlling ICE agent, DTLS client, SRTP, counters.

It checks the relay's candidate with USE-CANDIDATE, makes DTLS, sends what it is told when it is told, and counts what
comes by RTP header (which SRTP leaves readable; every 32nd packet is authenticated as a check).  A frame counts when it
is whole and so is everything since the last keyframe: what a decoder could show.  Until a whole keyframe, and on
measuring legs always, packets are decrypted and frames assembled.  It answers PLI by starting its loop anew, sends one
itself while it waits for a keyframe, and a receiver report a second; it never asks for packets again, so a packet that
is lost, late or out of order costs the frames to the next keyframe.  Owned by the engine's loop.
"""

from __future__ import annotations

import random
import secrets
import socket
import struct
import time
from dataclasses import dataclass, field

from aioice import stun
from pylibsrtp import Error as SrtpError

from benchmarks.dtls_client import DtlsClient, Identity
from benchmarks.loadgen_eye import Eye, frame_index
from benchmarks.loadgen_media import Film, Tape, assemble, is_keyframe
from mcu_core.relay import rtcp
from mcu_core.relay.aiortc_shim import Keys, Sealer
from mcu_core.relay.ring import packer

AUDIO_PT, VIDEO_PT = 111, 102
_SEQUENCE_TIME = struct.Struct("!HI")
_RESEND = 0.15  # seconds until a check or a DTLS flight is sent again
_CONSENT = 5.0
_PLI_PERIOD = 0.5
_VERIFY_EVERY = 32
_BUFFER = 1 << 20
_SPARSE = 20  # packets
_SEALER = Sealer(2048)  # of all legs: they share one loop


@dataclass(slots=True)
class Counters:
    """Since the last `reset`."""

    video_frames: int = 0  # that a decoder could show
    video_packets: int = 0
    video_bytes: int = 0
    video_lost: int = 0  # by gaps in sequence numbers
    audio_packets: int = 0  # none twice
    audio_lost: int = 0
    sent_bytes: int = 0
    send_errors: int = 0
    unverified: int = 0  # packets whose authentication failed
    plis: int = 0  # received
    longest_video_gap: float = 0.0  # seconds


@dataclass(slots=True)
class Remote:
    """What the leg needs of an answer."""

    address: tuple[str, int]
    ufrag: str
    password: str
    fingerprint: str
    audio_pt: int
    video_pt: int


@dataclass(slots=True)
class Stream:
    """Receiving side of one SSRC."""

    ssrc: int = 0
    expected: int = -1
    cycles: int = 0
    last_time: int = -1
    last_report: int = 0  # middle 32 bits of the last sender report's NTP time
    last_report_at: float = 0.0


@dataclass(slots=True)
class _Sending:
    ssrc: int = field(default_factory=lambda: random.getrandbits(32))
    sequence: int = field(default_factory=lambda: random.getrandbits(15))
    time: int = field(default_factory=lambda: random.getrandbits(32))
    index: int = 0


class Leg:
    """`film` and `tape` are None for a monitor, which only receives.  `plate` is the number on the film's plates."""

    def __init__(self, identity: Identity, film: Film | None, tape: Tape | None, plate: int = 0) -> None:
        self._identity = identity
        self.film, self.tape, self.plate = film, tape, plate
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.socket.bind(("0.0.0.0", 0))
        self._ufrag, self._password = secrets.token_hex(4), secrets.token_hex(12)
        self._tie_breaker = secrets.randbits(64)
        self._remote: Remote | None = None
        self._dtls: DtlsClient | None = None
        self._keys: Keys | None = None
        self._checked = False
        self._audio_out, self._video_out = _Sending(), _Sending()
        self._audio_in, self._video_in = Stream(), Stream()
        self._frame: list[bytes] = []
        self._frame_whole = False
        self._decodable = False  # nothing is missing since the last keyframe
        self._next_check = self._next_flight = self._next_report = self._next_pli = 0.0
        self._last_frame_at = 0.0
        self.sent_at: list[float] = [0.0] * (len(film.frames) if film else 0)
        self.sends_audio = self.sends_video = True
        self.sparse = False  # of its sound, one packet of 20: what an encoder sends of silence (DTX, RFC 7587)
        self.next_video = 0.0
        self.counters = Counters()
        self.offered_at = 0.0
        self.connected_at: float | None = None
        self.joined_at: float | None = None  # first whole keyframe
        self.failure: str | None = None
        self.eye: Eye | None = None

    # -- negotiation

    def offer(self) -> str:
        """SDP: Opus with audio level, H.264 42e01f mode 1; both ways, or recvonly for a monitor."""
        port = self.socket.getsockname()[1]
        direction = "sendrecv" if self.tape else "recvonly"
        transport = (
            "c=IN IP4 127.0.0.1\r\na=rtcp-mux\r\n"
            f"a=ice-ufrag:{self._ufrag}\r\na=ice-pwd:{self._password}\r\n"
            f"a=fingerprint:sha-256 {self._identity.fingerprint}\r\na=setup:actpass\r\n"
            f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\na=end-of-candidates\r\na={direction}\r\n"
        )
        audio = f"a=ssrc:{self._audio_out.ssrc} cname:loadgen\r\n" if self.tape else ""
        video = f"a=ssrc:{self._video_out.ssrc} cname:loadgen\r\n" if self.film else ""
        return (
            f"v=0\r\no=- {random.getrandbits(62)} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
            f"m=audio {port} UDP/TLS/RTP/SAVPF {AUDIO_PT}\r\n{transport}a=mid:0\r\n"
            "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
            f"a=rtpmap:{AUDIO_PT} opus/48000/2\r\na=fmtp:{AUDIO_PT} minptime=10;useinbandfec=1\r\n{audio}"
            f"m=video {port} UDP/TLS/RTP/SAVPF {VIDEO_PT}\r\n{transport}a=mid:1\r\n"
            f"a=rtpmap:{VIDEO_PT} H264/90000\r\n"
            f"a=fmtp:{VIDEO_PT} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
            f"a=rtcp-fb:{VIDEO_PT} nack\r\na=rtcp-fb:{VIDEO_PT} nack pli\r\na=rtcp-fb:{VIDEO_PT} goog-remb\r\n{video}"
        )

    def change(self, film: Film) -> None:
        """Send this from now on; it begins with its keyframe."""
        if film is not self.film:
            self.film, self.sent_at = film, [0.0] * len(film.frames)
            self._video_out.index = 0

    def answer(self, sdp: str, now: float) -> None:
        """Take the answer and start checking.  Raises ValueError if it cannot be used."""
        self._remote = parse_answer(sdp)
        self.socket.connect(self._remote.address)
        self._check(now)

    # -- clock

    def tick(self, now: float) -> None:
        """Slow work: checks, DTLS repeats, reports, PLI.  To be called every 20-50 ms."""
        if self._remote is None or self.failure:
            return
        if now >= self._next_check:
            self._check(now)
        if self._keys is None:
            if self._dtls is not None and now >= self._next_flight:
                self._next_flight = now + _RESEND
                for datagram in self._dtls.flight:
                    self._send(datagram)
            return
        if now >= self._next_report:
            self._next_report = now + 1.0
            self._report(now)
        if not self._decodable and now >= self._next_pli and self._video_in.ssrc:
            self._next_pli = now + _PLI_PERIOD
            self._send_rtcp(struct.pack("!BBHII", 0x81, 206, 2, self._video_out.ssrc, self._video_in.ssrc))

    def send_audio(self) -> None:
        """The next 20 ms packet."""
        tape, out, keys, remote = self.tape, self._audio_out, self._keys, self._remote
        if tape is None or keys is None or remote is None or not self.sends_audio:
            return
        index, out.index = out.index, (out.index + 1) % len(tape.bodies)
        if self.sparse and index % _SPARSE:
            out.time = out.time + 960 & 0xFFFFFFFF
            return
        body = tape.bodies[index]
        self._send_rtp(keys, 0x90, remote.audio_pt, out, body)
        out.time = out.time + 960 & 0xFFFFFFFF

    def send_video(self) -> None:
        """All packets of the next frame."""
        film, out, keys, remote = self.film, self._video_out, self._keys, self._remote
        if film is None or keys is None or remote is None:
            return
        index = out.index
        parts = film.frames[index]
        last = len(parts) - 1
        for number, payload in enumerate(parts):
            second = remote.video_pt | 0x80 if number == last else remote.video_pt
            self._send_rtp(keys, 0x80, second, out, payload)
        self.sent_at[index] = time.monotonic()
        out.index = (index + 1) % len(film.frames)
        out.time = out.time + 90_000 // film.frame_rate & 0xFFFFFFFF

    def frame_sent_at(self, frame: int) -> float | None:
        """When the frame with this number on its plate was sent last; None: never."""
        if self.film is None:
            return None
        index = frame_index(frame, self.film.frame_rate)
        return self.sent_at[index] or None if index < len(self.sent_at) else None

    # -- receiving

    def receive(self, data: bytes, now: float) -> None:
        """One datagram."""
        first = data[0]
        if 128 <= first <= 191:
            if self._keys is None or len(data) < 12:
                return
            kind = data[1]
            if 192 <= kind <= 223:
                self._rtcp(data, now)
            elif kind & 0x7F == VIDEO_PT or (self._remote and kind & 0x7F == self._remote.video_pt):
                self._video(data, kind >= 0x80, now)
            else:
                self._audio(data)
        elif first < 4:
            self._stun(data, now)
        elif 20 <= first <= 63:
            self._handshake(data, now)

    def _audio(self, data: bytes) -> None:
        sequence, _ = _SEQUENCE_TIME.unpack_from(data, 2)
        stream, counters = self._audio_in, self.counters
        if sequence != stream.expected and not self._jump(stream, sequence, data, video=False):
            return  # late or twice
        counters.audio_packets += 1
        stream.expected = sequence + 1 & 0xFFFF
        if not counters.audio_packets % _VERIFY_EVERY:
            self._open(data)

    def _video(self, data: bytes, marker: bool, now: float) -> None:
        sequence, rtp_time = _SEQUENCE_TIME.unpack_from(data, 2)
        stream, counters = self._video_in, self.counters
        counters.video_packets += 1
        counters.video_bytes += len(data)
        complete = sequence == stream.expected
        if not complete:
            if not self._jump(stream, sequence, data, video=True):
                return  # late or twice
            self._frame_whole = self._decodable = False
        stream.expected = sequence + 1 & 0xFFFF
        if rtp_time != stream.last_time:
            stream.last_time = rtp_time
            self._frame.clear()
            self._frame_whole = complete or self.joined_at is None
        if not self._decodable or self.eye is not None:
            payload = self._open(data)
            if payload is not None:
                self._frame.append(payload)
            if marker and self._frame_whole:
                self._frame_done(now)
        elif not counters.video_packets % _VERIFY_EVERY:
            self._open(data)
        if marker and self._frame_whole and self._decodable:
            counters.video_frames += 1
            if self._last_frame_at:
                counters.longest_video_gap = max(counters.longest_video_gap, now - self._last_frame_at)
            self._last_frame_at = now

    def _frame_done(self, now: float) -> None:
        try:
            frame = assemble(self._frame)
        except ValueError:
            self.counters.unverified += 1
            return
        if not self._decodable:
            if not is_keyframe(frame):
                return
            self._decodable = True
            if self.joined_at is None:
                self.joined_at = now
        if self.eye is not None:
            self.eye.show(frame)

    def _jump(self, stream: Stream, sequence: int, data: bytes, *, video: bool) -> bool:
        """A sequence number that was not expected: count what is missing.  False for an old one."""
        if stream.expected < 0:
            stream.ssrc = int.from_bytes(data[8:12], "big")
            return True
        missing = sequence - stream.expected & 0xFFFF
        if missing >= 0x8000:
            return False
        if video:
            self.counters.video_lost += missing
        else:
            self.counters.audio_lost += missing
        return True

    def _open(self, data: bytes) -> bytes | None:
        """Payload of an RTP packet, or None (counted) if it is not authentic."""
        assert self._keys is not None
        try:
            plain = self._keys.receive_session.unprotect(data)
        except SrtpError:
            self.counters.unverified += 1
            return None
        at = 12 + 4 * (plain[0] & 15)
        if plain[0] & 0x10:
            at += 4 + 4 * int.from_bytes(plain[at + 2 : at + 4], "big")
        end = len(plain) - (plain[-1] if plain[0] & 0x20 else 0)
        return plain[at:end]

    def _rtcp(self, data: bytes, now: float) -> None:
        assert self._keys is not None
        try:
            plain = self._keys.receive_session.unprotect_rtcp(data)
        except SrtpError:
            self.counters.unverified += 1
            return
        for message in rtcp.parse(plain, len(plain)):
            self._obey(message, now)

    def _obey(self, message: rtcp.Message, now: float) -> None:
        match message:
            case rtcp.KeyframeRequest():
                self.counters.plis += 1
                self._video_out.index = 0
            case rtcp.SenderReport(ssrc, ntp):
                for stream in (self._audio_in, self._video_in):
                    if stream.ssrc == ssrc:
                        stream.last_report, stream.last_report_at = ntp >> 16 & 0xFFFFFFFF, now

    # -- ICE, DTLS, sending

    def _check(self, now: float) -> None:
        assert self._remote is not None
        self._next_check = now + (_CONSENT if self._checked else _RESEND)
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self._remote.ufrag}:{self._ufrag}"
        request.attributes["PRIORITY"] = 1845494271
        request.attributes["ICE-CONTROLLING"] = self._tie_breaker
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self._remote.password.encode())
        self._send(bytes(request))

    def _stun(self, data: bytes, now: float) -> None:
        if self._remote is None:
            return
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if message.message_class is stun.Class.REQUEST:  # a full ICE agent checks us, too
            reply = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
            reply.attributes["XOR-MAPPED-ADDRESS"] = self._remote.address
            reply.add_message_integrity(self._password.encode())
            self._send(bytes(reply))
        if self._checked or message.message_class is not stun.Class.RESPONSE:
            return
        self._checked = True
        self._dtls = DtlsClient(self._identity, self._remote.fingerprint)
        self._next_flight, self._next_check = now + _RESEND, now + _CONSENT
        for datagram in self._dtls.begin():
            self._send(datagram)

    def _handshake(self, data: bytes, now: float) -> None:
        if self._dtls is None or self.failure:
            return
        try:
            out = self._dtls.feed(data)
        except ValueError as error:
            self.failure = str(error)
            return
        for datagram in out:
            self._send(datagram)
        self._next_flight = now + _RESEND
        if self._keys is None and self._dtls.keys is not None:
            self._keys = self._dtls.keys
            self.connected_at = now
            self._next_pli = now + _PLI_PERIOD

    def _report(self, now: float) -> None:
        """A receiver report for both streams (RFC 3550, section 6.4.2); loss and jitter are given as nought."""
        blocks = b""
        for stream in (self._audio_in, self._video_in):
            if stream.ssrc:
                delay = int((now - stream.last_report_at) * 65536) & 0xFFFFFFFF if stream.last_report else 0
                highest = stream.expected - 1 & 0xFFFF
                blocks += struct.pack("!IIIIII", stream.ssrc, 0, highest, 0, stream.last_report, delay)
        count = len(blocks) // 24
        self._send_rtcp(struct.pack("!BBHI", 0x80 | count, 201, 1 + 6 * count, self._video_out.ssrc) + blocks)

    def _send_rtcp(self, packet: bytes) -> None:
        assert self._keys is not None
        self._send(self._keys.send_session.protect_rtcp(packet))

    def _send_rtp(self, keys: Keys, first: int, second: int, out: _Sending, payload: bytes) -> None:
        """One packet, in the buffer of all legs: the session's own way costs more than all else of sending."""
        size = len(payload)
        packer(size).pack_into(_SEALER.buffer, 0, first, second, out.sequence, out.time, out.ssrc, payload)
        out.sequence = out.sequence + 1 & 0xFFFF
        sealed = _SEALER.seal(keys.send, 0, 12 + size)
        assert sealed > 0, "libsrtp refused a packet of ours"
        self._send(_SEALER.view[:sealed])

    def _send(self, datagram: bytes | memoryview) -> None:
        try:
            self.socket.send(datagram)
            self.counters.sent_bytes += len(datagram)
        except OSError:
            self.counters.send_errors += 1

    def reset(self) -> None:
        self.counters = Counters()
        self._last_frame_at = 0.0

    def close(self) -> None:
        if self.eye is not None:
            self.eye.close()
        if self._dtls is not None:
            for datagram in self._dtls.closing():
                self._send(datagram)
        self.socket.close()


def parse_answer(sdp: str) -> Remote:
    """Address (IPv4, 127.0.0.1 before others), credentials and payload types of an answer.  Raises ValueError."""
    lines = sdp.splitlines()

    def value(prefix: str) -> str:
        found = next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), None)
        if found is None:
            raise ValueError(f"the answer has no {prefix}")
        return found.strip()

    def payload_type(media: str) -> int:
        return int(value(f"m={media} ").split()[2])

    addresses = []
    for line in lines:
        if line.startswith("a=candidate:"):
            parts = line.split()
            if parts[2].lower() == "udp" and ":" not in parts[4]:
                addresses.append((parts[4], int(parts[5])))
    if not addresses:
        raise ValueError("the answer has no IPv4 candidate")
    if value("a=setup:") != "passive":
        raise ValueError("the load generator must be the DTLS client: a=setup:passive is needed")
    algorithm, fingerprint = value("a=fingerprint:").split()
    if algorithm.lower() != "sha-256":
        raise ValueError("a sha-256 fingerprint is needed")
    return Remote(
        min(addresses, key=lambda address: address[0] != "127.0.0.1"),
        value("a=ice-ufrag:"),
        value("a=ice-pwd:"),
        fingerprint.upper(),
        payload_type("audio"),
        payload_type("video"),
    )
