"""Sites of a conference and their join links."""

from __future__ import annotations

from control_api.accounts.rules import Right
from control_api.api import Call, Routes
from control_api.conferences.models import ConferenceId, LinkAnswer, NewSite, Page, SiteAnswer, SiteChange, SiteId
from control_api.conferences.routes import command
from control_api.live.store import Json
from control_api.proxies import request_origin
from mcu_core.commands import AddSite, Command, RemoveSite, RenameSite, SetGain, SetRole
from mcu_core.errors import OperatorError

routes = Routes("sites")


@routes.get("/conferences/{conference}/sites", right=Right.READ)
async def list_sites(call: Call, conference: ConferenceId, query: Page) -> list[SiteAnswer]:
    """Sites in the order of their numbers."""
    sites = call.services.live.state(conference)["sites"]
    call.headers["X-Total-Count"] = str(len(sites))
    return [SiteAnswer.model_validate(site) for site in sites[query.offset : query.offset + query.limit]]


@routes.post("/conferences/{conference}/sites", right=Right.OPERATE, status=201)
async def add_site(call: Call, conference: ConferenceId, body: NewSite) -> SiteAnswer:
    """Add a site."""
    state = await command(call, conference, AddSite(body.name, body.role, body.id))
    site = max(state.sites, key=lambda site: site.number)  # numbers grow: it is the one just added
    call.headers["Location"] = f"{call.request.path}/{site.id}"
    return site


@routes.patch("/conferences/{conference}/sites/{site}", right=Right.OPERATE)
async def change_site(call: Call, conference: ConferenceId, site: SiteId, body: SiteChange) -> SiteAnswer:
    """Rename a site, change its role or its gain."""
    changes: list[tuple[str, Command]] = []
    if body.name is not None:
        changes.append(("name", RenameSite(site, body.name)))
    if body.role is not None:
        changes.append(("role", SetRole(site, body.role)))
    if body.gain_db is not None:
        changes.append(("gain", SetGain(site, body.gain_db)))
    for part, change in changes:
        await command(call, conference, change, part=part)
    return SiteAnswer.model_validate(known_site(call, conference, site))


@routes.delete("/conferences/{conference}/sites/{site}", right=Right.OPERATE)
async def remove_site(call: Call, conference: ConferenceId, site: SiteId) -> None:
    """Remove a site: it is disconnected and its link stops working."""
    await command(call, conference, RemoveSite(site))


@routes.post("/conferences/{conference}/sites/{site}/link", right=Right.OPERATE)
async def make_link(call: Call, conference: ConferenceId, site: SiteId) -> LinkAnswer:
    """A new join link for a site; the one before stops working. Shown only now: the MCU keeps a hash of it."""
    known_site(call, conference, site)
    token = await call.services.live.issue_link(conference, site, actor=call.user.username)
    return LinkAnswer(url=f"{public_url(call)}/join/{token}", token=token)


@routes.delete("/conferences/{conference}/sites/{site}/link", right=Right.OPERATE)
async def revoke_link(call: Call, conference: ConferenceId, site: SiteId) -> None:
    """Revoke a site's join link."""
    known_site(call, conference, site)
    await call.services.live.revoke_link(conference, site, actor=call.user.username)


def known_site(call: Call, conference: str, site: str) -> Json:
    """Raises OperatorError `unknown_conference` or `unknown_site`."""
    for one in call.services.live.state(conference)["sites"]:
        if one["id"] == site:
            found: Json = one
            return found
    raise OperatorError("unknown_site", f"Phiên họp không có điểm cầu {site}.", f"The conference has no site {site}.")


def public_url(call: Call) -> str:
    """How people reach this server: the configured address, or the one the operator uses."""
    configured = call.services.settings.http.public_urls
    return configured[0] if configured else request_origin(call.request, call.services.settings)
