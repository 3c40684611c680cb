"""Who asks and under which address, also behind a proxy that ends TLS.

X-Forwarded-For and X-Forwarded-Proto count only from `http.trusted_proxies`: anybody else could write anything
there.  Pure.
"""

from __future__ import annotations

import ipaddress
import re

from aiohttp import web

from control_api.settings import Settings

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def client_address(request: web.Request, settings: Settings) -> str:
    """The nearest address that is not one of our proxies."""
    address = request.remote or ""
    if not settings.http.trusted_proxies:
        return address
    hops = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    while hops and _trusted(address, settings):
        address = hops.pop()
    return address


def request_scheme(request: web.Request, settings: Settings) -> str:
    if _trusted(request.remote or "", settings):
        forwarded = request.headers.get("X-Forwarded-Proto", "").lower()
        if forwarded in ("http", "https"):
            return forwarded
    return "https" if request.secure else "http"


def request_origin(request: web.Request, settings: Settings) -> str:
    """Scheme and host as the person wrote them in the address bar; our own address when the Host header is nonsense."""
    if not _HOST.fullmatch(request.host):
        return settings.own_url()
    return f"{request_scheme(request, settings)}://{request.host.lower()}"


def _trusted(address: str, settings: Settings) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network) for network in settings.http.trusted_proxies)
