"""The security log, what is done about its events, blocked networks, admission by network, the profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from control_api.accounts.accounts import Accounts
from control_api.accounts.own import OwnAccount
from control_api.accounts.people import Filter, People
from control_api.accounts.rules import Role
from control_api.accounts.sealing import SecretBox
from control_api.conferences import events as console_events
from control_api.directory.tables import Site
from control_api.metrics import Metrics
from control_api.security.admission import Admission
from control_api.security.blocks import Blocks
from control_api.security.events import EventFilter, Security, prune_events
from control_api.security.fallbacks import disconnect_strays
from control_api.security.floods import PacketFlood, RequestFlood
from control_api.security.kinds import KINDS, Severity, kind_of_refusal
from control_api.security.networks import covers, parse_address, parse_network, within
from control_api.security.profile import Facts, profile
from control_api.security.upkeep import end_monitors_of_the_disabled, fingerprints, note_settings
from control_api.settings import Accounts as Rules
from control_api.settings import Settings
from control_api.store.database import Database
from control_api.store.upgrade import upgrade
from control_api.upkeep.retention import SECURITY
from mcu_core.commands import AddSite
from mcu_core.errors import EndpointError
from signaling.messages import Hello
from tests.unit.control_api.world import PASSWORD, Client, Clock, World, quick_passwords, refused
from tests.unit.live.fakes import FakeChannel

STRANGER, OFFICE = "198.51.100.7", "10.20.30.40"


async def events(client: Client, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/v1/security/events", params=query)
    assert answer.status == 200, await answer.text()
    found: list[dict[str, Any]] = await answer.json()
    return found


@pytest.fixture
async def officer(world: World) -> Client:
    return await world.sign_in(Role.OFFICER)


async def seated_site(world: World, address: str = OFFICE) -> tuple[str, str, FakeChannel]:
    """A conference with a site that sits: conference, its token, its channel."""
    live = world.services.live
    conference = await world.conference()
    await live.command(conference, AddSite("Sở Y tế", "member", "so-y-te"), actor=None)
    token = await live.issue_link(conference, "so-y-te", actor=None)
    return conference, token, await enter(world, token, address)


async def enter(world: World, token: str, address: str) -> FakeChannel:
    channel = FakeChannel(address)
    world.services.live._synced.set()  # type: ignore[attr-defined]
    hello = Hello(version=1, token=token, client="test/1", seat=None, media=False)
    await world.services.live.enter(hello, channel)  # type: ignore[attr-defined]
    return channel


# --------------------------------------------------------------------------------------------------------- recording


async def test_s89_every_refusal_is_recorded_with_who_whence_and_what(world: World, officer: Client) -> None:
    viewer = await world.sign_in(Role.VIEWER)
    await viewer.post("/api/v1/conferences", json={"title": "Họp"})
    await world.client().get("/api/v1/conferences")
    await viewer.post("/api/v1/conferences", json={"title": "Họp"}, headers={"Origin": "https://evil.example"})
    found = {one["kind"]: one for one in await events(officer)}
    assert found["refused"]["username"] == "viewer"
    assert found["refused"]["address"] == "127.0.0.1"
    assert found["refused"]["data"]["code"] == "forbidden"
    assert found["refused"]["data"]["path"] == "/api/v1/conferences"
    assert found["not_signed_in"]["username"] is None
    assert found["forged_request"]["data"]["code"] == "bad_origin"


async def test_s89_failed_sign_ins_are_recorded_and_counted(world: World, officer: Client) -> None:
    for _ in range(8):
        await world.client().post("/api/v1/session", json={"username": "host", "password": "wrong"})
    await world.client().post("/api/v1/session", json={"username": "host", "password": "wrong"})
    (failed,) = await events(officer, kind="login_failed")
    assert (failed["username"], failed["times"], failed["actions"]) == ("host", 8, ["lock", "block"])
    (throttled,) = await events(officer, kind="too_many_attempts")
    assert throttled["severity"] == Severity.WARNING
    world.clock.now += 61
    world.services.accounts._throttle.__init__()  # type: ignore[misc]
    await world.client().post("/api/v1/session", json={"username": "host", "password": "wrong"})
    assert len(await events(officer, kind="login_failed")) == 2, "a minute later it is a new event"


async def test_s89_unknown_links_and_changed_addresses_of_sites_are_noticed(world: World, officer: Client) -> None:
    conference, token, _ = await seated_site(world)
    with pytest.raises(EndpointError, match="bad_token"):
        await enter(world, "guess", STRANGER)
    (unknown,) = await events(officer, kind="unknown_site")
    assert (unknown["address"], unknown["site"]) == (STRANGER, None)
    await enter(world, token, OFFICE)
    assert not await events(officer, kind="site_replaced"), "a page that was reloaded"
    await enter(world, token, STRANGER)
    (changed,) = await events(officer, kind="site_replaced")
    assert (changed["address"], changed["site"], changed["data"]["before"]) == (STRANGER, "so-y-te", OFFICE)
    assert changed["conference"] == conference


async def test_s89_an_endpoint_over_the_real_socket_is_seen_with_its_address(world: World, officer: Client) -> None:
    socket = await world.client().ws_connect("/ws/v1/endpoint")
    await socket.send_json({"type": "hello", "version": 1, "token": "guess", "client": "t", "language": "vi"})
    await socket.receive(timeout=5)
    await socket.close()
    (unknown,) = await events(officer, kind="unknown_site")
    assert unknown["address"] == "127.0.0.1"


async def test_s89_changes_of_accounts_and_settings_are_recorded(world: World) -> None:
    administrator = await world.sign_in(Role.ADMINISTRATOR)
    body = {"username": "minh", "name": "Minh", "role": "host"}
    await administrator.post("/api/v1/users", json=body)
    await administrator.patch("/api/v1/users/minh", json={"role": "officer"})
    (made,) = await events(administrator, kind="user_created")
    (changed,) = await events(administrator, kind="user_changed")
    assert (made["username"], made["data"]["account"]) == ("administrator", "minh")
    assert changed["data"]["role"] == "officer"
    await note_settings(world.services)
    await note_settings(world.services)
    assert len(await events(administrator, kind="settings_changed")) == 1
    other = world.services.settings.model_copy(update={"accounts": Rules(lock_after=3)})
    object.__setattr__(world.services, "settings", other)
    world.clock.now += 61
    await note_settings(world.services)
    newest = (await events(administrator, kind="settings_changed"))[0]
    assert newest["data"]["changed"] == ["accounts.lock_after"]


def test_fingerprints_hold_no_secret() -> None:
    one = Settings.model_validate({"metrics": {"token": "a"}})
    other = Settings.model_validate({"metrics": {"token": "b"}})
    assert fingerprints(one) == fingerprints(other)


async def test_recording_never_raises_and_never_grows_without_end(world: World, officer: Client) -> None:
    security = world.services.security
    await security.record(
        "odd\x00kind", address="\x00" * 500, username="x" * 500, data={"nul": "\x00", "deep": object()}
    )
    security.note("login_failed", address="203.0.113.1", data={"long": "y" * 10_000})
    for number in range(5000):
        security.note("not_signed_in", address=f"10.0.{number // 250}.{number % 250}")
    assert security.lost > 2500
    assert len(await events(officer, limit=1000)) == 1000
    await security.flush()


async def test_events_are_filtered_paged_and_acknowledged(world: World, officer: Client) -> None:
    security = world.services.security
    for number in range(5):
        security.note("login_failed", address=f"203.0.113.{number}", username="lan", conference="c-1", site="a")
        world.clock.now += 1
    security.note("signed_in", address="203.0.113.9")
    listed = await officer.get("/api/v1/security/events", params={"severity": 2, "limit": 2, "q": "203.0.113"})
    assert listed.headers["X-Total-Count"] == "5"
    page = await listed.json()
    assert [one["address"] for one in page] == ["203.0.113.4", "203.0.113.3"]
    number = page[0]["id"]
    path = f"/api/v1/security/events/{number}/acknowledgement"
    done = await (await officer.put(path, json={"remark": "Đã gọi điện"})).json()
    assert (done["acknowledged_by"], done["remark"]) == ("officer", "Đã gọi điện")
    assert len(await events(officer, open="true", kind="login_failed")) == 4
    assert [one["kind"] for one in await events(officer, after=number)] == ["signed_in"]
    assert await events(officer, conference="c-2") == []
    await refused(await officer.get("/api/v1/security/events/999999"), 404)
    auditor = await world.sign_in(Role.AUDITOR)
    await refused(await auditor.put(path, json={}), 403)


async def test_what_a_database_does_not_take_is_written_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from mcu_core.errors import PeerLost

    security = world.services.security
    security.note("login_failed", address=STRANGER)
    real = security._write

    async def fails(batch: Any) -> None:
        raise PeerLost("database_unavailable", "Mất kết nối.", "Away.")

    monkeypatch.setattr(security, "_write", fails)
    await security.flush()
    monkeypatch.setattr(security, "_write", real)
    found, total = await security.find(EventFilter(kind="login_failed"), 0, 10)
    assert (total, found[0].address) == (1, STRANGER)


async def test_old_events_are_pruned_when_told(world: World) -> None:
    assert SECURITY["security_events"] is prune_events, "the retention knows of it"
    security = world.services.security
    security.note("login_failed", address=STRANGER)
    await security.flush()
    world.clock.now += 1000
    security.note("login_failed", address=OFFICE)
    await security.flush()
    assert await security.prune(world.clock.now - 500) == 1
    found, _ = await security.find(EventFilter(), 0, 10)
    assert [one.address for one in found] == [OFFICE]


def test_every_kind_can_be_told_and_every_refusal_has_one() -> None:
    assert all(kind.vi and kind.en and len(name) <= 40 for name, kind in KINDS.items())
    for code in ("forbidden", "bad_login", "not_yours", "whatever"):
        assert kind_of_refusal(code) in KINDS
    assert kind_of_refusal("code_needed") is None


# ----------------------------------------------------------------------------------------------------------- actions


async def test_s89_an_event_is_answered_by_dropping_the_site(world: World, officer: Client) -> None:
    conference, _, channel = await seated_site(world)
    world.services.security.note("address_changed", address=STRANGER, conference=conference, site="so-y-te")
    (event,) = await events(officer, kind="address_changed")
    path = f"/api/v1/security/events/{event['id']}/actions"
    done = await officer.post(path, json={"action": "drop", "remark": "Máy lạ"})
    assert done.status == 200, await done.text()
    assert channel.closed
    assert (await done.json())["remark"] == "[drop] Máy lạ"
    assert [one["username"] for one in await events(officer, kind="site_dropped")] == ["officer"]


async def test_s89_an_unknown_network_in_the_meeting_is_answered_in_all_three_ways(
    world: World, officer: Client
) -> None:
    """Against the live conference: dropped it may come back, locked it may not, blocked nobody from there may."""
    conference, token, first = await seated_site(world, OFFICE)
    moved = await enter(world, token, STRANGER)
    assert first.closed, "the other device had to go"
    (event,) = await events(officer, kind="site_replaced")
    assert (event["address"], event["site"], event["actions"]) == (STRANGER, "so-y-te", ["drop", "lock", "block"])
    assert event["data"]["before"] == OFFICE
    path = f"/api/v1/security/events/{event['id']}/actions"
    assert (await officer.post(path, json={"action": "drop"})).status == 200
    assert moved.closed
    back = await enter(world, token, STRANGER)
    assert (await officer.post(path, json={"action": "lock", "remark": "Chưa rõ ai"})).status == 200
    assert back.closed
    with pytest.raises(EndpointError, match="bad_token"):
        await enter(world, token, STRANGER)
    assert [one["site"] for one in await events(officer, kind="site_locked")] == ["so-y-te"]
    renewed = await world.services.live.issue_link(conference, "so-y-te", actor="officer")
    again = await enter(world, renewed, STRANGER)
    assert (await officer.post(path, json={"action": "block", "seconds": 600})).status == 200
    assert again.closed
    assert world.services.blocks.blocked_until(STRANGER) is not None
    at_home = await enter(world, renewed, OFFICE)
    assert not at_home.closed, "the site itself goes on from its own network"
    world.services.security.note("login_failed", address=None)
    (nobody,) = await events(officer, kind="login_failed")
    path = f"/api/v1/security/events/{nobody['id']}/actions"
    for action in ("lock", "drop", "block"):
        assert (await refused(await officer.post(path, json={"action": action}), 409))["code"] == "nothing_to_act_on"


async def test_s89_an_event_is_answered_by_locking_the_account(world: World, officer: Client) -> None:
    host = await world.sign_in(Role.HOST)
    world.services.security.note("login_failed", address=STRANGER, username="host")
    world.services.security.note("login_failed", address=STRANGER, username="administrator")
    world.services.security.note("login_failed", address=STRANGER, username="nobody")
    by_name = {one["username"]: one["id"] for one in await events(officer, kind="login_failed")}

    async def lock(username: str) -> Any:
        return await officer.post(f"/api/v1/security/events/{by_name[username]}/actions", json={"action": "lock"})

    assert (await lock("host")).status == 200
    await refused(await host.get("/api/v1/session"), 401)
    await refused(await lock("administrator"), 403)
    assert (await refused(await lock("nobody"), 404))["code"] == "unknown_user"
    assert (await refused(await officer.post("/api/v1/users/officer/lock"), 409))["code"] == "not_yourself"
    administrator = await world.sign_in(Role.ADMINISTRATOR)
    error = await refused(await administrator.post("/api/v1/users/administrator/lock"), 409)
    assert error["code"] == "not_yourself"


async def test_s89_an_event_is_answered_by_blocking_the_address(world: World, officer: Client) -> None:
    _, token, channel = await seated_site(world, STRANGER)
    world.services.security.note("login_failed", address=STRANGER, username="host")
    (event,) = await events(officer, kind="login_failed")
    path = f"/api/v1/security/events/{event['id']}/actions"
    assert (await officer.post(path, json={"action": "block", "seconds": 600})).status == 200
    assert channel.closed, "who is connected from there goes"
    assert world.services.blocks.blocked_until(STRANGER) == pytest.approx(world.clock.now + 600)
    assert world.services.blocks.blocked_until("::ffff:198.51.100.7") is not None
    assert world.services.blocks.blocked_until(OFFICE) is None
    (block,) = await (await officer.get("/api/v1/security/blocks")).json()
    assert block["network"] == "198.51.100.7/32"
    assert (await officer.delete(f"/api/v1/security/blocks/{block['id']}")).status == 204
    assert world.services.blocks.blocked_until(STRANGER) is None
    await refused(await officer.delete(f"/api/v1/security/blocks/{block['id']}"), 404)
    assert token


async def test_a_blocked_address_is_turned_away_everywhere_but_an_administrator_stays_in(world: World) -> None:
    administrator, host = await world.sign_in(Role.ADMINISTRATOR), await world.sign_in(Role.HOST)
    world.services.blocks._networks = [(parse_network("127.0.0.0/8"), world.clock.now + 60)]  # type: ignore[list-item]
    for client, path in ((host, "/api/v1/conferences"), (world.client(), "/"), (world.client(), "/ws/v1/endpoint")):
        answer = await client.get(path)
        error = await refused(answer, 403)
        assert error["code"] == "address_blocked"
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    await refused(await world.client().post("/api/v1/session", json={"username": "host", "password": PASSWORD}), 403)
    assert (await administrator.get("/api/v1/security/blocks")).status == 200
    world.clock.now += 61
    assert (await host.get("/api/v1/conferences")).status == 200, "a block ends by itself"


async def test_a_console_that_is_open_ends_with_the_block(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_events, "_CHECK_EVERY", 0.02)
    viewer, conference = await world.sign_in(Role.VIEWER), await world.conference()
    async with viewer.ws_connect(f"/ws/v1/conferences/{conference}/events") as socket:
        await socket.receive(timeout=5)
        world.services.blocks._networks = [(parse_network("127.0.0.0/8"), world.clock.now + 60)]  # type: ignore[list-item]
        while not socket.closed:
            await socket.receive(timeout=5)
        assert socket.close_code == console_events.SESSION_ENDED


async def test_nobody_blocks_the_last_way_in(world: World, officer: Client) -> None:
    administrator = await world.sign_in(Role.ADMINISTRATOR)
    assert administrator

    async def block(network: str) -> Any:
        body = {"network": network, "seconds": 600, "reason": "Thử nghiệm"}
        return await officer.post("/api/v1/security/blocks", json=body)

    for own in ("127.0.0.1", "127.0.0.0/8", "::1"):
        assert (await refused(await block(own), 409))["code"] == "would_lock_out"
    for wrong in ("0.0.0.0/0", "2000::/3", "somewhere", "10.0.0.0/99", "::ffff:0.0.0.0/96"):
        await refused(await block(wrong), 422)
    async with world.services.database.writing() as db:
        from sqlalchemy import update

        from control_api.accounts.tables import Session

        await db.execute(update(Session).values(address="203.0.113.77"))
    assert (await refused(await block("203.0.113.0/24"), 409))["code"] == "would_lock_out"
    assert (await block("198.51.100.0/24")).status == 201


async def test_disabling_from_the_command_line_ends_what_was_watched(world: World) -> None:
    conference = await world.conference()
    token = await world.services.live.open_monitor(conference, "wall", actor="viewer")
    channel = await enter(world, token, OFFICE)
    await end_monitors_of_the_disabled(world.services)
    assert not channel.closed
    await world.services.accounts.set_disabled("viewer", True)
    await end_monitors_of_the_disabled(world.services)
    assert channel.closed
    assert await world.services.conferences.seat_for_token(token) is None


# ------------------------------------------------------------------------------------------------ admission by network


async def register_site(world: World, site: str = "so-y-te", **values: Any) -> None:
    """A site in the directory, whatever else its rows need."""
    from control_api.directory.tables import Organisation

    async with world.services.database.writing() as db:
        now = world.clock.now
        shared = {"created_at": now, "changed_at": now, "changed_by": "test", "folded": ""}
        await db.execute(insert(Organisation).values(id="so", name="Sở", kind="department", **shared))
        await db.execute(insert(Site).values(id=site, organisation_id="so", name="Sở Y tế", **shared, **values))


async def test_s21_a_site_joins_from_its_own_networks_only(world: World, officer: Client) -> None:
    await register_site(world, allowed_networks=["10.20.0.0/16"])
    _, token, _ = await seated_site(world, OFFICE)
    with pytest.raises(EndpointError, match="wrong_network"):
        await enter(world, token, STRANGER)
    (event,) = await events(officer, kind="wrong_network")
    assert (event["address"], event["severity"], event["data"]["allowed"]) == (STRANGER, 3, ["10.20.0.0/16"])
    assert await enter(world, token, "::ffff:10.20.1.1")


@pytest.mark.parametrize(
    ("site", "address", "may"),
    [
        ({"network": "tslcd"}, "10.1.1.1", True),
        ({"network": "tslcd"}, STRANGER, False),
        ({"network": "internet"}, STRANGER, True),
        ({"network": "internet", "allowed_networks": ["198.51.100.0/24"]}, "203.0.113.1", False),
        (None, STRANGER, False),
        (None, "10.1.1.1", True),
        (None, "not an address", False),
    ],
)
async def test_s21_the_tslcd_is_the_rule_where_a_site_has_none_of_its_own(
    world: World, site: dict[str, Any] | None, address: str, may: bool
) -> None:
    if site is not None:
        await register_site(world, **site)
    services = world.services
    gate = Admission(services.database, ("10.0.0.0/8",), services.security, services.now)
    if may:
        await gate.admit("c-1", "so-y-te", address)
    else:
        with pytest.raises(EndpointError, match="wrong_network"):
            await gate.admit("c-1", "so-y-te", address)
    await Admission(services.database, (), services.security, services.now).admit("c-1", "khac", STRANGER)


async def test_s22_the_so_opens_a_fallback_for_one_site_under_an_incident_for_a_while(
    world: World, officer: Client
) -> None:
    await register_site(world, allowed_networks=["10.20.0.0/16"])
    _, token, _ = await seated_site(world, OFFICE)
    body = {"site": "so-y-te", "incident": "SC-2026-118", "reason": "Đứt cáp TSLCD", "minutes": 60}
    host = await world.sign_in(Role.HOST)
    await refused(await host.post("/api/v1/security/fallbacks", json=body), 403)
    for wrong in ({"incident": ""}, {"minutes": 3}, {"minutes": 99999}, {"reason": ""}):
        await refused(await officer.post("/api/v1/security/fallbacks", json={**body, **wrong}), 422)
    key = {"Idempotency-Key": "fallback-of-today"}
    made = await (await officer.post("/api/v1/security/fallbacks", json=body, headers=key)).json()
    assert made["open"]
    assert await enter(world, token, STRANGER)
    (used,) = await events(officer, kind="fallback_used")
    assert used["data"] == {"incident": "SC-2026-118"}
    (opened,) = await events(officer, kind="fallback_opened")
    assert (opened["username"], opened["site"]) == ("officer", "so-y-te")
    lines = await world.services.conferences.journal(used["conference"])
    told = [(line.site, line.data) for line in lines if line.what == "fallback_used"]
    assert told == [("so-y-te", {"incident": "SC-2026-118", "address": STRANGER})]
    world.clock.now += 3601
    with pytest.raises(EndpointError, match="wrong_network"):
        await enter(world, token, STRANGER)
    again = await (await officer.post("/api/v1/security/fallbacks", json=body)).json()
    assert (await officer.delete(f"/api/v1/security/fallbacks/{again['id']}")).status == 204
    with pytest.raises(EndpointError, match="wrong_network"):
        await enter(world, token, STRANGER)
    listed = await (await officer.get("/api/v1/security/fallbacks")).json()
    assert [one["open"] for one in listed] == [False, False]
    assert await (await officer.get("/api/v1/security/fallbacks?open=true")).json() == []


@pytest.mark.parametrize("how", ["by hand", "by its time"])
async def test_s22_when_a_fallback_is_over_the_site_goes(world: World, officer: Client, how: str) -> None:
    await register_site(world, allowed_networks=["10.20.0.0/16"])
    conference, token, _ = await seated_site(world, OFFICE)
    body = {"site": "so-y-te", "incident": "SC-1", "reason": "Đứt cáp TSLCD", "minutes": 60}
    first = await (await officer.post("/api/v1/security/fallbacks", json=body)).json()
    second = await (await officer.post("/api/v1/security/fallbacks", json={**body, "minutes": 30})).json()
    channel = await enter(world, token, STRANGER)
    assert (await officer.delete(f"/api/v1/security/fallbacks/{second['id']}")).status == 204
    assert not channel.closed, "another fallback of it is open"
    services = world.services
    if how == "by hand":
        assert (await officer.delete(f"/api/v1/security/fallbacks/{first['id']}")).status == 204
    else:
        assert await services.admission.ended(world.clock.now) == set()
        before = world.clock.now
        world.clock.now += 3601
        assert await services.admission.ended(before) == {"so-y-te"}
        assert await disconnect_strays(services, "so-y-te", None) == 1
        officer = await world.sign_in(Role.OFFICER)
    assert channel.closed
    with pytest.raises(EndpointError, match="wrong_network"):
        await enter(world, token, STRANGER)
    told = [line.data for line in await services.conferences.journal(conference) if line.what == "dropped"]
    assert told == [{"why": "fallback_ended"}]
    (event,) = await events(officer, kind="site_dropped")
    assert event["data"]["why"] == "fallback_ended"
    assert await enter(world, token, OFFICE), "over its own line it is welcome"


async def test_s22_a_site_that_came_home_stays_when_its_fallback_ends(world: World, officer: Client) -> None:
    await register_site(world, allowed_networks=["10.20.0.0/16"])
    _, _, channel = await seated_site(world, OFFICE)
    body = {"site": "so-y-te", "incident": "SC-1", "reason": "Đứt cáp TSLCD", "minutes": 60}
    made = await (await officer.post("/api/v1/security/fallbacks", json=body)).json()
    assert (await officer.delete(f"/api/v1/security/fallbacks/{made['id']}")).status == 204
    assert not channel.closed


async def test_s22_a_site_that_is_removed_or_blocked_is_thrown_out(world: World, officer: Client) -> None:
    conference, _, channel = await seated_site(world, STRANGER)
    body = {"network": f"{STRANGER}/32", "seconds": 600, "reason": "Máy lạ"}
    assert (await officer.post("/api/v1/security/blocks", json=body)).status == 201
    assert channel.closed
    other, _, channel = await seated_site(world, OFFICE)
    assert (await officer.delete(f"/api/v1/conferences/{other}/sites/so-y-te")).status == 204
    assert channel.closed
    assert conference != other


async def test_s21_the_office_is_warned_of_sites_that_may_join_from_anywhere(world: World, officer: Client) -> None:
    """Warned, not blocked; also in the security profile."""
    await register_site(world)
    path = "/api/v1/directory/sites/so-y-te"

    async def warned() -> bool:
        found = (await (await officer.get(path)).json())["findings"]
        return "no_networks" in [one["code"] for one in found]

    async def measure() -> dict[str, Any]:
        listed = await (await officer.get("/api/v1/security/profile")).json()
        return next(one for one in listed if one["id"] == "site_networks")

    assert await warned()
    assert not (await measure())["on"]
    assert "1 điểm cầu" in (await measure())["now"]
    _, token, channel = await seated_site(world, STRANGER)
    assert not channel.closed
    changed = await officer.patch(path, json={"revision": 1, "allowed_networks": ["10.20.0.0/16"]})
    assert changed.status == 200, await changed.text()
    assert not await warned()
    assert (await measure())["on"]
    with pytest.raises(EndpointError, match="wrong_network"):
        await enter(world, token, STRANGER)


# ------------------------------------------------------------------------------------------------- on both databases


async def test_accounts_and_events_work_on_both_databases(either_url: str, tmp_path: Path) -> None:
    await upgrade(either_url)
    database, clock = Database(either_url), Clock()
    settings = Settings()
    box = SecretBox(tmp_path / "secrets.key")
    accounts = Accounts(
        database, settings.session, clock, rules=Rules(lock_after=2), passwords=quick_passwords(), secrets=box
    )
    people, own = People(accounts, database, clock), OwnAccount(accounts, database, clock)
    security = Security(database, clock, Metrics())
    blocks = Blocks(database, settings, clock)
    gate = Admission(database, ("10.0.0.0/8",), security, clock)
    try:
        user, password = await people.make("Minh", "Trần Văn Minh", Role.HOST, {"email": "m@x.vn"}, None, "lan/k#f")
        again, other = await people.make("Minh", "Trần Văn Minh", Role.HOST, {"email": "m@x.vn"}, None, "lan/k#f")
        assert (user.id, password == other) == (again.id, False)
        who, token = await accounts.sign_in("minh", other or "", OFFICE, "test")
        secret = await own.begin_second_factor(who)
        codes = await own.confirm_second_factor(who, pyotp.TOTP(secret).at(clock.now), OFFICE)
        assert await accounts.spend_code(user.id, codes[0])
        assert not await accounts.spend_code(user.id, codes[0])
        found, total = await people.find(Filter(text="trần", usable=True), 0, 10)
        assert (total, len(found)) == (1, 1)
        for _ in range(2):
            await accounts.count_failure(user.id, STRANGER)
        assert (await people.get("minh")).locked_at is not None
        assert await accounts.session(token) is None
        for _ in range(3):
            security.note("login_failed", address=STRANGER, username="minh", data={"n": "\x00é"})
        await security.flush()
        security.note("login_failed", address=STRANGER, username="minh", data={"n": "\x00é"})
        events, total = await security.find(EventFilter(kind="login_failed", text="198.51"), 0, 10)
        assert (total, events[0].times, events[0].data) == (1, 4, {"n": "é"})
        assert (await security.acknowledge(events[0].id, "an", "xem")).acknowledged_by == "an"
        await blocks.add("203.0.113.0/24", 60, "thử", "an", OFFICE)
        await blocks.add("203.0.113.0/24", 90, "thử nữa", "an", OFFICE)
        assert [one.reason for one in await blocks.all()] == ["thử nữa"]
        await blocks.remove("203.0.113.0/24")
        fallback = await gate.open_fallback("so-y-te", "SC-1", "đứt cáp", 60, "an", None)
        await gate.admit("c-1", "so-y-te", STRANGER)
        await gate.end_fallback(fallback.id, "an")
        with pytest.raises(EndpointError):
            await gate.admit("c-1", "so-y-te", STRANGER)
        assert await security.prune(clock.now + 1000) >= 2
    finally:
        accounts.close()
        await database.close()


# ----------------------------------------------------------------------------------------------------- pure parts


@given(st.ip_addresses(), st.integers(0, 32))
def test_an_address_is_in_its_own_network(address: Any, prefix: int) -> None:
    network = parse_network(f"{address}/{prefix}")
    assert network is not None
    parsed = parse_address(str(address))
    assert parsed is not None
    if parsed.version == network.version:
        assert covers(network, parsed)
        assert within(str(address), [str(network)])
    assert not within("", [str(network)])


def test_a_flood_is_told_once_a_window() -> None:
    flood = RequestFlood(3, window=60)
    assert [flood.hit("a", 0.0) for _ in range(6)] == [False, False, False, True, False, False]
    assert not flood.hit("b", 0.0)
    assert [flood.hit("a", 61.0) for _ in range(4)] == [False, False, False, True]
    for number in range(5000):
        flood.hit(str(number), 62.0)
    assert len(flood._counts) <= 4096


def test_strange_packets_are_told_by_their_rate() -> None:
    flood = PacketFlood(most_per_s=100)
    assert flood.told("0", 1e6, now=0) is None
    assert flood.told("0", 1e6 + 500, now=10) is None
    assert flood.told("0", 1e6 + 5500, now=20) == pytest.approx(500)
    assert flood.told("0", 3, now=30) is None, "the relay began again"


def test_s02_s11_the_profile_says_what_is_on() -> None:
    """S02: measures by level; S11: media bound to chosen interfaces."""
    by_id = {one.id: one for one in profile(Settings(), Facts(1, 0, 12))}
    assert by_id["second_factor"].on
    assert by_id["on_premises"].on
    assert not by_id["two_administrators"].on
    assert not by_id["bound_interfaces"].on
    assert not by_id["site_networks"].on
    strict = Settings.model_validate(
        {
            "relay": {"bind": ("10.0.0.5",)},
            "security": {"site_networks": ("10.0.0.0/8",)},
            "accounts": {"lock_after": 0},
        }
    )
    by_id = {one.id: one for one in profile(strict, Facts(2, 3, 2))}
    assert by_id["bound_interfaces"].on
    assert by_id["site_networks"].on
    assert by_id["two_administrators"].on
    for off in ("lock_out", "second_factor_enrolled", "security_log"):
        assert not by_id[off].on
    assert all(one.vi and one.en and one.source for one in by_id.values())


async def test_s02_the_profile_is_served(world: World) -> None:
    auditor = await world.sign_in(Role.AUDITOR)
    found = await (await auditor.get("/api/v1/security/profile")).json()
    assert len(found) >= 12
    assert {one["id"]: one["now"] for one in found}["two_administrators"] == "1"


async def test_events_reach_the_metrics(world: World) -> None:
    world.services.security.note("login_failed", address=STRANGER)
    assert b'mcu_security_events_total{kind="login_failed"} 1.0' in (await world.services.metrics.text())
