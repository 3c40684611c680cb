"""Technical checks: a site checks itself by its link, officers decide, sites are asked again, parties agree."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Role
from control_api.accounts.scope import in_scope
from control_api.bookings.gates import GATES
from control_api.bookings.steps import Step
from control_api.checks import rooms as room_rules
from control_api.checks.calls import directory_report, judge_call
from control_api.checks.gate import sites_are_checked
from control_api.checks.rooms import PREFIX, Rooms
from control_api.checks.store import CheckStore
from control_api.checks.upkeep import is_due
from control_api.checks.verdict import Verdict
from control_api.directory.tables import Contact, Organisation, Site
from control_api.live.figures import Figures
from control_api.mail.tables import Letter
from control_api.store.database import Database
from mcu_core.commands import AddSite
from tests.unit.control_api.booking_rows import booking_row, site_row
from tests.unit.control_api.check_samples import GOOD, JPEG, SHEET, STILL, sent
from tests.unit.control_api.test_verdict import new_check
from tests.unit.control_api.world import Client, World, refused

BY_TOKEN = "/api/v1/checks/by-token"
BLACK = GOOD["camera"] | {"brightness": 4.0, "contrast": 1.0}
SILENT = GOOD["microphone"] | {"speech_dbfs": -90.0, "noise_dbfs": -90.0}
SAW = {"we_hear_them": True, "they_hear_us": True, "we_see_them": True, "they_see_us": True}


class Meeting:
    """A conference with a main site and two member sites, and the link of one of these."""

    def __init__(self, world: World, conference: str, token: str, site: Client, officer: Client) -> None:
        self.world, self.conference, self.token, self.site, self.officer = world, conference, token, site, officer
        self.base = f"/api/v1/conferences/{conference}"

    async def check(self, attempt: str = "0123456789abcdef", still: str | None = None, **changed: Any) -> Any:
        body = sent(self.token, attempt, **changed) | ({} if still is None else {"still": still})
        self.world.clock.now += 1
        answer = await self.site.post(f"{BY_TOKEN}/result", json=body)
        assert answer.status == 201, await answer.text()
        return await answer.json()

    async def progress(self) -> Any:
        return await (await self.officer.get(f"{self.base}/checks")).json()

    async def opened(self) -> Any:
        return await (await self.site.post(BY_TOKEN, json={"token": self.token})).json()

    async def journal(self) -> list[tuple[str, str | None]]:
        rows = await self.world.services.conferences.journal(self.conference)
        return [(row.what, row.actor) for row in rows]


@pytest.fixture
async def meeting(world: World) -> Meeting:
    conference = await world.conference("Họp phòng chống thiên tai")
    for name, role, site in (
        ("Trung tâm", "main", "tinh"),
        ("UBND xã Văn Môn", "member", "xa-van-mon"),
        ("Sở Y tế", "member", "so-y-te"),
    ):
        await world.services.live.command(conference, AddSite(name, role, site), actor=None)  # type: ignore[arg-type]
    token = await world.services.live.issue_link(conference, "xa-van-mon", actor=None)
    return Meeting(world, conference, token, world.client(), await world.sign_in(Role.OFFICER))


# ----------------------------------------------------------------------------------------------- a site checks itself


async def test_s75_s80_s81_a_site_checks_itself_by_its_link_and_the_sheet_is_the_officers(meeting: Meeting) -> None:
    before = await meeting.opened()
    assert (before["site_name"], before["newest"]) == ("UBND xã Văn Môn", None)
    made = await meeting.check(still=STILL)
    assert made["verdict"] == "pass", made["reasons"]
    assert set(made["items"]) == {"sound_out", "sound_in", "picture_out", "picture_in", "line", "device"}
    sheet = await (await meeting.officer.get(f"/api/v1/checks/{made['id']}")).json()
    assert sheet["operator_phone"] == "0912345678"
    assert sheet["tester"] == SHEET["operator_name"]
    assert sheet["measured"]["line"]["rtt_ms"] == 12.0
    still = await meeting.officer.get(f"/api/v1/checks/{made['id']}/still")
    assert still.content_type == "image/jpeg"
    assert await still.read() == JPEG
    assert ("site_checked", None) in await meeting.journal()


async def test_s80_a_black_camera_and_a_silent_microphone_fail_with_these_reasons(meeting: Meeting) -> None:
    made = await meeting.check(camera=BLACK, microphone=SILENT)
    assert made["verdict"] == "fail"
    failed = {reason["code"] for reason in made["reasons"] if reason["verdict"] == "fail"}
    assert failed == {"camera_black", "microphone_silent"}
    assert all(reason["vi"] and reason["en"] for reason in made["reasons"])
    assert (made["items"]["picture_out"], made["items"]["line"]) == ("fail", "pass")


async def test_handing_in_twice_makes_one_sheet(meeting: Meeting) -> None:
    first, again = await meeting.check(), await meeting.check()
    assert first == again
    other = await meeting.check("fedcba9876543210")
    assert other["id"] != first["id"]
    assert (await meeting.progress())["done"] == 1


async def test_the_site_cannot_say_what_the_mcu_or_the_officer_saw(meeting: Meeting) -> None:
    made = await meeting.check(mcu={"frame_rate": 30.0, "decoded": True}, officer=SAW)
    assert "mcu" not in {name for name, value in made["measured"].items() if value is not None}
    assert made["measured"]["officer"] is None


async def test_only_a_sites_own_valid_link_opens_its_check(meeting: Meeting) -> None:
    error = await refused(await meeting.site.post(BY_TOKEN, json={"token": "x" * 32}), 403)
    assert error["code"] == "bad_join_token"
    await meeting.world.services.live.revoke_link(meeting.conference, "xa-van-mon", actor=None)
    await refused(await meeting.site.post(BY_TOKEN, json={"token": meeting.token}), 403)
    monitor = await meeting.world.services.live.open_monitor(meeting.conference, "programme", actor=None)
    await refused(await meeting.site.post(f"{BY_TOKEN}/room", json={"token": monitor}), 403)


async def test_guessing_links_is_slowed_down(meeting: Meeting) -> None:
    for number in range(30):
        await refused(await meeting.site.post(BY_TOKEN, json={"token": f"guess-{number:020d}"}), 403)
    answer = await meeting.site.post(BY_TOKEN, json={"token": "guess-99999999999999999999"})
    assert (await refused(answer, 429))["code"] == "too_many_attempts"
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"still": "bm90IGEgcGljdHVyZQ=="}, "bad_still"),
        ({"still": "%%%"}, "invalid"),
        ({"attempt": "short"}, "invalid"),
        ({"sheet": SHEET | {"operator_phone": "một hai ba"}}, "bad_phone"),
        ({"sheet": SHEET | {"leader": "a\x00b"}}, "invalid"),
        ({"measured": {"line": {"seconds": 1e9}}}, "invalid"),
        ({"measured": {"camera": GOOD["camera"] | {"width": 10**30}}}, "invalid"),
    ],
)
async def test_what_cannot_be_a_check_is_refused(meeting: Meeting, change: dict[str, Any], code: str) -> None:
    answer = await meeting.site.post(f"{BY_TOKEN}/result", json=sent(meeting.token) | change)
    assert (await refused(answer, 422))["code"] == code


# ------------------------------------------------------------------------------------------- what officers do with it


async def test_s79_s82_progress_counts_and_the_red_list_names_who_is_missing(meeting: Meeting) -> None:
    await meeting.check()
    board = await meeting.progress()
    assert (board["done"], board["total"], board["red"]) == (1, 3, 2)
    assert [one["site"] for one in board["sites"] if one["red"]] == ["tinh", "so-y-te"]


async def test_s81_the_officer_overrides_with_a_remark_and_both_verdicts_are_kept(meeting: Meeting) -> None:
    made = await meeting.check(camera=BLACK)
    path = f"/api/v1/checks/{made['id']}/override"
    word = {"verdict": "remarks", "remark": "Đã xem hình qua máy dự phòng, đạt."}
    await refused(await meeting.officer.post(path, json=word | {"remark": ""}), 422)
    key = {"Idempotency-Key": "override-once"}
    changed = await (await meeting.officer.post(path, json=word, headers=key)).json()
    await meeting.officer.post(path, json=word, headers=key)
    assert (changed["verdict"], changed["machine_verdict"]) == ("remarks", "fail")
    sheet = await (await meeting.officer.get(f"/api/v1/checks/{made['id']}")).json()
    assert [(one["by"], one["verdict"]) for one in sheet["overrides"]] == [("officer", "remarks")]
    assert [one for one in await meeting.journal() if one[0] == "check_overridden"] == [("check_overridden", "officer")]
    assert (await meeting.progress())["done"] == 1
    operator = await meeting.world.sign_in(Role.OPERATOR)
    await refused(await operator.post(path, json=word), 403)


async def test_s85_a_failed_site_is_asked_again_until_it_passes(meeting: Meeting) -> None:
    await meeting.check(camera=BLACK)
    queue = await (await meeting.officer.get(f"{meeting.base}/retests")).json()
    assert [(one["site"], one["done_at"]) for one in queue] == [("xa-van-mon", None)]
    assert "đen" in queue[0]["reason"]
    assert (await meeting.opened())["retest"] == queue[0]["reason"]
    passed = await meeting.check("fedcba9876543210")
    assert passed["purpose"] == "retest"
    queue = await (await meeting.officer.get(f"{meeting.base}/retests")).json()
    assert queue[0]["done_at"] is not None
    assert (await meeting.opened())["retest"] is None


async def test_s84_a_speaker_is_checked_a_second_time(meeting: Meeting) -> None:
    await meeting.check()
    asked = {"purpose": "speaker", "reason": "Phát biểu theo kịch bản, mục 3."}
    assert (await meeting.officer.post(f"{meeting.base}/sites/xa-van-mon/retest", json=asked)).status == 200
    states = {one["site"]: one["state"] for one in (await meeting.progress())["sites"]}
    assert states["xa-van-mon"] == "speaker_missing"
    assert (await meeting.opened())["speaker"] is True
    assert (await meeting.check("fedcba9876543210"))["purpose"] == "speaker"
    states = {one["site"]: one["state"] for one in (await meeting.progress())["sites"]}
    assert states["xa-van-mon"] == "passed"


async def test_s80_a_hardware_room_gets_the_same_form(meeting: Meeting) -> None:
    body = {"sheet": SHEET, "saw": SAW | {"they_hear_us": False}, "seconds": 1.0}
    answer = await meeting.officer.post(f"{meeting.base}/sites/so-y-te/check", json=body)
    assert answer.status == 201
    made = await answer.json()
    codes = {reason["code"] for reason in made["reasons"]}
    assert (made["kind"], made["verdict"]) == ("room", "fail")
    assert {"does_not_hear", "line_not_measured", "mcu_got_no_picture"} <= codes  # its leg is not there
    await refused(await meeting.officer.post(f"{meeting.base}/sites/nobody/check", json=body), 404)


async def test_history_over_meetings_and_who_reads_it(meeting: Meeting) -> None:
    await meeting.check()
    await meeting.check("fedcba9876543210", camera=BLACK)
    listed = await meeting.officer.get("/api/v1/checks?site=xa-van-mon&limit=1")
    assert listed.headers["X-Total-Count"] == "2"
    assert (await listed.json())[0]["verdict"] == "fail"
    failed = await (await meeting.officer.get("/api/v1/checks?verdict=fail")).json()
    assert len(failed) == 1
    await refused(await meeting.officer.get(f"/api/v1/checks?offset={2**63}"), 422)


async def test_s62_a_carrier_sees_the_line_and_nothing_else(meeting: Meeting) -> None:
    made = await meeting.check(still=STILL)
    carrier = await meeting.world.sign_in(Role.CARRIER)
    lines = await (await carrier.get(f"{meeting.base}/checks/lines")).json()
    assert set(lines[0]) == {
        "site",
        "site_name",
        "at",
        "verdict",
        "loss_up",
        "loss_down",
        "jitter_ms",
        "rtt_ms",
        "up_kbps",
        "down_kbps",
    }
    for path in (f"{meeting.base}/checks", f"/api/v1/checks/{made['id']}", f"/api/v1/checks/{made['id']}/still"):
        await refused(await carrier.get(path), 403)
    auditor = await meeting.world.sign_in(Role.AUDITOR)
    await refused(await auditor.get(f"/api/v1/checks/{made['id']}/still"), 403)  # reads, but does not watch


async def test_s39_class_b_is_confirmed_by_main_and_member_sites(meeting: Meeting) -> None:
    joint = f"{meeting.base}/joint-check"
    await meeting.check()
    first = await (await meeting.officer.get(joint)).json()
    assert first["class"] == "B"
    words = {(one["party"], one["site"]): (one["good"], one["by_check"]) for one in first["words"]}
    assert words == {
        ("main", None): (None, False),
        ("member", "xa-van-mon"): (True, True),
        ("member", "so-y-te"): (None, True),
    }
    await meeting.officer.post(f"{joint}/main", json={"name": "Vận hành điểm cầu chính"})
    done = await (await meeting.officer.post(f"{joint}/member", json={"site": "so-y-te"})).json()
    assert done["complete"] is True
    await refused(await meeting.officer.post(f"{joint}/member", json={}), 422)


async def test_s36_parties_speak_for_themselves_only(meeting: Meeting) -> None:
    joint = f"{meeting.base}/joint-check"
    carrier = await meeting.world.sign_in(Role.CARRIER)
    assert (await carrier.post(f"{joint}/carrier", json={})).status == 200
    for party in ("so", "main", "member"):
        await refused(await carrier.post(f"{joint}/{party}", json={"site": "so-y-te"}), 403)
    technician = await meeting.world.sign_in(Role.TECHNICIAN)
    await refused(await technician.post(f"{joint}/so", json={}), 403)
    await refused(await technician.post(f"{joint}/carrier", json={}), 403)


# ----------------------------------------------------------------------------------------------------- test rooms


async def test_s85_each_site_gets_a_room_of_its_own_that_no_list_shows(meeting: Meeting) -> None:
    turn = await (await meeting.site.post(f"{BY_TOKEN}/room", json={"token": meeting.token})).json()
    assert turn["state"] == "ready"
    live = meeting.world.services.live
    (room,) = [one["id"] for one in live.conferences() if one["id"].startswith(PREFIX)]
    listed = await (await meeting.officer.get("/api/v1/conferences")).json()
    assert [one["id"] for one in listed] == [meeting.conference]
    seat = await meeting.world.services.conferences.seat_for_token(turn["token"])
    assert seat is not None
    assert (seat.conference, seat.site) == (room, "xa-van-mon")
    state = live.state(room)
    assert state["pass_through"] is False
    assert state["views"]["programme"]["width"] == 1280
    await refused(await meeting.officer.get(f"/api/v1/conferences/{room}/checks"), 404)
    again = await (await meeting.site.post(f"{BY_TOKEN}/room", json={"token": meeting.token})).json()
    assert again["token"] == turn["token"]
    assert (await meeting.site.post(f"{BY_TOKEN}/leave", json={"token": meeting.token})).status == 204
    assert [one["id"] for one in live.conferences()] == [meeting.conference]


class At:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_rooms_are_few_the_rest_wait_in_order_and_the_silent_lose_their_turn(world: World) -> None:
    at = At()
    rooms = Rooms(world.services.live, at, 2)
    turns = [await rooms.ask(("c-1", f"s{n}"), f"Điểm {n}") for n in range(4)]
    assert [turn.place for turn in turns] == [0, 0, 1, 2]
    await rooms.leave(("c-1", "s0"))
    assert (await rooms.ask(("c-1", "s2"), "Điểm 2")).room is not None
    at.now += room_rules.FORGOTTEN - 1
    await rooms.ask(("c-1", "s3"), "Điểm 3")
    at.now += 2  # the others have not asked for too long
    assert (await rooms.ask(("c-1", "s3"), "Điểm 3")).place == 0
    assert len(world.services.live.conferences()) == 1
    at.now += room_rules.LIFE + 1
    await rooms.tick()
    assert world.services.live.conferences() == []


async def test_no_room_is_opened_while_a_meeting_is_late_with_its_sound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = Rooms(world.services.live, At(), 2)
    late = Figures(mixers={"c-9": {"audio_late_ms_p99": 40.0}})
    monkeypatch.setattr(world.services.live, "figures", lambda: late)
    assert (await rooms.ask(("c-1", "s"), "Điểm")).place == 1
    monkeypatch.setattr(world.services.live, "figures", Figures)
    assert (await rooms.ask(("c-1", "s"), "Điểm")).place == 0
    await rooms.clear()
    assert world.services.live.conferences() == []


async def test_rooms_of_a_control_process_that_died_are_removed(world: World) -> None:
    await world.services.live.create_conference("còn sót", actor=None, conference_id=f"{PREFIX}0001")
    await Rooms(world.services.live, At(), 2).clear()
    assert world.services.live.conferences() == []


# ------------------------------------------------------------------------------------------------- the other database


async def test_checks_are_the_same_on_both_databases(database: Database) -> None:
    store = CheckStore(database, At())
    await asyncio.gather(*(store.add(new_check("k-00000001")) for _ in range(3)))
    found, total = await store.page(conference="c-1")
    assert total == 1
    assert found[0].good
    await store.ask_retest("c-1", "so-y-te", "retest", "nghe lại", "an")
    await store.ask_retest("c-1", "so-y-te", "retest", "nghe lại lần nữa", "an")
    known = await store.of_conference("c-1")
    assert known.retests["so-y-te", "retest"].reason == "nghe lại lần nữa"
    assert await store.forget_stills(2000.0) == 1
    assert await store.still("k-00000001") is None


# -------------------------------------------------------------------------------------------- bookings and their gate


async def booked(world: World, class_: str = "A", starts_in: float = 86400.0) -> Any:
    """A booking of two sites, in the step before the checks, written as it would stand in the database."""
    now = world.clock.now
    async with world.services.database.writing() as session:
        row = booking_row("b-1", "c-booked", "van-phong-ubnd", now + starts_in, class_=class_, state="prepared")
        session.add(row)
        await session.flush()
        for position, site in enumerate(("tinh", "so-y-te")):
            session.add(site_row("b-1", position, site, f"Điểm cầu {site}", site))
    return await world.services.bookings.get("b-1")


async def gate(world: World) -> list[str]:
    booking = await world.services.bookings.get("b-1")
    async with world.services.database.reading() as session:
        return [one.code for one in await sites_are_checked(session, booking, world.clock.now)]


async def test_s82_a_meeting_is_checked_only_when_every_site_passed_or_was_overridden(world: World) -> None:
    await booked(world)
    assert sites_are_checked in GATES[Step.CHECKED]
    assert await gate(world) == ["check_missing"]
    store = world.services.checks.store
    await store.add(replace(new_check("k-00000001"), conference_id="c-booked", site_id="tinh"))
    failed = replace(new_check("k-00000002", microphone=None), conference_id="c-booked", site_id="so-y-te")
    await store.add(failed)
    assert await gate(world) == ["check_failed"]
    await store.override("o-1", "k-00000002", Verdict.REMARKS, "đã nghe thử qua điện thoại", "officer")
    assert await gate(world) == []
    await store.ask_retest("c-booked", "so-y-te", "speaker", "sẽ phát biểu", "officer")
    assert await gate(world) == ["speaker_check_missing"]


async def test_s82_the_board_of_a_booking_knows_its_deadlines_before_it_is_live(world: World) -> None:
    booking = await booked(world, starts_in=1800.0)
    officer = await world.sign_in(Role.OFFICER)
    board = await (await officer.get("/api/v1/conferences/c-booked/checks")).json()
    assert datetime.fromisoformat(board["latest"]).timestamp() == pytest.approx(booking.starts_at - 3600, abs=1)
    assert (board["overdue"], board["red"]) == (True, 2)


async def test_s79_meetings_are_listed_with_how_far_their_checks_are(meeting: Meeting) -> None:
    await meeting.check()
    listed = await meeting.officer.get("/api/v1/check-boards")
    assert listed.headers["X-Total-Count"] == "1"
    (board,) = await listed.json()
    assert (board["conference"], board["done"], board["total"]) == (meeting.conference, 1, 3)


async def test_s36_class_a_asks_for_four_parties(world: World) -> None:
    await booked(world, "A")
    officer = await world.sign_in(Role.OFFICER)
    joint = await (await officer.get("/api/v1/conferences/c-booked/joint-check")).json()
    assert [one["party"] for one in joint["words"]] == ["so", "main", "member", "carrier"]
    assert joint["complete"] is False


async def test_s27_an_agency_sees_its_own_sites_and_no_others(world: World) -> None:
    await booked(world)
    store = world.services.checks.store
    for check, site in (("k-00000001", "tinh"), ("k-00000002", "so-y-te")):
        await store.add(replace(new_check(check), conference_id="c-booked", site_id=site))
    board = await world.services.checks.subject("c-booked")
    technician = SignedIn(1, "kt", "Kỹ thuật", Role.TECHNICIAN, "", "so-y-te")
    assert [site.id for site in board.sites if in_scope(technician, site.organisation_id)] == ["so-y-te"]


# --------------------------------------------------------------------------------------------------------- self-tests


async def test_s53_a_self_test_is_asked_once_taken_once_and_kept(world: World) -> None:
    officer = await world.sign_in(Role.OFFICER)
    first = await (await officer.post("/api/v1/self-tests")).json()
    second = await (await officer.post("/api/v1/self-tests")).json()
    assert first["id"] == second["id"]
    tests = world.services.checks.self_tests
    taken = await tests.take()
    assert taken is not None
    assert await tests.take() is None
    await tests.finish(taken.id, good=False, report={"problems": ["sound_broken 2"]})
    listed = await (await officer.get("/api/v1/self-tests")).json()
    assert [(one["state"], one["good"]) for one in listed] == [("done", False)]
    assert listed[0]["report"]["problems"] == ["sound_broken 2"]


async def test_s53_a_self_test_whose_process_died_is_given_up(world: World) -> None:
    tests = world.services.checks.self_tests
    asked = await tests.ask("an")
    await tests.take()
    world.clock.now += 700
    assert (await tests.ask("an")).id != asked.id
    await tests.take()
    given_up = await tests.get(asked.id)
    assert (given_up.state, given_up.good) == ("done", False)


def call_report(number: int, **changed: Any) -> dict[str, Any]:
    others = [{"site": other} for other in (1, 2, 3) if other != number]
    picture = {"fps": 14.8, "seen": others, "freezes": 0}
    sound = {"blocks_per_second": 49.9, "heard": others}
    return {"site": {"number": number}, "picture": picture, "sound": sound, "errors": [], **changed}


def test_s53_a_call_is_good_when_everybody_sees_and_hears_the_others() -> None:
    sites = [call_report(number) for number in (1, 2, 3)]
    assert judge_call(sites) == []
    assert judge_call(sites[:2]) == ["sites_missing"]
    deaf = call_report(2, sound={"blocks_per_second": 49.0, "heard": [{"site": 1}]})
    assert judge_call([sites[0], deaf, sites[2]]) == ["sound_incomplete 2"]
    assert judge_call([sites[0], call_report(2, picture=None), sites[2]]) == ["picture_slow 2", "picture_incomplete 2"]
    assert judge_call([call_report(1, refused="mcu_busy"), *sites[1:]]) == ["refused 1"]


@given(st.integers(0, 23), st.integers(0, 59), st.floats(0, 86400 * 400))
def test_s53_the_daily_test_is_due_once_a_day(hour: int, minute: int, since: float) -> None:
    now = 1_764_000_000.0 + since
    if is_due(f"{hour:02}:{minute:02}", now, None):
        assert not is_due(f"{hour:02}:{minute:02}", now + 1, now)
        assert not is_due(f"{hour:02}:{minute:02}", now + 3600, None)


async def test_s53_a_periodic_check_asks_all_sites_of_the_directory(world: World) -> None:
    officer = await world.sign_in(Role.OFFICER)
    body = {"title": "Kiểm tra định kỳ tháng 11"}
    assert (await refused(await officer.post("/api/v1/check-rounds", json=body), 409))["code"] == "no_sites"
    await in_the_directory(world, "so-y-te", "xa-van-mon")
    key = {"Idempotency-Key": "round-of-november"}
    board = await (await officer.post("/api/v1/check-rounds", json=body, headers=key)).json()
    assert (board["done"], board["total"]) == (0, 2)
    link = await officer.post(f"/api/v1/conferences/{board['conference']}/sites/xa-van-mon/link")
    token = (await link.json())["token"]
    answer = await world.client().post(f"{BY_TOKEN}/result", json=sent(token))
    assert answer.status == 201
    board = await (await officer.get(f"/api/v1/conferences/{board['conference']}/checks")).json()
    assert [one["site"] for one in board["sites"] if one["red"]] == ["so-y-te"]
    unknown = body | {"sites": ["khong-co"]}
    assert (await refused(await officer.post("/api/v1/check-rounds", json=unknown), 404))["code"] == "unknown_site"


async def test_s53_each_site_is_sent_its_check_link_by_mail_and_again(world: World) -> None:
    officer = await world.sign_in(Role.OFFICER)
    await in_the_directory(world, "so-y-te", "xa-van-mon")
    async with world.services.database.writing() as session:
        stamp: dict[str, Any] = {"created_at": 1.0, "changed_at": 1.0, "changed_by": "an", "folded": "", "revision": 1}
        contact = Contact(
            id="d-1", organisation_id="tinh", site_id="xa-van-mon", role="technical", name="Cán bộ kỹ thuật",
            position="", phone="", email="ky-thuat@xa-van-mon.vn", **stamp,
        )  # fmt: skip
        session.add(contact)
    board = await (await officer.post("/api/v1/check-rounds", json={"title": "Kiểm tra định kỳ tháng 11"})).json()
    path = f"/api/v1/conferences/{board['conference']}/check-links"

    async def standings() -> dict[str, str]:
        return {one["site"]: one["standing"] for one in await (await officer.get(path)).json()}

    assert await standings() == {"so-y-te": "no_address", "xa-van-mon": "waiting"}
    async with world.services.database.reading() as session:
        (letter,) = await session.scalars(select(Letter))
    assert letter.recipient == "ky-thuat@xa-van-mon.vn"
    link = next(line for line in letter.body.splitlines() if "/join/" in line)
    assert link.endswith("#kiem-tra"), "the link itself leads to the check"
    token = link.split("/join/")[1].split("#")[0]
    answer = await world.client().post(BY_TOKEN, json={"token": token})
    assert (await answer.json())["site"] == "xa-van-mon"
    async with world.services.database.writing() as session:
        await session.execute(update(Letter).values(state="failed", error="550 no such user"))
    assert await standings() == {"so-y-te": "no_address", "xa-van-mon": "failed"}
    world.clock.now += 60
    key = {"Idempotency-Key": "again-to-van-mon"}
    for _ in range(2):
        again = await officer.post(path, json={"sites": ["xa-van-mon"]}, headers=key)
        assert {one["site"]: one["standing"] for one in await again.json()}["xa-van-mon"] == "waiting"
    async with world.services.database.reading() as session:
        assert len(list(await session.scalars(select(Letter)))) == 2
    unknown = await refused(await officer.post(path, json={"sites": ["khong-co"]}), 404)
    assert unknown["code"] == "unknown_site"


async def in_the_directory(world: World, *sites: str) -> None:
    async with world.services.database.writing() as session:
        stamp: dict[str, Any] = {"created_at": 1.0, "changed_at": 1.0, "changed_by": "an", "folded": ""}
        session.add(Organisation(id="tinh", name="Tỉnh", kind="other", **stamp))
        await session.flush()
        for site in sites:
            session.add(Site(id=site, organisation_id="tinh", name=site, **stamp))


async def test_s53_the_report_says_which_sites_were_not_checked_for_long(world: World) -> None:
    await in_the_directory(world, "so-y-te", "xa-van-mon")
    await world.services.checks.store.add(new_check("k-00000001"))
    report = await directory_report(world.services)
    assert (report["total"], report["never"], report["old"]) == (2, ["xa-van-mon"], [])
    world.clock.now += 40 * 86400
    assert (await directory_report(world.services))["old"] == ["so-y-te"]


async def test_s99_a_check_is_journalled_and_a_test_room_leaves_no_journal(meeting: Meeting) -> None:
    turn = await (await meeting.site.post(f"{BY_TOKEN}/room", json={"token": meeting.token})).json()
    assert turn["state"] == "ready"
    (room,) = [one["id"] for one in meeting.world.services.live.conferences() if one["id"].startswith(PREFIX)]
    await meeting.check()
    assert await meeting.world.services.conferences.journal(room) == []
    assert "site_checked" in [what for what, _ in await meeting.journal()]
