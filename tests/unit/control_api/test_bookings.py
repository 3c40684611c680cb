"""Registration, decision, change and end of meetings through the API, with the real live conferences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.api import REPEATS
from control_api.bookings.booking import Booking
from control_api.bookings.gates import GATES, Blocker
from control_api.bookings.steps import Step
from control_api.bookings.tables import BookingHold, BookingNotice, BookingRow, CapacityRow
from mcu_core.capacity import FULL, MeetingSize, demand_of
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.world import Client, World, refused

API = "/api/v1"


class Office:
    """The world with a directory, a host and an officer, at eight in the morning."""

    def __init__(self, world: World, host: Client, officer: Client) -> None:
        self.world, self.host, self.officer = world, host, officer

    @property
    def now(self) -> float:
        return self.world.clock.now

    async def later(self, seconds: float) -> None:
        """The clock goes on; sessions have ended meanwhile."""
        self.world.clock.now += seconds
        self.host = await self.world.sign_in(Role.HOST)
        self.officer = await self.world.sign_in(Role.OFFICER)

    async def register(self, status: int = 201, **changes: Any) -> dict[str, Any]:
        answer = await self.host.post(f"{API}/bookings", json=samples.form(self.now, **changes))
        body: dict[str, Any] = await answer.json()
        assert answer.status == status, body
        return body

    async def post(self, booking: str, what: str, json: dict[str, Any] | None = None, *, status: int = 200) -> Any:
        answer = await self.officer.post(f"{API}/bookings/{booking}/{what}", json=json or {})
        body = await answer.json()
        assert answer.status == status, body
        return body

    async def get(self, booking: str) -> Any:
        return await (await self.officer.get(f"{API}/bookings/{booking}")).json()

    async def measured(self, meetings: float) -> None:
        """The machine may carry so many meetings of two sites at a time."""
        one = demand_of(MeetingSize(2))
        room = 3 * meetings / FULL  # three kinds of work take a third each
        async with self.world.services.database.writing() as session:
            session.add(
                CapacityRow(
                    at=self.now,
                    machine="test",
                    decode=one.decode * room,
                    encode=one.encode * room,
                    compose=one.compose * room,
                    packets=1e12,
                    details={"packets_of_one": 1e12},
                )
            )

    async def notices(self, booking: str) -> list[BookingNotice]:
        async with self.world.services.database.reading() as session:
            of_booking = select(BookingNotice).where(BookingNotice.booking_id == booking)
            return list(await session.scalars(of_booking.order_by(BookingNotice.created_at, BookingNotice.id)))

    async def to_sites(self, booking: str) -> list[BookingNotice]:
        return [one for one in await self.notices(booking) if one.site_id is not None]

    async def holds(self, booking: str) -> int:
        async with self.world.services.database.reading() as session:
            of_booking = select(BookingHold).where(BookingHold.booking_id == booking)
            return len((await session.scalars(of_booking)).all())


@pytest.fixture
async def office(world: World) -> Office:
    world.clock.now = samples.at(world.clock.now, days=0, hour=8).timestamp()
    await samples.add_directory(world.services.database, sites=3)
    opened = Office(world, await world.sign_in(Role.HOST), await world.sign_in(Role.OFFICER))
    await opened.measured(10)
    return opened


@pytest.fixture
def no_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what this area asks for."""
    for step in (Step.PREPARED, Step.CHECKED, Step.CONNECTED, Step.SERVING, Step.CLOSED, Step.ANNOUNCED):
        monkeypatch.setitem(GATES, step, [])


# ---------------------------------------------------------------------------------------------------- registration


async def test_s67_form_has_the_eleven_fields_and_s66_the_letter(office: Office) -> None:
    made = await office.register()
    assert made["organisation"] == "so-y-te"  # 1
    main, member = made["sites"]
    assert (main["role"], main["place"], main["attendees"]) == ("main", "Phòng họp tầng 2, Bắc Ninh", "Lãnh đạo Sở")
    assert made["chair"] == "Giám đốc Sở"
    assert (member["site"], member["place"]) == ("xa-van-mon", "Phòng họp tầng 2, Bắc Ninh")  # 5, 6: of the directory
    assert member["attendees"] == "Lãnh đạo UBND, Trạm Y tế"
    assert made["starts_at"] < made["ends_at"]
    assert made["trial_at"] < made["starts_at"]
    assert made["agenda"].startswith("1. Khai mạc")
    assert made["contact"]["phone"] == "0912345678"
    assert made["letter"] == {"number": "125/GM-SYT", "date": "2026-11-20", "file": None}
    assert made["state"] == "registered"
    assert made["rules"] == "bn-2025"
    assert datetime.fromisoformat(made["answer_by"]).hour == 14  # six hours after eight


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ({"members": []}, "members"),
        ({"trial_at": None, "trial_ends_at": None}, "trial_at"),
        ({"chair": ""}, "chair"),
        ({"member_attendees": ""}, "attendees"),
    ],
)
async def test_s30_a_form_that_lacks_a_field_is_told_which(office: Office, missing: dict[str, Any], field: str) -> None:
    error = (await office.register(409, **missing))["error"]
    assert error["code"] == "form_incomplete"
    assert error["detail"] == [field]


async def test_s29_too_late_is_refused_with_the_latest_time_and_the_urgent_way(office: Office) -> None:
    soon = datetime.fromtimestamp(office.now).astimezone() + timedelta(hours=23)
    error = (await office.register(409, start=soon))["error"]
    assert error["code"] == "too_late"
    assert "0204.3555.992" in error["vi"]
    assert datetime.fromisoformat(error["detail"]["latest_at"]) == soon - timedelta(hours=24)


async def test_a_registration_repeated_after_a_crash_is_one(office: Office) -> None:
    key = {"Idempotency-Key": "dang-ky-1"}
    form = samples.form(office.now)
    first = await office.host.post(f"{API}/bookings", json=form, headers=key)
    office.world.server.app[REPEATS]._entries.clear()  # a new process remembers no answers
    await office.later(40 * 3600)  # and it would be too late now
    again = await office.host.post(f"{API}/bookings", json=form, headers=key)
    assert (await first.json())["id"] == (await again.json())["id"]
    listed = await office.host.get(f"{API}/bookings")
    assert listed.headers["X-Total-Count"] == "1"


async def test_s10_only_the_own_agency_registers_and_only_who_takes_part_sees(office: Office) -> None:
    made = await office.register()
    stranger = await office.world.sign_in(Role.TECHNICIAN)
    for organisation, status in (("xa-2", 403), ("xa-van-mon", 200)):
        async with office.world.services.database.writing() as session:
            change = update(User).where(User.username == "technician")
            await session.execute(change.values(organisation_id=organisation))
        answer = await stranger.get(f"{API}/bookings/{made['id']}")
        assert answer.status == status
        listed = await stranger.get(f"{API}/bookings")
        assert listed.headers["X-Total-Count"] == ("1" if status == 200 else "0")
    error = (await office.register(403, organisation="xa-2", main={"site": "xa-2", "attendees": "x"}))["error"]
    assert error["code"] == "not_yours"


async def test_s23_an_agency_cannot_open_a_room_without_registration(office: Office) -> None:
    operator = await office.world.sign_in(Role.OPERATOR)
    body = {"title": "Họp không đăng ký"}
    assert (await operator.post(f"{API}/conferences", json=body)).status == 201  # the Sở's own: training, demonstration
    async with office.world.services.database.writing() as session:
        await session.execute(update(User).where(User.username == "operator").values(organisation_id="so-y-te"))
    error = await refused(await operator.post(f"{API}/conferences", json=body), 409)
    assert error["code"] == "booking_required"


async def test_a_draft_is_kept_and_submitted_later(office: Office) -> None:
    draft = await office.register(draft=True, chair="")
    assert (draft["state"], draft["answer_by"]) == ("draft", None)
    submit = f"{API}/bookings/{draft['id']}/submission"
    assert (await refused(await office.host.post(submit), 409))["code"] == "form_incomplete"
    await office.host.patch(f"{API}/bookings/{draft['id']}", json={"chair": "Phó Giám đốc"})
    assert (await (await office.host.post(submit)).json())["state"] == "registered"


async def test_s66_letter_is_asked_for_before_a_room_is_given_and_kept(office: Office) -> None:
    made = await office.register(letter=None)
    assert [one["code"] for one in made["blockers"]] == ["no_letter"]
    error = (await office.post(made["id"], "allocation", status=409))["error"]
    assert error["code"] == "not_ready"
    await office.host.patch(f"{API}/bookings/{made['id']}", json={"letter": {"number": "9/CV", "date": "2026-11-20"}})
    path = f"{API}/bookings/{made['id']}/letter"
    upload = {"name": "cv.pdf", "media_type": "application/pdf", "content": samples.PDF}
    assert (await office.host.post(path, json=upload)).status == 204
    file = await office.officer.get(path)
    assert (await file.read()).startswith(b"%PDF-")
    assert file.headers["Content-Disposition"].startswith("attachment")
    error = await refused(await office.host.post(path, json={**upload, "content": "PGh0bWw+"}), 422)
    assert error["code"] == "bad_file"
    assert (await office.post(made["id"], "allocation"))["letter"]["file"] == "cv.pdf"


async def test_s41_s42_class_c_is_short_and_names_who_operates(office: Office) -> None:
    short: dict[str, Any] = {
        "class": "C",
        "members": [],
        "chair": "",
        "trial_at": None,
        "trial_ends_at": None,
        "main": {"site": "so-y-te"},
        "letter": None,
    }
    error = (await office.register(409, **short))["error"]
    assert error["detail"] == ["uplink"]
    provider = {"organiser": "Bộ Y tế", "operated_by": "provider", "provider": "VNPT"}
    assert (await office.register(422, **short, uplink=provider))["error"]["code"] == "invalid"  # no technician
    technician = {"name": "Kỹ thuật viên", "phone": "0912 345 678"}
    made = await office.register(**short, uplink={**provider, "technician": technician})
    assert made["uplink"]["operated_by"] == "provider"
    own = await office.register(**short, uplink={"organiser": "Bộ Y tế", "operated_by": "so"})
    assert own["uplink"]["technician"] is None
    assert (await office.post(own["id"], "allocation"))["state"] == "allocated"
    error = (await office.register(409, **{**short, "members": [{"site": "xa-2"}]}, uplink=own["uplink"]))["error"]
    assert error["detail"] == ["members"]


# --------------------------------------------------------------------------------------------- capacity and decision


async def test_s68_allocation_makes_the_room_with_the_reserved_id_and_its_sites(office: Office) -> None:
    made = await office.register()
    await office.officer.put(f"{API}/bookings/{made['id']}/parameters", json={"height": 1080, "chair_layout": "1+5"})
    allocated = await office.post(made["id"], "allocation")
    assert (allocated["state"], allocated["live"], allocated["decision"]["answer"]) == (
        "allocated",
        "made",
        "allocated",
    )
    state = office.world.services.live.state(made["conference"])
    assert [(site["id"], site["role"]) for site in state["sites"]] == [("so-y-te", "main"), ("xa-van-mon", "member")]
    assert state["views"]["programme"]["height"] == 1080
    assert await office.holds(made["id"]) == 2  # the meeting and its trial
    assert (await office.post(made["id"], "allocation"))["state"] == "allocated"  # again: nothing happens


async def test_s68_a_crash_between_commit_and_room_is_made_good_at_start(office: Office) -> None:
    services = office.world.services
    made = await office.register()
    async with services.database.writing() as session:  # as if we had died right after the commit
        change = update(BookingRow).where(BookingRow.id == made["id"])
        await session.execute(change.values(state="allocated", live="wanted"))
    # … and another time after the room was made with one of its sites.
    await services.live.create_conference("Dở dang", actor=None, conference_id=made["conference"])
    for _ in range(2):
        await services.booking_rooms.settle()
    state = services.live.state(made["conference"])
    assert state["title"] == made["title"]
    assert [site["id"] for site in state["sites"]] == ["so-y-te", "xa-van-mon"]
    assert (await office.get(made["id"]))["live"] == "made"


async def test_s69_what_the_mcu_cannot_carry_is_refused_at_once_with_alternatives(office: Office) -> None:
    await office.measured(1.5)
    first = await office.register()
    await office.post(first["id"], "allocation")
    second = await office.register()
    assert second["state"] == "refused"
    decision = second["decision"]
    assert decision["code"] == "no_capacity"
    assert decision["by"] is None  # the machine itself
    kinds = [one["kind"] for one in decision["alternatives"]]
    assert "time" in kinds
    assert "sound_only" in kinds
    assert [notice.kind for notice in await office.notices(second["id"])] == ["refused"]
    # The host takes up the first proposal, and gets its room.
    taken = decision["alternatives"][0]
    times = {name: taken[name] for name in ("starts_at", "ends_at", "trial_at", "trial_ends_at")}
    path = f"{API}/bookings/{second['id']}"
    assert (await office.host.patch(path, json=times)).status == 200
    assert (await (await office.host.post(f"{path}/submission")).json())["state"] == "registered"
    assert (await office.post(second["id"], "allocation"))["state"] == "allocated"


async def test_s33_sound_only_can_be_taken_up(office: Office) -> None:
    await office.measured(1.5)
    await office.post((await office.register())["id"], "allocation")
    second = await office.register()
    sound = {
        "main": {"site": "so-y-te", "video": False, "attendees": "x"},
        "members": [{"site": "xa-van-mon", "video": False}],
    }
    await office.host.patch(f"{API}/bookings/{second['id']}", json=sound)
    assert (await (await office.host.post(f"{API}/bookings/{second['id']}/submission")).json())["state"] == "registered"
    assert (await office.post(second["id"], "allocation"))["state"] == "allocated"


async def test_s68_allocation_that_does_not_fit_any_more_names_the_alternatives(office: Office) -> None:
    await office.measured(1.5)
    first, second = await office.register(), await office.register()
    assert second["state"] == "registered"  # nothing was held yet
    await office.post(first["id"], "allocation")
    error = (await office.post(second["id"], "allocation", {"override": True, "remark": "Cứ cấp"}, status=409))["error"]
    assert error["code"] == "no_capacity"
    assert error["detail"]["besides"] == [first["id"]]
    assert error["detail"]["alternatives"]
    assert await office.holds(second["id"]) == 0


async def test_s33_refusal_by_the_so_gives_its_reason_and_proposals(office: Office) -> None:
    made = await office.register()
    answer = await office.post(made["id"], "refusal", {"reason": "Trùng lịch bảo trì MCU."})
    assert answer["state"] == "refused"
    assert answer["decision"]["by"] == "officer"
    assert answer["answered_at"] is not None
    (notice,) = await office.notices(made["id"])
    assert "Trùng lịch bảo trì MCU." in notice.body
    assert "Phương án" in notice.body


async def test_fit_is_told_without_registering(office: Office) -> None:
    answer = await (await office.host.post(f"{API}/bookings/fit", json=samples.form(office.now))).json()
    assert answer["fits"]
    assert answer["measured"]
    assert 0 < answer["share"] < 0.8
    assert (await office.host.get(f"{API}/bookings")).headers["X-Total-Count"] == "0"


# --------------------------------------------------------------------------------------------------- urgent meetings


def urgent(office: Office, **changes: Any) -> dict[str, Any]:
    form = samples.form(office.now, start=samples.at(office.now, 0, 9), trial_at=None, trial_ends_at=None)
    return {**form, "order": samples.order(office.now), "title": "Họp khẩn phòng chống bão", **changes}


async def test_s31_urgent_meeting_is_keyed_in_with_caller_authority_and_reason(office: Office) -> None:
    answer = await office.officer.post(f"{API}/bookings/urgent", json=urgent(office))
    made = await answer.json()
    assert answer.status == 201, made
    assert (made["urgent"], made["state"], made["live"]) == (True, "allocated", "made")
    assert made["order"]["caller"] == "Chánh Văn phòng UBND tỉnh"
    assert [stamp["step"] for stamp in made["stamps"]] == ["registered", "allocated"]
    assert made["stamps"][0]["remark"] == "Họp đột xuất về phòng chống bão."
    host = await office.host.post(f"{API}/bookings/urgent", json=urgent(office))
    assert (await refused(host, 403))["code"] == "forbidden"  # only the Sở
    without = {name: value for name, value in urgent(office).items() if name != "order"}
    assert (await office.officer.post(f"{API}/bookings/urgent", json=without)).status == 422


async def test_s32_urgent_meeting_displaces_an_ordinary_one_and_its_host_is_told(office: Office) -> None:
    await office.measured(1.5)
    ordinary = await office.register()
    await office.post(ordinary["id"], "allocation")
    start = datetime.fromisoformat(ordinary["starts_at"]) + timedelta(hours=1)
    form = urgent(office, starts_at=start.isoformat(), ends_at=(start + timedelta(hours=1)).isoformat())
    error = await refused(await office.officer.post(f"{API}/bookings/urgent", json=form), 409)
    assert error["detail"]["would_displace"] == [ordinary["id"]]
    made = await (await office.officer.post(f"{API}/bookings/urgent", json={**form, "displace": True})).json()
    assert made["state"] == "allocated"
    gone = await office.get(ordinary["id"])
    assert (gone["state"], gone["live"]) == ("displaced", "none")
    assert gone["decision"]["answer"] == "displaced"
    assert [one for one in gone["decision"]["alternatives"] if one["kind"] == "time"]
    assert await office.holds(ordinary["id"]) == 0
    told = {notice.kind: notice for notice in await office.notices(ordinary["id"])}
    assert told["displaced"].recipient == "dau-moi@so-y-te.vn"
    conferences = [one["id"] for one in office.world.services.live.conferences()]
    assert conferences == [made["conference"]]


async def test_s32_urgent_meetings_do_not_displace_each_other_nor_one_that_runs(office: Office) -> None:
    await office.measured(1.5)
    first = await office.officer.post(f"{API}/bookings/urgent", json=urgent(office))
    assert first.status == 201
    answer = await office.officer.post(f"{API}/bookings/urgent", json=urgent(office, displace=True))
    assert (await refused(answer, 409))["detail"]["would_displace"] == []


# ------------------------------------------------------------------------------------------------ change and the end


async def test_change_of_time_is_admitted_anew_and_must_be_announced_again(office: Office) -> None:
    made = await office.register()
    await office.post(made["id"], "allocation")
    await office.post(made["id"], "announcement")
    later = datetime.fromisoformat(made["starts_at"]) + timedelta(hours=2)
    changed = await office.host.patch(f"{API}/bookings/{made['id']}", json={"starts_at": later.isoformat()})
    body = await changed.json()
    assert body["state"] == "allocated"
    assert body["sequence"] == 1
    assert datetime.fromisoformat(body["ends_at"]) == later + timedelta(hours=3)  # as long as before
    kinds = [notice.kind for notice in await office.notices(made["id"])]
    assert kinds.count("update") == 2
    assert (await office.post(made["id"], "announcement"))["state"] == "announced"


async def test_change_that_does_not_fit_leaves_everything_as_it_was(office: Office) -> None:
    await office.measured(1.5)
    first = await office.register()
    second = await office.register(start=samples.at(office.now, 2, 14))
    for one in (first, second):
        await office.post(one["id"], "allocation")
    answer = await office.host.patch(f"{API}/bookings/{second['id']}", json={"starts_at": first["starts_at"]})
    assert (await refused(answer, 409))["code"] == "no_capacity"
    assert (await office.get(second["id"]))["starts_at"] == second["starts_at"]
    assert await office.holds(second["id"]) == 2


async def test_s29_a_change_counts_as_a_new_registration_but_not_when_the_so_rearranges(office: Office) -> None:
    made = await office.register()
    soon = datetime.fromisoformat(made["starts_at"]) - timedelta(hours=1)
    await office.later(26 * 3600)
    path, body = f"{API}/bookings/{made['id']}", {"starts_at": soon.isoformat()}
    assert (await refused(await office.host.patch(path, json=body), 409))["code"] == "too_late"
    # The Sở's own change counts from when the form came in: 47 hours before.
    assert (await office.officer.patch(path, json=body)).status == 200


async def test_a_site_taken_out_leaves_the_room_and_a_new_one_enters(office: Office) -> None:
    made = await office.register()
    await office.post(made["id"], "allocation")
    await office.post(made["id"], "announcement")
    answer = await office.host.patch(
        f"{API}/bookings/{made['id']}", json={"members": [{"site": "xa-2", "attendees": "Lãnh đạo UBND"}]}
    )
    body = await answer.json()
    assert (body["state"], body["live"]) == ("allocated", "made")
    state = office.world.services.live.state(made["conference"])
    assert [site["id"] for site in state["sites"]] == ["so-y-te", "xa-2"]
    told = {(notice.site_id, notice.kind) for notice in await office.notices(made["id"])}
    assert ("xa-van-mon", "cancel") in told
    assert ("xa-2", "request") not in told
    await office.post(made["id"], "announcement")
    (new,) = [one for one in await office.notices(made["id"]) if one.site_id == "xa-2"]
    assert "/join/" in new.body
    assert new.kind == "request", "its first letter is the invitation"


async def test_s70_the_first_letter_to_a_site_is_the_invitation_however_often_the_meeting_was_changed(
    office: Office,
) -> None:
    made = await office.register()
    await office.post(made["id"], "allocation")
    path = f"{API}/bookings/{made['id']}"
    assert (await office.host.patch(path, json={"agenda": "Chương trình mới"})).status == 200
    assert await office.to_sites(made["id"]) == []
    for _ in range(2):  # announcing again tells nobody twice
        await office.post(made["id"], "announcement")
        told = await office.to_sites(made["id"])
        assert [one.kind for one in told] == ["request"] * 2
        assert all(one.subject.startswith("Thông báo họp") and "/join/" in one.body for one in told)
    assert (await office.host.patch(path, json={"agenda": "Chương trình mới hơn"})).status == 200
    await office.post(made["id"], "announcement")
    told = await office.to_sites(made["id"])
    assert sorted(one.kind for one in told) == ["request"] * 2 + ["update"] * 2
    assert all("THAY ĐỔI" in one.body for one in told if one.kind == "update")


async def test_cancellation_frees_capacity_and_tells_the_sites(office: Office) -> None:
    made = await office.register()
    await office.post(made["id"], "allocation")
    await office.post(made["id"], "announcement")
    answer = await office.host.post(f"{API}/bookings/{made['id']}/cancellation", json={"reason": "Hoãn họp"})
    assert (await answer.json())["state"] == "cancelled"
    assert await office.holds(made["id"]) == 0
    assert office.world.services.live.conferences() == []
    cancelled = [one for one in await office.notices(made["id"]) if one.kind == "cancel"]
    assert len(cancelled) == 2
    assert "METHOD:CANCEL" in cancelled[0].calendar
    error = await refused(await office.host.patch(f"{API}/bookings/{made['id']}", json={"chair": "Ai đó"}), 409)
    assert error["code"] == "too_late_to_change"


@pytest.mark.usefixtures("no_gates")
async def test_s65_each_step_is_stamped_with_person_and_time(office: Office) -> None:
    made = await office.register()
    await office.post(made["id"], "allocation")
    await office.post(made["id"], "announcement")
    for step in ("prepared", "checked", "connected", "serving"):
        office.world.clock.now += 60
        await office.post(made["id"], "step", {"step": step})
    closing = {"summary": "Kết thúc lúc 11 giờ, đủ điểm cầu.", "evaluation": "good"}
    closed = await office.post(made["id"], "close-out", closing)
    assert [stamp["step"] for stamp in closed["stamps"]] == [
        "registered",
        "allocated",
        "announced",
        "prepared",
        "checked",
        "connected",
        "serving",
        "closed",
    ]
    assert {stamp["by"] for stamp in closed["stamps"]} == {"host", "officer"}
    assert closed["close_out"]["evaluation"] == "good"
    assert closed["may_follow"] == []
    assert await office.holds(made["id"]) == 0
    journal = await office.world.services.conferences.journal(made["conference"])
    assert [row.data["step"] for row in journal if row.what == "booking_step"][-1] == "closed"
    await office.world.services.booking_rooms.retire(office.now + 2 * 86400)
    await office.world.services.booking_rooms.settle()
    assert office.world.services.live.conferences() == []


async def test_gates_hold_a_step_back_until_an_officer_gives_a_reason(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody_on_duty(session: Any, booking: Booking, now: float) -> list[Blocker]:
        return [Blocker("no_duty_officer", "chưa phân công người trực.", "nobody is on duty.")]

    monkeypatch.setitem(GATES, Step.PREPARED, [nobody_on_duty])
    made = await office.register()
    await office.post(made["id"], "allocation")
    announced = await office.post(made["id"], "announcement")
    assert [one["code"] for one in announced["blockers"]] == ["no_duty_officer"]
    path, forced = f"{API}/bookings/{made['id']}/step", {"step": "prepared", "override": True, "remark": "Trực thay"}
    error = await refused(await office.host.post(path, json=forced), 409)  # a host may not
    assert error["code"] == "not_ready"
    assert error["detail"][0]["code"] == "no_duty_officer"
    assert (await office.post(made["id"], "step", {"step": "prepared", "override": True}, status=409))["error"]
    assert (await office.post(made["id"], "step", forced))["state"] == "prepared"


async def test_a_booking_gets_no_more_personal_views_than_a_conference_may_have(office: Office) -> None:
    made = await office.register()
    path = f"{API}/bookings/{made['id']}/parameters"
    error = await refused(await office.officer.put(path, json={"personal_views": 8}), 409)
    assert error["code"] == "too_many_views"
    answer = await office.officer.put(path, json={"personal_views": 4})
    assert (await answer.json())["parameters"]["personal_views"] == 4


@pytest.mark.usefixtures("no_gates")
async def test_s35_parameters_are_frozen_before_the_start(office: Office) -> None:
    made = await office.register()
    await office.post(made["id"], "allocation")
    path = f"{API}/bookings/{made['id']}/parameters"
    changed = await (await office.officer.put(path, json={"frame_rate": 25})).json()
    assert changed["live"] == "made"
    assert office.world.services.live.state(made["conference"])["views"]["programme"]["frame_rate"] == 25
    await office.later(datetime.fromisoformat(made["starts_at"]).timestamp() - 3600 - office.now)
    error = await refused(await office.officer.put(path, json={"frame_rate": 15}), 409)
    assert error["code"] == "parameters_frozen"


async def test_s43_the_host_sums_up_its_own_meeting(office: Office) -> None:
    made = await office.register()
    assert made["owner"] == "host"
    closing = {"summary": "Xong.", "evaluation": "good"}
    early = await office.host.post(f"{API}/bookings/{made['id']}/close-out", json=closing)
    assert (await refused(early, 409))["code"] == "wrong_step"


# ---------------------------------------------------------------------------------------------------------- overviews


async def test_series_registers_each_meeting_and_refuses_alone_what_does_not_fit(office: Office) -> None:
    await office.measured(1.5)
    blocking = await office.register(start=samples.at(office.now, 9, 8))
    await office.post(blocking["id"], "allocation")
    body = {"booking": samples.form(office.now), "repeat": {"every": "week", "count": 3}}
    headers = {"Idempotency-Key": "chuoi-hop-1"}
    made = await (await office.host.post(f"{API}/bookings/series", json=body, headers=headers)).json()
    assert [one["state"] for one in made] == ["registered", "refused", "registered"]
    starts = [datetime.fromisoformat(one["starts_at"]) for one in made]
    assert [(later - starts[0]).days for later in starts] == [0, 7, 14]
    listed = await (await office.host.get(f"{API}/bookings?series={made[0]['series']}")).json()
    assert len(listed) == 3


async def test_a_series_that_goes_on_for_too_long_registers_nothing(office: Office) -> None:
    repeat = {"every": "month", "count": 30}
    answer = await office.host.post(
        f"{API}/bookings/series", json={"booking": samples.form(office.now), "repeat": repeat}
    )
    assert (await refused(answer, 422))["code"] == "bad_times"
    assert (await office.host.get(f"{API}/bookings")).headers["X-Total-Count"] == "0"


async def test_s46_inbox_shows_what_waits_the_most_pressing_first(office: Office) -> None:
    first = await office.register()
    await office.later(5.5 * 3600)
    second = await office.register(start=samples.at(office.now, 3))
    inbox = await (await office.officer.get(f"{API}/bookings/inbox")).json()
    assert [one["id"] for one in inbox["waiting"]] == [first["id"], second["id"]]
    assert inbox["waiting"][0]["remaining"] == pytest.approx(1800)
    assert inbox["waiting"][0]["fits"]
    await office.post(first["id"], "allocation")
    inbox = await (await office.officer.get(f"{API}/bookings/inbox")).json()
    assert [one["id"] for one in inbox["not_announced"]] == [first["id"]]


async def test_s46_questions_to_the_so_and_compliance(office: Office) -> None:
    asked = await (await office.host.post(f"{API}/help", json={"question": "Xin hướng dẫn."})).json()
    assert asked["organisation"] == "so-y-te"
    answer = {"answer": "Sở sẽ cử cán bộ."}
    closed = await (await office.officer.post(f"{API}/help/{asked['id']}/answer", json=answer)).json()
    assert closed["closed_at"] is not None
    await office.register(letter=None)
    day = samples.at(office.now).date()
    found = await office.officer.get(f"{API}/bookings/compliance?from={day}T00:00:00Z&to={day}T23:00:00Z")
    (line,) = await found.json()
    assert (line["organisation"], line["meetings"], line["without_letter"]) == ("so-y-te", 1, 1)


async def test_conflict_view_shows_load_and_who_wants_the_same_site(office: Office) -> None:
    first, second = await office.register(), await office.register()
    (shared,) = second["conflicts"]
    assert (shared["booking"], shared["title"]) == (first["id"], first["title"])
    assert shared["sites"] == ["so-y-te", "xa-van-mon"]
    await office.post(first["id"], "allocation")
    day = samples.at(office.now).date()
    found = await office.host.get(f"{API}/bookings/conflicts?from={day}T00:00:00Z&to={day}T23:00:00Z")
    view = await found.json()
    (overlap,) = view["overlaps"]
    assert overlap["sites"] == ["so-y-te", "xa-van-mon"]
    assert [one["bookings"] for one in view["load"]] == [[first["id"]]]
    assert 0 < view["load"][0]["share"] < view["full"] == 0.8
    assert view["titles"] == {first["id"]: first["title"]}


async def test_s68_of_a_strangers_meeting_is_said_only_when_it_has_the_site_and_that_capacity_is_taken(
    office: Office,
) -> None:
    await office.measured(1.5)
    hidden = await office.register(title="Họp kín của Sở Y tế")
    await office.post(hidden["id"], "allocation")
    async with office.world.services.database.writing() as session:
        await session.execute(update(User).where(User.username == "host").values(organisation_id="xa-2"))
    form = samples.form(office.now, organisation="xa-2", main={"site": "xa-2", "attendees": "Lãnh đạo"}, title="Họp xã")
    answer = await office.host.post(f"{API}/bookings/fit", json=form)
    text = await answer.text()
    assert answer.status == 200, text
    fit = await answer.json()
    assert not fit["fits"]
    assert (fit["besides"], fit["others"]) == ([], 1)
    (shared,) = fit["conflicts"]
    assert (shared["booking"], shared["title"], shared["sites"]) == (None, None, ["xa-van-mon"])
    assert shared["since"] == hidden["starts_at"]
    made = await (await office.host.post(f"{API}/bookings", json={**form, "draft": True})).json()
    text += str(await (await office.host.get(f"{API}/bookings/{made['id']}")).json())
    assert hidden["id"] not in text
    assert hidden["title"] not in text
    seen = await (await office.officer.post(f"{API}/bookings/fit", json=form)).json()
    assert (seen["besides"], seen["others"]) == ([hidden["id"]], 0)
    assert seen["conflicts"][0]["title"] == hidden["title"]


async def test_calendar_is_searched_without_diacritics(office: Office) -> None:
    made = await office.register()
    for words, count in (("phong chong dich", 1), ("van mon", 1), ("125/gm", 1), ("bão", 0)):
        listed = await office.officer.get(f"{API}/bookings", params={"words": words})
        assert listed.headers["X-Total-Count"] == str(count), words
    soon = await office.officer.get(f"{API}/bookings", params={"to": made["starts_at"]})
    assert await soon.json() == []


async def test_s13_unknown_meeting_types_are_refused(office: Office) -> None:
    assert len(await (await office.host.get(f"{API}/bookings/meeting-types")).json()) >= 8
    assert (await office.register(422, meeting_type="liên hoan"))["error"]["code"] == "invalid"


async def test_capacity_says_when_it_was_never_measured(world: World) -> None:
    viewer = await world.sign_in(Role.VIEWER)
    answer = await (await viewer.get(f"{API}/bookings/capacity")).json()
    assert answer["measured"] is False
    assert answer["full"] == 0.8
    assert answer["personal_views"] == world.services.settings.conference.personal_views
