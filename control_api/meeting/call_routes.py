"""Getting sites into the conference: call those that are absent, and whom to telephone (S44, S83)."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from control_api.accounts.rules import Right
from control_api.api import Call, Model, Routes
from control_api.conferences.models import Answer, ConferenceId, SiteId
from control_api.conferences.sites import known_site
from control_api.meeting.invitations import Invited
from mcu_core.errors import OperatorError

routes = Routes("meeting")


class SitesCalled(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sites": ["xa-van-mon"]}]})

    sites: tuple[SiteId, ...] | None = Field(
        default=None, min_length=1, max_length=1000, description="Left out: every site that is absent."
    )


class InvitationAnswer(Answer):
    site: str
    number: int
    name: str
    state: str
    progress: Literal["connected", "connecting", "called", "given_up", "not_called"]
    tries: int
    last_at: float | None
    last_by: str | None = Field(description="Null: the MCU itself.")
    way: Literal["page", "notice", "phone"] | None = Field(
        description='"page": rung on its open page; "notice": by e-mail; "phone": neither, somebody must call.'
    )
    next_at: float | None = Field(description="When the MCU calls again by itself.")


class CardContact(Answer):
    role: str
    name: str
    position: str
    phone: str
    email: str


class ContactCard(Answer):
    site: str
    name: str
    organisation: str | None
    room: str
    address: str
    network: str | None
    line_code: str
    reserve_line: str
    contacts: tuple[CardContact, ...]


@routes.get("/conferences/{conference}/invitations", right=Right.READ)
async def list_invitations(call: Call, conference: ConferenceId) -> list[InvitationAnswer]:
    """Each site: is it there, and how often was it called."""
    return [_invited(one) for one in await call.services.meeting.invitations.all(conference)]


@routes.post("/conferences/{conference}/invitations", right=Right.OPERATE)
async def call_sites(call: Call, conference: ConferenceId, body: SitesCalled) -> list[InvitationAnswer]:
    """Call the sites that are absent, on their open pages and by e-mail; the MCU calls again by itself."""
    found = await call.services.meeting.invitations.call(
        conference, body.sites, by=call.user.username, at=call.services.now()
    )
    return [_invited(one) for one in found]


@routes.get("/conferences/{conference}/sites/{site}/contact", right=Right.READ)
async def get_contact_card(call: Call, conference: ConferenceId, site: SiteId) -> ContactCard:
    """Whom to telephone at a site, and which line it has. A site the directory does not know has an empty card."""
    name = str(known_site(call, conference, site)["name"])
    directory = call.services.directory
    try:
        known = await directory.site(site)
    except OperatorError:
        return ContactCard(
            site=site, name=name, organisation=None, room="", address="", network=None, line_code="", reserve_line="",
            contacts=(),
        )  # fmt: skip
    contacts = tuple(
        CardContact(role=one.role, name=one.name, position=one.position, phone=one.phone, email=one.email)
        for one in await directory.contacts(site)
    )
    return ContactCard(
        site=site,
        name=known.name,
        organisation=(await directory.organisation(known.organisation_id)).name,
        room=known.room,
        address=known.address,
        network=known.network,
        line_code=known.line_code,
        reserve_line=known.reserve_line,
        contacts=contacts,
    )


def _invited(one: Invited) -> InvitationAnswer:
    return InvitationAnswer.model_validate({name: getattr(one, name) for name in InvitationAnswer.model_fields})
