"""UDP sockets in a process of their own that swallow and count what they are sent, for the fan-out benchmark.

The sockets are drained every few milliseconds, not at each datagram: the receiver's part of the kernel's work is there,
but no wake-up per packet disturbs who is measured.
"""

from __future__ import annotations

import multiprocessing
import socket
import time
from multiprocessing.connection import Connection
from types import TracebackType

Address = tuple[str, int]


def _drain(pipe: Connection, count: int) -> None:
    sockets = []
    for _ in range(count):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        sockets.append(sock)
    pipe.send([sock.getsockname() for sock in sockets])
    buffer = bytearray(2048)
    received = 0
    while True:
        stopping = pipe.poll()
        for sock in sockets:
            try:
                while True:
                    sock.recv_into(buffer)
                    received += 1
            except BlockingIOError:
                pass
        if stopping:
            pipe.recv()
            pipe.send(received)
            received = 0
        time.sleep(0.004)


class Sinkhole:
    """`addresses` of `count` sockets; `take_count` says how many datagrams came since it was last asked."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_drain, args=(theirs, count), daemon=True)
        self._count = count
        self.addresses: list[Address] = []

    def __enter__(self) -> Sinkhole:
        self._process.start()
        self.addresses = self._pipe.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def take_count(self) -> int:
        time.sleep(0.05)
        self._pipe.send("count")
        return int(self._pipe.recv())
