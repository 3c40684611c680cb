"""Preparation of a meeting: duty, room plan, checklists, forms, line checks, gates, red list, clocks, close-out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.api import REPEATS
from control_api.bookings.rules import HOUR, NEWEST_RULES
from control_api.bookings.steps import Step
from control_api.bookings.tables import BookingRow
from control_api.directory.tables import DirectoryNotice
from control_api.mail.tables import Letter
from control_api.preparation.checklists import items_for, newest, progress, versions
from control_api.preparation.clock import look
from control_api.preparation.deadlines import deadlines, due
from control_api.preparation.duty import Shift, gaps
from control_api.preparation.meetings import Meeting, meeting_of
from control_api.preparation.store import PreparationStore
from control_api.preparation.texts import clean_phone
from control_api.problems import Refused
from tests.unit.control_api.booked_meeting import BOOKING, CONFERENCE, DUTY, START, booked, connect, go_live
from tests.unit.control_api.preparation_samples import CARRIER_DUTY, LINE, MODEL, PEOPLE
from tests.unit.control_api.world import Client, World, refused


async def officer_of(world: World) -> tuple[Client, str]:
    return await world.sign_in(Role.OFFICER), f"/api/v1/conferences/{CONFERENCE}"


async def complete(officer: Client, base: str, phase: str, *sites: str) -> None:
    for site in sites:
        sheet = await (await officer.get(f"{base}/sites/{site}/checklist")).json()
        for item in sheet["items"]:
            if item["phase"] == phase and item["required"]:
                answer = await officer.put(f"{base}/sites/{site}/checklist/{item['item']}", json={"state": "done"})
                assert answer.status == 200


async def blocked(world: World, step: Step) -> set[str]:
    with pytest.raises(Refused) as error:
        await world.services.bookings.advance(BOOKING, step, "lan")
    assert error.value.code == "not_ready"
    return {one["code"] for one in error.value.detail}


# ------------------------------------------------------------------------------------------------------------ duty


async def test_s72_a_meeting_is_not_prepared_without_the_officer_on_duty(world: World) -> None:
    await booked(world.services)
    world.clock.now = START - 30 * HOUR
    object.__setattr__(world.services.bookings, "_now", world.clock)
    officer, base = await officer_of(world)
    assert await blocked(world, Step.PREPARED) == {
        "duty_officer_missing",
        "duty_gap_main",
        "duty_gap_carrier",
        "room_plan_missing",
        "main_checklist_open",
    }
    for body in (DUTY, {**DUTY, "party": "main"}):
        assert (await officer.post(f"{base}/duties", json=body)).status == 201
    carrier = {**CARRIER_DUTY, "starts_at": DUTY["starts_at"], "ends_at": DUTY["ends_at"]}
    assert (await officer.post(f"{base}/duties", json=carrier)).status == 201
    plan = await officer.put(f"{base}/room-plan", json={"revision": 0, "template": "giao-ban"})
    assert plan.status == 200, await plan.text()
    await complete(officer, base, "prepare", "tinh")
    assert (await world.services.bookings.advance(BOOKING, Step.PREPARED, "lan")).state is Step.PREPARED


async def test_s72_only_certified_operators_are_put_on_duty(world: World) -> None:
    await booked(world.services)
    officer, base = await officer_of(world)
    listed = await (await officer.get(f"{base}/duty-candidates?party=so")).json()
    assert [one["operator"] for one in listed] == ["p-so"]
    for operator in ("p-old", "p-yte", "p-none"):
        answer = await officer.post(f"{base}/duties", json={**DUTY, "operator": operator})
        assert (await refused(answer, 409))["code"] == "operator_not_certified"
    made = await (await officer.post(f"{base}/duties", json=DUTY)).json()
    assert (made["name"], made["phone"]) == ("Cán bộ p-so", "0912345678")


async def test_s45_roster_has_four_parties_and_tells_its_gaps(world: World) -> None:
    await booked(world.services, trial_at=START - 2 * HOUR)
    officer, base = await officer_of(world)
    bodies = (
        {**DUTY, "starts_at": "2026-12-01T07:00:00+07:00"},
        {**DUTY, "party": "main", "starts_at": "2026-12-01T08:00:00+07:00"},
        {**DUTY, "party": "member", "site": "so-y-te", "operator": "p-yte"},
        CARRIER_DUTY,
    )
    for body in bodies:
        assert (await officer.post(f"{base}/duties", json=body)).status == 201
    roster = await (await officer.get(f"{base}/duties")).json()
    assert {one["party"] for one in roster["duties"]} == {"so", "main", "member", "carrier"}
    assert [(gap["party"], gap["starts_at"], gap["ends_at"]) for gap in roster["gaps"]] == [
        ("main", "2026-12-01T07:00:00+07:00", "2026-12-01T08:00:00+07:00")
    ]


async def test_s36_carrier_sees_and_names_its_own_people_only(world: World) -> None:
    await booked(world.services)
    carrier = await world.sign_in(Role.CARRIER)
    base = f"/api/v1/conferences/{CONFERENCE}"
    made = await carrier.post(f"{base}/duties", json=CARRIER_DUTY)
    assert made.status == 201
    await refused(await carrier.post(f"{base}/duties", json=DUTY), 403)
    assert len((await (await carrier.get(f"{base}/duties")).json())["duties"]) == 1
    await refused(await carrier.get(f"{base}/preparation"), 403)
    auditor = await world.sign_in(Role.AUDITOR)
    await refused(await auditor.delete(f"{base}/duties/{(await made.json())['id']}"), 403)
    assert (await carrier.delete(f"{base}/duties/{(await made.json())['id']}")).status == 204


async def test_duty_assigned_again_with_the_same_key_is_one(world: World) -> None:
    await booked(world.services)
    officer, base = await officer_of(world)
    key = {"Idempotency-Key": "duty-0123456789"}
    first = await (await officer.post(f"{base}/duties", json=DUTY, headers=key)).json()
    world.server.app[REPEATS]._entries.clear()  # what a restart forgets
    again = await (await officer.post(f"{base}/duties", json=DUTY, headers=key)).json()
    assert first["id"] == again["id"]
    assert len((await (await officer.get(f"{base}/duties")).json())["duties"]) == 1


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), max_size=8), st.integers(0, 10), st.integers(1, 15))
def test_s45_gaps_are_exactly_what_no_shift_covers(parts: list[tuple[int, int]], begins: int, length: int) -> None:
    shifts = [Shift("d", "so", None, None, "", "", "", a, a + n) for a, n in parts]
    found = gaps([*shifts, Shift("d", "main", None, None, "", "", "", 0, 99)], "so", begins, begins + length)
    covered = {minute for a, n in parts for minute in range(a, a + n)}
    missing = {minute for gap in found for minute in range(int(gap.starts_at), int(gap.ends_at))}
    assert missing == set(range(begins, begins + length)) - covered


# ------------------------------------------------------------------------------------------------------- room plan


async def test_s71_template_is_saved_to_the_meeting_and_applied_by_commands(world: World) -> None:
    await booked(world.services)
    await go_live(world)
    officer, base = await officer_of(world)
    saved = await officer.put("/api/v1/room-templates/cua-so", json={"title_vi": "A", "title_en": "A", "model": MODEL})
    assert saved.status == 200
    names = [one["name"] for one in await (await officer.get("/api/v1/room-templates")).json()]
    assert names == ["giao-ban", "hoi-nghi", "trao-doi", "cua-so"]
    plan = await (await officer.put(f"{base}/room-plan", json={"revision": 0, "template": "cua-so"})).json()
    assert (plan["applied"], plan["model"]["auto_mute_noisy"]) == (False, True)
    assert plan["allocation"]["encodings"] == 6
    assert (await officer.delete("/api/v1/room-templates/cua-so")).status == 204
    applied = await (await officer.post(f"{base}/room-plan/apply")).json()
    assert applied["applied"]
    state = await (await officer.get(f"{base}/state")).json()
    assert (state["views"]["programme"]["layout"], state["auto_mute_noisy"]) == ("1+5", True)
    again = await (await officer.put(f"{base}/room-plan", json={"revision": 1, "template": "trao-doi"})).json()
    assert not again["applied"]


async def test_s35_frozen_parameters_are_changed_with_a_reason_only(world: World) -> None:
    await booked(world.services)
    officer, base = await officer_of(world)
    await officer.put(f"{base}/room-plan", json={"revision": 0, "template": "giao-ban"})
    async with world.services.database.writing() as session:
        (await session.get_one(BookingRow, BOOKING)).frozen_at = START - HOUR
    body = {"revision": 1, "template": "trao-doi"}
    assert (await refused(await officer.put(f"{base}/room-plan", json=body), 409))["code"] == "plan_frozen"
    changed = await officer.put(f"{base}/room-plan", json={**body, "reason": "Thay màn hình hội trường"})
    assert (await changed.json())["frozen"]
    lines = await world.services.conferences.journal(CONFERENCE)
    assert lines[-1].data["reason"] == "Thay màn hình hội trường"


async def test_shipped_templates_stay_and_unknown_layouts_are_refused(world: World) -> None:
    officer = await world.sign_in(Role.OFFICER)
    body = {"title_vi": "A", "title_en": "A", "model": MODEL}
    error = await refused(await officer.put("/api/v1/room-templates/giao-ban", json=body), 409)
    assert error["code"] == "template_shipped"
    wrong = {**body, "model": {"views": [{"view": "wall", "layout": "không-có"}]}}
    error = await refused(await officer.put("/api/v1/room-templates/cua-so", json=wrong), 404)
    assert error["code"] == "unknown_layout"


async def test_a_template_asks_for_no_more_personal_views_than_the_settings_allow(world: World) -> None:
    officer = await world.sign_in(Role.OFFICER)
    most = world.services.settings.conference.personal_views
    body = {"title_vi": "A", "title_en": "A", "model": {"personal": [{"site": f"s{n}"} for n in range(most + 1)]}}
    error = await refused(await officer.put("/api/v1/room-templates/cua-so", json=body), 409)
    assert (error["code"], f"tối đa {most}" in error["vi"]) == ("too_many_views", True)


# -------------------------------------------------------------------------------------------- checklists and forms


@pytest.mark.parametrize("requirement", ["S15", "S16", "S17", "S18", "S73", "S74", "S75", "S76", "S96", "S100", "S101"])
def test_checklists_carry_the_requirement(requirement: str) -> None:
    """S15, S16, S17, S18, S73, S74, S75, S76, S96, S100, S101: each is an item of the list."""
    named = [item for item in versions()[newest()] if requirement in item.source.replace(",", " ").split()]
    assert named
    assert all(item.vi and item.en for item in named)


def test_items_are_unique_and_both_roles_have_every_phase() -> None:
    for items in versions().values():
        assert len({item.id for item in items}) == len(items)
    for role in ("main", "member"):
        phases = {item.phase for item in items_for(newest(), role) if item.required}
        assert phases == {"prepare", "check", "close"}
        assert progress(items_for(newest(), role), "prepare", {}).done == 0


async def test_s15_item_says_who_when_and_why(world: World) -> None:
    await booked(world.services)
    officer, base = await officer_of(world)
    path = f"{base}/sites/so-y-te/checklist"
    error = await refused(await officer.put(f"{path}/room", json={"state": "failed"}), 422)
    assert "không đạt thì phải ghi rõ lý do" in error["vi"]
    failed = await officer.put(f"{path}/room", json={"state": "failed", "remark": "Đèn hỏng"})
    item = next(one for one in (await failed.json())["items"] if one["item"] == "room")
    assert (item["state"], item["remark"], item["by"]) == ("failed", "Đèn hỏng", "officer")
    assert (await refused(await officer.put(f"{path}/script", json={"state": "done"}), 404))["code"] == "unknown_item"
    lines = await world.services.conferences.journal(CONFERENCE)
    assert [(line.what, line.site, line.data["state"]) for line in lines] == [("checklist", "so-y-te", "failed")]


async def test_s75_technician_of_another_agency_does_not_touch_a_site(world: World) -> None:
    await booked(world.services)
    technician = await world.sign_in(Role.TECHNICIAN)
    path = f"/api/v1/conferences/{CONFERENCE}/sites/so-y-te/checklist/room"
    error = await refused(await technician.put(path, json={"state": "done"}), 403)
    assert error["code"] == "not_yours"


async def test_s76_people_of_a_site_are_complete_and_reachable(world: World) -> None:
    await booked(world.services)
    officer, base = await officer_of(world)
    path = f"{base}/sites/so-y-te/people"
    for phone in ("123", "09123", "0912 345 67x", "+841234"):
        await refused(await officer.put(path, json={**PEOPLE, "operator_phone": phone}), 422)
    for name in ("leader", "operator_name", "operator_position", "operator_phone"):
        await refused(await officer.put(path, json={key: one for key, one in PEOPLE.items() if key != name}), 422)
    sheet = await (await officer.put(path, json=PEOPLE)).json()
    assert sheet["people"]["operator_phone"] == "0912345678"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0912 345 678", "0912345678"),
        ("+84 912 345 678", "0912345678"),
        ("0204.3555.992", "02043555992"),
        ("1900 1234", "19001234"),
        ("+33 1 23 45 67 89", "+33123456789"),
    ],
)
def test_s76_telephone_numbers(typed: str, kept: str) -> None:
    assert clean_phone(typed) == kept


async def test_s17_warns_when_more_come_than_there_are_seats(world: World) -> None:
    await booked(world.services)
    officer, base = await officer_of(world)
    assert (await (await officer.get(f"{base}/sites/so-y-te/checklist")).json())["seats_short"] == 5
    sheet = await (await officer.put(f"{base}/sites/so-y-te/people", json={**PEOPLE, "attendees": 12})).json()
    assert sheet["seats_short"] == 0


async def test_s73_line_check_is_recorded_with_the_carrier(world: World) -> None:
    await booked(world.services)
    officer, base = await officer_of(world)
    carrier = await world.sign_in(Role.CARRIER)
    await refused(await carrier.post(f"{base}/line-checks", json={**LINE, "good": False}), 422)
    bad = {**LINE, "good": False, "remark": "Mất gói trên tuyến"}
    assert (await carrier.post(f"{base}/line-checks", json=bad)).status == 201
    board = await (await officer.get(f"{base}/preparation")).json()
    assert [one["line_good"] for one in board["sites"]] == [None, False]
    world.clock.now += 60
    assert (await officer.post(f"{base}/line-checks", json=LINE)).status == 201
    listed = await (await carrier.get(f"{base}/line-checks")).json()
    assert [one["good"] for one in listed] == [True, False]
    board = await (await officer.get(f"{base}/preparation")).json()
    assert board["sites"][1]["line_good"]


# ------------------------------------------------------------------------------------------------- gates and board


def at(world: World, now: float) -> None:
    world.clock.now = now
    object.__setattr__(world.services.bookings, "_now", world.clock)


async def test_s77_preparation_after_the_rehearsal_began_needs_a_reason(world: World) -> None:
    await booked(world.services)
    at(world, START - 19 * HOUR)
    assert "preparation_late" in await blocked(world, Step.PREPARED)
    done = await world.services.bookings.advance(BOOKING, Step.PREPARED, "lan", override=True, remark="Mất điện")
    assert done.state is Step.PREPARED


async def test_s82_check_is_late_within_the_last_hour(world: World) -> None:
    await booked(world.services, state=Step.PREPARED)
    at(world, START - 2 * HOUR)
    assert "check_late" not in await blocked(world, Step.CHECKED)
    at(world, START - HOUR + 1)
    assert {"check_late", "people_missing"} <= await blocked(world, Step.CHECKED)


async def test_urgent_meeting_is_never_late(world: World) -> None:
    await booked(world.services, state=Step.PREPARED, urgent=True)
    at(world, START - 60)
    assert "check_late" not in await blocked(world, Step.CHECKED)


async def test_s87_every_site_is_connected_an_hour_before(world: World) -> None:
    await booked(world.services, state=Step.CHECKED)
    await go_live(world, "tinh")
    at(world, START - 2 * HOUR)
    assert await blocked(world, Step.CONNECTED) == {"sites_absent"}
    await connect(world, "so-y-te")
    done = await world.services.bookings.advance(BOOKING, Step.CONNECTED, "lan")
    assert done.state is Step.CONNECTED


async def test_s84_speakers_are_checked_a_second_time_before_all_is_connected(world: World) -> None:
    await booked(world.services, state=Step.CHECKED)
    await go_live(world, "tinh", "so-y-te")
    at(world, START - 2 * HOUR)
    officer, base = await officer_of(world)
    scenes = [{"title": "Sở Y tế báo cáo", "podium": "so-y-te"}]
    assert (await officer.put(f"{base}/script", json={"revision": 0, "scenes": scenes})).status == 200
    assert await blocked(world, Step.CONNECTED) == {"speakers_unchecked"}
    asked = await (await officer.post(f"{base}/script/speakers/check")).json()
    assert [(one["site"], one["checked"]) for one in asked] == [("so-y-te", None)]
    known = await world.services.checks.store.of_conference(CONFERENCE)
    assert known.open_retest("so-y-te", "speaker") is not None
    assert await blocked(world, Step.CONNECTED) == {"speakers_unchecked"}


async def test_s78_meeting_does_not_begin_during_a_rehearsal(world: World) -> None:
    await booked(world.services, state=Step.CONNECTED)
    await go_live(world)
    officer, base = await officer_of(world)
    await officer.post(f"{base}/script/rehearsal", json={"on": True})
    assert await blocked(world, Step.SERVING) == {"rehearsal_on"}
    await officer.post(f"{base}/script/rehearsal", json={"on": False})
    assert (await world.services.bookings.advance(BOOKING, Step.SERVING, "lan")).state is Step.SERVING


async def test_s79_s87_board_counts_and_names_the_red_list(world: World) -> None:
    await booked(world.services, state=Step.PREPARED)
    await go_live(world, "tinh")
    world.clock.now = START - 30 * HOUR
    officer, base = await officer_of(world)
    early = await (await officer.get(f"{base}/preparation")).json()
    assert (early["connected"], early["total"], early["red"]) == (1, 2, [])
    assert [one["code"] for one in early["sites"][1]["missing"]] == [
        "not_prepared",
        "people_missing",
        "not_checked",
        "absent",
    ]
    world.clock.now = START - HOUR
    officer, base = await officer_of(world)
    late = await (await officer.get(f"{base}/preparation")).json()
    assert late["red"] == ["tinh", "so-y-te"]
    assert [one["call"] for one in late["sites"]] == ["present", "absent"]
    assert {one["id"]: one["late"] for one in late["deadlines"]} == {
        "prepare": False,
        "check_wished": True,
        "check": False,
        "connect": False,
        "start": False,
    }
    assert (late["next_step"], {one["code"] for one in late["blockers"]} >= {"people_missing"}) == ("checked", True)


async def test_board_of_a_conference_that_nobody_booked(world: World) -> None:
    conference = await world.conference()
    operator = await world.sign_in(Role.OPERATOR)
    board = await (await operator.get(f"/api/v1/conferences/{conference}/preparation")).json()
    assert (board["booking"], board["deadlines"], board["next_step"]) == (None, [], None)


# ---------------------------------------------------------------------------------------------------------- clocks


def a_meeting(state: str = "announced") -> Meeting:
    return Meeting("c-1", "Họp", "b-1", "so", "B", state, START, START + HOUR, START - 20 * HOUR)


@pytest.mark.parametrize(
    ("before_start_h", "state", "expected"),
    [
        (33, "announced", []),
        (23, "announced", ["duty_missing"]),
        (21, "announced", ["duty_missing", "prepare_soon"]),
        (21, "prepared", []),
        (19, "announced", ["duty_missing", "prepare_late"]),
        (2.5, "prepared", ["check_soon"]),
        (1, "prepared", ["check_late", "board"]),
        (0.2, "connected", ["board", "batteries"]),
        (-1, "serving", ["close_out"]),
        (-1, "closed", []),
    ],
)
def test_s77_s82_s87_s100_s101_what_is_told_when(before_start_h: float, state: str, expected: list[str]) -> None:
    """S77, S82, S87, S100, S101: deadlines and reminders by the clock."""
    found = due(a_meeting(state), START - before_start_h * HOUR, set())
    assert [what for what, _ in found] == expected
    assert due(a_meeting(state), START - before_start_h * HOUR, set(found)) == []


def test_s82_without_a_rehearsal_preparation_ends_with_the_half_day() -> None:
    assert (
        deadlines(START, None, NEWEST_RULES).prepare_by
        == deadlines(START, None, NEWEST_RULES).check_wished
        == START - 4 * HOUR
    )


async def test_s82_s87_clock_tells_once_also_after_a_restart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await booked(world.services, state=Step.PREPARED)
    await go_live(world, "tinh")
    told: list[str] = []
    monkeypatch.setattr(
        world.services.live, "tell", lambda conference, kind, **content: told.append(str(content["code"]))
    )
    for _ in range(2):
        await look(world.services, START - HOUR + 5)
    assert told == ["preparation_check_late", "preparation_board"]
    lines = {line.what: line.data for line in await world.services.conferences.journal(CONFERENCE)}
    assert lines["preparation_board"]["present"] == ["tinh"]
    assert lines["preparation_board"]["absent"] == ["so-y-te"]
    assert lines["preparation_check_late"]["red"] == ["tinh", "so-y-te"]


async def test_s72_s77_s82_the_so_and_the_host_are_told_by_mail_once(world: World) -> None:
    await booked(world.services, state=Step.ANNOUNCED)
    async with world.services.database.writing() as session:
        await session.execute(update(User).where(User.username == "officer").values(email="truc@bacninh.gov.vn"))
    for now in (START - HOUR + 5, START - HOUR + 30):
        await look(world.services, now)
    async with world.services.database.reading() as session:
        letters = list(await session.scalars(select(Letter).order_by(Letter.kind)))
        told = list(await session.scalars(select(DirectoryNotice.kind).where(DirectoryNotice.to_id.is_(None))))
    mine = [one for one in letters if one.recipient == "truc@bacninh.gov.vn"]
    kinds = ["preparation_check_late", "preparation_duty_missing", "preparation_prepare_late"]
    assert [one.kind for one in mine] == sorted(told) == kinds
    assert "Chưa phân công cán bộ trực MCU" in mine[1].body
    assert "01 giờ trước phiên họp" in mine[0].body, "the figure is of the rules it was registered under"
    assert mine[0].page == f"/office#/preparation/{CONFERENCE}"


async def test_s100_s101_sites_are_reminded_but_not_hours_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await booked(world.services, state=Step.SERVING)
    await go_live(world, "tinh")
    asked: list[tuple[str, str]] = []

    def tell_site(conference: str, site: str, message: Any) -> bool:
        asked.append((site, message.id))
        return True

    monkeypatch.setattr(world.services.live, "tell_site", tell_site)
    await look(world.services, START - 800)
    assert asked == [("tinh", "q-batteries")]
    await look(world.services, START + 5 * HOUR)  # control was down at the end
    assert asked == [("tinh", "q-batteries")]
    assert "preparation_close_out" in [line.what for line in await world.services.conferences.journal(CONFERENCE)]


async def test_moved_meeting_is_told_of_its_new_times(world: World) -> None:
    await booked(world.services, state=Step.PREPARED)
    store = PreparationStore(world.services.database)
    assert await store.tell(CONFERENCE, "check_late", START - HOUR, 1.0, {})
    assert not await store.tell(CONFERENCE, "check_late", START - HOUR, 2.0, {})
    meeting = await meeting_of(world.services, CONFERENCE)
    assert meeting.starts_at == START
    moved = await store.told(CONFERENCE)
    later = Meeting("c", "Họp", "b", "so", "B", "prepared", START + HOUR, START + 2 * HOUR, None)
    assert ("check_late", START) in due(later, START + 1, moved)


# ------------------------------------------------------------------------------------------------------------- end


async def test_s101_close_out_disconnects_and_keeps_what_was_open(world: World) -> None:
    await booked(world.services, state=Step.SERVING)
    await go_live(world, "tinh", "so-y-te")
    officer, base = await officer_of(world)
    assert await blocked(world, Step.CLOSED) >= {"close_out_open"}
    assert (await refused(await officer.post(f"{base}/close-out", json={}), 409))["code"] == "close_out_open"
    await complete(officer, base, "close", "tinh")
    done = await (await officer.post(f"{base}/close-out", json={})).json()
    assert (done["disconnected"], done["open_items"]) == (2, ["so-y-te"])
    state = await (await officer.get(f"{base}/state")).json()
    assert not state["open"]
    again = await (await officer.post(f"{base}/close-out", json={})).json()
    assert again["closed_out_at"] == done["closed_out_at"]
    lines = [line.what for line in await world.services.conferences.journal(CONFERENCE)]
    assert lines.count("closed_out") == 1
    assert "close_out_open" not in await still_blocked(world, Step.CLOSED)


async def still_blocked(world: World, step: Step) -> set[str]:
    try:
        await world.services.bookings.advance(BOOKING, step, "lan")
    except Refused as error:
        return {one["code"] for one in error.detail}
    return set()
