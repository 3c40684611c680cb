"""Writing entries of the directory, inside the caller's transaction: each change is kept with who, when, before, after.

Two people who change the same entry do not overwrite each other: a change names the revision it was made from, and is
refused with what has happened since (`changed_meanwhile`, 409).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select, update
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
    tail = secrets.token_hex(6) if command is None else _digest(command)[:12]
    return f"{prefix}-{tail}"


async def get(session: AsyncSession, kind: type[E], entry_id: str) -> E:
    """Raises OperatorError `unknown_…`."""
    found = await session.get(kind, entry_id)
    if found is None:
        raise unknown(SUBJECTS[kind], entry_id)
    return found


async def done(session: AsyncSession, command: str | None) -> str | None:
    """Id of what this command made or changed before; None: it has not been carried out yet."""
    if command is None:
        return None
    found: str | None = await session.scalar(select(ChangeRow.subject_id).where(ChangeRow.command == _digest(command)))
    return found


async def add(session: AsyncSession, entry: Entry, by: str, now: float, command: str | None = None) -> None:
    await add_many(session, [entry], by, now, command)


async def add_many(
    session: AsyncSession, entries: Sequence[Entry], by: str, now: float, command: str | None = None
) -> None:
    """Add entries, each with its line of history; `command` is kept with the first one's."""
    for entry in entries:
        entry.revision = 1
        entry.created_at = entry.changed_at = now
        entry.changed_by = by
    session.add_all(entries)
    await session.flush()
    for number, entry in enumerate(entries):
        _note(session, entry, by, now, "created", {}, values_of(entry), command if number == 0 else None)
    await session.flush()


async def change(
    session: AsyncSession,
    entry: Entry,
    values: Mapping[str, Any],
    by: str,
    now: float,
    revision: int | None = None,
    command: str | None = None,
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
        _note(session, entry, by, now, "changed", {name: before[name] for name in told}, told, command)
        await session.flush()
    return True


async def remove(
    session: AsyncSession, entry: Entry, by: str, now: float, revision: int | None = None, command: str | None = None
) -> None:
    """Raises Refused `changed_meanwhile`."""
    if revision is not None and revision != entry.revision:
        raise await _too_late(session, entry, revision)
    entry.revision += 1
    _note(session, entry, by, now, "removed", values_of(entry), {}, command)
    await session.delete(entry)
    await session.flush()


def values_of(entry: Entry) -> dict[str, Any]:
    """What a history tells of an entry: its columns, without the bookkeeping."""
    names = [column.key for column in entry.__table__.columns]
    return {name: getattr(entry, name) for name in names if name not in _SILENT}


async def history(
    session: AsyncSession,
    offset: int,
    limit: int,
    *,
    subject: str | None = None,
    subject_id: str | None = None,
    organisation: str | None = None,
) -> list[ChangeRow]:
    """Changes of one entry, of an organisation's entries, or all, the newest first."""
    wanted = select(ChangeRow).where(*_of(subject, subject_id, organisation))
    return list(await session.scalars(wanted.order_by(ChangeRow.id.desc()).offset(offset).limit(limit)))


async def history_length(
    session: AsyncSession, *, subject: str | None = None, subject_id: str | None = None, organisation: str | None = None
) -> int:
    counted = select(func.count()).select_from(ChangeRow).where(*_of(subject, subject_id, organisation))
    return int(await session.scalar(counted) or 0)


def _of(subject: str | None, subject_id: str | None, organisation: str | None) -> list[ColumnElement[bool]]:
    columns = (
        (ChangeRow.subject, subject),
        (ChangeRow.subject_id, subject_id),
        (ChangeRow.organisation_id, organisation),
    )
    return [column == value for column, value in columns if value is not None]


def _note(
    session: AsyncSession,
    entry: Entry,
    by: str,
    now: float,
    what: str,
    before: dict[str, Any],
    after: dict[str, Any],
    command: str | None,
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
            command=None if command is None else _digest(command),
            revision=entry.revision,
            before=before,
            after=after,
        )
    )


def _digest(command: str) -> str:
    return hashlib.sha256(command.encode()).hexdigest()


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
