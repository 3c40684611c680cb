"""Accounts as administrators keep them: found, made, changed, unlocked, their sessions ended (S24, article 6.2a).

One account is one person's.  Whoever is made here, or given a password here, must choose another at the next sign-in.
The last administrator who can sign in is never taken away.  Methods are one transaction; `now` is the wall clock.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts import refusals
from control_api.accounts.accounts import Accounts, check_organisation, is_last_administrator
from control_api.accounts.rules import Role, fold_username, random_password
from control_api.accounts.tables import Session, User
from control_api.store.database import Database


@dataclass(frozen=True, slots=True)
class Filter:
    """Which accounts to list."""

    text: str = ""  # part of the user name, the name or the e-mail address
    role: Role | None = None
    organisation: str | None = None
    usable: bool | None = None  # neither disabled nor locked


class People:
    def __init__(self, accounts: Accounts, database: Database, now: Callable[[], float]) -> None:
        self._accounts = accounts
        self._database = database
        self._now = now

    async def find(self, what: Filter, offset: int, limit: int) -> tuple[Sequence[User], int]:
        """A page of accounts by user name, and how many there are."""
        where = _conditions(what)
        async with self._database.reading() as db:
            rows = await db.scalars(select(User).where(*where).order_by(User.username).offset(offset).limit(limit))
            total = await db.scalar(select(func.count()).select_from(User).where(*where))
            return rows.all(), int(total or 0)

    async def get(self, username: str) -> User:
        """Raises OperatorError `unknown_user`."""
        async with self._database.reading() as db:
            return await _user(db, username)

    async def make(
        self, username: str, name: str, role: Role, details: dict[str, Any], password: str | None, command: str | None
    ) -> tuple[User, str | None]:
        """A new account and the password made for it; None where `password` was given.

        `command` names the request: repeated, it finds what it made the first time and gives it a new password.
        Raises OperatorError `user_exists`, `bad_username`, `bad_password`, `email_taken` or `unknown_organisation`.
        """
        made_by = None if command is None else hashlib.sha256(command.encode()).hexdigest()
        chosen = password or random_password()
        if made_by is not None:
            async with self._database.reading() as db:
                before = await db.scalar(select(User).where(User.made_by == made_by))
            if before is not None:
                if before.must_change:  # else its person has been here
                    await self._accounts.set_password(before.username, chosen, must_change=True)
                return before, None if password else chosen
        await self._check_email(None, details.get("email"))
        await self._accounts.add_user(username, name, role, chosen, must_change=True, **details, made_by=made_by)
        return await self.get(username), None if password else chosen

    async def change(self, username: str, values: dict[str, Any], by: str) -> tuple[User, bool]:
        """Change columns of an account; the second is whether its sessions were ended (less rights, disabled).

        Raises OperatorError `unknown_user`, `unknown_organisation`, or Refused `last_administrator`, `not_yourself` or
        `email_taken`.
        """
        now = self._now()
        async with self._database.writing() as db:
            user = await _user(db, username)
            loses = bool(values.get("disabled")) or values.get("role", user.role) != user.role
            expires = values.get("expires_at")
            ends = loses or values.get("organisation_id", user.organisation_id) != user.organisation_id
            if loses or (expires is not None and expires <= now):
                if user.username == by:
                    raise refusals.not_yourself()
                if user.role == Role.ADMINISTRATOR.value and await is_last_administrator(db, user.username, now):
                    raise refusals.last_administrator()
            if values.get("organisation_id") != user.organisation_id:
                await check_organisation(db, values.get("organisation_id"))
            if "name" in values:
                values["name"] = unicodedata.normalize("NFC", values["name"].strip()) or user.username
            if values.get("email") is not None:
                await _email_is_free(db, user.id, values["email"])
            await db.execute(update(User).where(User.id == user.id).values(**values))
            if ends:
                await db.execute(delete(Session).where(Session.user_id == user.id))
            await db.refresh(user)
            return user, ends

    async def reset_password(self, username: str, password: str | None) -> str | None:
        """Set a password that must be changed at the next sign-in; returns the random one if none was given."""
        await self.get(username)
        chosen = password or random_password()
        await self._accounts.set_password(username, chosen, must_change=True)
        return None if password else chosen

    async def lock(self, username: str, by: str) -> None:
        """Lock at once and end all sessions.  Raises Refused `last_administrator` or `not_yourself`."""
        now = self._now()
        async with self._database.writing() as db:
            user = await _user(db, username)
            if user.username == by:
                raise refusals.not_yourself()
            if await is_last_administrator(db, user.username, now):
                raise refusals.last_administrator()
            await db.execute(update(User).where(User.id == user.id, User.locked_at.is_(None)).values(locked_at=now))
            await db.execute(delete(Session).where(Session.user_id == user.id))

    # -- sessions

    async def sessions(self, username: str) -> Sequence[Session]:
        """Of one account, the last used first.  Raises OperatorError `unknown_user`."""
        async with self._database.reading() as db:
            user = await _user(db, username)
            alive = select(Session).where(Session.user_id == user.id).order_by(Session.seen_at.desc())
            return [one for one in await db.scalars(alive) if self._accounts.is_alive(one)]

    async def end_sessions(self, username: str, session: str | None = None) -> None:
        """End all sessions of an account, or the one with that id (`session_id`), if it is still there.

        Raises OperatorError `unknown_user`.
        """
        async with self._database.writing() as db:
            user = await _user(db, username)
            wanted = delete(Session).where(Session.user_id == user.id)
            if session is not None:
                wanted = wanted.where(Session.digest.like(f"{session}%"))
            await db.execute(wanted)

    async def _check_email(self, user_id: int | None, email: str | None) -> None:
        if email is not None:
            async with self._database.reading() as db:
                await _email_is_free(db, user_id, email)


def session_id(session: Session) -> str:
    """What a session is called in lists: the beginning of its digest, of no use as a cookie."""
    return session.digest[:16]


async def _user(db: AsyncSession, username: str) -> User:
    user = await db.scalar(select(User).where(User.username == fold_username(username)))
    if user is None:
        raise refusals.unknown_user(username)
    return user


async def _email_is_free(db: AsyncSession, user_id: int | None, email: str) -> None:
    holder = await db.scalar(select(User.id).where(User.email == email))
    if holder is not None and holder != user_id:
        raise refusals.email_taken()


def _conditions(what: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if what.text:
        text = unicodedata.normalize("NFC", what.text).casefold()
        columns = (User.username, func.lower(User.name), User.email)
        found = [column.contains(text, autoescape=True) for column in columns]
        typed = unicodedata.normalize("NFC", what.text)  # SQLite's lower() knows ASCII only
        conditions.append(or_(*found, User.name.contains(typed, autoescape=True)))
    if what.role is not None:
        conditions.append(User.role == what.role.value)
    if what.organisation is not None:
        conditions.append(User.organisation_id == what.organisation)
    if what.usable is not None:
        unusable = or_(User.disabled.is_(True), User.locked_at.is_not(None))
        conditions.append(~unusable if what.usable else unusable)
    return conditions
