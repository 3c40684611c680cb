"""The directory as other features read it: sites, organisations, and who may be on duty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select

from control_api.directory import records
from control_api.directory.search import matches
from control_api.directory.tables import Contact, Organisation, Site, Trainee
from control_api.store.database import Database


@dataclass(frozen=True, slots=True)
class SiteFilter:
    """Which sites to list; what is left out does not matter."""

    words: str = ""  # searched without diacritics
    organisation: str | None = None
    kind: str | None = None  # of the organisation
    endpoint_type: str | None = None
    readiness: str | None = None
    active: bool | None = True


class Directory:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def site(self, site_id: str) -> Site:
        """Raises OperatorError `unknown_site`."""
        async with self._database.reading() as session:
            return await records.get(session, Site, site_id)

    async def sites(
        self, what: SiteFilter | None = None, *, ids: Sequence[str] | None = None, offset: int = 0, limit: int = 1000
    ) -> tuple[list[Site], int]:
        """A page of sites by name, and how many there are; with `ids` only those."""
        where = site_conditions(what or SiteFilter(active=None))
        if ids is not None:
            where.append(Site.id.in_(ids))
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(Site).where(*where))
            found = select(Site).where(*where).order_by(Site.name, Site.id).offset(offset).limit(limit)
            return list(await session.scalars(found)), int(total or 0)

    async def organisation(self, organisation_id: str) -> Organisation:
        """Raises OperatorError `unknown_organisation`."""
        async with self._database.reading() as session:
            return await records.get(session, Organisation, organisation_id)

    async def organisations(
        self,
        words: str = "",
        *,
        kind: str | None = None,
        parent: str | None = None,
        active: bool | None = True,
        offset: int = 0,
        limit: int = 1000,
    ) -> tuple[list[Organisation], int]:
        """A page of organisations by name, and how many there are."""
        where = matches(Organisation.folded, words)
        if kind is not None:
            where.append(Organisation.kind == kind)
        if parent is not None:
            where.append(Organisation.parent_id == parent)
        if active is not None:
            where.append(Organisation.active.is_(active))
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(Organisation).where(*where))
            found = select(Organisation).where(*where).order_by(Organisation.name, Organisation.id)
            return list(await session.scalars(found.offset(offset).limit(limit))), int(total or 0)

    async def manager(self) -> Organisation | None:
        """The Sở that runs the MCU, where the directory tells."""
        async with self._database.reading() as session:
            return await session.scalar(select(Organisation).where(Organisation.is_manager).limit(1))

    async def contacts(self, site_id: str) -> list[Contact]:
        """Whom to call for a site: its own contacts, then its organisation's (S44)."""
        async with self._database.reading() as session:
            site = await records.get(session, Site, site_id)
            wanted = select(Contact).where(
                or_(
                    Contact.site_id == site_id,
                    (Contact.organisation_id == site.organisation_id) & Contact.site_id.is_(None),
                )
            )
            return list(await session.scalars(wanted.order_by(Contact.site_id.is_(None), Contact.role, Contact.name)))

    async def trained_operators(self, organisation_id: str | None, on: date) -> list[Trainee]:
        """Who may be on duty that day: trained, with a certificate that has not ended (S26); None: of everybody."""
        async with self._database.reading() as session:
            where = certified(on)
            if organisation_id is not None:
                where.append(Trainee.organisation_id == organisation_id)
            return list(await session.scalars(select(Trainee).where(*where).order_by(Trainee.name, Trainee.id)))

    async def allowed_networks(self, site_id: str) -> tuple[str, ...]:
        """Networks (CIDR) from which a site may join (S21); empty: the rule of the MCU, or no such site."""
        async with self._database.reading() as session:
            site = await session.get(Site, site_id)
            return () if site is None else tuple(str(network) for network in site.allowed_networks)


def site_conditions(what: SiteFilter) -> list[ColumnElement[bool]]:
    where = matches(Site.folded, what.words)
    if what.organisation is not None:
        where.append(Site.organisation_id == what.organisation)
    if what.kind is not None:
        of_kind = select(Organisation.id).where(Organisation.kind == what.kind)
        where.append(Site.organisation_id.in_(of_kind))
    if what.endpoint_type is not None:
        where.append(Site.endpoint_type == what.endpoint_type)
    if what.readiness is not None:
        where.append(Site.readiness == what.readiness)
    if what.active is not None:
        where.append(Site.active.is_(what.active))
    return where


def certified(on: date) -> list[ColumnElement[bool]]:
    """Conditions of a trained operator whose certificate is good on that day."""
    day = on.isoformat()
    return [
        Trainee.active.is_(True),
        Trainee.certificate != "",
        or_(Trainee.issued_on.is_(None), Trainee.issued_on <= day),
        or_(Trainee.expires_on.is_(None), Trainee.expires_on >= day),
    ]
