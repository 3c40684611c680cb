"""The register of equipment, and what has been done to it (S28, S54, S59; articles 7.2, 12, 13.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import check_scope
from control_api.directory import records
from control_api.directory.contacts import check_site
from control_api.directory.fields import today
from control_api.directory.search import folded, matches
from control_api.directory.tables import Asset, MaintenanceRow, Organisation
from control_api.directory.upkeep import CostCategory, Kept, PlanLine, next_due, plan_line
from control_api.store.database import Database

MOST_PLANNED = 20_000  # assets of one plan


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """Which assets to list; what is left out does not matter."""

    words: str = ""
    organisation: str | None = None
    site: str | None = None
    kind: str | None = None
    state: str | None = None
    due_until: date | None = None  # maintenance is due by then; neither retired nor unplanned ones


class Assets:
    """Methods are one transaction.  `now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def find(self, what: AssetFilter, offset: int = 0, limit: int = 500) -> tuple[list[Asset], int]:
        """A page of assets, those due first where days are asked for, and how many there are."""
        where = _conditions(what)
        order = (Asset.due_on, Asset.id) if what.due_until is not None else (Asset.name, Asset.id)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(Asset).where(*where))
            found = select(Asset).where(*where).order_by(*order).offset(offset).limit(limit)
            return list(await session.scalars(found)), int(total or 0)

    async def get(self, asset_id: str) -> Asset:
        """Raises OperatorError `unknown_asset`."""
        async with self._database.reading() as session:
            return await records.get(session, Asset, asset_id)

    async def make(self, values: Mapping[str, Any], user: SignedIn, command: str | None = None) -> Asset:
        """Raises OperatorError `unknown_organisation`, `unknown_site`, Refused `not_yours` or `wrong_site`."""
        check_scope(user, values["organisation_id"])
        asset_id = records.new_id("ts", command)
        async with self._database.writing() as session:
            if (before := await session.get(Asset, asset_id)) is not None:
                return before
            entry = await prepared(session, values, asset_id, today(self._now()))
            await records.add(session, entry, user.username, self._now(), command)
            return entry

    async def change(
        self, asset_id: str, values: Mapping[str, Any], revision: int, user: SignedIn, command: str | None = None
    ) -> Asset:
        """Raises OperatorError `unknown_asset`, `unknown_site`, Refused `not_yours`, `wrong_site` or
        `changed_meanwhile`."""
        async with self._database.writing() as session:
            entry = await records.get(session, Asset, asset_id)
            check_scope(user, entry.organisation_id)
            if await records.done(session, command) is not None:
                return entry
            if values.get("site_id") is not None:
                await check_site(session, values["site_id"], entry.organisation_id)
            due = _due(entry, values, today(self._now()))
            await records.change(session, entry, {**values, **due}, user.username, self._now(), revision, command)
            entry.folded = _folded(entry)
            await session.flush()
            return entry

    # -- what was done

    async def maintain(
        self, asset_id: str, values: Mapping[str, Any], user: SignedIn, command: str | None = None
    ) -> tuple[MaintenanceRow, Asset]:
        """Write down a maintenance or repair; the next one is due a period later.

        Raises OperatorError `unknown_asset`, Refused `not_yours`.
        """
        row_id = records.new_id("bt", command)
        async with self._database.writing() as session:
            asset = await records.get(session, Asset, asset_id)
            check_scope(user, asset.organisation_id)
            if (before := await session.get(MaintenanceRow, row_id)) is not None:
                return before, asset
            given = dict(values)
            works: bool | None = given.pop("works", None)
            given["cost_category"] = given.get("cost_category") or asset.cost_category
            row = MaintenanceRow(
                **given,
                id=row_id,
                asset_id=asset_id,
                organisation_id=asset.organisation_id,
                site_id=asset.site_id,
                recorded_at=self._now(),
                recorded_by=user.username,
            )
            session.add(row)
            after: dict[str, Any] = {}
            if row.kind != "inspection" and row.done_on >= (asset.maintained_on or ""):
                after["maintained_on"] = row.done_on
            if works is not None:
                after["state"] = "ready" if works else "broken"
            after |= _due(asset, after, today(self._now()))
            await records.change(session, asset, after, user.username, self._now())
            return row, asset

    async def done(
        self,
        *,
        asset: str | None = None,
        organisation: str | None = None,
        since: date | None = None,
        until: date | None = None,
        offset: int = 0,
        limit: int = 500,
    ) -> tuple[list[MaintenanceRow], int]:
        """What was done, the latest first, and how many there are."""
        where: list[ColumnElement[bool]] = []
        if asset is not None:
            where.append(MaintenanceRow.asset_id == asset)
        if organisation is not None:
            where.append(MaintenanceRow.organisation_id == organisation)
        if since is not None:
            where.append(MaintenanceRow.done_on >= since.isoformat())
        if until is not None:
            where.append(MaintenanceRow.done_on <= until.isoformat())
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(MaintenanceRow).where(*where))
            found = select(MaintenanceRow).where(*where)
            found = found.order_by(MaintenanceRow.done_on.desc(), MaintenanceRow.id).offset(offset).limit(limit)
            return list(await session.scalars(found)), int(total or 0)

    async def plan(self, year: int, organisation: str | None) -> list[tuple[Asset, Organisation, PlanLine]]:
        """What the year's plan of maintenance and replacement holds (S52, S59), by organisation and name."""
        wanted = select(Asset, Organisation).join(Organisation, Organisation.id == Asset.organisation_id)
        wanted = wanted.where(Asset.state != "retired")
        if organisation is not None:
            wanted = wanted.where(Asset.organisation_id == organisation)
        async with self._database.reading() as session:
            rows = await session.execute(wanted.order_by(Organisation.name, Asset.name, Asset.id).limit(MOST_PLANNED))
            planned = [(asset, owner, plan_line(_kept(asset), year)) for asset, owner in rows]
        return [(asset, owner, line) for asset, owner, line in planned if line is not None]


async def prepared(session: AsyncSession, values: Mapping[str, Any], asset_id: str, day: date) -> Asset:
    """A checked new asset, not yet added."""
    await records.get(session, Organisation, values["organisation_id"])
    given = _DEFAULTS | dict(values)
    if given["site_id"] is not None:
        await check_site(session, given["site_id"], given["organisation_id"])
    entry = Asset(**given, id=asset_id)
    entry.due_on = _due(entry, {}, day)["due_on"]
    entry.folded = _folded(entry)
    return entry


_DEFAULTS: dict[str, Any] = {
    "site_id": None,
    "cost_category": "small",
    "model": "",
    "serial": "",
    "code": "",
    "quantity": 1,
    "value_vnd": None,
    "bought_on": None,
    "warranty_until": None,
    "state": "ready",
    "every_months": None,
    "maintained_on": None,
    "replace_year": None,
    "planned_vnd": None,
    "remark": "",
}


def _due(entry: Asset, values: Mapping[str, Any], day: date) -> dict[str, str | None]:
    """When it is due after those values are set.  An asset that was due without any date keeps its day."""
    every, maintained, bought = (
        values.get(name, getattr(entry, name)) for name in ("every_months", "maintained_on", "bought_on")
    )
    if every is not None and maintained is None and bought is None and entry.due_on is not None:
        return {"due_on": entry.due_on}
    due = next_due(every, as_date(maintained), as_date(bought), day)
    return {"due_on": None if due is None else due.isoformat()}


def as_date(day: str | None) -> date | None:
    return None if day is None else date.fromisoformat(day)


def _kept(asset: Asset) -> Kept:
    return Kept(
        due_on=as_date(asset.due_on),
        every_months=asset.every_months,
        replace_year=asset.replace_year,
        broken=asset.state == "broken",
        planned_vnd=asset.planned_vnd,
        cost_category=cast(CostCategory, asset.cost_category),
    )


def _folded(entry: Asset) -> str:
    return folded(entry.name, entry.model, entry.serial, entry.code)


def _conditions(what: AssetFilter) -> list[ColumnElement[bool]]:
    where = matches(Asset.folded, what.words)
    for column, value in (
        (Asset.organisation_id, what.organisation),
        (Asset.site_id, what.site),
        (Asset.kind, what.kind),
        (Asset.state, what.state),
    ):
        if value is not None:
            where.append(column == value)
    if what.due_until is not None:
        where += [Asset.due_on.is_not(None), Asset.due_on <= what.due_until.isoformat(), Asset.state != "retired"]
    return where
