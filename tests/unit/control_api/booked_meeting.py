"""A booked meeting of two sites with certified operators, and its live conference."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from control_api.bookings.rules import HOUR
from control_api.bookings.steps import Step
from control_api.conferences.tables import JoinTokenRow, Seat
from control_api.directory.tables import Organisation, Site, Trainee
from control_api.services import Services
from mcu_core.commands import AddSite
from mcu_core.presence import Happening
from tests.unit.control_api.booking_rows import booking_row, site_row
from tests.unit.control_api.world import World

BOOKING, CONFERENCE = "b-0000000b01", "c-0000000b01"
START = 1796090400.0  # 2026-12-01 09:00 in Vietnam
SITES = (("tinh", "Trung tâm điều hành", "main", "so-khcn"), ("so-y-te", "Sở Y tế", "member", "so-y-te"))


async def booked(
    services: Services,
    *,
    state: Step = Step.ANNOUNCED,
    starts_at: float = START,
    trial_at: float | None = START - 20 * HOUR,
    urgent: bool = False,
) -> None:
    """A booking of two sites, the Sở's organisation among them, and one certified operator each."""
    stamp = {"created_at": 0.0, "changed_at": 0.0, "changed_by": "lan"}
    async with services.database.writing() as session:
        for organisation, kind, manager in (("so-khcn", "department", True), ("so-y-te", "department", False)):
            session.add(
                Organisation(
                    id=organisation, name=organisation, kind=kind, is_manager=manager, folded=organisation, **stamp
                )
            )
        await session.flush()
        for site, name, _, organisation in SITES:
            session.add(Site(id=site, organisation_id=organisation, name=name, seats=20, folded=site, **stamp))
        for trainee, organisation, expires in (
            ("p-so", "so-khcn", None),
            ("p-yte", "so-y-te", "2027-01-01"),
            ("p-old", "so-khcn", "2026-11-30"),
        ):
            session.add(
                Trainee(
                    id=trainee,
                    organisation_id=organisation,
                    name=f"Cán bộ {trainee}",
                    position="Chuyên viên",
                    phone="0912345678",
                    certificate="CN-01",
                    expires_on=expires,
                    folded=trainee,
                    **stamp,
                )
            )
        session.add(
            booking_row(BOOKING, CONFERENCE, "so-khcn", starts_at, trial_at=trial_at, state=state.value, urgent=urgent)
        )
        await session.flush()
        for position, (site, name, role, organisation) in enumerate(SITES):
            count = 25 if role == "member" else 10
            session.add(site_row(BOOKING, position, site, name, organisation, attendee_count=count))


async def go_live(world: World, *connected: str) -> None:
    """The live conference of the booking; `connected` sites hold a seat."""
    live: Any = world.services.live
    await live.create_conference("Họp giao ban tháng 12", actor=None, conference_id=CONFERENCE)
    for site, name, role, _ in SITES:
        await live.command(CONFERENCE, AddSite(name, "main" if role == "main" else "member", site), actor=None)
    await connect(world, *connected)


async def connect(world: World, *sites: str) -> None:
    live: Any = world.services.live
    room = live._room(CONFERENCE)
    for site in sites:
        room.presence.tell(site, Happening.JOINED)
        room.presence.tell(site, Happening.CONNECTED)
        async with world.services.database.writing() as session:
            token = {"id": f"t-{site}", "digest": site, "conference_id": CONFERENCE, "site": site, "view": "programme"}
            await session.execute(insert(JoinTokenRow).values(**token, created_at=0.0))
            await session.execute(
                insert(Seat).values(
                    id=f"s-{site}",
                    conference_id=CONFERENCE,
                    site=site,
                    view="programme",
                    token_id=f"t-{site}",
                    relay="0",
                    microphone=True,
                    camera=True,
                    screen=False,
                )
            )
    room.changed()


DUTY: dict[str, Any] = {
    "party": "so",
    "operator": "p-so",
    "starts_at": "2026-11-30T13:00:00+07:00",
    "ends_at": "2026-12-01T11:00:00+07:00",
}
