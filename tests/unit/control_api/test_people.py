"""Accounts over HTTP: management, one's own, second factor, locks; what ends when somebody is disabled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from control_api.accounts.rules import Right, Role
from control_api.app import GROUPS
from control_api.live.store import JoinToken
from mcu_core.errors import OperatorError
from tests.unit.control_api.booking_samples import add_directory
from tests.unit.control_api.world import PASSWORD, Client, World, open_world, refused

NEW = "một mật khẩu khác hẳn"


async def login(world: World, username: str, password: str, code: str = "") -> tuple[Client, Any]:
    client = world.client()
    body = {"username": username, "password": password} | ({"code": code} if code else {})
    return client, await client.post("/api/v1/session", json=body)


async def signed_in(world: World, username: str, password: str, code: str = "") -> Client:
    client, answer = await login(world, username, password, code)
    assert answer.status == 200, await answer.text()
    return client


@pytest.fixture
async def administrator(world: World) -> Client:
    return await world.sign_in(Role.ADMINISTRATOR)


async def make(administrator: Client, **values: Any) -> dict[str, Any]:
    body = {"username": "minh", "name": "Trần Văn Minh", "role": "host", **values}
    answer = await administrator.post("/api/v1/users", json=body)
    assert answer.status == 201, await answer.text()
    made: dict[str, Any] = await answer.json()
    return made


async def code_for(world: World, client: Client) -> str:
    """Begin a second factor; returns the secret."""
    answer = await client.post("/api/v1/me/second-factor")
    assert answer.status == 200, await answer.text()
    return str((await answer.json())["secret"])


async def enrol(world: World, client: Client) -> tuple[str, list[str]]:
    secret = await code_for(world, client)
    code = pyotp.TOTP(secret).at(world.clock.now)
    answer = await client.put("/api/v1/me/second-factor", json={"code": code})
    assert answer.status == 200, await answer.text()
    return secret, (await answer.json())["codes"]


# ------------------------------------------------------------------------------------------------------- management


async def test_an_account_is_made_found_and_changed(world: World, administrator: Client) -> None:
    await add_directory(world.services.database)
    made = await make(administrator, organisation="so-y-te", email="Minh@BacNinh.gov.vn", phone="0204.3555.992")
    assert (made["email"], made["must_change"], made["organisation"]) == ("minh@bacninh.gov.vn", True, "so-y-te")
    found = await administrator.get("/api/v1/users", params={"q": "MINH", "organisation": "so-y-te"})
    assert (found.headers["X-Total-Count"], [one["username"] for one in await found.json()]) == ("1", ["minh"])
    found = await administrator.get("/api/v1/users", params={"q": "Trần V"})
    assert found.headers["X-Total-Count"] == "1"
    changed = await administrator.patch("/api/v1/users/minh", json={"role": "technician", "organisation": None})
    assert (await changed.json())["role"] == "technician"
    assert (await changed.json())["organisation"] is None
    taken = await administrator.patch("/api/v1/users/viewer", json={"email": "minh@bacninh.gov.vn"})
    assert (await refused(taken, 409))["code"] == "email_taken"
    twice = await administrator.post("/api/v1/users", json={"username": "Minh", "name": "x", "role": "viewer"})
    assert (await refused(twice, 409))["code"] == "user_exists"
    assert (await refused(await administrator.get("/api/v1/users/nobody"), 404))["code"] == "unknown_user"


async def test_s10_s24_an_accounts_organisation_is_one_of_the_directory(world: World, administrator: Client) -> None:
    body = {"username": "minh", "name": "Minh", "role": "host", "organisation": "so-y-te"}
    error = await refused(await administrator.post("/api/v1/users", json=body), 404)
    assert error["code"] == "unknown_organisation"
    assert "danh bạ" in error["vi"]
    await add_directory(world.services.database)
    assert (await administrator.post("/api/v1/users", json=body)).status == 201
    path = "/api/v1/users/minh"
    error = await refused(await administrator.patch(path, json={"organisation": "so-khong-co"}), 404)
    assert error["code"] == "unknown_organisation"
    assert (await administrator.patch(path, json={"organisation": "xa-van-mon"})).status == 200
    with pytest.raises(OperatorError, match="unknown_organisation"):  # as `mcu user add` does
        await world.services.accounts.add_user("lan", "Lan", Role.HOST, PASSWORD, organisation="so-khong-co")


async def test_s10_an_organisation_with_accounts_is_not_retired(world: World, administrator: Client) -> None:
    await add_directory(world.services.database)
    await make(administrator, organisation="xa-van-mon")
    path = "/api/v1/directory/organisations/xa-van-mon"
    error = await refused(await administrator.patch(path, json={"revision": 1, "active": False}), 409)
    assert error["code"] == "organisation_in_use"
    assert "minh" in error["vi"]
    assert (await administrator.patch("/api/v1/users/minh", json={"disabled": True})).status == 200
    assert (await administrator.patch(path, json={"revision": 1, "active": False})).status == 200
    error = await refused(await administrator.patch("/api/v1/users/viewer", json={"organisation": "xa-van-mon"}), 404)
    assert error["code"] == "unknown_organisation", "nobody is put into a retired one"


async def test_making_an_account_again_under_the_same_key_makes_one(world: World, administrator: Client) -> None:
    body = {"username": "minh", "name": "Minh", "role": "host"}
    headers = {"Idempotency-Key": "key-of-this-form"}
    first = await (await administrator.post("/api/v1/users", json=body, headers=headers)).json()
    from control_api.api import REPEATS

    world.server.app[REPEATS]._entries.clear()  # as after a crash: only the database remembers
    again = await administrator.post("/api/v1/users", json=body, headers=headers)
    assert again.status == 201
    second = await again.json()
    assert second["password"] != first["password"], "the first one is not kept anywhere"
    await signed_in(world, "minh", second["password"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "x"},
        {"username": "a\x00b"},
        {"name": ""},
        {"role": "king"},
        {"email": "not an address"},
        {"phone": "call me"},
        {"password": "short"},
        {"expires_at": "tomorrow"},
        {"expires_at": 5},
    ],
)
async def test_wrong_values_are_refused(administrator: Client, wrong: dict[str, Any]) -> None:
    body = {"username": "minh", "name": "Minh", "role": "host", **wrong}
    await refused(await administrator.post("/api/v1/users", json=body), 422)


async def test_s24_a_password_set_by_somebody_else_must_be_changed_first(world: World, administrator: Client) -> None:
    made = await make(administrator)
    minh = await signed_in(world, "minh", made["password"])
    assert (await (await minh.get("/api/v1/session")).json())["user"]["pending"] == "password"
    for path in ("/conferences", "/me/sessions", "/openapi.json"):
        assert (await refused(await minh.get(f"/api/v1{path}"), 403))["code"] == "password_change_needed"
    body = {"present": made["password"], "wanted": made["password"]}
    assert (await refused(await minh.put("/api/v1/me/password", json=body), 409))["code"] == "same_password"
    body = {"present": "wrong one", "wanted": NEW}
    assert (await refused(await minh.put("/api/v1/me/password", json=body), 409))["code"] == "wrong_password"
    changed = await minh.put("/api/v1/me/password", json={"present": made["password"], "wanted": NEW})
    assert changed.status == 200, await changed.text()
    assert (await minh.get("/api/v1/conferences")).status == 200
    await signed_in(world, "minh", NEW)


async def test_changing_the_own_password_ends_the_other_sessions(world: World) -> None:
    here, there = await world.sign_in(Role.HOST), await world.sign_in(Role.HOST)
    await here.put("/api/v1/me/password", json={"present": PASSWORD, "wanted": NEW})
    assert (await here.get("/api/v1/session")).status == 200
    assert (await there.get("/api/v1/session")).status == 401


async def test_sessions_are_listed_and_ended(world: World, administrator: Client) -> None:
    here, there = await world.sign_in(Role.HOST), await world.sign_in(Role.HOST)
    listed = await (await here.get("/api/v1/me/sessions")).json()
    assert sorted(one["present"] for one in listed) == [False, True]
    other = next(one["id"] for one in listed if not one["present"])
    assert (await here.delete(f"/api/v1/me/sessions/{other}")).status == 204
    assert (await there.get("/api/v1/session")).status == 401
    assert len(await (await administrator.get("/api/v1/users/host/sessions")).json()) == 1
    assert (await administrator.delete("/api/v1/users/host/sessions")).status == 204
    assert (await here.get("/api/v1/session")).status == 401
    await refused(await administrator.delete("/api/v1/users/host/sessions/xyz"), 422)


async def test_the_last_administrator_stays_and_nobody_demotes_themselves(world: World, administrator: Client) -> None:
    change = "/api/v1/users/administrator"
    error = await refused(await administrator.patch(change, json={"disabled": True}), 409)
    assert error["code"] == "not_yourself"
    made = await make(administrator, username="second", role="administrator")
    second = await signed_in(world, "second", made["password"])
    await second.put("/api/v1/me/password", json={"present": made["password"], "wanted": NEW})
    assert (await second.patch(change, json={"disabled": True})).status == 200
    error = await refused(await second.patch("/api/v1/users/second", json={"role": "viewer"}), 409)
    assert error["code"] == "not_yourself"
    await refused(await administrator.get("/api/v1/users"), 401)


async def test_an_account_for_a_time_ends_by_itself(world: World, administrator: Client) -> None:
    from datetime import UTC, datetime

    until = datetime.fromtimestamp(world.clock.now + 3600, UTC).isoformat()
    await administrator.patch("/api/v1/users/host", json={"expires_at": until})
    host = await world.sign_in(Role.HOST)
    world.clock.now += 3601
    assert (await host.get("/api/v1/session")).status == 401
    _, answer = await login(world, "host", PASSWORD)
    assert (await refused(answer, 403))["code"] == "account_expired"


# ---------------------------------------------------------------------------------------------------------- lock-out


async def test_s24_wrong_attempts_lock_the_account_until_an_administrator_unlocks_it(
    world: World, administrator: Client
) -> None:
    host = await world.sign_in(Role.HOST)
    accounts, user = world.services.accounts, await world.services.people.get("host")
    for _ in range(accounts.rules.lock_after):
        await accounts.count_failure(user.id, "198.51.100.7")
    assert (await host.get("/api/v1/session")).status == 401, "its sessions end"
    _, answer = await login(world, "host", PASSWORD)
    assert (await refused(answer, 403))["code"] == "account_locked"
    _, answer = await login(world, "host", "wrong password")
    assert (await refused(answer, 401))["code"] == "bad_login", "a stranger is not told"
    found = await (await administrator.get("/api/v1/users/host")).json()
    assert found["locked_at"] is not None
    assert (await administrator.post("/api/v1/users/host/unlock")).status == 200
    await signed_in(world, "host", PASSWORD)
    events = await (await administrator.get("/api/v1/security/events", params={"kind": "account_locked"})).json()
    assert [(one["username"], one["address"]) for one in events] == [("host", "198.51.100.7")]


async def test_the_last_administrator_is_never_locked(world: World) -> None:
    accounts, user = world.services.accounts, await world.services.people.get("administrator")
    for _ in range(30):
        await accounts.count_failure(user.id, "198.51.100.7")
    await signed_in(world, "administrator", PASSWORD)


async def test_failures_count_over_http_and_a_good_sign_in_forgets_them(world: World, administrator: Client) -> None:
    for _ in range(3):
        await login(world, "host", "wrong password")
    assert (await (await administrator.get("/api/v1/users/host")).json())["failures"] == 3
    await signed_in(world, "host", PASSWORD)
    assert (await (await administrator.get("/api/v1/users/host")).json())["failures"] == 0


# ----------------------------------------------------------------------------------------------------- second factor


async def test_s24_second_factor_is_asked_for_once_enrolled_and_a_code_is_good_once(world: World) -> None:
    host = await world.sign_in(Role.HOST)
    secret, codes = await enrol(world, host)
    state = await (await host.get("/api/v1/me/second-factor")).json()
    assert state == {"in_use": True, "required": False, "recovery_codes_left": 10}
    _, answer = await login(world, "host", PASSWORD)
    assert (await refused(answer, 401))["code"] == "code_needed"
    world.clock.now += 30
    code = pyotp.TOTP(secret).at(world.clock.now)
    await signed_in(world, "host", PASSWORD, code)
    _, answer = await login(world, "host", PASSWORD, code)
    assert (await refused(answer, 401))["code"] == "bad_code", "a code that was read over the shoulder"
    await signed_in(world, "host", PASSWORD, codes[0].upper())
    _, answer = await login(world, "host", PASSWORD, codes[0])
    assert (await refused(answer, 401))["code"] == "bad_code"
    state = await (await host.get("/api/v1/me/second-factor")).json()
    assert state["recovery_codes_left"] == 9


async def test_the_second_factor_ends_only_with_the_password(world: World) -> None:
    host = await world.sign_in(Role.HOST)
    await enrol(world, host)
    end = "/api/v1/me/second-factor/end"
    assert (await refused(await host.post(end, json={"password": "wrong one"}), 409))["code"] == "wrong_password"
    error = await refused(await host.post("/api/v1/me/second-factor"), 409)
    assert error["code"] == "second_factor_in_use"
    renewed = await host.post("/api/v1/me/recovery-codes", json={"password": PASSWORD})
    assert len((await renewed.json())["codes"]) == 10
    assert (await host.post(end, json={"password": PASSWORD})).status == 204
    await signed_in(world, "host", PASSWORD)


async def test_a_lost_telephone_is_reset_by_an_administrator(world: World, administrator: Client) -> None:
    host = await world.sign_in(Role.HOST)
    await enrol(world, host)
    assert (await administrator.delete("/api/v1/users/host/second-factor")).status == 204
    await refused(await host.get("/api/v1/session"), 401)
    await signed_in(world, "host", PASSWORD)


@pytest.fixture
async def strict(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A world whose officers need a second factor, as by default."""
    from control_api.settings import Accounts as Rules

    async with open_world(database_url, tmp_path) as opened:
        opened.services.accounts.rules = Rules()
        yield opened


async def test_s24_administrators_and_officers_must_enrol_at_the_first_sign_in(strict: World) -> None:
    for role in (Role.ADMINISTRATOR, Role.OFFICER):
        client = await strict.sign_in(role)
        assert (await (await client.get("/api/v1/session")).json())["user"]["pending"] == "second_factor"
        assert (await refused(await client.get("/api/v1/conferences"), 403))["code"] == "second_factor_needed"
        await enrol(strict, client)
        assert (await client.get("/api/v1/conferences")).status == 200
        body = {"password": PASSWORD}
        error = await refused(await client.post("/api/v1/me/second-factor/end", json=body), 409)
        assert error["code"] == "second_factor_required"
    operator = await strict.sign_in(Role.OPERATOR)
    assert (await operator.get("/api/v1/conferences")).status == 200


async def test_the_first_administrator_changes_the_password_then_enrols(strict: World) -> None:
    await strict.services.accounts.add_user("admin", "Quản trị", Role.ADMINISTRATOR, PASSWORD, must_change=True)
    client = await signed_in(strict, "admin", PASSWORD)
    assert (await refused(await client.post("/api/v1/me/second-factor"), 403))["code"] == "password_change_needed"
    await client.put("/api/v1/me/password", json={"present": PASSWORD, "wanted": NEW})
    assert (await refused(await client.get("/api/v1/users"), 403))["code"] == "second_factor_needed"
    await enrol(strict, client)
    assert (await client.get("/api/v1/users")).status == 200


# ------------------------------------------------------------------------------------------- what disabling ends


async def test_disabling_a_user_ends_what_they_watch(world: World, administrator: Client) -> None:
    conference = await world.conference()
    viewer = await world.sign_in(Role.VIEWER)
    path = f"/api/v1/conferences/{conference}/monitors"
    opened = await viewer.post(path, json={"view": "wall"})
    assert opened.status in (200, 201), await opened.text()
    token = (await opened.json())["token"]
    store = world.services.conferences
    found = await store.seat_for_token(token)
    assert isinstance(found, JoinToken)
    assert (await administrator.patch("/api/v1/users/viewer", json={"disabled": True})).status == 200
    assert await store.seat_for_token(token) is None
    assert (await viewer.get("/api/v1/session")).status == 401


# ------------------------------------------------------------------------------------------------------------ carrier


@pytest.mark.parametrize(
    "name",
    sorted(
        route.handler.__name__
        for group in GROUPS
        for route in group.routes
        if route.right in (Right.READ, Right.WATCH, Right.OPERATE, Right.BOOK, Right.AUDIT)
    ),
)
def test_s61_s62_routes_with_contents_are_closed_to_the_carrier(name: str) -> None:
    """S61: the carrier sees lines and roster; S62: never sound, picture or what a meeting is about."""
    route = next(route for group in GROUPS for route in group.routes if route.handler.__name__ == name)
    assert route.right not in Role.CARRIER.rights


async def test_s62_what_the_carrier_may_ask_for_names_no_meeting(world: World) -> None:
    title = "Hội nghị giao ban kín"
    conference = await world.conference(title)
    carrier = await world.sign_in(Role.CARRIER)
    for group in GROUPS:
        for route in group.routes:
            if route.method != "GET" or route.right is None:
                continue
            path = route.path.replace("{conference}", conference)
            if "{" in path:
                continue
            answer = await carrier.get(path)
            if route.right not in Role.CARRIER.rights:
                assert answer.status == 403, path
            assert title not in await answer.text(), path
    for path in (f"/ws/v1/conferences/{conference}/events", "/api/v1/openapi.json"):
        assert (await carrier.get(path)).status == 403, path
