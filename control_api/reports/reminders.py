"""Reminders of the yearly report and its escalation, by the clock (S58, article 13.4).

Each agency that has not reported is told 30, 15, 7, 3 and 1 days before 30 November, and every week from that day on,
when the Sở gets the list of those that are missing too: in the office and by e-mail.  What was told is kept, so a
restart tells nothing twice.
"""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.directory.notices import notify
from control_api.reports.organisations import reporting
from control_api.reports.paper import day
from control_api.reports.tables import YearlyReminderRow, YearlyRow
from control_api.reports.years import URGENT_DAYS, deadline, reminder_due, year_of
from control_api.services import Services

_EVERY = 1800.0  # seconds between two looks
_TO_SO = ""
_PAGE = "/office#/yearly"
_NAMED = 10  # agencies in the text; the page lists all

log = structlog.get_logger("reports")


async def remind(services: Services) -> None:
    """Background task: runs until cancelled."""
    while True:
        sent = await remind_once(services, services.now())
        if sent:
            log.info("yearly reports: reminders sent", count=sent)
        await asyncio.sleep(_EVERY)


async def remind_once(services: Services, now: float) -> int:
    """Send what stands at `now` and was not sent yet; returns how many notices."""
    year = year_of(now)
    passed = year - 1  # its deadline is behind us: who is missing is told to the Sở
    async with services.database.writing() as session:
        sent = 0
        kind = reminder_due(year, now)
        if kind is not None:
            sent += await _to_agencies(session, year, kind, now)
        kind = reminder_due(passed, now)
        if kind is not None:
            sent += await _to_agencies(session, passed, kind, now)
            sent += await _to_so(session, passed, kind, now)
    return sent


async def _missing(session: AsyncSession, year: int) -> list[tuple[str, str]]:
    sent = set(
        await session.scalars(
            select(YearlyRow.organisation_id).where(YearlyRow.year == year, YearlyRow.state == "submitted")
        )
    )
    return [(one.id, one.name) for one in await reporting(session) if one.id not in sent]


async def _to_agencies(session: AsyncSession, year: int, kind: str, now: float) -> int:
    done = set(
        await session.scalars(
            select(YearlyReminderRow.organisation_id).where(
                YearlyReminderRow.year == year, YearlyReminderRow.kind == kind
            )
        )
    )
    sent = 0
    vi, en, subject = _sentences(year, now)
    for organisation, _ in await _missing(session, year):
        if organisation in done:
            continue
        await notify(
            session,
            "yearly_report_due",
            vi,
            en,
            now=now,
            to=organisation,
            organisation=organisation,
            data={"year": year},
            mail=subject,
            page=_PAGE,
        )
        session.add(YearlyReminderRow(year=year, organisation_id=organisation, kind=kind, at=now))
        sent += 1
    return sent


async def _to_so(session: AsyncSession, year: int, kind: str, now: float) -> int:
    if await session.get(YearlyReminderRow, (year, _TO_SO, kind)) is not None:
        return 0
    missing = [name for _, name in await _missing(session, year)]
    session.add(YearlyReminderRow(year=year, organisation_id=_TO_SO, kind=kind, at=now))
    if not missing:
        return 0
    names = ", ".join(missing[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
    await notify(
        session,
        "yearly_reports_missing",
        f"Đã quá hạn báo cáo năm {year}: còn {len(missing)} cơ quan chưa gửi ({names}). Đề nghị Sở đôn đốc.",
        f"The yearly reports of {year} are overdue: {len(missing)} agencies are missing ({names}). Please urge them.",
        now=now,
        data={"year": year, "count": len(missing)},
        mail=f"Danh sách cơ quan chưa gửi báo cáo năm {year}",
        page=_PAGE,
    )
    return 1


def _sentences(year: int, now: float) -> tuple[str, str, str]:
    """Vietnamese, English, and the subject of the letter: more urgent as the day comes near."""
    due, left = day(deadline(year)), int((deadline(year) - now) // 86_400) + 1
    what = f"Báo cáo năm {year} về hệ thống hội nghị truyền hình"
    to = "Sở Khoa học và Công nghệ"
    how = "Mở Văn phòng › Báo cáo năm để xem bản tự lập, bổ sung và gửi."
    how_en = "Open Office › Yearly report to read the draft, complete it and send it."
    if now >= deadline(year):
        weeks = int((now - deadline(year)) // (7 * 86_400))
        late = f", đã quá {weeks} tuần" if weeks else ""
        return (
            f"QUÁ HẠN: {what} phải gửi {to} trước ngày {due}{late}. Đề nghị cơ quan gửi ngay. {how}",
            f"Overdue: the yearly report of {year} was due before {due}. Please send it at once. {how_en}",
            f"[QUÁ HẠN] Báo cáo năm {year} chưa gửi Sở Khoa học và Công nghệ",
        )
    urgent = left <= URGENT_DAYS
    return (
        f"{'GẤP: ' if urgent else ''}{what} phải gửi {to} trước ngày {due} (còn {left} ngày). {how}",
        f"{'Urgent: t' if urgent else 'T'}he yearly report of {year} is due before {due} ({left} days left). {how_en}",
        f"[{'GẤP' if urgent else 'Nhắc'}] Báo cáo năm {year} gửi trước ngày {due}, còn {left} ngày",
    )
