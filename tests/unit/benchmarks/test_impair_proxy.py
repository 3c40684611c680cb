"""The proxy over loopback: both ways, late as its line says, from another address after a rebinding, held by cuts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.impair import PROFILES, Line, Profile, Stage
from benchmarks.impair_proxy import Course, TcpProxy, UdpProxy


def profile(*stages: Stage) -> Profile:
    return Profile("test", "thử", "test", stages)


def always(line: Line) -> Profile:
    return profile(Stage(0.0, line, line))


@asynccontextmanager
async def echo_server() -> AsyncIterator[tuple[tuple[str, int], list[tuple[str, int]]]]:
    """A UDP server that sends everything back; its address, and whom it heard."""
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    heard: list[tuple[str, int]] = []

    def echo() -> None:
        data, peer = sock.recvfrom(2048)
        heard.append(peer)
        sock.sendto(data, peer)

    loop.add_reader(sock, echo)
    try:
        yield sock.getsockname(), heard
    finally:
        loop.remove_reader(sock)
        sock.close()


@asynccontextmanager
async def peer_of(proxy: UdpProxy) -> AsyncIterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(("127.0.0.1", proxy.port))
        try:
            yield sock
        finally:
            proxy.close()


async def ask(sock: socket.socket, data: bytes) -> bytes:
    sock.send(data)
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 2048), 5)


def course(of: Profile) -> Course:
    return Course(of, asyncio.get_running_loop().time)


async def test_packets_go_both_ways_late_by_the_delay() -> None:
    async with echo_server() as (server, _):
        proxy = UdpProxy(course(always(Line(delay=0.03))), server, seed=1)
        async with peer_of(proxy) as peer:
            began = asyncio.get_running_loop().time()
            assert await ask(peer, b"hello") == b"hello"
            assert asyncio.get_running_loop().time() - began >= 0.058
            counts = proxy.counts()
    assert (counts["up"]["delivered"], counts["down"]["delivered"], counts["flows"]) == (1, 1, 1)
    assert counts["up"]["octets"] == 5


async def test_after_a_rebinding_the_server_hears_the_peer_from_another_address() -> None:
    async with echo_server() as (server, heard):
        proxy = UdpProxy(course(PROFILES["N0"]), server, seed=1)
        async with peer_of(proxy) as peer:
            assert await ask(peer, b"one") == b"one"
            proxy.rebind()
            assert await ask(peer, b"two") == b"two"
    assert len(set(heard)) == 2


async def test_each_peer_is_a_flow_of_its_own() -> None:
    async with echo_server() as (server, heard):
        proxy = UdpProxy(course(PROFILES["N0"]), server, seed=1)
        async with peer_of(proxy) as peer:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.setblocking(False)
                other.connect(("127.0.0.1", proxy.port))
                assert await ask(peer, b"one") == b"one"
                assert await ask(other, b"two") == b"two"
            assert proxy.counts()["flows"] == 2
    assert len(set(heard)) == 2


async def test_nothing_passes_while_the_line_is_cut() -> None:
    cut = Line(loss=1.0)
    line = course(profile(Stage(0.0, Line(), Line()), Stage(0.0, cut, cut), Stage(0.3, Line(), Line())))
    async with echo_server() as (server, heard):
        proxy = UdpProxy(line, server, seed=1)
        async with peer_of(proxy) as peer:
            line.begin()
            peer.send(b"lost")
            await asyncio.sleep(0.35)
            assert await ask(peer, b"found") == b"found"
            assert proxy.counts()["up"]["cut"] == 1
    assert len(heard) == 1


async def test_a_byte_stream_is_held_while_the_line_is_cut_and_nothing_of_it_is_lost() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    cut, good = Line(loss=1.0), Line(delay=0.01)
    line = course(profile(Stage(0.0, good, good), Stage(0.05, cut, cut), Stage(0.4, good, good)))
    proxy = TcpProxy(line, server.sockets[0].getsockname())
    await proxy.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"before")
        assert await asyncio.wait_for(reader.readexactly(6), 5) == b"before"
        line.begin()
        await asyncio.sleep(0.1)
        writer.write(b"during")
        assert await asyncio.wait_for(reader.readexactly(6), 5) == b"during"
        assert line.time >= 0.4
        writer.close()
    finally:
        await proxy.close()
        server.close()
