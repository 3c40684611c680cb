"""Scripts of meetings: written, checked, copied, rehearsed and run on the live conference."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_api.accounts.rules import Role
from control_api.scripts.models import Scene
from control_api.scripts.rules import index_of, next_index, place_of, previous_index
from control_api.scripts.store import ScriptStore, with_ids
from mcu_core.errors import OperatorError
from mcu_core.presence import Happening
from tests.unit.control_api.script_samples import SCENES, add_script
from tests.unit.control_api.world import Client, World, refused


async def meeting(world: World) -> tuple[Client, str, str]:
    """An operator, the id of a live conference with three sites, and the path of its script."""
    operator = await world.sign_in(Role.OPERATOR)
    conference = await world.conference()
    for name, site, role in (
        ("Trung tâm điều hành", "tinh", "main"),
        ("Sở Y tế", "so-y-te", "member"),
        ("UBND xã Văn Môn", "xa-van-mon", "member"),
    ):
        body = {"name": name, "id": site, "role": role}
        assert (await operator.post(f"/api/v1/conferences/{conference}/sites", json=body)).status == 201
    return operator, conference, f"/api/v1/conferences/{conference}/script"


async def saved(operator: Client, path: str, scenes: list[dict[str, Any]], revision: int = 0) -> dict[str, Any]:
    answer = await operator.put(path, json={"revision": revision, "scenes": scenes})
    assert answer.status == 200, await answer.text()
    body: dict[str, Any] = await answer.json()
    return body


async def test_s74_script_is_written_and_run_scene_by_scene(world: World) -> None:
    operator, conference, path = await meeting(world)
    script = await saved(operator, path, SCENES)
    assert (script["revision"], script["minutes"], script["problems"]) == (1, 55, [])
    assert script["runner"]["next"]["id"] == "s-mo-dau"
    first = await (await operator.post(f"{path}/next", json={})).json()
    assert first["scene"] == {"id": "s-mo-dau", "title": "Khai mạc", "index": 0, "podium": None}
    second = await (await operator.post(f"{path}/next", json={"after": "s-mo-dau"})).json()
    assert (second["scene"]["id"], second["next"]["id"], second["previous"]["id"]) == (
        "s-bao-cao",
        "s-thao-luan",
        "s-mo-dau",
    )
    state = await (await operator.get(f"/api/v1/conferences/{conference}/state")).json()
    assert (state["podium"], state["script_scene"]) == ("so-y-te", "s-bao-cao")
    assert state["views"]["programme"]["layout"] == "1+5"
    assert {site["id"]: site["muted_by"] for site in state["sites"]} == {
        "tinh": None,
        "so-y-te": None,
        "xa-van-mon": "rule",
    }


async def test_s74_a_scene_is_one_undo(world: World) -> None:
    operator, conference, path = await meeting(world)
    await saved(operator, path, SCENES)
    await operator.post(f"{path}/next", json={})
    before = await (await operator.get(f"/api/v1/conferences/{conference}/state")).json()
    await operator.post(f"{path}/next", json={})
    after = await (await operator.post(f"/api/v1/conferences/{conference}/undo")).json()
    assert (after["views"], after["podium"], after["sites"]) == (before["views"], before["podium"], before["sites"])
    script = await (await operator.get(path)).json()
    assert script["runner"]["scene"]["id"] == "s-mo-dau"


async def test_scene_of_absent_sites_is_on_and_says_so(world: World) -> None:
    operator, conference, path = await meeting(world)
    scenes = [{"id": "s-1", "title": "Một", "podium": "so-y-te", "heard": ["so-khong-co"], "audio": "podium"}]
    await saved(operator, path, scenes)
    answer = await (await operator.post(f"{path}/next", json={})).json()
    assert {(one["site"], one["code"]) for one in answer["warnings"]} == {
        ("so-y-te", "site_absent"),
        ("so-khong-co", "site_missing"),
    }
    state = await (await operator.get(f"/api/v1/conferences/{conference}/state")).json()
    assert state["podium"] == "so-y-te"


async def test_step_pressed_twice_with_one_key_moves_once(world: World) -> None:
    operator, _, path = await meeting(world)
    await saved(operator, path, SCENES)
    key = {"Idempotency-Key": "step-0123456789abcdef"}
    answers = await asyncio.gather(*(operator.post(f"{path}/next", json={}, headers=key) for _ in range(2)))
    assert [answer.status for answer in answers] == [200, 200], await answers[0].text()
    assert [(await answer.json())["scene"]["index"] for answer in answers] == [0, 0]


async def test_step_from_a_scene_that_is_no_longer_on_is_refused(world: World) -> None:
    operator, _, path = await meeting(world)
    await saved(operator, path, SCENES)
    for _ in range(2):
        await operator.post(f"{path}/next", json={})
    error = await refused(await operator.post(f"{path}/next", json={"after": "s-mo-dau"}), 409)
    assert (error["code"], error["detail"]) == ("script_moved", {"scene": "s-bao-cao"})
    assert (await refused(await operator.post(f"{path}/goto", json={"scene": "s-x"}), 404))["code"] == "unknown_scene"
    gone = await (await operator.post(f"{path}/goto", json={"scene": "s-thao-luan"})).json()
    assert (gone["scene"]["index"], gone["next"]) == (2, None)
    assert (await refused(await operator.post(f"{path}/next", json={}), 409))["code"] == "script_ended"


async def test_s78_rehearsal_plays_the_same_scenes_and_leaves_no_trace(world: World) -> None:
    operator, conference, path = await meeting(world)
    await saved(operator, path, SCENES)
    state_path = f"/api/v1/conferences/{conference}/state"
    before = await (await operator.get(state_path)).json()
    begun = await (await operator.post(f"{path}/rehearsal", json={"on": True})).json()
    assert (begun["rehearsal"], begun["scene"]) == (True, None)
    for _ in SCENES:
        assert (await operator.post(f"{path}/next", json={})).status == 200
    live: Any = world.services.live
    live._room(conference).journal("site_live", "so-y-te")
    ended = await (await operator.post(f"{path}/rehearsal", json={"on": False})).json()
    assert (ended["rehearsal"], ended["scene"], ended["next"]["index"]) == (False, None, 0)
    after = await (await operator.get(state_path)).json()
    assert (after["views"], after["podium"], after["sites"]) == (before["views"], before["podium"], before["sites"])
    await until_written(world, conference, "site_live")
    lines = await world.services.conferences.journal(conference)
    played = [line for line in lines if line.what == "script_scene"]
    assert len(played) == len(SCENES)
    assert all(line.data["rehearsal"] for line in played)
    assert [line.data for line in lines if line.what == "site_live"] == [{"rehearsal": True}]
    assert "rehearsal" not in next(line.data for line in lines if line.what == "site_added")


async def until_written(world: World, conference: str, what: str) -> None:
    """The room's own lines are written a moment later."""
    async with asyncio.timeout(5):
        while what not in [line.what for line in await world.services.conferences.journal(conference)]:
            await asyncio.sleep(0.01)


async def test_script_changed_by_somebody_else_is_not_overwritten(world: World) -> None:
    operator, _, path = await meeting(world)
    await saved(operator, path, SCENES)
    error = await refused(await operator.put(path, json={"revision": 0, "scenes": []}), 409)
    assert (error["code"], error["detail"]) == ("script_changed", {"revision": 1})
    assert len((await (await operator.get(path)).json())["scenes"]) == len(SCENES)


async def test_saving_again_after_a_crash_finds_the_work_done(world: World) -> None:
    _, conference, _ = await meeting(world)
    store, scenes = ScriptStore(world.services.database), (Scene(title="Khai mạc"),)
    for _ in range(2):
        script = await store.replace(conference, 0, scenes, {}, by="lan", now=1.0, command_id="lan/k#f")
        assert (script.revision, len(script.scenes)) == (1, 1)
    with pytest.raises(OperatorError, match="changed"):
        await store.replace(conference, 0, scenes, {}, by="lan", now=1.0, command_id="lan/other#f")
    lines = [line.what for line in await world.services.conferences.journal(conference)]
    assert lines.count("script_saved") == 1


@pytest.mark.parametrize(
    ("view", "where"),
    [
        ({"view": "programme", "layout": "khong-co"}, "unknown layout"),
        ({"view": "wall", "layout": "2x2", "cells": [{"cell": 4, "site": "so-y-te"}]}, "no cell 4"),
        ({"view": "chair", "layout": "2x2", "pages": {"tiles": 4}}, "turns pages"),
    ],
)
async def test_layouts_that_cannot_be_drawn_are_refused(world: World, view: dict[str, Any], where: str) -> None:
    operator, _, path = await meeting(world)
    body = {"revision": 0, "scenes": [{"title": "Một", "views": [view]}]}
    error = await refused(await operator.put(path, json=body), 422)
    assert error["code"] == "bad_scene"
    assert where in error["detail"][0]["problem"]


async def test_drawn_layout_removed_since_is_still_played(world: World) -> None:
    operator, conference, path = await meeting(world)
    cell = {"x": 0.0, "y": 0.25, "w": 1.0, "h": 0.5}
    drawn = {"name": "rong", "title_vi": "Rộng", "title_en": "Wide", "cells": [cell]}
    assert (await operator.post("/api/v1/layouts", json=drawn)).status == 201
    await saved(operator, path, [{"title": "Một", "views": [{"view": "programme", "layout": "rong"}]}])
    assert (await operator.delete("/api/v1/layouts/rong")).status == 204
    assert (await operator.post(f"{path}/next", json={})).status == 200
    state = await (await operator.get(f"/api/v1/conferences/{conference}/state")).json()
    assert state["views"]["programme"]["cells"][0]["h"] == 0.5


async def test_a_layout_drawn_anew_since_is_played_as_it_is_now(world: World) -> None:
    operator, conference, path = await meeting(world)
    cells = [{"x": 0.0, "y": 0.0, "w": 0.5, "h": 1.0}, {"x": 0.5, "y": 0.0, "w": 0.5, "h": 1.0}]
    drawn = {"title_vi": "Đôi", "title_en": "Pair", "cells": cells}
    assert (await operator.post("/api/v1/layouts", json={"name": "doi", **drawn})).status == 201
    placed = [{"cell": 0, "site": "so-y-te"}, {"cell": 1, "filler": "podium"}]
    await saved(operator, path, [{"title": "Một", "views": [{"view": "programme", "layout": "doi", "cells": placed}]}])
    assert (await operator.put("/api/v1/layouts/doi", json={**drawn, "cells": [{**cells[0], "w": 0.25}]})).status == 200
    assert (await operator.post(f"{path}/next", json={})).status == 200
    state = await (await operator.get(f"/api/v1/conferences/{conference}/state")).json()
    assert [cell["w"] for cell in state["views"]["programme"]["cells"]] == [0.25]


async def test_problems_name_sites_that_are_not_invited(world: World) -> None:
    operator, _, path = await meeting(world)
    script = await saved(operator, path, [{"id": "s-1", "title": "Một", "podium": "so-tai-chinh"}])
    assert [(one["code"], one["field"]) for one in script["problems"]] == [("site_not_invited", "podium")]


async def test_script_of_another_meeting_is_copied_with_new_ids(world: World) -> None:
    operator, conference, path = await meeting(world)
    await saved(operator, path, SCENES)
    other = await world.conference("Họp lần hai")
    answer = await operator.post(f"/api/v1/conferences/{other}/script/copy", json={"from": conference, "revision": 0})
    copied = await answer.json()
    assert [scene["title"] for scene in copied["scenes"]] == [scene["title"] for scene in SCENES]
    assert not {scene["id"] for scene in copied["scenes"]} & {scene["id"] for scene in SCENES}
    assert {one["code"] for one in copied["problems"]} == {"site_not_invited"}


async def test_s84_sites_that_will_speak_are_flagged(world: World) -> None:
    operator, _, path = await meeting(world)
    await saved(operator, path, SCENES)
    speakers = await (await operator.get(f"{path}/speakers")).json()
    assert [(one["site"], one["scenes"], one["checked"]) for one in speakers] == [
        ("so-y-te", ["s-bao-cao"], None),
        ("xa-van-mon", ["s-thao-luan"], None),
    ]


async def test_s96_site_without_stored_positions_has_the_usual_five(world: World) -> None:
    operator, conference, _ = await meeting(world)
    answer = await (await operator.get(f"/api/v1/conferences/{conference}/sites/so-y-te/camera")).json()
    assert answer["presets"][:3] == ["Chủ tọa", "Bên trái", "Bên phải"]
    assert len(answer["presets"]) >= 5


async def test_s97_camera_is_asked_for_by_the_scene_and_by_hand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    operator, conference, path = await meeting(world)
    told: list[tuple[str, str, str]] = []

    def tell_site(conference_id: str, site: str, message: Any) -> bool:
        told.append((site, message.kind, message.vi))
        return site == "so-y-te"

    monkeypatch.setattr(world.services.live, "tell_site", tell_site)
    await saved(operator, path, SCENES)
    await add_presence(world, conference, "so-y-te")
    answer = await (await operator.post(f"{path}/goto", json={"scene": "s-bao-cao"})).json()
    assert answer["warnings"] == []
    sites = f"/api/v1/conferences/{conference}/sites"
    by_hand = await operator.post(f"{sites}/xa-van-mon/camera", json={"preset": "Bên trái"})
    assert await by_hand.json() == {"delivered": False}
    assert told == [
        ("so-y-te", "camera_preset", "Quay camera về vị trí “Chủ tọa”."),
        ("xa-van-mon", "camera_preset", "Quay camera về vị trí “Bên trái”."),
    ]
    await refused(await operator.post(f"{sites}/khong-co/camera", json={"preset": "Bên trái"}), 404)


async def add_presence(world: World, conference: str, site: str) -> None:
    live: Any = world.services.live
    room = live._room(conference)
    room.presence.tell(site, Happening.JOINED)
    room.presence.tell(site, Happening.CONNECTED)
    room.changed()


async def test_unknown_meeting_has_no_script(world: World) -> None:
    operator = await world.sign_in(Role.OPERATOR)
    for method, path in (("GET", "script"), ("GET", "script/speakers"), ("POST", "script/next")):
        answer = await operator.request(method, f"/api/v1/conferences/c-none/{path}", json={})
        assert (await refused(answer, 404))["code"] == "unknown_conference"


async def test_agency_account_does_not_change_what_nobody_booked(world: World) -> None:
    _, conference, path = await meeting(world)
    await add_script(world.services, conference)
    viewer = await world.sign_in(Role.VIEWER)
    assert (await viewer.get(path)).status == 200
    await refused(await viewer.put(path, json={"revision": 1, "scenes": []}), 403)


@given(st.integers(1, 8), st.lists(st.sampled_from(["next", "previous"]), max_size=20))
def test_stepping_stays_within_the_script(count: int, steps: list[str]) -> None:
    scenes = with_ids([Scene(title=f"Cảnh {number}") for number in range(count)], "x")
    playing: str | None = None
    place = -1
    for step in steps:
        choose = next_index if step == "next" else previous_index
        wanted = place + 1 if step == "next" else place - 1
        if 0 <= wanted < count:
            place = choose(scenes, playing)
            assert place == wanted
            playing = scenes[place].id
        else:
            with pytest.raises(OperatorError) as error:
                choose(scenes, playing)
            assert error.value.code in ("script_ended", "script_at_start")
    assert place_of(scenes, playing) == (None if place < 0 else place)
    if playing is not None:
        assert index_of(scenes, playing) == place
        with pytest.raises(OperatorError, match="removed"):
            next_index([scene for scene in scenes if scene.id != playing] or list(with_ids(scenes[:1], "y")), "s-gone")
