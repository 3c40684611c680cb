"""Spreadsheets: export and import of the directory, the year's plans (S51, S52, S59)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Annotated, Literal

from pydantic import Field

from control_api.accounts.rules import Right
from control_api.api import Call, Download, Model, Routes
from control_api.directory import plans
from control_api.directory.equipment_models import PlanQuery, PortalQuery, YearQuery
from control_api.directory.exchange import Exchange, Line
from control_api.directory.fields import today
from control_api.directory.place_routes import own
from control_api.directory.workbook import MEDIA_TYPE, MOST_BYTES, bad_workbook

routes = Routes("directory")

MOST_LINES = 2000  # of a report; those with troubles come first
_BASE64 = MOST_BYTES * 4 // 3 + 4


class ImportBody(Model):
    file: Annotated[str, Field(min_length=4, max_length=_BASE64, pattern=r"^[A-Za-z0-9+/]*={0,2}$")] = Field(
        description="An XLSX file as base64, with the headings of the export."
    )
    apply: bool = Field(default=False, description="Left out: only the report. Else all rows or, with one wrong, none.")


class TroubleAnswer(Model):
    column: str
    vi: str
    en: str


class ImportLine(Model):
    sheet: str
    row: int = Field(description="Its number in the sheet.")
    action: Literal["create", "change", "same", "error"]
    id: str | None
    name: str
    columns: tuple[str, ...] = Field(description="Headings of what is new.")
    troubles: tuple[TroubleAnswer, ...]


class ImportAnswer(Model):
    applied: bool
    created: int
    changed: int
    same: int
    errors: int
    lines: tuple[ImportLine, ...] = Field(description="Rows with troubles first, unchanged ones last; at most 2,000.")


@routes.get("/directory/export", right=Right.READ, produces=(MEDIA_TYPE,))
async def export_directory(call: Call, query: PortalQuery) -> Download:
    """Organisations, sites and contacts as XLSX; the same file is taken by the import."""
    body = await Exchange(call.services.database, call.services.now).export(own(call.user, query.organisation))
    return Download(body, MEDIA_TYPE, f"danh-ba-{today(call.services.now()):%Y-%m-%d}.xlsx")


@routes.post("/directory/import", right=Right.DECIDE, most_bytes=_BASE64 + 4096)
async def import_directory(call: Call, body: ImportBody) -> ImportAnswer:
    """Check an XLSX file row by row and, with `apply`, import it wholly or not at all; the Sở's staff only."""
    try:
        raw = base64.b64decode(body.file, validate=True)
    except (binascii.Error, ValueError):
        raise bad_workbook() from None
    lines, applied = await Exchange(call.services.database, call.services.now).import_(raw, call.user, apply=body.apply)
    return report(lines, applied)


def report(lines: list[Line], applied: bool) -> ImportAnswer:
    count = {action: sum(line.action == action for line in lines) for action in ("create", "change", "same", "error")}
    shown = sorted(lines, key=lambda line: ("error", "create", "change", "same").index(line.action))[:MOST_LINES]
    return ImportAnswer(
        applied=applied,
        created=count["create"],
        changed=count["change"],
        same=count["same"],
        errors=count["error"],
        lines=tuple(
            ImportLine(
                sheet=line.sheet,
                row=line.row,
                action=line.action,
                id=line.id,
                name=line.name,
                columns=line.columns,
                troubles=tuple(TroubleAnswer(column=one.column, vi=one.vi, en=one.en) for one in line.troubles),
            )
            for line in shown
        ),
    )


@routes.get("/directory/maintenance/plan.xlsx", right=Right.READ, produces=(MEDIA_TYPE,))
async def export_maintenance_plan(call: Call, query: PlanQuery) -> Download:
    """The year's plan of maintenance and replacement as XLSX (S52, S54, S59)."""
    whose = own(call.user, query.organisation)
    owner = "Toàn tỉnh" if whose is None else (await call.services.directory.organisation(whose)).name
    lines = await call.services.registry.assets.plan(query.year, whose)
    day = today(call.services.now())
    body = await asyncio.to_thread(plans.maintenance_plan, query.year, owner, lines, day)
    return Download(body, MEDIA_TYPE, f"ke-hoach-bao-tri-{query.year}.xlsx")


@routes.get("/directory/training/plan.xlsx", right=Right.READ, produces=(MEDIA_TYPE,))
async def export_training_plan(call: Call, query: YearQuery) -> Download:
    """The year's training plan as XLSX: courses, who needs them, who is certified (S51)."""
    training, whose = call.services.registry.training, own(call.user, None)
    courses, _ = await training.courses(query.year)
    needs = [one for one in await training.needs(query.year) if whose in (None, one[0].id)]
    people = await training.roll(whose)
    day = today(call.services.now())
    body = await asyncio.to_thread(plans.training_plan, query.year, courses, needs, people, day)
    return Download(body, MEDIA_TYPE, f"ke-hoach-tap-huan-{query.year}.xlsx")
