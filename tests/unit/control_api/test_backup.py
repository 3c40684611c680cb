"""Encrypted backups, and that they can be restored (S02, issue 4)."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from control_api.conferences.store import SqlConferenceStore
from control_api.journal.journals import Journals
from control_api.live.store import JournalEntry
from control_api.store.database import Database
from control_api.store.upgrade import upgrade
from control_api.upkeep import vault
from control_api.upkeep.backup import backups, make_backup, opened, verify_backup
from control_api.upkeep.keys import Key, make_key, read_key
from control_api.upkeep.restore import restore
from control_api.upkeep.vault import Header, Opening, Sealing
from mcu_core.errors import OperatorError
from tests.unit.control_api.world import fresh_database

KEY = Key(secret=bytes(range(32)))
HEADER = Header(1.5, "0.1.0", "0009", "sqlite")
NOON = 1_795_400_000.0


def sealed(data: bytes, key: Key = KEY) -> bytes:
    out = io.BytesIO()
    sealing = Sealing(out, key, HEADER)
    for start in range(0, len(data), 1000):
        sealing.write(data[start : start + 1000])
    sealing.finish()
    return out.getvalue()


def unsealed(file: bytes, key: Key = KEY) -> bytes:
    return io.BufferedReader(Opening(io.BytesIO(file), key, "x.backup")).read()


# --------------------------------------------------------------------------------------------------------- the file


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 299, 300])
def test_what_was_sealed_comes_back(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "CHUNK", 100)
    data = os.urandom(size)
    file = sealed(data)
    assert unsealed(file) == data
    assert size < 9 or data not in file


@pytest.mark.parametrize("size", [0, 100, 250])
def test_a_file_cut_anywhere_is_refused(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "CHUNK", 100)
    file = sealed(os.urandom(size))
    for length in range(len(file)):
        with pytest.raises(OperatorError, match=r"damaged_backup|not_a_backup"):
            unsealed(file[:length])
    with pytest.raises(OperatorError, match="damaged_backup"):
        unsealed(file + b"x")


@given(st.data())
def test_no_changed_bit_is_taken_for_the_truth(data: st.DataObject) -> None:
    file = bytearray(sealed(b"Ban chi huy" * 9))
    file[data.draw(st.integers(0, len(file) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(OperatorError):
        unsealed(bytes(file))


def test_chunks_do_not_change_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "CHUNK", 100)
    file = sealed(os.urandom(300))
    body = len(file) - 3 * 116
    one, two, last = (file[body + n * 116 : body + (n + 1) * 116] for n in range(3))
    for mixed in (two + one + last, one + last, one + one + last):
        with pytest.raises(OperatorError, match="damaged_backup"):
            unsealed(file[:body] + mixed)


def test_another_key_is_told_apart_from_a_damaged_file() -> None:
    for made, given_key in (
        (KEY, Key(secret=bytes(32))),
        (KEY, Key(passphrase="cụm mật khẩu")),
        (Key(passphrase="cụm mật khẩu"), KEY),
        (Key(passphrase="cụm mật khẩu"), Key(passphrase="cụm khác")),
    ):
        with pytest.raises(OperatorError, match="wrong_backup_key"):
            unsealed(sealed(b"x", made), given_key)
    assert unsealed(sealed(b"x", Key(passphrase="cụm mật khẩu")), Key(passphrase="cụm mật khẩu")) == b"x"


def test_a_key_file_is_private_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "backup.key"
    assert make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    first = read_key(path)
    assert not make_key(path)
    assert read_key(path) == first
    assert first.secret is not None
    assert first.secret.hex() not in repr(first)
    (tmp_path / "other").write_text("not a key")
    with pytest.raises(OperatorError, match="bad_backup_key"):
        read_key(tmp_path / "other")
    with pytest.raises(OperatorError, match="no_backup_key"):
        read_key(tmp_path / "none")


# ----------------------------------------------------------------------------------------------------- the database


@pytest.fixture
async def source(either_url: str) -> str:
    await upgrade(either_url)
    database = Database(either_url)
    store = SqlConferenceStore(database, lambda: NOON)
    for number in range(3):
        entries = [JournalEntry(NOON + n, "note", "lan", "so-y-te", {"text": f"Dòng {n}: Ồ!"}) for n in range(400)]
        await store.save(f"c-{number}", 0, 1, {"tên": "Họp giao ban", "n": 1.5, "x": None}, None, None, entries)
    await store.issue_token("c-1", "so-y-te", "programme", None)
    await Journals(database).anchor("2026-11-23", NOON)
    await database.close()
    return either_url


async def contents(url: str) -> dict[str, list[str]]:
    database = Database(url)
    found = {}
    async with database.reading() as session:
        for table in ("conferences", "journal", "journal_heads", "journal_anchors", "join_tokens"):
            rows = await session.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2"))
            found[table] = [str(dict(row)) for row in rows.mappings()]
    await database.close()
    return found


async def test_s02_a_backup_restores_into_an_empty_database_of_either_kind(
    source: str, tmp_path: Path, postgres_url: str
) -> None:
    made = await make_backup(source, tmp_path / "backups", KEY, keep=3, now=lambda: NOON)
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert "Họp giao ban".encode() not in made.path.read_bytes()
    before = await contents(source)
    other = f"sqlite+aiosqlite:///{tmp_path}/other/mcu.sqlite3" if "postgres" in source else postgres_url
    if other == postgres_url:
        await wipe(postgres_url)
    restored = await restore(made.path, KEY, other)
    assert (restored.made_at, restored.journals, restored.findings) == (NOON, 3, ())
    assert restored.rows == made.rows >= 1200
    after = await contents(other)
    if "postgres" not in source:  # JSON reads back as text from one, as objects from the other
        assert {name: len(rows) for name, rows in after.items()} == {name: len(rows) for name, rows in before.items()}
    database = Database(other)
    await SqlConferenceStore(database, lambda: NOON).append({"c-1": [JournalEntry(NOON, "note")]})
    verdict = await Journals(database).verify("c-1")
    assert (verdict.whole, verdict.lines) == (True, 401)
    (first, *_) = await SqlConferenceStore(database, lambda: NOON).load_all()
    assert first.document == {"tên": "Họp giao ban", "n": 1.5, "x": None}
    await database.close()


async def wipe(url: str) -> None:
    database = Database(url)
    async with database.writing() as session:
        await session.execute(text("DROP SCHEMA public CASCADE"))
        await session.execute(text("CREATE SCHEMA public"))
    await database.close()


async def test_s02_restore_replaces_only_when_told_so(source: str, tmp_path: Path) -> None:
    made = await make_backup(source, tmp_path / "backups", KEY, keep=3)
    before = await contents(source)
    database = Database(source)
    await SqlConferenceStore(database, lambda: NOON).append({"c-1": [JournalEntry(NOON, "later")]})
    await database.close()
    with pytest.raises(OperatorError, match="database_not_empty"):
        await restore(made.path, KEY, source)
    assert await contents(source) != before
    restored = await restore(made.path, KEY, source, force=True)
    assert await contents(source) == before
    if "sqlite" in source:
        assert restored.kept is not None
        kept = await contents(f"sqlite+aiosqlite:///{restored.kept}")
        assert len(kept["journal"]) == len(before["journal"]) + 1
    for statement in ("DELETE FROM journal", "UPDATE journal SET what = 'x'"):  # the triggers are back
        database = Database(source)
        with pytest.raises(Exception, match="append-only"):
            async with database.writing() as session:
                await session.execute(text(statement))
        await database.close()


async def test_s02_a_wrong_key_or_a_torn_file_touches_nothing(tmp_path: Path, template: Path) -> None:
    url = await fresh_database(tmp_path, template)
    made = await make_backup(url, tmp_path / "backups", KEY, keep=3)
    torn = tmp_path / "torn.backup"
    torn.write_bytes(made.path.read_bytes()[:-20])
    target = tmp_path / "new" / "mcu.sqlite3"
    for path, key, code in (
        (made.path, Key(secret=bytes(32)), "wrong_backup_key"),
        (torn, KEY, "damaged_backup"),
        (template, KEY, "not_a_backup"),
        (tmp_path / "none", KEY, "unknown_backup"),
    ):
        with pytest.raises(OperatorError, match=code) as refused:
            await restore(path, key, f"sqlite+aiosqlite:///{target}", force=True)
        assert refused.value.vi
        assert not target.exists()


async def test_a_backup_of_a_newer_program_is_refused(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await fresh_database(tmp_path, template)
    made = await make_backup(url, tmp_path / "backups", KEY, keep=3)
    monkeypatch.setattr("control_api.upkeep.restore.newest_revision", lambda: "0001")
    with pytest.raises(OperatorError, match="backup_too_new"):
        await restore(made.path, KEY, f"sqlite+aiosqlite:///{tmp_path}/new.sqlite3")


async def test_a_damaged_journal_is_restored_as_it_was_and_told_of(tmp_path: Path, template: Path) -> None:
    url = await fresh_database(tmp_path, template)
    database = Database(url)
    await SqlConferenceStore(database, lambda: NOON).append({"c-1": [JournalEntry(NOON, "a"), JournalEntry(NOON, "b")]})
    async with database.writing() as session:
        await session.execute(text("DROP TRIGGER journal_no_update"))
        await session.execute(text("UPDATE journal SET what = 'x' WHERE seq = 1"))
    await database.close()
    made = await make_backup(url, tmp_path / "backups", KEY, keep=3)
    restored = await restore(made.path, KEY, f"sqlite+aiosqlite:///{tmp_path}/new.sqlite3")
    (finding,) = restored.findings
    assert (finding.kind, finding.seq) == ("changed", 1)


async def test_the_newest_backups_are_kept_and_leftovers_removed(tmp_path: Path, template: Path) -> None:
    url, folder = await fresh_database(tmp_path, template), tmp_path / "backups"
    folder.mkdir()
    (folder / "diemcau-20200101-000000.backup.part").write_bytes(b"killed")
    for day in range(4):
        await make_backup(url, folder, KEY, keep=2, now=lambda day=day: NOON + day * 86400)  # type: ignore[misc]
    kept = backups(folder)
    assert len(kept) == 2
    assert sorted(folder.iterdir(), reverse=True) == kept
    with opened(kept[0], KEY) as (header, _):
        assert header.made_at == NOON + 3 * 86400
    assert verify_backup(kept[1], KEY) >= 0


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, template: Path) -> None:
    url = await fresh_database(tmp_path, template)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OperatorError, match="backup_failed"):
        await make_backup(url, tmp_path / "file" / "backups", KEY, keep=2)
