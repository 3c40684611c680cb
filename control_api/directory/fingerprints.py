"""Whether the endpoint that joins is the one that was approved for the site (S19, article 5.6).  Pure.

A fingerprint is what an endpoint tells by itself: the network it comes from, the model (user agent), and the codecs it
offers.  A browser's version number is no part of it: that changes every few weeks without anybody's doing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

_VERSIONS = re.compile(r"[\s/]?v?\d+(?:\.\d+)*")


def fingerprint(address: str, model: str, codecs: Iterable[str]) -> dict[str, Any]:
    """What is compared: the address's network (/24, /64), the model without versions, the codecs in order of name."""
    return {
        "network": network_of(address),
        "model": " ".join(_VERSIONS.sub("", model).split())[:200],
        "codecs": sorted({codec.upper()[:20] for codec in codecs})[:20],
    }


def network_of(address: str) -> str:
    """The network that a room's address keeps when its lease changes; empty: not an IP address."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 64), strict=False))


def differences(approved: Mapping[str, Any], seen: Mapping[str, Any]) -> list[str]:
    """Names of what differs; what one of the two does not tell is no difference."""
    return [
        name
        for name in ("network", "model", "codecs")
        if approved.get(name) and seen.get(name) and approved[name] != seen[name]
    ]
