"""Writing entries of the directory, inside the caller's transaction: each change is kept with who, when, before, after.

Two people who change the same entry do not overwrite each other: a change names the revision it was made from, and is
refused with what has happened since (`changed_meanwhile`, 409).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.directory.tables import (
    Asset,
    ChangeRequest,
    ChangeRow,
    Contact,
    Course,
    Difficulty,
    Fault,
    Organisation,
    Site,
    Trainee,
)
from control_api.problems import Refused
from mcu_core.errors import OperatorError

Entry = Organisation | Site | Contact | Asset | Fault | Course | Trainee | ChangeRequest | Difficulty
E = TypeVar("E", Organisation, Site, Contact, Asset, Fault, Course, Trainee, ChangeRequest, Difficulty)

SUBJECTS: dict[type[Any], str] = {
    Organisation: "organisation",
    Site: "site",
    Contact: "contact",
    Asset: "asset",
    Fault: "fault",
    Course: "course",
    Trainee: "trainee",
    ChangeRequest: "change_request",
    Difficulty: "difficulty",
}
_WORDS = {  # what `unknown_…` and other sentences call it
    "organisation": ("cơ quan", "organisation"),
    "site": ("điểm cầu", "site"),
    "contact": ("đầu mối liên hệ", "contact"),
    "asset": ("thiết bị", "asset"),
    "fault": ("phiếu báo sự cố", "fault"),
    "course": ("lớp tập huấn", "course"),
    "trainee": ("người vận hành", "trained operator"),
    "change_request": ("đề nghị thay đổi", "change request"),
    "difficulty": ("phản ánh", "difficulty"),
}
_SILENT = frozenset({"revision", "created_at", "changed_at", "changed_by", "folded"})  # not in histories
_MOST_SINCE = 20  # changes told to who was too late


def new_id(prefix: str, command: str | None) -> str:
    """An id; of a repeated command the same one (`command` is Call.command_id)."""
    tail = secrets.token_hex(6) if command is None else hashlib.sha256(command.encode()).hexdigest()[:12]
    return f"{prefix}-{tail}"


async def get(session: AsyncSession, kind: type[E], entry_id: str) -> E:
    """Raises OperatorError `unknown_…`."""
    found = await session.get(kind, entry_id)
    if found is None:
        raise unknown(SUBJECTS[kind], entry_id)
    return found


async def add(session: AsyncSession, entry: Entry, by: str, now: float) -> None:
    entry.revision = 1
    entry.created_at = entry.changed_at = now
    entry.changed_by = by
    session.add(entry)
    await session.flush()
    await _note(session, entry, by, now, "created", {}, values_of(entry))


async def change(
    session: AsyncSession, entry: Entry, values: Mapping[str, Any], by: str, now: float, revision: int | None = None
) -> bool:
    """Set columns; whether anything was different.  `revision` is what the change was made from; None: whatever it is.

    Raises Refused `changed_meanwhile`.
    """
    if revision is not None and revision != entry.revision:
        raise await _too_late(session, entry, revision)
    before = {name: getattr(entry, name) for name in values}
    different = {name: value for name, value in values.items() if before[name] != value}
    if not different:
        return False
    kind = type(entry)
    meant = entry.revision
    with session.no_autoflush:
        changed = await session.execute(
            update(kind)
            .where(kind.id == entry.id, kind.revision == meant)
            .values(**different, revision=meant + 1, changed_at=now, changed_by=by)
            .execution_options(synchronize_session=False)
        )
    if isinstance(changed, CursorResult) and changed.rowcount == 0:
        await session.refresh(entry)
        raise await _too_late(session, entry, meant)
    await session.refresh(entry)
    told = {name: value for name, value in different.items() if name not in _SILENT}
    if told:
        await _note(session, entry, by, now, "changed", {name: before[name] for name in told}, told)
    return True


async def remove(session: AsyncSession, entry: Entry, by: str, now: float) -> None:
    entry.revision += 1
    await _note(session, entry, by, now, "removed", values_of(entry), {})
    await session.delete(entry)
    await session.flush()


def values_of(entry: Entry) -> dict[str, Any]:
    """What a history tells of an entry: its columns, without the bookkeeping."""
    names = [column.key for column in entry.__table__.columns]
    return {name: getattr(entry, name) for name in names if name not in _SILENT}


async def history(session: AsyncSession, subject: str, subject_id: str, offset: int, limit: int) -> list[ChangeRow]:
    """Changes of one entry, the newest first."""
    wanted = select(ChangeRow).where(ChangeRow.subject == subject, ChangeRow.subject_id == subject_id)
    rows = await session.scalars(wanted.order_by(ChangeRow.id.desc()).offset(offset).limit(limit))
    return list(rows)


async def _note(
    session: AsyncSession, entry: Entry, by: str, now: float, what: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    organisation = entry.id if isinstance(entry, Organisation) else getattr(entry, "organisation_id", None)
    session.add(
        ChangeRow(
            at=now,
            actor=by,
            subject=SUBJECTS[type(entry)],
            subject_id=entry.id,
            organisation_id=organisation,
            what=what,
            revision=entry.revision,
            before=before,
            after=after,
        )
    )
    await session.flush()


async def _too_late(session: AsyncSession, entry: Entry, revision: int) -> Refused:
    subject = SUBJECTS[type(entry)]
    newer = select(ChangeRow).where(
        ChangeRow.subject == subject, ChangeRow.subject_id == entry.id, ChangeRow.revision > revision
    )
    rows = await session.scalars(newer.order_by(ChangeRow.id).limit(_MOST_SINCE))
    since = [
        {"at": row.at, "actor": row.actor, "revision": row.revision, "before": row.before, "after": row.after}
        for row in rows
    ]
    vi, en = _WORDS[subject]
    return Refused(
        "changed_meanwhile",
        f"Thông tin {vi} này vừa được {entry.changed_by} sửa sau khi bạn mở. Hãy tải lại, xem thay đổi rồi sửa tiếp.",
        f"This {en} was changed by {entry.changed_by} after you opened it. Reload it, see the changes, then go on.",
        detail={"revision": entry.revision, "since": since},
    )


def unknown(subject: str, entry_id: str) -> OperatorError:
    vi, en = _WORDS[subject]
    return OperatorError(
        f"unknown_{subject}",
        f"Không có {vi} {entry_id} trong danh bạ. Hãy kiểm tra lại hoặc tải lại danh sách.",
        f"There is no {en} {entry_id} in the directory. Check it or reload the list.",
    )
