"""Notices are written in the transaction that causes them, and sent afterwards (`mail/`): none is lost or sent twice.

A notice's id follows from what it tells whom, so telling it again finds it there.  Its receiver confirms it at a link
signed with the house's key: it cannot be guessed, and nothing secret is stored for it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings import texts
from control_api.bookings.calendar_file import calendar_of
from control_api.bookings.rules import RuleSet, rules_named
from control_api.bookings.tables import BookingNotice, BookingRow, BookingSite
from control_api.directory.addresses import of_sites
from control_api.directory.tables import Organisation
from control_api.settings import Settings

_KEY_BYTES = 32


class Receipts:
    """Signed addresses.  `key` is 32 random bytes, kept in data_dir."""

    def __init__(self, key: bytes, url: str) -> None:
        self._key, self._url = key, url.rstrip("/")

    def link(self, notice_id: str) -> str:
        return f"{self._url}/notice/{notice_id}.{self._sign(notice_id)}"

    def notice(self, token: str) -> str | None:
        """The notice a token was made for; None when it is not one of ours."""
        notice_id, _, signature = token.partition(".")
        good = hmac.compare_digest(signature.encode(), self._sign(notice_id).encode())
        return notice_id if good else None

    def _sign(self, notice_id: str) -> str:
        mac = hmac.new(self._key, b"notice/" + notice_id.encode(), hashlib.sha256).digest()[:18]
        return base64.urlsafe_b64encode(mac).decode()


def open_receipts(settings: Settings) -> Receipts:
    """With the key of this house, made when there is none."""
    path = settings.data_dir / "notice.key"
    return Receipts(_key(path), settings.own_url())


def _key(path: Path) -> bytes:
    try:
        return path.read_bytes()[:_KEY_BYTES].ljust(_KEY_BYTES, b"\0")
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".notice-")  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)  # whoever was first keeps theirs
    finally:
        os.unlink(name)
    return path.read_bytes()


def notice_id(booking_id: str, sequence: int, kind: str, whom: str) -> str:
    return f"n-{hashlib.sha256(f'{booking_id}/{sequence}/{kind}/{whom}'.encode()).hexdigest()[:24]}"


class Outbox:
    """Writes notices; each method works inside the caller's transaction."""

    def __init__(self, settings: Settings, receipts: Receipts) -> None:
        self._settings = settings
        self._receipts = receipts

    async def tell_sites(
        self,
        session: AsyncSession,
        row: BookingRow,
        sites: Sequence[BookingSite],
        kind: str,
        rules: RuleSet,
        now: float,
        *,
        main: BookingSite | None = None,
        links: dict[str, str] | None = None,
        remark: str = "",
    ) -> int:
        """One notice for each site (S70); `main` is among them unless given.  Returns how many are new."""
        host = await host_name(session, row)
        main = main or next((site for site in sites if site.role == "main"), None)
        found = await addresses(session, sites)
        new = 0
        for site in sites:
            its_id = notice_id(row.id, row.sequence, kind, f"site/{site.site_id}")
            body = texts.site_notice(
                kind,
                row,
                host,
                main,
                site,
                rules,
                link=(links or {}).get(site.site_id),
                receipt=self._receipts.link(its_id),
                remark=remark,
            )
            new += await self._put(
                session, row, its_id, kind, found.get(site.site_id, ""), site.name, body, now, site=site
            )
        return new

    async def told(self, session: AsyncSession, booking_id: str) -> dict[str, int]:
        """Sites whose newest notice was not a cancellation, and the version (`sequence`) it told of."""
        of_sites = select(BookingNotice).where(
            BookingNotice.booking_id == booking_id, BookingNotice.site_id.is_not(None)
        )
        oldest_first = of_sites.order_by(BookingNotice.sequence, BookingNotice.created_at)
        newest = {one.site_id: one for one in await session.scalars(oldest_first)}
        return {site: one.sequence for site, one in newest.items() if site is not None and one.kind != "cancel"}

    async def tell_host(
        self,
        session: AsyncSession,
        row: BookingRow,
        sites: Sequence[BookingSite],
        kind: str,
        rules: RuleSet,
        now: float,
    ) -> None:
        host = await host_name(session, row)
        main = next((site for site in sites if site.role == "main"), None)
        contact = row.form.get("contact") or {}
        address = str(contact.get("email") or "")
        if not address:
            organisation = await session.get(Organisation, row.organisation_id)
            address = "" if organisation is None else organisation.email
        # The state's time tells two refusals of one booking apart.
        its_id = notice_id(row.id, row.sequence, kind, f"host/{row.state_at}")
        body = texts.host_notice(kind, row, host, main, rules)
        body += f"\n\nXác nhận đã nhận: {self._receipts.link(its_id)}"
        await self._put(session, row, its_id, kind, address, host, body, now, site=None)

    async def tell_so(
        self, session: AsyncSession, row: BookingRow, officers: Sequence[tuple[str, str]], overdue: bool, now: float
    ) -> None:
        """Escalation to the duty officers: (address, name)."""
        host = await host_name(session, row)
        for address, name in officers:
            whom = f"so/{address}/{row.answer_by}/{overdue}"
            its_id = notice_id(row.id, row.sequence, "escalation", whom)
            body = texts.escalation(row, host, overdue, rules_named(row.rules))
            await self._put(session, row, its_id, "escalation", address, name, body, now, site=None)

    async def _put(
        self,
        session: AsyncSession,
        row: BookingRow,
        its_id: str,
        kind: str,
        address: str,
        name: str,
        body: str,
        now: float,
        *,
        site: BookingSite | None,
    ) -> bool:
        if await session.get(BookingNotice, its_id) is not None:
            return False
        mail = self._settings.mail
        calendar = ""
        if kind in ("request", "update", "cancel"):
            calendar = calendar_of(
                row,
                place=site.place if site is not None else "",
                text=row.title,
                sender=mail.sender,
                sender_name=mail.sender_name,
                now=now,
                recipient=address,
                recipient_name=name,
                cancelled=kind == "cancel",
            )
        session.add(
            BookingNotice(
                id=its_id,
                booking_id=row.id,
                site_id=None if site is None else site.site_id,
                kind=kind,
                sequence=row.sequence,
                recipient=address,
                name=name[:200],
                subject=texts.subject(kind, row),
                body=body,
                calendar=calendar,
                state="queued" if address and mail.host else "printed",
                attempts=0,
                next_at=now,
                error="",
                created_at=now,
                sent_at=None,
            )
        )
        return True


async def host_name(session: AsyncSession, row: BookingRow) -> str:
    organisation = await session.get(Organisation, row.organisation_id)
    return row.organisation_id if organisation is None else organisation.name


async def addresses(session: AsyncSession, sites: Sequence[BookingSite]) -> dict[str, str]:
    """Where each site's notice goes: as the form says, else as the directory does."""
    found = await of_sites(session, {site.site_id: site.organisation_id for site in sites})
    known = {site_id: those[0].address for site_id, those in found.items()}
    return known | {site.site_id: site.email for site in sites if site.email}
