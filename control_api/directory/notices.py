"""What the Sở, a carrier or an agency must take note of, kept until somebody has (S19, S20, S56, S57)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import check_scope, of_so, sees_all
from control_api.directory.addresses import of_organisation
from control_api.directory.tables import DirectoryNotice
from control_api.mail.letters import Standing, about, standing_of, write
from control_api.mail.resending import send_again
from control_api.mail.tables import Letter
from control_api.settings import Mail
from control_api.store.database import Database
from mcu_core.errors import OperatorError


async def notify(
    session: AsyncSession,
    kind: str,
    vi: str,
    en: str,
    *,
    now: float,
    to: str | None = None,
    organisation: str | None = None,
    site: str | None = None,
    subject: str | None = None,
    data: dict[str, Any] | None = None,
    mail: str = "",
    page: str = "/office",
) -> None:
    """Tell an organisation, or the Sở with `to` None, inside the caller's transaction.

    With `mail`, the subject of a letter, it is told by e-mail too, with a link to `page`.
    """
    notice_id = f"n-{secrets.token_hex(6)}"
    session.add(
        DirectoryNotice(
            id=notice_id,
            at=now,
            kind=kind,
            to_id=to,
            organisation_id=organisation,
            site_id=site,
            subject_id=subject,
            vi=vi[:500],
            en=en[:500],
            data=(data or {}) | ({"mail": True} if mail else {}),
            seen_at=None,
            seen_by=None,
        )
    )
    await session.flush()
    if mail:
        await write(
            session,
            notice_id,
            kind[:30],
            about=f"notice/{notice_id}",
            whom=await of_organisation(session, to),
            subject=mail,
            vi=vi,
            en=en,
            now=now,
            page=page,
            site=site,
        )


class Notices:
    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def of(
        self, user: SignedIn, *, unseen: bool = False, offset: int = 0, limit: int = 100
    ) -> tuple[list[DirectoryNotice], int]:
        """Notices for this account, the newest first, and how many there are."""
        where = _addressed_to(user)
        if unseen:
            where.append(DirectoryNotice.seen_at.is_(None))
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(DirectoryNotice).where(*where))
            found = select(DirectoryNotice).where(*where).order_by(DirectoryNotice.at.desc(), DirectoryNotice.id)
            return list(await session.scalars(found.offset(offset).limit(limit))), int(total or 0)

    async def mailed(self, notices: Sequence[DirectoryNotice]) -> dict[str, Standing]:
        """How far the letters are of those that are told by e-mail too."""
        told = {f"notice/{one.id}": one.id for one in notices if one.data.get("mail")}
        found: dict[str, list[Letter]] = {its_id: [] for its_id in told.values()}
        if told:
            async with self._database.reading() as session:
                for letter in (await about(session, list(told), limit=10 * len(told)))[0]:
                    found[told[letter.about]].append(letter)
        return {its_id: standing_of(letters) for its_id, letters in found.items()}

    async def see(self, notice_id: str, user: SignedIn) -> DirectoryNotice:
        """Take note; a second time changes nothing.  Raises OperatorError `unknown_notice`, Refused `not_yours`."""
        async with self._database.writing() as session:
            notice = await _notice(session, notice_id, user)
            first = update(DirectoryNotice).where(DirectoryNotice.id == notice_id, DirectoryNotice.seen_at.is_(None))
            await session.execute(first.values(seen_at=self._now(), seen_by=user.username))
            await session.refresh(notice)
            return notice

    async def send_again(self, notice_id: str, user: SignedIn, mail: Mail) -> None:
        """Send what did not arrive of its letters again, to the addresses of today.

        Raises as `see`, and Refused `mail_is_off`, `notice_under_way`.
        """
        async with self._database.writing() as session:
            notice = await _notice(session, notice_id, user)
            whom = await of_organisation(session, notice.to_id)
            await send_again(session, mail, f"notice/{notice.id}", whom, self._now())


async def _notice(session: AsyncSession, notice_id: str, user: SignedIn) -> DirectoryNotice:
    notice = await session.get(DirectoryNotice, notice_id)
    if notice is None:
        raise OperatorError(
            "unknown_notice",
            f"Không có thông báo {notice_id}. Hãy tải lại danh sách.",
            f"There is no notice {notice_id}. Reload the list.",
        )
    if not of_so(user):
        check_scope(user, notice.to_id)
    return notice


def _addressed_to(user: SignedIn) -> list[ColumnElement[bool]]:
    if sees_all(user):
        return []
    return [DirectoryNotice.to_id == user.organisation] if user.organisation else [DirectoryNotice.id == ""]
