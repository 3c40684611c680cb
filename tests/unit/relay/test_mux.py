"""Whose datagram: hygiene, following a site to a new address, garbage.  No sockets, a fake leg."""

from __future__ import annotations

import os
import random

import pytest

from mcu_core.relay.aiortc_shim import Keys, Opener, Sealer
from mcu_core.relay.ice_lite import Address, Credentials, IceLite
from mcu_core.relay.mux import MAX_PATHS, Mux
from mcu_core.relay.outlet import Outlet
from tests.unit.relay.packets import FakeSocket, rtp_packet
from tests.unit.relay.test_ice_lite import check

SECRETS = bytes(range(44)), bytes(range(50, 94))
HOME, AWAY = ("192.0.2.1", 5000), ("198.51.100.9", 6000)


class FakeLeg:
    """Opens what it is given with real keys and counts."""

    def __init__(self, opener: Opener) -> None:
        self.ice = IceLite(Credentials.create("theirs", "p" * 24))
        self.outlet = Outlet()
        self.heard = 0.0
        self.keys = Keys.from_secrets(*SECRETS)
        self.packets = self.reports = self.refused = self.starts = 0
        self.records: list[bytes] = []
        self._opener = opener

    def take_rtp(self, size: int, now: float) -> bool:
        opened = self._opener.open(self.keys.receive, size) > 0
        self.packets += opened
        self.refused += not opened
        return opened

    def take_rtcp(self, size: int, now: float) -> bool:
        opened = self._opener.open_rtcp(self.keys.receive, size) > 0
        self.reports += opened
        return opened

    def take_dtls(self, data: bytes) -> None:
        self.records.append(data)

    def reached(self) -> None:
        self.starts += 1


class Stage:
    def __init__(self) -> None:
        self.mux = Mux(Opener())
        self.leg = FakeLeg(self.mux.opener)
        self.sock = FakeSocket()
        self.mux.add(self.leg, (7,))
        self._browser = Keys.from_secrets(SECRETS[1], SECRETS[0])
        self._sealer = Sealer(4096)
        self._sequence = 0

    def hear(self, data: bytes, source: Address, now: float) -> None:
        self.mux.opener.buffer[: len(data)] = data
        self.mux.datagram(len(data), source, self.sock.as_socket, now)

    def check(self, source: Address, now: float, nominate: bool = False) -> None:
        self.hear(bytes(check(self.leg.ice.credentials, nominate=nominate)), source, now)

    def media(self, source: Address, now: float, ssrc: int = 7) -> None:
        self._sequence += 1
        packet = rtp_packet(self._sequence, payload=b"media", ssrc=ssrc)
        self._sealer.view[: len(packet)] = packet
        size = self._sealer.seal(self._browser.send, 0, len(packet))
        self.hear(bytes(self._sealer.view[:size]), source, now)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_first_check_gives_the_address_and_starts_the_handshake_once(stage: Stage) -> None:
    stage.check(HOME, 0.0)
    stage.check(HOME, 0.1, nominate=True)
    assert stage.leg.starts == 1
    assert stage.leg.outlet.address == HOME
    assert [address for _, address in stage.sock.sent] == [HOME, HOME]
    stage.hear(bytes((22,)) * 50, HOME, 0.2)
    assert len(stage.leg.records) == 1
    stage.hear(bytes((22,)) * 50, AWAY, 0.2)
    assert len(stage.leg.records) == 1, "DTLS from an address without a check is not listened to"


def test_media_from_a_new_address_is_followed_when_the_old_one_is_silent(stage: Stage) -> None:
    stage.check(HOME, 0.0)
    stage.media(HOME, 1.0)
    stage.media(AWAY, 1.2)
    assert stage.leg.outlet.address == HOME, "too early"
    stage.media(AWAY, 1.35)
    assert stage.leg.outlet.address == AWAY
    assert stage.leg.packets == 2


def test_media_that_cannot_be_decrypted_moves_nothing(stage: Stage) -> None:
    stage.check(HOME, 0.0)
    stage.hear(rtp_packet(5, payload=bytes(50), ssrc=7), AWAY, 10.0)
    stage.media(AWAY, 10.0, ssrc=8)
    assert stage.leg.outlet.address == HOME
    assert stage.mux.dropped == {"unknown_source": 2}


def test_media_from_a_checked_but_unselected_address_is_followed_soon(stage: Stage) -> None:
    stage.check(HOME, 0.0, nominate=True)
    stage.check(AWAY, 0.1)
    stage.media(HOME, 1.0)
    stage.media(AWAY, 1.1)
    assert stage.leg.outlet.address == HOME
    assert stage.leg.packets == 2
    stage.media(AWAY, 1.4)
    assert stage.leg.outlet.address == AWAY


def test_check_after_a_second_of_silence_is_followed_although_it_does_not_nominate(stage: Stage) -> None:
    stage.check(HOME, 0.0, nominate=True)
    stage.media(HOME, 1.0)
    stage.check(AWAY, 1.5)
    assert stage.leg.outlet.address == HOME
    stage.check(AWAY, 2.1)
    assert stage.leg.outlet.address == AWAY


def test_garbage_disturbs_nothing(stage: Stage) -> None:
    stage.check(HOME, 0.0)
    stage.media(HOME, 0.1)
    source = random.Random(8)
    for number in range(4000):
        size = source.choice((0, 1, 2, 11, 12, 13, 20, 100, 1500, 1501, 2048))
        data = source.randbytes(size)
        if size and number % 2:
            data = bytes((source.choice((0, 1, 20, 22, 63, 128, 129, 144, 191)),)) + data[1:]
        stage.hear(data, source.choice((HOME, AWAY)), 0.2)
    assert stage.leg.outlet.address == HOME
    stage.media(HOME, 0.3)
    assert stage.leg.packets == 2
    assert stage.mux.dropped["bad_length"] > 100


def test_real_packets_cut_at_every_length_disturb_nothing(stage: Stage) -> None:
    stage.check(HOME, 0.0)
    whole = bytes(check(stage.leg.ice.credentials))
    for size in range(len(whole)):
        stage.hear(whole[:size], AWAY, 0.1)
    stage.media(HOME, 0.1)
    for size in range(60):
        stage.hear(rtp_packet(9, payload=bytes(60))[:size], HOME, 0.2)
        stage.hear(bytes.fromhex("81c90007deadbeef") + bytes(size), HOME, 0.2)
    stage.media(HOME, 0.3)
    assert stage.leg.packets == 2
    assert stage.leg.starts == 1


def test_addresses_of_a_leg_are_bounded_and_go_with_it(stage: Stage) -> None:
    for port in range(50):
        stage.check(("192.0.2.1", 7000 + port), port * 2.0)
    assert len(stage.mux._paths) <= MAX_PATHS
    assert stage.leg.outlet.address in stage.mux._paths
    stage.mux.remove(stage.leg)
    assert not stage.mux._paths
    stage.check(HOME, 200.0)
    assert stage.mux.dropped["stun_unknown"] == 1


def test_restarted_leg_is_found_by_both_names_until_the_old_is_forgotten(stage: Stage) -> None:
    stage.check(HOME, 0.0)
    old = stage.leg.ice.credentials
    stage.leg.ice.restart(Credentials.create("newer", "q" * 24), 1.0)
    stage.mux.restarted(stage.leg)
    stage.hear(bytes(check(old)), HOME, 1.5)
    stage.check(AWAY, 1.6, nominate=True)
    assert stage.leg.outlet.address == AWAY
    assert len(stage.sock.sent) == 3
    stage.mux.forget_generation(old.local_ufrag)
    stage.hear(bytes(check(old)), HOME, 1.7)
    assert len(stage.sock.sent) == 3


def test_error_of_the_socket_while_answering_is_counted(stage: Stage) -> None:
    stage.sock.fail = OSError(101, os.strerror(101))
    stage.check(HOME, 0.0)
    assert stage.mux.dropped == {"send_failed": 1}
