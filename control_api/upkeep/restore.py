"""Restoring a backup into a database: all of it or nothing, and never over what somebody may still need.

The file is read to its end before anything is touched.  SQLite: a new file is made beside and takes the old one's
place; the old one is kept under another name.  PostgreSQL: one transaction.  Tables are made as they were at the time
of the backup, filled, and then upgraded to this program.
"""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, MetaData, func, inspect, select, text
from sqlalchemy.engine import make_url

from control_api.accounts.sealed_rows import seal_all
from control_api.accounts.sealing import SecretBox
from control_api.journal.journals import Journals
from control_api.journal.verify import Finding
from control_api.store.database import Database, database_url, make_engine
from control_api.store.tables import metadata
from control_api.store.upgrade import alembic_config, newest_revision, upgrade
from control_api.upkeep import rows
from control_api.upkeep.backup import ZONE, opened, verify_backup
from control_api.upkeep.keys import Key
from mcu_core.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Restored:
    made_at: float  # of the backup
    revision: str  # its tables were at
    rows: int
    journals: int
    findings: tuple[Finding, ...]  # of the journals, as they were when the backup was made
    lost: tuple[str, ...]  # accounts whose second factor no key opens
    kept: Path | None  # where the database that was there before is now (SQLite)


async def restore(path: Path, key: Key, url: str, *, force: bool = False, secrets: SecretBox | None = None) -> Restored:
    """Put a backup into the database at `url`, and the keys of its secrets beside those of `secrets`.

    Raises OperatorError `database_not_empty` (without `force`), `backup_too_new`, and what `verify_backup` raises;
    then nothing has changed.
    """
    total = verify_backup(path, key)
    with opened(path, key) as (header, lines):
        made_at, revision, keys = header.made_at, header.revision, rows.secrets_of(next(lines))
    if revision > newest_revision():
        raise OperatorError(
            "backup_too_new",
            f"Bản sao lưu {path.name} do phiên bản mới hơn tạo ra ({header.program}). Hãy dùng phiên bản đó.",
            f"The backup {path.name} was made by a newer version ({header.program}). Use that version.",
        )
    if database_url(url).get_backend_name() == "sqlite":
        kept = await _into_file(path, key, url, revision, force)
    else:
        kept = None
        await _into(path, key, url, revision, force)
    await upgrade(url)
    database = Database(url)
    lost: tuple[str, ...] = ()
    try:
        if secrets is not None:
            secrets.take_in(keys)
            lost = (await seal_all(database, secrets)).lost
        journals = Journals(database)
        verdicts = [await journals.verify(conference_id) for conference_id in await journals.conference_ids()]
    finally:
        await database.close()
    findings = tuple(finding for verdict in verdicts for finding in verdict.findings)
    return Restored(made_at, revision, total, len(verdicts), findings, lost, kept)


def check_stopped(socket_dir: Path) -> None:
    """Raises OperatorError `server_runs` when `mcu serve` is at work on these settings."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.settimeout(1.0)
            probe.connect(str(socket_dir / "node.sock"))
        except OSError:
            return
    raise OperatorError(
        "server_runs",
        "Máy chủ đang chạy. Hãy dừng `mcu serve` rồi khôi phục.",
        "The server is running. Stop `mcu serve`, then restore.",
    )


async def _into_file(path: Path, key: Key, url: str, revision: str, force: bool) -> Path | None:
    target = Path(make_url(url).database or "")
    if not force and not await _is_empty(url):
        raise _not_empty(str(target))
    fresh = target.with_name(target.name + ".restoring")
    _remove(fresh)
    try:
        await _into(path, key, f"sqlite+aiosqlite:///{fresh}", revision, force=False)
        return _swap(target, fresh)
    finally:
        _remove(fresh)


def _swap(target: Path, fresh: Path) -> Path | None:
    """Put the new file in the old one's place; returns where the old one is now."""
    kept = None
    _checkpoint(fresh)
    if target.exists():
        _checkpoint(target)
        kept = target.with_name(f"{target.name}.before-{datetime.fromtimestamp(time.time(), ZONE):%Y%m%d-%H%M%S}")
        target.replace(kept)
    _remove(target)  # the log of the old one must not be taken for the new one's
    fresh.replace(target)
    return kept


async def _into(path: Path, key: Key, url: str, revision: str, force: bool) -> None:
    """Make the tables and fill them, in one transaction."""
    if not force and not await _is_empty(url):
        raise _not_empty(database_url(url).database or "")

    def fill(connection: Connection) -> None:
        from alembic import command

        _clear(connection)
        command.upgrade(alembic_config(connection), revision)
        with opened(path, key) as (_, lines):
            rows.load(connection, lines)

    engine = make_engine(url, foreign_keys=False)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(fill)
    finally:
        await engine.dispose()


async def _is_empty(url: str) -> bool:
    """Whether no table has a row, apart from the one that tells the revision."""

    def look(connection: Connection) -> bool:
        return all(
            connection.execute(select(func.count()).select_from(table)).scalar() == 0
            for table in rows.tables_of(connection)
        )

    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(look)
    finally:
        await engine.dispose()


def _clear(connection: Connection) -> None:
    """Remove this program's tables, and nothing else that may live in the same database."""
    there = set(inspect(connection).get_table_names())
    ours = [name for name in (*metadata.tables, rows.VERSION_TABLE) if name in there]
    if connection.dialect.name == "postgresql":
        functions = [
            found
            for name in ours
            for found in connection.execute(
                text(
                    "SELECT DISTINCT tgfoid::regprocedure::text FROM pg_trigger"
                    " WHERE tgrelid = CAST(:name AS regclass) AND NOT tgisinternal"
                ),
                {"name": name},
            ).scalars()
        ]
        for name in ours:
            connection.execute(text(f'DROP TABLE "{name}" CASCADE'))
        for function in dict.fromkeys(functions):
            connection.execute(text(f"DROP FUNCTION {function}"))
        return
    old = MetaData()
    old.reflect(connection, only=ours)
    old.drop_all(connection)


def _checkpoint(path: Path) -> None:
    """Bring what is still in the write-ahead log into the file itself."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _remove(path: Path) -> None:
    """A SQLite file with its log."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(name).unlink()


def _not_empty(name: str) -> OperatorError:
    return OperatorError(
        "database_not_empty",
        f"Cơ sở dữ liệu {name} đã có dữ liệu. Thêm --force nếu muốn thay bằng bản sao lưu (dữ liệu cũ được giữ lại "
        "với SQLite, bị xóa với PostgreSQL).",
        f"The database {name} holds data. Add --force to replace it by the backup (SQLite keeps the old file aside, "
        "PostgreSQL drops the old tables).",
    )
