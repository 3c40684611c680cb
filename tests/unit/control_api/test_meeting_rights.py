"""Who operates and who watches a booked meeting, by its class (article 9): real bookings and accounts over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from control_api.accounts.rules import Role
from control_api.security.events import EventFilter
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.world import PASSWORD, Client, World, refused

API = "/api/v1"
HOST, MEMBER, STRANGER = samples.HOST, samples.MEMBER, "xa-2"
SHORT: dict[str, Any] = {  # of class C
    "members": [],
    "chair": "",
    "trial_at": None,
    "trial_ends_at": None,
    "main": {"site": HOST},
    "letter": None,
}
BY_SO = {"organiser": "Bộ Y tế", "operated_by": "so"}
BY_PROVIDER = {
    "organiser": "Bộ Y tế",
    "operated_by": "provider",
    "provider": "VNPT",
    "technician": {"name": "Kỹ thuật viên", "phone": "0912 345 678"},
}
CLASSES: dict[str, tuple[dict[str, Any], set[str]]] = {  # form -> who operates the main site
    "A": ({"class": "A"}, {"so"}),
    "B": ({"class": "B"}, {"so", "host"}),
    "C by the Sở": ({"class": "C", **SHORT, "uplink": BY_SO}, {"so"}),
    "C by a provider": ({"class": "C", **SHORT, "uplink": BY_PROVIDER}, {"so", "host"}),
}


@pytest.fixture
async def meeting(world: World, request: pytest.FixtureRequest) -> str:
    """A conference that was registered by its host and allocated by the Sở; three operators with accounts."""
    services, form = world.services, CLASSES[request.param][0]
    world.clock.now = samples.at(world.clock.now, days=0, hour=8).timestamp()
    await samples.add_directory(services.database, sites=2)
    administrator = await world.sign_in(Role.ADMINISTRATOR)
    assert (await administrator.patch(f"{API}/users/host", json={"organisation": HOST})).status == 200
    for name, organisation in (("vh-so", None), ("vh-syt", HOST), ("vh-xa", MEMBER), ("vh-khac", STRANGER)):
        await services.accounts.add_user(name, name, Role.OPERATOR, PASSWORD, organisation=organisation)
    host, officer = await world.sign_in(Role.HOST), await world.sign_in(Role.OFFICER)
    answer = await host.post(f"{API}/bookings", json=samples.form(world.clock.now, **form))
    booking = await answer.json()
    assert answer.status == 201, booking
    answer = await officer.post(f"{API}/bookings/{booking['id']}/allocation", json={})
    assert answer.status == 200, await answer.text()
    return str(booking["conference"])


async def sign_in(world: World, username: str) -> Client:
    client = world.client()
    answer = await client.post(f"{API}/session", json={"username": username, "password": PASSWORD})
    assert answer.status == 200, await answer.text()
    return client


@pytest.mark.parametrize("meeting", sorted(CLASSES), indirect=True)
async def test_s34_s37_s38_s40_s42_the_class_of_a_booking_says_who_operates(
    world: World, meeting: str, request: pytest.FixtureRequest
) -> None:
    """S37: class A by the Sở alone; S38, S40: B by the host's operator too; S41, S42: C by who was named."""
    operators = CLASSES[request.node.callspec.params["meeting"]][1]
    commands: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
        ("PUT", f"{API}/conferences/{meeting}/views/wall/layout", {"layout": "2x2"}),
        ("POST", f"{API}/conferences/{meeting}/podium", {"site": HOST}),
        ("POST", f"{API}/conferences/{meeting}/mute-all", {}),
        ("POST", f"{API}/conferences/{meeting}/sites/{HOST}/link", None),
        ("PATCH", f"{API}/conferences/{meeting}", {"title": "Đổi tên"}),
    )
    for username, who in (("vh-so", "so"), ("vh-syt", "host"), ("vh-xa", "member"), ("vh-khac", "stranger")):
        client = await sign_in(world, username)
        for method, path, body in commands:
            answer = await client.request(method, path, json=body)
            if who in operators:
                assert answer.status == 200, (username, path, await answer.text())
            else:
                error = await refused(answer, 403)
                assert error["code"] == "not_yours"
                assert "Điều 9" in error["vi"]
    host = await world.sign_in(Role.HOST)  # the right to operate is not the role's
    assert (await refused(await host.request(*commands[0][:2], json={}), 403))["code"] == "forbidden"
    officer = await world.sign_in(Role.OFFICER)
    assert (await officer.request(commands[0][0], commands[0][1], json=commands[0][2])).status == 200
    found, _ = await world.services.security.find(EventFilter(kind="not_yours", conference=meeting), 0, 50)
    refused_ones = {
        name for name, who in (("vh-syt", "host"), ("vh-xa", "m"), ("vh-khac", "s")) if who not in operators
    }
    assert {event.username for event in found} == refused_ones, "every refusal is a security event (S89)"


@pytest.mark.parametrize("meeting", ["B"], indirect=True)
async def test_s25_a_booked_meeting_is_watched_and_read_by_those_who_take_part(world: World, meeting: str) -> None:
    administrator = await world.sign_in(Role.ADMINISTRATOR)
    monitors = f"{API}/conferences/{meeting}/monitors"
    for organisation, sees in ((STRANGER, False), (MEMBER, True), (HOST, True)):
        patched = await administrator.patch(f"{API}/users/technician", json={"organisation": organisation})
        assert patched.status == 200
        technician = await world.sign_in(Role.TECHNICIAN)
        watched = await technician.post(monitors, json={"view": "wall"})
        read = await technician.get(f"{API}/conferences/{meeting}/state")
        listed = await (await technician.get(f"{API}/conferences")).json()
        booked = await (await technician.get(f"{API}/bookings")).json()
        if sees:
            assert (watched.status in (200, 201), read.status) == (True, 200)
        else:
            assert (await refused(watched, 403))["code"] == "not_yours"
            assert (await refused(read, 403))["code"] == "not_yours"
        assert [len(listed), len(booked)] == ([1, 1] if sees else [0, 0])
