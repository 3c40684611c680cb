"""Bring the database to the newest migration; run at every start, by one process at a time.

The lock is the database's own: SQLite's write lock (the whole upgrade is one IMMEDIATE transaction) or a PostgreSQL
advisory lock.  Alembic is loaded only when there is something to do, so that control restarts sooner.

`python -m control_api.store.upgrade "what changes"` writes a new migration from the tables.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from control_api.store.database import make_engine
from mcu_core.errors import OperatorError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x6D6375  # "mcu"


def alembic_config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """Migrations are named `NNNN_what.py` after their revision, so the newest is known without loading Alembic."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


async def upgrade(url: str) -> None:
    """Upgrade to the newest revision.  Raises OperatorError `database_too_new` if a newer program made it."""
    engine = make_engine(url, foreign_keys=False)
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            if await connection.run_sync(_current_revision) != newest_revision():
                await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.util.exc import CommandError

    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise OperatorError(
            "database_too_new",
            f"Cơ sở dữ liệu do một phiên bản mới hơn tạo ra: {error}. Hãy dùng phiên bản đó hoặc bản sao lưu.",
            f"The database was made by a newer version: {error}. Use that version, or restore a backup.",
        ) from error


async def _new_migration(message: str) -> None:
    from alembic import command

    number = f"{int(newest_revision()) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/new.sqlite3"
        await upgrade(url)
        engine = make_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(
                lambda sync: command.revision(alembic_config(sync), message=message, autogenerate=True, rev_id=number)
            )
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_new_migration(" ".join(sys.argv[1:]) or "change"))
