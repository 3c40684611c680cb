"""Sends what is in the outbox.  No notice is sent twice: one whose fate is not known is marked, and a person decides.

A notice is marked `sending` and committed before the mail server hears of it.  What fails before the server took the
text is tried again later and later; when the connection breaks after that, or we died meanwhile, it is `unsure`.
"""

from __future__ import annotations

import asyncio
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import structlog
from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from sqlalchemy import select, update

from control_api.bookings.outbox import LINK_TAKEN_OUT
from control_api.bookings.rules import local
from control_api.bookings.tables import BookingNotice
from control_api.settings import Mail
from control_api.store.database import Database

WAITS = (60.0, 300.0, 900.0, 3600.0, 3 * 3600.0, 6 * 3600.0)  # seconds before each new attempt; then it has failed
_AT_ONCE = 20
log = structlog.get_logger("mail")


class Sender:
    """Owned by the background task; `settings` of the mail server."""

    def __init__(self, database: Database, settings: Mail) -> None:
        self._database = database
        self._settings = settings

    async def begin(self) -> int:
        """Once at start: what was being sent when we died may have been sent.  Returns how many."""
        async with self._database.writing() as session:
            left = update(BookingNotice).where(BookingNotice.state == "sending")
            found = await session.scalars(left.values(state="unsure").returning(BookingNotice.id))
            return len(found.all())

    async def send_due(self, now: float) -> int:
        """Send what is due; returns how many were accepted."""
        if not self._settings.host:
            return 0
        sent = 0
        for notice_id in await self._due(now):
            sent += await self._send(notice_id, now)
        return sent

    async def _due(self, now: float) -> list[str]:
        async with self._database.reading() as session:
            due = select(BookingNotice.id).where(BookingNotice.state == "queued", BookingNotice.next_at <= now)
            return list(await session.scalars(due.order_by(BookingNotice.next_at).limit(_AT_ONCE)))

    async def _send(self, notice_id: str, now: float) -> bool:
        async with self._database.writing() as session:
            mine = update(BookingNotice).where(BookingNotice.id == notice_id, BookingNotice.state == "queued")
            marked = mine.values(state="sending", attempts=BookingNotice.attempts + 1).returning(BookingNotice.id)
            if await session.scalar(marked) is None:
                return False  # somebody else has it
            notice = await session.get(BookingNotice, notice_id)
            assert notice is not None
        try:
            error, again, unsure = await self._deliver(notice)
        except asyncio.CancelledError:
            await asyncio.shield(self._settle(notice, "unsure", "", now))
            raise
        if error is None:
            await self._settle(notice, "sent", "", now)
            return True
        log.warning("notice not sent", notice=notice_id, error=error, again=again)
        more = again and notice.attempts <= len(WAITS)
        state = "unsure" if unsure else "queued" if more else "failed"
        await self._settle(notice, state, error, now, WAITS[min(notice.attempts, len(WAITS)) - 1])
        return False

    async def _settle(self, notice: BookingNotice, state: str, error: str, now: float, wait: float = 0.0) -> None:
        values: dict[str, object] = {"state": state, "error": error[:500], "next_at": now + wait}
        if state == "sent":
            values |= {"sent_at": now, "body": without_link(notice.body)}
        async with self._database.writing() as session:
            await session.execute(update(BookingNotice).where(BookingNotice.id == notice.id).values(**values))

    async def _deliver(self, notice: BookingNotice) -> tuple[str | None, bool, bool]:
        """(what went wrong or None, whether to try again, whether it may have arrived all the same)."""
        said = False
        client = self._client()
        try:
            await client.connect()
            if self._settings.username:
                password = self._settings.password
                await client.login(self._settings.username, password.get_secret_value() if password else "")
            await client.mail(self._settings.sender)
            await client.rcpt(notice.recipient)
            said = True
            await client.data(message_of(notice, self._settings).as_bytes())
        except SMTPResponseException as error:  # the server said no: it has not taken it
            return f"{error.code} {error.message}", 400 <= error.code < 500, False
        except SMTPRecipientsRefused as error:
            return str(error), False, False
        except (SMTPException, OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}", not said, said
        finally:
            client.close()
        return None, False, False

    def _client(self) -> SMTP:
        mail = self._settings
        context = None
        if mail.tls != "off":
            context = ssl.create_default_context(cafile=None if mail.ca is None else str(mail.ca))
        return SMTP(
            hostname=mail.host,
            port=mail.port,
            timeout=mail.timeout,
            use_tls=mail.tls == "tls",
            start_tls=mail.tls == "starttls",
            tls_context=context,
        )


def message_of(notice: BookingNotice, mail: Mail) -> EmailMessage:
    """Text, and the calendar entry both inline (for calendars) and as a file (for people)."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["Subject"] = " ".join(notice.subject.split())
    message["From"] = Address(mail.sender_name, addr_spec=mail.sender)
    message["To"] = Address(" ".join(notice.name.split()), addr_spec=notice.recipient)
    message["Date"] = format_datetime(local(notice.created_at))
    message["Message-ID"] = f"<{notice.id}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.body)
    if notice.calendar:
        method = "CANCEL" if notice.kind == "cancel" else "REQUEST"
        message.add_alternative(notice.calendar, subtype="calendar", params={"method": method})
        message.add_attachment(notice.calendar.encode(), maintype="application", subtype="ics", filename="lich-hop.ics")
    return message


def without_link(body: str) -> str:
    """The text without its join link: once sent, nobody needs it in the database."""
    return "\n".join(LINK_TAKEN_OUT if "/join/" in line else line for line in body.splitlines())
