"""Sign in with an account of another office's server: OpenID Connect, authorization code with PKCE (RFC 7636).

Off unless `oidc.issuer` is set.  An account must exist here already: its user name, or its e-mail address that the
issuer has verified, is found in the ID token once, and from then on the issuer's `sub` is what counts (OpenID Connect
Core 1.0, section 5.7).  Each attempt has its own state, nonce and verifier, bound to the browser by a cookie, good once
and for ten minutes.  ID tokens are read with the issuer's keys, asymmetric algorithms only.  `now` is the wall clock.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select, update

from control_api.accounts.rules import Role, fold_username
from control_api.accounts.tables import User
from control_api.problems import Refused
from control_api.settings import Accounts as Rules
from control_api.settings import Oidc
from control_api.store.database import Database
from mcu_core.errors import PeerLost

LIFE = 600.0  # seconds for a person to sign in there
_MOST_STARTED = 1000
_KEEP = 3600.0  # seconds that the issuer's description and keys are kept
_RENEW_AFTER = 30.0  # keys are not fetched more often, whatever tokens say
_DEADLINE = aiohttp.ClientTimeout(total=10)
_LARGEST = 256 * 1024
_LEEWAY = 60  # seconds between the issuer's clock and ours
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"]

log = structlog.get_logger("oidc")


@dataclass(frozen=True, slots=True)
class Attempt:
    nonce: str
    verifier: str
    redirect_uri: str
    began_at: float


@dataclass(frozen=True, slots=True)
class _Issuer:
    authorize: str
    token: str
    jwks: str
    at: float


class OidcLogin:
    def __init__(self, settings: Oidc, rules: Rules, database: Database, now: Callable[[], float]) -> None:
        self._settings = settings
        self._rules = rules
        self._database = database
        self._now = now
        self._attempts: OrderedDict[str, Attempt] = OrderedDict()
        self._issuer: _Issuer | None = None
        self._keys: tuple[KeySet, float] | None = None
        self._turn = asyncio.Lock()

    async def begin(self, redirect_uri: str) -> tuple[str, str]:
        """Where to send the browser, and the state that its cookie must bring back.

        Raises Refused `oidc_off`, PeerLost `oidc_unreachable`.
        """
        if not self._settings.issuer:
            raise _off()
        issuer = await self._described()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        self._forget()
        self._attempts[state] = Attempt(nonce, verifier, redirect_uri, self._now())
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._settings.client_id,
                "redirect_uri": redirect_uri,
                "scope": self._settings.scopes,
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{issuer.authorize}{'&' if '?' in issuer.authorize else '?'}{query}", state

    async def finish(self, state: str, cookie: str, code: str) -> str:
        """The user name of who has signed in there.

        Raises Refused `oidc_failed` or `oidc_unknown_user`, PeerLost `oidc_unreachable`.
        """
        self._forget()
        attempt = self._attempts.pop(state, None)
        if attempt is None or not code or not hmac.compare_digest(state.encode(), cookie.encode()):
            raise _failed("state")
        issuer = await self._described()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "client_id": self._settings.client_id,
            "code_verifier": attempt.verifier,
        }
        if self._settings.client_secret is not None:
            form["client_secret"] = self._settings.client_secret.get_secret_value()
        answer = await self._ask("POST", issuer.token, form)
        raw = answer.get("id_token")
        if not isinstance(raw, str):
            raise _failed("id_token")
        return await self._account(await self._claims(raw, attempt.nonce))

    # -- the ID token

    async def _claims(self, raw: str, nonce: str) -> dict[str, Any]:
        try:
            token = jwt.decode(raw, await self._key_set(), algorithms=_ALGORITHMS)
        except (JoseError, ValueError):  # perhaps signed with a newer key
            try:
                token = jwt.decode(raw, await self._key_set(renew=True), algorithms=_ALGORITHMS)
            except (JoseError, ValueError) as error:
                raise _failed("signature") from error
        claims = token.claims
        check_claims(claims, self._settings.issuer, self._settings.client_id, nonce, self._now())
        return claims

    async def _account(self, claims: dict[str, Any]) -> str:
        subject = f"{self._settings.issuer}#{claims['sub']}"[:300]
        async with self._database.writing() as db:
            user = await db.scalar(select(User).where(User.oidc_subject == subject))
            if user is None:
                name = claims.get(self._settings.username_claim)
                if isinstance(name, str) and name:
                    user = await db.scalar(select(User).where(User.username == fold_username(name)[:64]))
                email = claims.get("email")
                if user is None and isinstance(email, str) and claims.get("email_verified") is True:
                    user = await db.scalar(select(User).where(User.email == email.lower()[:254]))
                if user is None or user.oidc_subject is not None:
                    raise _unknown_user()
                await db.execute(update(User).where(User.id == user.id).values(oidc_subject=subject))
            if Role(user.role) in self._rules.require_totp and not self._settings.second_factor:
                raise _needs_password()
            return user.username

    # -- the issuer

    async def _described(self) -> _Issuer:
        now = self._now()
        if self._issuer is not None and 0 <= now - self._issuer.at < _KEEP:
            return self._issuer
        found = await self._ask("GET", f"{self._settings.issuer}/.well-known/openid-configuration")
        if found.get("issuer", "").rstrip("/") != self._settings.issuer:
            raise _failed("issuer")
        names = "authorization_endpoint", "token_endpoint", "jwks_uri"
        urls = [found.get(name) for name in names]
        own = urlsplit(self._settings.issuer).scheme
        if not all(isinstance(url, str) and urlsplit(url).scheme in ("https", own) for url in urls):
            raise _failed("endpoints")
        self._issuer = _Issuer(str(urls[0]), str(urls[1]), str(urls[2]), now)
        return self._issuer

    async def _key_set(self, *, renew: bool = False) -> KeySet:
        async with self._turn:
            now = self._now()
            age = None if self._keys is None else now - self._keys[1]
            if self._keys is None or age is None or not 0 <= age < (_RENEW_AFTER if renew else _KEEP):
                issuer = await self._described()
                answer = await self._ask("GET", issuer.jwks)
                try:
                    self._keys = KeySet.import_key_set(answer), now  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise _failed("keys") from error
            return self._keys[0]

    async def _ask(self, method: str, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        """A JSON object from the issuer.  Raises Refused `oidc_failed` or PeerLost `oidc_unreachable`."""
        try:
            async with (
                aiohttp.ClientSession(timeout=_DEADLINE) as session,
                session.request(method, url, data=form, allow_redirects=False) as answer,
            ):
                raw = await answer.content.read(_LARGEST)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("issuer does not answer", url=url, error=str(error))
            raise PeerLost(
                "oidc_unreachable",
                "Máy chủ đăng nhập một lần không trả lời. Hãy đăng nhập bằng mật khẩu, hoặc thử lại sau.",
                "The single sign-on server does not answer. Sign in with your password, or try again later.",
            ) from error
        try:
            found = json.loads(raw) if status == 200 else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise _failed(f"{urlsplit(url).path} {status}")
        return found

    def _forget(self) -> None:
        oldest = self._now() - LIFE
        while self._attempts:
            state, attempt = next(iter(self._attempts.items()))
            if attempt.began_at > oldest and len(self._attempts) < _MOST_STARTED:
                break
            del self._attempts[state]


def check_claims(claims: dict[str, Any], issuer: str, client_id: str, nonce: str, now: float) -> None:
    """OpenID Connect Core 1.0, section 3.1.3.7.  Raises Refused `oidc_failed`."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    expires, issued = claims.get("exp"), claims.get("iat")
    if str(claims.get("iss", "")).rstrip("/") != issuer:
        raise _failed("iss")
    if client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != client_id):
        raise _failed("aud")
    if not isinstance(expires, int | float) or expires + _LEEWAY <= now:
        raise _failed("exp")
    if not isinstance(issued, int | float) or issued - _LEEWAY > now:
        raise _failed("iat")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise _failed("nonce")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise _failed("sub")


def _off() -> Refused:
    return Refused(
        "oidc_off",
        "Máy chủ này không dùng đăng nhập một lần. Hãy đăng nhập bằng mật khẩu.",
        "This server has no single sign-on. Sign in with your password.",
    )


def _failed(what: str) -> Refused:
    return Refused(
        "oidc_failed",
        "Đăng nhập một lần không thành công. Hãy thử lại từ trang đăng nhập.",
        "Single sign-on did not succeed. Try again from the sign-in page.",
        detail=what,
    )


def _unknown_user() -> Refused:
    return Refused(
        "oidc_unknown_user",
        "Tài khoản này chưa được cấp quyền ở đây. Hãy đề nghị quản trị viên tạo tài khoản cùng tên.",
        "This account has no access here. Ask an administrator to make an account of the same name.",
    )


def _needs_password() -> Refused:
    return Refused(
        "oidc_needs_password",
        "Vai trò của bạn phải đăng nhập bằng mật khẩu và mã xác thực ở đây.",
        "Your role signs in with password and code here.",
    )
