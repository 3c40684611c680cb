"""Faults of devices and lines, told to the Sở at once and followed until they are solved (S56, article 13.3a)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, select

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import check_scope, not_yours, of_so, sees_all
from control_api.directory import records, refusals
from control_api.directory.contacts import check_site
from control_api.directory.notices import notify
from control_api.directory.sites import refresh_readiness
from control_api.directory.tables import Asset, Fault, Organisation, Site
from control_api.store.database import Database

State = Literal["open", "in_progress", "done"]

STATES_VI = {"open": "mới báo", "in_progress": "đang xử lý", "done": "đã xử lý"}
STEPS: dict[str, frozenset[str]] = {
    "open": frozenset({"in_progress", "done"}),
    "in_progress": frozenset({"open", "done"}),
    "done": frozenset({"open"}),  # it came back
}
_MOST_FIGURES = 60


@dataclass(frozen=True, slots=True)
class FaultFilter:
    organisation: str | None = None
    site: str | None = None
    state: str | None = None
    kind: str | None = None
    unsolved: bool = False


class Faults:
    """Methods are one transaction.  `now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def find(self, what: FaultFilter, offset: int = 0, limit: int = 500) -> tuple[list[Fault], int]:
        """A page of faults, urgent and new ones first, and how many there are."""
        where: list[ColumnElement[bool]] = []
        for column, value in (
            (Fault.organisation_id, what.organisation),
            (Fault.site_id, what.site),
            (Fault.state, what.state),
            (Fault.kind, what.kind),
        ):
            if value is not None:
                where.append(column == value)
        if what.unsolved:
            where.append(Fault.state != "done")
        order = ((Fault.state == "done"), Fault.urgent.desc(), Fault.reported_at.desc(), Fault.id)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(Fault).where(*where))
            found = select(Fault).where(*where).order_by(*order).offset(offset).limit(limit)
            return list(await session.scalars(found)), int(total or 0)

    async def get(self, fault_id: str) -> Fault:
        """Raises OperatorError `unknown_fault`."""
        async with self._database.reading() as session:
            return await records.get(session, Fault, fault_id)

    async def report(self, values: Mapping[str, Any], user: SignedIn, command: str | None = None) -> Fault:
        """Tell of a fault.  Raises OperatorError `unknown_organisation`, `unknown_site`, `unknown_asset`, Refused
        `not_yours` or `wrong_site`."""
        check_scope(user, values["organisation_id"])
        return await self._report(values, user.username, user.name, command)

    async def report_from_site(
        self,
        site_id: str,
        title: str,
        *,
        kind: str = "other",
        text: str = "",
        figures: Mapping[str, Any] | None = None,
        conference: str | None = None,
        by: str = "site",
        command: str | None = None,
    ) -> Fault:
        """What a site says in a meeting or its check, with the figures of its line and devices.

        `by` is who sent it on, `command` names the report so that it is told once.  Raises OperatorError
        `unknown_site` when the directory has no such site.
        """
        async with self._database.reading() as session:
            site = await records.get(session, Site, site_id)
        values = {
            "organisation_id": site.organisation_id,
            "site_id": site_id,
            "conference_id": conference,
            "kind": kind,
            "title": title[:200],
            "text": text[:2000],
            "figures": dict(list((figures or {}).items())[:_MOST_FIGURES]),
        }
        return await self._report(values, by, site.name, command)

    async def _report(self, values: Mapping[str, Any], by: str, name: str, command: str | None) -> Fault:
        fault_id, now = records.new_id("sc", command), self._now()
        async with self._database.writing() as session:
            if (before := await session.get(Fault, fault_id)) is not None:
                return before
            organisation = await records.get(session, Organisation, values["organisation_id"])
            given = _DEFAULTS | dict(values)
            if given["site_id"] is not None:
                await check_site(session, given["site_id"], organisation.id)
            if given["asset_id"] is not None:
                asset = await records.get(session, Asset, given["asset_id"])
                if asset.organisation_id != organisation.id:
                    raise records.unknown("asset", asset.id)
            entry = Fault(**given, id=fault_id, state="open", reported_at=now, reported_by=name[:200])
            await records.add(session, entry, by, now, command)
            await refresh_readiness(session, entry.site_id)
            urgent_vi, urgent_en = (" KHẨN", " urgent") if entry.urgent else ("", "")
            await notify(
                session,
                "fault_reported",
                f"{organisation.name} báo sự cố{urgent_vi}: {entry.title}.",
                f"{organisation.name} reported an{urgent_en or ' open'} fault: {entry.title}.",
                now=now,
                organisation=organisation.id,
                site=entry.site_id,
                subject=entry.id,
            )
            return entry

    async def change(
        self, fault_id: str, values: Mapping[str, Any], revision: int, user: SignedIn, command: str | None = None
    ) -> Fault:
        """Correct a fault or move it on (`state`).

        Raises OperatorError `unknown_fault`, Refused `not_yours`, `wrong_state` or `changed_meanwhile`.
        """
        now = self._now()
        async with self._database.writing() as session:
            entry = await records.get(session, Fault, fault_id)
            check_scope(user, entry.organisation_id)
            if await records.done(session, command) is not None:
                return entry
            before, state = entry.state, values.get("state", entry.state)
            given = dict(values)
            if state != before:
                if state not in STEPS[before]:
                    raise refusals.bad_step("Phiếu sự cố", STATES_VI[before], STATES_VI[state])
                given |= _stamps(state, user.username, now)
            if await records.change(session, entry, given, user.username, now, revision, command):
                await refresh_readiness(session, entry.site_id)
                if state != before:
                    # whoever did not do it is told of it
                    to = entry.organisation_id if of_so(user) else None
                    await notify(
                        session,
                        f"fault_{state}",
                        f"Sự cố “{entry.title}”: {STATES_VI[state]}.",
                        f"Fault “{entry.title}”: {state.replace('_', ' ')}.",
                        now=now,
                        to=to,
                        organisation=entry.organisation_id,
                        site=entry.site_id,
                        subject=entry.id,
                    )
            return entry

    async def confirm_line(
        self, fault_id: str, state: State, outcome: str, revision: int, user: SignedIn, command: str | None = None
    ) -> tuple[Fault, Site]:
        """The carrier's word on a fault of a line it brings; the Sở and the agency are told.

        Raises OperatorError `unknown_fault`, Refused `not_yours`, `wrong_state` or `changed_meanwhile`.
        """
        now = self._now()
        async with self._database.writing() as session:
            entry = await records.get(session, Fault, fault_id)
            site = None if entry.site_id is None else await session.get(Site, entry.site_id)
            if site is None or entry.kind != "line":
                raise records.unknown("fault", fault_id)
            if not sees_all(user) and site.carrier_id != (user.organisation or ""):
                raise not_yours()
            if await records.done(session, command) is not None:
                return entry, site
            given: dict[str, Any] = {"outcome": outcome} if outcome else {}
            if state != entry.state:
                if state not in STEPS[entry.state]:
                    raise refusals.bad_step("Phiếu sự cố", STATES_VI[entry.state], STATES_VI[state])
                given |= {"state": state} | _stamps(state, user.username, now)
            if given and await records.change(session, entry, given, user.username, now, revision, command):
                await refresh_readiness(session, entry.site_id)
                which, english = f"“{entry.title}” ({site.name})", entry.state.replace("_", " ")
                for to in (None, entry.organisation_id):
                    await notify(
                        session,
                        f"fault_{entry.state}",
                        f"Đơn vị viễn thông về {which}: {STATES_VI[entry.state]}. {outcome}".strip(),
                        f"The carrier on {which}: {english}. {outcome}".strip(),
                        now=now,
                        to=to,
                        organisation=entry.organisation_id,
                        site=site.id,
                        subject=entry.id,
                    )
            return entry, site


_DEFAULTS: dict[str, Any] = {
    "site_id": None,
    "asset_id": None,
    "conference_id": None,
    "kind": "other",
    "urgent": False,
    "text": "",
    "figures": {},
    "outcome": "",
}


def _stamps(state: str, by: str, now: float) -> dict[str, Any]:
    if state == "in_progress":
        return {"taken_at": now, "taken_by": by}
    if state == "done":
        return {"done_at": now, "done_by": by}
    return {"done_at": None, "done_by": None, "taken_at": None, "taken_by": None}
