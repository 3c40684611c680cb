"""Contacts and operating teams (S44, S57, article 13.3b): each change by an agency is told to the Sở."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import check_scope, of_so
from control_api.directory import records, refusals
from control_api.directory.notices import notify
from control_api.directory.search import folded, matches
from control_api.directory.tables import Contact, Organisation, Site
from control_api.store.database import Database

_TOLD = {"contact_added": "thêm", "contact_changed": "thay đổi", "contact_removed": "xóa"}
_TOLD_EN = {"contact_added": "added", "contact_changed": "changed", "contact_removed": "removed"}


class Contacts:
    """Methods are one transaction.  `now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def find(
        self,
        words: str = "",
        *,
        organisation: str | None = None,
        site: str | None = None,
        role: str | None = None,
        offset: int = 0,
        limit: int = 500,
    ) -> tuple[list[Contact], int]:
        """A page of contacts by name, and how many there are."""
        where: list[ColumnElement[bool]] = matches(Contact.folded, words)
        for column, value in ((Contact.organisation_id, organisation), (Contact.site_id, site), (Contact.role, role)):
            if value is not None:
                where.append(column == value)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(Contact).where(*where))
            found = select(Contact).where(*where).order_by(Contact.name, Contact.id).offset(offset).limit(limit)
            return list(await session.scalars(found)), int(total or 0)

    async def get(self, contact_id: str) -> Contact:
        """Raises OperatorError `unknown_contact`."""
        async with self._database.reading() as session:
            return await records.get(session, Contact, contact_id)

    async def make(self, values: Mapping[str, Any], user: SignedIn, command: str | None = None) -> Contact:
        """Raises OperatorError `unknown_organisation` or `unknown_site`, Refused `not_yours` or `wrong_site`."""
        check_scope(user, values["organisation_id"])
        contact_id = records.new_id("d", command)
        async with self._database.writing() as session:
            if (before := await session.get(Contact, contact_id)) is not None:
                return before
            entry = await prepared(session, values, contact_id)
            await records.add(session, entry, user.username, self._now(), command)
            await self._tell(session, "contact_added", entry, user)
            return entry

    async def change(
        self,
        contact_id: str,
        values: Mapping[str, Any],
        revision: int,
        user: SignedIn,
        command: str | None = None,
    ) -> Contact:
        """Raises OperatorError `unknown_contact`, Refused `not_yours`, `wrong_site` or `changed_meanwhile`."""
        async with self._database.writing() as session:
            entry = await records.get(session, Contact, contact_id)
            check_scope(user, entry.organisation_id)
            if await records.done(session, command) is not None:
                return entry
            if values.get("site_id") is not None:
                await check_site(session, values["site_id"], entry.organisation_id)
            if await records.change(session, entry, values, user.username, self._now(), revision, command):
                entry.folded = words_of(entry)
                await session.flush()
                await self._tell(session, "contact_changed", entry, user)
            return entry

    async def remove(self, contact_id: str, revision: int, user: SignedIn, command: str | None = None) -> None:
        """Raises OperatorError `unknown_contact`, Refused `not_yours` or `changed_meanwhile`."""
        async with self._database.writing() as session:
            if await records.done(session, command) is not None:
                return
            entry = await records.get(session, Contact, contact_id)
            check_scope(user, entry.organisation_id)
            await records.remove(session, entry, user.username, self._now(), revision, command)
            await self._tell(session, "contact_removed", entry, user)

    async def _tell(self, session: AsyncSession, kind: str, entry: Contact, user: SignedIn) -> None:
        """The Sở is told of what others change (S57)."""
        if of_so(user):
            return
        organisation = await records.get(session, Organisation, entry.organisation_id)
        await notify(
            session,
            kind,
            f"{organisation.name} {_TOLD[kind]} đầu mối liên hệ: {entry.name}, {entry.position}, {entry.phone}.",
            f"{organisation.name} {_TOLD_EN[kind]} a contact: {entry.name}, {entry.position}, {entry.phone}.",
            now=self._now(),
            organisation=entry.organisation_id,
            site=entry.site_id,
            subject=entry.id,
        )


async def prepared(session: AsyncSession, values: Mapping[str, Any], contact_id: str) -> Contact:
    """A checked new contact, not yet added."""
    await records.get(session, Organisation, values["organisation_id"])
    if values.get("site_id") is not None:
        await check_site(session, values["site_id"], values["organisation_id"])
    return build(contact_id, values)


def build(contact_id: str, values: Mapping[str, Any]) -> Contact:
    """A new contact, unchecked and not yet added."""
    given = {"site_id": None, "role": "technical", "email": "", "remark": ""} | dict(values)
    entry = Contact(**given, id=contact_id)
    entry.folded = words_of(entry)
    return entry


async def check_site(session: AsyncSession, site_id: str, organisation_id: str) -> None:
    """Raises OperatorError `unknown_site` or Refused `wrong_site`."""
    if (await records.get(session, Site, site_id)).organisation_id != organisation_id:
        raise refusals.wrong_site(site_id, organisation_id)


def words_of(entry: Contact) -> str:
    return folded(entry.name, entry.position, entry.phone, entry.email)
