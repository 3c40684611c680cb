"""Networks that may not reach the MCU for a while: the answer to a flood or to somebody who guesses.

Kept in the database, looked up in memory.  Nobody can block themselves, the server, a proxy in front of it, or a
network from which an administrator is signed in: the last way in stays open.  `now` is the wall clock.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import delete, select

from control_api.accounts.rules import Role
from control_api.accounts.tables import Session, User
from control_api.problems import Refused
from control_api.security.networks import Network, covers, parse_address, parse_network
from control_api.security.tables import BlockedNetwork
from control_api.settings import Settings, machine_addresses
from control_api.store.database import Database
from mcu_core.errors import OperatorError

MOST = 1000
_LARGEST = {4: 8, 6: 32}  # shortest prefix that may be blocked


class Blocks:
    def __init__(self, database: Database, settings: Settings, now: Callable[[], float]) -> None:
        self._database = database
        self._settings = settings
        self._now = now
        self._networks: list[tuple[Network, float]] = []

    def blocked_until(self, address: str) -> float | None:
        """When the block of an address ends; None: it is not blocked."""
        if not self._networks or (parsed := parse_address(address)) is None:
            return None
        now = self._now()
        ends = [until for network, until in self._networks if until > now and covers(network, parsed)]
        return max(ends, default=None)

    async def load(self) -> None:
        """Read the blocked networks, forgetting those whose time is over."""
        now = self._now()
        async with self._database.writing() as db:
            await db.execute(delete(BlockedNetwork).where(BlockedNetwork.until <= now))
            rows = (await db.scalars(select(BlockedNetwork))).all()
        read = ((parse_network(row.network), row.until) for row in rows)
        self._networks = [(network, until) for network, until in read if network is not None]

    async def all(self) -> Sequence[BlockedNetwork]:
        async with self._database.reading() as db:
            now = self._now()
            alive = select(BlockedNetwork).where(BlockedNetwork.until > now).order_by(BlockedNetwork.at.desc())
            return (await db.scalars(alive)).all()

    async def add(self, network: str, seconds: float, reason: str, by: str, own_address: str) -> BlockedNetwork:
        """Block a network, or an address, for so long; a block that is there already is replaced.

        Raises Refused `bad_network` or `would_lock_out`.
        """
        parsed = _checked(network)
        await self._check_way_in(parsed, own_address)
        now = self._now()
        row = BlockedNetwork(network=str(parsed), until=now + seconds, reason=reason, by=by, at=now)
        async with self._database.writing() as db:
            known = (await db.scalars(select(BlockedNetwork.network))).all()
            if len(known) >= MOST and row.network not in known:
                raise Refused(
                    "too_many_blocks",
                    f"Đã chặn {MOST} mạng. Hãy bỏ chặn bớt hoặc chặn một mạng lớn hơn.",
                    f"{MOST} networks are blocked. Unblock some, or block a larger network.",
                )
            await db.merge(row)
        await self.load()
        return row

    async def remove(self, network: str) -> None:
        """Raises OperatorError `unknown_block`."""
        parsed = parse_network(network)
        async with self._database.writing() as db:
            gone = delete(BlockedNetwork).where(BlockedNetwork.network == str(parsed))
            found = await db.scalar(gone.returning(BlockedNetwork.network))
        if found is None:
            raise OperatorError(
                "unknown_block",
                f"Mạng {network} không bị chặn.",
                f"The network {network} is not blocked.",
            )
        await self.load()

    async def _check_way_in(self, network: Network, own_address: str) -> None:
        for address in (own_address, "127.0.0.1", "::1", *machine_addresses()):
            parsed = parse_address(address)
            if parsed is not None and covers(network, parsed):
                raise _would_lock_out("địa chỉ của bạn hoặc của máy chủ", "your own address or the server's")
        for proxy in map(parse_network, self._settings.http.trusted_proxies):
            if proxy is not None and proxy.version == network.version and proxy.overlaps(network):
                raise _would_lock_out("máy chủ trung gian (proxy)", "a proxy in front of the server")
        async with self._database.reading() as db:
            of_administrators = (
                select(Session.address)
                .join(User, User.id == Session.user_id)
                .where(User.role == Role.ADMINISTRATOR.value, User.disabled.is_(False), User.locked_at.is_(None))
                .where(Session.seen_at > self._now() - self._settings.session.idle)
                .distinct()
            )
            addresses: Iterable[str] = (await db.scalars(of_administrators)).all()
        for address in addresses:
            parsed = parse_address(address)
            if parsed is not None and covers(network, parsed):
                raise _would_lock_out("một quản trị viên đang đăng nhập", "an administrator who is signed in")


def _checked(text: str) -> Network:
    network = parse_network(text)
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
        network = parse_network(f"{network.network_address.ipv4_mapped}/{max(0, network.prefixlen - 96)}")
    if network is None or network.prefixlen < _LARGEST[network.version]:
        raise Refused(
            "bad_network",
            "Hãy ghi một địa chỉ IP hoặc một mạng như 203.0.113.0/24; không chặn mạng lớn hơn /8 (IPv6: /32).",
            "Write an IP address or a network like 203.0.113.0/24; nothing larger than /8 (IPv6: /32).",
        )
    return network


def _would_lock_out(vi: str, en: str) -> Refused:
    return Refused(
        "would_lock_out",
        f"Mạng này có {vi}, nên không chặn. Hãy chặn một mạng nhỏ hơn.",
        f"This network holds {en}, so it is not blocked. Block a smaller one.",
    )


def address_blocked(seconds: float) -> Refused:
    return Refused(
        "address_blocked",
        "Địa chỉ mạng này đang bị chặn vì lý do an toàn. Hãy liên hệ Sở qua số 0204.3555.992.",
        "This network address is blocked for security reasons. Call the Sở: 0204.3555.992.",
        retry_after=seconds,
    )
