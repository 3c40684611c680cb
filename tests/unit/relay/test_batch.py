"""Datagrams received many at a time, over loopback: what arrives is what was sent, and from whom."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mcu_core.relay import batch, udp
from mcu_core.relay.aiortc_shim import Opener
from mcu_core.relay.ice_lite import Address

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
