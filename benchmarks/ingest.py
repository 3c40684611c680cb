"""What one received packet costs: the relay's whole inbound path beside a stock aiortc receiver.

A process of its own plays many sites: each its own UDP address and SRTP keys (AES-256-GCM), Opus with audio levels
and 320x180@15 H.264, in real time.  Counted is the CPU time of the receiving process divided by the packets.  Ours:
socket, demux, SRTP, header, statistics, ordering, frame assembly, every sound and frame packed for the mixer (and
thrown away there); and once more as in a large conference: all may be heard, 3 speak, 16 are seen, and what nobody
hears or sees ends at its clear header.  Stock: asyncio datagram endpoint, `RTCDtlsTransport`, `RTCRtpReceiver` with
its jitter buffer; the decoder is a stub, and aioice's own layer is left out, both in its favour.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import heapq
import multiprocessing
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, cast

from aiortc import RTCRtpReceiver, rtcrtpreceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpDecodingParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpReceiveParameters,
)
from rich.table import Table

from benchmarks.broadcast import Programme, programme
from mcu_core.relay import packetize, sdp, udp
from mcu_core.relay.aiortc_shim import Keys, Opener, Sealer, new_certificate, self_test
from mcu_core.relay.conference import Conference
from mcu_core.relay.egress import Egress
from mcu_core.relay.ice_lite import Credentials, IceLite
from mcu_core.relay.leg import Leg
from mcu_core.relay.mux import Mux
from mcu_core.relay.outlet import Socket
from mcu_core.wire import LegPlan, LegPlans

Progress = Callable[[float], None]
FRAME_RATE, BITRATE = 15, 250_000
AUDIO, VIDEO = 111, 96
LEVEL_ID = 1
SPEAKING, SEEN = 3, 16
_LEVEL = struct.Struct("!HHBBH")


def run(
    progress: Progress | None = None, *, senders: int = 120, seconds: float = 5.0, quick: bool = False
) -> dict[str, Any]:
    """Measure; returns `us_per_packet`, `stock_us_per_packet` and what belongs to them."""
    report = progress or (lambda done: None)
    self_test()
    seconds = min(seconds, 2.0) if quick else seconds
    media = programme(320, 180, FRAME_RATE, BITRATE, 2.0)
    report(0.1)
    results = {}
    for number, (name, receive) in enumerate((("relay", _ours), ("conference", _conference), ("stock", _stock))):
        results[name] = asyncio.run(receive(media, senders, seconds))
        report(0.4 + 0.3 * number)
    ours, stock = results["relay"], results["stock"]
    return {
        "us_per_packet": ours["us_per_packet"],
        "conference_us_per_packet": results["conference"]["us_per_packet"],
        "stock_us_per_packet": stock["us_per_packet"],
        "times_cheaper": stock["us_per_packet"] / ours["us_per_packet"],
        "senders": senders,
        "packets": ours["packets"],
        "packets_per_s": ours["packets_per_s"],
        "cores": ours["cores"],
        "frames": ours["frames"],
        "variants": results,
        "included": "system call, wake-ups, demux, SRTP (AES-256-GCM), levels, ordering, frame assembly",
    }


def table(result: dict[str, Any]) -> Table:
    """The result for people."""
    shown = Table(title=f"Receiving from {result['senders']} sites, Opus + 320x180@{FRAME_RATE} H264")
    for column in ("receiver", "us/packet", "packets/s", "cores", "received"):
        shown.add_column(column, justify="left" if column == "receiver" else "right")
    for key, name in (
        ("relay", "relay, all handed on"),
        ("conference", f"relay, {SPEAKING} speak, {SEEN} seen"),
        ("stock", "stock aiortc, no decoding"),
    ):
        variant = result["variants"][key]
        shown.add_row(
            name,
            f"{variant['us_per_packet']:.1f}",
            f"{variant['packets_per_s']:.0f}",
            f"{variant['cores']:.2f}",
            f"{variant['received']:.3f}",
        )
    return shown


# ------------------------------------------------------------------------------------------------- load


def _secrets(number: int) -> tuple[bytes, bytes]:
    """What site `number` and its receiver both know."""
    source = random.Random(number)
    return source.randbytes(44), source.randbytes(44)


def _ssrc(number: int, kind: int) -> int:
    return 10_000 + 2 * number + (kind == VIDEO)


def _load(pipe: Connection, media: Programme, senders: int) -> None:
    """Play all sites: told the targets and the time, tells the number of packets sent."""
    sealer = Sealer(4096)
    sites = []
    for number in range(senders):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sites.append((sock, Keys.from_secrets(*_secrets(number))))
    pipe.send([sock.getsockname() for sock, _ in sites])
    targets, seconds = pipe.recv()
    payloads = [packetize.h264(picture.payload) for picture in media.pictures]
    sequences = [[100, 200] for _ in range(senders)]
    sent = 0

    def send(number: int, kind: int, marker: bool, rtp_time: int, payload: bytes) -> None:
        nonlocal sent
        sock, keys = sites[number]
        at = kind == VIDEO
        sequences[number][at] = sequence = (sequences[number][at] + 1) & 0xFFFF
        extension = (
            _LEVEL.pack(0xBEDE, 1, LEVEL_ID << 4, 25 if number < SPEAKING else 70 + number % 40, 0)
            if kind == AUDIO
            else b""
        )
        head = struct.pack(
            "!BBHII", 0x90 if extension else 0x80, kind | marker << 7, sequence, rtp_time, _ssrc(number, kind)
        )
        packet = head + extension + payload
        sealer.view[: len(packet)] = packet
        size = sealer.seal(keys.send, 0, len(packet))
        sock.sendto(sealer.view[:size], targets[number])
        sent += 1

    start = time.monotonic()
    # each site has its own phase, so packets come one by one, as from many places
    events = [(number / senders * 0.02, number, AUDIO, 0) for number in range(senders)]
    events += [(number / senders / FRAME_RATE, number, VIDEO, 0) for number in range(senders)]
    heapq.heapify(events)
    while events:
        due, number, kind, count = heapq.heappop(events)
        if due >= seconds:
            continue
        wait = start + due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        if kind == AUDIO:
            send(number, AUDIO, False, count * 960, media.sound[count % len(media.sound)])
            heapq.heappush(events, (due + 0.02, number, kind, count + 1))
        else:
            picture = payloads[(count + number) % len(payloads)] if count else payloads[0]
            for piece, payload in enumerate(picture):
                send(number, VIDEO, piece == len(picture) - 1, count * 90_000 // FRAME_RATE, payload)
            heapq.heappush(events, (due + 1 / FRAME_RATE, number, kind, count + 1))
    pipe.send(sent)


@contextlib.contextmanager
def _loader(media: Programme, senders: int) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=_load, args=(theirs, media, senders), daemon=True)
    process.start()
    try:
        yield pipe
    finally:
        process.terminate()
        process.join()


async def _measure(pipe: Connection, targets: list[Any], seconds: float, count: Callable[[], int]) -> dict[str, Any]:
    gc.collect()
    gc.freeze()
    cpu, began = time.process_time(), time.monotonic()
    pipe.send((targets, seconds))
    while not pipe.poll():
        await asyncio.sleep(0.1)
    cpu, wall = time.process_time() - cpu, time.monotonic() - began
    sent = pipe.recv()
    await asyncio.sleep(0.1)
    gc.unfreeze()
    packets = count()
    return {
        "us_per_packet": cpu / max(1, packets) * 1e6,
        "packets": packets,
        "packets_per_s": packets / wall,
        "cores": cpu / wall,
        "received": packets / sent,
    }


# ------------------------------------------------------------------------------------------------- ours


async def _conference(media: Programme, senders: int, seconds: float) -> dict[str, Any]:
    return await _ours(media, senders, seconds, SEEN)


async def _ours(media: Programme, senders: int, seconds: float, seen: int | None = None) -> dict[str, Any]:
    """`seen`: so many are seen and who speaks is heard; None: all is handed on."""
    loop = asyncio.get_running_loop()
    opener = Opener(udp.BATCH)
    mux = Mux(opener)
    egress = Egress(loop.call_later)
    conference = Conference("c", "/nowhere", "0", egress, loop.time)
    certificate = new_certificate()
    sockets = udp.open_sockets(["127.0.0.1"], 0)
    reader = udp.Reader(sockets, opener, mux.datagram)
    with _loader(media, senders) as pipe:
        addresses = await loop.run_in_executor(None, pipe.recv)
        legs = []
        for number, address in enumerate(addresses):
            leg = Leg(
                str(number),
                "c",
                number + 1,
                _offer(number),
                IceLite(Credentials.create("peer", "x" * 24)),
                owner=conference,
                opener=opener,
                egress=egress,
                certificate=certificate,
                now=loop.time(),
                start=lambda leg: None,
            )
            mux.add(leg, ())
            mux.learn(leg, address, cast(Socket, sockets[0]), loop.time())
            conference.add(leg, loop.time())
            receive, send = _secrets(number)[::-1]
            leg.connected(Keys.from_secrets(receive, send), loop.time())
            conference.joined(leg, loop.time())
            legs.append(leg)
        plans = tuple(
            LegPlan(leg.id, audio_open=True, audio_always=seen is None, camera_wanted=seen is None or number < seen)
            for number, leg in enumerate(legs)
        )
        conference.plan(LegPlans("c", "/nowhere", plans), loop.time())
        reader.start()

        async def serve() -> None:
            while True:
                await asyncio.sleep(0.01)
                conference.service(loop.time())

        timers = asyncio.create_task(serve())
        target = sockets[0].getsockname()
        figures = await _measure(pipe, [target] * senders, seconds, lambda: mux.packets)
        timers.cancel()
        await asyncio.gather(timers, return_exceptions=True)
        figures["frames"] = sum(leg.streams["camera"].frames for leg in legs)
        figures["dropped"] = conference.all_dropped() | mux.dropped
    reader.stop()
    sockets[0].close()
    return figures


def _offer(number: int) -> sdp.Offer:
    audio = sdp.Line(
        "audio", "audio", "0", "111", "UDP/TLS/RTP/SAVPF", True, True, None, AUDIO,
        ssrcs=(_ssrc(number, AUDIO),), level_id=LEVEL_ID,
    )  # fmt: skip
    video = sdp.Line(
        "camera", "video", "1", "96", "UDP/TLS/RTP/SAVPF", True, True, "H264", VIDEO,
        feedback=("nack", "nack pli"), ssrcs=(_ssrc(number, VIDEO),),
    )  # fmt: skip
    return sdp.Offer((audio, video), ("0", "1"), "peer", "x" * 24, ())


# ------------------------------------------------------------------------------------------------- stock


class _BareIce(asyncio.DatagramProtocol):
    """A datagram endpoint and a queue, as aioice has one per peer."""

    role = "controlling"

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.packets = 0

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.packets += 1
        self._queue.put_nowait(data)

    async def _recv(self) -> bytes:
        return await self._queue.get()

    async def _send(self, data: bytes) -> None:
        """Reports of the receivers go nowhere."""


class _NoDecoder:
    def decode(self, frame: object) -> list[object]:
        return []


async def _stock(media: Programme, senders: int, seconds: float) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    module: Any = rtcrtpreceiver
    original = module.get_decoder
    module.get_decoder = lambda codec: _NoDecoder()
    certificate = new_certificate()
    try:
        with _loader(media, senders) as pipe:
            await loop.run_in_executor(None, pipe.recv)
            receivers, ices, targets, transports, pumps = [], [], [], [], []
            for number in range(senders):
                endpoint, ice = await loop.create_datagram_endpoint(_BareIce, local_addr=("127.0.0.1", 0))
                dtls = RTCDtlsTransport(cast(Any, ice), [certificate])
                receive, send = _secrets(number)[::-1]
                keys = Keys.from_secrets(receive, send)
                dtls._rx_srtp, dtls._tx_srtp = keys.receive_session, keys.send_session
                dtls._state = State.CONNECTED
                dtls.encrypted = True
                cast(Any, dtls)._RTCDtlsTransport__handshake_done = True
                for kind, payload_type, codec in (("audio", AUDIO, _OPUS), ("video", VIDEO, _H264)):
                    receiver = RTCRtpReceiver(kind, dtls)
                    receiver._track = rtcrtpreceiver.RemoteStreamTrack(kind=kind)
                    parameters = RTCRtpReceiveParameters(
                        codecs=[codec],
                        headerExtensions=_LEVEL_EXTENSION if kind == "audio" else [],
                        encodings=[RTCRtpDecodingParameters(_ssrc(number, payload_type), payload_type)],
                    )
                    await receiver.receive(parameters)
                    receivers.append(receiver)
                pumps.append(asyncio.ensure_future(cast(Any, dtls)._RTCDtlsTransport__run()))
                ices.append(ice)
                targets.append(endpoint.get_extra_info("sockname"))
                transports.append(endpoint)
            figures = await _measure(pipe, targets, seconds, lambda: sum(ice.packets for ice in ices))
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for receiver in receivers:
                await receiver.stop()
            for endpoint in transports:
                endpoint.close()
            return figures
    finally:
        module.get_decoder = original


_H264 = RTCRtpCodecParameters(
    mimeType="video/H264",
    clockRate=90_000,
    payloadType=VIDEO,
    parameters={"packetization-mode": "1", "profile-level-id": "42e01f"},
)
_OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=AUDIO)
_LEVEL_EXTENSION = [RTCRtpHeaderExtensionParameters(id=LEVEL_ID, uri=sdp.AUDIO_LEVEL)]


if __name__ == "__main__":
    from rich import print as show

    show(table(run()))
