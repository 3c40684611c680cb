"""The relay's UDP sockets: one per bind address, all on the one port, read in batches.

A wildcard address also gets a socket for each address the machine has now: an answer must come from the address that
was asked, and through a wildcard socket the routing table would choose.  The wildcard socket itself serves addresses
that come later.

Waking the event loop for each packet would cost 20-50 us, several times what the packet itself costs.  So after a
wake-up the reader is taken off the loop and the socket is polled every 2 ms, or 4 ms with much traffic; when some
polls in a row find nothing the reader goes back.  An error of one datagram never ends the reading.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import structlog
from aioice.ice import get_host_addresses

from mcu_core.errors import OperatorError
from mcu_core.relay.aiortc_shim import Opener
from mcu_core.relay.batch import Inbox
from mcu_core.relay.mux import OnDatagram
from mcu_core.relay.outlet import Socket

log = structlog.get_logger("relay")

BATCH = 64  # datagrams of one socket per turn, read by one call
POLL = 0.002
POLL_BUSY, BUSY = 0.004, 8  # when a poll finds so many datagrams
EMPTY_POLLS = 2  # then the line is quiet
BUFFER = 4 * 1024 * 1024  # octets for each direction: 0.6 s of what 120 sites send
SMALL = 1024 * 1024  # less than 0.1 s after what the kernel keeps beside each packet
_FORCE = {socket.SO_RCVBUF: 33, socket.SO_SNDBUF: 32}  # SO_RCVBUFFORCE, SO_SNDBUFFORCE: beyond the limit (socket(7))
WILDCARDS = ("0.0.0.0", "::")


def open_sockets(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Bind every address to `port` (0: the first free one, then the same for all).

    An IPv6 wildcard is skipped with a warning where the machine has no IPv6.  Raises OperatorError `relay_port`.
    """
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            try:
                wanted = _open(address, port)  # alone: nobody else may have the port
            except OSError as error:
                if address != "::":
                    raise _cannot_bind(address, port, error) from error
                log.warning("IPv6 is not available", error=str(error))
                continue
            port = wanted.getsockname()[1]
            if address not in WILDCARDS:
                opened.append(wanted)
                continue
            wanted.close()
            for own in (*_own_addresses(address), address):
                try:
                    opened.append(_open(own, port, beside_others=True))
                except OSError as error:
                    if own == address:
                        raise _cannot_bind(address, port, error) from error
                    log.warning("no socket", address=own, error=str(error))  # an address that has just gone
    except OperatorError:
        for sock in opened:
            sock.close()
        raise
    if not opened:
        raise _cannot_bind(", ".join(addresses), port, None)
    return opened


def _open(address: str, port: int, *, beside_others: bool = False) -> socket.socket:
    """A bound socket; `beside_others` lets it share the port with a wildcard.  Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        for option, force in _FORCE.items():
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)
                sock.setsockopt(socket.SOL_SOCKET, force, BUFFER)  # refused without CAP_NET_ADMIN
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if beside_others:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def buffer_given(sock: socket.socket) -> int:
    """Octets the kernel gave for receiving; it caps what is asked for at net.core.rmem_max without a word."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2  # it tells the double (socket(7))


def warn_of_small_buffers(sockets: Sequence[socket.socket]) -> None:
    """One line in the log when a hiccup of some tens of milliseconds would lose everybody's packets."""
    given = min(map(buffer_given, sockets))
    if given < SMALL:
        log.warning(
            "small_socket_buffer",
            octets=given,
            wanted=BUFFER,
            vi=f"Bộ đệm nhận UDP quá nhỏ. Hãy đặt net.core.rmem_max={BUFFER} và net.core.wmem_max={BUFFER} (sysctl).",
            en=f"The UDP receive buffer is too small. Set net.core.rmem_max={BUFFER} and net.core.wmem_max={BUFFER}.",
        )


def overflows(sockets: Sequence[socket.socket], proc: Path = Path("/proc/net")) -> int:
    """Datagrams the kernel dropped since the start because these sockets' buffers were full (proc(5))."""
    inodes = {str(os.fstat(sock.fileno()).st_ino) for sock in sockets}
    dropped = 0
    for name in ("udp", "udp6"):
        with contextlib.suppress(OSError):
            for line in (proc / name).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[9] in inodes:
                    dropped += int(fields[-1])
    return dropped


def _own_addresses(wildcard: str) -> list[str]:
    """The machine's addresses of the wildcard's family, loopback too."""
    v4 = wildcard == "0.0.0.0"
    return ["127.0.0.1" if v4 else "::1", *get_host_addresses(use_ipv4=v4, use_ipv6=not v4)]


def _cannot_bind(address: str, port: int, error: OSError | None) -> OperatorError:
    why = error.strerror if error is not None and error.strerror else "-"
    return OperatorError(
        "relay_port",
        f"Không mở được cổng UDP {port} trên {address} ({why}). Kiểm tra MCU_RELAY_BIND và MCU_RELAY_PORT.",
        f"UDP port {port} on {address} cannot be opened ({why}). Check MCU_RELAY_BIND and MCU_RELAY_PORT.",
    )


def announced(bind: Sequence[str], announce: Sequence[str]) -> list[str]:
    """The addresses for the candidates: `announce` if set, else the bound ones, a wildcard standing for the
    machine's own.

    A machine without any other address announces 127.0.0.1.
    """
    if announce:
        return list(announce)
    found: list[str] = []
    for address in bind:
        if address in WILDCARDS:
            found += get_host_addresses(use_ipv4=address == "0.0.0.0", use_ipv6=address == "::")
        else:
            found.append(address)
    return list(dict.fromkeys(found)) or ["127.0.0.1"]


class Reader:
    """Reads the sockets into the opener's slots and hands each datagram on, the opener turned to it."""

    def __init__(self, sockets: Sequence[socket.socket], opener: Opener, on_datagram: OnDatagram) -> None:
        self._sockets = sockets
        self._inboxes = {sock: Inbox(sock, opener.slots) for sock in sockets}
        self._batch = len(opener.slots)
        self._opener = opener
        self._on_datagram = on_datagram
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timers: dict[socket.socket, asyncio.Handle] = {}
        self._empty: dict[socket.socket, int] = {}

    def start(self) -> None:
        """Begin to read, on the running loop."""
        self._loop = asyncio.get_running_loop()
        for sock in self._sockets:
            self._loop.add_reader(sock, self._wake, sock)

    def stop(self) -> None:
        if self._loop is None:
            return
        for timer in self._timers.values():
            timer.cancel()
        for sock in self._sockets:
            self._loop.remove_reader(sock)
        self._loop = None

    def _wake(self, sock: socket.socket) -> None:
        assert self._loop is not None
        self._loop.remove_reader(sock)
        self._poll(sock)

    def _poll(self, sock: socket.socket) -> None:
        loop = self._loop
        if loop is None:
            return
        count = self._batch
        try:
            count = self._drain(sock, loop.time())
        finally:
            empty = self._empty[sock] = 0 if count else self._empty.get(sock, 0) + 1
            if empty >= EMPTY_POLLS:
                self._timers.pop(sock, None)
                loop.add_reader(sock, self._wake, sock)
            else:
                delay = 0.0 if count == self._batch else POLL_BUSY if count >= BUSY else POLL
                self._timers[sock] = loop.call_later(delay, self._poll, sock)

    def _drain(self, sock: socket.socket, now: float) -> int:
        take, on_datagram, out = self._opener.take, self._on_datagram, cast(Socket, sock)
        arrived = self._inboxes[sock].receive()
        for slot, (size, address) in enumerate(arrived):
            take(slot)
            try:
                on_datagram(size, address, out, now)
            except Exception as error:  # the others of the batch are still to be read
                assert self._loop is not None
                self._loop.call_exception_handler({"message": f"datagram from {address}", "exception": error})
        return len(arrived)
