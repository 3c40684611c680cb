"""What an agency sees of itself: its sites, what is due, what is open (S55, article 13.1), and what is still missing
of its duties (articles 13.3, 15.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.directory import records
from control_api.directory.directory import certified
from control_api.directory.fields import today
from control_api.directory.readiness import Finding
from control_api.directory.tables import (
    Asset,
    ChangeRequest,
    Contact,
    DirectoryNotice,
    Fault,
    Organisation,
    Site,
    Trainee,
)
from control_api.store.database import Database

AHEAD = timedelta(days=60)  # maintenance and certificates that will be due
_MOST = 200  # of each list


@dataclass(frozen=True, slots=True)
class Overview:
    organisation: Organisation
    sites: Sequence[Site]
    due: Sequence[Asset]
    faults: Sequence[Fault]
    requests: Sequence[ChangeRequest]
    ending: Sequence[Trainee]  # certificates that end, have ended, or are missing
    assets: int
    notices: int  # nobody has taken note of
    duties: Sequence[Finding]  # what the regulation asks for and the directory does not have


class Portal:
    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def overview(self, organisation_id: str) -> Overview:
        """Raises OperatorError `unknown_organisation`."""
        day = today(self._now())
        until = (day + AHEAD).isoformat()
        async with self._database.reading() as session:
            organisation = await records.get(session, Organisation, organisation_id)
            sites = list(
                await session.scalars(
                    select(Site)
                    .where(Site.organisation_id == organisation_id, Site.active)
                    .order_by(Site.name, Site.id)
                    .limit(_MOST)
                )
            )
            mine = Asset.organisation_id == organisation_id
            due = await session.scalars(
                select(Asset)
                .where(mine, Asset.due_on.is_not(None), Asset.due_on <= until, Asset.state != "retired")
                .order_by(Asset.due_on, Asset.id)
                .limit(_MOST)
            )
            faults = await session.scalars(
                select(Fault)
                .where(Fault.organisation_id == organisation_id, Fault.state != "done")
                .order_by(Fault.urgent.desc(), Fault.reported_at.desc())
                .limit(_MOST)
            )
            requests = await session.scalars(
                select(ChangeRequest)
                .where(ChangeRequest.organisation_id == organisation_id, ChangeRequest.state.in_(("open", "approved")))
                .order_by(ChangeRequest.asked_at.desc())
                .limit(_MOST)
            )
            ending = await session.scalars(
                select(Trainee)
                .where(
                    Trainee.organisation_id == organisation_id,
                    Trainee.active,
                    (Trainee.certificate == "") | (Trainee.expires_on <= until),
                )
                .order_by(Trainee.expires_on, Trainee.name)
                .limit(_MOST)
            )
            return Overview(
                organisation=organisation,
                sites=sites,
                due=list(due),
                faults=list(faults),
                requests=list(requests),
                ending=list(ending),
                assets=await _count(session, Asset, mine, Asset.state != "retired"),
                notices=await _count(
                    session,
                    DirectoryNotice,
                    DirectoryNotice.to_id == organisation_id,
                    DirectoryNotice.seen_at.is_(None),
                ),
                duties=await _duties(session, organisation, bool(sites), day),
            )


async def _duties(session: AsyncSession, organisation: Organisation, has_sites: bool, day: date) -> list[Finding]:
    found: list[Finding] = []
    if not (organisation.accountable_name or organisation.accountable_position):
        found.append(
            Finding(
                "no_accountable",
                "Chưa khai báo người đứng đầu chịu trách nhiệm (Điều 15).",
                "Nobody is named who answers for the system (article 15).",
            )
        )
    if not has_sites:
        return found
    of_it = Contact.organisation_id == organisation.id
    if not await _count(session, Contact, of_it, Contact.role == "technical"):
        found.append(
            Finding(
                "no_technical_contact",
                "Chưa gửi danh sách đầu mối phụ trách kỹ thuật (Điều 13, khoản 3).",
                "No technical contact is registered (article 13.3).",
            )
        )
    if not await _count(session, Contact, of_it, Contact.role == "team"):
        found.append(
            Finding(
                "no_team",
                "Chưa khai báo tổ quản lý, vận hành (Điều 13, khoản 3).",
                "No operating team is registered (article 13.3).",
            )
        )
    if not await _count(session, Trainee, Trainee.organisation_id == organisation.id, *certified(day)):
        found.append(
            Finding(
                "nobody_certified",
                "Chưa có người vận hành đã được tập huấn (Điều 6, khoản 3).",
                "Nobody there is trained to operate the system (article 6.3).",
            )
        )
    return found


async def _count(
    session: AsyncSession,
    kind: type[Asset] | type[Contact] | type[Trainee] | type[DirectoryNotice],
    *where: ColumnElement[bool],
) -> int:
    return int(await session.scalar(select(func.count()).select_from(kind).where(*where)) or 0)
