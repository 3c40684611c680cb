from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from control_api.store.database import Database, make_engine
from control_api.store.upgrade import upgrade
from tests.unit.control_api.postgres import postgres
from tests.unit.control_api.world import World, fresh_database, open_database, open_world


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "empty.sqlite3"


@pytest.fixture
async def database_url(tmp_path: Path, template: Path) -> str:
    return await fresh_database(tmp_path, template)


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres() as url:
        if url is None:
            pytest.skip("PostgreSQL is not installed")
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def either_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each kind, without tables."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/empty.sqlite3"
    url: str = request.getfixturevalue("postgres_url")
    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()
    return url


@pytest.fixture
async def database(either_url: str) -> AsyncIterator[Database]:
    """A database of each kind, with its tables."""
    await upgrade(either_url)
    async with open_database(either_url) as opened:
        yield opened
