"""Nothing of another organisation is told (S25, S27, articles 6.2b and 7.1): every route, asked from a foreign agency.

A route that answers must be in `COMMON` with the reason, or its answer must be empty; so a new route cannot forget it.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from sqlalchemy import select

from control_api.accounts.rules import Right, Role
from control_api.api import Route
from control_api.bookings.tables import BookingRow
from control_api.conferences.tables import Conference
from control_api.directory.tables import Organisation, Site
from control_api.services import Services
from tests.unit.control_api.booking_rows import booking_row
from tests.unit.control_api.directory_samples import set_organisation
from tests.unit.control_api.test_routes import ROUTES, ask, prepared
from tests.unit.control_api.world import World, refused

FOREIGN = "xa-la"
NARROWED = (Role.VIEWER, Role.HOST, Role.TECHNICIAN, Role.OPERATOR)  # roles of agencies
OTHERS = ("so-y-te", "Sở Y tế", "Ti vi", "Cán bộ kỹ thuật", "0912345678", "Họp kín", "BN-1")  # in the samples

PUBLISHED = {
    # names, places and seats: whom one may invite; see `test_s25_of_other_agencies_…`
    "get_directory_site",
    "get_organisation",
    "list_directory_sites",
    "list_organisations",
}
COMMON = {
    # one's own session and account
    "begin_second_factor",
    "change_own_password",
    "confirm_second_factor",
    "end_own_session",
    "end_second_factor",
    "own_sessions",
    "renew_recovery_codes",
    "second_factor",
    "sign_out",
    "who_am_i",
    # the province's: its rules, its machine, its catalogues, what it gives to everybody
    "change_layout",
    "create_layout",
    "get_capacity",
    "get_conflicts",
    "get_self_test",
    "list_courses",
    "list_layouts",
    "list_meeting_types",
    "list_room_templates",
    "list_self_tests",
    "remove_layout",
    "get_journal_key",
    # of one's own organisation, which has nothing
    "export_directory",
    "export_maintenance_plan",
    "export_training_plan",
    "get_maintenance_plan",
    "get_portal",
}


async def book(services: Services, conference: str) -> None:
    """The sample conference is a meeting of class B of another agency."""
    made: dict[str, Any] = {"created_at": 1.0, "changed_at": 1.0, "changed_by": "test"}
    async with services.database.writing() as session:
        if await session.get(Organisation, "so-y-te") is None:
            session.add(Organisation(id="so-y-te", name="Sở Y tế", kind="department", folded="so y te", **made))
            await session.flush()
        if await session.get(Organisation, FOREIGN) is None:
            session.add(Organisation(id=FOREIGN, name="UBND xã Lạ", kind="commune", folded="xa la", **made))
        if (
            conference
            and await session.scalar(select(BookingRow).where(BookingRow.conference_id == conference)) is None
        ):
            session.add(booking_row(f"b-{conference}", conference, "so-y-te", services.now(), title="Họp kín"))


async def others(world: World, route: Route) -> str:
    """The route's samples, all of another agency; the path of the route to them."""
    path = await prepared(world, route)
    async with world.services.database.reading() as session:
        conferences = list(await session.scalars(select(Conference.id)))
    for conference in conferences or [""]:
        await book(world.services, conference)
    await set_organisation(world.services, FOREIGN, *NARROWED)
    return path


def agency_role(right: Right) -> Role | None:
    """The smallest role of an agency that has the right; None: it is the Sở's, the auditor's or the carrier's."""
    return min((role for role in NARROWED if right in role.rights), key=lambda role: len(role.rights), default=None)


ASKED = sorted(name for name, route in ROUTES.items() if route.right is not None and agency_role(route.right))


@pytest.mark.parametrize("name", ASKED)
async def test_s25_s27_no_route_tells_a_foreign_agency_anything(world: World, name: str) -> None:
    route = ROUTES[name]
    path = await others(world, route)
    assert route.right is not None
    answer = await ask(world, route, path, agency_role(route.right))
    body = await answer.read()
    if answer.status in (403, 409):
        assert json.loads(body)["error"]["code"] in ("not_yours", "only_so", "booking_required"), body
    elif name in PUBLISHED:
        assert answer.status == 200
    elif name in COMMON:
        assert answer.status < 300, body
        assert not [one for one in OTHERS if one in text_of(body)]
    else:
        assert route.method == "GET", f"{name} did something: {answer.status} {body[:300]!r}"
        assert json.loads(body) == [], f"{name} tells a foreign agency {body[:300]!r}"


def text_of(body: bytes) -> str:
    """Of JSON, or of all parts of a workbook."""
    if not body.startswith(b"PK"):
        return body.decode()
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return "".join(book.read(name).decode(errors="replace") for name in book.namelist())


async def test_s25_of_other_agencies_the_directory_tells_names_places_and_seats(world: World) -> None:
    await others(world, ROUTES["get_directory_site"])
    async with world.services.database.writing() as session:
        site = await session.get_one(Site, "so-y-te")
        site.allowed_networks, site.line_code, site.remark = ["10.27.4.0/24"], "BN-77", "Phòng kín"
        site.endpoint = {"serial": "SN-4711"}
        organisation = await session.get_one(Organisation, "so-y-te")
        organisation.accountable_name, organisation.accountable_phone = "Người Đứng Đầu", "0987000111"
    secret = ("10.27.4.0/24", "BN-77", "Phòng kín", "SN-4711", "Người Đứng Đầu", "0987000111")
    paths = ("sites", "sites/so-y-te", "organisations", "organisations/so-y-te")
    for role, sees in ((Role.VIEWER, False), (Role.HOST, False), (Role.OPERATOR, False), (Role.OFFICER, True)):
        client = await world.sign_in(role)
        told = "".join([await (await client.get(f"/api/v1/directory/{path}")).text() for path in paths])
        assert "Sở Y tế" in told
        assert [one for one in secret if one in told] == (list(secret) if sees else [])
    await set_organisation(world.services, "so-y-te", Role.TECHNICIAN)
    own = await (await (await world.sign_in(Role.TECHNICIAN)).get("/api/v1/directory/sites/so-y-te")).text()
    assert "SN-4711" in own


async def test_s25_an_agency_reads_the_meetings_its_sites_take_part_in(world: World) -> None:
    """Also one that a site was added to by hand; and not any more when it is taken out."""
    conference, other = await world.conference(), await world.conference("Họp khác")
    await book(world.services, conference)
    await book(world.services, other)
    made: dict[str, Any] = {"created_at": 1.0, "changed_at": 1.0, "changed_by": "test"}
    async with world.services.database.writing() as session:
        session.add(Site(id="xa-la", organisation_id=FOREIGN, name="UBND xã Lạ", folded="xa la", **made))
    await set_organisation(world.services, FOREIGN, Role.VIEWER)
    viewer = await world.sign_in(Role.VIEWER)
    path = f"/api/v1/conferences/{conference}/state"
    socket = f"/ws/v1/conferences/{conference}/events"
    assert (await refused(await viewer.get(path), 403))["code"] == "not_yours"
    assert (await refused(await viewer.get(socket), 403))["code"] == "not_yours"
    officer = await world.sign_in(Role.OFFICER)
    body = {"name": "UBND xã Lạ", "id": "xa-la"}
    assert (await officer.post(f"/api/v1/conferences/{conference}/sites", json=body)).status == 201
    assert (await viewer.get(path)).status == 200
    listed = await viewer.get("/api/v1/conferences")
    assert [one["id"] for one in await listed.json()] == [conference]
    assert listed.headers["X-Total-Count"] == "1"
    async with viewer.ws_connect(socket) as events:
        assert conference in await events.receive_str()
    assert (await officer.delete(f"/api/v1/conferences/{conference}/sites/xa-la")).status == 204
    assert (await refused(await viewer.get(path), 403))["code"] == "not_yours"
    assert len(await (await officer.get("/api/v1/conferences")).json()) == 2
