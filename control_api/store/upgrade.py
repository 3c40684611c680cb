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

import structlog
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from control_api.store.database import address_of, does_not_answer, make_engine, sql_state
from mcu_core.errors import OperatorError, PeerLost

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x6D6375  # "mcu"
_RETRY = 2.0  # seconds
_REFUSED_STATES = ("28", "3D")  # invalid authorization; no such database

log = structlog.get_logger("database")


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


async def upgrade(url: str, *, patience: float = 0.0) -> None:
    """Upgrade to the newest revision, waiting up to `patience` seconds for a database that does not answer yet.

    Raises PeerLost `database_unavailable` when it still does not, OperatorError `database_refused` when it does not
    let us in, and OperatorError `database_too_new` if a newer program made it.
    """
    clock = asyncio.get_running_loop().time
    until, told = clock() + patience, False
    while True:
        try:
            await _upgrade_now(url)
        except PeerLost as error:
            if clock() + _RETRY > until:
                raise
            if not told:
                log.warning(error.en, vi=error.vi, retry_seconds=_RETRY, patience=patience)
            told = True
            await asyncio.sleep(_RETRY)
        else:
            return


async def _upgrade_now(url: str) -> None:
    engine = make_engine(url, foreign_keys=False)
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            if await connection.run_sync(_current_revision) != newest_revision():
                await connection.run_sync(_upgrade)
    except Exception as error:
        state = sql_state(error.orig if isinstance(error, DBAPIError) else error)
        if state.startswith(_REFUSED_STATES):
            raise OperatorError(
                "database_refused",
                f"Cơ sở dữ liệu tại {address_of(url)} từ chối kết nối (mã {state}). "
                "Hãy kiểm tra người dùng, mật khẩu và tên cơ sở dữ liệu trong database_url.",
                f"The database at {address_of(url)} does not let us in (code {state}). "
                "Check the user, the password and the name of the database in database_url.",
            ) from None
        if not does_not_answer(error):
            raise
        raise PeerLost(
            "database_unavailable",
            f"Cơ sở dữ liệu tại {address_of(url)} không trả lời. Hãy kiểm tra nó đang chạy và database_url đúng.",
            f"The database at {address_of(url)} does not answer. Check that it runs and that database_url is right.",
        ) from None
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
