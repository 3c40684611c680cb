"""Which pages may open a WebSocket to us: our own (RFC 6455, section 10.2).

Browsers always send `Origin` and no cross-site protection covers WebSockets; other clients (the headless site) send
none and hold no cookies that a foreign page could abuse.
"""

from __future__ import annotations

from collections.abc import Container
from urllib.parse import urlsplit


def origin_allowed(origin: str | None, host: str, allowed: Container[str] = ()) -> bool:
    """`host`: the Host header of the request.  `allowed`: further origins such as `https://hop.tinh.gov.vn`."""
    if origin is None or origin in allowed:
        return True
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
