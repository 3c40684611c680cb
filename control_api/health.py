"""`/healthz` for load balancers and people, `/metrics` for Prometheus.

Health is open, so it tells only which part is at fault, and is computed at most once a second.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from typing import Any

from aiohttp import web

from control_api.accounts.rules import Right
from control_api.api import authorise
from control_api.metrics import CONTENT_TYPE
from control_api.services import SERVICES, Services
from mcu_core.errors import McuError
from mcu_core.wire import WorkerInfo

_FRESH = 1.0
_DEADLINE = 2.0


class Health:
    """`ok`: everything answers; `degraded`: control works, media does not; `down`: the database does not answer."""

    def __init__(self) -> None:
        self._at = float("-inf")
        self._last: tuple[str, dict[str, str]] = ("down", {})

    async def look(self, services: Services) -> tuple[str, dict[str, str]]:
        now = time.monotonic()
        if now - self._at >= _FRESH:
            self._at = now
            database, workers = await asyncio.gather(services.database.ping(), _workers(services))
            checks = {
                "database": database,
                "supervisor": workers is not None,
                "conferences": services.live.ready.is_set(),
                **services.live.reachable(),
            }
            status = "ok" if all(checks.values()) else "degraded" if database else "down"
            if database:  # tells, and does not count: meetings go on without a backup
                checks["backup"] = await _backup(services)
            self._last = status, {name: "ok" if good else "failed" for name, good in checks.items()}
        return self._last


async def _workers(services: Services) -> tuple[WorkerInfo, ...] | None:
    """What the supervisor runs; None when it does not answer."""
    try:
        async with asyncio.timeout(_DEADLINE):
            return await services.pool.list()
    except (McuError, TimeoutError):
        return None


async def _backup(services: Services) -> bool:
    try:
        return not await services.upkeep.is_late()
    except McuError:
        return False


HEALTH = web.AppKey("health", Health)


async def healthz(request: web.Request) -> web.Response:
    status, checks = await request.app[HEALTH].look(request.app[SERVICES])
    body: dict[str, Any] = {"status": status, "checks": checks}
    return web.json_response(body, status=200 if status == "ok" else 503, headers={"Cache-Control": "no-store"})


async def metrics(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    token = services.settings.metrics.token
    given = request.headers.get("Authorization", "")
    if token is None or not hmac.compare_digest(given.encode(), f"Bearer {token.get_secret_value()}".encode()):
        await authorise(request, services, Right.ADMINISTER)
    workers = await _workers(services)
    if workers is not None:
        services.metrics.workers(workers)
    return web.Response(
        body=await services.metrics.text(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
    )
