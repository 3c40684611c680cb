"""Keys, the slow path, and the cure for a lost DTLS flight; real handshakes without sockets."""

from __future__ import annotations

import asyncio
from array import array
from typing import Any, cast

import pytest
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate, RTCDtlsTransport

from mcu_core.relay import aiortc_shim
from mcu_core.relay.aiortc_shim import DatagramPipe, Dtls, Keys, Opener, Sealer, self_test


def test_self_test_passes_on_both_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    self_test()
    monkeypatch.setattr(aiortc_shim, "_DIRECT", False)
    self_test()


def test_self_test_fails_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(RTCDtlsTransport, "_set_role")
    with pytest.raises(aiortc_shim.SelfTestFailed, match="_set_role"):
        self_test()


@pytest.mark.parametrize("direct", [True, False])
def test_garbage_is_refused_whatever_its_length(monkeypatch: pytest.MonkeyPatch, direct: bool) -> None:
    monkeypatch.setattr(aiortc_shim, "_DIRECT", direct)
    keys, opener, sealer = Keys.from_secrets(bytes(44), bytes(44)), Opener(), Sealer(4096)
    for size in range(0, 1501, 7):
        opener.buffer[:size] = bytes((0x80,)) * size
        assert opener.open(keys.receive, size) == -1
        opener.buffer[:size] = bytes((0x80,)) * size
        assert opener.open_rtcp(keys.receive, size) == -1
    assert sealer.seal(keys.send, 0, 5) == -1


@pytest.mark.parametrize("direct", [True, False])
def test_rows_are_sealed_as_each_would_be(monkeypatch: pytest.MonkeyPatch, direct: bool) -> None:
    monkeypatch.setattr(aiortc_shim, "_DIRECT", direct)
    packets = [bytes((0x80, 96, 0, number, *bytes(7), 10)) + bytes(range(20 + 5 * number)) for number in range(4)]
    for pitch in (80, 96):
        together, alone = (
            [Keys.from_secrets(bytes(44), bytes((number // 2,)) * 44) for number in range(4)] for _ in range(2)
        )
        rows, one = Sealer(4096), Sealer(4096)
        for number, packet in enumerate(packets):
            rows.view[pitch * number : pitch * number + len(packet)] = packet
        sizes = array("i", map(len, packets))
        sealed = rows.seal_rows([keys.send for keys in together], pitch, sizes)
        assert sealed == [len(packet) + keys.tag for packet, keys in zip(packets, together, strict=True)]
        for number, packet in enumerate(packets):
            one.view[: len(packet)] = packet
            size = one.seal(alone[number].send, 0, len(packet))
            assert rows.view[pitch * number : pitch * number + size] == one.view[:size]
        sizes[1] = 5
        assert rows.seal_rows([keys.send for keys in together], pitch, sizes)[1] == -1


class Wire:
    """Two DTLS ends joined without sockets."""

    def __init__(self) -> None:
        self._certificate = RTCCertificate.generateCertificate()
        self.server = Dtls(aiortc_shim.new_certificate(), self._to_client)
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.client = RTCDtlsTransport(cast(Any, self), [self._certificate])
        self.client._set_role("client")
        self.role = "controlled"

    def _to_client(self, data: bytes) -> None:
        self._queue.put_nowait(data)

    async def _recv(self) -> bytes:
        return await self._queue.get()

    async def _send(self, data: bytes) -> None:
        self.server.pipe.feed(data)

    @property
    def fingerprints(self) -> list[tuple[str, str]]:
        return [(f.algorithm, f.value) for f in self._certificate.getFingerprints()]

    async def connect(self) -> Keys:
        remote = cast(Any, self.server._transport).getLocalParameters()
        keys, _ = await asyncio.gather(self.server.handshake(self.fingerprints), self.client.start(remote))
        return keys

    async def close(self) -> None:
        await self.client.stop()
        await self.server.close()
        await asyncio.sleep(0)


async def test_handshake_gives_keys_and_goodbye_is_heard() -> None:
    wire = Wire()
    keys = await wire.connect()
    sealer = Sealer(4096)
    packet = bytes.fromhex("80600001000000010000000a") + b"hello"
    sealer.view[: len(packet)] = packet
    size = sealer.seal(keys.send, 0, len(packet))
    assert wire.client._rx_srtp.unprotect(bytes(sealer.view[:size])) == packet
    await wire.client.stop()
    await asyncio.wait_for(wire.server.ended(), 2)
    await wire.close()


@pytest.mark.parametrize("profile", SRTP_PROFILES, ids=lambda profile: profile.openssl_profile.decode())
async def test_tag_is_that_of_the_profile_agreed_on(profile: Any) -> None:
    wire = Wire()
    wire.client._srtp_profiles = [profile]
    keys = await wire.connect()
    sealer = Sealer(4096)
    sealer.view[:17] = bytes.fromhex("80600001000000010000000a") + b"hello"
    assert sealer.seal(keys.send, 0, 17) == 17 + keys.tag
    await wire.close()


async def test_wrong_certificate_is_refused() -> None:
    wire = Wire()
    other = [(f.algorithm, f.value) for f in RTCCertificate.generateCertificate().getFingerprints()]
    started = asyncio.create_task(wire.client.start(cast(Any, wire.server._transport).getLocalParameters()))
    with pytest.raises(ConnectionError):
        await wire.server.handshake(other)
    await wire.close()
    started.cancel()
    await asyncio.gather(started, return_exceptions=True)


async def test_handshake_has_a_deadline() -> None:
    dtls = Dtls(aiortc_shim.new_certificate(), lambda data: None)
    with pytest.raises(ConnectionError, match="too long"):
        await dtls.handshake([("sha-256", "00")], deadline=0.05)
    await dtls.close()


def _record(kind: int, number: int, body: bytes) -> bytes:
    return bytes((kind, 254, 253)) + number.to_bytes(8, "big") + len(body).to_bytes(2, "big") + body


async def test_lost_flight_is_sent_again_when_the_browser_repeats_itself() -> None:
    sent: list[bytes] = []
    pipe = DatagramPipe(sent.append)
    pipe.feed(_record(22, 0, b"hello, part one"))
    pipe.feed(_record(22, 1, b"hello, part two"))
    assert await pipe._recv()
    assert await pipe._recv()
    await pipe._send(_record(22, 0, b"our flight"))
    assert len(sent) == 1
    pipe.feed(_record(22, 2, b"hello, part one"))
    assert sent == [sent[0]] * 2
    pipe.feed(_record(22, 3, b"something new"))
    pipe.feed(_record(23, 4, b"hello, part one"))
    assert len(sent) == 2


async def test_flood_of_datagrams_is_bounded() -> None:
    pipe = DatagramPipe(lambda data: None, queue=8)
    for number in range(100):
        pipe.feed(_record(22, number, str(number).encode()))
    assert pipe.dropped == 92
    pipe.close()


async def test_first_handshake_is_paid_for_before_the_first_site() -> None:
    await aiortc_shim.warm_up()
