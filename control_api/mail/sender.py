"""Sends what is to be sent.  Nothing is sent twice: a letter whose fate is not known is marked, and a person decides.

A letter is marked `sending` and committed before the mail server hears of it.  What fails before the server took the
text is tried again later and later; when the connection breaks after that, or we died meanwhile, it is `unsure`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import structlog
from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from sqlalchemy import select, update

from control_api.bookings.rules import local
from control_api.mail.tables import Letter, Outgoing
from control_api.settings import Mail
from control_api.store.database import Database

WAITS = (60.0, 300.0, 900.0, 3600.0, 3 * 3600.0, 6 * 3600.0)  # seconds before each new attempt; then it has failed
LINK_TAKEN_OUT = "(đường dẫn đã gửi trong thư)"
_AT_ONCE = 20
log = structlog.get_logger("mail")


class Sender:
    """Owned by the background task; `settings` of the mail server, `url` of our own pages."""

    def __init__(
        self, database: Database, settings: Mail, tables: Sequence[type[Outgoing]] = (Letter,), url: str = ""
    ) -> None:
        self._database = database
        self._settings = settings
        self._tables = tables
        self._url = url.rstrip("/")

    async def begin(self) -> int:
        """Once at start: what was being sent when we died may have been sent.  Returns how many."""
        found = 0
        async with self._database.writing() as session:
            for table in self._tables:
                left = update(table).where(table.state == "sending")
                ids = await session.scalars(left.values(state="unsure").returning(table.id))
                found += len(ids.all())
        return found

    async def send_due(self, now: float) -> int:
        """Send what is due; returns how many were accepted.  Without a mail server nothing waits for one: what is
        told in the office today must not arrive in a year."""
        sent = 0
        for table in self._tables:
            if not self._settings.host:
                async with self._database.writing() as session:
                    await session.execute(update(table).where(table.state == "queued").values(state="printed"))
                continue
            for its_id in await self._due(table, now):
                sent += await self._send(table, its_id, now)
        return sent

    async def _due(self, table: type[Outgoing], now: float) -> list[str]:
        async with self._database.reading() as session:
            due = select(table.id).where(table.state == "queued", table.next_at <= now)
            return list(await session.scalars(due.order_by(table.next_at).limit(_AT_ONCE)))

    async def _send(self, table: type[Outgoing], its_id: str, now: float) -> bool:
        async with self._database.writing() as session:
            mine = update(table).where(table.id == its_id, table.state == "queued")
            marked = mine.values(state="sending", attempts=table.attempts + 1).returning(table.id)
            if await session.scalar(marked) is None:
                return False  # somebody else has it
            letter = await session.get(table, its_id)
            assert letter is not None
        try:
            error, again, unsure = await self._deliver(letter)
        except asyncio.CancelledError:
            await asyncio.shield(self._settle(letter, "unsure", "", now))
            raise
        if error is None:
            await self._settle(letter, "sent", "", now)
            return True
        log.warning("letter not sent", letter=its_id, error=error, again=again)
        more = again and letter.attempts <= len(WAITS)
        state = "unsure" if unsure else "queued" if more else "failed"
        await self._settle(letter, state, error, now, WAITS[min(letter.attempts, len(WAITS)) - 1])
        return False

    async def _settle(self, letter: Outgoing, state: str, error: str, now: float, wait: float = 0.0) -> None:
        values: dict[str, object] = {"state": state, "error": error[:500], "next_at": now + wait}
        if state == "sent":
            values |= {"sent_at": now, "body": without_link(letter.body)}
        table = type(letter)
        async with self._database.writing() as session:
            await session.execute(update(table).where(table.id == letter.id).values(**values))

    async def _deliver(self, letter: Outgoing) -> tuple[str | None, bool, bool]:
        """(what went wrong or None, whether to try again, whether it may have arrived all the same)."""
        said = False
        client = self._client()
        try:
            await client.connect()
            if self._settings.username:
                password = self._settings.password
                await client.login(self._settings.username, password.get_secret_value() if password else "")
            await client.mail(self._settings.sender)
            await client.rcpt(letter.recipient)
            said = True
            await client.data(message_of(letter, self._settings, self._url).as_bytes())
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


def message_of(letter: Outgoing, mail: Mail, url: str = "") -> EmailMessage:
    """Text, and the calendar entry both inline (for calendars) and as a file (for people)."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["Subject"] = " ".join(letter.subject.split())
    message["From"] = Address(mail.sender_name, addr_spec=mail.sender)
    message["To"] = Address(" ".join(letter.name.split()), addr_spec=letter.recipient)
    message["Date"] = format_datetime(local(letter.created_at))
    message["Message-ID"] = f"<{letter.id}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    page = f"\n\n{url}{letter.page}" if isinstance(letter, Letter) and letter.page else ""
    message.set_content(letter.body + page)
    if letter.calendar:
        method = "CANCEL" if letter.kind == "cancel" else "REQUEST"
        message.add_alternative(letter.calendar, subtype="calendar", params={"method": method})
        message.add_attachment(letter.calendar.encode(), maintype="application", subtype="ics", filename="lich-hop.ics")
    return message


def without_link(body: str) -> str:
    """The text without its join link: once sent, nobody needs it in the database."""
    return "\n".join(LINK_TAKEN_OUT if "/join/" in line else line for line in body.splitlines())
