"""Sign in, see who one is, sign out."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import LONGEST_PASSWORD, Right, Role
from control_api.api import COOKIE, Call, Model, Routes
from control_api.problems import Refused
from control_api.proxies import request_scheme

routes = Routes("accounts")


class Login(Model):
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=LONGEST_PASSWORD, json_schema_extra={"format": "password"})


class User(Model):
    username: str
    role: Role
    name: str


class SessionAnswer(Model):
    user: User


@routes.post("/session", right=None, repeatable=False)
async def sign_in(call: Call, body: Login) -> SessionAnswer:
    """Sign in.

    Sets the cookie `mcu_session`. 429 with Retry-After after too many attempts.
    """
    services = call.services
    agent = call.request.headers.get("User-Agent", "")
    try:
        signed_in, token = await services.accounts.sign_in(body.username, body.password, call.address, agent)
    except Refused as error:
        services.metrics.login(error.code)
        raise
    services.metrics.login("ok")
    secure = request_scheme(call.request, services.settings) == "https"
    life = round(services.settings.session.absolute)

    def set_cookie(response: web.Response) -> None:
        response.set_cookie(COOKIE, token, max_age=life, path="/", httponly=True, secure=secure, samesite="Strict")

    call.cookies.append(set_cookie)
    return _answer(signed_in)


@routes.get("/session", right=Right.SIGNED_IN)
async def who_am_i(call: Call) -> SessionAnswer:
    """Who is signed in."""
    return _answer(call.user)


@routes.delete("/session", right=Right.SIGNED_IN, repeatable=False)
async def sign_out(call: Call) -> None:
    """Sign out: the session ends at once."""
    await call.services.accounts.sign_out(call.user)
    call.cookies.append(lambda response: response.del_cookie(COOKIE, path="/"))


def _answer(who: SignedIn) -> SessionAnswer:
    return SessionAnswer(user=User(username=who.username, role=who.role, name=who.name))
