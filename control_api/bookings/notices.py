"""Notices as they are listed, sent again, printed and confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.models import NoticeAnswer, ReadAnswer
from control_api.bookings.outbox import Receipts
from control_api.bookings.rules import RuleSet, local
from control_api.bookings.tables import BookingNotice, BookingRead, BookingRow, BookingSite
from control_api.bookings.texts import facts
from control_api.problems import Refused
from control_api.settings import Settings

_MOST_READS = 50  # of one notice: whoever has the link may confirm
_PAGE = Template((resources.files("control_api.bookings") / "notice.html").read_text("utf-8"))


async def list_notices(
    session: AsyncSession, receipts: Receipts, booking_id: str, offset: int, limit: int
) -> tuple[list[NoticeAnswer], int]:
    """Newest first, and how many there are."""
    of_booking = BookingNotice.booking_id == booking_id
    count = await session.scalar(select(func.count()).select_from(BookingNotice).where(of_booking))
    page = select(BookingNotice).where(of_booking).order_by(BookingNotice.created_at.desc(), BookingNotice.id)
    rows = list(await session.scalars(page.offset(offset).limit(limit)))
    reads: dict[str, list[ReadAnswer]] = {row.id: [] for row in rows}
    found = select(BookingRead).where(BookingRead.notice_id.in_(list(reads))).order_by(BookingRead.at)
    for read in await session.scalars(found):
        reads[read.notice_id].append(ReadAnswer(name=read.name, at=local(read.at), address=read.address))
    return [_answer(row, reads[row.id], receipts) for row in rows], int(count or 0)


async def try_again(session: AsyncSession, settings: Settings, booking_id: str, notice_id: str, now: float) -> None:
    """Raises Refused `unknown_notice`, `mail_is_off`, `notice_under_way`."""
    row = await session.get(BookingNotice, notice_id, with_for_update=True)
    if row is None or row.booking_id != booking_id:
        raise Refused("unknown_notice", "Không có thông báo này.", "There is no such notice.")
    if not settings.mail.host or not row.recipient:
        raise Refused(
            "mail_is_off",
            "Không gửi được thư: chưa đặt máy chủ thư (mail.host) hoặc điểm cầu chưa có địa chỉ thư. Hãy in thông báo.",
            "No mail can be sent: mail.host is not set, or the site has no address. Print the notice.",
        )
    if row.state not in ("failed", "unsure", "printed"):
        raise Refused(
            "notice_under_way",
            "Thông báo đang chờ gửi hoặc đã gửi rồi.",
            "The notice is waiting to be sent, or was sent.",
        )
    row.state, row.attempts, row.next_at, row.error = "queued", 0, now, ""


async def confirm(session: AsyncSession, notice_id: str, name: str, address: str, now: float) -> None:
    """Somebody has read it (S70).  Twice by one name counts once, and only so many names."""
    if await session.get(BookingRead, (notice_id, name)) is not None:
        return
    count = select(func.count()).select_from(BookingRead).where(BookingRead.notice_id == notice_id)
    if int(await session.scalar(count) or 0) < _MOST_READS:
        session.add(BookingRead(notice_id=notice_id, name=name, at=now, address=address[:64]))


def printed(row: BookingRow, host: str, sites: Sequence[BookingSite], rules: RuleSet, now: float) -> str:
    """The notice in the form of an administrative document; the number, the seal and the signature are put by hand."""
    main = next((site for site in sites if site.role == "main"), None)
    today = local(now)
    rows = "\n".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{escape(value)}</td></tr>'
        for label, value in facts(row, host, main, rules)
    )
    members = "\n".join(
        f"<tr><td>{number}</td><td>{escape(site.name)}</td><td>{escape(site.place)}</td>"
        f"<td>{escape(site.attendees)}</td></tr>"
        for number, site in enumerate((site for site in sites if site.role == "member"), 1)
    )
    return _PAGE.substitute(
        host=escape(host.upper()),
        date=f"ngày {today:%d} tháng {today:%m} năm {today:%Y}",
        title=escape(row.title),
        urgent="KHẨN" if row.urgent else "",
        cancelled="CUỘC HỌP ĐÃ HỦY" if row.state == "cancelled" else "",
        facts=rows,
        members=members or '<tr><td colspan="4">Không có điểm cầu thành phần.</td></tr>',
        agenda=escape(str(row.form.get("agenda") or "Không có.")),
    )


def _answer(row: BookingNotice, reads: Sequence[ReadAnswer], receipts: Receipts) -> NoticeAnswer:
    return NoticeAnswer(
        id=row.id,
        site=row.site_id,
        kind=row.kind,
        sequence=row.sequence,
        recipient=row.recipient,
        name=row.name,
        subject=row.subject,
        state=row.state,
        attempts=row.attempts,
        error=row.error,
        created_at=local(row.created_at),
        sent_at=None if row.sent_at is None else local(row.sent_at),
        receipt=receipts.link(row.id),
        reads=tuple(reads),
    )
