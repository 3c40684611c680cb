from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from control_api.health import HEALTH, Health
from control_api.metrics import Metrics
from mcu_core.commands import AddSite
from mcu_core.errors import PeerLost
from mcu_core.wire import WorkerInfo
from tests.unit.control_api.world import METRICS_TOKEN, World


async def test_health_is_open_and_names_what_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await world.client().get("/healthz")
    body = await answer.json()
    assert answer.status == 503  # no relay comes up on this machine
    assert body["status"] == "degraded"
    checks = {"database": "ok", "supervisor": "ok", "conferences": "ok", "relay_0": "failed", "backup": "ok"}
    assert body["checks"] == checks

    async def away() -> Any:
        raise PeerLost("no_supervisor", "Không kết nối được.", "Away.")

    monkeypatch.setattr(world.services.live, "reachable", lambda: {"relay_0": True})
    assert (await Health().look(world.services))[0] == "ok"
    monkeypatch.setattr(world.pool, "list", away)
    assert (await Health().look(world.services))[1]["supervisor"] == "failed"
    await world.services.database.close()


async def test_health_is_not_computed_for_everybody_who_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    async def ping(deadline: float = 3.0) -> bool:
        nonlocal looked
        looked += 1
        return True

    monkeypatch.setattr(type(world.services.database), "ping", lambda self: ping())
    await asyncio.gather(*(world.client().get("/healthz") for _ in range(10)))
    assert looked == 1
    assert world.server.app[HEALTH] is not None


async def test_metrics_need_the_token_and_tell_of_the_conferences(world: World) -> None:
    conference = await world.conference()
    await world.services.live.command(conference, AddSite("Sở Y tế"), actor=None)
    world.pool.workers = (WorkerInfo("relay", "0", 7, "/run/x", 3),)
    client = world.client()
    assert (await client.get("/metrics", headers={"Authorization": "Bearer guess"})).status == 401
    answer = await client.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    assert answer.status == 200
    text = await answer.text()
    assert "mcu_conferences 1.0" in text
    assert f'mcu_sites{{conference="{conference}",state="absent"}} 1.0' in text
    assert 'mcu_worker_restarts{kind="relay",name="0"} 3.0' in text
    assert 'mcu_command_seconds_count{command="AddSite"} 1.0' in text
    assert 'mcu_http_request_seconds_count{method="GET",route="/metrics",status="401"} 1.0' in text


async def test_paths_of_requests_do_not_become_labels(world: World) -> None:
    for n in range(5):
        await world.client().get(f"/nowhere/{n}")
        await world.client().get(f"/join/token-{n}")
    text = (await world.services.metrics.text()).decode()
    assert "token-" not in text
    assert 'route="unknown"' in text
    assert 'route="/join/{token}"' in text


async def test_each_part_of_the_metrics_takes_a_turn_of_the_loop_of_its_own() -> None:
    metrics, turns = Metrics(), 0
    metrics.login("ok")
    telling = asyncio.create_task(metrics.text())
    while not telling.done():
        await asyncio.sleep(0)
        turns += 1
    names = {family.name for family in text_string_to_metric_families(telling.result().decode())}
    assert names >= {family.name for family in metrics.registry.collect()}
    assert turns >= len(metrics.registry.parts)


async def test_registries_do_not_meet() -> None:
    first, second = Metrics(), Metrics()
    first.login("ok")
    assert 'mcu_logins_total{result="ok"} 1.0' in (await first.text()).decode()
    assert "result" not in (await second.text()).decode()
