"""During the meeting: roll call, speaking queue, issues, cues, quality; through the routes and the sites' WebSocket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse
from sqlalchemy import select, update

from control_api.accounts.rules import Role
from control_api.directory.faults import FaultFilter
from control_api.directory.tables import Contact
from control_api.live.store import Json
from control_api.mail.tables import Letter
from control_api.meeting.boards import HOUR_BEFORE
from control_api.meeting.invitations import Invitations, Way
from control_api.meeting.issues import Report
from control_api.meeting.lobby import MOST_OF_SITE
from control_api.meeting.meeting import Meeting
from control_api.meeting.quality import MOST_ROWS
from control_api.meeting.rollcalls import Plan
from control_api.store.upgrade import upgrade
from mcu_core.commands import AddSite, MuteSite, Podium, Rehearse
from mcu_core.errors import EndpointError
from mcu_core.presence import Happening
from mcu_core.wire import LegStats
from signaling.messages import RaiseHand, ReportIssue
from tests.unit.control_api import meeting_samples
from tests.unit.control_api.world import Client, World, open_world, refused

SITES = ("so-y-te", "xa-van-mon", "xa-dong-tho")


class Room:
    """A conference with a main site and three members, and an operator's client."""

    def __init__(self, world: World, client: Client, conference: str) -> None:
        self.world, self.client, self.id = world, client, conference
        self.meeting: Meeting = world.services.meeting
        self.base = f"/api/v1/conferences/{conference}"

    @property
    def now(self) -> float:
        return self.world.clock.now

    async def post(self, path: str, body: Json | None = None, *, status: int = 200, key: str | None = None) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self.client.post(f"{self.base}{path}", json=body, headers=headers)
        assert answer.status == status, await answer.text()
        return await answer.json()

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"{self.base}{path}")
        assert answer.status == 200, await answer.text()
        return await answer.json()

    def state(self) -> Json:
        return self.world.services.live.state(self.id)

    def connect(self, *sites: str) -> None:
        """Their media flows."""
        presence = self.world.services.live._rooms[self.id].presence  # type: ignore[attr-defined]
        for site in sites:
            presence.tell(site, Happening.CONNECTED)
        self.world.services.live._rooms[self.id].changed()  # type: ignore[attr-defined]

    def lose(self, site: str) -> None:
        room = self.world.services.live._rooms[self.id]  # type: ignore[attr-defined]
        room.presence.tell(site, Happening.LOST)
        room.changed()

    def measure(self, site: str, **figures: Any) -> None:
        room = self.world.services.live._rooms[self.id]  # type: ignore[attr-defined]
        room._quality.measured(site, LegStats(f"leg-{site}", **figures))

    async def journal(self, what: str) -> list[Any]:
        return [row for row in await self.world.services.conferences.journal(self.id) if row.what == what]

    async def sit(self, site: str) -> ClientWebSocketResponse:
        """The site's page: welcomed, and what came with it read."""
        token = await self.world.services.live.issue_link(self.id, site, actor=None)
        socket = await self.client.ws_connect("/ws/v1/endpoint")
        await socket.send_json({"type": "hello", "version": 1, "token": token, "client": "test/1", "language": "vi"})
        assert (await told(socket, "welcome"))["site"]["id"] == site
        return socket


async def told(socket: ClientWebSocketResponse, kind: str) -> Json:
    """The next message of a kind."""
    while True:
        message: Json = await socket.receive_json(timeout=5)
        if message["type"] == kind:
            return message


@pytest.fixture
async def room(world: World) -> Room:
    return await furnished(world)


@pytest.fixture
async def either_room(either_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    """The same on SQLite and on PostgreSQL."""
    await upgrade(either_url)
    async with open_world(either_url, tmp_path) as world:
        yield await furnished(world)


async def furnished(world: World) -> Room:
    client = await world.sign_in(Role.OFFICER)
    conference = await world.conference()
    live = world.services.live
    live._synced.set()  # type: ignore[attr-defined]  # no relay will tell of its legs
    await live.command(conference, AddSite("UBND tỉnh", "main", "tinh"), actor=None)
    for site, name in zip(SITES, ("Sở Y tế", "Xã Văn Môn", "Xã Đông Thọ"), strict=True):
        await live.command(conference, AddSite(name, site=site), actor=None)
    return Room(world, client, conference)


# ---------------------------------------------------------------------------------------------------- roll call


async def test_s87_roll_call_puts_each_site_on_the_podium_and_brings_the_scene_back(room: Room) -> None:
    live = room.world.services.live
    await live.command(room.id, MuteSite("xa-van-mon", True), actor="an")
    await live.command(room.id, Podium("tinh"), actor="an")
    room.connect("so-y-te", "xa-dong-tho")
    before = room.state()
    begun = await room.post("/roll-calls", {"order": "alphabet"}, status=201)
    assert [site["site"] for site in begun["sites"]] == ["so-y-te", "xa-dong-tho", "xa-van-mon"]
    assert (begun["site"], begun["due_at"] - begun["called_at"]) == ("so-y-te", 15.0)
    muted = {site["id"]: site["muted"] for site in room.state()["sites"]}
    assert muted == {"tinh": False, "so-y-te": False, "xa-van-mon": True, "xa-dong-tho": True}
    path = f"/roll-calls/{begun['id']}"
    marked = await room.client.put(f"{room.base}{path}/sites/so-y-te", json={"result": "present"})
    assert (await marked.json())["site"] == "xa-dong-tho"
    assert room.state()["podium"] == "xa-dong-tho"
    marked = await room.client.put(f"{room.base}{path}/sites/xa-dong-tho", json={"result": "poor", "remark": "Rè"})
    over = await marked.json()
    assert over["state"] == "finished"  # the last one is not connected: absent at once
    assert {site["site"]: site["result"] for site in over["sites"]} == {
        "so-y-te": "present", "xa-dong-tho": "poor", "xa-van-mon": "absent",
    }  # fmt: skip
    after = room.state()
    for key in ("podium", "views", "next"):
        assert after[key] == before[key]
    assert [s["muted_by"] for s in after["sites"]] == [s["muted_by"] for s in before["sites"]]
    results = await room.journal("roll_call_result")
    assert [(row.site, row.data["result"], row.actor) for row in results] == [
        ("so-y-te", "present", "officer"), ("xa-dong-tho", "poor", "officer"), ("xa-van-mon", "absent", None),
    ]  # fmt: skip
    (ended,) = await room.journal("roll_call_ended")
    assert (ended.data["present"], ended.data["absent"], ended.data["poor"]) == (1, 1, 1)
    corrected = await room.client.put(f"{room.base}{path}/sites/xa-van-mon", json={"result": "present"})
    assert (await corrected.json())["counts"]["present"] == 2


async def test_a_layout_drawn_anew_during_a_roll_call_comes_back_as_it_is_now(room: Room) -> None:
    drawing = {"title_vi": "Rộng", "cells": [{"x": 0.0, "y": 0.25, "w": 1.0, "h": 0.5}]}
    assert (await room.client.post("/api/v1/layouts", json={"name": "rong", **drawing})).status == 201
    await room.client.put(f"{room.base}/views/programme/layout", json={"layout": "rong"})
    begun = await room.post("/roll-calls", {"skip_absent": False}, status=201)
    drawing["cells"] = [{"x": 0.0, "y": 0.0, "w": 0.5, "h": 1.0}]
    assert (await room.client.put("/api/v1/layouts/rong", json=drawing)).status == 200
    await room.post(f"/roll-calls/{begun['id']}/step", {"action": "finish", "step": begun["step"]})
    assert [cell["w"] for cell in room.state()["views"]["programme"]["cells"]] == [0.5]


async def test_roll_call_goes_on_after_a_restart_of_control(room: Room) -> None:
    """S87: another process finds the state in the database, shows the site again and gives it its whole time."""
    begun = await room.post("/roll-calls", {"skip_absent": False, "seconds": 20}, status=201)
    room.world.clock.now += 300.0  # control was away; the operator's console, too
    live = room.world.services.live
    await live.command(room.id, Podium(None), actor="an")
    again = Meeting(room.world.services.database, live, room.world.clock)
    await again.roll_calls.tick(room.now)
    found = (await room.get("/roll-call"))["roll_call"]
    assert (found["id"], found["site"], found["state"]) == (begun["id"], "so-y-te", "running")
    assert found["due_at"] - room.now == pytest.approx(20.0)
    room.world.clock.now += 20.0
    await again.roll_calls.tick(room.now)
    found = (await room.get("/roll-call"))["roll_call"]
    assert (found["site"], found["sites"][0]["result"], found["sites"][0]["by"]) == ("xa-van-mon", "no_answer", None)
    assert room.state()["podium"] == "xa-van-mon"


async def test_a_roll_call_that_was_ending_when_control_died_is_ended(room: Room) -> None:
    begun = await room.post("/roll-calls", {"skip_absent": False}, status=201)
    calls = room.meeting.roll_calls
    stored = await calls.get(room.id, begun["id"])
    async with room.world.services.database.writing() as session:
        row = await session.merge(stored.row)
        row.state = "finishing"
    again = Meeting(room.world.services.database, room.world.services.live, room.world.clock)
    await again.roll_calls.recover(room.now)
    found = (await room.get("/roll-call"))["roll_call"]
    assert (found["state"], room.state()["podium"]) == ("finished", None)
    await room.post("/roll-calls", {"skip_absent": False}, status=201)


async def test_keys_of_the_roll_call(room: Room) -> None:
    begun = await room.post("/roll-calls", {"skip_absent": False}, status=201)
    path = f"/roll-calls/{begun['id']}/step"

    async def press(action: str, now: Json, status: int = 200) -> Any:
        return await room.post(path, {"action": action, "step": now["step"]}, status=status)

    now = await press("skip", begun)
    assert (now["site"], now["sites"][0]["result"]) == ("xa-van-mon", "skipped")
    error = await press("skip", begun, 409)  # the same key again: nothing is done twice
    assert error["error"]["code"] == "roll_call_moved"
    now = await press("back", now)
    assert now["site"] == "so-y-te"
    assert (await press("back", now, 422))["error"]["code"] == "bad_roll_call_action"
    now = await press("pause", now)
    assert (now["state"], now["due_at"]) == ("paused", None)
    room.world.clock.now += 100.0
    await room.meeting.roll_calls.tick(room.now)
    now = await press("resume", now)
    assert now["due_at"] - now["now"] == pytest.approx(15.0)
    now = await press("repeat", now)
    error = await refused(await room.client.post(f"{room.base}/roll-calls", json={}), 409)
    assert error["code"] == "roll_call_goes_on"
    now = await press("abort", now)
    assert (now["state"], room.state()["podium"]) == ("aborted", None)
    assert (await press("skip", now, 409))["error"]["code"] == "roll_call_over"
    assert len(await room.journal("roll_call_aborted")) == 1


async def test_beginning_a_roll_call_twice_under_one_key_begins_it_once(room: Room) -> None:
    """Also by a process that was started again and knows the key no more."""
    live = room.world.services.live
    await live.create_conference("Họp khác", actor=None, conference_id="c-2")
    await live.command("c-2", AddSite("Sở Y tế", site="so-y-te"), actor=None)
    first = await room.post("/roll-calls", {"skip_absent": False}, status=201, key="key-000001")
    second = await room.post("/roll-calls", {"skip_absent": False}, status=201, key="key-000001")
    assert first["id"] == second["id"]
    calls, plan = room.meeting.roll_calls, Plan(skip_absent=False)
    again = [(await calls.begin("c-2", plan, (), by="an", at=room.now, command_id="an/k#1")).row.id for _ in range(2)]
    assert again[0] == again[1]
    listed = await room.get("/roll-calls")
    assert [one["id"] for one in listed] == [first["id"]]


async def test_a_roll_call_of_a_removed_conference_ends_by_itself(room: Room) -> None:
    begun = await room.post("/roll-calls", {"skip_absent": False}, status=201)
    await room.world.services.live.delete_conference(room.id, actor="an")
    await room.meeting.roll_calls.recover(room.now)
    await room.meeting.roll_calls.tick(room.now + 60.0)
    assert (await room.meeting.roll_calls.get(room.id, begun["id"])).row.state == "aborted"


async def test_only_named_sites_are_called_and_strangers_refused(room: Room) -> None:
    error = await refused(await room.client.post(f"{room.base}/roll-calls", json={"sites": ["xa-la"]}), 422)
    assert error["code"] == "bad_sites"
    plan = {"sites": ["xa-dong-tho", "so-y-te"], "order": "given", "skip_absent": False}
    begun = await room.post("/roll-calls", plan, status=201)
    assert [site["site"] for site in begun["sites"]] == ["xa-dong-tho", "so-y-te"]


async def test_s91_time_from_the_call_to_the_picture_is_kept(room: Room) -> None:
    begun = await room.post("/roll-calls", {"skip_absent": False}, status=201)
    room.meeting.desk.on_air(room.id, "Podium", "so-y-te", 0.31)
    room.meeting.desk.on_air(room.id, "SetLayout", None, 0.2)
    await room.meeting.desk.catch_up()
    found = await room.get(f"/roll-calls/{begun['id']}")
    assert [site["on_air_ms"] for site in found["sites"]] == [310, None, None]


async def test_s87_board_an_hour_before_says_who_is_present_absent_or_failed(room: Room) -> None:
    room.connect("tinh", "so-y-te", "xa-van-mon")
    room.measure("so-y-te", lost_fraction=0.2)
    room.measure("xa-van-mon", lost_fraction=0.0)
    await room.meeting.boards.keep(room.id, HOUR_BEFORE, by=None, at=room.now)
    await room.meeting.boards.keep(room.id, HOUR_BEFORE, by=None, at=room.now + 5)  # once
    board = await room.get("/board")
    assert {site["site"]: site["presence"] for site in board["sites"]} == {
        "tinh": "present", "so-y-te": "failed", "xa-van-mon": "present", "xa-dong-tho": "absent",
    }  # fmt: skip
    (kept,) = board["kept"]
    assert (kept["kind"], kept["at"]) == (HOUR_BEFORE, room.now)
    assert len(await room.journal("alarm_sites_missing")) == 1
    (entry,) = await room.journal("board_kept")
    assert entry.data == {"kind": HOUR_BEFORE, "present": 2, "absent": 1, "failed": 1}


async def test_s87_the_board_is_written_an_hour_before_a_booked_meeting(room: Room) -> None:
    async def booked(conference: str) -> tuple[float, float] | None:
        return (start - 3600.0, start) if conference == room.id else None

    start = room.now + 7200.0
    meeting = Meeting(room.world.services.database, room.world.services.live, room.world.clock, booked=booked)
    for at in (room.now, start - 3600.0, start - 3590.0):
        await meeting.keep_boards(at)
    (kept,) = await meeting.boards.kept(room.id)
    assert (kept.kind, kept.at) == (HOUR_BEFORE, start - 3600.0)


# ---------------------------------------------------------------------------------------------- calling and contacts


async def test_s83_absent_sites_are_called_and_again_until_they_come(room: Room) -> None:
    rung: list[tuple[str, ...]] = []

    async def ring(conference: str, sites: Sequence[str]) -> dict[str, Way]:
        rung.append(tuple(sites))
        return {site: "notice" for site in sites if site != "xa-dong-tho"}  # that one has no address

    invitations = Invitations(room.world.services.database, room.world.services.live, ring)
    room.connect("tinh")
    called = {one.site: one for one in await invitations.call(room.id, None, by="an", at=1000.0)}
    assert (called["tinh"].progress, called["so-y-te"].progress) == ("connected", "called")
    assert (called["so-y-te"].next_at, called["xa-dong-tho"].way, called["xa-dong-tho"].next_at) == (
        1120.0, "phone", None,
    )  # fmt: skip
    room.connect("so-y-te")
    assert await invitations.again(1100.0) == 0
    assert await invitations.again(1120.0) == 2
    assert await invitations.again(1130.0) == 0
    assert rung == [("so-y-te", "xa-van-mon", "xa-dong-tho"), ("xa-van-mon",)]
    assert await invitations.again(1360.0) == 1
    last = {one.site: one.progress for one in await invitations.all(room.id)}
    assert last == {
        "tinh": "connected", "so-y-te": "connected", "xa-van-mon": "given_up", "xa-dong-tho": "called",
    }  # fmt: skip
    assert len(await room.journal("sites_called")) == 3
    by_phone = await room.post("/invitations", {"sites": ["xa-dong-tho"]})
    assert {one["site"]: one["way"] for one in by_phone}["xa-dong-tho"] == "phone"


async def test_s83_an_open_page_is_rung_and_others_get_their_link_by_mail(room: Room) -> None:
    await meeting_samples.add_directory(room.world.services, "so-y-te")
    async with room.world.services.database.writing() as session:
        await session.execute(update(Contact).values(email="ky-thuat@syt.vn", role="technical", site_id="so-y-te"))
    first = await room.world.services.live.issue_link(room.id, "so-y-te", actor=None)
    waits = await room.client.ws_connect("/ws/v1/lobby")
    link = await room.world.services.live.issue_link(room.id, "xa-van-mon", actor=None)
    await waits.send_json({"type": "wait", "token": link})
    assert await waits.receive_json(timeout=5) == {"type": "waiting"}
    called = {one["site"]: one for one in await room.post("/invitations", {})}
    ring = await waits.receive_json(timeout=5)
    assert ring["type"] == "ring"
    assert "đang chờ" in ring["vi"]
    assert "waiting" in ring["en"]
    ways = {site: one["way"] for site, one in called.items()}
    assert ways == {"tinh": "phone", "so-y-te": "notice", "xa-van-mon": "page", "xa-dong-tho": "phone"}
    async with room.world.services.database.reading() as session:
        (letter,) = await session.scalars(select(Letter))
    assert (letter.recipient, letter.site_id, letter.state) == ("ky-thuat@syt.vn", "so-y-te", "queued")
    token = letter.body.split("/join/")[1].split()[0]
    for good in (token, first):  # the link it was announced with still works
        seat = await room.world.services.conferences.seat_for_token(good)
        assert seat is not None
        assert seat.expires_at is None
    await waits.close()


async def test_s83_only_a_good_link_waits_in_the_lobby(room: Room) -> None:
    wrong: tuple[Any, ...] = ({"type": "wait", "token": "x" * 32}, {"type": "wait", "token": 5}, {"type": "hello"}, [])
    for first in wrong:
        socket = await room.client.ws_connect("/ws/v1/lobby")
        await socket.send_json(first)
        await socket.receive(timeout=5)
        assert socket.close_code == 4401
    link = await room.world.services.live.issue_link(room.id, "so-y-te", actor=None)
    pages = []
    for _ in range(MOST_OF_SITE + 1):
        page = await room.client.ws_connect("/ws/v1/lobby")
        await page.send_json({"type": "wait", "token": link})
        await page.receive_json(timeout=5)
        pages.append(page)
    await pages[0].receive(timeout=5)
    assert pages[0].closed, "a new page takes the place of the oldest"
    assert room.world.services.lobby.waiting(room.id) == {"so-y-te"}
    for page in pages:
        await page.close()
    async with asyncio.timeout(5):
        while room.world.services.lobby.waiting(room.id):
            await asyncio.sleep(0.01)


async def test_s44_the_contact_card_of_a_site(room: Room) -> None:
    card = await room.get("/sites/so-y-te/contact")
    assert (card["name"], card["contacts"]) == ("Sở Y tế", [])  # not in the directory
    await refused(await room.client.get(f"{room.base}/sites/x/contact"), 404)
    await meeting_samples.add_directory(room.world.services, "so-y-te")
    card = await room.get("/sites/so-y-te/contact")
    assert (card["organisation"], card["line_code"], card["reserve_line"]) == ("Sở Y tế", "BNH-12", "4G")
    (contact,) = card["contacts"]
    assert (contact["position"], contact["phone"]) == ("Chuyên viên", "0222 3 123 456")


async def test_the_roll_is_called_in_the_order_of_the_script(room: Room) -> None:
    scenes = [
        {"title": "Xã Đông Thọ báo cáo", "podium": "xa-dong-tho"},
        {"title": "Thảo luận", "heard": ["xa-van-mon"], "audio": "podium"},
    ]
    saved = await room.client.put(f"{room.base}/script", json={"revision": 0, "scenes": scenes})
    assert saved.status == 200, await saved.text()
    begun = await room.post("/roll-calls", {"order": "script", "skip_absent": False}, status=201)
    assert [site["site"] for site in begun["sites"]] == ["xa-dong-tho", "xa-van-mon", "so-y-te"]


# ------------------------------------------------------------------------------------------------ speaking queue


async def test_s08_a_site_raises_its_hand_speaks_and_is_done(room: Room) -> None:
    sockets = {site: await room.sit(site) for site in SITES[:2]}
    for place, (site, socket) in enumerate(sockets.items(), start=1):
        await socket.send_json({"type": "raise_hand"})
        hand = await told(socket, "hand")
        assert (hand["raised"], hand["position"]) == (True, place), site
        room.world.clock.now += 3.0
    queue = await room.get("/floor")
    assert [(one["site"], one["raised_by"]) for one in queue] == [("so-y-te", None), ("xa-van-mon", None)]
    moved = await room.client.put(f"{room.base}/floor/{queue[1]['id']}/position", json={"position": 1})
    assert [one["site"] for one in await moved.json()] == ["xa-van-mon", "so-y-te"]
    await room.post(f"/floor/{queue[1]['id']}/next")
    assert (await told(sockets["xa-van-mon"], "tally"))["next"]
    given = await room.post(f"/floor/{queue[1]['id']}/give")
    assert (given["state"], room.state()["podium"]) == ("speaking", "xa-van-mon")
    assert not (await told(sockets["xa-van-mon"], "hand"))["raised"]
    await room.post(f"/floor/{queue[0]['id']}/give")
    history = await room.get("/floor/history")
    assert {one["site"]: one["state"] for one in history} == {"xa-van-mon": "done", "so-y-te": "speaking"}
    assert (await room.client.delete(f"{room.base}/floor/{queue[0]['id']}")).status == 204
    assert room.state()["podium"] is None
    assert await room.get("/floor") == []
    error = await room.post(f"/floor/{queue[0]['id']}/give", status=409)
    assert error["error"]["code"] == "request_over"
    assert [row.site for row in await room.journal("hand_raised")] == ["so-y-te", "xa-van-mon"]


async def test_s91_time_from_asking_to_on_air_is_journalled_however_the_floor_was_given(room: Room) -> None:
    await room.meeting.floor.raise_hand(room.id, "so-y-te", by=None, at=room.now - 30.0)
    await room.post("/podium", {"site": "so-y-te"})  # by the ordinary key, not from the queue
    room.meeting.desk.on_air(room.id, "Podium", "so-y-te", 0.4)
    await room.meeting.desk.catch_up()
    (queue,) = await room.get("/floor")
    assert (queue["state"], queue["on_air_ms"]) == ("speaking", 400)
    (entry,) = await room.journal("floor_on_air")
    assert entry.data["since_asked_s"] == pytest.approx(30.0, abs=0.5)


async def test_hands_are_limited_and_monitors_have_none(room: Room) -> None:
    desk = room.meeting.desk
    await desk.asked(room.id, "so-y-te", RaiseHand())
    with pytest.raises(EndpointError, match="too_often"):
        await desk.asked(room.id, "so-y-te", RaiseHand())
    room.world.clock.now += 2.0
    await desk.asked(room.id, "so-y-te", RaiseHand())  # again changes nothing
    assert len(await room.get("/floor")) == 1
    await room.post("/floor", {"site": "so-y-te"}, status=201)
    assert len(await room.get("/floor/history")) == 1


async def test_whoever_loses_the_podium_has_spoken(room: Room) -> None:
    request = await room.post("/floor", {"site": "so-y-te"}, status=201)
    await room.post(f"/floor/{request['id']}/give")
    await room.meeting.floor.settle(room.now + 3.0)
    assert [one["state"] for one in await room.get("/floor")] == ["speaking"]
    await room.post("/podium", {"site": "xa-van-mon"})  # by the ordinary key
    await room.meeting.floor.settle(room.now + 1.0)
    assert len(await room.get("/floor")) == 1  # the podium may still follow
    await room.meeting.floor.settle(room.now + 3.0)
    assert await room.get("/floor") == []
    assert room.state()["podium"] == "xa-van-mon"


async def test_queue_and_reports_are_bounded(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control_api.meeting.floor.MOST", 1)
    monkeypatch.setattr("control_api.meeting.issues.MOST_OPEN", 1)
    desk = room.meeting.desk
    await desk.asked(room.id, "so-y-te", RaiseHand())
    with pytest.raises(EndpointError, match="queue_full"):
        await desk.asked(room.id, "xa-van-mon", RaiseHand())
    await desk.asked(room.id, "so-y-te", ReportIssue(category="sound"))
    room.world.clock.now += 20.0
    with pytest.raises(EndpointError, match="queue_full"):
        await desk.asked(room.id, "so-y-te", ReportIssue(category="sound"))
    await desk.asked(room.id, "xa-van-mon", ReportIssue(category="sound"))


async def test_a_page_that_comes_back_is_told_of_its_hand_cue_and_report(room: Room) -> None:
    await room.meeting.floor.raise_hand(room.id, "so-y-te", by=None, at=room.now)
    await room.post("/cues", {"kind": "check", "sites": ["so-y-te"]}, status=201)
    await room.meeting.desk.asked(room.id, "so-y-te", ReportIssue(category="sound"))
    socket = await room.sit("so-y-te")
    await room.meeting.desk.catch_up()
    assert (await told(socket, "hand"))["position"] == 1
    cue = await told(socket, "cue")
    assert (cue["kind"], cue["confirm"]) == ("check", True)
    assert (await told(socket, "issue"))["state"] == "open"


# ------------------------------------------------------------------------------------------------ issues and cues


async def test_s98_a_report_of_a_site_carries_its_figures_and_comes_back_when_solved(room: Room) -> None:
    socket = await room.sit("so-y-te")
    room.connect("so-y-te")
    room.measure("so-y-te", lost_fraction=0.07, rtt_ms=88.0)
    await socket.send_json({"type": "report_issue", "category": "sound", "text": "  Tiếng bi\u0323 rè "})
    assert (await told(socket, "issue"))["state"] == "open"
    (issue,) = await room.get("/issues?state=open")
    assert (issue["source"], issue["text"], issue["figures"]["grade"]) == ("site", "Tiếng bị rè", "bad")
    assert issue["figures"]["lost_fraction"] == 0.07
    for state in ("taken", "solved"):
        change = {"state": state, "remark": "Đã đổi micro"}
        changed = await room.client.patch(f"{room.base}/issues/{issue['id']}", json=change)
        assert (await changed.json())[f"{state}_by"] == "officer"
        assert (await told(socket, "issue")) == {
            "type": "issue", "id": issue["id"], "state": state, "remark": "Đã đổi micro",
        }  # fmt: skip
    assert await room.get("/issues?state=open") == []
    (alarm,) = await room.journal("alarm_site_issue")
    assert alarm.site == "so-y-te"
    await socket.send_json({"type": "report_issue", "category": "line"})
    assert (await told(socket, "error"))["code"] == "too_often"


async def test_s90_the_operators_quick_issue_and_s49_the_time_line(room: Room) -> None:
    await room.post("/issues", {"category": "room", "text": "Mất điện hội trường"}, status=201)
    room.world.clock.now += 1.0
    await room.post("/sites/so-y-te/reserve-line", {"text": "Chuyển 4G"}, status=201)
    incidents = await room.get("/incidents")
    assert [(one["what"], one["kind"], one["by"]) for one in incidents] == [
        ("line", "reserve", "officer"), ("issue", "room", "officer"),
    ]  # fmt: skip
    error = await refused(await room.client.post(f"{room.base}/issues", json={"category": "line", "site": "x"}), 404)
    assert error["code"] == "unknown_site"
    await refused(await room.client.patch(f"{room.base}/issues/i-none", json={}), 404)
    await refused(await room.client.post(f"{room.base}/issues", json={"category": "line", "text": "a\0b"}), 422)


async def test_s48_an_issue_becomes_a_fault_of_the_register_once(room: Room) -> None:
    await meeting_samples.add_directory(room.world.services, "so-y-te")
    issue = await room.post("/issues", {"site": "so-y-te", "category": "line", "text": "Chập chờn"}, status=201)
    first = await room.post(f"/issues/{issue['id']}/fault")
    again = await room.post(f"/issues/{issue['id']}/fault")
    assert first["fault"] == again["fault"]
    fault = await room.world.services.registry.faults.get(first["fault"])
    assert (fault.site_id, fault.kind, fault.conference_id) == ("so-y-te", "line", room.id)
    of_all = await room.post("/issues", {"category": "room"}, status=201)
    assert (await room.post(f"/issues/{of_all['id']}/fault", status=422))["error"]["code"] == "bad_issue"


async def test_s56_what_a_site_told_and_nobody_solved_becomes_a_fault_at_the_end(room: Room) -> None:
    await meeting_samples.add_directory(room.world.services, "so-y-te")
    issues, ids = room.meeting.issues, []
    reports = (
        Report("so-y-te", "site", "line", "Chập chờn"),
        Report("so-y-te", "site", "sound", "Rè"),
        Report("so-y-te", "operator", "picture", "Mờ"),
        Report("xa-van-mon", "site", "line", "Chập chờn"),  # the directory does not know it
    )
    for report in reports:
        row = await issues.report(room.id, report, by=None, at=room.now)
        ids.append(row.id)
    await room.client.patch(f"{room.base}/issues/{ids[1]}", json={"state": "solved"})
    for _ in range(2):  # closed out twice: one fault all the same
        answer = await room.client.post(f"{room.base}/close-out", json={"remark": "Đã tắt"})
        assert answer.status == 200, await answer.text()
    found, total = await room.world.services.registry.faults.find(FaultFilter())
    assert (total, found[0].kind, found[0].conference_id) == (1, "line", room.id)
    told = {one["id"]: one["fault"] for one in await room.get("/issues")}
    assert [told[issue] for issue in ids] == [found[0].id, None, None, None]


async def test_s48_a_remark_on_a_connection_is_kept_and_replaced(room: Room) -> None:
    path = f"{room.base}/sites/so-y-te/remark"
    for score in (2, 4):
        answer = await room.client.put(path, json={"remark": "Hình giật lúc đầu", "score": score})
        assert answer.status == 200
    (remark,) = await room.get("/remarks")
    assert (remark["score"], remark["by"]) == (4, "officer")
    assert len(await room.journal("site_remark")) == 2
    await refused(await room.client.put(path, json={"remark": ""}), 422)


async def test_s86_sites_are_asked_to_check_and_say_that_they_did(room: Room) -> None:
    socket = await room.sit("so-y-te")
    (sent,) = await room.post("/cues", {"kind": "check"}, status=201)  # everybody who is there
    assert (sent["site"], sent["reached"]) == ("so-y-te", True)
    cue = await told(socket, "cue")
    assert "kiểm tra lại hình và tiếng" in cue["vi"]
    await socket.send_json({"type": "cue_seen", "cue": cue["id"], "ok": False})
    for _ in range(100):
        (answered,) = await room.get("/cues")
        if answered["seen_at"] is not None:
            break
        await asyncio.sleep(0.01)
    assert answered["ok"] is False
    (entry,) = await room.journal("cue_answered")
    assert entry.data["ok"] is False
    sent = await room.post("/cues", {"kind": "message", "sites": ["xa-van-mon"], "text": "Xin chờ"}, status=201)
    assert (sent[0]["reached"], sent[0]["vi"], sent[0]["confirm"]) == (False, "Xin chờ", False)


# --------------------------------------------------------------------------------------------- who may do what


async def test_s05_s07_s08_the_main_site_is_one_and_members_only_ask(room: Room) -> None:
    """A room has one main site; a member's page can ask for the floor, and has no command over the room at all."""
    error = await refused(await room.client.post(f"{room.base}/sites", json={"name": "Khác", "role": "main"}), 409)
    assert error["code"] == "main_site_exists"
    roles = [site["role"] for site in room.state()["sites"]]
    assert roles == ["main", "member", "member", "member"]
    socket = await room.sit("so-y-te")
    for order in ({"type": "view", "view": "wall"}, {"type": "podium", "site": "so-y-te"}, {"type": "mute_all"}):
        await socket.send_json(order)
        assert (await told(socket, "error"))["code"] in ("not_allowed", "bad_message")
    assert room.state()["podium"] is None
    await socket.send_json({"type": "raise_hand"})
    assert (await told(socket, "hand"))["raised"]


# ------------------------------------------------------------------------------------------------------ quality


async def test_s78_a_rehearsal_is_in_the_readings_and_in_no_sum(room: Room) -> None:
    """S78, S102: the minutes' quality is the meeting's; the carrier still sees how the lines were in the rehearsal."""
    room.connect("so-y-te", "xa-van-mon")
    room.measure("so-y-te", lost_fraction=0.2, rtt_ms=900.0)
    start = room.now - room.now % 10
    live = room.world.services.live
    await live.command(room.id, Rehearse(on=True), actor="operator")
    for step in range(3):
        room.world.clock.now = start + 10.0 * step
        await room.meeting.recorder.read(room.id, room.now)
    await live.command(room.id, Rehearse(on=False), actor="operator")
    rehearsed = {one["site"]: one for one in await room.get("/quality")}["so-y-te"]
    assert (rehearsed["score"], rehearsed["bad"], rehearsed["loss"]) == (None, 0, None)
    assert rehearsed["recent"] == ["bad"] * 3
    room.measure("so-y-te", lost_fraction=0.0, rtt_ms=20.0)
    room.world.clock.now = start + 30.0
    await room.meeting.recorder.read(room.id, room.now)
    counted = {one["site"]: one for one in await room.get("/quality")}["so-y-te"]
    assert (counted["score"], counted["good"], counted["bad"], counted["loss_most"]) == (100, 1, 0, 0.0)
    assert counted["rtt_ms"] == 20.0
    assert len(await room.get("/quality/so-y-te?points=10")) == 4


async def test_s14_every_line_is_read_each_ten_seconds_and_an_alarm_tells_of_a_bad_one(room: Room) -> None:
    room.connect("so-y-te", "xa-van-mon")
    room.measure("so-y-te", lost_fraction=0.1, rtt_ms=60.0, received_kbps=700.0, sent_kbps=1400.0)
    room.measure("xa-van-mon", rtt_ms=20.0)
    start = room.now - room.now % 10
    for step in range(6):
        room.world.clock.now = start + 10.0 * step
        if step == 4:
            room.lose("xa-van-mon")
        await room.meeting.recorder.read_all(room.now)
    await room.meeting.recorder.read_all(room.now)  # the same ten seconds: written once
    quality = {one["site"]: one for one in await room.get("/quality")}
    assert set(quality) == {"so-y-te", "xa-van-mon"}
    bad, lost = quality["so-y-te"], quality["xa-van-mon"]
    assert (bad["bad"], bad["score"], bad["grade"], bad["loss"]) == (6, 10, "bad", 0.1)
    assert lost["recent"] == ["good"] * 4 + ["lost"] * 2
    points = await room.get("/quality/so-y-te?points=10")
    assert len(points) == 6
    assert (points[0]["loss_up"], points[0]["up_kbps"], points[0]["down_kbps"]) == (0.1, 700, 1400)
    assert [row.site for row in await room.journal("alarm_line_bad")] == ["so-y-te"]
    assert [row.site for row in await room.journal("alarm_line_lost")] == ["xa-van-mon"]
    csv = await room.client.get(f"{room.base}/quality/export")
    text = (await csv.read()).decode("utf-8-sig")
    assert csv.content_type == "text/csv"
    assert len(text.splitlines()) == 13
    assert "Xã Văn Môn,Mất kết nối" in text


async def test_s60_the_carrier_sees_lines_but_no_titles(room: Room) -> None:
    room.connect("so-y-te")
    room.measure("so-y-te", rtt_ms=30.0)
    await room.meeting.recorder.read(room.id, room.now)
    await room.post("/sites/so-y-te/reserve-line", {"text": "Chuyển 4G"}, status=201)
    carrier = await room.world.sign_in(Role.CARRIER)
    seen = ""
    for path in ("/lines", "/lines/so-y-te", "/lines/so-y-te/meetings", "/line-events", "/line-report"):
        answer = await carrier.get(f"/api/v1{path}")
        assert answer.status == 200, await answer.text()
        assert await answer.json(), path
        seen += await answer.text()
    exported = await carrier.get("/api/v1/line-report/export")
    assert "Sở Y tế" in (await exported.read()).decode("utf-8-sig")
    assert "giao ban" not in seen
    assert room.id not in seen
    for path in ("/quality", "/issues", "/roll-call", "/floor"):
        await refused(await carrier.get(f"{room.base}{path}"), 403)
    (line,) = await (await carrier.get("/api/v1/lines")).json()
    assert (line["site"], line["grade"], line["figures"]["rtt_ms"]) == ("so-y-te", "good", 30.0)
    old = await carrier.get("/api/v1/lines/so-y-te?since=2020-01-01T00:00:00%2B07:00&until=2020-02-01T00:00:00%2B07:00")
    assert await old.json() == []


async def test_readings_are_pruned_by_age_and_sums_stay(room: Room) -> None:
    room.connect("so-y-te")
    room.measure("so-y-te", rtt_ms=30.0)
    for at in (room.now - 40 * 86400, room.now):
        await room.meeting.recorder.read(room.id, at)
    assert await room.meeting.recorder.prune(room.now, 30.0) == 1
    assert await room.meeting.recorder.prune(room.now, 30.0) == 0
    (kept,) = await room.meeting.history.sums(site="so-y-te")
    assert kept.good == 2
    assert MOST_ROWS > 8640  # a whole day fits


async def test_the_task_reads_lines_and_ends_timers(room: Room) -> None:
    room.connect("so-y-te", "xa-van-mon")
    room.measure("so-y-te", rtt_ms=30.0)
    begun = await room.post("/roll-calls", {}, status=201)
    room.world.clock.now += 15.0
    running = asyncio.create_task(room.meeting.run())
    deadline = time.monotonic() + 20.0
    while (await room.get("/roll-call"))["roll_call"]["position"] == 0 and time.monotonic() < deadline:
        room.world.clock.now += 15.0  # the first look gives the whole time again
        await asyncio.sleep(0.05)
    while not (lines := await room.get("/quality")) and time.monotonic() < deadline:  # read after the timers
        await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    found = await room.get(f"/roll-calls/{begun['id']}")
    assert found["sites"][0]["result"] == "no_answer"
    assert [one["site"] for one in lines] == ["so-y-te"]


async def test_a_whole_meeting_on_either_database(either_room: Room) -> None:
    room, desk = either_room, either_room.meeting.desk
    room.connect("so-y-te", "xa-van-mon")
    room.measure("so-y-te", lost_fraction=0.2, rtt_ms=30.0)
    room.measure("xa-van-mon", rtt_ms=20.0)
    start = room.now - room.now % 10
    for step in range(4):
        await room.meeting.recorder.read(room.id, start + 10.0 * step)
    await room.meeting.recorder.read(room.id, start)
    room.world.clock.now = start + 31.0
    assert [one["bad"] + one["good"] for one in await room.get("/quality")] == [4, 4]
    assert len(await room.get("/quality/so-y-te")) == 4
    lines = await room.client.get("/api/v1/lines/so-y-te")
    assert [point["grade"] for point in await lines.json()] == ["bad"] * 4
    events = await (await room.client.get("/api/v1/line-events?site=so-y-te")).json()
    assert [event["kind"] for event in events] == ["bad"]
    assert await room.meeting.recorder.prune(room.now + 86400.0 * 2, 1.0) == 4
    begun = await room.post("/roll-calls", {}, status=201)
    await room.post(f"/roll-calls/{begun['id']}/step", {"action": "finish", "step": begun["step"]})
    await desk.asked(room.id, "so-y-te", RaiseHand())
    await desk.asked(room.id, "so-y-te", ReportIssue(category="line", text="Chập chờn"))
    (request,) = await room.get("/floor")
    await room.post(f"/floor/{request['id']}/give")
    desk.on_air(room.id, "Podium", "so-y-te", 0.2)
    await desk.catch_up()
    assert (await room.get("/floor"))[0]["on_air_ms"] == 200
    await room.post("/cues", {"kind": "check"}, status=201)
    await room.post("/board", status=201)
    await room.post("/invitations", {})
    assert len(await room.get("/incidents")) == 2
    assert (await room.get("/board"))["kept"]
