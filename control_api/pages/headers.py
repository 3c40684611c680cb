"""Headers of every answer: what a page may load, whom it may talk to, what it may do with camera and microphone.

Nothing is inlined in our pages, so the policy needs no exceptions.  Set when an answer is prepared, errors included.
"""

from __future__ import annotations

from aiohttp import web

from control_api.proxies import request_origin, request_scheme
from control_api.services import SERVICES

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "connect-src 'self' {sockets}",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_SAME_FOR_ALL = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # a join link must not leak to another site
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), screen-wake-lock=(self), "
    "fullscreen=(self), autoplay=(self), geolocation=(), payment=(), usb=()",
}
_HSTS = "max-age=31536000"  # of this host only: its neighbours are not ours to decide


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler of `on_response_prepare`."""
    settings = request.app[SERVICES].settings
    origin = request_origin(request, settings)
    # 'self' covers ws: and wss: only in newer browsers, so the socket address is named.
    sockets = origin.replace("http", "ws", 1)
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _POLICY.format(sockets=sockets))
    for name, value in _SAME_FOR_ALL.items():
        headers.setdefault(name, value)
    if request_scheme(request, settings) == "https":
        headers.setdefault("Strict-Transport-Security", _HSTS)
    headers.popall("Server", None)
