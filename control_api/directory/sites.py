"""Making and changing sites: their rooms, equipment and lines (S06, S09, S17, S19-S21, S96).

An agency keeps its own sites.  What decides who may come in (networks) is the Sở's; so is the equipment once the
configuration is locked (S19); and a room moves only by a relocation of which Sở and carrier are told (S20).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import check_scope, of_so
from control_api.directory import records, refusals
from control_api.directory.organisations import site_words, taken
from control_api.directory.readiness import Finding, findings, readiness_of
from control_api.directory.tables import Fault, Organisation, Site
from control_api.store.database import Database
from mcu_core.names import slug_of

_SO_ONLY = frozenset({"allowed_networks", "config_locked", "organisation_id"})
LOCKED = frozenset(
    {"endpoint_type", "endpoint", "peripherals", "network", "carrier_id", "line_code", "line_mbps", "reserve_line"}
)
_PLACE = frozenset({"room", "address"})


class Sites:
    """Methods are one transaction.  `now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def make(self, values: Mapping[str, Any], user: SignedIn, command: str | None = None) -> Site:
        """`values` are columns; `id` may be None.  Raises OperatorError `unknown_organisation`, Refused `not_yours`,
        `only_so`, `site_exists` or `not_a_carrier`."""
        check_scope(user, values["organisation_id"])
        if not of_so(user) and (values.get("allowed_networks") or values.get("config_locked")):
            raise refusals.only_so()
        async with self._database.writing() as session:
            before = await records.done(session, command)
            if before is not None:
                return await records.get(session, Site, before)
            entry = await prepared(session, values)
            await records.add(session, entry, user.username, self._now(), command)
            return entry

    async def change(
        self, site_id: str, values: Mapping[str, Any], revision: int | None, user: SignedIn, command: str | None = None
    ) -> Site:
        """Raises OperatorError `unknown_site`, `unknown_organisation`, Refused `not_yours`, `only_so`,
        `configuration_locked`, `relocation_needed`, `not_a_carrier` or `changed_meanwhile`."""
        async with self._database.writing() as session:
            entry = await records.get(session, Site, site_id)
            check_scope(user, entry.organisation_id)
            if await records.done(session, command) is not None:
                return entry
            if not of_so(user):
                _check_own(entry, values)
            await apply(session, entry, values, user.username, self._now(), revision, command)
            return entry

    async def findings(self, site_id: str) -> list[Finding]:
        """What should be put right.  Raises OperatorError `unknown_site`."""
        async with self._database.reading() as session:
            return await _findings(session, await records.get(session, Site, site_id))


def _check_own(entry: Site, values: Mapping[str, Any]) -> None:
    """What an agency may not do by itself."""
    different = {name for name, value in values.items() if getattr(entry, name) != value}
    if different & _SO_ONLY:
        raise refusals.only_so()
    if entry.config_locked and different & LOCKED:
        raise refusals.locked(different & LOCKED)
    if any(getattr(entry, name) for name in different & _PLACE):  # what was empty is filled in, not moved
        raise refusals.relocation_needed()


async def prepared(session: AsyncSession, values: Mapping[str, Any]) -> Site:
    """A checked new site, not yet added."""
    given = dict(values)
    site_id = given.pop("id", None)
    if site_id is None:
        site_id = slug_of(given["name"], await taken(session, Site))
    elif await session.get(Site, site_id) is not None:
        raise refusals.exists("site", "điểm cầu", site_id)
    organisation = await records.get(session, Organisation, given["organisation_id"])
    await _check_carrier(session, given)
    return build(site_id, given, organisation)


def build(site_id: str, values: Mapping[str, Any], organisation: Organisation) -> Site:
    """A new site, unchecked and not yet added."""
    entry = Site(**(_defaults() | dict(values)), id=site_id, fingerprint={}, seen_fingerprint={})
    entry.folded = site_words(entry, organisation)
    entry.readiness = readiness_of(findings(entry.peripherals, entry.conditions, entry.presets, entry.seats))
    return entry


async def apply(
    session: AsyncSession,
    entry: Site,
    values: Mapping[str, Any],
    by: str,
    now: float,
    revision: int | None,
    command: str | None = None,
) -> bool:
    """Change a site, with its readiness and what is searched; whether anything was different."""
    await _check_carrier(session, values)
    if "organisation_id" in values:
        await records.get(session, Organisation, values["organisation_id"])
    if not await records.change(session, entry, values, by, now, revision, command):
        return False
    entry.folded = site_words(entry, await records.get(session, Organisation, entry.organisation_id))
    entry.readiness = readiness_of(await _findings(session, entry))
    await session.flush()
    return True


async def refresh_readiness(session: AsyncSession, site_id: str | None) -> None:
    """After a fault was told or solved."""
    if site_id is not None:
        site = await records.get(session, Site, site_id)
        site.readiness = readiness_of(await _findings(session, site))
        await session.flush()


async def _findings(session: AsyncSession, site: Site) -> list[Finding]:
    urgent = await session.scalars(select(Fault.urgent).where(Fault.site_id == site.id, Fault.state != "done"))
    return findings(site.peripherals, site.conditions, site.presets, site.seats, list(urgent))


async def _check_carrier(session: AsyncSession, values: Mapping[str, Any]) -> None:
    carrier = values.get("carrier_id")
    if carrier is not None and (await records.get(session, Organisation, carrier)).kind != "carrier":
        raise refusals.not_a_carrier(carrier)


def _defaults() -> dict[str, Any]:
    return {
        "room": "",
        "address": "",
        "endpoint_type": "browser",
        "endpoint": {},
        "peripherals": {},
        "presets": [],
        "seats": None,
        "network": "tslcd",
        "allowed_networks": [],
        "carrier_id": None,
        "line_code": "",
        "line_mbps": None,
        "reserve_line": "",
        "conditions": {},
        "config_locked": False,
        "remark": "",
        "active": True,
    }
