"""One meeting of the whole province, from registration to the yearly report, through the API and every real gate.

124 sites, as in the directory the demo begins with.  Only the endpoints are played: nobody sends sound or picture.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.bookings.rules import HOUR
from control_api.bookings.tables import BookingHold, BookingNotice, CapacityRow
from control_api.conferences.tables import JoinTokenRow, Seat
from control_api.directory.seed import seed
from control_api.directory.tables import Organisation, Site, Trainee
from mcu_core.capacity import assumed
from mcu_core.presence import Happening
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.check_samples import sent
from tests.unit.control_api.preparation_samples import PEOPLE
from tests.unit.control_api.report_places import words_of
from tests.unit.control_api.world import Client, World, refused

API = "/api/v1"


class Province:
    """The whole directory, a host agency, the Sở's officer; `ask` expects to be answered."""

    def __init__(self, world: World, sites: list[Any], manager: str) -> None:
        self.world, self.sites, self.manager = world, sites, manager
        self.main = next(site for site in sites if site.id != sites[0].id and "so-" in site.id)
        self.host: Client
        self.officer: Client

    async def sign_in(self) -> None:
        self.host, self.officer = await self.world.sign_in(Role.HOST), await self.world.sign_in(Role.OFFICER)

    async def at(self, moment: float) -> None:
        """The clock goes on; sessions have ended meanwhile."""
        self.world.clock.now = moment
        await self.sign_in()

    async def ask(self, client: Client, method: str, path: str, json: Any = None, status: int | None = None) -> Any:
        answer = await client.request(method, f"{API}{path}", json=json)
        assert answer.status in ((200, 201, 204) if status is None else (status,)), (path, await answer.text())
        return None if answer.status == 204 else await answer.json()

    async def complete(self, base: str, phase: str) -> None:
        """Tick off the main site's list."""
        sheet = await self.ask(self.officer, "GET", f"{base}/sites/{self.main.id}/checklist")
        for item in sheet["items"]:
            if item["phase"] == phase and item["required"]:
                path = f"{base}/sites/{self.main.id}/checklist/{item['item']}"
                await self.ask(self.officer, "PUT", path, {"state": "done"})

    async def connect(self, conference: str) -> None:
        """Every site has a seat."""
        live: Any = self.world.services.live
        room = live._room(conference)
        of_sites = {"conference_id": conference, "view": "programme"}
        tokens = [{"id": f"t-{one.id}", "digest": one.id, "site": one.id, "created_at": 0.0} for one in self.sites]
        media = {"relay": "0", "microphone": True, "camera": True, "screen": False}
        seats = [{"id": f"s-{one.id}", "site": one.id, "token_id": f"t-{one.id}", **media} for one in self.sites]
        async with self.world.services.database.writing() as session:
            await session.execute(insert(JoinTokenRow), [one | of_sites for one in tokens])
            await session.execute(insert(Seat), [one | of_sites for one in seats])
        for one in self.sites:
            room.presence.tell(one.id, Happening.JOINED)
            room.presence.tell(one.id, Happening.CONNECTED)
        room.changed()


async def province(world: World) -> Province:
    database, now = world.services.database, world.clock.now
    await seed(database, now)
    machine = assumed(64, 8)
    work = {name: getattr(machine, name) for name in ("decode", "encode", "compose", "packets")}
    stamp: dict[str, Any] = {"created_at": now, "changed_at": now, "changed_by": "an", "folded": ""}
    async with database.writing() as session:
        session.add(CapacityRow(at=now, machine="test", details={}, **work))
        sites = list((await session.execute(select(Site.id, Site.name, Site.organisation_id).order_by(Site.id))).all())
        manager = str(await session.scalar(select(Organisation.id).where(Organisation.is_manager)))
        opened = Province(world, sites, manager)
        for number, house in enumerate((manager, opened.main.organisation_id)):
            session.add(
                Trainee(
                    id=f"p-{number}",
                    organisation_id=house,
                    name="Cán bộ kỹ thuật",
                    position="Chuyên viên",
                    phone="0912345678",
                    certificate="CN-01",
                    expires_on=None,
                    **stamp,
                )
            )
        of_host = update(User).where(User.username == "host")
        await session.execute(of_host.values(organisation_id=opened.main.organisation_id))
    await opened.sign_in()
    return opened


@pytest.mark.timeout(300)
async def test_s65_s102_a_meeting_of_124_sites_goes_through_all_eight_steps_and_into_the_reports(world: World) -> None:
    """S65: no step before its conditions; S23, S43: from registration to close-out; S58, S99, S102: and its papers."""
    begin = samples.at(world.clock.now, days=3, hour=8)
    start = begin.timestamp()
    world.clock.now = start - 72 * HOUR
    place = await province(world)
    ask, main = place.ask, place.main
    members = [{"site": one.id} for one in place.sites if one.id != main.id]
    assert len(members) == 123

    # 1 and 2: the host registers, the Sở gives the room.
    form = samples.form(world.clock.now, start=begin, organisation=main.organisation_id, members=members)
    form |= {"main": {"site": main.id, "attendees": "Lãnh đạo Sở"}}
    booking = await ask(place.host, "POST", "/bookings", form)
    path, base = f"/bookings/{booking['id']}", f"/conferences/{booking['conference']}"
    given = await ask(place.officer, "POST", f"{path}/allocation", {})
    assert (given["state"], given["live"], len(given["sites"])) == ("allocated", "made", 124)
    state = world.services.live.state(booking["conference"])
    assert {site["id"] for site in state["sites"]} == {one.id for one in place.sites}

    # 3: every site is told, with a link of its own.
    await ask(place.host, "POST", f"{path}/announcement", {})
    async with world.services.database.reading() as session:
        told = set(await session.scalars(select(BookingNotice.site_id).where(BookingNotice.kind == "request")))
    assert told >= {one.id for one in place.sites}

    async def held_back(what: str, json: dict[str, Any]) -> set[str]:
        """What stands in the way of a step."""
        error = await refused(await place.officer.post(f"{API}{path}/{what}", json=json), 409)
        assert error["code"] == "not_ready"
        return {one["code"] for one in error["detail"]}

    # 4: room plan, duties of three parties, the main site's list.
    missing = {"duty_officer_missing", "room_plan_missing", "main_checklist_open"}
    assert missing <= await held_back("step", {"step": "prepared"})
    shift = {
        "starts_at": (begin - timedelta(hours=19)).isoformat(),
        "ends_at": (begin + timedelta(hours=4)).isoformat(),
    }
    for party, operator in (("so", "p-0"), ("main", "p-1")):
        await ask(place.officer, "POST", f"{base}/duties", {"party": party, "operator": operator, **shift})
    carrier = {"party": "carrier", "name": "Trực nhà mạng", "position": "Kỹ thuật viên", "phone": "0204 3555 992"}
    await ask(place.officer, "POST", f"{base}/duties", carrier | shift)
    await ask(place.officer, "PUT", f"{base}/room-plan", {"revision": 0, "template": "giao-ban"})
    await place.complete(base, "prepare")
    await ask(place.officer, "POST", f"{path}/step", {"step": "prepared"})

    # 5: each site checks itself by its link and names its people; the last one is late.
    await place.at(start - 16 * HOUR)
    page = world.client()
    for number, one in enumerate(place.sites):
        if number == len(place.sites) - 1:
            assert await held_back("step", {"step": "checked"}) == {"check_missing", "people_missing"}
        link = await ask(place.officer, "POST", f"{base}/sites/{one.id}/link")
        made = await ask(page, "POST", "/checks/by-token/result", sent(link["token"], f"{number:016x}"))
        assert made["verdict"] == "pass", made
        await ask(place.officer, "PUT", f"{base}/sites/{one.id}/people", PEOPLE)
    await ask(place.officer, "POST", f"{path}/step", {"step": "checked"})

    # 6: all are in an hour before.
    await place.at(start - 2 * HOUR)
    assert await held_back("step", {"step": "connected"}) == {"sites_absent"}
    await place.connect(booking["conference"])
    await ask(place.officer, "POST", f"{path}/step", {"step": "connected"})

    # 7: the roll is called.
    await place.at(start)
    await ask(place.officer, "POST", f"{path}/step", {"step": "serving"})
    roll = await ask(place.officer, "POST", f"{base}/roll-calls", {"order": "number"})
    assert len(roll["sites"]) == 123
    while roll["state"] != "finished":
        result = {"result": "present"}
        roll = await ask(place.officer, "PUT", f"{base}/roll-calls/{roll['id']}/sites/{roll['site']}", result)
    assert roll["counts"]["present"] == 123

    # 8: switched off, summed up, evaluated; the machine is free again.
    await place.at(start + 3 * HOUR)
    closing = {"summary": "Kết thúc lúc 11 giờ, đủ điểm cầu.", "evaluation": "good"}
    assert await held_back("close-out", closing) == {"close_out_open"}
    await place.complete(base, "close")
    closed = await ask(place.host, "POST", f"{path}/close-out", closing)
    steps = ["registered", "allocated", "announced", "prepared", "checked", "connected", "serving", "closed"]
    assert [stamp["step"] for stamp in closed["stamps"]] == steps
    assert all(stamp["by"] in ("host", "officer") for stamp in closed["stamps"])
    moments = [datetime.fromisoformat(stamp["at"]) for stamp in closed["stamps"]]
    assert moments == sorted(moments)
    async with world.services.database.reading() as session:
        assert (await session.scalars(select(BookingHold))).all() == []

    # The papers know every site, and lean on a journal that is whole.
    evaluation = {"items": [{"criterion": "sound", "score": 5}], "evaluator": "Cán bộ trực", "position": "Sở KH&CN"}
    await ask(place.host, "PUT", f"{base}/evaluation", evaluation)
    for paper in ("minutes", "check-summary"):
        answer = await place.host.get(f"{API}{base}/{paper}?format=docx")
        words = words_of(await answer.read())
        assert [one.name for one in place.sites if one.name not in words] == []
        pdf = await place.host.get(f"{API}{base}/{paper}?format=pdf")
        assert (await pdf.read()).startswith(b"%PDF-1.7")
    verdict = await world.services.journals.verify(booking["conference"])
    assert verdict.whole
    assert verdict.lines > 8 + 124 + 123, "steps, checks and the roll call at least"
    year = begin.year + (begin.month == 12)
    yearly = await ask(place.host, "GET", f"/reports/yearly/{year}/organisations/{main.organisation_id}")
    assert {one["name"]: one["value"] for one in yearly["figures"]}["hosted"] == 1
