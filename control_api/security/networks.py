"""Addresses and networks, IPv4 in IPv6 undone.  Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_address(text: str) -> Address | None:
    """None for what is not an address (a Unix socket, nothing)."""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def parse_network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def covers(network: Network, address: Address) -> bool:
    return network.version == address.version and address in network


def within(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of the networks; one that cannot be read is in none."""
    parsed = parse_address(address)
    if parsed is None:
        return False
    return any(found is not None and covers(found, parsed) for found in map(parse_network, networks))
