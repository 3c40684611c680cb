"""The journal's chain of hashes (S99, S102): what was written is what is there, on both databases."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from control_api.journal.chain import GENESIS, Line, digest, linked, plain
from control_api.journal.journals import Journals, Wanted
from control_api.journal.rows import append, append_all
from control_api.journal.verify import Chain, Finding, Head
from control_api.live.store import JournalEntry
from control_api.store.database import Database, make_engine
from control_api.store.upgrade import alembic_config, upgrade
from tests.unit.control_api.world import fresh_database, open_database

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
async def one_database(tmp_path: Path, template: Path) -> AsyncIterator[Database]:
    async with open_database(await fresh_database(tmp_path, template)) as opened:
        yield opened


def lines_of(count: int) -> list[Line]:
    entries: list[Any] = [(float(n), "podium", "lan", f"xa-{n}", {"n": n}) for n in range(count)]
    return [replace(line, id=number) for number, line in enumerate(linked("c-1", 0, GENESIS, entries), 1)]


def verdict_of(lines: list[Line], head: Head) -> tuple[Finding, ...]:
    chain = Chain("c-1", head)
    chain.read(lines)
    return chain.verdict().findings


async def written(database: Database, count: int, conference: str = "c-1", at: float = 1_700_000_000.5) -> None:
    for number in range(count):
        async with database.writing() as session:
            entry = JournalEntry(at + number, "podium", "lan", "so-y-te", {"lần": number, "ms": 12.0, "mức": -31.25})
            await append(session, conference, [entry])


async def tamper(database: Database, *statements: str) -> None:
    """As somebody does who owns the database: without its triggers."""
    async with database.writing() as session:
        if database.is_sqlite:
            names = await session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            for name in names.all():
                await session.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("journal", "journal_heads"):
                await session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements:
            await session.execute(text(statement))


# --------------------------------------------------------------------------------------------------------- the form


def test_s99_the_form_of_a_hash_is_for_ever() -> None:
    """Exports of today are checked by programs of tomorrow: this value never changes."""
    own = digest("c-1", 1, GENESIS, 1700000000.25, "podium", "lan", "xa-van-mon", {"là": "Ồ", "ms": 12.0, "b": [True]})
    by_hand = (
        '{"actor":"lan","at":1700000000.25,"conference":"c-1","data":{"b":[true],"là":"Ồ","ms":12},'
        f'"previous":"{GENESIS}","seq":1,"site":"xa-van-mon","what":"podium"}}'
    )
    assert own == hashlib.sha256(by_hand.encode()).hexdigest()
    assert own == "8a238b348bb5c4dad85154d96b20b4a761ace24a1e44623f1d97acdf425bc0a8"


@given(JSON)
def test_what_is_hashed_survives_json_and_is_its_own_plain_form(value: Any) -> None:
    once = plain(value)
    assert plain(once) == once
    assert plain(json.loads(json.dumps(once))) == once
    json.dumps(once, ensure_ascii=False, allow_nan=False).encode()
    assert "\0" not in json.dumps(once, ensure_ascii=False)


@given(st.integers(1, 6), st.data())
def test_s99_any_single_change_is_found(count: int, data: st.DataObject) -> None:
    lines = lines_of(count)
    head = Head(count, lines[-1].hash)
    assert verdict_of(lines, head) == ()
    index = data.draw(st.integers(0, count - 1))
    changes: list[dict[str, Any]] = [
        {"at": 99.5},
        {"what": "muted"},
        {"actor": None},
        {"site": "khac"},
        {"data": {"n": -1}},
        {"previous": "f" * 64},
        {"hash": "f" * 64},
    ]
    change = data.draw(st.sampled_from(changes))
    lines[index] = replace(lines[index], **change)
    assert verdict_of(lines, head)


@given(st.integers(2, 6), st.data())
def test_s99_removing_moving_and_cutting_off_is_found(count: int, data: st.DataObject) -> None:
    lines = lines_of(count)
    head = Head(count, lines[-1].hash)
    index = data.draw(st.integers(0, count - 2))
    removed = lines[:index] + lines[index + 1 :]
    assert "removed" in {finding.kind for finding in verdict_of(removed, head)}
    one, other = lines[index], lines[index + 1]
    moved = [*lines[:index], replace(other, seq=one.seq), replace(one, seq=other.seq), *lines[index + 2 :]]
    assert {"changed", "moved"} <= {finding.kind for finding in verdict_of(moved, head)}
    (cut,) = verdict_of(lines[: index + 1], head)
    assert (cut.kind, cut.seq, cut.count) == ("truncated", index + 1, count - index - 1)


# ----------------------------------------------------------------------------------------------------- the database


async def test_s99_what_is_journalled_is_found_whole(database: Database) -> None:
    await written(database, 5)
    odd: dict[str, Any] = {"nan": float("nan"), "nul": "a\0b", "big": 10**300, "e": 1e300, "half": "\ud800", "z": -0.0}
    async with database.writing() as session:
        await append(
            session, "c-1", [JournalEntry(1.0, "odd", None, None, odd), JournalEntry(2.0, "odd" * 50, "x" * 200)]
        )
    journals = Journals(database)
    verdict = await journals.verify("c-1")
    assert (verdict.findings, verdict.lines, verdict.seq) == ((), 7, 7)
    lines = await journals.lines("c-1")
    assert [line.seq for line in lines] == list(range(1, 8))
    assert lines[0].previous == GENESIS
    assert [line.previous for line in lines[1:]] == [line.hash for line in lines[:-1]]
    head = await journals.head("c-1")
    assert head is not None
    assert (head.seq, head.hash, head.changed_at) == (7, lines[-1].hash, 2.0)


async def test_appending_at_once_makes_one_chain(database: Database) -> None:
    async def one(number: int) -> None:
        async with database.writing() as session:
            entry = JournalEntry(float(number), "tick", None, None, {"n": number})
            await append_all(session, {"c-2": [entry], "c-1": [entry, entry]})

    await asyncio.gather(*(one(number) for number in range(20)))
    journals = Journals(database)
    for conference, count in (("c-1", 40), ("c-2", 20)):
        verdict = await journals.verify(conference)
        assert (verdict.findings, verdict.lines) == ((), count)


async def test_what_is_rolled_back_leaves_no_gap(database: Database) -> None:
    await written(database, 1)

    async def fail() -> None:
        async with database.writing() as session:
            await append(session, "c-1", [JournalEntry(1.0, "lost")])
            await append(session, "c-9", [JournalEntry(1.0, "lost")])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await written(database, 1)
    assert (await Journals(database).verify("c-1")).whole
    assert await Journals(database).head("c-9") is None


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE journal SET actor = 'minh' WHERE seq = 3", "changed"),
        ("UPDATE journal SET at = at + 1 WHERE seq = 3", "changed"),
        ("""UPDATE journal SET data = '{"lần": 7}' WHERE seq = 3""", "changed"),
        ("DELETE FROM journal WHERE seq = 3", "removed"),
        ("DELETE FROM journal WHERE seq > 3", "truncated"),
        ("DELETE FROM journal WHERE seq = 1", "removed"),
        ("UPDATE journal_heads SET seq = 4", "beyond_head"),
        (f"UPDATE journal_heads SET hash = '{GENESIS}'", "head_changed"),
    ],
)
async def test_s99_tampering_is_found(database: Database, statement: str, kind: str) -> None:
    await written(database, 5)
    await tamper(database, statement)
    verdict = await Journals(database).verify("c-1")
    assert kind in {finding.kind for finding in verdict.findings}
    assert all(finding.vi and finding.en for finding in verdict.findings)


async def test_s99_lines_that_change_places_are_found(database: Database) -> None:
    await written(database, 5)
    await tamper(
        database,
        "UPDATE journal SET seq = 99 WHERE seq = 2",
        "UPDATE journal SET seq = 2 WHERE seq = 3",
        "UPDATE journal SET seq = 3 WHERE seq = 99",
    )
    assert "moved" in {finding.kind for finding in (await Journals(database).verify("c-1")).findings}


async def test_s99_unreadable_data_is_a_finding_and_no_crash(one_database: Database) -> None:
    await written(one_database, 3)
    await tamper(one_database, "UPDATE journal SET data = 'x{' WHERE seq = 2")
    (finding,) = (await Journals(one_database).verify("c-1")).findings
    assert (finding.kind, finding.seq) == ("changed", 2)


async def test_s99_a_journal_made_anew_does_not_fit_its_anchor(database: Database) -> None:
    await written(database, 4)
    journals = Journals(database)
    assert await journals.anchor("2026-11-23", 1.0) == 1
    assert await journals.anchor("2026-11-24", 2.0) == 0, "nothing was written since"
    assert (await journals.verify("c-1")).whole
    await tamper(database, "DELETE FROM journal", "DELETE FROM journal_heads")
    assert await journals.conference_ids() == ["c-1"]
    (finding,) = (await journals.verify("c-1")).findings
    assert (finding.kind, finding.count) == ("truncated", 4)
    new = linked("c-1", 0, GENESIS, [(float(n), "podium", "minh", None, {}) for n in range(4)])
    async with database.writing() as session:
        for line in new:
            await session.execute(
                text(
                    "INSERT INTO journal (conference_id, seq, at, what, actor, data, previous, hash)"
                    " VALUES (:c, :seq, :at, 'podium', 'minh', '{}', :previous, :hash)"
                ),
                {"c": "c-1", "seq": line.seq, "at": line.at, "previous": line.previous, "hash": line.hash},
            )
        await session.execute(
            text(
                "INSERT INTO journal_heads (conference_id, seq, hash, changed_at, pruned_seq, pruned_hash)"
                " VALUES ('c-1', 4, :hash, 4, 0, :genesis)"
            ),
            {"hash": new[-1].hash, "genesis": GENESIS},
        )
    (finding,) = (await journals.verify("c-1")).findings
    assert (finding.kind, finding.seq) == ("anchor_broken", 4)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET what = 'x'",
        "DELETE FROM journal",
        "DELETE FROM journal_heads",
        "UPDATE journal_heads SET seq = 1",
        "INSERT INTO journal (conference_id, seq, at, what, data, previous, hash)"
        f" VALUES ('c-1', 4, 1, 'x', '{{}}', '{GENESIS}', '{GENESIS}')",
        "INSERT INTO journal (conference_id, seq, at, what, data, previous, hash)"
        f" VALUES ('c-7', 1, 1, 'x', '{{}}', '{GENESIS}', '{GENESIS}')",
    ],
)
async def test_s99_the_database_itself_refuses(database: Database, statement: str) -> None:
    await written(database, 3)
    with pytest.raises(DBAPIError):
        async with database.writing() as session:
            await session.execute(text(statement))
    assert (await Journals(database).verify("c-1")).lines == 3


async def test_lines_written_before_the_chain_are_chained(either_url: str) -> None:
    await upgrade(either_url)
    engine = make_engine(either_url, foreign_keys=False)
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "0008"))
        for number in range(1200):
            await connection.execute(
                text("INSERT INTO journal (conference_id, at, what, data) VALUES (:c, :at, 'tick', :data)"),
                {"c": f"c-{number % 3}", "at": number + 0.5, "data": json.dumps({"số": number, "x": 2.0})},
            )
    await engine.dispose()
    await upgrade(either_url)
    database = Database(either_url)
    journals = Journals(database)
    assert [(v.whole, v.lines) for v in [await journals.verify(f"c-{n}") for n in range(3)]] == [(True, 400)] * 3
    await written(database, 1, "c-0")
    assert (await journals.verify("c-0")).lines == 401
    await database.close()


# ---------------------------------------------------------------------------------------------------------- reading


async def test_parts_of_a_journal_follow_each_other(one_database: Database) -> None:
    for number in range(10):
        async with one_database.writing() as session:
            site = "so-y-te" if number % 2 else "xa-van-mon"
            await append(session, "c-1", [JournalEntry(float(number), f"k{number % 3}", "lan", site)])
    journals = Journals(one_database)
    first = await journals.lines("c-1", order="newest", limit=4)
    second = await journals.lines("c-1", after=first[-1].seq, order="newest", limit=4)
    assert [line.seq for line in first + second] == [10, 9, 8, 7, 6, 5, 4, 3]
    found = await journals.lines("c-1", Wanted(what=("k0", "k1"), site="so-y-te", since=3.0, until=9.0))
    assert [line.at for line in found] == [3.0, 7.0]
    of_site = await journals.of_site("so-y-te", limit=3)
    assert [line.at for line in of_site] == [9.0, 7.0, 5.0]
    assert [line.at for line in await journals.of_site("so-y-te", before=of_site[-1].id)] == [3.0, 1.0]
