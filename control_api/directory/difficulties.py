"""Difficulties with the regulation, brought to the provincial committee through the Sở (S64, article 15.3)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, func, select

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import check_scope, of_so
from control_api.directory import records, refusals
from control_api.directory.notices import notify
from control_api.directory.tables import Difficulty, Organisation
from control_api.store.database import Database


class Difficulties:
    """Methods are one transaction.  `now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def find(
        self, *, organisation: str | None = None, state: str | None = None, offset: int = 0, limit: int = 500
    ) -> tuple[list[Difficulty], int]:
        """A page, the newest first, and how many there are."""
        where: list[ColumnElement[bool]] = []
        if organisation is not None:
            where.append(Difficulty.organisation_id == organisation)
        if state is not None:
            where.append(Difficulty.state == state)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(Difficulty).where(*where))
            found = select(Difficulty).where(*where).order_by(Difficulty.asked_at.desc(), Difficulty.id)
            return list(await session.scalars(found.offset(offset).limit(limit))), int(total or 0)

    async def tell(
        self, organisation_id: str, title: str, text: str, user: SignedIn, command: str | None = None
    ) -> Difficulty:
        """Raises OperatorError `unknown_organisation`, Refused `not_yours`."""
        check_scope(user, organisation_id)
        difficulty_id, now = records.new_id("pa", command), self._now()
        async with self._database.writing() as session:
            if (before := await session.get(Difficulty, difficulty_id)) is not None:
                return before
            organisation = await records.get(session, Organisation, organisation_id)
            entry = Difficulty(
                id=difficulty_id,
                organisation_id=organisation_id,
                title=title,
                text=text,
                state="open",
                asked_at=now,
                asked_by=user.username,
                answer="",
                answered_at=None,
                answered_by=None,
            )
            await records.add(session, entry, user.username, now, command)
            await notify(
                session,
                "difficulty_told",
                f"{organisation.name} phản ánh khó khăn, vướng mắc: {title}.",
                f"{organisation.name} tells of a difficulty: {title}.",
                now=now,
                organisation=organisation_id,
                subject=entry.id,
            )
            return entry

    async def answer(
        self, difficulty_id: str, state: str, answer: str, revision: int, user: SignedIn, command: str | None = None
    ) -> Difficulty:
        """Forwarded to the committee, or answered.  Raises OperatorError `unknown_difficulty`, Refused `only_so` or
        `changed_meanwhile`."""
        if not of_so(user):
            raise refusals.only_so()
        now = self._now()
        async with self._database.writing() as session:
            entry = await records.get(session, Difficulty, difficulty_id)
            if await records.done(session, command) is not None:
                return entry
            values = {"state": state, "answer": answer, "answered_at": now, "answered_by": user.username}
            await records.change(session, entry, values, user.username, now, revision, command)
            told = "đã được chuyển Ủy ban nhân dân tỉnh" if state == "forwarded" else "đã được trả lời"
            await notify(
                session,
                f"difficulty_{state}",
                f"Phản ánh “{entry.title}” {told}.",
                f"The difficulty “{entry.title}” was {state}.",
                now=now,
                to=entry.organisation_id,
                organisation=entry.organisation_id,
                subject=entry.id,
            )
            return entry
