"""Organisations, sites and their history (S06, S09, S10, S17, S19, S64, S96)."""

from __future__ import annotations

from typing import Any

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Right
from control_api.accounts.scope import check_scope, not_yours, reads, sees_all
from control_api.api import Call, Routes
from control_api.directory import records
from control_api.directory.directory import SiteFilter
from control_api.directory.equipment_models import (
    AssetAnswer,
    ChangeRequestAnswer,
    FaultAnswer,
    PortalAnswer,
    PortalQuery,
    TraineeAnswer,
)
from control_api.directory.fields import OwnId, Slug, active_of
from control_api.directory.models import (
    ChangeAnswer,
    ChangesQuery,
    DirectoryNoticeAnswer,
    DirectorySiteAnswer,
    DirectorySiteChange,
    DirectorySiteDetail,
    FindingAnswer,
    Listing,
    NewDirectorySite,
    NewOrganisation,
    NoticeQuery,
    OrganisationAnswer,
    OrganisationChange,
    OrganisationQuery,
    SiteDetailQuery,
    SiteQuery,
    columns_of,
)
from control_api.directory.readiness import network_warning, seat_warning
from control_api.directory.tables import Organisation, Site
from control_api.problems import Refused

routes = Routes("directory")


def own(user: SignedIn, asked: str | None) -> str | None:
    """Whose entries this account lists: what it asked for within its scope; None: everybody's, empty: nobody's.

    Raises Refused `not_yours`.
    """
    if sees_all(user):
        return asked
    if asked is not None:
        check_scope(user, asked)
    return user.organisation or ""


def total(call: Call, number: int) -> None:
    call.headers["X-Total-Count"] = str(number)


def organisation_answer(user: SignedIn, row: Organisation) -> OrganisationAnswer:
    """Everything, or of somebody else's what is published: its name and its place among the others (S25)."""
    answer = OrganisationAnswer.model_validate(row)
    return answer if reads(user, row.id) else answer.model_copy(update=_NOT_PUBLISHED_OF_ORGANISATIONS)


def site_answer(user: SignedIn, row: Site) -> DirectorySiteAnswer:
    """Everything, or of somebody else's what is published: name, place, seats, readiness (S25)."""
    answer = DirectorySiteAnswer.model_validate(row)
    return answer if reads(user, row.organisation_id) else answer.model_copy(update=_NOT_PUBLISHED_OF_SITES)


_NOT_PUBLISHED_OF_ORGANISATIONS: dict[str, Any] = {
    "accountable_name": "",
    "accountable_position": "",
    "accountable_phone": "",
    "phone": "",
    "email": "",
    "remark": "",
    "changed_by": "",
}
_NOT_PUBLISHED_OF_SITES: dict[str, Any] = {
    "endpoint": {},
    "peripherals": {},
    "presets": [],
    "network": "tslcd",
    "allowed_networks": [],
    "carrier_id": None,
    "line_code": "",
    "line_mbps": None,
    "reserve_line": "",
    "conditions": {},
    "config_locked": False,
    "fingerprint": {},
    "seen_fingerprint": {},
    "remark": "",
    "changed_by": "",
}


# -------------------------------------------------------------------------------------------------- organisations


@routes.get("/directory/organisations", right=Right.READ)
async def list_organisations(call: Call, query: OrganisationQuery) -> list[OrganisationAnswer]:
    """Agencies, communes and carriers by name; `q` is searched without diacritics. An agency's account is told the
    names of the others, and everything of its own."""
    found, number = await call.services.directory.organisations(
        query.q,
        kind=query.kind,
        parent=query.parent,
        active=active_of(query.active),
        offset=query.offset,
        limit=query.limit,
    )
    total(call, number)
    return [organisation_answer(call.user, one) for one in found]


@routes.post("/directory/organisations", right=Right.DECIDE, status=201)
async def add_organisation(call: Call, body: NewOrganisation) -> OrganisationAnswer:
    """Register an organisation; the Sở's staff only."""
    made = await call.services.registry.organisations.make(columns_of(body, new=True), call.user, call.command_id)
    call.headers["Location"] = f"{call.request.path}/{made.id}"
    return OrganisationAnswer.model_validate(made)


@routes.get("/directory/organisations/{organisation}", right=Right.READ)
async def get_organisation(call: Call, organisation: Slug) -> OrganisationAnswer:
    """One organisation, with who answers for it; of another agency its name only."""
    return organisation_answer(call.user, await call.services.directory.organisation(organisation))


@routes.patch("/directory/organisations/{organisation}", right=Right.MAINTAIN)
async def change_organisation(call: Call, organisation: Slug, body: OrganisationChange) -> OrganisationAnswer:
    """Change an organisation: its own accounts its contact data, the Sở everything."""
    changed = await call.services.registry.organisations.change(
        organisation, columns_of(body), body.revision, call.user, call.command_id
    )
    return OrganisationAnswer.model_validate(changed)


@routes.get("/directory/organisations/{organisation}/changes", right=Right.READ)
async def list_organisation_changes(call: Call, organisation: Slug, query: Listing) -> list[ChangeAnswer]:
    """Who changed what of an organisation and when, the newest first."""
    await call.services.directory.organisation(organisation)
    return await _history(call, "organisation", organisation, organisation, query)


# ---------------------------------------------------------------------------------------------------------- sites


@routes.get("/directory/sites", right=Right.READ)
async def list_directory_sites(call: Call, query: SiteQuery) -> list[DirectorySiteAnswer]:
    """Sites by name; `q` is searched without diacritics, also in the address and the organisation's name. Of other
    agencies' sites an agency's account is told name, place and seats: whom it may invite."""
    found, number = await call.services.directory.sites(
        SiteFilter(
            words=query.q,
            organisation=query.organisation,
            kind=query.kind,
            endpoint_type=query.endpoint_type,
            readiness=query.readiness,
            active=active_of(query.active),
        ),
        offset=query.offset,
        limit=query.limit,
    )
    total(call, number)
    return [site_answer(call.user, one) for one in found]


@routes.post("/directory/sites", right=Right.MAINTAIN, status=201)
async def add_directory_site(call: Call, body: NewDirectorySite) -> DirectorySiteAnswer:
    """Register a site of one's organisation."""
    made = await call.services.registry.sites.make(columns_of(body, new=True), call.user, call.command_id)
    call.headers["Location"] = f"{call.request.path}/{made.id}"
    return DirectorySiteAnswer.model_validate(made)


@routes.get("/directory/sites/{site}", right=Right.READ)
async def get_directory_site(call: Call, site: Slug, query: SiteDetailQuery) -> DirectorySiteDetail:
    """One site, its organisation, and what should be put right; with `attendees` also whether the seats suffice."""
    found = await call.services.directory.site(site)
    organisation = await call.services.directory.organisation(found.organisation_id)
    own_site = reads(call.user, found.organisation_id)
    findings = await call.services.registry.sites.findings(site) if own_site else []
    of_all = call.services.settings.security.site_networks
    if own_site and (open_to_all := network_warning(found.network, found.allowed_networks, of_all)) is not None:
        findings.insert(0, open_to_all)
    if query.attendees is not None and (warning := seat_warning(found.seats, query.attendees)) is not None:
        findings.insert(0, warning)
    values = site_answer(call.user, found).model_dump()
    return DirectorySiteDetail(
        **values,
        organisation=organisation_answer(call.user, organisation),
        findings=tuple(FindingAnswer.of(one) for one in findings),
    )


@routes.patch("/directory/sites/{site}", right=Right.MAINTAIN)
async def change_directory_site(call: Call, site: Slug, body: DirectorySiteChange) -> DirectorySiteAnswer:
    """Change a site. Networks and a locked configuration are the Sở's; a room moves by a relocation."""
    changed = await call.services.registry.sites.change(
        site, columns_of(body), body.revision, call.user, call.command_id
    )
    return DirectorySiteAnswer.model_validate(changed)


@routes.get("/directory/sites/{site}/changes", right=Right.READ)
async def list_site_changes(call: Call, site: Slug, query: Listing) -> list[ChangeAnswer]:
    """Who changed what of a site and when, the newest first."""
    found = await call.services.directory.site(site)
    return await _history(call, "site", site, found.organisation_id, query)


async def _history(
    call: Call, subject: str, subject_id: str, organisation: str | None, query: Listing
) -> list[ChangeAnswer]:
    check_scope(call.user, organisation)
    async with call.services.database.reading() as session:
        rows = await records.history(session, query.offset, query.limit, subject=subject, subject_id=subject_id)
        total(call, await records.history_length(session, subject=subject, subject_id=subject_id))
    return [ChangeAnswer.of(row) for row in rows]


@routes.get("/directory/changes", right=Right.READ)
async def list_directory_changes(call: Call, query: ChangesQuery) -> list[ChangeAnswer]:
    """All changes of the directory, of one's organisation or of everybody, the newest first."""
    whose = own(call.user, query.organisation)
    async with call.services.database.reading() as session:
        rows = await records.history(session, query.offset, query.limit, organisation=whose)
        total(call, await records.history_length(session, organisation=whose))
    return [ChangeAnswer.of(row) for row in rows]


# --------------------------------------------------------------------------------------------- portal and notices


@routes.get("/directory/portal", right=Right.READ)
async def get_portal(call: Call, query: PortalQuery) -> PortalAnswer:
    """What an agency sees of itself: sites, maintenance that is due, open faults, duties (S55)."""
    whose = own(call.user, query.organisation)
    if whose == "":
        raise not_yours()
    if whose is None:
        manager = await call.services.directory.manager()
        if manager is None:
            raise Refused(
                "no_organisation",
                "Hãy chọn cơ quan cần xem.",
                "Name the organisation that you want to see.",
            )
        whose = manager.id
    seen = await call.services.registry.portal.overview(whose)
    return PortalAnswer(
        organisation=OrganisationAnswer.model_validate(seen.organisation),
        sites=tuple(DirectorySiteAnswer.model_validate(one) for one in seen.sites),
        due=tuple(AssetAnswer.model_validate(one) for one in seen.due),
        faults=tuple(FaultAnswer.model_validate(one) for one in seen.faults),
        requests=tuple(ChangeRequestAnswer.model_validate(one) for one in seen.requests),
        ending=tuple(TraineeAnswer.model_validate(one) for one in seen.ending),
        assets=seen.assets,
        notices=seen.notices,
        duties=tuple(FindingAnswer.of(one) for one in seen.duties),
    )


@routes.get("/directory/notices", right=Right.SIGNED_IN)
async def list_directory_notices(call: Call, query: NoticeQuery) -> list[DirectoryNoticeAnswer]:
    """What one's organisation, or the Sở, must take note of."""
    found, number = await call.services.registry.notices.of(
        call.user, unseen=query.unseen, offset=query.offset, limit=query.limit
    )
    total(call, number)
    mailed = await call.services.registry.notices.mailed(found)
    answers = [DirectoryNoticeAnswer.model_validate(one) for one in found]
    return [one.model_copy(update={"mail": mailed.get(one.id)}) for one in answers]


@routes.post("/directory/notices/{directory_notice}/seen", right=Right.SIGNED_IN)
async def see_directory_notice(call: Call, directory_notice: OwnId) -> DirectoryNoticeAnswer:
    """Take note."""
    return DirectoryNoticeAnswer.model_validate(await call.services.registry.notices.see(directory_notice, call.user))


@routes.post("/directory/notices/{directory_notice}/again", right=Right.MAINTAIN, status=204)
async def send_directory_notice_again(call: Call, directory_notice: OwnId) -> None:
    """Send its letter again that failed or may not have arrived, to the address the directory has now."""
    mail = call.services.settings.mail
    await call.services.registry.notices.send_again(directory_notice, call.user, mail)
