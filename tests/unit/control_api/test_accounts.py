from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher
from limits import RateLimitItemPerMinute

from control_api.accounts.accounts import MOST_SESSIONS, Accounts
from control_api.accounts.passwords import Passwords
from control_api.accounts.rules import Role, clean_username, random_password
from control_api.accounts.throttle import LoginThrottle
from control_api.problems import Refused
from control_api.settings import Session
from control_api.store.database import Database
from mcu_core.errors import OperatorError
from tests.unit.control_api.world import PASSWORD, Clock, World, quick_passwords, refused


class Counted(Passwords):
    """Counts how often a hash is computed, and of what."""

    def __init__(self) -> None:
        super().__init__(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.work = 0

    async def verify(self, stored: str | None, password: str) -> bool:
        self.work += 1
        return await super().verify(stored, password)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def passwords() -> Counted:
    return Counted()


@pytest.fixture
async def accounts(database_url: str, clock: Clock, passwords: Counted) -> AsyncIterator[Accounts]:
    database = Database(database_url)
    made = Accounts(database, Session(idle=3600, absolute=10_000), clock, passwords=passwords)
    await made.add_user("Lan", "Nguyễn Thị Lan", Role.OPERATOR, PASSWORD)
    yield made
    made.close()
    await database.close()


async def token(accounts: Accounts, address: str = "192.0.2.1") -> str:
    return (await accounts.sign_in("lan", PASSWORD, address, "test"))[1]


async def code(accounts: Accounts, username: str, password: str, address: str = "192.0.2.1") -> str:
    with pytest.raises(Refused) as caught:
        await accounts.sign_in(username, password, address, "test")
    return caught.value.code


async def test_session_says_who_it_is(accounts: Accounts) -> None:
    who, cookie = await accounts.sign_in("LAN", PASSWORD, "192.0.2.1", "test")
    assert (who.username, who.name, who.role) == ("lan", "Nguyễn Thị Lan", Role.OPERATOR)
    assert await accounts.session(cookie) == who
    assert await accounts.session("guess") is None
    assert cookie not in who.session


async def test_password_typed_in_the_other_unicode_form_matches(accounts: Accounts) -> None:
    await accounts.set_password("lan", "mật khẩu của lan")
    await accounts.sign_in("lan", "mâ\u0323t khâ\u0309u cu\u0309a lan", "192.0.2.1", "test")


async def test_unknown_wrong_and_disabled_are_told_the_same_after_the_same_work(
    accounts: Accounts, passwords: Counted
) -> None:
    await accounts.add_user("khoa", "Khóa", Role.VIEWER, PASSWORD)
    await accounts.set_disabled("khoa", True)
    for username, password in (("nobody", PASSWORD), ("lan", "wrong password"), ("khoa", PASSWORD)):
        before = passwords.work
        assert await code(accounts, username, password) == "bad_login"
        assert passwords.work == before + 1


async def test_session_ends_when_idle_and_when_too_old(accounts: Accounts, clock: Clock) -> None:
    idle = await token(accounts)
    clock.now += 3599
    assert await accounts.session(idle) is not None
    clock.now += 3600
    assert await accounts.session(idle) is None
    busy = await token(accounts)
    for _ in range(3):
        clock.now += 3000
        assert await accounts.session(busy) is not None
    clock.now += 1000
    assert await accounts.session(busy) is None
    await accounts.prune()


async def test_sessions_end_with_the_password_and_with_the_user(accounts: Accounts) -> None:
    first = await token(accounts)
    await accounts.set_password("lan", "another password")
    assert await accounts.session(first) is None
    await accounts.set_password("lan", PASSWORD)
    second = await token(accounts)
    await accounts.set_disabled("lan", True)
    assert await accounts.session(second) is None
    await accounts.set_disabled("lan", False)
    assert await accounts.session(second) is None


async def test_a_user_keeps_only_so_many_sessions(accounts: Accounts, clock: Clock) -> None:
    tokens = []
    for _ in range(MOST_SESSIONS + 2):
        clock.now += 1
        tokens.append(await token(accounts))
    alive = [await accounts.session(one) is not None for one in tokens]
    assert alive == [False, False] + [True] * MOST_SESSIONS


async def test_hash_is_renewed_when_the_parameters_have_grown(
    accounts: Accounts, database_url: str, clock: Clock
) -> None:
    database = Database(database_url)
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    later = Accounts(database, Session(), clock, passwords=stronger)
    before = (await later.users())[0].password_hash
    await later.sign_in("lan", PASSWORD, "192.0.2.1", "test")
    after = (await later.users())[0].password_hash
    assert (before != after, stronger.outdated(after)) == (True, False)
    assert await token(accounts)
    later.close()
    await database.close()


async def test_users_are_told_what_is_wrong(accounts: Accounts) -> None:
    for username, password, expected in (
        ("lan", PASSWORD, "user_exists"),
        ("x", PASSWORD, "bad_username"),
        ("a b", PASSWORD, "bad_username"),
        ("minh", "short", "bad_password"),
    ):
        with pytest.raises(OperatorError, match=expected):
            await accounts.add_user(username, "", Role.VIEWER, password)
    with pytest.raises(OperatorError, match="unknown_user"):
        await accounts.set_disabled("nobody", True)
    assert clean_username("  Nguyễn.Lan ") == "nguyễn.lan"


# ------------------------------------------------------------------------------------------------------- throttling


@pytest.fixture
async def limited(accounts: Accounts, database_url: str, clock: Clock) -> AsyncIterator[Accounts]:
    """3 attempts a user, 6 an address."""
    database = Database(database_url)
    throttle = LoginThrottle(RateLimitItemPerMinute(6, 5, "a"), RateLimitItemPerMinute(3, 5, "u"))
    made = Accounts(database, Session(), clock, passwords=quick_passwords(), throttle=throttle)
    yield made
    made.close()
    await database.close()


async def test_guessing_is_slowed_down_per_user_and_per_address(limited: Accounts) -> None:
    for n in range(3):
        assert await code(limited, "lan", "wrong password", f"198.51.100.{n}") == "bad_login"
    assert await code(limited, "lan", PASSWORD, "198.51.100.9") == "too_many_attempts"
    for n in range(6):
        assert await code(limited, f"user{n}", "wrong password", "203.0.113.1") == "bad_login"
    with pytest.raises(Refused) as caught:
        await limited.sign_in("other", PASSWORD, "203.0.113.1", "test")
    assert caught.value.retry_after is not None
    assert 1 <= caught.value.retry_after <= 300


async def test_signing_in_while_old_attempts_expire_leaves_no_error(caplog: pytest.LogCaptureFixture) -> None:
    throttle = LoginThrottle()
    for n in range(5):
        await throttle.attempt(f"user{n}", "198.51.100.1")
    await asyncio.sleep(0.05)
    await throttle.attempt("user5", "198.51.100.1")
    await asyncio.sleep(0)  # a task of the library's begins to look through all of them
    for n in range(6):
        await throttle.succeeded(f"user{n}", "198.51.100.1")
    await asyncio.sleep(0.05)
    gc.collect()
    assert not caplog.records, "an exception of a task that nobody retrieved"


async def test_strangers_cannot_lock_a_user_out_of_their_own_office(limited: Accounts) -> None:
    await token(limited, "192.0.2.1")
    for n in range(4):
        await code(limited, "lan", "wrong password", f"198.51.100.{n}")
    assert await code(limited, "lan", PASSWORD, "198.51.100.9") == "too_many_attempts"
    assert await token(limited, "192.0.2.1")


async def test_too_many_at_once_are_refused() -> None:
    passwords = Passwords(most_waiting=0)
    with pytest.raises(Refused, match="too_many_attempts"):
        await passwords.verify(None, "x")
    passwords.close()


# ------------------------------------------------------------------------------------------------------ over HTTP


async def test_cookie_is_for_this_site_and_no_script(world: World) -> None:
    answer = await world.client().post("/api/v1/session", json={"username": "viewer", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie  # plain HTTP on this server
    user = (await answer.json())["user"]
    assert (user["username"], user["role"], user["name"], user["pending"]) == ("viewer", "viewer", "viewer", None)
    assert user["rights"] == ["read", "signed_in", "watch"]


async def test_sign_out_ends_the_session_on_the_server(world: World) -> None:
    viewer = await world.sign_in(Role.VIEWER)
    cookies = viewer.session.cookie_jar.filter_cookies(world.server.make_url("/"))
    stolen = {"Cookie": f"mcu_session={cookies['mcu_session'].value}"}
    assert (await world.client().get("/api/v1/session", headers=stolen)).status == 200
    assert (await viewer.delete("/api/v1/session")).status == 204
    await refused(await world.client().get("/api/v1/session", headers=stolen), 401)


async def test_login_is_throttled_with_retry_after(world: World) -> None:
    client = world.client()
    answers = [await client.post("/api/v1/session", json={"username": "viewer", "password": "wrong"}) for _ in range(9)]
    assert [answer.status for answer in answers] == [401] * 8 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert (await refused(answers[0], 401))["code"] == "bad_login"


def test_random_passwords_are_long_and_differ() -> None:
    made = {random_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(one) == 19 for one in made)
