"""Which pages may open a WebSocket to us: our own (RFC 6455, section 10.2); and whose address it comes from.

Browsers always send `Origin` and no cross-site protection covers WebSockets; other clients (the headless site) send
none and hold no cookies that a foreign page could abuse.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Container
from urllib.parse import urlsplit


def origin_allowed(origin: str | None, host: str, allowed: Container[str] = ()) -> bool:
    """`host`: the Host header of the request.  `allowed`: further origins such as `https://hop.tinh.gov.vn`."""
    if origin is None or origin in allowed:
        return True
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def network_of(address: str) -> str:
    """What one party can take addresses from: an IPv4 address, or an IPv6 /64; anything else as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
