"""Room templates and the room plans of meetings, in the database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from control_api.journal.rows import append
from control_api.live.store import JournalEntry, Json
from control_api.preparation.rooms import SHIPPED, RoomModel
from control_api.preparation.tables import RoomPlanRow, RoomTemplateRow
from control_api.problems import Refused
from control_api.store.database import Database

MOST_TEMPLATES = 200


@dataclass(frozen=True, slots=True)
class Template:
    name: str
    title_vi: str
    title_en: str
    model: RoomModel
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    conference_id: str
    revision: int
    template: str | None
    model: RoomModel
    changed_at: float
    changed_by: str
    applied_revision: int | None
    applied_at: float | None
    applied_by: str | None

    @property
    def applied(self) -> bool:
        """Whether the live conference was arranged by this very plan."""
        return self.applied_revision == self.revision


class PlanStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    # ------------------------------------------------------------------------------------------------ templates

    async def templates(self) -> list[Template]:
        """Those that come with the program first, then the Sở's by name."""
        shipped = [Template(name, vi, en, model, True) for name, (vi, en, model) in SHIPPED.items()]
        async with self._database.reading() as session:
            rows = await session.scalars(select(RoomTemplateRow).order_by(RoomTemplateRow.name))
            return shipped + [_template(row) for row in rows]

    async def template(self, name: str) -> Template:
        """Raises Refused `unknown_template`."""
        if name in SHIPPED:
            vi, en, model = SHIPPED[name]
            return Template(name, vi, en, model, True)
        async with self._database.reading() as session:
            row = await session.get(RoomTemplateRow, name)
        if row is None:
            raise _unknown(name)
        return _template(row)

    async def save_template(self, template: Template, by: str, now: float) -> None:
        """Raises Refused `template_shipped`, `too_many_templates`."""
        _check_own(template.name)
        values = {
            "title_vi": template.title_vi,
            "title_en": template.title_en,
            "model": template.model.model_dump(mode="json"),
            "changed_at": now,
            "changed_by": by,
        }
        async with self._database.writing() as session:
            count = await session.scalar(select(func.count()).select_from(RoomTemplateRow)) or 0
            if count >= MOST_TEMPLATES and await session.get(RoomTemplateRow, template.name) is None:
                raise Refused(
                    "too_many_templates",
                    f"Đã có đủ {MOST_TEMPLATES} mẫu phòng họp. Hãy xóa bớt.",
                    f"There are {MOST_TEMPLATES} room templates already. Remove some.",
                )
            new = self._insert(RoomTemplateRow).values(name=template.name, **values)
            await session.execute(new.on_conflict_do_update(index_elements=[RoomTemplateRow.name], set_=values))

    async def remove_template(self, name: str) -> None:
        """Raises Refused `unknown_template`, `template_shipped`.  Plans made from it stay."""
        _check_own(name)
        async with self._database.writing() as session:
            gone = delete(RoomTemplateRow).where(RoomTemplateRow.name == name).returning(RoomTemplateRow.name)
            if await session.scalar(gone) is None:
                raise _unknown(name)

    # ---------------------------------------------------------------------------------------------------- plans

    async def find(self, conference_id: str) -> Plan | None:
        async with self._database.reading() as session:
            row = await session.get(RoomPlanRow, conference_id)
            return None if row is None else _plan(row)

    async def replace(
        self,
        conference_id: str,
        revision: int,
        template: str | None,
        model: RoomModel,
        *,
        by: str,
        now: float,
        command_id: str | None,
        reason: str = "",
    ) -> Plan:
        """Put a plan in the place of the one of `revision` (0: there is none).

        A repetition with the same `command_id` finds its work done.  Raises Refused `plan_changed`.
        """
        command = None if command_id is None else hashlib.sha256(command_id.encode()).hexdigest()
        values = {
            "revision": revision + 1,
            "template": template,
            "model": model.model_dump(mode="json"),
            "changed_at": now,
            "changed_by": by,
            "command": command,
        }
        async with self._database.writing() as session:
            if revision == 0:
                new = self._insert(RoomPlanRow).values(conference_id=conference_id, **values)
                done = await session.scalar(new.on_conflict_do_nothing().returning(RoomPlanRow.revision))
            else:
                same = RoomPlanRow.conference_id == conference_id, RoomPlanRow.revision == revision
                newer = update(RoomPlanRow).where(*same).values(**values)
                done = await session.scalar(newer.returning(RoomPlanRow.revision))
            row = await session.scalar(select(RoomPlanRow).where(RoomPlanRow.conference_id == conference_id))
            if done is None:
                if row is None or command is None or row.command != command:
                    raise _changed(0 if row is None else row.revision, None if row is None else row.changed_by)
                return _plan(row)
            assert row is not None
            data: Json = {"revision": row.revision, "template": template}
            if reason:
                data["reason"] = reason
            await append(session, conference_id, [JournalEntry(now, "room_plan_saved", by, None, data)])
            return _plan(row)

    async def applied(self, plan: Plan, by: str, now: float) -> Plan:
        """Note that the live conference was arranged by the plan."""
        async with self._database.writing() as session:
            await session.execute(
                update(RoomPlanRow)
                .where(RoomPlanRow.conference_id == plan.conference_id)
                .values(applied_revision=plan.revision, applied_at=now, applied_by=by)
            )
            data: Json = {"revision": plan.revision, "template": plan.template}
            await append(session, plan.conference_id, [JournalEntry(now, "room_plan_applied", by, None, data)])
            return _plan(await session.get_one(RoomPlanRow, plan.conference_id, populate_existing=True))

    def _insert(self, table: type[RoomTemplateRow | RoomPlanRow]) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._database.is_sqlite else postgresql.insert(table)


def _check_own(name: str) -> None:
    if name in SHIPPED:
        raise Refused(
            "template_shipped",
            f"Mẫu “{name}” đi kèm phần mềm nên không sửa, xóa được. Hãy lưu thành mẫu mới với tên khác.",
            f"The template “{name}” comes with the program and cannot be changed. Save one under another name.",
        )


def _unknown(name: str) -> Refused:
    return Refused(
        "unknown_template",
        f"Không có mẫu phòng họp “{name}”.",
        f"There is no room template “{name}”.",
    )


def _changed(revision: int, by: str | None) -> Refused:
    return Refused(
        "plan_changed",
        f"Phương án phòng họp đã được {by or 'người khác'} sửa. Hãy tải lại rồi sửa tiếp.",
        f"The room plan was changed by {by or 'somebody else'} meanwhile. Load it again, then change it.",
        detail={"revision": revision},
    )


def _template(row: RoomTemplateRow) -> Template:
    return Template(row.name, row.title_vi, row.title_en, RoomModel.model_validate(row.model))


def _plan(row: RoomPlanRow) -> Plan:
    return Plan(
        row.conference_id,
        row.revision,
        row.template,
        RoomModel.model_validate(row.model),
        row.changed_at,
        row.changed_by,
        row.applied_revision,
        row.applied_at,
        row.applied_by,
    )
