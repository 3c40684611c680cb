"""Reminders of the directory, by the clock: maintenance due (S28, S59), certificates that end (S26), a list of contacts
nobody has looked at (S57), sites without a periodic check (S53).

One notice a day for each agency, in the office and by e-mail, with everything that became due; what was told is written
down in the same transaction, so a restart tells nothing twice.  `maintenance_step` and `stale_on` are pure.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.rules import local
from control_api.checks.tables import CheckRow
from control_api.directory.notices import notify
from control_api.directory.tables import Asset, Contact, DirectoryReminder, Organisation, Site, Trainee
from control_api.directory.upkeep import months_later
from control_api.services import Services
from control_api.settings import Reminders
from mcu_core.errors import PeerLost

Kind = Literal["soon", "late", "certificate", "contacts", "check"]

_EVERY = 1800.0  # seconds between two looks
_NAMED = 8  # things in a text; the pages list all
_AGENCIES = ("department", "commune", "other")
_TITLES: dict[Kind, tuple[str, str]] = {
    "late": ("Thiết bị quá hạn bảo trì", "maintenance overdue"),
    "soon": ("Thiết bị sắp đến hạn bảo trì", "maintenance due soon"),
    "certificate": ("Chứng nhận người vận hành sắp hết hạn", "operators' certificates that end"),
    "check": ("Điểm cầu đến kỳ kiểm tra", "sites due for a periodic check"),
    "contacts": (
        "Danh sách đầu mối liên hệ lâu chưa cập nhật, đề nghị rà soát và sửa nếu có thay đổi",
        "contacts to be looked through and corrected",
    ),
}
log = structlog.get_logger("directory")


@dataclass(frozen=True, slots=True)
class Due:
    """Something an agency is reminded of; `on` tells one step from the next."""

    organisation: str
    subject: str
    kind: Kind
    on: date
    text: str


async def remind(services: Services) -> None:
    """Background task: runs until cancelled.  A database that is away is waited for."""
    while True:
        try:
            if told := await remind_once(services, services.now()):
                log.info("directory: reminders sent", count=told)
        except PeerLost as lost:
            log.warning("reminders wait for the database", code=lost.code)
        await asyncio.sleep(_EVERY)


async def remind_once(services: Services, now: float) -> int:
    """Tell what is due at `now` and was not told; returns how many notices.  From 7 to 18 o'clock only."""
    here = local(now)
    if not 7 <= here.hour < 18:
        return 0
    async with services.database.writing() as session:
        old = months_later(here.date(), -36).isoformat()
        await session.execute(delete(DirectoryReminder).where(DirectoryReminder.due_on < old))
        by_agency: defaultdict[str, list[Due]] = defaultdict(list)
        for one in await _due(session, services.settings.reminders, here.date()):
            if await session.get(DirectoryReminder, (one.subject, one.kind, one.on.isoformat())) is None:
                by_agency[one.organisation].append(one)
        for organisation, found in by_agency.items():
            await _tell(session, organisation, found, now)
        return len(by_agency)


def maintenance_step(due_on: date, today: date, days: int, every_days: int) -> tuple[Kind, date] | None:
    """Which reminder of a maintenance stands today: once, `days` before it is due; then every `every_days`."""
    if today >= due_on:
        return "late", due_on + timedelta(days=(today - due_on).days // every_days * every_days)
    return ("soon", due_on) if today >= due_on - timedelta(days=days) else None


def stale_on(since: date, months: int, today: date) -> date | None:
    """The last day on which `months` more had gone by since; None: none yet, or `months` is 0 (never)."""
    if months <= 0:
        return None
    times = ((today.year - since.year) * 12 + today.month - since.month) // months
    while times > 0 and months_later(since, times * months) > today:
        times -= 1
    return months_later(since, times * months) if times > 0 else None


async def _due(session: AsyncSession, rules: Reminders, today: date) -> list[Due]:
    active = select(Organisation).where(Organisation.active.is_(True), Organisation.kind.in_(_AGENCIES))
    agencies = {one.id: one for one in await session.scalars(active)}
    rooms = list(await session.scalars(select(Site).where(Site.active.is_(True)).order_by(Site.name)))
    found = [
        *await _of_assets(session, rules, today),
        *await _of_people(session, rules, today),
        *await _of_contacts(session, agencies.values(), rules, today),
        *await _of_checks(session, rooms, rules, today),
    ]
    return [one for one in found if one.organisation in agencies]


async def _of_assets(session: AsyncSession, rules: Reminders, today: date) -> Iterable[Due]:
    latest = (today + timedelta(days=rules.maintenance_days)).isoformat()
    asked = select(Asset).where(Asset.due_on <= latest, Asset.state != "retired").order_by(Asset.due_on, Asset.id)
    found = []
    for asset in await session.scalars(asked):
        on = date.fromisoformat(asset.due_on or latest)
        step = maintenance_step(on, today, rules.maintenance_days, rules.again_days)
        if step is not None:
            found.append(Due(asset.organisation_id, asset.id, *step, f"{asset.name} (hạn {on:%d/%m/%Y})"))
    return found


async def _of_people(session: AsyncSession, rules: Reminders, today: date) -> Iterable[Due]:
    latest = (today + timedelta(days=rules.certificate_days)).isoformat()
    asked = select(Trainee).where(Trainee.active.is_(True), Trainee.expires_on <= latest).order_by(Trainee.id)
    found = []
    for one in await session.scalars(asked):
        on = date.fromisoformat(one.expires_on or latest)
        found.append(Due(one.organisation_id, one.id, "certificate", on, f"{one.name} (đến {on:%d/%m/%Y})"))
    return found


async def _of_contacts(
    session: AsyncSession, agencies: Iterable[Organisation], rules: Reminders, today: date
) -> Iterable[Due]:
    newest = await session.execute(
        select(Contact.organisation_id, func.max(Contact.changed_at)).group_by(Contact.organisation_id)
    )
    changed = {organisation: float(at) for organisation, at in newest}
    found = []
    for one in agencies:
        at = max(one.changed_at, changed.get(one.id, 0.0))
        on = stale_on(local(at).date(), rules.directory_months, today)
        if on is not None:
            found.append(Due(one.id, one.id, "contacts", on, f"cập nhật lần cuối {local(at):%d/%m/%Y}"))
    return found


async def _of_checks(session: AsyncSession, rooms: Sequence[Site], rules: Reminders, today: date) -> Iterable[Due]:
    newest = await session.execute(select(CheckRow.site_id, func.max(CheckRow.at)).group_by(CheckRow.site_id))
    checked = {site: float(at) for site, at in newest}
    found = []
    for site in rooms:
        at = checked.get(site.id, site.created_at)
        on = stale_on(local(at).date(), rules.check_months, today)
        if on is not None:
            last = f"lần cuối {local(at):%d/%m/%Y}" if site.id in checked else "chưa kiểm tra lần nào"
            found.append(Due(site.organisation_id, site.id, "check", on, f"{site.name} ({last})"))
    return found


async def _tell(session: AsyncSession, organisation: str, found: Sequence[Due], now: float) -> None:
    parts, parts_en = [], []
    for kind, (vi, en) in _TITLES.items():
        those = [one for one in found if one.kind == kind]
        if those:
            names = ", ".join(one.text for one in those[:_NAMED]) + (" …" if len(those) > _NAMED else "")
            parts.append(f"{vi} ({len(those)}): {names}" if kind != "contacts" else f"{vi} ({names})")
            parts_en.append(f"{en} ({len(those)})")
    late = any(one.kind == "late" for one in found)
    await notify(
        session,
        "directory_due",
        f"Nhắc việc: {'; '.join(parts)}.",
        f"Reminder: {'; '.join(parts_en)}.",
        now=now,
        to=organisation,
        organisation=organisation,
        mail=f"[{'Quá hạn' if late else 'Nhắc'}] Việc đến hạn của điểm cầu: {len(found)} mục",
        page="/office#/portal",
    )
    for one in found:
        row = DirectoryReminder(subject_id=one.subject, kind=one.kind, due_on=one.on.isoformat(), at=now)
        session.add(row)
    await session.flush()
