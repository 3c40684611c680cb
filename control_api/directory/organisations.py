"""Making and changing organisations (S10, S64).  Agencies edit themselves; what they are is the Sở's to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import check_scope, of_so
from control_api.accounts.tables import User
from control_api.directory import records, refusals
from control_api.directory.search import folded
from control_api.directory.tables import Organisation, Site
from control_api.store.database import Database
from mcu_core.names import slug_of

_SO_ONLY = ("kind", "is_manager", "parent_id", "active", "name")  # an agency does not change what it is


class Organisations:
    """Methods are one transaction.  `now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def make(self, values: Mapping[str, Any], user: SignedIn, command: str | None = None) -> Organisation:
        """`values` are columns; `id` may be None.  Raises Refused `only_so`, `organisation_exists`, `manager_exists`,
        or OperatorError `unknown_organisation` (its parent)."""
        if not of_so(user):
            raise refusals.only_so()
        async with self._database.writing() as session:
            before = await records.done(session, command)
            if before is not None:
                return await records.get(session, Organisation, before)
            entry = await prepared(session, values)
            await records.add(session, entry, user.username, self._now(), command)
            return entry

    async def change(
        self,
        organisation_id: str,
        values: Mapping[str, Any],
        revision: int | None,
        user: SignedIn,
        command: str | None = None,
    ) -> Organisation:
        """Raises OperatorError `unknown_organisation`, Refused `not_yours`, `only_so`, `changed_meanwhile`,
        `manager_exists`, `own_parent` or `organisation_in_use`."""
        async with self._database.writing() as session:
            entry = await records.get(session, Organisation, organisation_id)
            check_scope(user, organisation_id)
            if await records.done(session, command) is not None:
                return entry
            if not of_so(user) and any(
                getattr(entry, name) != values.get(name, getattr(entry, name)) for name in _SO_ONLY
            ):
                raise refusals.only_so()
            await apply(session, entry, values, user.username, self._now(), revision, command)
            return entry


async def prepared(session: AsyncSession, values: Mapping[str, Any]) -> Organisation:
    """A checked new organisation, not yet added."""
    given = dict(values)
    organisation_id = given.pop("id", None)
    if organisation_id is None:
        organisation_id = slug_of(given["name"], await taken(session, Organisation))
    elif await session.get(Organisation, organisation_id) is not None:
        raise refusals.exists("organisation", "cơ quan", organisation_id)
    await _check(session, organisation_id, given)
    return build(organisation_id, given)


def build(organisation_id: str, values: Mapping[str, Any]) -> Organisation:
    """A new organisation, unchecked and not yet added."""
    entry = Organisation(**(_DEFAULTS | dict(values)), id=organisation_id)
    entry.folded = _folded(entry)
    return entry


async def apply(
    session: AsyncSession,
    entry: Organisation,
    values: Mapping[str, Any],
    by: str,
    now: float,
    revision: int | None,
    command: str | None = None,
) -> bool:
    """Change an organisation and what is searched of its sites; whether anything was different."""
    await _check(session, entry.id, values)
    if entry.active and values.get("active") is False:
        await _check_unused(session, entry.id)
    if not await records.change(session, entry, values, by, now, revision, command):
        return False
    entry.folded = _folded(entry)
    await session.flush()
    if "name" in values or "short_name" in values:
        for site in await session.scalars(select(Site).where(Site.organisation_id == entry.id)):
            words = site_words(site, entry)
            await session.execute(update(Site).where(Site.id == site.id).values(folded=words))
    return True


async def taken(session: AsyncSession, kind: type[Organisation] | type[Site]) -> set[str]:
    return set(await session.scalars(select(kind.id)))


def site_words(site: Site, organisation: Organisation) -> str:
    """What is searched of a site."""
    own = (site.name, site.id.replace("-", " "), site.room, site.address)
    return folded(*own, organisation.name, organisation.short_name)


_DEFAULTS: dict[str, Any] = {
    "short_name": "",
    "is_manager": False,
    "parent_id": None,
    "accountable_name": "",
    "accountable_position": "",
    "accountable_phone": "",
    "address": "",
    "phone": "",
    "email": "",
    "remark": "",
    "active": True,
}


def _folded(entry: Organisation) -> str:
    return folded(entry.name, entry.short_name, entry.id.replace("-", " "), entry.address)


async def _check_unused(session: AsyncSession, organisation_id: str) -> None:
    """Nothing of the directory is deleted: what is gone is not active any more.  Its people must be gone before."""
    using = select(User.username).where(User.organisation_id == organisation_id, User.disabled.is_(False))
    accounts = list(await session.scalars(using.order_by(User.username)))
    if accounts:
        raise refusals.organisation_in_use(organisation_id, accounts)


async def _check(session: AsyncSession, organisation_id: str, values: Mapping[str, Any]) -> None:
    if values.get("is_manager"):
        other = await session.scalar(
            select(Organisation.id).where(Organisation.is_manager, Organisation.id != organisation_id)
        )
        if other is not None:
            raise refusals.manager_exists(other)
    above: str | None = values.get("parent_id")
    seen = {organisation_id}
    while above is not None:
        if above in seen:
            raise refusals.own_parent()
        seen.add(above)
        above = (await records.get(session, Organisation, above)).parent_id
