"""Writing letters, inside the caller's transaction.

A letter's id follows from what it tells whom (`key`), so that telling it again finds it there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.mail.tables import Letter
from control_api.problems import Refused
from control_api.settings import Mail
from control_api.upkeep.retention import MEETINGS

Standing = Literal["sent", "waiting", "failed", "unsure", "no_address", "mail_off"]
_BOTH = "\n\n———\n\n"


@dataclass(frozen=True, slots=True)
class Addressee:
    address: str
    name: str


async def write(
    session: AsyncSession,
    key: str,
    kind: str,
    *,
    about: str,
    whom: Sequence[Addressee],
    subject: str,
    vi: str,
    en: str,
    now: float,
    page: str = "",
    site: str | None = None,
) -> bool:
    """Put a letter to each into the outbox; without an address it is kept as told otherwise.  False: all are there.

    `page` is a path of our own pages.  The text is in both languages, Vietnamese first.
    """
    new = False
    for one in whom:
        its_id = letter_id(key, one.address)
        if await session.get(Letter, its_id) is not None:
            continue
        new = True
        session.add(
            Letter(
                id=its_id,
                about=about[:120],
                site_id=site,
                kind=kind,
                recipient=one.address,
                name=one.name[:200],
                subject=subject[:400],
                body=f"Kính gửi: {one.name}\n\n{vi}{_BOTH}{en}",
                calendar="",
                page=page,
                state="queued" if one.address else "printed",
                attempts=0,
                next_at=now,
                error="",
                created_at=now,
                sent_at=None,
            )
        )
        await session.flush()
    return new


def letter_id(key: str, address: str) -> str:
    return f"l-{hashlib.sha256(f'{key}/{address}'.encode()).hexdigest()[:24]}"


async def about(
    session: AsyncSession, what: Collection[str], kind: str | None = None, *, offset: int = 0, limit: int = 1000
) -> tuple[list[Letter], int]:
    """Letters about these things, the newest first, and how many there are."""
    where: list[ColumnElement[bool]] = [Letter.about.in_(list(what))]
    if kind is not None:
        where.append(Letter.kind == kind)
    total = await session.scalar(select(func.count()).select_from(Letter).where(*where))
    page = select(Letter).where(*where).order_by(Letter.created_at.desc(), Letter.id).offset(offset).limit(limit)
    return list(await session.scalars(page)), int(total or 0)


def standing_of(letters: Sequence[Letter]) -> Standing:
    """Of one thing told to perhaps several people: it counts as sent when one of them has it.  Pure."""
    states = {letter.state for letter in letters}
    if "sent" in states:
        return "sent"
    if states & {"queued", "sending"}:
        return "waiting"
    if "unsure" in states:
        return "unsure"
    if "failed" in states:
        return "failed"
    return "mail_off" if letters else "no_address"


def check_mail(mail: Mail) -> None:
    """Raises Refused `mail_is_off`."""
    if not mail.host:
        raise Refused(
            "mail_is_off",
            "Chưa đặt máy chủ thư nên không gửi được thư điện tử. Quản trị viên hãy đặt [mail] host trong mcu.toml.",
            "No mail server is set, so nothing can be sent. An administrator sets [mail] host in mcu.toml.",
        )


async def prune(session: AsyncSession, limit: float) -> int:
    """Forget letters older than `limit`."""
    ids = await session.scalars(delete(Letter).where(Letter.created_at < limit).returning(Letter.id))
    return len(ids.all())


MEETINGS["letters"] = prune
