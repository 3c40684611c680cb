"""ICE-lite (RFC 8445, section 2.5): answers the browser's connectivity checks and decides which address to send to.

No sockets here: `IceLite.check` takes a parsed request and `now`, and returns what to answer and whether to follow.
The rules were found by trying browsers:

- the first authenticated check already gives an address (DTLS starts ~50 ms before nomination that way);
- later an authenticated check moves the flow if it nominates, or if the current address was silent for over 1 s:
  Firefox's consent checks never nominate, so after a NAT rebinding its media would stay dead otherwise;
- a replayed check from elsewhere does not move anything: transaction ids are remembered with their address;
- a wrong password, a wrong user name or no integrity at all is answered with silence.
"""

from __future__ import annotations

import secrets
import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from aioice import stun

Address = tuple[Any, ...]  # (host, port) or (host, port, flow, scope) of the socket module

SILENT_FOLLOW = 1.0  # a check from a new address is followed when the current one said nothing for so long
OLD_PAIR_KEPT = 10.0  # seconds the credentials before an ICE restart stay valid
_REMEMBERED = 64
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name fragments and passwords of one ICE generation."""

    local_ufrag: str
    local_password: str
    remote_ufrag: str
    remote_password: str

    @classmethod
    def create(cls, remote_ufrag: str, remote_password: str) -> Credentials:
        """Fresh local credentials for a peer's."""
        return cls(_random(8), _random(24), remote_ufrag, remote_password)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check leads to.  `reply` is None for silence; `authentic` tells whether the sender knew the password."""

    reply: bytes | None = None
    authentic: bool = False
    follow: bool = False


SILENCE = Verdict()


def parse_request(data: bytes) -> stun.Message | None:
    """The binding request in `data`, or None for anything else (responses, other methods, garbage)."""
    try:
        message = stun.parse_message(data)
    except (ValueError, struct.error, IndexError, KeyError, TypeError):
        return None
    if message.message_method != stun.Method.BINDING or message.message_class != stun.Class.REQUEST:
        return None
    return message


def local_ufrag(message: stun.Message) -> str | None:
    """Our user name fragment in a request's USERNAME `ours:theirs`."""
    name = message.attributes.get("USERNAME")
    if not isinstance(name, str) or ":" not in name:
        return None
    return name.split(":", 1)[0]


class IceLite:
    """The ICE state of one leg.  `heard` must be told what arrives from the current address."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.previous: Credentials | None = None
        self._previous_until = 0.0
        self.address: Address | None = None
        self.heard = 0.0  # when the current address was last heard (authenticated)
        self._transactions: OrderedDict[bytes, Address] = OrderedDict()

    def restart(self, credentials: Credentials, now: float) -> None:
        """Begin a new generation; the old pair stays valid until the new one is used, at most `OLD_PAIR_KEPT`
        seconds.
        """
        self.previous, self.credentials = self.credentials, credentials
        self._previous_until = now + OLD_PAIR_KEPT

    def expire(self, now: float) -> Credentials | None:
        """The old generation, once, when its time is over."""
        if self.previous is not None and now >= self._previous_until:
            old, self.previous = self.previous, None
            return old
        return None

    def check(self, message: stun.Message, source: Address, now: float) -> Verdict:
        """Judge a binding request from `source`."""
        generation = self._generation(message, now)
        if generation is None:
            return SILENCE
        key = generation.local_password.encode()
        if not message.check_message_integrity(key):
            return SILENCE
        if "ICE-CONTROLLED" in message.attributes:
            reply = stun.Message(stun.Method.BINDING, stun.Class.ERROR, message.transaction_id)
            reply.attributes["ERROR-CODE"] = (487, "Role Conflict")
            reply.add_message_integrity(key)
            return Verdict(bytes(reply), authentic=True)
        first_seen = self._remember(message.transaction_id, source)
        follow = first_seen == source and self._follows(message, source, generation, now)
        if generation is self.credentials and self.previous is not None and follow:
            self._previous_until = min(self._previous_until, now + 2.0)
        reply = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
        reply.attributes["XOR-MAPPED-ADDRESS"] = (_plain(source[0]), source[1])
        reply.add_message_integrity(key)
        if source == self.address:
            self.heard = now
        return Verdict(bytes(reply), authentic=True, follow=follow)

    def moved(self, address: Address, now: float) -> None:
        """The flow goes to `address` from now on."""
        self.address, self.heard = address, now

    def _generation(self, message: stun.Message, now: float) -> Credentials | None:
        name = message.attributes.get("USERNAME")
        for generation in (self.credentials, self.previous):
            if generation is not None and name == f"{generation.local_ufrag}:{generation.remote_ufrag}":
                return generation if generation is self.credentials or now < self._previous_until else None
        return None

    def _follows(self, message: stun.Message, source: Address, generation: Credentials, now: float) -> bool:
        if self.address is None or source == self.address:
            return self.address is None
        if generation is not self.credentials:
            return False
        return "USE-CANDIDATE" in message.attributes or now - self.heard > SILENT_FOLLOW

    def _remember(self, transaction: bytes, source: Address) -> Address:
        known = self._transactions.get(transaction)
        if known is not None:
            return known
        self._transactions[transaction] = source
        if len(self._transactions) > _REMEMBERED:
            self._transactions.popitem(last=False)
        return source


def _plain(host: str) -> str:
    """The address without an IPv6 zone."""
    return host.split("%", 1)[0]
