"""The nightly upkeep forgets what is older than the office keeps it, of every feature (S25, S89, S99, issue 4)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, insert, inspect, select

from control_api.background import TASKS  # imports every feature, as the server does
from control_api.checks.tables import CheckRow, StillRow
from control_api.conferences.store import SqlConferenceStore
from control_api.journal.journals import Journals
from control_api.live.store import JournalEntry
from control_api.meeting import tables as meeting
from control_api.security.tables import SecurityEvent
from control_api.store.base import Base
from control_api.store.database import Database
from control_api.upkeep.retention import MEETINGS, SECURITY, Kept, prune
from tests.unit.control_api.test_upkeep import DAY, NOON

KEPT = Kept(journal_months=12, security_months=3)
OLD, YOUNG = NOON - 400 * DAY, NOON - 300 * DAY
FORGOTTEN: dict[str, tuple[type[Any], str]] = {  # rule -> table and its moment
    "roll_calls": (meeting.RollCallRow, "started_at"),
    "floor": (meeting.FloorRequestRow, "raised_at"),
    "issues": (meeting.IssueRow, "at"),
    "remarks": (meeting.SiteRemarkRow, "at"),
    "cues": (meeting.CueRow, "at"),
    "invitations": (meeting.InvitationRow, "last_at"),
    "boards": (meeting.BoardRow, "at"),
    "line_events": (meeting.LineEventRow, "at"),
    "quality_sums": (meeting.QualitySumRow, "last_at"),
}
APART = {"quality", "roll_call_sites"}  # its own setting and clock (`Recorder.prune`); goes with its roll call


def row(table: type[Any], conference: str, moment: str, at: float) -> dict[str, Any]:
    """A row with something in every column."""
    values: dict[str, Any] = {}
    for column in inspect(table).columns:
        kind = column.type.python_type
        if column.nullable or (column.primary_key and column.autoincrement is True):
            continue
        values[column.key] = {str: f"{conference}", float: at, int: 1, bool: False, dict: {}}.get(kind, {})
        if kind is str:
            values[column.key] = conference[: column.type.length or 80]
    key = next(iter(inspect(table).primary_key))
    if key.type.python_type is int:
        values.pop(key.key, None)
    return values | {"conference_id": conference, moment: at}


async def count(database: Database, table: type[Any]) -> int:
    async with database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


def test_every_table_of_meetings_has_a_rule() -> None:
    assert "upkeep" in TASKS
    tables = {
        mapper.class_.__tablename__ for mapper in Base.registry.mappers if mapper.class_.__module__ == meeting.__name__
    }
    assert tables == {table.__tablename__ for table, _ in FORGOTTEN.values()} | APART
    assert {*FORGOTTEN, "check_stills"} <= MEETINGS.keys()
    assert "security_events" in SECURITY


async def test_s25_what_is_old_goes_and_what_is_young_stays(database: Database) -> None:
    store = SqlConferenceStore(database, lambda: NOON)
    await store.save("c-live", 0, 1, {}, None, None, [JournalEntry(OLD, "created")])
    async with database.writing() as session:
        for table, moment in FORGOTTEN.values():
            for conference, at in (("c-old", OLD), ("c-young", YOUNG), ("c-live", OLD)):
                await session.execute(insert(table).values(**row(table, conference, moment, at)))
        site = row(meeting.RollCallSiteRow, "c-old", "at", OLD) | {"roll_call_id": "c-old"}
        del site["conference_id"]
        await session.execute(insert(meeting.RollCallSiteRow).values(**site))
    deleted = await prune(database, KEPT, NOON)
    assert {name: deleted[name] for name in FORGOTTEN} == dict.fromkeys(FORGOTTEN, 1)
    for table, _ in FORGOTTEN.values():
        async with database.reading() as session:
            left = await session.scalars(select(table.conference_id).order_by(table.conference_id))
            assert left.all() == ["c-live", "c-young"], "a conference that is still there keeps everything"
    assert await count(database, meeting.RollCallSiteRow) == 0
    assert not any((await prune(database, KEPT, NOON)).values()), "a second night finds nothing"


async def test_s81_still_pictures_go_and_their_sheets_stay(database: Database) -> None:
    async with database.writing() as session:
        for name, at in (("k-old", OLD), ("k-young", YOUNG)):
            check = row(CheckRow, "c-1", "at", at) | {"id": name, "still": True}
            await session.execute(insert(CheckRow).values(**check))
            still = {"check_id": name, "jpeg": b"\xff\xd8", "width": 320, "height": 180}
            await session.execute(insert(StillRow).values(**still))
    assert (await prune(database, KEPT, NOON))["check_stills"] == 1
    async with database.reading() as session:
        assert (await session.scalars(select(StillRow.check_id))).all() == ["k-young"]
        sheets = await session.execute(select(CheckRow.id, CheckRow.still).order_by(CheckRow.id))
        assert [tuple(one) for one in sheets] == [("k-old", False), ("k-young", True)]


async def test_s89_s99_the_logs_keep_their_own_months_and_journals_verify(database: Database) -> None:
    """The security log goes by its own setting; a forgotten journal leaves its head, and the chain goes on from it."""
    store, journals = SqlConferenceStore(database, lambda: NOON), Journals(database)
    await store.append({"c-old": [JournalEntry(OLD + n, "note", "lan") for n in range(5)]})
    await store.append({"c-young": [JournalEntry(YOUNG + n, "note", "lan") for n in range(3)]})
    async with database.writing() as session:
        for at in (NOON - 100 * DAY, NOON - 80 * DAY):
            event = {"kind": "login_failed", "severity": 2, "times": 1, "data": {}, "remark": "", "at": at}
            await session.execute(insert(SecurityEvent).values(**event))
    deleted = await prune(database, KEPT, NOON)
    assert (deleted["journals"], deleted["security_events"]) == (1, 1)
    assert await count(database, SecurityEvent) == 1, "younger than three months"
    for conference, lines, pruned in (("c-old", 0, 5), ("c-young", 3, 0)):
        verdict = await journals.verify(conference)
        assert (verdict.whole, verdict.lines, verdict.pruned) == (True, lines, pruned)
    await store.append({"c-old": [JournalEntry(NOON, "note", "lan")]})
    verdict = await journals.verify("c-old")
    assert (verdict.whole, verdict.lines, verdict.seq) == (True, 1, 6)
