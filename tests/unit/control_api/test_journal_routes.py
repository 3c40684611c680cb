"""The journal over HTTP: reading, notes, verification, export (S25, S99, S102)."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import update

from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.bookings.registering import register
from control_api.journal.chain import digest
from tests.unit.control_api import booking_samples
from tests.unit.control_api.world import Client, World, refused

NOTE = {"text": "  Đã thay micro cầm tay tại bàn chủ tọa.  ", "site": "so-y-te"}


@pytest.fixture
async def meeting(world: World) -> str:
    """A conference in which something happened; its path."""
    operator = await world.sign_in(Role.OPERATOR)
    path = f"/api/v1/conferences/{await world.conference()}"
    await operator.post(f"{path}/sites", json={"name": "Sở Y tế", "id": "so-y-te"})
    await operator.post(f"{path}/sites", json={"name": "UBND xã Văn Môn", "id": "xa-van-mon"})
    await operator.post(f"{path}/podium", json={"site": "so-y-te"})
    await operator.post(f"{path}/podium", json={"site": None})
    return path


async def lines(client: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{path}/journal", params=query)
    assert answer.status == 200, await answer.text()
    found: list[dict[str, Any]] = (await answer.json())["lines"]
    return found


async def test_s99_what_happened_is_read_as_sentences(world: World, meeting: str) -> None:
    viewer = await world.sign_in(Role.VIEWER)
    said = [line["vi"] for line in await lines(viewer, meeting, order="oldest")]
    assert said == [
        "Lập phiên họp “Họp giao ban”",
        "Thêm điểm cầu Sở Y tế (số 1)",
        "Thêm điểm cầu UBND xã Văn Môn (số 2)",
        "Sở Y tế lên bục phát biểu",
        "Bục phát biểu để trống",
    ]
    (podium,) = await lines(viewer, meeting, what="podium,muted", site="so-y-te")
    assert (podium["actor"], podium["site_name"], podium["en"]) == ("operator", "Sở Y tế", "Sở Y tế takes the podium")
    assert datetime.fromisoformat(podium["at"]).utcoffset() == timedelta(hours=7)


async def test_s99_a_journal_is_called_by_the_conferences_title(world: World, meeting: str) -> None:
    viewer, operator = await world.sign_in(Role.VIEWER), await world.sign_in(Role.OPERATOR)
    assert (await (await viewer.get(f"{meeting}/journal")).json())["title"] == "Họp giao ban"
    assert (await operator.patch(meeting, json={"title": "Họp khẩn"})).status < 300
    assert (await (await viewer.get(f"{meeting}/journal")).json())["title"] == "Họp khẩn"
    assert (await operator.delete(meeting)).status < 300
    auditor = await world.sign_in(Role.AUDITOR)
    assert (await (await auditor.get(f"{meeting}/journal")).json())["title"] == "Họp giao ban", "as in the list"


async def test_a_journal_is_read_in_parts(world: World, meeting: str) -> None:
    viewer = await world.sign_in(Role.VIEWER)
    seen, after = [], None
    while True:
        query = {"limit": 2} | ({} if after is None else {"after": after})
        part = await (await viewer.get(f"{meeting}/journal", params=query)).json()
        seen += [line["seq"] for line in part["lines"]]
        if (after := part["next"]) is None:
            break
    assert seen == [5, 4, 3, 2, 1]
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert await lines(viewer, meeting, since=future) == []
    assert len(await lines(viewer, meeting, until=future)) == 5
    error = await refused(await viewer.get(f"{meeting}/journal", params={"since": "2026-11-23T08:00:00"}), 422)
    assert error["code"] == "invalid", "a time needs its offset"
    assert (await refused(await viewer.get("/api/v1/conferences/c-none/journal"), 404))["code"] == "unknown_conference"


async def test_s99_notes_are_written_once_and_never_changed(world: World, meeting: str) -> None:
    technician = await world.sign_in(Role.TECHNICIAN)
    key = {"Idempotency-Key": "note-0001"}
    first = await technician.post(f"{meeting}/journal/notes", json=NOTE, headers=key)
    assert first.status == 201, await first.text()
    note = await first.json()
    assert note["vi"] == "Ghi chú: Đã thay micro cầm tay tại bàn chủ tọa."
    assert (note["actor"], note["site_name"]) == ("technician", "Sở Y tế")
    for _ in range(51):  # however much is written in between
        await technician.post(f"{meeting}/journal/notes", json={"text": "Khác"})
    world.server.app[next(key for key in world.server.app if "repeats" in str(key))]._entries.clear()  # a restart
    again = await (await technician.post(f"{meeting}/journal/notes", json=NOTE, headers=key)).json()
    assert again == note
    assert len(await lines(technician, meeting, what="note", limit=100)) == 52
    assert (await technician.delete(f"{meeting}/journal/notes")).status == 405


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": " "}, "invalid"),
        ({"text": "x" * 2001}, "invalid"),
        ({"text": "x", "site": "nowhere"}, "unknown_site"),
        ({"text": "x", "happened_at": "2999-01-01T00:00:00+07:00"}, "bad_note_time"),
        ({"text": "x", "happened_at": "2020-01-01T00:00:00+07:00"}, "bad_note_time"),
    ],
)
async def test_notes_that_do_not_fit_are_refused(world: World, meeting: str, body: dict[str, Any], code: str) -> None:
    technician = await world.sign_in(Role.TECHNICIAN)
    answer = await technician.post(f"{meeting}/journal/notes", json=body)
    assert (await refused(answer, 404 if code == "unknown_site" else 422))["code"] == code


async def test_a_note_may_tell_when_it_happened(world: World, meeting: str) -> None:
    technician = await world.sign_in(Role.TECHNICIAN)
    at = datetime.fromtimestamp(world.clock.now - 600, UTC).isoformat()
    note = await (
        await technician.post(f"{meeting}/journal/notes", json={"text": "Mất điện", "happened_at": at})
    ).json()
    assert note["data"]["happened_at"] == pytest.approx(world.clock.now - 600, abs=1)


async def test_s25_only_who_may_check_writes_and_only_auditors_see_all(world: World, meeting: str) -> None:
    viewer, auditor = await world.sign_in(Role.VIEWER), await world.sign_in(Role.AUDITOR)
    await refused(await viewer.post(f"{meeting}/journal/notes", json=NOTE), 403)
    await refused(await viewer.get("/api/v1/journals"), 403)
    await refused(await viewer.get("/api/v1/journal/sites/so-y-te"), 403)
    (journal,) = await (await auditor.get("/api/v1/journals")).json()
    assert (journal["title"], journal["lines"], journal["pruned"]) == ("Họp giao ban", 5, 0)
    of_site = await (await auditor.get("/api/v1/journal/sites/so-y-te")).json()
    assert [line["what"] for line in of_site["lines"]] == ["podium", "site_added"]


async def test_s99_the_journal_outlives_its_conference(world: World, meeting: str) -> None:
    operator, auditor = await world.sign_in(Role.OPERATOR), await world.sign_in(Role.AUDITOR)
    assert (await operator.delete(meeting)).status == 204
    found = await lines(auditor, meeting)
    assert [line["what"] for line in found][:2] == ["deleted", "podium"]
    assert found[2]["vi"] == "Sở Y tế lên bục phát biểu", "names come from the journal itself"
    verdict = await (await auditor.get(f"{meeting}/journal/verification")).json()
    assert (verdict["whole"], verdict["lines"], verdict["hash"]) == (True, 6, found[0]["hash"])


async def test_s102_the_export_can_be_checked_elsewhere(world: World, meeting: str) -> None:
    viewer = await world.sign_in(Role.VIEWER)
    answer = await viewer.get(f"{meeting}/journal/export")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert "nhat-ky-c-" in answer.headers["Content-Disposition"]
    top, *exported = [json.loads(line) for line in (await answer.text()).splitlines()]
    previous = "0" * 64
    for line in exported:
        own = digest(
            line["conference"],
            line["seq"],
            previous,
            line["at"],
            line["what"],
            line["actor"],
            line["site"],
            line["data"],
        )
        assert own == line["hash"]
        assert line["previous"] == previous
        previous = own
    assert (top["head"]["seq"], top["head"]["hash"]) == (5, previous)


async def test_s102_offices_read_it_in_a_spreadsheet(world: World, meeting: str) -> None:
    technician = await world.sign_in(Role.TECHNICIAN)
    await technician.post(f"{meeting}/journal/notes", json={"text": "=HYPERLINK(1)"})
    raw = await (await technician.get(f"{meeting}/journal/export", params={"format": "csv"})).read()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert rows[0][4] == "Nội dung"
    assert [row[4] for row in rows[1:3]] == ["Lập phiên họp “Họp giao ban”", "Thêm điểm cầu Sở Y tế (số 1)"]
    raw = await (await technician.get(f"{meeting}/journal/export", params={"format": "xlsx"})).read()
    sheet = openpyxl.load_workbook(io.BytesIO(raw)).active
    assert sheet is not None
    cells = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    assert cells[0][2] == "Điểm cầu"
    assert cells[4][2:5] == ["Sở Y tế", "operator", "Sở Y tế lên bục phát biểu"]
    assert cells[-1][4] == "Ghi chú: =HYPERLINK(1)"


async def test_s25_agencies_read_the_journals_of_their_own_meetings(world: World) -> None:
    services = world.services
    await booking_samples.add_directory(services.database, sites=3)
    form = booking_samples.parsed(services.now())
    await register(services.booking_desk, booking_samples.host_user(), form, booking_samples.BOOKING)
    path = f"/api/v1/conferences/c{booking_samples.BOOKING[1:]}"
    host, auditor = await world.sign_in(Role.HOST), await world.sign_in(Role.AUDITOR)
    technician = await world.sign_in(Role.TECHNICIAN)
    assert [line["what"] for line in await lines(host, path)] == ["booking_step"], "of a meeting that is not live yet"
    assert await lines(auditor, path)
    for organisation, allowed in (("xa-van-mon", True), ("xa-2", False)):
        async with services.database.writing() as session:
            of_agency = update(User).where(User.username == "technician").values(organisation_id=organisation)
            await session.execute(of_agency)
        answer = await technician.get(f"{path}/journal")
        assert answer.status == (200 if allowed else 403)
        written = await technician.post(f"{path}/journal/notes", json={"text": "Đã kiểm tra"})
        assert written.status == (201 if allowed else 403)
    assert (await refused(await technician.get(f"{path}/journal/export"), 403))["code"] == "not_yours"
