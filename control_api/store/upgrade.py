"""Bring the database to the newest migration; run at every start, by one process at a time.

The lock is the database's own: SQLite's write lock (the whole upgrade is one IMMEDIATE transaction) or a PostgreSQL
advisory lock.  `python -m control_api.store.upgrade "what changes"` writes a new migration from the tables.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from control_api.store.database import make_engine
from mcu_core.errors import OperatorError

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x6D6375  # "mcu"


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def upgrade(url: str) -> None:
    """Upgrade to the newest revision.  Raises OperatorError `database_too_new` if a newer program made it."""
    engine = make_engine(url, foreign_keys=False)
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise OperatorError(
            "database_too_new",
            f"Cơ sở dữ liệu do một phiên bản mới hơn tạo ra: {error}. Hãy dùng phiên bản đó hoặc bản sao lưu.",
            f"The database was made by a newer version: {error}. Use that version, or restore a backup.",
        ) from error


async def _new_migration(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/new.sqlite3"
        await upgrade(url)
        engine = make_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(
                lambda sync: command.revision(alembic_config(sync), message=message, autogenerate=True)
            )
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_new_migration(" ".join(sys.argv[1:]) or "change"))
