"""Where one leg's packets go: its keys, the socket it is reached through, its address."""

from __future__ import annotations

from typing import Protocol

from mcu_core.relay.aiortc_shim import Keys
from mcu_core.relay.ice_lite import Address


class Socket(Protocol):
    """The part of `socket.socket` that sends."""

    def sendto(self, data: memoryview, address: Address, /) -> int: ...


class Outlet:
    """Where one leg's packets go.  `keys` is None until DTLS is done; `octets` went there, not counting sound."""

    __slots__ = ("address", "gso", "keys", "octets", "sock")

    def __init__(self) -> None:
        self.keys: Keys | None = None
        self.sock: Socket | None = None
        self.address: Address = ()
        self.gso = True
        self.octets = 0
