"""The database: migrations, transactions, and that nothing is lost between two control processes."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from control_api.conferences.store import ANSWER_LIFE, MONITOR_TOKEN_GRACE, RETIRED, SqlConferenceStore
from control_api.live.store import JournalEntry, StaleRevisionError, StoredSeat
from control_api.store import upgrade as upgrades
from control_api.store.database import Database, address_of, database_url, make_engine
from control_api.store.upgrade import MIGRATIONS, alembic_config, newest_revision, upgrade
from mcu_core.errors import OperatorError, PeerLost


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SqlConferenceStore:
    return SqlConferenceStore(database, clock)


async def make(store: SqlConferenceStore, conference: str = "c-1") -> None:
    entry = JournalEntry(1.5, "created", "lan", None, {"title": "Họp"})
    await store.save(conference, 0, 1, {"tên": "Họp giao ban", "n": 1}, "lan/k1#f1", {"id": conference}, [entry])


# ------------------------------------------------------------------------------------------------------ migrations


async def test_tables_and_migrations_agree(either_url: str) -> None:
    await upgrade(either_url)
    engine = make_engine(either_url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: command.check(alembic_config(sync)))
    finally:
        await engine.dispose()


def test_migrations_are_named_after_their_revision() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert script.get_heads() == [newest_revision()]
    for migration in script.walk_revisions():
        assert Path(migration.path).name.startswith(f"{migration.revision}_")


async def test_upgrading_again_or_twice_at_once_changes_nothing(either_url: str) -> None:
    await asyncio.gather(*(upgrade(either_url) for _ in range(3)))
    await upgrade(either_url)


async def test_a_fresh_file_that_somebody_writes_to_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses to switch to its write-ahead log at once while another process writes."""
    other = sqlite3.connect(tmp_path / "mcu.sqlite3", isolation_level=None)
    other.execute("CREATE TABLE first (x)")
    other.execute("BEGIN IMMEDIATE")
    upgrading = asyncio.create_task(upgrade(f"sqlite+aiosqlite:///{tmp_path}/mcu.sqlite3"))
    await asyncio.sleep(0.3)
    assert not upgrading.done()
    other.execute("COMMIT")
    await upgrading
    other.close()


async def test_downgrade_leaves_nothing(either_url: str) -> None:
    await upgrade(either_url)
    engine = make_engine(either_url, foreign_keys=False)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "base"))
        await upgrade(either_url)
    finally:
        await engine.dispose()


async def test_a_database_of_a_newer_program_is_refused(either_url: str) -> None:
    await upgrade(either_url)
    engine = make_engine(either_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    with pytest.raises(OperatorError, match="database_too_new"):
        await upgrade(either_url)


# ----------------------------------------------------------------------------------------------------- conferences


async def test_conference_survives_a_restart_of_the_store(either_url: str) -> None:
    await upgrade(either_url)
    seat = StoredSeat("s-1", "c-1", "so-y-te", "programme", "t-1", "0", microphone=True, camera=True)
    for life in range(2):
        database = Database(either_url)
        store = SqlConferenceStore(database, Clock())
        if life == 0:
            await make(store)
            await store.save("c-1", 1, 2, {"tên": "Họp giao ban", "n": 2}, None, None, [])
            await store.save_seats({seat.id: seat})
        else:
            (found,) = await store.load_all()
            assert (found.id, found.revision, found.document) == ("c-1", 2, {"tên": "Họp giao ban", "n": 2})
            assert found.seats == (seat,)
            assert await store.answer_of("c-1", "lan/k1#f1") == {"id": "c-1"}
        await database.close()


async def test_a_stale_revision_changes_nothing(store: SqlConferenceStore) -> None:
    await make(store)
    for expected, revision in ((0, 1), (7, 8)):
        with pytest.raises(StaleRevisionError):
            await store.save("c-1", expected, revision, {"n": 9}, "lan/k2#f", {}, [JournalEntry(2.0, "podium")])
    (found,) = await store.load_all()
    assert found.document["n"] == 1
    assert await store.answer_of("c-1", "lan/k2#f") is None
    assert [row.what for row in await store.journal("c-1")] == ["created"]


async def test_a_key_stands_for_one_request(store: SqlConferenceStore) -> None:
    await make(store)
    with pytest.raises(OperatorError, match="idempotency_key_reused"):
        await store.answer_of("c-1", "lan/k1#other")
    assert await store.answer_of("c-1", "minh/k1#f1") is None


async def test_deleting_takes_everything_but_the_journal(store: SqlConferenceStore) -> None:
    await make(store)
    token = await store.issue_token("c-1", "so-y-te", "programme", None)
    await store.save_seats({"s-1": StoredSeat("s-1", "c-1", "so-y-te", "programme", "t-1")})
    await store.delete("c-1", [JournalEntry(2.0, "deleted", "lan")])
    await store.delete("c-1", [])
    assert await store.load_all() == []
    assert await store.seat_for_token(token) is None
    assert [(row.what, row.actor, row.data) for row in await store.journal("c-1")] == [
        ("created", "lan", {"title": "Họp"}),
        ("deleted", "lan", {}),
    ]


@pytest.mark.parametrize("statement", ["UPDATE journal SET what = 'x'", "DELETE FROM journal"])
async def test_journal_is_append_only(store: SqlConferenceStore, database: Database, statement: str) -> None:
    await make(store)
    with pytest.raises(DBAPIError):
        async with database.writing() as session:
            await session.execute(text(statement))
    assert len(await store.journal("c-1")) == 1


# ------------------------------------------------------------------------------------------------ tokens and seats


async def test_tokens_are_kept_as_hashes_only(store: SqlConferenceStore, database: Database) -> None:
    await make(store)
    token = await store.issue_token("c-1", None, "wall", 5.0)
    found = await store.seat_for_token(token)
    assert found is not None
    assert (found.conference, found.site, found.view, found.expires_at) == ("c-1", None, "wall", 5.0)
    async with database.reading() as session:
        rows = (await session.execute(text("SELECT * FROM join_tokens"))).all()
    assert token not in str(rows)
    assert await store.seat_for_token("guess") is None


async def test_a_new_token_of_a_site_ends_the_old_one_and_no_other(store: SqlConferenceStore) -> None:
    await make(store)
    old, other = [await store.issue_token("c-1", site, "programme", None) for site in ("a", "b")]
    new = await store.issue_token("c-1", "a", "programme", None)
    monitors = [await store.issue_token("c-1", None, "wall", None) for _ in range(2)]
    assert await store.seat_for_token(old) is None
    for token in (other, new, *monitors):
        assert await store.seat_for_token(token) is not None
    await store.revoke_token("c-1", "a")
    assert await store.seat_for_token(new) is None


async def test_a_token_with_a_held_seat_serves_to_return_only(store: SqlConferenceStore) -> None:
    await make(store)
    old = await store.issue_token("c-1", "a", "programme", None)
    held = await store.seat_for_token(old)
    assert held is not None
    await store.save_seats({"s-1": StoredSeat("s-1", "c-1", "a", "programme", held.id)})
    new = await store.issue_token("c-1", "a", "programme", None)
    retired, fresh = await store.seat_for_token(old), await store.seat_for_token(new)
    assert retired is not None
    assert fresh is not None
    assert (retired.id, retired.expires_at, fresh.expires_at) == (held.id, RETIRED, None)
    await store.revoke_token("c-1", "a")
    assert await store.seat_for_token(new) is None
    await store.prune()
    assert await store.seat_for_token(old) is not None
    await store.save_seats({"s-1": None})
    await store.prune()
    assert await store.seat_for_token(old) is None


async def test_a_seat_is_replaced_by_its_id(store: SqlConferenceStore) -> None:
    await make(store)
    await store.save_seats({"s-1": StoredSeat("s-1", "c-1", "a", "programme", "t-1")})
    await store.save_seats({"s-1": StoredSeat("s-1", "c-1", "a", "programme", "t-2", "1", screen=True)})
    (found,) = await store.load_all()
    assert found.seats == (StoredSeat("s-1", "c-1", "a", "programme", "t-2", "1", screen=True),)
    await store.save_seats({"s-1": None})
    assert (await store.load_all())[0].seats == ()


async def test_what_is_too_old_is_forgotten(store: SqlConferenceStore, clock: Clock) -> None:
    await make(store)
    monitor = await store.issue_token("c-1", None, "wall", clock.now + 60)
    site = await store.issue_token("c-1", "a", "programme", clock.now + 60)
    clock.now += MONITOR_TOKEN_GRACE + 61
    await store.prune()
    assert await store.seat_for_token(monitor) is None
    assert await store.seat_for_token(site) is not None
    assert await store.answer_of("c-1", "lan/k1#f1") is not None
    clock.now += ANSWER_LIFE
    await store.prune()
    assert await store.answer_of("c-1", "lan/k1#f1") is None


# ---------------------------------------------------------------------------------------------------- the database


async def test_writers_take_turns(store: SqlConferenceStore) -> None:
    await make(store)
    await asyncio.gather(*(store.append({"c-1": [JournalEntry(float(i), "tick")]}) for i in range(40)))
    assert len(await store.journal("c-1")) == 41


async def test_sqlite_is_set_up_to_survive_power_loss(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/a.sqlite3")
    async with database.reading() as session:
        found = [(await session.execute(text(f"PRAGMA {name}"))).scalar() for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
        assert (await session.execute(text("PRAGMA foreign_keys"))).scalar() == 1
    await database.close()


async def test_a_locked_database_is_nobodys_mistake_but_a_wrong_statement_is_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control_api.store.database.BUSY_TIMEOUT_MS", 50)
    url = f"sqlite+aiosqlite:///{tmp_path}/a.sqlite3"
    holder, other = Database(url), Database(url)
    async with holder.writing() as session:
        await session.execute(text("CREATE TABLE held (n INTEGER)"))
        with pytest.raises(PeerLost, match="database_unavailable"):
            async with other.writing():
                raise AssertionError("two writers at once")
    with pytest.raises(DBAPIError):
        async with other.reading() as session:
            await session.execute(text("SELECT * FROM nothing"))
    assert await other.ping()
    await holder.close()
    await other.close()


async def test_a_server_that_is_away_is_nobodys_mistake(tmp_path: Path) -> None:
    database = Database(f"postgresql://mcu@/mcu?host={tmp_path}")
    with pytest.raises(PeerLost, match="database_unavailable"):
        async with database.writing() as session:
            await session.execute(text("SELECT 1"))
    assert not await database.ping()
    await database.close()


@pytest.mark.parametrize("url", ["", "mysql://host/db", "nonsense", "postgresql+psycopg//geheim@x"])
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(OperatorError, match="bad_database_url") as caught:
        database_url(url)
    assert "geheim" not in caught.value.en


async def test_a_database_that_is_away_is_named_without_its_password(unused_tcp_port: int) -> None:
    with pytest.raises(PeerLost, match="database_unavailable") as away:
        await upgrade(f"postgresql+asyncpg://mcu:geheim@127.0.0.1:{unused_tcp_port}/mcu")
    assert f"127.0.0.1:{unused_tcp_port}" in away.value.vi
    assert f"127.0.0.1:{unused_tcp_port} does not answer" in away.value.en
    assert "geheim" not in away.value.vi + away.value.en


async def test_a_database_that_comes_late_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/late.sqlite3"
    (tmp_path / "late.sqlite3").mkdir()
    monkeypatch.setattr(upgrades, "_RETRY", 0.05)
    waiting = asyncio.create_task(upgrade(url, patience=30))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    (tmp_path / "late.sqlite3").rmdir()
    await waiting
    database = Database(url)
    assert await database.ping()
    await database.close()


async def test_a_wrong_password_or_name_is_not_waited_for(postgres_url: str) -> None:
    with pytest.raises(OperatorError, match="database_refused"):
        await upgrade(str(make_url(postgres_url).set(database="nobody_made_it").render_as_string(False)), patience=30)


def test_addresses_of_databases() -> None:
    assert address_of("postgresql://mcu:x@db.vn/mcu") == "db.vn:5432"
    assert address_of("postgresql://mcu:x@[::1]:5433/mcu") == "[::1]:5433"
    assert address_of("sqlite:////srv/mcu.sqlite3") == "/srv/mcu.sqlite3"
