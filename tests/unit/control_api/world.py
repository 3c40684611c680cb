"""A control process without sockets of its own: the real routes, store and live conferences, and no machine below."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from control_api.accounts.accounts import Accounts
from control_api.accounts.passwords import Passwords
from control_api.accounts.rules import Role
from control_api.accounts.sealing import SecretBox
from control_api.app import make_app
from control_api.conferences.store import SqlConferenceStore
from control_api.live import LiveService
from control_api.metrics import Metrics
from control_api.pages.files import File
from control_api.services import Services
from control_api.settings import Accounts as AccountRules
from control_api.settings import Http, Mail, Settings
from control_api.settings import Metrics as MetricsSettings
from control_api.store.database import Database
from control_api.store.upgrade import upgrade
from mcu_core.node.pool import PoolWatch
from mcu_core.wire import WorkerInfo, WorkerKind
from signaling.websocket import EndpointSockets

PASSWORD = "một mật khẩu dài"
METRICS_TOKEN = "token-of-the-scraper"
PUBLIC = "https://mcu.example.vn"
PAGES: Mapping[str, File] = {
    "index.html": File("text/html", b"<!doctype html><title>home</title>", None, immutable=False),
    "site.html": File("text/html", b"<!doctype html><title>site</title>", None, immutable=False),
    "console.html": File("text/html", b"<!doctype html><title>console</title>", None, immutable=False),
    "office.html": File("text/html", b"<!doctype html><title>office</title>", None, immutable=False),
    "assets/a-1234.js": File("text/javascript", b"export {};", gzip.compress(b"export {};"), immutable=True),
    "favicon.svg": File("image/svg+xml", b"<svg/>", None, immutable=False),
}

Client = TestClient[web.Request, web.Application]


class IdleMachine:
    """A NodePool whose workers never come up."""

    def __init__(self) -> None:
        self.workers: tuple[WorkerInfo, ...] = ()

    async def place(self, kind: WorkerKind, name: str) -> WorkerInfo:
        await asyncio.Event().wait()
        raise AssertionError

    async def release(self, kind: WorkerKind, name: str) -> None:
        """There is none."""

    async def list(self) -> tuple[WorkerInfo, ...]:
        return self.workers

    def watch(self) -> PoolWatch:
        return PoolWatch()


@dataclass
class Clock:
    """The wall clock of accounts."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


def quick_passwords() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def fresh_database(folder: Path, template: Path) -> str:
    """URL of an upgraded SQLite file; `template` is made once and copied."""
    if not await asyncio.to_thread(template.exists):
        await upgrade(f"sqlite+aiosqlite:///{template}")
    path = folder / "mcu.sqlite3"
    await asyncio.to_thread(shutil.copy, template, path)
    return f"sqlite+aiosqlite:///{path}"


@contextlib.asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


class World:
    """`anonymous`, and one signed-in client for each role."""

    def __init__(self, services: Services, server: TestServer, clock: Clock, pool: IdleMachine) -> None:
        self.services, self.server, self.clock, self.pool = services, server, clock, pool
        self._clients: list[Client] = []

    def client(self, **headers: str) -> Client:
        client: Client = TestClient(self.server, headers={"X-MCU-Request": "1", **headers})
        self._clients.append(client)
        return client

    async def sign_in(self, role: Role | None) -> Client:
        """A client of that role; None: of nobody."""
        client = self.client()
        if role is not None:
            answer = await client.post("/api/v1/session", json={"username": role.value, "password": PASSWORD})
            assert answer.status == 200, await answer.text()
        return client

    async def conference(self, title: str = "Họp giao ban") -> str:
        made = await self.services.live.create_conference(title, actor=None)
        return str(made["id"])

    async def close(self) -> None:
        for client in self._clients:
            await client.session.close()


@contextlib.asynccontextmanager
async def open_world(
    url: str, data_dir: Path, *, files: Mapping[str, File] = PAGES, root_certificate: Path | None = None
) -> AsyncIterator[World]:
    settings = Settings(
        data_dir=data_dir,
        http=Http(public_urls=(PUBLIC,)),
        mail=Mail(host="mail.example.vn"),
        metrics=MetricsSettings.model_validate({"token": METRICS_TOKEN}),
    )
    clock, pool = Clock(), IdleMachine()
    database = Database(url)
    accounts = Accounts(
        database,
        settings.session,
        clock,
        rules=AccountRules(require_totp=()),
        passwords=quick_passwords(),
        secrets=SecretBox(settings.secrets_key),
    )
    store = SqlConferenceStore(database, time.time)
    metrics = Metrics()
    live = LiveService(store, pool, metrics=metrics)
    services = Services(settings, database, accounts, store, live, pool, metrics, clock)
    app = make_app(services, EndpointSockets(live).handle, root_certificate=root_certificate, files=files)
    server: TestServer = TestServer(app)
    for role in Role:
        with contextlib.suppress(Exception):
            await accounts.add_user(role.value, role.value, role, PASSWORD)
    running = asyncio.create_task(live.run(), name="live")
    await asyncio.wait_for(live.ready.wait(), 5)
    await server.start_server()
    world = World(services, server, clock, pool)
    try:
        yield world
    finally:
        await world.close()
        await server.close()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        accounts.close()
        await database.close()


async def refused(answer: Any, status: int) -> dict[str, Any]:
    """The error of an answer, checked to be complete in both languages."""
    body = await answer.json()
    assert answer.status == status, body
    error: dict[str, Any] = body["error"]
    assert error["code"]
    assert error["vi"]
    assert error["en"]
    return error
