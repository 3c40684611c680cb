"""Any request that the OpenAPI document allows, and many that it does not: never a 5xx, and answers as described.

Requests are made by schemathesis from the document that is served, with a fixed seed; identifiers in paths are, half of
the time, those of things that exist.  Operations that end the session or the test's own account are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from control_api.accounts.rules import Role
from control_api.api import COOKIE
from control_api.store.database import make_engine
from control_api.store.upgrade import upgrade
from tests.unit.control_api import account_samples, booking_samples, directory_samples
from tests.unit.control_api.test_routes import ASKS, PARTS, ROUTES, prepared
from tests.unit.control_api.world import PASSWORD, World, fresh_database, open_world

FIRST, EXAMPLES = 2, 5  # requests of each operation: of all, and again while there is time
BUDGET = 30.0  # seconds in all, but the first ones are sent in any case; what is left out then is told
SEED = 20261123
LEFT_OUT = {"sign_out", "sign_in"}  # one ends the session, the other throttles the address
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
async def strict_world(request: pytest.FixtureRequest, tmp_path: Path, template: Path) -> AsyncIterator[World]:
    """On PostgreSQL where there is one: it refuses more than SQLite does."""
    try:
        url: str = request.getfixturevalue("postgres_url")
    except pytest.skip.Exception:
        url = await fresh_database(tmp_path, template)
    else:
        engine = make_engine(url)
        async with engine.begin() as connection:
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))
        await engine.dispose()
        await upgrade(url)
    async with open_world(url, tmp_path) as opened:
        yield opened


@pytest.mark.timeout(300)
async def test_no_request_makes_a_server_error_and_answers_are_as_described(strict_world: World) -> None:
    world = strict_world
    path = await prepared(world, ROUTES["podium"])
    known = {**PARTS, "conference": path.split("/")[4]}
    loop = asyncio.get_running_loop()

    def renewed() -> str:
        """A token of the administrator, whatever was done to the account."""
        return asyncio.run_coroutine_threadsafe(sign_in_anew(world), loop).result(30)

    administrator = await world.sign_in(Role.ADMINISTRATOR)
    document = json.loads(await (await administrator.get("/api/v1/openapi.json")).text())
    base = str(world.server.make_url("")).rstrip("/")
    result = await asyncio.to_thread(hammer, document, base, known, renewed)
    assert not result.wrong, "\n\n".join(result.wrong)
    assert result.asked >= ROUTES.keys() - LEFT_OUT, "every operation, whatever the machine"
    if result.left:
        print(f"asked less for want of time: {result.left}")
    share = result.statuses[200] + result.statuses[201] + result.statuses[204]
    assert share > sum(result.statuses.values()) / 10, f"most requests did not get far: {result.statuses}"


async def sign_in_anew(world: World) -> str:
    accounts = world.services.accounts
    await accounts.set_password("administrator", PASSWORD)
    await accounts.drop_second_factor("administrator")
    _, token = await accounts.sign_in_trusted("administrator", "127.0.0.1", "schemathesis")
    return token


@dataclass
class Result:
    wrong: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)  # operations there was no time to ask again
    statuses: Counter[int] = field(default_factory=Counter)


def hammer(document: dict[str, Any], base: str, known: dict[str, str], renewed: Callable[[], str]) -> Result:
    """Ask every operation, then each of them again and more while there is time."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=base)
    session = requests.Session()
    session.headers["X-MCU-Request"] = "1"
    result = Result()
    token, until = renewed(), time.monotonic() + BUDGET
    operations = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operations.append(found.ok())
    for examples, operation in itertools.product((FIRST, EXAMPLES), operations):
        name = operation.definition.raw.get("operationId", operation.label)
        if not operation.path.startswith("/api/v1/") or name in LEFT_OUT:
            continue
        if examples == EXAMPLES and time.monotonic() > until:
            result.left.append(name)
            continue
        result.asked.add(name)
        here = session.get(f"{base}/api/v1/conferences", headers={"Cookie": f"{COOKIE}={token}"}, timeout=10)
        if here.status_code != 200:  # an operation has ended the session, or asks for a change of the password
            token = renewed()
        try:
            ask(operation, session, token, known, result.statuses, examples)
        except Exception as error:
            result.wrong.append(f"{operation.label} ({name}): {_short(error)}")
    session.close()
    return result


def ask(
    operation: Any,
    session: requests.Session,
    token: str,
    known: dict[str, str],
    statuses: Counter[int],
    examples: int,
) -> None:
    """Send some requests of one operation; raises what is wrong with an answer."""

    @seed(SEED)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), existing=st.booleans())
    def each(case: Any, existing: bool) -> None:
        if existing:
            for name in case.path_parameters or {}:
                if name in known:
                    case.path_parameters[name] = known[name]
        response = case.call(session=session, timeout=10, headers={"Cookie": f"{COOKIE}={token}"})
        statuses[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    each()


LONG, EARLY = "ữ" * 30_000, "0001-01-01T00:00:00+14:00"
ODD: tuple[Any, ...] = (None, "", LONG, -1, 2**70, 1e308, True, [], {}, ["\ud7ff"] * 3, EARLY)


async def test_good_bodies_with_one_odd_value_make_no_server_error(strict_world: World) -> None:
    """What a form sends, with each value in turn replaced by something nobody expects."""
    world, dice = strict_world, random.Random(SEED)
    path = await prepared(world, ROUTES["podium"])
    await directory_samples.add_samples(world.services)
    known = {
        **booking_samples.PARTS,
        **directory_samples.PARTS,
        **PARTS,
        "conference": path.split("/")[4],
        "year": "2026",
    }
    token = await sign_in_anew(world)
    wrong: list[str] = []
    asked = 0
    for name, route in sorted(ROUTES.items()):
        body = ASKS[name].body if name in ASKS else sample(name, world.clock.now)
        if not body or name in LEFT_OUT:
            continue
        in_directory = "/directory/" in route.path
        where = route.path.format(**({**known, "site": directory_samples.SITE} if in_directory else known))
        if route.tag == "bookings":
            with contextlib.suppress(IntegrityError):  # what it adds is there already
                await booking_samples.prepared(world.services, route)
        for changed in odd_ones(body, dice):
            client = world.client(Cookie=f"{COOKIE}={token}")
            answer = await client.request(route.method, where, json=changed)
            asked += 1
            if answer.status >= 500:
                wrong.append(f"{route.method} {where} {str(changed)[:300]}: {await answer.text()}")
            if answer.status == 401:
                token = await sign_in_anew(world)
            await client.session.close()
    assert not wrong, "\n".join(wrong[:20])
    assert asked > 300


def sample(name: str, now: float) -> dict[str, Any] | None:
    return booking_samples.body(name, now) or account_samples.body(name)


def odd_ones(body: dict[str, Any], dice: random.Random) -> Iterator[dict[str, Any]]:
    """The body with a key of it, or of what is within, replaced; a few for each key."""
    for key, value in body.items():
        for odd in dice.sample(ODD, 3):
            yield {**body, key: odd}
        if isinstance(value, dict):
            for inner in odd_ones(value, dice):
                yield {**body, key: inner}
        if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
            for inner in list(odd_ones(value[0], dice))[:6]:
                yield {**body, key: [inner, *value[1:]]}


def _short(error: BaseException) -> str:
    parts = getattr(error, "exceptions", None) or [error]
    return " / ".join(" ".join(str(part).split())[:400] for part in parts)


@pytest.mark.parametrize(
    "path", ["/api/v1/conferences/%00/journal", "/api/v1/journal/sites/a%00b", "/api/v1/conferences"]
)
async def test_letters_that_no_database_stores_are_refused(world: World, path: str) -> None:
    administrator = await world.sign_in(Role.ADMINISTRATOR)
    if "%00" in path:
        assert (await administrator.get(path)).status in (404, 422)
    else:
        answer = await administrator.post(
            path, data='{"title": "a\\u0000b"}', headers={"Content-Type": "application/json"}
        )
        assert answer.status == 422
