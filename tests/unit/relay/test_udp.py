"""The relay's sockets on this machine: who answers, and who may have the port."""

from __future__ import annotations

import socket

import pytest

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
