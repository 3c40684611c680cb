"""What the regulation asks of whoever runs the MCU, at the API the console uses."""

from __future__ import annotations

from control_api.accounts.rules import Right, Role
from tests.unit.control_api.world import World, refused


async def test_s47_the_sos_officer_runs_the_mcu_and_an_agency_does_not(world: World) -> None:
    """S47 (article 11.2a): everything of the MCU but its accounts is the duty officer's."""
    assert Role.OFFICER.rights == frozenset(Right) - {Right.ADMINISTER}
    officer, host = await world.sign_in(Role.OFFICER), await world.sign_in(Role.HOST)
    made = await officer.post("/api/v1/conferences", json={"title": "Họp giao ban", "main_site": "Trung tâm"})
    assert made.status == 201
    path = f"/api/v1/conferences/{(await made.json())['id']}"
    for method, part, body in (
        ("PUT", "/views/programme/layout", {"layout": "2x2"}),
        ("PATCH", "/views/programme/rendition", {"width": 640, "height": 360}),
        ("POST", "/mute-all", {}),
    ):
        answer = await officer.request(method, f"{path}{part}", json=body)
        assert answer.status in (200, 204), await answer.text()
        await refused(await host.request(method, f"{path}{part}", json=body), 403)


async def test_s95_a_site_is_told_that_it_is_next_and_its_sound_is_set(world: World) -> None:
    """S95 (appendix, step 7): before it is called a site knows; the operator sets its level."""
    operator = await world.sign_in(Role.OPERATOR)
    path = f"/api/v1/conferences/{await world.conference()}"
    await operator.post(f"{path}/sites", json={"name": "UBND xã Văn Môn", "id": "xa-van-mon"})
    state = await (await operator.post(f"{path}/next", json={"site": "xa-van-mon"})).json()
    assert (state["next"], state["sites"][0]["next"]) == ("xa-van-mon", True)
    await operator.patch(f"{path}/sites/xa-van-mon", json={"gain_db": -6.0})
    state = await (await operator.get(f"{path}/state")).json()
    assert state["sites"][0]["gain_db"] == -6.0
    state = await (await operator.post(f"{path}/podium", json={"site": "xa-van-mon"})).json()
    assert (state["podium"], state["next"]) == ("xa-van-mon", None), "called: no longer next"
