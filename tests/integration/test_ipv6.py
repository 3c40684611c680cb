"""Everything over IPv6: pages, signalling and media on IPv6 addresses only."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import ifaddr
import pytest

from tests.integration.harness import Mcu, Room


def own_address() -> str | None:
    """A global or unique-local IPv6 address of this machine; stock peers gather no loopback candidate."""
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if ip.is_IPv6:
                address = ipaddress.IPv6Address(ip.ip[0])
                if not (address.is_loopback or address.is_link_local):
                    return str(address)
    return None


@pytest.mark.skipif(own_address() is None, reason="this machine has no IPv6 address")
async def test_a_site_joins_over_ipv6(short_path: Path) -> None:
    address = own_address()
    assert address is not None
    media = {"MCU_RELAY_BIND": address, "MCU_RELAY_ANNOUNCE": address}
    async with Mcu(short_path, media) as mcu:
        room = await Room.open(mcu, "Họp qua IPv6")
        try:
            ada, bob = await room.join("Sở Y tế"), await room.join("UBND xã Gia Bình")
            await ada.sees(bob.number)
            await bob.sees(ada.number)
        finally:
            await room.close()
