"""The relay's sockets on this machine: who answers, and who may have the port."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
import structlog

from mcu_core.errors import OperatorError
from mcu_core.relay import udp


def test_an_answer_comes_from_the_address_that_was_asked() -> None:
    sockets = udp.open_sockets(["0.0.0.0"], 0)
    try:
        port = sockets[0].getsockname()[1]
        assert {sock.getsockname()[1] for sock in sockets} == {port}
        bound = [sock.getsockname()[0] for sock in sockets]
        assert "127.0.0.1" in bound
        assert bound[-1] == "0.0.0.0"
        for sock in sockets[:-1]:
            address = sock.getsockname()[0]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as site:
                site.settimeout(2)
                site.sendto(b"?", (address, port))
                sock.setblocking(True)
                sock.settimeout(2)
                _, source = sock.recvfrom(10)
                sock.sendto(b"!", source)
                assert site.recvfrom(10)[1] == (address, port)
    finally:
        for sock in sockets:
            sock.close()


def test_a_second_relay_is_refused_the_port() -> None:
    sockets = udp.open_sockets(["0.0.0.0"], 0)
    try:
        with pytest.raises(OperatorError, match="relay_port"):
            udp.open_sockets(["0.0.0.0"], sockets[0].getsockname()[1])
        with pytest.raises(OperatorError, match="relay_port"):
            udp.open_sockets(["127.0.0.1"], sockets[0].getsockname()[1])
    finally:
        for sock in sockets:
            sock.close()


@pytest.fixture
def small() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
        sock.bind(("127.0.0.1", 0))
        yield sock


def test_a_buffer_too_small_for_a_hiccup_is_said(small: socket.socket) -> None:
    with structlog.testing.capture_logs() as logs:
        udp.warn_of_small_buffers([small])
    [line] = logs
    assert line["event"] == "small_socket_buffer"
    assert line["octets"] == udp.buffer_given(small) == 20_000
    assert "net.core.rmem_max" in line["vi"]
    assert "net.core.rmem_max" in line["en"]


def test_what_the_kernel_drops_is_counted(small: socket.socket) -> None:
    assert udp.overflows([small]) == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as site:
        for _ in range(200):
            site.sendto(bytes(1000), small.getsockname())
    small.setblocking(False)
    read = 0
    with contextlib.suppress(BlockingIOError):
        while small.recv(2000):
            read += 1
    assert udp.overflows([small]) == 200 - read > 0
