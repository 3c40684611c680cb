"""The two addresses of single sign-on that a browser visits: there and back again.

They answer with redirections, never with JSON: a person is looking.  What went wrong is told by the sign-in page, by
its code in the address.
"""

from __future__ import annotations

import re

from aiohttp import web

from control_api.accounts.guard import ASKED_AS
from control_api.accounts.routes import OIDC_START, session_cookie
from control_api.problems import Refused
from control_api.proxies import client_address, request_origin, request_scheme
from control_api.services import SERVICES, Services
from mcu_core.errors import McuError

CALLBACK = f"{OIDC_START}/callback"
_COOKIE = "mcu_oidc"
_AFTER = {"office": "/office", "console": "/console"}
_STATE = re.compile(r"[\w-]{1,100}")


def mount_oidc(app: web.Application) -> None:
    app.router.add_get(OIDC_START, start)
    app.router.add_get(CALLBACK, come_back)


async def start(request: web.Request) -> web.StreamResponse:
    """`?to=office` or `console`: where to go afterwards."""
    services = request.app[SERVICES]
    wanted = request.query.get("to", "office")
    page = wanted if wanted in _AFTER else "office"
    try:
        url, state = await services.oidc.begin(f"{_origin(request, services)}{CALLBACK}")
    except McuError as error:
        return _back_to_sign_in(page, error)
    answer = _go(url)
    answer.set_cookie(
        _COOKIE,
        f"{state}.{page}",
        max_age=600,
        path=OIDC_START,
        httponly=True,
        secure=request_scheme(request, services.settings) == "https",
        samesite="Lax",  # the way back begins at another site
    )
    return answer


async def come_back(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    cookie, _, page = request.cookies.get(_COOKIE, "").partition(".")
    page = page if page in _AFTER else "office"
    address = client_address(request, services.settings)
    state, code = request.query.get("state", ""), request.query.get("code", "")
    try:
        if not _STATE.fullmatch(state) or not _STATE.fullmatch(cookie):
            raise Refused("oidc_failed", "Đăng nhập một lần không thành công.", "Single sign-on did not succeed.")
        username = await services.oidc.finish(state, cookie, code[:2000])
        request[ASKED_AS] = username
        agent = request.headers.get("User-Agent", "")
        signed_in, token = await services.accounts.sign_in_trusted(username, address, agent)
    except McuError as error:
        services.metrics.login(error.code)
        await services.security.record(
            "oidc_failed", address=address, username=request.get(ASKED_AS), data={"code": error.code}
        )
        return _back_to_sign_in(page, error)
    services.metrics.login("ok")
    await services.security.record("signed_in", address=address, username=signed_in.username, data={"method": "oidc"})
    answer = _go(_AFTER[page])
    session_cookie(request, services, token)(answer)
    answer.del_cookie(_COOKIE, path=OIDC_START)
    return answer


def _back_to_sign_in(page: str, error: McuError) -> web.Response:
    return _go(f"{_AFTER[page]}?refused={error.code}")


def _go(url: str) -> web.Response:
    return web.Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})


def _origin(request: web.Request, services: Services) -> str:
    """The issuer knows one address of ours: the first configured one, if there is one."""
    configured = services.settings.http.public_urls
    return configured[0] if configured else request_origin(request, services.settings)
