"""A site of the lip-sync benchmark: flashes and beeps by a clock of its own, and keeps all it gets as it came.

Unlike other legs of the load generator it sends sender reports (RFC 3550, section 6.4.1), sends lost pictures' packets
again and asks for those it lost (RFC 4585), as browsers do, so that a lossy line costs time and not pictures.
Its whole clock, RTP and NTP, runs fast or slow.  Owned by one event loop.
"""

from __future__ import annotations

import asyncio
import struct
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.dtls_client import Identity
from benchmarks.flash_and_beep import BLOCK, RATE, beep, beeps, flashes
from benchmarks.line_sites import detour
from benchmarks.loadgen import Caller
from benchmarks.loadgen_leg import Leg, Stream
from benchmarks.loadgen_media import Film, Tape, levelled, payloads
from endpoint_client.link import Message
from endpoint_client.tones import level_dbov
from mcu_core.relay import rtcp, rtp

PERIOD = 1.04  # seconds: whole blocks and pictures, and each flash meets another phase of the mixer's 30 Hz
FRAME_RATE = 25
KEY_EVERY = 9  # pictures; whoever needs a keyframe waits a third of a second
_TICK = 0.02
_REPORT = 1.0
_KEPT = 1024  # packets that can be sent again
_ASK_AGAIN, _ASK_FOR = 0.1, 1.0  # seconds between requests for a packet; and until it is given up


@dataclass(frozen=True, slots=True)
class Packet:
    """`arrived` on time.monotonic(), `sequence` unwrapped."""

    sequence: int
    rtp_time: int
    marker: bool
    arrived: float
    payload: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """A sender report: both times are the same moment."""

    ntp: float
    rtp_time: int


@dataclass(slots=True)
class Heard:
    """All that came of one stream."""

    packets: list[Packet] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    highest: int | None = None


class SyncLeg(Leg):
    """`ppm`: by how much its clock is too fast; `media_port`: where the line begins."""

    def __init__(self, identity: Identity, tone: float, ppm: float, media_port: int) -> None:
        super().__init__(identity, _film(), _tape(tone))
        self.sound, self.picture = Heard(), Heard()
        self._speed, self._media_port = 1 + ppm * 1e-6, media_port
        self._now = 0.0
        self._kept: dict[int, tuple[int, bytes]] = {}
        self._wanted: dict[int, tuple[float, float]] = {}  # sequence: when it was missed and asked for last

    def begin(self) -> None:
        """Keep what comes from now on; what reports said stays true."""
        for heard in (self.picture, self.sound):
            heard.packets, heard.reports = [], heard.reports[-1:]

    def take(self) -> tuple[Heard, Heard]:
        """Picture and sound that came since `begin`."""
        return Heard(list(self.picture.packets), list(self.picture.reports)), Heard(
            list(self.sound.packets), list(self.sound.reports)
        )

    def answer(self, sdp: str, now: float) -> None:
        super().answer(detour(self._media_port)(sdp), now)

    # -- sending

    async def play(self) -> None:
        """Send by its own clock until cancelled."""
        assert self.film is not None
        while self.connected_at is None:
            self.drain()
            self.tick(time.monotonic())
            await asyncio.sleep(0.01)
        begin = time.monotonic()
        sounds = pictures = reports = 0
        sound_base, picture_base = self._audio_out.time, self._video_out.time
        while True:
            now = time.monotonic()
            clock = (now - begin) * self._speed
            while (sounds + 1) * BLOCK / RATE <= clock:  # a block is sent when its last sample was taken
                self.send_audio()
                sounds += 1
            while pictures / FRAME_RATE <= clock:
                self.send_video()
                pictures += 1
            if reports * _REPORT <= clock:
                reports += 1
                ntp = rtcp.ntp_time(time.time() - now + begin + clock)
                for out, base, rate in ((self._audio_out, sound_base, RATE), (self._video_out, picture_base, 90_000)):
                    rtp_time = base + round(clock * rate) & 0xFFFF_FFFF
                    self._send_rtcp(rtcp.sender_report(rtcp.SenderReport(out.ssrc, ntp, rtp_time, 0, 0)))
            self.drain()
            self.tick(now)
            self._ask(now)
            soonest = min((sounds + 1) * BLOCK / RATE, pictures / FRAME_RATE)
            await asyncio.sleep(max(0.0, min(0.01, begin + soonest / self._speed - time.monotonic())))

    def _send(self, datagram: bytes | memoryview) -> None:
        super()._send(datagram)
        if datagram[0] >> 6 == 2 and self._remote is not None and datagram[1] & 0x7F == self._remote.video_pt:
            sequence = int.from_bytes(datagram[2:4], "big")
            self._kept[sequence % _KEPT] = sequence, bytes(datagram)

    def _obey(self, message: rtcp.Message, now: float) -> None:
        match message:
            case rtcp.Nack(media, lost) if media == self._video_out.ssrc:
                for sequence in lost:
                    kept, datagram = self._kept.get(sequence % _KEPT, (-1, b""))
                    if kept == sequence:
                        super()._send(datagram)
            case rtcp.KeyframeRequest():
                pass  # the film has one soon, and must not lose its beat
            case _:
                super()._obey(message, now)
        if isinstance(message, rtcp.SenderReport):
            for stream, heard in ((self._audio_in, self.sound), (self._video_in, self.picture)):
                if stream.ssrc == message.ssrc:
                    heard.reports.append(Report(rtcp.ntp_seconds(message.ntp), message.rtp_time))

    # -- receiving

    def drain(self) -> None:
        """Take what has come."""
        while True:
            try:
                data = self.socket.recv(2048)
            except OSError:
                return
            self.receive(data, time.monotonic())

    def receive(self, data: bytes, now: float) -> None:
        self._now = now
        super().receive(data, now)

    def _audio(self, data: bytes) -> None:
        self._keep(self.sound, self._audio_in, data)

    def _video(self, data: bytes, marker: bool, now: float) -> None:
        highest = self.picture.highest
        packet = self._keep(self.picture, self._video_in, data)
        if packet is None:
            return
        self._wanted.pop(packet.sequence, None)
        if highest is not None and packet.sequence < highest + _KEPT:
            self._wanted |= dict.fromkeys(range(highest + 1, packet.sequence), (now, 0.0))
        self.joined_at = self.joined_at or now
        self._decodable = self._decodable or _begins_keyframe(packet.payload)

    def _keep(self, heard: Heard, stream: Stream, data: bytes) -> Packet | None:
        payload = self._open(data)
        if payload is None:
            return None
        short, rtp_time = struct.unpack_from("!HI", data, 2)
        sequence = short if heard.highest is None else rtp.unwrap(short, heard.highest)
        heard.highest = sequence if heard.highest is None else max(heard.highest, sequence)
        stream.ssrc, stream.expected = int.from_bytes(data[8:12], "big"), heard.highest + 1 & 0xFFFF
        packet = Packet(sequence, rtp_time, data[1] >= 0x80, self._now, payload)
        heard.packets.append(packet)
        return packet

    def _ask(self, now: float) -> None:
        """Ask for what is missing, again and again for a while."""
        due = [sequence for sequence, (_, asked) in self._wanted.items() if now - asked >= _ASK_AGAIN]
        for sequence in due:
            missed, _ = self._wanted.pop(sequence)
            if now - missed < _ASK_FOR:
                self._wanted[sequence] = missed, now
                nack = struct.pack("!IIHH", self._video_out.ssrc, self._video_in.ssrc, sequence & 0xFFFF, 0)
                self._send_rtcp(struct.pack("!BBH", 0x81, rtcp.RTPFB, 3) + nack)


class SyncSite(Caller):
    """The leg and its signalling; `passed`: its picture is one site's own just now, which changed `changes` times."""

    leg: SyncLeg

    def __init__(self, leg: SyncLeg, origin: str, verify: Any, token: str, name: str) -> None:
        super().__init__(leg, origin, verify, {"name": name, "token": token}, False)
        self.passed, self.changes = False, 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self.run(0.0), name=f"{self.name}/signalling"),
            asyncio.create_task(self.leg.play(), name=f"{self.name}/media"),
        ]

    async def leave(self) -> None:
        """Raises what went wrong in between, when all has ended."""
        ended = [task for task in self._tasks if task.done()]
        try:
            await self.link.leave()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self.leg.close()
        for task in ended:
            task.result()

    async def _hear(self, message: Message) -> None:
        await super()._hear(message)
        if message["type"] == "picture":
            self.changes += self.passed is not message["passed"]
            self.passed = message["passed"]


def _film() -> Film:
    return Film(tuple(tuple(payloads(frame)) for frame in flashes(PERIOD, FRAME_RATE, KEY_EVERY)), FRAME_RATE, 0.0)


def _tape(tone: float) -> Tape:
    blocks = beep(tone, PERIOD).reshape(-1, BLOCK)
    packets = beeps(tone, PERIOD)
    return Tape(tuple(levelled(level_dbov(block), packet) for block, packet in zip(blocks, packets, strict=True)))


def _begins_keyframe(payload: bytes) -> bool:
    kind = payload[0] & 0x1F if len(payload) > 1 else 0
    return kind in (5, 24) or (kind == 28 and payload[1] & 0x1F == 5)
