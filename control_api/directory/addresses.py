"""E-mail addresses of sites, agencies and the Sở.  What is said of a meeting never goes to a carrier (S62)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.directory.tables import Contact, Organisation
from control_api.mail.letters import Addressee

_ORDER = {"technical": 0, "team": 1, "leader": 2}  # whom to write to first; carriers' contacts are not the site's


async def of_sites(session: AsyncSession, sites: Mapping[str, str | None]) -> dict[str, tuple[Addressee, ...]]:
    """Whom to write to at each site (id -> its organisation's), the best first; sites without an address are left out.

    The site's own contacts, those who look after its equipment first; then the organisation's team; then its house.
    """
    organisations = {one for one in sites.values() if one}
    wanted = select(Contact).where(Contact.email != "", Contact.role.in_(_ORDER))
    contacts = list(
        await session.scalars(
            wanted.where(Contact.organisation_id.in_(organisations) | Contact.site_id.in_(list(sites)))
        )
    )
    contacts.sort(key=lambda one: (one.site_id is None, _ORDER[one.role], one.id))
    asked = select(Organisation).where(Organisation.id.in_(organisations), Organisation.email != "")
    houses = {one.id: Addressee(one.email, one.name) for one in await session.scalars(asked)}
    found: dict[str, tuple[Addressee, ...]] = {}
    for site, organisation in sites.items():
        own = [one for one in contacts if one.site_id == site]
        team = [one for one in contacts if one.site_id is None and one.organisation_id == organisation]
        house = [houses[organisation]] if organisation in houses else []
        those = [*(Addressee(one.email, one.name) for one in (*own, *team)), *house]
        if those:
            found[site] = tuple({one.address: one for one in those}.values())
    return found


async def technical_of(session: AsyncSession, sites: Mapping[str, str | None]) -> dict[str, tuple[Addressee, ...]]:
    """Whom to call at each site: all who look after its equipment, else the best other address."""
    found = await of_sites(session, sites)
    asked = select(Contact.site_id, Contact.email).where(
        Contact.site_id.in_(list(sites)), Contact.role == "technical", Contact.email != ""
    )
    technical = {(site, address) for site, address in await session.execute(asked)}
    return {
        site: tuple(one for one in those if (site, one.address) in technical) or those[:1]
        for site, those in found.items()
    }


async def of_organisation(session: AsyncSession, organisation: str | None) -> tuple[Addressee, ...]:
    """Where an agency is written to: its house, else its team's first, else its accounts.  None: the Sở's officers."""
    if organisation is None:
        return await of_so(session)
    house = await session.get(Organisation, organisation)
    if house is not None and house.email:
        return (Addressee(house.email, house.name),)
    team = list(
        await session.scalars(
            select(Contact).where(Contact.organisation_id == organisation, Contact.email != "").order_by(Contact.id)
        )
    )
    if team:
        first = min(team, key=lambda one: (one.site_id is not None, _ORDER.get(one.role, len(_ORDER)), one.id))
        return (Addressee(first.email, first.name),)
    accounts = select(User).where(
        User.organisation_id == organisation, User.disabled.is_(False), User.email.is_not(None)
    )
    return tuple(Addressee(one.email or "", one.name) for one in await session.scalars(accounts.order_by(User.id)))


async def of_so(session: AsyncSession) -> tuple[Addressee, ...]:
    """The duty officers of the Sở, else its house."""
    officers = select(User).where(User.role == Role.OFFICER, User.disabled.is_(False), User.email.is_not(None))
    found = [Addressee(one.email or "", one.name) for one in await session.scalars(officers.order_by(User.id))]
    found = [one for one in found if one.address]
    if found:
        return tuple(found)
    house = select(Organisation).where(Organisation.is_manager.is_(True), Organisation.email != "")
    return tuple(Addressee(one.email, one.name) for one in await session.scalars(house.order_by(Organisation.id)))
