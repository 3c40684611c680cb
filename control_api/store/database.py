"""The database: SQLite in one file by default, PostgreSQL by URL.

What `writing()` has committed survives `kill -9` and power loss: SQLite runs with a write-ahead log and
`synchronous=FULL`, which flushes the log to disk at every commit
(https://www.sqlite.org/pragma.html#pragma_synchronous).  Writers begin with
BEGIN IMMEDIATE, so that two of them never deadlock half way; within the process they queue on a lock of their own,
because SQLite's busy handler sleeps up to 100 ms at a time.  Owned by the control process's event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.util import await_only

from mcu_core.errors import OperatorError, PeerLost

BUSY_TIMEOUT_MS = 10_000
_POSTGRES_PORT = 5432
_HEALING_STATES = ("08", "53", "57P0")  # no connection; no room; shut down, crashed or cannot connect now
_WAL_AGAIN = 0.02  # seconds
_READ_ONLY = "mcu_read_only"
_OUT_OF_ORDER = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    )
)


def database_url(url: str) -> URL:
    """Check a URL and give it the asynchronous driver.  Raises OperatorError `bad_database_url`, no password in it."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    backend = parsed.drivername.split("+")[0] if parsed is not None else ""
    if parsed is None or backend not in drivers:
        raise OperatorError(
            "bad_database_url",
            "database_url không dùng được: phải có dạng sqlite+aiosqlite:///tệp hoặc postgresql+asyncpg://người@máy/tên.",
            "database_url cannot be used: write sqlite+aiosqlite:///file or postgresql+asyncpg://user@host/name.",
        )
    return parsed.set(drivername=drivers[backend])


def make_engine(url: str, *, foreign_keys: bool = True) -> AsyncEngine:
    """An engine that is set up as the module says.  `foreign_keys` is off only while migrations rebuild tables."""
    parsed = database_url(url)
    if parsed.get_backend_name() != "sqlite":
        try:
            return create_async_engine(parsed, pool_pre_ping=True, pool_size=5)
        except (NoSuchModuleError, ModuleNotFoundError):
            raise OperatorError(
                "no_database_driver",
                "Thiếu thư viện cho PostgreSQL. Hãy cài: pip install 'diemcau[postgres]'.",
                "The PostgreSQL driver is missing. Install it: pip install 'diemcau[postgres]'.",
            ) from None
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    engine = create_async_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_MS / 1e3})

    def connected(connection: Any, record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        cursor = connection.cursor()
        _begin_wal(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.close()

    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _begin_wal(cursor: Any) -> None:
    """Switch to the write-ahead log.  SQLite does not wait for another writer then (it would deadlock): we do.

    Raises sqlite3.OperationalError when the database stays locked for `BUSY_TIMEOUT_MS`.
    """
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1e3
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        await_only(asyncio.sleep(_WAL_AGAIN))


class Database:
    """Sessions of one engine.  `writing` commits at the end of its block, or rolls back when it raises."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writers = asyncio.Lock()
        self._write = async_sessionmaker(self.engine, expire_on_commit=False)
        self._read = async_sessionmaker(self.engine.execution_options(**{_READ_ONLY: True}), expire_on_commit=False)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        with _lost_connections():
            async with self._read() as session:
                await _begin(session)
                yield session

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        turn = self._writers if self.is_sqlite else contextlib.nullcontext()
        with _lost_connections():
            async with turn, self._write() as session, session.begin():
                await _begin(session)
                yield session

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """One moment of the whole database, for as long as the block lasts; nothing is locked."""
        with _lost_connections():
            options = {_READ_ONLY: True} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
            async with self.engine.execution_options(**options).connect() as connection, connection.begin():
                yield connection

    async def ping(self, deadline: float = 3.0) -> bool:
        """Whether the database answers."""
        try:
            async with asyncio.timeout(deadline), self.reading() as session:
                await session.execute(text("SELECT 1"))
        except (PeerLost, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        await self.engine.dispose()


async def _begin(session: AsyncSession) -> None:
    """Connect and begin now: whoever must wait for the lock or finds no server learns it before doing any work."""
    try:
        await session.connection()
    except Exception as error:  # the PostgreSQL driver raises what the socket said, or its own errors
        if not does_not_answer(error):
            raise
        raise _unavailable() from error


@contextlib.contextmanager
def _lost_connections() -> Iterator[None]:
    """A database that is away, locked or out of space is nobody's mistake; anything else it says is a bug and stays."""
    try:
        yield
    except DBAPIError as error:
        if not does_not_answer(error):
            raise
        raise _unavailable() from error


def does_not_answer(error: BaseException) -> bool:
    """Whether the database is away, starting, stopping, locked or out of room: it may heal without anybody's help."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or _out_of_order(error.orig):
            return True
        return error.orig is not None and does_not_answer(error.orig)
    return isinstance(error, OSError) or sql_state(error).startswith(_HEALING_STATES)


def sql_state(error: BaseException | None) -> str:
    """PostgreSQL's code of an error (https://www.postgresql.org/docs/current/errcodes-appendix.html), or nothing."""
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else ""


def address_of(url: str) -> str:
    """Where a database is, without user and password: `host:port`, or the SQLite file."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed.database or ":memory:"
    host = parsed.host or str(parsed.query.get("host", "localhost"))
    return f"{f'[{host}]' if ':' in host else host}:{parsed.port or _POSTGRES_PORT}"


def _unavailable() -> PeerLost:
    return PeerLost(
        "database_unavailable",
        "Cơ sở dữ liệu tạm thời không trả lời; lệnh chưa được thực hiện. Hãy thử lại.",
        "The database does not answer at the moment; the command was not carried out. Try again.",
    )


def _out_of_order(error: BaseException | None) -> bool:
    """Whether SQLite could not work: not for what was asked, but for where it runs."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in _OUT_OF_ORDER
