"""What guards every route: forged requests, bodies, sizes, repetition."""

from __future__ import annotations

import asyncio

import pytest

from control_api.accounts.rules import Role
from control_api.api import Routes
from control_api.idempotency import Repeats, Stored
from mcu_core.errors import McuError
from tests.unit.control_api.world import World, refused


async def test_request_without_our_header_is_refused(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    answer = await operator.post("/api/v1/conferences", json={"title": "x"}, headers={"X-MCU-Request": "0"})
    assert (await refused(answer, 403))["code"] == "request_header_missing"
    assert world.services.live.conferences() == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_request_from_another_page_is_refused(world: World, origin: str) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    answer = await operator.post("/api/v1/conferences", json={"title": "x"}, headers={"Origin": origin})
    assert (await refused(answer, 403))["code"] == "bad_origin"


async def test_our_own_addresses_are_accepted(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    for origin in (f"http://127.0.0.1:{world.server.port}", "https://mcu.example.vn"):
        answer = await operator.post("/api/v1/conferences", json={"title": "x"}, headers={"Origin": origin})
        assert answer.status == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b"[1]", 422, "invalid"),
        (b'{"title": 5}', 422, "invalid"),
        (b'{"title": ""}', 422, "invalid"),
        (b'{"title": "x", "colour": "red"}', 422, "invalid"),
        (b"", 422, "invalid"),
        (b'{"title": "' + b"x" * 300_000 + b'"}', 413, "too_large"),
        (b"[" * 50_000, 400, "bad_json"),
        (b'{"title": "\\ud800"}', 400, "bad_json"),
    ],
)
async def test_bad_bodies_are_refused_in_words(world: World, body: bytes, status: int, code: str) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    headers = {"Content-Type": "application/json"}
    error = await refused(await operator.post("/api/v1/conferences", data=body, headers=headers), status)
    assert error["code"] == code
    assert world.services.live.conferences() == []


async def test_invalid_names_the_field(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    error = await refused(await operator.post("/api/v1/conferences", json={"title": 5}), 422)
    assert error["detail"] == [{"where": "body.title", "problem": "Input should be a valid string"}]
    error = await refused(await operator.get("/api/v1/conferences?limit=no"), 422)
    assert error["detail"][0]["where"] == "query.limit"


async def test_body_must_say_that_it_is_json(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    answer = await operator.post("/api/v1/conferences", data={"title": "x"})
    assert (await refused(answer, 415))["code"] == "not_json"


async def test_names_are_composed(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    made = await operator.post("/api/v1/conferences", json={"title": "Ho\u0323p giao ban"})
    assert (await made.json())["title"] == "Họp giao ban"


async def test_bug_in_a_handler_is_a_plain_500(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = await world.sign_in(Role.VIEWER)

    def broken() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(world.services.live, "conferences", broken)
    answer = await viewer.get("/api/v1/conferences")
    assert "secret detail" not in await answer.text()
    assert (await refused(answer, 500))["code"] == "internal"


# ----------------------------------------------------------------------------------------------------- repetition


async def test_repeating_a_command_does_nothing_twice(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    key = {"Idempotency-Key": "0123456789abcdef"}
    first = await operator.post("/api/v1/conferences", json={"title": "Một"}, headers=key)
    again = await operator.post("/api/v1/conferences", json={"title": "Một"}, headers=key)
    assert await first.json() == await again.json()
    assert (first.status, again.status) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(world.services.live.conferences()) == 1


async def test_two_at_the_same_time_are_one(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    path, body = f"/api/v1/conferences/{conference}/sites", {"name": "Sở Y tế"}
    key = {"Idempotency-Key": "at-the-same-time"}
    answers = await asyncio.gather(*(operator.post(path, json=body, headers=key) for _ in range(5)))
    assert {(await answer.json())["id"] for answer in answers} == {"so-y-te"}
    assert len(world.services.live.state(conference)["sites"]) == 1


async def test_key_with_another_request_is_refused(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    key = {"Idempotency-Key": "0123456789abcdef"}
    await operator.post("/api/v1/conferences", json={"title": "Một"}, headers=key)
    answer = await operator.post("/api/v1/conferences", json={"title": "Hai"}, headers=key)
    assert (await refused(answer, 422))["code"] == "idempotency_key_reused"
    short = await operator.post("/api/v1/conferences", json={"title": "Ba"}, headers={"Idempotency-Key": "short"})
    assert (await refused(short, 422))["code"] == "bad_idempotency_key"


async def test_keys_of_two_users_do_not_meet(world: World) -> None:
    key = {"Idempotency-Key": "0123456789abcdef"}
    for role in (Role.OPERATOR, Role.ADMINISTRATOR):
        client = await world.sign_in(role)
        assert (await client.post("/api/v1/conferences", json={"title": "Một"}, headers=key)).status == 201
    assert len(world.services.live.conferences()) == 2


async def test_failed_attempt_may_be_tried_again() -> None:
    repeats, tries = Repeats(lambda: 0.0), 0

    async def work() -> Stored:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("away")
        return Stored(200, b"ok")

    with pytest.raises(RuntimeError):
        await repeats.once("k", "f", work)
    assert (await repeats.once("k", "f", work)) == (Stored(200, b"ok"), False)
    assert (await repeats.once("k", "f", work)) == (Stored(200, b"ok"), True)
    with pytest.raises(McuError, match="idempotency_key_reused"):
        await repeats.once("k", "other", work)


async def test_keys_are_forgotten_by_age_and_by_number() -> None:
    now, done = 0.0, []
    repeats = Repeats(lambda: now, life=10, most=3)

    async def once(key: str) -> bool:
        async def work() -> Stored:
            done.append(key)
            return Stored(200, b"")

        return (await repeats.once(key, "f", work))[1]

    for key in "abcd":
        assert not await once(key)
    assert not await once("a")  # pushed out by d
    now = 11.0
    assert not await once("d")


def test_declaration_must_name_the_parts_of_its_path() -> None:
    routes = Routes("test")
    with pytest.raises(TypeError, match="are not those of"):

        @routes.get("/things/{thing}", right=None)
        async def wrong(call: object, other: str) -> None:
            """Names no `thing`."""


async def test_a_list_that_is_always_whole_can_be_read_in_parts(world: World) -> None:
    viewer = await world.sign_in(Role.VIEWER)
    whole = await viewer.get("/api/v1/bookings/meeting-types")
    everything = await whole.json()
    assert whole.headers["X-Total-Count"] == str(len(everything))
    part = await viewer.get("/api/v1/bookings/meeting-types?offset=1&limit=2")
    assert await part.json() == everything[1:3]
    assert part.headers["X-Total-Count"] == str(len(everything))
    assert (await refused(await viewer.get("/api/v1/bookings/meeting-types?limit=0"), 422))["code"] == "invalid"
