"""Nightly upkeep, retention, and how it is asked for (S02, issue 4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_api.accounts.rules import Role
from control_api.conferences.store import SqlConferenceStore
from control_api.journal.chain import GENESIS
from control_api.journal.journals import Journals
from control_api.live.store import JournalEntry
from control_api.metrics import Metrics
from control_api.settings import Settings, read_settings
from control_api.store.database import Database
from control_api.upkeep import retention
from control_api.upkeep.process import Task
from control_api.upkeep.retention import Kept, prune
from control_api.upkeep.rules import LATE, ZONE, first_run, is_late, months_before, next_run
from control_api.upkeep.upkeep import Facts, Upkeep, in_a_process
from mcu_core.errors import OperatorError
from tests.unit.control_api.world import World, fresh_database

NOON = datetime(2026, 11, 23, 12, tzinfo=ZONE).timestamp()
DAY = 86400.0
KEPT = Kept(journal_months=12, security_months=3)


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


# ------------------------------------------------------------------------------------------------------------ rules


@given(st.floats(1e9, 3e9), st.integers(0, 23))
def test_the_night_comes_once_a_day(now: float, hour: int) -> None:
    at = next_run(now, hour)
    assert 0 < at - now <= DAY
    assert datetime.fromtimestamp(at, ZONE).hour == hour


@given(st.floats(1e9, 3e9), st.integers(1, 120))
def test_months_are_those_of_the_calendar(now: float, months: int) -> None:
    local, before = datetime.fromtimestamp(now, ZONE), datetime.fromtimestamp(months_before(now, months), ZONE)
    assert (local.year - before.year) * 12 + local.month - before.month == months
    assert before.day <= local.day
    assert before.hour == local.hour


def test_a_missed_night_is_made_up_for() -> None:
    assert first_run(NOON - 3600, NOON, 2) == next_run(NOON, 2)
    assert first_run(NOON - 2 * DAY, NOON, 2) < NOON + 600
    assert first_run(None, NOON, 2) == NOON + 3600, "a machine that is off at night has a backup, too"
    assert not is_late(None, NOON, NOON + 60)
    assert is_late(None, NOON, NOON + LATE + 1)
    assert is_late(NOON - LATE - 1, NOON, NOON)


@pytest.mark.parametrize("values", [{"security_months": 2}, {"security_months": 0}, {"journal_months": 0}])
def test_s02_less_than_three_months_of_the_security_log_is_refused(values: dict[str, int]) -> None:
    with pytest.raises(OperatorError, match="bad_settings") as refused:
        read_settings({"retention": values}, Path("mcu.toml"))
    (name,) = values
    assert f"retention.{name}" in refused.value.vi
    assert f"MCU_RETENTION_{name.upper()}" in refused.value.en


def test_retention_is_twelve_months_unless_told_otherwise() -> None:
    assert Settings().retention.journal_months == Settings().retention.security_months == 12


# -------------------------------------------------------------------------------------------------------- retention


async def test_s99_old_journals_leave_their_head_and_verify(database: Database) -> None:
    store = SqlConferenceStore(database, lambda: NOON)
    old, new = NOON - 400 * DAY, NOON - 300 * DAY
    await store.append({"c-old": [JournalEntry(old + n, "note", "lan") for n in range(5)]})
    await store.append({"c-new": [JournalEntry(old, "note"), JournalEntry(new, "note")]})
    await store.save("c-open", 0, 1, {}, None, None, [JournalEntry(old, "created")])
    journals = Journals(database)
    await journals.anchor("2025-10-20", old)
    before = await journals.head("c-old")
    assert before is not None
    assert (await prune(database, KEPT, NOON))["journals"] == 1
    assert (await prune(database, KEPT, NOON))["journals"] == 0
    assert await journals.lines("c-old") == []
    head = await journals.head("c-old")
    assert head is not None
    assert (head.seq, head.hash, head.pruned_seq, head.pruned_hash, head.pruned_at) == (
        5,
        before.hash,
        5,
        before.hash,
        NOON,
    )
    for conference, lines, pruned in (("c-old", 0, 5), ("c-new", 2, 0), ("c-open", 1, 0)):
        verdict = await journals.verify(conference)
        assert (verdict.findings, verdict.lines, verdict.pruned) == ((), lines, pruned)
    await store.append({"c-old": [JournalEntry(NOON, "note", "lan")]})
    verdict = await journals.verify("c-old")
    assert (verdict.findings, verdict.lines, verdict.seq) == ((), 1, 6)
    (line,) = await journals.lines("c-old")
    assert line.previous == before.hash != GENESIS


async def test_features_name_what_is_pruned_with_the_security_log(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    async def rule(session: object, before: float) -> int:
        asked["before"] = before
        return 7

    monkeypatch.setitem(retention.SECURITY, "events", rule)
    assert (await prune(database, KEPT, NOON))["events"] == 7
    assert datetime.fromtimestamp(asked["before"], ZONE).isoformat() == "2026-08-23T12:00:00+07:00"


# ----------------------------------------------------------------------------------------------------------- upkeep


@pytest.fixture
async def quick(tmp_path: Path, template: Path) -> AsyncIterator[Database]:
    opened = Database(await fresh_database(tmp_path, template))
    yield opened
    await opened.close()


async def test_a_night_backs_up_verifies_and_prunes(quick: Database, tmp_path: Path) -> None:
    clock, done = Clock(), []

    async def work(task: Task) -> Facts:
        done.append(task.do)
        return {"ok": task.do == "backup", "vi": "Nhật ký c-1: …", "findings": []}

    metrics = Metrics()
    upkeep = Upkeep(Settings(data_dir=tmp_path), quick, Journals(quick), metrics, clock, work)
    await SqlConferenceStore(quick, clock).append({"c-1": [JournalEntry(NOON, "note")]})
    await upkeep.night()
    assert done == ["backup", "verify"]
    last = await upkeep.runs.last("verify")
    assert last is not None
    assert (last.ok, last.facts["vi"]) == (False, "Nhật ký c-1: …")
    assert await upkeep.runs.last("verify", good=True) is None
    assert b'mcu_upkeep_ok{kind="verify"} 0.0' in (await metrics.text())
    assert b'mcu_upkeep_ok{kind="backup"} 1.0' in (await metrics.text())
    assert not await upkeep.is_late()
    clock.now += LATE + 1
    assert await upkeep.is_late()


async def test_what_is_asked_for_is_done_once(quick: Database, tmp_path: Path) -> None:
    done: list[str] = []
    enough = asyncio.Event()

    async def work(task: Task) -> Facts:
        done.append(task.do)
        enough.set()
        return {"ok": True}

    upkeep = Upkeep(Settings(data_dir=tmp_path), quick, Journals(quick), Metrics(), Clock(), work)
    upkeep.ask("backup")
    upkeep.ask("backup")
    running = asyncio.create_task(upkeep.run())
    await asyncio.wait_for(enough.wait(), 5)
    running.cancel()
    await asyncio.wait([running])
    assert done == ["backup"]


async def test_s02_the_work_is_done_in_a_process_of_its_own(tmp_path: Path, template: Path) -> None:
    url = await fresh_database(tmp_path, template)
    key = tmp_path / "backup.key"
    made = await in_a_process(
        Task(do="backup", database=url, folder=tmp_path / "b", key_file=key, passphrase=None, keep=2)
    )
    assert made["ok"], made
    assert (tmp_path / "b" / made["file"]).stat().st_size == made["size"]
    assert key.stat().st_mode & 0o777 == 0o600, "made when there was none"
    key.write_text("broken")
    refused = await in_a_process(Task(do="backup", database=url, folder=tmp_path / "b", key_file=key, keep=2))
    assert (refused["ok"], refused["code"]) == (False, "bad_backup_key")


async def test_administrators_see_how_upkeep_stands(world: World) -> None:
    administrator = await world.sign_in(Role.ADMINISTRATOR)
    state = await (await administrator.get("/api/v1/upkeep")).json()
    assert state["retention"] == {"journal_months": 12, "security_months": 12}
    assert (state["files"], state["last_backup"], state["backup_late"]) == ([], None, False)
    assert (await administrator.post("/api/v1/upkeep/backups")).status == 202
    upkeep = world.services.upkeep
    made = await upkeep.carry_out("backup")
    state = await (await administrator.get("/api/v1/upkeep")).json()
    assert state["last_good_backup"]["facts"]["rows"] == made["rows"]
    (file,) = state["files"]
    assert file["name"] == made["file"]
    await upkeep.carry_out("verify")
    verification = await (await administrator.get("/api/v1/journal/verification")).json()
    assert verification["ok"] is True
    assert json.dumps(verification["facts"])
