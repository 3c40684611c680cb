"""The directory through the API: who may change what, history, two people at once, files, notices."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import insert, update

from control_api.accounts.rules import Role
from control_api.directory import records
from control_api.directory.directory import Directory, SiteFilter
from control_api.directory.exchange import Exchange
from control_api.directory.fingerprints import fingerprint
from control_api.directory.registry import Registry
from control_api.directory.search import fold
from control_api.directory.seed import seed
from control_api.directory.tables import Fault, Organisation, Site
from control_api.problems import Refused
from control_api.store.database import Database
from tests.unit.control_api.directory_samples import (
    AGENCY,
    ASSET,
    CARRIER,
    CONTACT,
    FAULT,
    OFFICER,
    SITE,
    SO,
    TRAINEE,
    add_samples,
    set_organisation,
)
from tests.unit.control_api.world import Client, World, refused

API = "/api/v1/directory"


@pytest.fixture
async def place(world: World) -> World:
    """The samples; host and technician of the agency, the carrier of its lines."""
    await add_samples(world.services)
    await set_organisation(world.services, AGENCY, Role.HOST, Role.TECHNICIAN)
    await set_organisation(world.services, CARRIER, Role.CARRIER)
    return world


async def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status == status, await answer.text()
    return await answer.json()


async def notices(client: Client) -> list[str]:
    return [one["kind"] for one in await ok(await client.get(f"{API}/notices?unseen=true"))]


# -------------------------------------------------------------------------------- organisations, sites and history


async def test_s10_s64_an_agency_keeps_who_answers_for_it_and_the_so_what_it_is(place: World) -> None:
    """S10, S64: organisation directory; the accountable person."""
    host, officer = await place.sign_in(Role.HOST), await place.sign_in(Role.OFFICER)
    body = {"revision": 1, "accountable_name": "Người đứng đầu", "accountable_position": "Giám đốc Sở"}
    changed = await ok(await host.patch(f"{API}/organisations/{AGENCY}", json=body))
    assert (changed["accountable_position"], changed["revision"]) == ("Giám đốc Sở", 2)
    error = await refused(await host.patch(f"{API}/organisations/{AGENCY}", json={"revision": 2, "kind": "other"}), 403)
    assert error["code"] == "only_so"
    error = await refused(await host.patch(f"{API}/organisations/{SO}", json={"revision": 1, "phone": ""}), 403)
    assert error["code"] == "not_yours"
    made = await ok(
        await officer.post(f"{API}/organisations", json={"name": "UBND xã Văn Môn", "kind": "commune"}), 201
    )
    assert made["id"] == "ubnd-xa-van-mon"
    both = {"name": "Sở khác", "kind": "department", "is_manager": True}
    assert (await refused(await officer.post(f"{API}/organisations", json=both), 409))["code"] == "manager_exists"
    own = await officer.patch(f"{API}/organisations/{SO}", json={"revision": 1, "parent_id": SO})
    assert (await refused(own, 409))["code"] == "own_parent"


async def test_s06_a_site_keeps_its_endpoint_and_four_peripheral_groups(place: World) -> None:
    host = await place.sign_in(Role.HOST)
    peripherals = {
        group: [{"name": f"{group} 1", "quantity": 2}] for group in ("display", "loudspeaker", "camera", "microphone")
    }
    body = {
        "organisation_id": AGENCY,
        "name": "Sở Y tế, hội trường",
        "endpoint_type": "hardware",
        "endpoint": {"maker": "Poly", "model": "G7500"},
        "peripherals": peripherals,
        "seats": 120,
    }
    made = await ok(await host.post(f"{API}/sites", json=body), 201)
    seen = await ok(await host.get(f"{API}/sites/{made['id']}"))
    assert seen["endpoint"]["model"] == "G7500"
    assert {group: items[0]["quantity"] for group, items in seen["peripherals"].items()} == dict.fromkeys(
        peripherals, 2
    )
    assert seen["organisation"]["name"] == "Sở Y tế"
    assert (await refused(await host.post(f"{API}/sites", json={**body, "organisation_id": SO}), 403))["code"] == (
        "not_yours"
    )


async def test_s09_s17_readiness_and_seats_are_told_with_the_site(place: World) -> None:
    """S09, S17: what is missing, and too few seats for who is expected."""
    host = await place.sign_in(Role.HOST)
    conditions = {"line": "poor", "sound": "good"}
    changed = await ok(await host.patch(f"{API}/sites/{SITE}", json={"revision": 1, "conditions": conditions}))
    assert changed["readiness"] == "not_ready"
    seen = await ok(await host.get(f"{API}/sites/{SITE}?attendees=55"))
    codes = [one["code"] for one in seen["findings"]]
    assert codes[0] == "not_enough_seats"
    assert {"poor_line", "no_camera", "unknown_power"} <= set(codes)
    assert [one["id"] for one in await ok(await host.get(f"{API}/sites?readiness=not_ready"))] == [SITE]


async def test_s96_presets_are_kept_with_their_memory_keys(place: World) -> None:
    host = await place.sign_in(Role.HOST)
    names = ("chair", "left", "right", "zoom_in", "zoom_out")
    presets = [{"position": name, "name": name, "number": number} for number, name in enumerate(names)]
    changed = await ok(await host.patch(f"{API}/sites/{SITE}", json={"revision": 1, "presets": presets}))
    assert [one["position"] for one in changed["presets"]] == list(names)
    twice = [{"name": "a", "number": 1}, {"name": "b", "number": 1}]
    await refused(await host.patch(f"{API}/sites/{SITE}", json={"revision": 2, "presets": twice}), 422)


async def test_two_people_do_not_overwrite_each_other(place: World) -> None:
    host, officer = await place.sign_in(Role.HOST), await place.sign_in(Role.OFFICER)
    await ok(await officer.patch(f"{API}/sites/{SITE}", json={"revision": 1, "seats": 60}))
    error = await refused(await host.patch(f"{API}/sites/{SITE}", json={"revision": 1, "seats": 70}), 409)
    assert error["code"] == "changed_meanwhile"
    assert error["detail"]["revision"] == 2
    since = error["detail"]["since"][0]
    assert (since["actor"], since["before"], since["after"]) == ("officer", {"seats": 40}, {"seats": 60})


async def test_every_change_is_kept_with_before_and_after(place: World) -> None:
    host = await place.sign_in(Role.HOST)
    await ok(await host.patch(f"{API}/sites/{SITE}", json={"revision": 1, "seats": 60, "remark": "Thêm ghế"}))
    await ok(await host.patch(f"{API}/sites/{SITE}", json={"revision": 2, "seats": 60}))  # nothing new
    changes = await ok(await host.get(f"{API}/sites/{SITE}/changes"))
    assert len(changes) == 1
    assert changes[0]["before"] == {"seats": 40, "remark": ""}
    assert changes[0]["after"] == {"seats": 60, "remark": "Thêm ghế"}
    assert changes[0]["at"].endswith("+07:00")
    listed = await ok(await host.get(f"{API}/changes?limit=10"))
    assert {one["organisation_id"] for one in listed} == {AGENCY}
    assert (await refused(await host.get(f"{API}/changes?organisation={SO}"), 403))["code"] == "not_yours"


async def test_a_repeated_request_makes_one_entry_also_after_a_restart(place: World) -> None:
    registry = place.services.registry
    values = {"organisation_id": AGENCY, "name": "Sở Y tế, phòng 9"}
    first = await registry.sites.make(values, OFFICER, "officer/key#print")
    again = await Registry(place.services.database, time.time).sites.make(values, OFFICER, "officer/key#print")
    assert first.id == again.id
    new = {"organisation_id": AGENCY, "name": "A", "position": "B", "phone": "0912345678"}
    one = await registry.contacts.make(new, OFFICER, "officer/key2#print")
    assert (await registry.contacts.make(new, OFFICER, "officer/key2#print")).id == one.id
    changed = await registry.sites.change(SITE, {"seats": 41}, 1, OFFICER, "officer/key3#print")
    assert (await registry.sites.change(SITE, {"seats": 41}, 1, OFFICER, "officer/key3#print")).revision == 2
    assert changed.revision == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"allowed_networks": ["10.0.0.0/99"]}, "invalid"),
        ({"seats": -1}, "invalid"),
        ({"seats": 2**70}, "invalid"),
        ({"room": "a\x00b"}, "invalid"),
        ({"room": "x" * 300}, "invalid"),
        ({"carrier_id": "khong-co"}, "unknown_organisation"),
        ({"carrier_id": SO}, "not_a_carrier"),
        ({"organisation_id": "khong-co"}, "unknown_organisation"),
    ],
)
async def test_wrong_values_are_refused_with_what_to_do(place: World, body: dict[str, Any], code: str) -> None:
    officer = await place.sign_in(Role.OFFICER)
    answer = await officer.patch(f"{API}/sites/{SITE}", json={"revision": 1, **body})
    assert 400 <= answer.status < 500
    assert (await answer.json())["error"]["code"] == code


# ------------------------------------------------------------------------------------- what an agency may not do


async def test_s21_networks_are_the_so_s(place: World) -> None:
    """S21: allowed networks per site, in one form, set by the Sở only."""
    host, officer = await place.sign_in(Role.HOST), await place.sign_in(Role.OFFICER)
    body = {"revision": 1, "allowed_networks": ["10.27.4.9/24"]}
    assert (await refused(await host.patch(f"{API}/sites/{SITE}", json=body), 403))["code"] == "only_so"
    changed = await ok(await officer.patch(f"{API}/sites/{SITE}", json=body))
    assert changed["allowed_networks"] == ["10.27.4.0/24"]
    assert await place.services.directory.allowed_networks(SITE) == ("10.27.4.0/24",)
    assert await place.services.directory.allowed_networks("khong-co") == ()


async def test_s19_locked_equipment_changes_by_request_only(place: World) -> None:
    host, officer = await place.sign_in(Role.HOST), await place.sign_in(Role.OFFICER)
    await ok(await officer.patch(f"{API}/sites/{SITE}", json={"revision": 1, "config_locked": True}))
    body = {"revision": 2, "endpoint": {"model": "Máy mới"}}
    error = await refused(await host.patch(f"{API}/sites/{SITE}", json=body), 409)
    assert (error["code"], error["detail"]["fields"]) == ("configuration_locked", ["endpoint"])
    await ok(await host.patch(f"{API}/sites/{SITE}", json={"revision": 2, "seats": 44}))  # not equipment
    wanted = {
        "site_id": SITE,
        "kind": "configuration",
        "reason": "Thiết bị cũ hỏng",
        "wanted": {"endpoint": {"model": "Máy mới"}},
    }
    asked = await ok(await host.post(f"{API}/change-requests", json=wanted), 201)
    assert "change_asked" in await notices(officer)
    path = f"{API}/change-requests/{asked['id']}"
    early = await host.post(f"{path}/completion", json={"revision": 1})
    assert (await refused(early, 409))["code"] == "wrong_state"
    assert (await host.post(f"{path}/decision", json={"revision": 1, "approve": True})).status == 403
    decided = await ok(await officer.post(f"{path}/decision", json={"revision": 1, "approve": True}))
    assert decided["state"] == "approved"
    assert "change_approved" in await notices(host)
    await ok(await host.post(f"{path}/completion", json={"revision": 2}))
    assert (await ok(await host.get(f"{API}/sites/{SITE}")))["endpoint"]["model"] == "Máy mới"
    twice = await officer.post(f"{path}/decision", json={"revision": 3, "approve": False})
    assert (await refused(twice, 409))["code"] == "wrong_state"


async def test_s19_another_endpoint_raises_an_alarm_and_waits_for_the_so(place: World) -> None:
    officer, host = await place.sign_in(Role.OFFICER), await place.sign_in(Role.HOST)
    requests = place.services.registry.requests
    first, other = fingerprint("10.27.4.11", "G7500", ["H264"]), fingerprint("10.9.9.9", "Laptop", ["VP8"])
    assert await requests.observe(SITE, first) == []
    assert await requests.observe(SITE, first) == []
    site = await ok(await officer.get(f"{API}/sites/{SITE}"))
    await ok(await officer.patch(f"{API}/sites/{SITE}", json={"revision": site["revision"], "config_locked": True}))
    assert await requests.observe(SITE, other) == ["network", "model", "codecs"]
    assert await requests.observe(SITE, other) == ["network", "model", "codecs"]
    assert (await notices(officer)).count("endpoint_changed") == 1
    site = await ok(await officer.get(f"{API}/sites/{SITE}"))
    assert (site["fingerprint"], site["seen_fingerprint"]) == (first, other)
    wanted = {"site_id": SITE, "kind": "endpoint", "reason": "Thay máy tính phòng họp"}
    asked = await ok(await host.post(f"{API}/change-requests", json=wanted), 201)
    decision = {"revision": 1, "approve": True}
    decided = await ok(await officer.post(f"{API}/change-requests/{asked['id']}/decision", json=decision))
    assert decided["state"] == "done"
    site = await ok(await officer.get(f"{API}/sites/{SITE}"))
    assert (site["fingerprint"], site["seen_fingerprint"]) == (other, {})
    assert await requests.observe("khong-co", other) == []


async def test_s19_whoever_comes_in_is_compared_without_holding_up_the_meeting(place: World) -> None:
    arrivals = place.services.arrivals
    assert place.services.live.gate is arrivals
    for address, client in (("10.27.4.11", "Chromium 130"), ("10.27.4.80", "Chromium 131"), ("10.9.9.9", "Khac")):
        await arrivals.admit("c-1", SITE, address)
        arrivals.came_in("c-1", SITE, address, client, replaced=False)
        await asyncio.wait_for(arrivals.look(), 5)
    arrivals.came_in("c-1", "khong-co", "10.9.9.9", "Khac", replaced=False)
    await asyncio.wait_for(arrivals.look(), 5)
    officer = await place.sign_in(Role.OFFICER)
    assert (await notices(officer)).count("endpoint_changed") == 1
    site = await ok(await officer.get(f"{API}/sites/{SITE}"))
    assert site["fingerprint"] == {"network": "10.9.9.0/24", "model": "Khac", "codecs": []}  # not locked: taken over
    for _ in range(1100):  # nobody looks: dropped, never blocked
        arrivals.came_in("c-1", SITE, "10.9.9.9", "Khac", replaced=False)
    assert arrivals.dropped >= 100


async def test_s20_a_room_moves_with_both_recipients_told(place: World) -> None:
    host, officer = await place.sign_in(Role.HOST), await place.sign_in(Role.OFFICER)
    carrier, other = await place.sign_in(Role.CARRIER), await place.sign_in(Role.VIEWER)
    await ok(await host.patch(f"{API}/sites/{SITE}", json={"revision": 1, "room": "Tầng 1"}))  # was empty: filled in
    direct = await host.patch(f"{API}/sites/{SITE}", json={"revision": 2, "room": "Tầng 3"})
    assert (await refused(direct, 409))["code"] == "relocation_needed"
    body = {
        "site_id": SITE,
        "kind": "relocation",
        "reason": "Chuyển trụ sở",
        "wanted": {"room": "Tầng 3", "address": "Trụ sở mới"},
        "planned_on": "2026-12-05",
    }
    asked = await ok(await host.post(f"{API}/change-requests", json=body), 201)
    assert (asked["manager_id"], asked["carrier_id"]) == (SO, CARRIER)
    assert "relocation_asked" in await notices(officer)
    assert "relocation_asked" in await notices(carrier)
    path = f"{API}/change-requests/{asked['id']}"
    await ok(await officer.post(f"{path}/decision", json={"revision": 1, "approve": True}))
    early = await host.post(f"{path}/completion", json={"revision": 2})
    error = await refused(early, 409)
    assert (error["code"], error["detail"]["waiting"]) == ("not_acknowledged", ["carrier"])
    assert (await other.post(f"{path}/acknowledgement", json={"revision": 2})).status == 403
    assert asked["id"] in [one["id"] for one in await ok(await carrier.get(f"{API}/change-requests"))]
    await ok(await carrier.post(f"{path}/acknowledgement", json={"revision": 2, "by": "Trực kỹ thuật"}))
    done = await ok(await host.post(f"{path}/completion", json={"revision": 3}))
    assert done["state"] == "done"
    site = await ok(await host.get(f"{API}/sites/{SITE}"))
    assert (site["room"], site["address"]) == ("Tầng 3", "Trụ sở mới")


async def test_s20_without_a_carrier_there_is_no_relocation(place: World) -> None:
    officer = await place.sign_in(Role.OFFICER)
    await ok(await officer.patch(f"{API}/sites/{SITE}", json={"revision": 1, "carrier_id": None}))
    body = {"site_id": SITE, "kind": "relocation", "reason": "Chuyển trụ sở", "wanted": {"room": "Tầng 3"}}
    error = await refused(await officer.post(f"{API}/change-requests", json=body), 409)
    assert (error["code"], error["detail"]["missing"]) == ("recipients_missing", ["carrier"])
    await refused(await officer.post(f"{API}/change-requests", json={**body, "carrier_id": SO}), 409)
    await ok(await officer.post(f"{API}/change-requests", json={**body, "carrier_id": CARRIER}), 201)


# ------------------------------------------------------------------------------------- people, equipment, faults


async def test_s57_the_so_is_told_of_changed_contacts(place: World) -> None:
    host, officer = await place.sign_in(Role.HOST), await place.sign_in(Role.OFFICER)
    body = {"organisation_id": AGENCY, "role": "team", "name": "Tổ trưởng", "position": "Phó phòng", "phone": "x"}
    assert (await refused(await host.post(f"{API}/contacts", json=body), 422))["code"] == "invalid"
    made = await ok(await host.post(f"{API}/contacts", json={**body, "phone": "+84 912 345 678"}), 201)
    assert made["phone"] == "0912345678"
    await ok(await host.patch(f"{API}/contacts/{made['id']}", json={"revision": 1, "phone": "0222.3822.123"}))
    assert (await host.delete(f"{API}/contacts/{made['id']}?revision=1")).status == 409
    assert (await host.delete(f"{API}/contacts/{made['id']}?revision=2")).status == 204
    told = [kind for kind in await notices(officer) if kind.startswith("contact")]
    assert sorted(told) == ["contact_added", "contact_changed", "contact_removed"]
    changes = await ok(await host.get(f"{API}/changes?limit=3"))
    assert [one["what"] for one in changes] == ["removed", "changed", "created"]
    seen = await ok(await officer.get(f"{API}/notices"))
    await ok(await officer.post(f"{API}/notices/{seen[0]['id']}/seen"))
    assert len(await notices(officer)) == len(seen) - 1
    assert (await host.post(f"{API}/notices/{seen[1]['id']}/seen")).status == 403


async def test_s44_a_site_s_contacts_come_before_its_organisation_s(place: World) -> None:
    host = await place.sign_in(Role.HOST)
    body = {"organisation_id": AGENCY, "name": "Lãnh đạo", "position": "Phó Giám đốc", "phone": "02043555992"}
    await ok(await host.post(f"{API}/contacts", json={**body, "role": "leader"}), 201)
    card = await ok(await host.get(f"{API}/sites/{SITE}/contacts"))
    assert card[0]["id"] == CONTACT
    assert [one["phone"] for one in card] == ["0912345678", "02043555992"]


async def test_s26_only_the_certified_can_be_chosen_for_duty(place: World) -> None:
    host, officer = await place.sign_in(Role.HOST), await place.sign_in(Role.OFFICER)
    path = f"{API}/trained-operators/{TRAINEE}"
    certificate = {"revision": 1, "certificate": "12/CN", "issued_on": "2026-01-10", "expires_on": "2027-01-09"}
    assert (await refused(await host.patch(path, json=certificate), 403))["code"] == "only_so"
    await ok(await officer.patch(path, json=certificate))
    directory = place.services.directory

    async def on(day: date) -> list[str]:
        return [one.id for one in await directory.trained_operators(AGENCY, day)]

    assert await on(date(2026, 1, 9)) == []
    assert await on(date(2026, 1, 10)) == [TRAINEE]
    assert await on(date(2027, 1, 9)) == [TRAINEE]
    assert await on(date(2027, 1, 10)) == []
    assert await directory.trained_operators(None, date(2026, 6, 1))
    listed = await ok(await host.get(f"{API}/trained-operators?certified_on=2027-02-01"))
    assert listed == []
    backwards = {"revision": 2, "expires_on": "2025-01-01"}
    assert (await refused(await officer.patch(path, json=backwards), 422))["code"] == "bad_days"


async def test_s51_the_training_plan_names_courses_and_who_needs_them(place: World) -> None:
    officer = await place.sign_in(Role.OFFICER)
    body = {"year": 2027, "title": "Tập huấn cấp xã", "starts_on": "2027-03-01", "ends_on": "2027-03-02", "places": 99}
    await ok(await officer.post(f"{API}/courses", json=body), 201)
    answer = await officer.get(f"{API}/training/plan.xlsx?year=2027")
    book = load_workbook(io.BytesIO(await answer.read()))
    assert book.sheetnames == ["Lớp tập huấn", "Nhu cầu", "Người vận hành"]
    assert [cell.value for cell in book["Lớp tập huấn"][5]][1] == "Tập huấn cấp xã"
    assert [cell.value for cell in book["Nhu cầu"][5]][1:3] == ["Sở Y tế", 0]


async def test_s28_assets_fall_due_and_maintenance_moves_the_day(place: World) -> None:
    host = await place.sign_in(Role.HOST)
    body = {"revision": 1, "every_months": 6, "bought_on": "2026-01-15", "planned_vnd": 500_000}
    assert (await ok(await host.patch(f"{API}/assets/{ASSET}", json=body)))["due_on"] == "2026-07-15"
    due = await ok(await host.get(f"{API}/assets?due_until=2026-12-31"))
    assert [one["id"] for one in due] == [ASSET]
    done = {"done_on": "2026-11-02", "kind": "repair", "cost_vnd": 350_000, "outcome": "Thay pin", "works": True}
    row = await ok(await host.post(f"{API}/assets/{ASSET}/maintenance", json=done), 201)
    assert row["cost_category"] == "small"  # S54: article 12.3, small repairs at the sites
    assert (await ok(await host.get(f"{API}/assets/{ASSET}")))["due_on"] == "2027-05-02"
    assert await ok(await host.get(f"{API}/assets?due_until=2026-12-31")) == []
    assert [one["id"] for one in await ok(await host.get(f"{API}/maintenance"))] == [row["id"]]


async def test_s52_s54_s59_the_maintenance_plan_is_exported_with_its_costs(place: World) -> None:
    """S52, S54, S59: the yearly plan as a file, with the three categories of article 12."""
    host = await place.sign_in(Role.HOST)
    for category, name in (("shared", "MCU"), ("small", "=1+1")):
        body = {
            "organisation_id": AGENCY,
            "name": name,
            "kind": "other",
            "cost_category": category,
            "replace_year": 2027,
            "planned_vnd": 1_000_000,
        }
        await ok(await host.post(f"{API}/assets", json=body), 201)
    plan = await ok(await host.get(f"{API}/maintenance/plan?year=2027"))
    assert plan["costs"] == {"shared": 1_000_000, "upkeep": 0, "small": 1_000_000}
    answer = await host.get(f"{API}/maintenance/plan.xlsx?year=2027")
    assert "filename*=UTF-8''ke-hoach-bao-tri-2027.xlsx" in answer.headers["Content-Disposition"]
    book = load_workbook(io.BytesIO(await answer.read()))
    names = [row[2].value for row in book["Kế hoạch"].iter_rows(min_row=6)]
    assert sorted(str(name) for name in names) == ["=1+1", "MCU"]
    assert all(cell.data_type == "s" for row in book["Kế hoạch"].iter_rows(min_row=6) for cell in row[2:3])
    assert [row[2].value for row in book["Kinh phí"].iter_rows(min_row=6)] == [1_000_000, 0, 1_000_000, 2_000_000]


async def test_s56_a_fault_is_told_with_figures_and_followed_until_done(place: World) -> None:
    host, officer = await place.sign_in(Role.HOST), await place.sign_in(Role.OFFICER)
    body = {
        "organisation_id": AGENCY,
        "site_id": SITE,
        "kind": "line",
        "urgent": True,
        "title": "Mất đường truyền",
        "figures": {"loss": 0.31, "rtt_ms": 240, "codec": "VP8", "on": True},
    }
    made = await ok(await host.post(f"{API}/faults", json=body), 201)
    assert made["figures"] == {"loss": 0.31, "rtt_ms": 240, "codec": "VP8", "on": True}
    assert "fault_reported" in await notices(officer)
    assert (await ok(await host.get(f"{API}/sites/{SITE}")))["readiness"] == "not_ready"
    path = f"{API}/faults/{made['id']}"
    taken = await ok(await officer.patch(path, json={"revision": 1, "state": "in_progress"}))
    assert (taken["taken_by"], taken["done_at"]) == ("officer", None)
    done = await ok(await officer.patch(path, json={"revision": 2, "state": "done", "outcome": "Thay dây quang"}))
    assert (done["state"], done["outcome"]) == ("done", "Thay dây quang")
    assert set(await notices(host)) == {"fault_done", "fault_in_progress"}
    assert (await refused(await officer.patch(path, json={"revision": 3, "state": "in_progress"}), 409))["code"] == (
        "wrong_state"
    )
    unsolved = await ok(await host.get(f"{API}/faults?unsolved=true"))
    assert [one["id"] for one in unsolved] == [FAULT]


async def test_s60_s61_a_carrier_confirms_the_faults_of_its_own_lines_only(place: World) -> None:
    async with place.services.database.writing() as session:
        await session.execute(update(Site).where(Site.id == SITE).values(carrier_id=CARRIER, line_code="BNH-12"))
    carrier = await place.sign_in(Role.CARRIER)
    (fault,) = await ok(await carrier.get(f"{API}/line-faults"))
    assert (fault["id"], fault["line_code"], fault["state"]) == (FAULT, "BNH-12", "open")
    assert "conference_id" not in fault, "nothing of a meeting"
    path = f"{API}/line-faults/{FAULT}/confirmation"
    body = {"revision": fault["revision"], "state": "in_progress", "outcome": "Đang thay thiết bị"}
    taken = await ok(await carrier.post(path, json=body))
    assert (taken["state"], taken["taken_by"], taken["outcome"]) == ("in_progress", "carrier", "Đang thay thiết bị")
    officer = await place.sign_in(Role.OFFICER)
    told = await ok(await officer.get(f"{API}/notices"))
    assert any("Đơn vị viễn thông về" in one["vi"] for one in told)
    async with place.services.database.writing() as session:
        await session.execute(update(Site).where(Site.id == SITE).values(carrier_id=None))
    assert await ok(await carrier.get(f"{API}/line-faults")) == []
    again = {**body, "revision": taken["revision"], "state": "done"}
    assert (await refused(await carrier.post(path, json=again), 403))["code"] == "not_yours"
    async with place.services.database.writing() as session:
        await session.execute(update(Fault).values(kind="device"))
    assert (await refused(await officer.post(path, json=again), 404))["code"] == "unknown_fault"
    for closed in ("/conferences", "/bookings", "/directory/faults", "/directory/sites"):
        await refused(await carrier.get(f"/api/v1{closed}"), 403)


async def test_s56_what_a_site_says_in_a_meeting_becomes_a_fault_once(place: World) -> None:
    faults = place.services.registry.faults
    for _ in range(2):
        made = await faults.report_from_site(
            SITE, "Không nghe được", kind="sound", figures={"loss": 0.1}, conference="c-1", by="lan", command="issue/1"
        )
    found = await faults.get(made.id)
    assert (found.organisation_id, found.conference_id, found.figures) == (AGENCY, "c-1", {"loss": 0.1})
    officer = await place.sign_in(Role.OFFICER)
    assert (await notices(officer)).count("fault_reported") == 1


async def test_s55_the_portal_shows_what_is_mine_and_what_is_missing(place: World) -> None:
    host, viewer = await place.sign_in(Role.HOST), await place.sign_in(Role.VIEWER)
    await ok(
        await host.patch(f"{API}/assets/{ASSET}", json={"revision": 1, "every_months": 6, "bought_on": "2020-01-01"})
    )
    seen = await ok(await host.get(f"{API}/portal"))
    assert [one["id"] for one in seen["sites"]] == [SITE]
    assert [one["id"] for one in seen["due"]] == [ASSET]
    assert [one["id"] for one in seen["faults"]] == [FAULT]
    duties = {one["code"] for one in seen["duties"]}
    assert duties == {"no_accountable", "no_team", "nobody_certified"}
    assert (await refused(await host.get(f"{API}/portal?organisation={SO}"), 403))["code"] == "not_yours"
    assert (await viewer.get(f"{API}/portal")).status == 403  # of no organisation
    assert await ok(await viewer.get(f"{API}/assets")) == []


async def test_s64_difficulties_go_to_the_committee_through_the_so(place: World) -> None:
    host, officer = await place.sign_in(Role.HOST), await place.sign_in(Role.OFFICER)
    body = {"organisation_id": AGENCY, "title": "Thiếu kinh phí", "text": "Chưa bố trí kinh phí bảo trì."}
    made = await ok(await host.post(f"{API}/difficulties", json=body), 201)
    assert "difficulty_told" in await notices(officer)
    path = f"{API}/difficulties/{made['id']}/answer"
    await ok(await officer.post(path, json={"revision": 1, "state": "forwarded", "answer": "Đã báo cáo UBND tỉnh"}))
    assert "difficulty_forwarded" in await notices(host)


# --------------------------------------------------------------------------------------------- files and searching


def book_of(sheets: dict[str, list[list[Any]]]) -> str:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return base64.b64encode(file.getvalue()).decode()


ORGANISATION_HEADS = ["Mã", "Tên cơ quan", "Loại"]
SITE_HEADS = ["Cơ quan", "Tên điểm cầu", "Số ghế", "Dải mạng được phép", "Màn hình"]
CONTACT_HEADS = ["Cơ quan", "Điểm cầu", "Họ và tên", "Chức vụ", "Điện thoại"]
GOOD_BOOK: dict[str, list[list[Any]]] = {
    "Cơ quan": [ORGANISATION_HEADS, [None, "UBND xã Văn Môn", "UBND cấp xã"]],
    "Điểm cầu": [SITE_HEADS, ["UBND xã Văn Môn", "UBND xã Văn Môn", 40, "10.1.0.0/16, 10.2.0.1", "Ti vi [QA65] x2"]],
    "Đầu mối": [CONTACT_HEADS, ["ubnd xa van mon", "UBND xã Văn Môn", "Cán bộ", "Công chức", 912345678]],
}


async def test_an_import_is_checked_first_and_then_done_wholly(place: World) -> None:
    officer = await place.sign_in(Role.OFFICER)
    file = book_of(GOOD_BOOK)
    report = await ok(await officer.post(f"{API}/import", json={"file": file}))
    assert (report["applied"], report["created"], report["errors"]) == (False, 3, 0)
    assert (await officer.get(f"{API}/sites/ubnd-xa-van-mon")).status == 404
    report = await ok(await officer.post(f"{API}/import", json={"file": file, "apply": True}))
    assert (report["applied"], report["created"]) == (True, 3)
    site = await ok(await officer.get(f"{API}/sites/ubnd-xa-van-mon"))
    assert site["allowed_networks"] == ["10.1.0.0/16", "10.2.0.1/32"]
    assert site["peripherals"]["display"][0] | {"remark": ""} == {
        "name": "Ti vi",
        "model": "QA65",
        "quantity": 2,
        "good": True,
        "remark": "",
    }
    card = await ok(await officer.get(f"{API}/sites/ubnd-xa-van-mon/contacts"))
    assert card[0]["phone"] == "0912345678"  # the spreadsheet had dropped its zero
    report = await ok(await officer.post(f"{API}/import", json={"file": file, "apply": True}))
    assert (report["created"], report["changed"], report["same"]) == (0, 0, 3)


async def test_one_wrong_row_stops_the_import_and_is_told_by_its_number(place: World) -> None:
    officer = await place.sign_in(Role.OFFICER)
    file = book_of(
        {
            "Cơ quan": [
                ORGANISATION_HEADS,
                [None, "UBND xã Văn Môn", "UBND cấp xã"],
                [None, "UBND xã Yên Trung", "huyện"],
                [None, "UBND Xã Văn Môn", "UBND cấp xã"],
                [None, None, "Khác"],
            ],
            "Điểm cầu": [
                SITE_HEADS,
                ["không có", "Điểm cầu", 1, "", ""],
                [AGENCY, "Hội trường", "nhiều", "10.0.0.0/99", ""],
            ],
            "Đầu mối": [CONTACT_HEADS, [AGENCY, None, "Ai đó", "Công chức", "12"]],
        }
    )
    report = await ok(await officer.post(f"{API}/import", json={"file": file, "apply": True}))
    assert (report["applied"], report["errors"]) == (False, 6)
    troubles = {(one["sheet"], one["row"]): [why["column"] for why in one["troubles"]] for one in report["lines"]}
    assert troubles["Cơ quan", 3] == ["Loại"]
    assert troubles["Cơ quan", 4] == [""]  # twice in the file
    assert troubles["Cơ quan", 5] == ["Tên cơ quan"]
    assert troubles["Điểm cầu", 2] == ["Cơ quan"]
    assert troubles["Điểm cầu", 3] == ["Số ghế", "Dải mạng được phép"]
    assert troubles["Đầu mối", 2] == ["Điện thoại"]
    assert all(why["vi"] and why["en"] for one in report["lines"] for why in one["troubles"])
    assert (await officer.get(f"{API}/organisations/ubnd-xa-van-mon")).status == 404


@pytest.mark.parametrize(
    ("sheets", "code"),
    [
        ({"Khác": [["a"]]}, "bad_workbook_sheets"),
        ({"Cơ quan": [["Mã"], ["x"]]}, "bad_workbook_columns"),
        ({"Cơ quan": [[*ORGANISATION_HEADS, "Lạ"], ["x"]]}, "bad_workbook_columns"),
        ({"Cơ quan": [[*ORGANISATION_HEADS, "Loại"], ["x"]]}, "bad_workbook_columns"),
    ],
)
async def test_files_of_another_shape_are_refused(place: World, sheets: dict[str, list[list[Any]]], code: str) -> None:
    officer = await place.sign_in(Role.OFFICER)
    assert (await refused(await officer.post(f"{API}/import", json={"file": book_of(sheets)}), 422))["code"] == code
    for nonsense in ("AAAA", "!!!!", "A" * 9):
        await refused(await officer.post(f"{API}/import", json={"file": nonsense}), 422)


async def test_a_large_file_passes_and_a_larger_one_does_not(place: World) -> None:
    officer = await place.sign_in(Role.OFFICER)
    assert (await refused(await officer.post(f"{API}/import", json={"file": "A" * 400_000}), 422))["code"] == (
        "bad_workbook"
    )
    larger = io.BytesIO(b'{"file": "' + b"A" * 7_000_000 + b'"}')
    answer = await officer.post(f"{API}/import", data=larger, headers={"Content-Type": "application/json"})
    assert answer.status == 413


async def test_what_was_exported_and_not_touched_changes_nothing(place: World) -> None:
    database, now = place.services.database, time.time()
    await seed(database, now)
    again = await seed(database, now)
    assert (again.organisations, again.sites) == (0, 0)
    exchange = Exchange(database, time.time)
    raw = await exchange.export()
    lines, applied = await exchange.import_(raw, OFFICER, apply=True)
    assert applied
    assert {line.action for line in lines} == {"same"}
    assert len(lines) > 240
    officer = await place.sign_in(Role.OFFICER)
    answer = await officer.get(f"{API}/export?organisation={AGENCY}")
    sheet = load_workbook(io.BytesIO(await answer.read()))["Cơ quan"]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == [AGENCY]


async def test_searching_without_diacritics_finds_at_once_among_ten_thousand_sites(place: World) -> None:
    database, many = place.services.database, 10_000
    stamp = {"revision": 1, "created_at": 1.0, "changed_at": 1.0, "changed_by": "mcu"}
    rows: list[dict[str, Any]] = [
        {
            "id": f"s-{number}",
            "organisation_id": AGENCY,
            "name": f"Điểm cầu {number}",
            "folded": fold(f"Điểm cầu {number} thôn Đông Bắc Ninh"),
            **stamp,
        }
        for number in range(many)
    ]
    rows[7777]["folded"] += " van mon"
    async with database.writing() as session:
        await session.execute(insert(Site), rows)
    viewer = await place.sign_in(Role.VIEWER)
    took = []
    for words in ("văn môn", "Van Mon", "VĂN  MÔN", "mon van", "van mon"):
        started = time.perf_counter()
        answer = await viewer.get(f"{API}/sites", params={"q": words, "limit": "50"})
        took.append(time.perf_counter() - started)
        assert [one["id"] for one in await ok(answer)] == ["s-7777"]
        assert answer.headers["X-Total-Count"] == "1"
    assert sorted(took)[2] < 0.1
    answer = await viewer.get(f"{API}/sites?q=bac+ninh&limit=20&offset=40")
    assert (len(await ok(answer)), answer.headers["X-Total-Count"]) == (20, str(many))
    assert await ok(await viewer.get(f"{API}/sites?q=100%25")) == []  # a sign of LIKE is a sign


# --------------------------------------------------------------------------------------------- on both databases


async def test_the_directory_works_on_both_databases(database: Database, tmp_path: Path) -> None:
    await seed(database, 1.0)
    directory, registry = Directory(database), Registry(database, time.time)
    found, number = await directory.sites(SiteFilter("van mon"))
    assert (number, found[0].id) == (1, "ubnd-xa-van-mon")
    assert (await directory.sites(SiteFilter(kind="commune"), limit=1))[1] == 99
    assert len((await directory.sites(ids=["ubnd-xa-van-mon", "so-y-te"]))[0]) == 2
    manager = await directory.manager()
    assert manager is not None
    assert manager.short_name == "SKHCN"
    changed = await registry.sites.change("ubnd-xa-van-mon", {"peripherals": {}, "seats": 9}, 1, OFFICER)
    assert (changed.revision, changed.peripherals) == (2, {})
    raw = await Exchange(database, time.time).export("xa-van-mon")
    lines, _ = await Exchange(database, time.time).import_(raw, OFFICER, apply=True)
    assert {line.action for line in lines} == {"same"}
    overview = await registry.portal.overview("xa-van-mon")
    assert [one.id for one in overview.sites] == ["ubnd-xa-van-mon"]


async def test_of_changes_at_the_same_time_one_is_made_and_the_others_are_told(database: Database) -> None:
    await seed(database, 1.0)
    registry = Registry(database, time.time)
    tries = [
        registry.sites.change("ubnd-xa-van-mon", {"seats": seats}, 1, OFFICER, f"officer/{seats}#x")
        for seats in range(100, 108)
    ]
    results = await asyncio.gather(*tries, return_exceptions=True)
    made = [one for one in results if isinstance(one, Site)]
    assert len(made) == 1
    assert all(isinstance(one, Refused) and one.code == "changed_meanwhile" for one in results if one is not made[0])
    async with database.reading() as session:
        changes = await records.history(session, 0, 10, subject="site", subject_id="ubnd-xa-van-mon")
        assert [one.what for one in changes] == ["changed", "created"]
        assert (await records.get(session, Organisation, "xa-van-mon")).revision == 1
