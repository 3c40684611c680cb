"""Every declared route: without a session, with too small a role, and with the right one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from control_api.accounts.rules import Right, Role
from control_api.api import Route
from control_api.app import GROUPS
from tests.unit.control_api import (
    account_samples,
    booking_samples,
    check_samples,
    directory_samples,
    meeting_samples,
    preparation_samples,
    report_samples,
    script_samples,
)
from tests.unit.control_api.world import PASSWORD, World, refused

ROUTES = {route.handler.__name__: route for group in GROUPS for route in group.routes}


@dataclass(frozen=True)
class Ask:
    body: dict[str, Any] | None = None


CELL = {"x": 0.0, "y": 0.25, "w": 1.0, "h": 0.5}
ASKS = {
    "sign_in": Ask({"username": "viewer", "password": PASSWORD}),
    "create_conference": Ask({"title": "Họp giao ban tháng 11", "main_site": "Trung tâm điều hành tỉnh"}),
    "change_conference": Ask({"title": "Họp khẩn", "open": False}),
    "add_site": Ask({"name": "UBND xã Văn Môn"}),
    "change_site": Ask({"name": "Sở Y tế tỉnh", "role": "main", "gain_db": -3.0}),
    "podium": Ask({"site": "so-y-te"}),
    "call_next": Ask({"site": "so-y-te"}),
    "set_layout": Ask({"layout": "2x2"}),
    "set_transition": Ask({"transition": "fade"}),
    "set_personal_view": Ask({"layout": "1+5", "cells": [{"cell": 0, "filler": "loudest"}]}),
    "pin_size": Ask({"size": "medium"}),
    "create_layout": Ask({"name": "rong", "title_vi": "Rộng", "title_en": "Wide", "cells": [CELL]}),
    "change_layout": Ask({"title_vi": "Rộng", "title_en": "Wide", "cells": [CELL]}),
    "set_podium_layout": Ask({"layout": "1+5"}),
    "place_site": Ask({"site": "so-y-te", "track": "camera"}),
    "set_rendition": Ask({"width": 640, "height": 360, "frame_rate": 25}),
    "mute_site": Ask({"muted": True}),
    "mute_all": Ask({"except": ["so-y-te"]}),
    "open_monitor": Ask({"view": "wall"}),
    "save_script": Ask(script_samples.SAVE),
    "copy_script": Ask({"from": script_samples.OTHER, "revision": 1}),
    "next_scene": Ask({}),
    "previous_scene": Ask({"after": "s-bao-cao"}),
    "go_to_scene": Ask({"scene": "s-thao-luan"}),
    "set_rehearsal": Ask({"on": True}),
    "recall_camera_preset": Ask({"preset": "Chủ tọa"}),
    "override_check": Ask({"verdict": "fail", "remark": "Nghe lại thì tiếng bị rè."}),
    "check_room": Ask(
        {
            "sheet": check_samples.SHEET,
            "saw": {"we_hear_them": True, "they_hear_us": True, "we_see_them": True, "they_see_us": True},
            "seconds": 1.0,
        }
    ),
    "start_check_round": Ask({"title": "Kiểm tra định kỳ tháng 11/2026", "sites": [check_samples.DIRECTORY_SITE]}),
    "send_check_links": Ask({}),
    "ask_retest": Ask({"purpose": "speaker", "reason": "Điểm cầu sẽ phát biểu."}),
    "confirm_joint_check": Ask({"good": True, "name": "Trực kỹ thuật nhà mạng"}),
    "open_site_check": Ask({"token": check_samples.TOKEN}),
    "ask_test_room": Ask({"token": check_samples.TOKEN}),
    "leave_test_room": Ask({"token": check_samples.TOKEN}),
    "send_site_check": Ask(check_samples.sent()),
    "write_journal_note": Ask({"text": "Đã thay micro cầm tay.", "site": "so-y-te"}),
    **{name: Ask(body) for name, body in directory_samples.ASKS.items()},
    **{name: Ask(body) for name, body in meeting_samples.ASKS.items()},
    **{name: Ask(body) for name, body in preparation_samples.BODIES.items()},
    **{name: Ask(body) for name, body in report_samples.ASKS.items()},
}
PARTS = {
    "check": check_samples.CHECK,
    "test": check_samples.SELF_TEST,
    "party": "carrier",
    "site": "so-y-te",
    **account_samples.PARTS,
    **booking_samples.PARTS,
    "view": "programme",
    "cell": "0",
    "layout": "hop",
    **meeting_samples.PARTS,
    **preparation_samples.PARTS,
}


async def prepared(world: World, route: Route) -> str:
    """A conference with a site and one command to undo; the route's path in it."""
    if route.tag == "bookings":
        return await booking_samples.prepared(world.services, route)
    if "/directory/" in route.path:
        return await directory_samples.prepared(world.services, route)
    if "/reports/" in route.path:
        return await report_samples.prepared(world.services, route)
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    made = await operator.post(f"/api/v1/conferences/{conference}/sites", json={"name": "Sở Y tế", "id": "so-y-te"})
    assert made.status == 201
    drawn = {"name": "hop", "title_vi": "Họp", "title_en": "Meeting", "cells": [CELL]}
    assert (await operator.post("/api/v1/layouts", json=drawn)).status == 201
    await check_samples.add_samples(world.services, conference, "so-y-te")
    await script_samples.add_script(world.services, conference)
    await preparation_samples.add_preparation(world.services, conference)
    await meeting_samples.add_samples(world.services, conference, "so-y-te", route.handler.__name__)
    if route.handler.__name__ == "sign_evaluation":
        await report_samples.add_evaluation(world.services, conference)
    return route.path.format(conference=conference, **PARTS)


async def ask(world: World, route: Route, path: str, role: Role | None) -> Any:
    client = await world.sign_in(role)
    name = route.handler.__name__
    if role is not None:
        await account_samples.prepare(world.services, name)
    body = booking_samples.body(name, world.clock.now) or account_samples.body(name)
    return await client.request(route.method, path, json=ASKS.get(name, Ask(body)).body)


def with_right(right: Right | None) -> Role | None:
    """The smallest role that has it; None: nobody need be signed in."""
    return None if right is None else min((role for role in Role if right in role.rights), key=lambda r: len(r.rights))


def without(right: Right) -> Role | None:
    """The largest role that lacks it; None: every role has it."""
    return max((role for role in Role if right not in role.rights), key=lambda r: len(r.rights), default=None)


@pytest.mark.parametrize("name", sorted(ROUTES))
async def test_route_answers_the_right_role_and_nobody_else(world: World, name: str) -> None:
    route = ROUTES[name]
    path = await prepared(world, route)
    if route.right is not None:
        error = await refused(await ask(world, route, path, None), 401)
        assert error["code"] == "not_signed_in"
        if (too_small := without(route.right)) is not None:
            error = await refused(await ask(world, route, path, too_small), 403)
            assert error["code"] == "forbidden"
    answer = await ask(world, route, path, with_right(route.right))
    assert answer.status == route.status, await answer.text()
    assert answer.headers["Cache-Control"] == "no-store"
    if route.answer is not None:
        assert answer.content_type == "application/json"
        await answer.json()


def test_open_routes_are_only_the_ones_meant() -> None:
    meant = {
        "sign_in",
        "login_methods",
        "open_site_check",
        "ask_test_room",
        "leave_test_room",
        "send_site_check",
    }
    assert {route.handler.__name__ for route in ROUTES.values() if route.right is None} == meant


async def test_system_routes_are_closed(world: World) -> None:
    for path in ("/api/v1/openapi.json", "/metrics", "/ws/v1/conferences/c-1/events"):
        assert (await refused(await world.client().get(path), 401))["code"] == "not_signed_in"
    viewer = await world.sign_in(Role.VIEWER)
    await refused(await viewer.get("/metrics"), 403)
    assert (await viewer.get("/api/v1/openapi.json")).status == 200
    administrator = await world.sign_in(Role.ADMINISTRATOR)
    assert (await administrator.get("/metrics")).status == 200


async def test_conference_is_made_listed_changed_and_removed(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    made = await operator.post("/api/v1/conferences", json={"title": "Họp giao ban", "main_site": "Trung tâm"})
    conference = await made.json()
    assert made.headers["Location"] == f"/api/v1/conferences/{conference['id']}"
    assert conference["sites"] == 1
    listed = await operator.get("/api/v1/conferences")
    assert listed.headers["X-Total-Count"] == "1"
    assert [one["id"] for one in await listed.json()] == [conference["id"]]
    assert await (await operator.get("/api/v1/conferences?offset=1")).json() == []
    changed = await operator.patch(f"/api/v1/conferences/{conference['id']}", json={"title": "Họp khẩn"})
    assert (await changed.json())["title"] == "Họp khẩn"
    assert (await operator.delete(f"/api/v1/conferences/{conference['id']}")).status == 204
    error = await refused(await operator.get(f"/api/v1/conferences/{conference['id']}"), 404)
    assert error["code"] == "unknown_conference"


async def test_a_conference_whose_main_site_is_refused_is_not_made(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    body = {"title": "Họp giao ban", "main_site": "Trung tâm\u200b"}
    error = await refused(await operator.post("/api/v1/conferences", json=body), 422)
    assert error["code"] == "bad_name"
    assert await (await operator.get("/api/v1/conferences")).json() == []


async def test_a_command_after_another_process_wrote_is_a_conflict_and_then_goes_on(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    (stored,) = await world.services.conferences.load_all()
    newer = {**stored.document, "revision": 99}
    await world.services.conferences.save(conference, stored.revision, 99, newer, None, None, [])
    path = f"/api/v1/conferences/{conference}/sites"
    error = await refused(await operator.post(path, json={"name": "UBND xã Văn Môn"}), 409)
    assert error["code"] == "changed_elsewhere"
    assert (await operator.post(path, json={"name": "UBND xã Văn Môn"})).status == 201


async def test_link_brings_the_configured_address_and_a_token_that_opens_the_seat(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    path = await prepared(world, ROUTES["make_link"])
    first = await (await operator.post(path)).json()
    second = await (await operator.post(path)).json()
    assert first["url"] == f"https://mcu.example.vn/join/{first['token']}"
    store = world.services.conferences
    assert await store.seat_for_token(first["token"]) is None  # the new link replaced it
    found = await store.seat_for_token(second["token"])
    assert found is not None
    assert found.site == "so-y-te"
    assert (await operator.delete(path)).status == 204
    assert await store.seat_for_token(second["token"]) is None


async def test_podium_mutes_by_rule_and_undo_restores(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    base = f"/api/v1/conferences/{conference}"
    for name in ("Sở Y tế", "UBND xã Văn Môn"):
        await operator.post(f"{base}/sites", json={"name": name})
    before = await (await operator.get(f"{base}/state")).json()
    state = await (await operator.post(f"{base}/podium", json={"site": "so-y-te"})).json()
    assert state["podium"] == "so-y-te"
    assert {site["id"]: site["muted_by"] for site in state["sites"]} == {"so-y-te": None, "ubnd-xa-van-mon": "rule"}
    after = await (await operator.post(f"{base}/undo")).json()
    assert after["views"] == before["views"]
    assert after["sites"] == before["sites"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/conferences/{c}/podium", 404, "unknown_site"),
        ("PUT", "/conferences/{c}/views/programme/layout", 404, "unknown_layout"),
        ("PUT", "/conferences/{c}/views/ceiling/layout", 422, "invalid"),
        ("PUT", "/conferences/{c}/views/programme/cells/250", 422, "cell_out_of_range"),
        ("PATCH", "/conferences/{c}/views/programme/rendition", 422, "not_even"),
        ("POST", "/conferences/{c}/undo", 409, "nothing_to_undo"),
        ("DELETE", "/conferences/{c}/sites/nobody", 404, "unknown_site"),
        ("POST", "/conferences/c-none/undo", 404, "unknown_conference"),
        ("GET", "/nowhere", 404, "not_found"),
        ("PUT", "/conferences", 405, "method_not_allowed"),
    ],
)
async def test_refusals_have_stable_codes(world: World, method: str, path: str, status: int, code: str) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    bodies = {
        "podium": {"site": "nobody"},
        "layout": {"layout": "99x99"},
        "250": {"site": None},
        "rendition": {"width": 641},
    }
    body = next((body for end, body in bodies.items() if path.endswith(end)), None)
    answer = await operator.request(method, "/api/v1" + path.format(c=conference), json=body)
    assert (await refused(answer, status))["code"] == code


async def test_an_office_draws_a_layout_uses_it_everywhere_and_removes_it(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    drawing = {
        "title_vi": "Rộng",
        "title_en": "Wide",
        "cells": [CELL, {"x": 0.7, "y": 0.7, "w": 0.2, "h": 0.2, "z": 1}],
    }
    made = await operator.post("/api/v1/layouts", json={"name": "rong", **drawing})
    assert made.headers["Location"] == "/api/v1/layouts/rong"
    error = await refused(await operator.post("/api/v1/layouts", json={"name": "2x2", **drawing}), 409)
    assert error["code"] == "layout_exists"
    overlapping = {**drawing, "cells": [CELL, CELL]}
    error = await refused(await operator.put("/api/v1/layouts/rong", json=overlapping), 422)
    assert error["code"] == "bad_tiles"
    listed = {one["name"]: one["custom"] for one in await (await operator.get("/api/v1/layouts")).json()}
    assert len(listed) >= 33
    assert [name for name, custom in listed.items() if custom] == ["rong"]
    path = f"/api/v1/conferences/{conference}/views/wall"
    chair = f"/api/v1/conferences/{conference}/views/chair/podium-layout"
    state = await (await operator.put(chair, json={"layout": "rong"})).json()
    assert state["views"]["chair"]["podium_layout"] == "rong"
    state = await (await operator.put(f"{path}/layout", json={"layout": "rong"})).json()
    assert (state["views"]["wall"]["layout"], len(state["views"]["wall"]["cells"])) == ("rong", 2)
    renamed = await operator.put("/api/v1/layouts/rong", json={"title_vi": "Hẹp", "cells": [CELL]})
    assert (await renamed.json())["title_en"] == "Hẹp"  # until somebody gives it an English one
    state = await (await operator.get(f"/api/v1/conferences/{conference}/state")).json()
    assert len(state["views"]["wall"]["cells"]) == 1
    assert (await operator.delete("/api/v1/layouts/rong")).status == 204
    await refused(await operator.delete("/api/v1/layouts/rong"), 404)
    state = await (await operator.get(f"/api/v1/conferences/{conference}/state")).json()
    assert len(state["views"]["wall"]["cells"]) == 1, "what is on air stays"


async def test_cells_take_rules_and_walls_take_pages(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    path = f"/api/v1/conferences/{conference}/views"
    rule = {"filler": "rotation", "seconds": 15}
    state = await (await operator.put(f"{path}/programme/cells/0", json=rule)).json()
    cell = state["views"]["programme"]["cells"][0]
    assert (cell["fixed"], cell["filler"]["filler"], cell["filler"]["seconds"]) == (True, "rotation", 15)
    state = await (await operator.put(f"{path}/programme/cells/0", json={"site": None})).json()
    assert state["views"]["programme"]["cells"][0]["filler"] is None
    await refused(await operator.put(f"{path}/programme/cells/0", json={"filler": "site"}), 422)
    await refused(await operator.put(f"{path}/programme/cells/0", json={"filler": "loudest", "hold": 9}), 422)
    pages = {"pages": {"tiles": 16, "seconds": 10}, "transition": "fade"}
    state = await (await operator.put(f"{path}/wall/layout", json=pages)).json()
    wall = state["views"]["wall"]
    assert (wall["layout"], wall["effective_layout"], wall["transition"]) == ("auto", "4x4", "fade")
    assert wall["pages"] == {"tiles": 16, "seconds": 10}
    state = await (await operator.put(f"{path}/wall/layout", json={"layout": "12x10"})).json()
    assert (state["views"]["wall"]["pages"], len(state["views"]["wall"]["cells"])) == (None, 120)


async def test_options_of_a_conference(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    path = f"/api/v1/conferences/{conference}"
    state = await (await operator.get(f"{path}/state")).json()
    assert (state["auto_mute_noisy"], state["pass_through"]) == (False, True)
    await operator.patch(path, json={"auto_mute_noisy": True, "pass_through": False})
    state = await (await operator.get(f"{path}/state")).json()
    assert (state["auto_mute_noisy"], state["pass_through"], state["loudest"]) == (True, False, 4)
    await operator.patch(path, json={"loudest": 6})
    state = await (await operator.get(f"{path}/state")).json()
    assert (state["auto_mute_noisy"], state["pass_through"], state["loudest"]) == (True, False, 6)
    await refused(await operator.patch(path, json={"loudest": 9}), 422)
