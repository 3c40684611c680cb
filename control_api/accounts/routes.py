"""Sign in, see who one is, sign out; one's own password, second factor and sessions."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from control_api.accounts.accounts import SignedIn
from control_api.accounts.guard import ASKED_AS
from control_api.accounts.models import (
    CodeProof,
    Enrolment,
    Login,
    LoginMethods,
    Me,
    OidcButton,
    PasswordChange,
    PasswordProof,
    RecoveryCodes,
    SecondFactorState,
    SessionAnswer,
    SessionId,
    SessionInfo,
)
from control_api.accounts.people import session_id
from control_api.accounts.rules import Right
from control_api.accounts.second_factor import enrolment_uri, qr_picture
from control_api.accounts.tables import Session
from control_api.api import COOKIE, Call, Routes
from control_api.problems import Refused
from control_api.proxies import request_scheme
from control_api.services import Services

OIDC_START = "/auth/oidc"

routes = Routes("accounts")


@routes.post("/session", right=None, repeatable=False)
async def sign_in(call: Call, body: Login) -> SessionAnswer:
    """Sign in.

    Sets the cookie `mcu_session`. 401 `code_needed` asks for the same once more with a code of the telephone. 429 with
    Retry-After after too many attempts. With `pending` in the answer only the routes under /me and this one work.
    """
    services = call.services
    agent = call.request.headers.get("User-Agent", "")
    call.request[ASKED_AS] = body.username
    try:
        signed_in, token = await services.accounts.sign_in(body.username, body.password, call.address, agent, body.code)
    except Refused as error:
        services.metrics.login(error.code)
        raise
    services.metrics.login("ok")
    await services.security.record("signed_in", address=call.address, username=signed_in.username)
    call.cookies.append(session_cookie(call.request, services, token))
    return _answer(signed_in)


@routes.get("/session/methods", right=None)
async def login_methods(call: Call) -> LoginMethods:
    """How one can sign in besides a password."""
    oidc = call.services.settings.oidc
    return LoginMethods(oidc=OidcButton(title=oidc.title, url=OIDC_START) if oidc.issuer else None)


@routes.get("/session", right=Right.SIGNED_IN)
async def who_am_i(call: Call) -> SessionAnswer:
    """Who is signed in."""
    return _answer(call.user)


@routes.delete("/session", right=Right.SIGNED_IN, repeatable=False)
async def sign_out(call: Call) -> None:
    """Sign out: the session ends at once."""
    await call.services.accounts.sign_out(call.user)
    call.cookies.append(lambda response: response.del_cookie(COOKIE, path="/"))


@routes.put("/me/password", right=Right.SIGNED_IN)
async def change_own_password(call: Call, body: PasswordChange) -> None:
    """Choose another password; one's other sessions end."""
    await call.services.own_account.change_password(call.user, body.present, body.wanted, call.address)


@routes.get("/me/second-factor", right=Right.SIGNED_IN)
async def second_factor(call: Call) -> SecondFactorState:
    """Whether one's account has a second factor, and must have one."""
    user = await call.services.people.get(call.user.username)
    return SecondFactorState(
        in_use=user.totp_since is not None,
        required=call.user.role in call.services.accounts.rules.require_totp,
        recovery_codes_left=await call.services.own_account.recovery_codes_left(call.user),
    )


@routes.post("/me/second-factor", right=Right.SIGNED_IN, repeatable=False)
async def begin_second_factor(call: Call) -> Enrolment:
    """A secret for an authenticator application; it counts after a first code of it was sent with PUT."""
    secret = await call.services.own_account.begin_second_factor(call.user)
    uri = enrolment_uri(secret, call.user.username)
    return Enrolment(secret=secret, uri=uri, qr=qr_picture(uri))


@routes.put("/me/second-factor", right=Right.SIGNED_IN)
async def confirm_second_factor(call: Call, body: CodeProof) -> RecoveryCodes:
    """Take the second factor into use."""
    codes = await call.services.own_account.confirm_second_factor(call.user, body.code, call.address)
    return RecoveryCodes(codes=codes)


@routes.post("/me/second-factor/end", right=Right.SIGNED_IN, status=204, repeatable=False)
async def end_second_factor(call: Call, body: PasswordProof) -> None:
    """Give up the second factor, where the role may."""
    await call.services.own_account.end_second_factor(call.user, body.password, call.address)


@routes.post("/me/recovery-codes", right=Right.SIGNED_IN, repeatable=False)
async def renew_recovery_codes(call: Call, body: PasswordProof) -> RecoveryCodes:
    """New recovery codes; the old ones stop working."""
    codes = await call.services.own_account.renew_recovery_codes(call.user, body.password, call.address)
    return RecoveryCodes(codes=codes)


@routes.get("/me/sessions", right=Right.SIGNED_IN)
async def own_sessions(call: Call) -> list[SessionInfo]:
    """Where one is signed in."""
    found = await call.services.people.sessions(call.user.username)
    return [session_info(one, call.user) for one in found]


@routes.delete("/me/sessions/{session}", right=Right.SIGNED_IN)
async def end_own_session(call: Call, session: SessionId) -> None:
    """End one of one's own sessions; one that has ended already is no error."""
    await call.services.people.end_sessions(call.user.username, session)


def session_info(session: Session, who: SignedIn) -> SessionInfo:
    return SessionInfo(
        id=session_id(session),
        created_at=session.created_at,
        seen_at=session.seen_at,
        address=session.address,
        agent=session.agent,
        method=session.method,
        present=session.digest == who.session,
    )


def session_cookie(request: web.Request, services: Services, token: str) -> Callable[[web.StreamResponse], None]:
    """Puts the session's cookie into an answer."""
    secure = request_scheme(request, services.settings) == "https"
    life = round(services.settings.session.absolute)

    def apply(response: web.StreamResponse) -> None:
        response.set_cookie(COOKIE, token, max_age=life, path="/", httponly=True, secure=secure, samesite="Strict")

    return apply


def _answer(who: SignedIn) -> SessionAnswer:
    return SessionAnswer(
        user=Me(
            username=who.username,
            role=who.role,
            name=who.name,
            organisation=who.organisation,
            rights=sorted(who.role.rights),
            pending=who.pending,
        )
    )
