"""What one packet to one more viewer costs: the relay's egress beside a stock aiortc sender.

Both send the same already encoded programme (720p30 H.264 at 1.5 Mbit/s and Opus, in real time) to the same number
of UDP addresses over loopback, protected with AES-256-GCM under keys of their own.  Counted is the CPU time of the
sending process (user and system, so with the kernel's loopback delivery) divided by the packets sent.  Ours includes
packetising, ring, pacing and its timers.  The stock side is `RTCRtpSender` with packet tracks on `RTCDtlsTransport`;
its handshakes are left out (keys are injected) and its ICE layer is reduced to a bare datagram transport, both in
its favour.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias, cast

import av
from aiortc import MediaStreamTrack, RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtcrtpparameters import RTCRtcpParameters, RTCRtpCodecParameters, RTCRtpSendParameters
from rich.table import Table

from benchmarks.broadcast import Programme, programme
from benchmarks.sinkhole import Address, Sinkhole
from mcu_core.relay.aiortc_shim import Keys, new_certificate, self_test
from mcu_core.relay.batch import probe_gso
from mcu_core.relay.egress import Egress, VideoSender
from mcu_core.relay.listeners import AudioSender, Listeners
from mcu_core.relay.outlet import Outlet, Socket
from mcu_core.relay.ring import Ring
from mcu_core.wire import AudioOut, VideoOut

Progress = Callable[[float], None]
Packet: TypeAlias = "av.Packet[Any]"
WIDTH, HEIGHT, FRAME_RATE, BITRATE = 1280, 720, 30, 1_500_000
START = 0.1


def run(
    progress: Progress | None = None, *, receivers: int = 100, seconds: float = 5.0, quick: bool = False
) -> dict[str, Any]:
    """Measure; returns `us_per_packet`, `stock_us_per_packet` and what belongs to them.

    `quick` shortens it to about 8 s in all, with 40 receivers on the stock side.
    """
    report = progress or (lambda done: None)
    self_test()
    seconds = min(seconds, 1.5) if quick else seconds
    media = programme(WIDTH, HEIGHT, FRAME_RATE, BITRATE, 2.0)
    report(0.2)
    gso = probe_gso()
    variants: dict[str, dict[str, Any]] = {}
    with Sinkhole(receivers) as sink:
        for number, (name, segmented) in enumerate((("gso", True), ("plain", False)) if gso else (("plain", False),)):
            variants[name] = asyncio.run(_ours(media, sink.addresses, seconds, segmented))
            variants[name]["delivered"] = sink.take_count() / max(1, variants[name]["packets"])
            report(0.4 + 0.2 * number)
        stock = asyncio.run(_stock(media, sink.addresses[: 40 if quick else receivers], seconds))
        stock["delivered"] = sink.take_count() / max(1, stock["packets"])
    report(1.0)
    used = variants["gso" if gso else "plain"]
    return {
        "us_per_packet": used["us_per_packet"],
        "stock_us_per_packet": stock["us_per_packet"],
        "times_cheaper": stock["us_per_packet"] / used["us_per_packet"],
        "receivers": receivers,
        "stock_receivers": stock["receivers"],
        "packets": used["packets"],
        "packets_per_s": used["packets_per_s"],
        "cores": used["cores"],
        "late_ms_p99": used["late_ms_p99"],
        "gso": gso,
        "variants": {**variants, "stock": stock},
        "programme": f"{WIDTH}x{HEIGHT}@{FRAME_RATE} H264 {BITRATE // 1000} kbit/s + Opus",
        "included": "header, SRTP (AES-256-GCM), system call, kernel's loopback delivery, packetising, timers",
    }


def table(result: dict[str, Any]) -> Table:
    """The result for people."""
    shown = Table(title=f"Fan-out to {result['receivers']} receivers, {result['programme']}")
    for column in ("sender", "us/packet", "packets/s", "cores", "late p99 ms", "delivered"):
        shown.add_column(column, justify="left" if column == "sender" else "right")
    names = {"gso": "relay, UDP segmentation", "plain": "relay, one call a packet", "stock": "stock aiortc"}
    for key, variant in result["variants"].items():
        late = variant.get("late_ms_p99")
        shown.add_row(
            names[key],
            f"{variant['us_per_packet']:.2f}",
            f"{variant['packets_per_s']:.0f}",
            f"{variant['cores']:.2f}",
            f"{late:.1f}" if late is not None else "-",
            f"{variant['delivered']:.3f}",
        )
    return shown


def _figures(packets: int, cpu: float, wall: float, receivers: int) -> dict[str, Any]:
    return {
        "us_per_packet": cpu / max(1, packets) * 1e6,
        "packets": packets,
        "packets_per_s": packets / wall,
        "cores": cpu / wall,
        "seconds": wall,
        "receivers": receivers,
    }


# ------------------------------------------------------------------------------------------------------ ours


async def _ours(media: Programme, addresses: list[Address], seconds: float, gso: bool) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * 1024 * 1024)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        egress = Egress(loop.call_later, gso=gso)
        ring = Ring(1, "H264")
        viewers: list[VideoSender] = []
        listeners: list[tuple[int, AudioSender]] = []
        for number, address in enumerate(addresses):
            outlet = Outlet()
            outlet.keys = Keys.from_secrets(os.urandom(44), os.urandom(44))
            outlet.sock, outlet.address = cast(Socket, sock), address
            video = VideoSender(outlet, 1000 + number, 96)
            video.enter(ring, 0, 0.0)
            viewers.append(video)
            listeners.append((number + 1, AudioSender(outlet, 5000 + number, 111)))
        everybody = Listeners(listeners)
        gc.collect()
        gc.freeze()
        late: list[float] = []
        start = loop.time() + START
        await asyncio.sleep(START / 2)
        cpu = time.process_time()

        def picture(number: int) -> None:
            if number >= seconds * media.frame_rate:
                return
            due = start + number / media.frame_rate
            now = loop.time()
            late.append(now - due)
            shown = media.pictures[number % len(media.pictures)]
            ring.add(VideoOut(1, shown.keyframe, due, number * 90_000 // media.frame_rate, shown.payload), now)
            egress.push(viewers)
            loop.call_at(start + (number + 1) / media.frame_rate, picture, number + 1)

        def sound(number: int) -> None:
            if number >= seconds * 50:
                return
            due = start + number * 0.02
            late.append(loop.time() - due)
            heard = AudioOut(due, number * 960, media.sound[number % len(media.sound)], {})
            egress.sound(heard, heard.rtp_time, everybody)
            loop.call_at(start + (number + 1) * 0.02, sound, number + 1)

        loop.call_at(start, picture, 0)
        loop.call_at(start, sound, 0)
        await asyncio.sleep(start + seconds + 0.1 - loop.time())
        cpu = time.process_time() - cpu
        gc.unfreeze()
        figures = _figures(egress.packets, cpu, seconds, len(addresses))
        late.sort()
        figures["late_ms_p99"] = late[int(len(late) * 0.99)] * 1000
        figures["dropped"] = egress.dropped
        return figures


# ----------------------------------------------------------------------------------------------------- stock


class _Programme(MediaStreamTrack):
    """Already encoded packets, each when it is due."""

    def __init__(self, kind: str, packets: list[Packet], period: float, start: float) -> None:
        self.kind = kind
        super().__init__()
        self._packets, self._period, self._start, self._next = packets, period, start, 0

    async def recv(self) -> Packet:
        if self._next >= len(self._packets):
            await asyncio.get_running_loop().create_future()
        due = self._start + self._next * self._period
        if (wait := due - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait)
        self._next += 1
        return self._packets[self._next - 1]

    @property
    def done(self) -> bool:
        return self._next >= len(self._packets)


class _BareIce:
    """What is below DTLS: a datagram transport, as aioice has one per peer."""

    role = "controlling"

    def __init__(self, transport: asyncio.DatagramTransport, address: Address) -> None:
        self._transport, self._address = transport, address
        self.packets = 0

    async def _send(self, data: bytes) -> None:
        self._transport.sendto(data, self._address)
        self.packets += 1

    async def _recv(self) -> bytes:
        return await cast("asyncio.Future[bytes]", asyncio.get_running_loop().create_future())


async def _stock(media: Programme, addresses: list[Address], seconds: float) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    start = loop.time() + 1.0
    certificate = new_certificate()
    frames = [
        _packet(media.pictures[n % len(media.pictures)].payload, n, Fraction(1, media.frame_rate))
        for n in range(int(seconds * media.frame_rate))
    ]
    sounds = [
        _packet(media.sound[n % len(media.sound)], n * 960, Fraction(1, 48_000)) for n in range(int(seconds * 50))
    ]
    senders: list[RTCRtpSender] = []
    tracks: list[_Programme] = []
    ices: list[_BareIce] = []
    transports: list[asyncio.DatagramTransport] = []
    for address in addresses:
        datagrams, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
        ice = _BareIce(datagrams, address)
        dtls = RTCDtlsTransport(cast(Any, ice), [certificate])
        dtls._tx_srtp = Keys.from_secrets(os.urandom(44), os.urandom(44)).send_session
        dtls._state = State.CONNECTED
        for kind, packets, period, codec in (
            ("video", frames, 1 / media.frame_rate, _H264),
            ("audio", sounds, 0.02, _OPUS),
        ):
            track = _Programme(kind, packets, period, start)
            sender = RTCRtpSender(track, dtls)
            await sender.send(RTCRtpSendParameters(codecs=[codec], rtcp=RTCRtcpParameters(cname="x")))
            tracks.append(track)
            senders.append(sender)
        ices.append(ice)
        transports.append(datagrams)
    gc.collect()
    await asyncio.sleep(max(0.0, start - loop.time() - 0.05))
    cpu, began = time.process_time(), loop.time()
    while not all(track.done for track in tracks):
        await asyncio.sleep(0.05)
    cpu, wall = time.process_time() - cpu, loop.time() - began
    sent = sum(ice.packets for ice in ices)
    await asyncio.gather(*(sender.stop() for sender in senders))
    for datagrams in transports:
        datagrams.close()
    return _figures(sent, cpu, wall, len(addresses))


def _packet(payload: bytes, pts: int, time_base: Fraction) -> Packet:
    packet = av.Packet(payload)
    packet.pts, packet.time_base = pts, time_base
    return packet


_H264 = RTCRtpCodecParameters(
    mimeType="video/H264",
    clockRate=90_000,
    payloadType=96,
    parameters={"packetization-mode": "1", "profile-level-id": "42e01f"},
)
_OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=111)


if __name__ == "__main__":
    from rich import print as show

    show(table(run(quick=False)))
