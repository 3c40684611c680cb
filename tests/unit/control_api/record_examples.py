"""Examples of the OpenAPI document, taken from real requests and answers: the ones that test_routes.py sends.

`python -m tests.unit.control_api.record_examples` writes control_api/openapi_examples.json anew; do so when a route is
added or its bodies change (test_openapi.py says which).  Names of operations may follow, to record only these.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from control_api.openapi import EXAMPLES
from tests.unit.control_api import account_samples, booking_samples
from tests.unit.control_api.test_routes import ASKS, ROUTES, Ask, ask, prepared, with_right
from tests.unit.control_api.world import fresh_database, open_world

_MOST_ITEMS, _LONGEST = 2, 240
_BY_THE_CLOCK = ("confirm_second_factor",)
_BEGIN = 1_796_000_000.0  # 2026-11-30 07:53 in Vietnam, so that examples change little from one record to the next


async def record(name: str, template: Path, now: float | None) -> dict[str, Any]:
    """What the route is sent and what it answers, shortened; at `now`, or now."""
    route = ROUTES[name]
    with tempfile.TemporaryDirectory() as folder:
        url = await fresh_database(Path(folder), template)
        async with open_world(url, Path(folder)) as world:
            world.clock.now = world.clock.now if now is None else now
            path = await prepared(world, route)
            found: dict[str, Any] = {}
            sent = booking_samples.body(name, world.clock.now) or account_samples.body(name)
            body = ASKS.get(name, Ask(sent)).body
            if route.body is not None:
                found["body"] = shortened(body or {})
            answer = await ask(world, route, path, with_right(route.right))
            assert answer.status == route.status, (name, await answer.text())
            if route.answer is not None:
                found["answer"] = shortened(await answer.json())
            return found


def shortened(value: Any) -> Any:
    """Lists of two, texts of a line or three."""
    if isinstance(value, dict):
        return {key: shortened(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [shortened(one) for one in value[:_MOST_ITEMS]]
    if isinstance(value, str) and len(value) > _LONGEST and " " in value:
        return value[:_LONGEST] + "…"
    return value


async def main(names: list[str]) -> None:
    known: dict[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8")) if EXAMPLES.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names or sorted(ROUTES):
            try:
                now = None if name in _BY_THE_CLOCK else _BEGIN
                known[name] = await record(name, Path(folder) / "template.sqlite3", now)
            except (AssertionError, KeyError) as error:  # test_routes.py says why; the others are recorded
                print(f"{name}: {error!r}", file=sys.stderr)
    kept = {name: known[name] for name in sorted(known) if name in ROUTES and known[name]}
    EXAMPLES.write_text(json.dumps(kept, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
