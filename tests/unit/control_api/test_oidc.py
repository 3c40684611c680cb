"""Single sign-on against a small issuer that speaks OpenID Connect for real."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import RSAKey

from control_api.accounts.oidc import OidcLogin, check_claims
from control_api.problems import Refused
from control_api.settings import Accounts as Rules
from control_api.settings import Oidc
from tests.unit.control_api.world import World, open_world

CLIENT, SECRET = "mcu", "geheim"


class Issuer:
    """One person is always signed in there; `claims` override what its ID tokens say."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "k1"})]
        self.claims: dict[str, Any] = {}
        self.signs_with: RSAKey | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.fetched_keys = 0
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._description)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/keys", self._keys)
        self.server: TestServer = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    async def _description(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        )

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        back = f"{asked['redirect_uri']}?code={code}&state={asked['state']}"
        return web.Response(status=302, headers={"Location": back})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self.codes.pop(str(form["code"]), None)
        challenge = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if (
            asked is None
            or form["client_secret"] != SECRET
            or form["redirect_uri"] != asked["redirect_uri"]
            or base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "person-7",
            "exp": now + 60,
            "iat": now,
            "nonce": asked["nonce"],
            "preferred_username": "Operator",
            **self.claims,
        }
        key = self.signs_with or self.keys[-1]
        return web.json_response({"id_token": jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)})

    async def _keys(self, request: web.Request) -> web.Response:
        self.fetched_keys += 1
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    made = Issuer()
    await made.server.start_server()
    yield made
    await made.server.close()


def trusting(issuer: Issuer, world: World, **values: Any) -> None:
    """Let the world sign people in by this issuer."""
    settings = Oidc.model_validate(
        {"issuer": issuer.url, "client_id": CLIENT, "client_secret": SECRET, "title": "Tỉnh", **values}
    )
    services = world.services
    object.__setattr__(services, "settings", services.settings.model_copy(update={"oidc": settings}))
    login = OidcLogin(settings, Rules(), services.database, services.now)
    services.__dict__["oidc"] = login


@pytest.fixture
async def sso(database_url: str, tmp_path: Path, issuer: Issuer) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path) as world:
        trusting(issuer, world)
        yield world


class Visit:
    """A browser that goes there and back."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.client()

    async def there(self, to: str = "console") -> str:
        answer = await self.client.get(f"/auth/oidc?to={to}", allow_redirects=False)
        assert answer.status == 302
        return answer.headers["Location"]

    async def at_issuer(self, url: str) -> dict[str, str]:
        """What the issuer sends the browser back with."""
        async with self.client.session.get(url, allow_redirects=False) as answer:
            assert answer.status == 302
            back = answer.headers["Location"]
        assert back.startswith("https://mcu.example.vn/auth/oidc/callback?")
        return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}

    async def back(self, query: dict[str, str]) -> str:
        answer = await self.client.get("/auth/oidc/callback", params=query, allow_redirects=False)
        assert answer.status == 302
        return answer.headers["Location"]

    async def whole(self) -> str:
        return await self.back(await self.at_issuer(await self.there()))

    async def who(self) -> dict[str, Any] | None:
        answer = await self.client.get("/api/v1/session")
        return (await answer.json())["user"] if answer.status == 200 else None


async def test_a_person_of_the_issuer_signs_in_as_the_account_of_that_name(sso: World) -> None:
    visit = Visit(sso)
    assert await visit.whole() == "/console"
    who = await visit.who()
    assert who is not None
    assert (who["username"], who["role"]) == ("operator", "operator")
    methods = await (await sso.client().get("/api/v1/session/methods")).json()
    assert methods == {"oidc": {"title": "Tỉnh", "url": "/auth/oidc"}}


async def test_from_then_on_the_subject_counts_not_the_name(sso: World, issuer: Issuer) -> None:
    await Visit(sso).whole()
    issuer.claims = {"preferred_username": "renamed"}
    visit = Visit(sso)
    assert await visit.whole() == "/console"
    who = await visit.who()
    assert who is not None
    assert who["username"] == "operator"
    issuer.claims = {"sub": "somebody-else", "preferred_username": "operator"}
    assert await Visit(sso).whole() == "/console?refused=oidc_unknown_user", "nobody inherits an account by its name"


async def test_an_address_counts_only_when_the_issuer_has_verified_it(sso: World, issuer: Issuer) -> None:
    await sso.services.people.change("host", {"email": "hoa@bacninh.gov.vn"}, "admin")
    issuer.claims = {"preferred_username": "x9", "email": "hoa@bacninh.gov.vn"}
    assert await Visit(sso).whole() == "/console?refused=oidc_unknown_user"
    issuer.claims |= {"email_verified": True}
    assert await Visit(sso).whole() == "/console"


async def test_disabled_and_locked_accounts_stay_out(sso: World) -> None:
    await sso.services.people.change("operator", {"disabled": True}, "admin")
    assert await Visit(sso).whole() == "/console?refused=bad_login"
    await sso.services.people.change("operator", {"disabled": False}, "admin")
    await sso.services.people.lock("operator", "admin")
    assert await Visit(sso).whole() == "/console?refused=account_locked"
    assert (await sso.services.security.get(1)).kind == "oidc_failed"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"aud": ["mcu", "another"]},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"sub": ""},
        {"exp": "soon"},
    ],
)
async def test_tokens_for_others_or_of_another_time_are_refused(
    sso: World, issuer: Issuer, claims: dict[str, Any]
) -> None:
    issuer.claims = claims
    assert await Visit(sso).whole() == "/console?refused=oidc_failed"


async def test_a_token_of_another_key_is_refused_and_a_new_key_of_the_issuer_is_fetched(
    sso: World, issuer: Issuer
) -> None:
    assert await Visit(sso).whole() == "/console"
    issuer.signs_with = RSAKey.generate_key(2048, {"kid": "k1"})
    assert await Visit(sso).whole() == "/console?refused=oidc_failed"
    issuer.signs_with = None
    issuer.keys = [RSAKey.generate_key(2048, {"kid": "k2"})]
    sso.clock.now += 31
    assert await Visit(sso).whole() == "/console"
    assert issuer.fetched_keys == 2


async def test_a_state_is_of_one_browser_and_good_once(sso: World) -> None:
    attacker, victim = Visit(sso), Visit(sso)
    back = await attacker.at_issuer(await attacker.there())
    await victim.there()
    assert (await victim.back(back)).endswith("?refused=oidc_failed")
    assert await victim.who() is None
    own = await victim.at_issuer(await victim.there())
    assert await victim.back(own) == "/console"
    assert await victim.back(own) == "/office?refused=oidc_failed"
    late = Visit(sso)
    query = await late.at_issuer(await late.there())
    sso.clock.now += 601
    assert (await late.back(query)).endswith("?refused=oidc_failed")


async def test_roles_that_need_a_code_keep_to_the_password_when_the_issuer_asks_for_none(
    sso: World, issuer: Issuer
) -> None:
    issuer.claims = {"preferred_username": "officer"}
    trusting(issuer, sso, second_factor=False)
    assert await Visit(sso).whole() == "/console?refused=oidc_needs_password"
    trusting(issuer, sso, second_factor=True)
    sso.services.accounts.rules = Rules()
    visit = Visit(sso)
    assert await visit.whole() == "/console"
    who = await visit.who()
    assert who is not None
    assert who["pending"] is None


async def test_it_is_off_by_default_and_an_issuer_that_is_away_is_told(world: World) -> None:
    answer = await world.client().get("/auth/oidc", allow_redirects=False)
    assert answer.headers["Location"] == "/office?refused=oidc_off"
    assert await (await world.client().get("/api/v1/session/methods")).json() == {"oidc": None}
    away = OidcLogin(Oidc(issuer="http://127.0.0.1:9", client_id="x"), Rules(), world.services.database, time.time)
    world.services.__dict__["oidc"] = away
    answer = await world.client().get("/auth/oidc?to=console", allow_redirects=False)
    assert answer.headers["Location"] == "/console?refused=oidc_unreachable"


def test_claims_of_several_audiences_need_the_authorised_party() -> None:
    claims = {"iss": "https://id", "aud": ["mcu", "x"], "sub": "7", "exp": 100, "iat": 10, "nonce": "n"}
    with pytest.raises(Refused):
        check_claims(claims, "https://id", "mcu", "n", 50)
    check_claims({**claims, "azp": "mcu"}, "https://id", "mcu", "n", 50)
