"""Datagrams received and sent many at a time, over loopback: what arrives is what was sent, and from whom."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest

from mcu_core.relay import batch, udp
from mcu_core.relay.aiortc_shim import Keys, Opener
from mcu_core.relay.egress import Egress
from mcu_core.relay.ice_lite import Address
from mcu_core.relay.listeners import AudioSender, Listeners
from mcu_core.relay.outlet import Outlet, Socket
from mcu_core.wire import AudioOut

MakeSocket = Callable[[], socket.socket]


@pytest.fixture(params=[("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)], ids=["v4", "v6"])
def make(request: pytest.FixtureRequest) -> Iterator[MakeSocket]:
    host, family = request.param
    with ExitStack() as stack:

        def bound() -> socket.socket:
            sock = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            try:
                sock.bind((host, 0))
            except OSError:
                pytest.skip(f"no {host} here")
            sock.setblocking(False)
            return sock

        yield bound


def test_each_datagram_comes_with_its_size_and_source(make: MakeSocket) -> None:
    here, sites, slots = make(), [make(), make()], [bytearray(100) for _ in range(4)]
    inbox = batch.Inbox(here, slots)
    assert inbox.receive() == []
    sent = [(bytes((number,)) * (number + 1), sites[number % 2]) for number in range(6)]
    for data, site in sent:
        site.sendto(data, here.getsockname())
    got: list[tuple[bytes, Address]] = []
    for expected in (4, 2, 0):
        arrived = inbox.receive()
        assert len(arrived) == expected
        got += [(bytes(slot[:size]), source) for slot, (size, source) in zip(slots, arrived, strict=False)]
    assert got == [(data, site.getsockname()) for data, site in sent]


def test_what_is_longer_than_its_slot_is_cut(make: MakeSocket) -> None:
    here, site = make(), make()
    inbox = batch.Inbox(here, [bytearray(100), bytearray(100)])
    site.sendto(bytes(101), here.getsockname())
    site.sendto(b"next", here.getsockname())
    assert [size for size, _ in inbox.receive()] == [100, 4]


def test_strangers_do_not_fill_the_memory(make: MakeSocket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_KNOWN", 3)
    here, sites = make(), [make() for _ in range(8)]
    inbox = batch.Inbox(here, [bytearray(100) for _ in range(8)])
    for site in sites:
        site.sendto(b"?", here.getsockname())
    assert [source for _, source in inbox.receive()] == [site.getsockname() for site in sites]
    assert len(inbox._known) <= 3


async def test_an_error_of_one_datagram_loses_none_of_its_batch(make: MakeSocket) -> None:
    here, site, opener = make(), make(), Opener(4)
    heard, errors, all_heard = [], [], asyncio.Event()

    def take(size: int, source: Address, sock: object, now: float) -> None:
        heard.append(bytes(opener.buffer[:size]))
        if len(heard) == 1:
            raise ValueError("a bug")
        if len(heard) == 3:
            all_heard.set()

    def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        errors.append(context["exception"])

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(note)
    for data in (b"one", b"two", b"three"):
        site.sendto(data, here.getsockname())
    reader = udp.Reader([here], opener, take)
    reader.start()
    try:
        async with asyncio.timeout(5):
            await all_heard.wait()
    finally:
        reader.stop()
    assert heard == [b"one", b"two", b"three"]
    assert [str(error) for error in errors] == ["a bug"]


def test_what_is_sent_together_arrives_where_it_should(make: MakeSocket) -> None:
    here, sites = make(), [make() for _ in range(3)]
    buffer = bytearray(range(200))
    outbox = batch.Outbox(buffer, room=4)
    letters = [(sites[number % 3].getsockname(), number, number + 1) for number in range(10)]
    for _ in range(2):
        assert outbox.send(here, letters) == []
        for number, (_, at, size) in enumerate(letters):
            data, source = sites[number % 3].recvfrom(300)
            assert (data, source) == (bytes(buffer[at : at + size]), here.getsockname())
    assert outbox.send(here, []) == []


def test_one_that_cannot_be_sent_keeps_none_of_the_others_back(make: MakeSocket) -> None:
    here, site = make(), make()
    outbox = batch.Outbox(bytearray(70_000), room=4)
    good = site.getsockname()
    sizes = (70_000, 1, 2, 70_000, 70_000, 3)  # a datagram has no more than 65 535 octets
    errors = outbox.send(here, [(good, 0, size) for size in sizes])
    assert [(number, error.errno) for number, error in errors] == [(n, errno.EMSGSIZE) for n in (0, 3, 4)]
    assert [len(site.recv(300)) for _ in range(3)] == [1, 2, 3]


def test_kernel_cuts_where_it_is_told_to_and_not_any_more(make: MakeSocket) -> None:
    assert batch.probe_gso(), "every Linux since 4.18"
    here, sites = make(), [make() for _ in range(3)]
    buffer = bytearray(number % 251 for number in range(2000))
    outbox = batch.Outbox(buffer, room=2)
    for segment in (0, 100, 50, 0, 70):
        letters = [(site.getsockname(), 300 * number, 250 + number) for number, site in enumerate(sites)]
        assert outbox.send(here, letters, segment) == []
        for (_, at, size), site in zip(letters, sites, strict=True):
            step = segment or size
            pieces = [site.recv(2000) for _ in range(0, size, step)]
            assert pieces == [bytes(buffer[x : min(x + step, at + size)]) for x in range(at, at + size, step)]
            with pytest.raises(BlockingIOError):
                site.recv(2000)


@pytest.mark.parametrize("address", [("192.0.2.7", 40_000), ("2001:db8::7", 40_000, 0, 0), ("fe80::7", 1, 0, 3)])
def test_addresses_are_the_socket_modules(address: Address) -> None:
    assert batch.address_of(batch.name_of(address)) == address


def test_sound_for_more_legs_than_fit_the_buffer_reaches_them_all() -> None:
    with ExitStack() as stack:
        here, site = (stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2))
        site.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        for sock in (here, site):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        egress, listeners = Egress(lambda delay, call: None), []
        for number in range(120):
            outlet = Outlet()
            outlet.keys = Keys.from_secrets(bytes(44), bytes(44))
            outlet.sock, outlet.address = cast(Socket, here), site.getsockname()
            listeners.append((number, AudioSender(outlet, number, 111)))
        payload = bytes(1275)
        assert len(listeners) * len(payload) > len(egress.sealer.buffer)
        egress.sound(AudioOut(0.0, 0, payload, {}), 960, Listeners(listeners))
        assert [int.from_bytes(site.recv(2000)[8:12], "big") for _ in listeners] == list(range(120))
        assert egress.packets == 120
        assert egress.dropped == {}
