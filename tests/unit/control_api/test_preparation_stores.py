"""What preparation and scripts keep, on SQLite and PostgreSQL: nothing twice, nothing of two writers lost."""

from __future__ import annotations

import asyncio

import pytest

from control_api.preparation.duty import Shift
from control_api.preparation.plans import PlanStore, Template
from control_api.preparation.rooms import SHIPPED
from control_api.preparation.store import LineCheck, People, PreparationStore
from control_api.problems import Refused
from control_api.scripts.models import Scene
from control_api.scripts.store import ScriptStore
from control_api.store.database import Database

MEETING = "c-1"
MODEL = SHIPPED["giao-ban"][2]


async def test_two_who_save_a_script_at_once_do_not_overwrite_each_other(database: Database) -> None:
    store = ScriptStore(database)

    async def save(revision: int, title: str) -> str:
        try:
            scenes = (Scene(title=title, note="a\nb"),)
            script = await store.replace(MEETING, revision, scenes, {}, by="lan", now=1.0, command_id=None)
        except Refused as refused:
            return refused.code
        return script.scenes[0].title

    for revision in range(2):
        outcomes = await asyncio.gather(*(save(revision, f"Cảnh {number}") for number in range(4)))
        assert sorted(outcomes)[1:] == ["script_changed"] * 3
        kept = await store.find(MEETING)
        assert (kept.revision, kept.scenes[0].title) == (revision + 1, sorted(outcomes)[0])


async def test_room_plans_and_templates_are_kept(database: Database) -> None:
    store = PlanStore(database)
    for _ in range(2):
        await store.save_template(Template("cua-so", "A", "A", MODEL), "lan", 1.0)
        plan = await store.replace(MEETING, 0, "cua-so", MODEL, by="lan", now=1.0, command_id="lan/1#f")
    assert [one.name for one in await store.templates()][-1] == "cua-so"
    assert (plan.revision, plan.applied, plan.model) == (1, False, MODEL)
    assert (await store.applied(plan, "lan", 2.0)).applied
    with pytest.raises(Refused, match="changed"):
        await store.replace(MEETING, 0, None, MODEL, by="minh", now=3.0, command_id="minh/1#f")
    await store.remove_template("cua-so")
    assert (await store.find(MEETING)) is not None


async def test_duty_marks_people_and_lines_are_kept_once(database: Database) -> None:
    store = PreparationStore(database)
    shift = Shift("d-1", "carrier", None, None, "Trực", "", "02043555992", 1.0, 2.0, "", "lan", 1.0)
    people = People("Chủ tịch", "", "Cán bộ", "Công chức", "0912345678", 12)
    line = LineCheck("xa", "Viễn thông", "Trực", "0912345678", "", True, 0.1, 4.0, None, None, "", 1.0)
    for _ in range(2):
        await store.assign(MEETING, shift)
        await store.mark(MEETING, "xa", "room", "done", "", None, "lan", 1.0)
        await store.save_people(MEETING, "xa", people, "lan", 1.0)
        await store.add_line_check(MEETING, "l-1", line, "lan", 1.0)
        await store.close_out(MEETING, "", "lan", 5.0)
    await store.mark(MEETING, "xa", "room", "failed", "Đèn hỏng", None, "minh", 2.0)
    kept = await store.kept(MEETING)
    assert list(kept.shifts) == [shift]
    assert kept.states("xa") == {"room": "failed"}
    assert (kept.people["xa"].attendees, kept.lines["xa"].loss_percent, kept.closed_out_at) == (12, 0.1, 5.0)
    assert (await store.line_checks(MEETING, 0, 10))[1] == 1
    await store.dismiss(MEETING, "d-1", "lan", 3.0)
    with pytest.raises(Refused, match="no shift"):
        await store.dismiss(MEETING, "d-1", "lan", 3.0)


async def test_what_is_due_is_told_once_by_however_many_clocks(database: Database) -> None:
    store = PreparationStore(database)
    told = await asyncio.gather(*(store.tell(MEETING, "check_late", 10.0, 11.0, {}) for _ in range(4)))
    assert sorted(told) == [False, False, False, True]
    assert await store.tell(MEETING, "check_late", 20.0, 21.0, {})
    assert await store.told(MEETING) == {("check_late", 10.0), ("check_late", 20.0)}
    await store.forget([MEETING])
    assert await store.told(MEETING) == set()
