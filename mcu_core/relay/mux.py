"""Whose datagram is this?  One UDP port carries all legs: STUN is told apart by ICE user name, the rest by address.

The order of tests is the hygiene: length, then first byte (RFC 7983), then one dict look-up; an unknown source
costs no more than that, except RTP with an SSRC some leg has announced: after a NAT rebinding it is the first thing
heard, and it is believed only when it can be decrypted.  No sockets here: datagrams come with the socket they came
by, replies go to it.  Takes `now`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

from mcu_core.relay import ice_lite
from mcu_core.relay.aiortc_shim import MAX_DATAGRAM, Opener
from mcu_core.relay.ice_lite import Address, IceLite
from mcu_core.relay.outlet import Outlet, Socket

REBIND_SILENCE = 0.3  # seconds of silence before media from another address is followed
MAX_PATHS = 8  # addresses remembered of one leg
_SSRC = struct.Struct("!I")


class DatagramLeg(Protocol):
    """What the mux needs of a leg."""

    ice: IceLite
    outlet: Outlet
    heard: float

    def take_rtp(self, size: int, now: float) -> bool:
        """Take the RTP packet in the opener's buffer; True if it was authentic."""

    def take_rtcp(self, size: int, now: float) -> bool: ...

    def take_dtls(self, data: bytes) -> None: ...

    def reached(self) -> None:
        """The first authenticated check has arrived: there is an address."""


class Path:
    """An authenticated address of a leg, and the socket it was heard by."""

    __slots__ = ("address", "leg", "sock")

    def __init__(self, leg: DatagramLeg, address: Address, sock: Socket) -> None:
        self.leg, self.address, self.sock = leg, address, sock


class Mux:
    """Tables from addresses, user names and SSRCs to legs."""

    def __init__(self, opener: Opener) -> None:
        self.opener = opener
        self.dropped: dict[str, int] = {}
        self.packets = 0
        self._paths: dict[Address, Path] = {}
        self._ufrags: dict[str, DatagramLeg] = {}
        self._ssrcs: dict[int, DatagramLeg] = {}
        self._legs: dict[DatagramLeg, list[Address]] = {}

    # -- membership

    def add(self, leg: DatagramLeg, ssrcs: tuple[int, ...]) -> None:
        """A new leg, with the SSRCs its offer announces."""
        self._legs[leg] = []
        self._ufrags[leg.ice.credentials.local_ufrag] = leg
        for ssrc in ssrcs:
            self._ssrcs.setdefault(ssrc, leg)

    def restarted(self, leg: DatagramLeg) -> None:
        """The leg has a new ICE generation."""
        self._ufrags[leg.ice.credentials.local_ufrag] = leg

    def forget_generation(self, ufrag: str) -> None:
        self._ufrags.pop(ufrag, None)

    def remove(self, leg: DatagramLeg) -> None:
        for address in self._legs.pop(leg, ()):
            path = self._paths.get(address)
            if path is not None and path.leg is leg:
                del self._paths[address]
        self._ufrags = {ufrag: owner for ufrag, owner in self._ufrags.items() if owner is not leg}
        self._ssrcs = {ssrc: owner for ssrc, owner in self._ssrcs.items() if owner is not leg}

    def learn(self, leg: DatagramLeg, address: Address, sock: Socket, now: float) -> None:
        """The leg is at `address`, as known from elsewhere than a check (a benchmark with injected keys)."""
        self._move(leg, self._learn(leg, address, sock), now)

    # -- datagrams

    def datagram(self, size: int, address: Address, sock: Socket, now: float) -> None:
        """Take the datagram in `opener.buffer[:size]`."""
        self.packets += 1
        if size < 12 or size > MAX_DATAGRAM:
            self.drop("bad_length")
            return
        buffer = self.opener.buffer
        first = buffer[0]
        path = self._paths.get(address)
        if 127 < first < 192:
            if path is None:
                self._stranger(size, address, sock, now)
                return
            leg = path.leg
            authentic = leg.take_rtcp(size, now) if 191 < buffer[1] < 224 else leg.take_rtp(size, now)
            if authentic:
                leg.heard = now
                ice = leg.ice
                if ice.address == address:
                    ice.heard = now
                elif now - ice.heard > REBIND_SILENCE:
                    self._move(leg, path, now)
        elif first < 4:
            self._stun(bytes(buffer[:size]), address, sock, now)
        elif 19 < first < 64 and path is not None:
            path.leg.take_dtls(bytes(buffer[:size]))
        else:
            self.drop("unknown_source" if path is None else "unknown_protocol")

    def _stun(self, data: bytes, address: Address, sock: Socket, now: float) -> None:
        message = ice_lite.parse_request(data)
        ufrag = ice_lite.local_ufrag(message) if message is not None else None
        leg = self._ufrags.get(ufrag) if ufrag is not None else None
        if message is None or leg is None:
            self.drop("stun_unknown")
            return
        verdict = leg.ice.check(message, address, now)
        if not verdict.authentic or verdict.reply is None:
            self.drop("stun_refused")
            return
        leg.heard = now
        path = self._paths.get(address)
        if path is None or path.leg is not leg or path.sock is not sock:
            path = self._learn(leg, address, sock)
        first = leg.ice.address is None
        if verdict.follow:
            self._move(leg, path, now)
        try:
            sock.sendto(memoryview(verdict.reply), address)
        except OSError:
            self.drop("send_failed")
        if first and verdict.follow:
            leg.reached()

    def _stranger(self, size: int, address: Address, sock: Socket, now: float) -> None:
        """Media from an unknown address: perhaps a leg's NAT has given it a new one."""
        buffer = self.opener.buffer
        rtcp = 191 < buffer[1] < 224
        leg = self._ssrcs.get(_SSRC.unpack_from(buffer, 4 if rtcp else 8)[0])
        if leg is None or leg.ice.address is None or now - leg.ice.heard <= REBIND_SILENCE:
            self.drop("unknown_source")
            return
        if not (leg.take_rtcp(size, now) if rtcp else leg.take_rtp(size, now)):
            self.drop("unknown_source")
            return
        leg.heard = now
        self._move(leg, self._learn(leg, address, sock), now)

    def _learn(self, leg: DatagramLeg, address: Address, sock: Socket) -> Path:
        path = self._paths[address] = Path(leg, address, sock)
        known = self._legs[leg]
        if address not in known:
            known.append(address)
        if len(known) > MAX_PATHS:
            oldest = next(a for a in known if a not in (address, leg.ice.address))
            known.remove(oldest)
            if (other := self._paths.get(oldest)) is not None and other.leg is leg:
                del self._paths[oldest]
        return path

    def _move(self, leg: DatagramLeg, path: Path, now: float) -> None:
        leg.ice.moved(path.address, now)
        leg.outlet.sock, leg.outlet.address, leg.outlet.gso = path.sock, path.address, True

    def drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


OnDatagram = Callable[[int, Address, Socket, float], None]
