"""Routes of upkeep: how backups, retention and the verification of journals stand; asking for one now."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from control_api.accounts.rules import Right
from control_api.api import Call, Routes
from control_api.journal.export import local_time
from control_api.upkeep.backup import backups
from control_api.upkeep.runs import Kind, Run

routes = Routes("upkeep")


class UpkeepRunBody(BaseModel):
    """One run.  `facts` holds its figures, or `vi` and `en` when it failed."""

    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    ok: bool
    facts: dict[str, Any]


class BackupFile(BaseModel):
    name: str = Field(examples=["diemcau-20261123-020000.backup"])
    size: int = Field(description="Bytes.")
    made_at: AwareDatetime


class Retention(BaseModel):
    """Months.  Set in the settings file, section `retention`."""

    journal_months: int
    security_months: int = Field(ge=3)


class UpkeepState(BaseModel):
    backup_enabled: bool
    backup_late: bool = Field(description="Last night's backup is missing.")
    next_at: AwareDatetime | None
    keep: int
    folder: str
    files: list[BackupFile]
    retention: Retention
    at_work: str | None
    last_backup: UpkeepRunBody | None
    last_good_backup: UpkeepRunBody | None
    last_verification: UpkeepRunBody | None
    last_pruning: UpkeepRunBody | None


class Asked(BaseModel):
    """It begins as soon as what is under way is done."""

    asked: str


@routes.get("/upkeep", right=Right.ADMINISTER)
async def read_upkeep(call: Call) -> UpkeepState:
    """How backups, retention and verification stand."""
    upkeep, settings = call.services.upkeep, call.services.settings
    next_at = upkeep.next_run()
    return UpkeepState(
        backup_enabled=settings.backup.enabled,
        backup_late=await upkeep.is_late(),
        next_at=None if next_at is None else local_time(next_at),
        keep=settings.backup.keep,
        folder=str(upkeep.folder),
        files=_files(upkeep.folder),
        retention=Retention(
            journal_months=settings.retention.journal_months, security_months=settings.retention.security_months
        ),
        at_work=upkeep.at_work,
        last_backup=await _last(call, "backup"),
        last_good_backup=await _last(call, "backup", good=True),
        last_verification=await _last(call, "verify"),
        last_pruning=await _last(call, "prune"),
    )


@routes.post("/upkeep/backups", right=Right.ADMINISTER, status=202)
async def ask_for_backup(call: Call) -> Asked:
    """Make a backup now."""
    call.services.upkeep.ask("backup")
    return Asked(asked="backup")


@routes.get("/journal/verification", right=Right.AUDIT)
async def read_verification(call: Call) -> UpkeepRunBody | None:
    """What the newest verification of all journals found; null when there was none yet.  It runs every night."""
    return await _last(call, "verify")


@routes.post("/journal/verification", right=Right.AUDIT, status=202)
async def ask_for_verification(call: Call) -> Asked:
    """Verify all journals now."""
    call.services.upkeep.ask("verify")
    return Asked(asked="verify")


def _files(folder: Path) -> list[BackupFile]:
    found = []
    for path in backups(folder):
        with contextlib.suppress(FileNotFoundError):  # just deleted
            about = path.stat()
            found.append(BackupFile(name=path.name, size=about.st_size, made_at=local_time(about.st_mtime)))
    return found


async def _last(call: Call, kind: Kind, *, good: bool = False) -> UpkeepRunBody | None:
    run = await call.services.upkeep.runs.last(kind, good=good)
    return None if run is None else _body(run)


def _body(run: Run) -> UpkeepRunBody:
    return UpkeepRunBody(
        started_at=local_time(run.started_at),
        ended_at=None if run.ended_at is None else local_time(run.ended_at),
        ok=bool(run.ok),
        facts=run.facts,
    )
