"""Leave to change a site's equipment, and relocations of rooms (S19, S20; article 5.6); endpoints that are not the
approved ones.

A request is open until the Sở decides; what was approved is applied when it has been done.  A relocation goes to two
recipients who must both acknowledge it, the Sở and the carrier of the line, before it can be completed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Role
from control_api.accounts.scope import check_scope, not_yours, of_so
from control_api.directory import records, refusals
from control_api.directory.fingerprints import differences
from control_api.directory.notices import notify
from control_api.directory.sites import apply
from control_api.directory.tables import ChangeRequest, Organisation, Site
from control_api.store.database import Database

STATES_VI = {
    "open": "chờ duyệt",
    "approved": "đã duyệt",
    "refused": "từ chối",
    "done": "đã thực hiện",
    "withdrawn": "đã rút",
}
_KINDS_VI = {
    "configuration": "đề nghị thay đổi thiết bị",
    "endpoint": "đề nghị đổi thiết bị đầu cuối",
    "relocation": "phiếu di chuyển điểm cầu",
}
_KINDS_EN = {"configuration": "a change of equipment", "endpoint": "another endpoint", "relocation": "a relocation"}


class Requests:
    """Methods are one transaction.  `now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def find(
        self,
        *,
        organisation: str | None = None,
        carrier: str | None = None,
        site: str | None = None,
        kind: str | None = None,
        state: str | None = None,
        offset: int = 0,
        limit: int = 500,
    ) -> tuple[list[ChangeRequest], int]:
        """A page of requests, the newest first, and how many there are.  With both `organisation` and `carrier`: those
        of either."""
        where: list[ColumnElement[bool]] = []
        owners = [
            column == value
            for column, value in (
                (ChangeRequest.organisation_id, organisation),
                (ChangeRequest.carrier_id, carrier),
            )
            if value is not None
        ]
        if owners:
            where.append(or_(*owners))
        for column, value in ((ChangeRequest.site_id, site), (ChangeRequest.kind, kind), (ChangeRequest.state, state)):
            if value is not None:
                where.append(column == value)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(ChangeRequest).where(*where))
            found = select(ChangeRequest).where(*where).order_by(ChangeRequest.asked_at.desc(), ChangeRequest.id)
            return list(await session.scalars(found.offset(offset).limit(limit))), int(total or 0)

    async def get(self, request_id: str) -> ChangeRequest:
        """Raises OperatorError `unknown_change_request`."""
        async with self._database.reading() as session:
            return await records.get(session, ChangeRequest, request_id)

    async def ask(
        self,
        site_id: str,
        kind: str,
        reason: str,
        wanted: Mapping[str, Any],
        user: SignedIn,
        *,
        planned_on: str | None = None,
        carrier: str | None = None,
        command: str | None = None,
    ) -> ChangeRequest:
        """`wanted` are columns of the site.  A relocation needs both recipients: the Sở in the directory, and the
        site's carrier or the one named here.

        Raises OperatorError `unknown_site`, `unknown_organisation`, Refused `not_yours`, `not_a_carrier`,
        `recipients_missing` or `nothing_wanted`.
        """
        request_id, now = records.new_id("yc", command), self._now()
        async with self._database.writing() as session:
            site = await records.get(session, Site, site_id)
            check_scope(user, site.organisation_id)
            if (before := await session.get(ChangeRequest, request_id)) is not None:
                return before
            manager: str | None = None
            if kind == "relocation":
                manager = await session.scalar(select(Organisation.id).where(Organisation.is_manager).limit(1))
                carrier = carrier or site.carrier_id
                missing = [name for name, one in (("manager", manager), ("carrier", carrier)) if one is None]
                if missing:
                    raise refusals.recipients_missing(missing)
                assert carrier is not None
                if (await records.get(session, Organisation, carrier)).kind != "carrier":
                    raise refusals.not_a_carrier(carrier)
            if kind == "endpoint":
                wanted = {"fingerprint": site.seen_fingerprint} if site.seen_fingerprint else {}
            if not wanted:
                raise refusals.nothing_wanted()
            entry = ChangeRequest(
                id=request_id,
                site_id=site_id,
                organisation_id=site.organisation_id,
                kind=kind,
                reason=reason,
                wanted=dict(wanted),
                planned_on=planned_on,
                manager_id=manager,
                carrier_id=carrier if kind == "relocation" else None,
                manager_at=None,
                carrier_at=None,
                carrier_by=None,
                state="open",
                asked_at=now,
                asked_by=user.username,
                decided_at=None,
                decided_by=None,
                answer="",
            )
            await records.add(session, entry, user.username, now, command)
            for to in (None, entry.carrier_id) if kind == "relocation" else (None,):
                await notify(
                    session,
                    "relocation_asked" if kind == "relocation" else "change_asked",
                    f"{site.name}: {_KINDS_VI[kind]}. Lý do: {reason}",
                    f"{site.name} asks for {_KINDS_EN[kind]}. Reason: {reason}",
                    now=now,
                    to=to,
                    organisation=site.organisation_id,
                    site=site_id,
                    subject=entry.id,
                )
            return entry

    async def decide(
        self, request_id: str, approve: bool, answer: str, revision: int, user: SignedIn, command: str | None = None
    ) -> ChangeRequest:
        """The Sở approves or refuses; of a relocation this acknowledges it too.  An approved endpoint counts at once.

        Raises OperatorError `unknown_change_request`, Refused `only_so`, `wrong_state` or `changed_meanwhile`.
        """
        if not of_so(user):
            raise refusals.only_so()
        now = self._now()
        async with self._database.writing() as session:
            entry = await records.get(session, ChangeRequest, request_id)
            if await records.done(session, command) is not None:
                return entry
            _check_step(entry, "open", "approved" if approve else "refused")
            values: dict[str, Any] = {
                "state": "approved" if approve else "refused",
                "answer": answer,
                "decided_at": now,
                "decided_by": user.username,
            }
            if entry.kind == "relocation":
                values["manager_at"] = now
            if approve and entry.kind == "endpoint":
                site = await records.get(session, Site, entry.site_id)
                await records.change(session, site, {**entry.wanted, "seen_fingerprint": {}}, user.username, now)
                values["state"] = "done"
            await records.change(session, entry, values, user.username, now, revision, command)
            await notify(
                session,
                f"change_{'approved' if approve else 'refused'}",
                f"Sở {'đồng ý' if approve else 'không đồng ý'}: {_KINDS_VI[entry.kind]}. {answer}".strip(),
                f"The Sở {'approved' if approve else 'refused'} {_KINDS_EN[entry.kind]}. {answer}".strip(),
                now=now,
                to=entry.organisation_id,
                organisation=entry.organisation_id,
                site=entry.site_id,
                subject=entry.id,
            )
            return entry

    async def acknowledge(
        self, request_id: str, by: str, revision: int, user: SignedIn, command: str | None = None
    ) -> ChangeRequest:
        """The carrier has taken note of a relocation: its own account says so, or the Sở on its behalf (`by`: whom one
        spoke to).  Raises OperatorError `unknown_change_request`, Refused `not_yours`, `wrong_state` or
        `changed_meanwhile`."""
        async with self._database.writing() as session:
            entry = await records.get(session, ChangeRequest, request_id)
            own = user.role is Role.CARRIER and entry.carrier_id is not None and user.organisation == entry.carrier_id
            if not own and not of_so(user):
                raise not_yours()
            if await records.done(session, command) is not None:
                return entry
            if entry.kind != "relocation" or entry.state not in ("open", "approved"):
                raise refusals.bad_step("Đề nghị", STATES_VI[entry.state], "đã tiếp nhận")
            values = {"carrier_at": self._now(), "carrier_by": by or user.name}
            await records.change(session, entry, values, user.username, self._now(), revision, command)
            return entry

    async def complete(
        self, request_id: str, revision: int, user: SignedIn, command: str | None = None
    ) -> ChangeRequest:
        """It has been done: the site's entry gets what was wanted.  Raises OperatorError `unknown_change_request`,
        Refused `not_yours`, `wrong_state`, `not_acknowledged` or `changed_meanwhile`."""
        now = self._now()
        async with self._database.writing() as session:
            entry = await records.get(session, ChangeRequest, request_id)
            check_scope(user, entry.organisation_id)
            if await records.done(session, command) is not None:
                return entry
            _check_step(entry, "approved", "done")
            waiting = [
                name for name, at in (("manager", entry.manager_at), ("carrier", entry.carrier_at)) if at is None
            ]
            if entry.kind == "relocation" and waiting:
                raise refusals.not_acknowledged(waiting)
            site = await records.get(session, Site, entry.site_id)
            await apply(session, site, entry.wanted, user.username, now, None)
            await records.change(session, entry, {"state": "done"}, user.username, now, revision, command)
            return entry

    async def withdraw(
        self, request_id: str, revision: int, user: SignedIn, command: str | None = None
    ) -> ChangeRequest:
        """Raises OperatorError `unknown_change_request`, Refused `not_yours`, `wrong_state`, `changed_meanwhile`."""
        async with self._database.writing() as session:
            entry = await records.get(session, ChangeRequest, request_id)
            check_scope(user, entry.organisation_id)
            if await records.done(session, command) is not None:
                return entry
            if entry.state not in ("open", "approved"):
                raise refusals.bad_step("Đề nghị", STATES_VI[entry.state], STATES_VI["withdrawn"])
            values = {"state": "withdrawn"}
            await records.change(session, entry, values, user.username, self._now(), revision, command)
            return entry

    async def observe(self, site_id: str, seen: Mapping[str, Any]) -> list[str]:
        """An endpoint of the site has come in; what differs from the approved one, by name (S19).

        The first one is taken as it is.  A different one raises an alarm at the Sở; where the configuration is locked
        it stays beside the approved one until the Sở decides, else it takes its place.
        """
        now = self._now()
        async with self._database.reading() as session:
            site = await session.get(Site, site_id)
        if site is None or (site.fingerprint and not differences(site.fingerprint, seen)):
            return []
        async with self._database.writing() as session:
            site = await records.get(session, Site, site_id)
            if not site.fingerprint:
                await records.change(session, site, {"fingerprint": dict(seen)}, "mcu", now)
                return []
            found = differences(site.fingerprint, seen)
            if not found or site.seen_fingerprint == dict(seen):
                return found
            told = {"approved": dict(site.fingerprint), "seen": dict(seen), "differs": found}
            column = "seen_fingerprint" if site.config_locked else "fingerprint"
            await records.change(session, site, {column: dict(seen)}, "mcu", now)
            await notify(
                session,
                "endpoint_changed",
                f"{site.name}: thiết bị đầu cuối khác với thiết bị đã đăng ký. Hãy kiểm tra với điểm cầu.",
                f"{site.name}: the endpoint is not the registered one. Ask the site.",
                now=now,
                organisation=site.organisation_id,
                site=site_id,
                subject=site_id,
                data=told,
            )
            return found


def _check_step(entry: ChangeRequest, state: str, wanted: str) -> None:
    if entry.state != state:
        raise refusals.bad_step("Đề nghị", STATES_VI[entry.state], STATES_VI[wanted])
