"""Papers as offices get them: rendered from stored meetings and opened again."""

from __future__ import annotations

import asyncio
import io
import itertools
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from sqlalchemy import select, update

from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.checks.measured import Measured
from control_api.checks.store import NewCheck, Sheet
from control_api.checks.verdict import Verdict, judge
from control_api.directory.tables import DirectoryNotice, Organisation
from control_api.journal.rows import append
from control_api.live.store import JournalEntry
from control_api.mail.tables import Letter
from control_api.reports.paper import LOCAL
from control_api.reports.reminders import remind_once
from control_api.reports.render import Renderer
from control_api.reports.templates.build import main as build_templates
from control_api.reports.years import deadline
from mcu_core.errors import OperatorError
from tests.unit.control_api import check_samples, directory_samples, report_samples
from tests.unit.control_api.directory_samples import AGENCY
from tests.unit.control_api.report_places import words_of
from tests.unit.control_api.world import World, refused

BEGIN = datetime(2026, 11, 20, 8, 0, tzinfo=LOCAL).timestamp()
DAY = 86_400.0
API = "/api/v1"
YEARLY = f"{API}/reports/yearly/2026/organisations/{AGENCY}"
PERIOD = report_samples.PERIOD


@pytest.fixture
async def agency(world: World) -> World:
    await directory_samples.add_samples(world.services)
    await directory_samples.set_organisation(world.services, AGENCY, Role.HOST, Role.TECHNICIAN, Role.VIEWER)
    return world


async def file(world: World, path: str, role: Role = Role.OFFICER) -> bytes:
    answer = await (await world.sign_in(role)).get(f"{API}{path}")
    assert answer.status == 200, await answer.text()
    return await answer.read()


def sheets_of(book: bytes) -> dict[str, list[list[Any]]]:
    opened = openpyxl.load_workbook(io.BytesIO(book))
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in opened.worksheets}


# --------------------------------------------------------------------------------------------------------- minutes


async def test_s102_minutes_tell_attendance_quality_incidents_evaluation_and_the_journal(agency: World) -> None:
    conference = await report_samples.add_meeting(agency.services, BEGIN)
    await report_samples.add_evaluation(agency.services, conference)
    host = await agency.sign_in(Role.HOST)
    signed = await (await host.post(f"{API}/conferences/{conference}/evaluation/signature")).json()
    paper = await file(agency, f"/conferences/{conference}/minutes?format=docx", Role.HOST)
    text = words_of(paper)
    for expected in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "SỞ Y TẾ",  # class B: the host's own paper
        "Bắc Ninh, ngày 20 tháng 11 năm 2026",
        "Vận hành phiên họp trực tuyến: Hội nghị giao ban tháng 11",
        "- Thời gian kết thúc: 10 giờ 00 phút, ngày 20/11/2026 (2 giờ 00 phút)",
        "- Chủ trì: Giám đốc Sở",
        "- Số điểm cầu có mặt: 2/2",
        "Có mặt, tiếng hoặc hình chưa tốt (tiếng nhỏ)",
        "08:00:05",  # when the commune came
        "93",  # its score: 90 good, 5 fair, 3 bad, 2 lost
        "Âm thanh: Micro không có tiếng <1>",
        "đã xử lý; đã thay pin",
        "Đã thay micro cầm tay.",
        "4 – Khá",
        "Thay micro tại UBND xã Văn Môn.",
        signed["digest"],
        "đã kiểm tra, nguyên vẹn",
        "Nơi nhận:",
    ):
        assert expected in text, expected
    head = await agency.services.journals.head(conference)
    assert head is not None
    assert head.hash in text
    assert "{{" not in text
    assert "{%" not in text


async def test_s78_minutes_tell_a_rehearsal_as_a_rehearsal(agency: World) -> None:
    """S78, S102: its roll call and its speakers are nobody's attendance, its incidents are marked."""
    conference = await report_samples.add_meeting(agency.services, BEGIN)
    marks = [
        JournalEntry(BEGIN - 10, "rehearsal", "operator", None, {}),
        JournalEntry(BEGIN + 620, "rehearsal_ended", "operator", None, {}),
    ]
    async with agency.services.database.writing() as session:
        await append(session, conference, marks)
    text = words_of(await file(agency, f"/conferences/{conference}/minutes?format=docx", Role.HOST))
    assert "- Tổng duyệt kịch bản: " in text
    assert "(không tính vào thời gian dự họp)" in text
    assert "(Tổng duyệt) Âm thanh: Micro không có tiếng <1>" in text
    assert "(Tổng duyệt) Đã thay micro cầm tay." not in text  # noted after it
    assert "Không điểm danh" in text
    assert "(tiếng nhỏ)" not in text
    assert await file(agency, f"/conferences/{conference}/minutes?format=pdf", Role.HOST)


async def test_s102_same_data_give_the_same_bytes(agency: World) -> None:
    conference = await report_samples.add_meeting(agency.services, BEGIN)
    for kind in ("docx", "pdf"):
        first, second = [await file(agency, f"/conferences/{conference}/minutes?format={kind}") for _ in range(2)]
        assert first == second
    assert second.startswith(b"%PDF-1.7")
    assert b"pdfaid:part>2<" in second, "PDF/A-2"


async def test_s102_an_evaluation_is_signed_and_then_locked(agency: World) -> None:
    conference = await report_samples.add_meeting(agency.services, BEGIN)
    host, path = await agency.sign_in(Role.HOST), f"{API}/conferences/{conference}/evaluation"
    assert (await refused(await host.post(f"{path}/signature"), 409))["code"] == "evaluation_empty"
    body = {**report_samples.EVALUATION, "evaluator": "Cán bộ trực"}
    written = await (await host.put(path, json=body)).json()
    assert (written["revision"], written["score"], written["signed_at"]) == (1, 4.0, None)
    assert (await (await host.put(path, json=body)).json())["revision"] == 1, "the same once more"
    error = await refused(await host.put(path, json={**body, "remark": "Khác"}), 409)
    assert error["code"] == "report_changed", "somebody wrote meanwhile: revision 0 is old"
    signed = await (await host.post(f"{path}/signature")).json()
    head = await agency.services.journals.head(conference)
    assert head is not None
    assert (signed["signed_by"], signed["journal_seq"]) == ("host", head.seq - 1), "the signature itself came after"
    again = await (await host.post(f"{path}/signature")).json()
    assert again["digest"] == signed["digest"]
    error = await refused(await host.put(path, json={**body, "revision": 1, "remark": "Khác"}), 409)
    assert error["code"] == "evaluation_signed"
    lines = await agency.services.journals.lines(conference, order="newest", limit=2)
    assert [line.what for line in lines] == ["evaluation_signed", "evaluation_written"]


async def test_papers_are_for_who_takes_part(agency: World) -> None:
    conference = await report_samples.add_meeting(
        agency.services, BEGIN, host="so-cong-thuong", sites=(("xa-van-mon", "UBND xã Văn Môn"),)
    )
    host = await agency.sign_in(Role.HOST)
    body = report_samples.EVALUATION
    assert (await refused(await host.put(f"{API}/conferences/{conference}/evaluation", json=body), 403))["code"] == (
        "not_yours"
    )
    listed = await host.get(f"{API}/reports/meetings")
    assert (await listed.json(), listed.headers["X-Total-Count"]) == ([], "0")
    officer = await agency.sign_in(Role.OFFICER)
    (line,) = await (await officer.get(f"{API}/reports/meetings")).json()
    assert (line["conference"], line["sites"], line["evaluation"]) == (conference, 1, "none")
    unknown = await officer.get(f"{API}/conferences/c-none/minutes")
    assert (await refused(unknown, 404))["code"] == "unknown_conference"


async def test_s81_the_summary_form_has_a_line_for_every_site(agency: World) -> None:
    conference = await report_samples.add_meeting(agency.services, BEGIN)
    measured = Measured.model_validate(check_samples.GOOD)
    new = NewCheck(
        "k-1", conference, "xa-van-mon", "UBND xã Văn Môn", "browser", "technical",
        Sheet("Phó Chủ tịch UBND xã", "Cán bộ kỹ thuật", "Công chức", "0912345678", "", "Tổ kỹ thuật", True),
        measured, judge(measured, device_ready=True),
    )  # fmt: skip
    await agency.services.checks.store.add(new)
    await agency.services.checks.store.override("o-1", "k-1", Verdict.REMARKS, "Hình hơi tối", "officer")
    text = words_of(await file(agency, f"/conferences/{conference}/check-summary?format=docx"))
    for expected in (
        "BẢNG TỔNG HỢP KẾT QUẢ KIỂM TRA KỸ THUẬT",
        "2 điểm cầu; đạt 0, đạt có lưu ý 1, không đạt 0, chưa kiểm tra 1",
        "Cán bộ kỹ thuật, Công chức, 0912345678",
        "Phó Chủ tịch UBND xã",
        "Đạt: mất gói 0,1%, rung 3 ms, trễ 12 ms",
        "Sở kết luận lại (officer): Đạt, có lưu ý, Hình hơi tối",
        "Tổ kỹ thuật,",
        "Chưa kiểm tra",
    ):
        assert expected in text, expected
    pdf = await file(agency, f"/conferences/{conference}/check-summary?format=pdf")
    assert pdf.startswith(b"%PDF-1.7")


# ---------------------------------------------------------------------------------------------------------- yearly


async def test_s58_a_report_is_drafted_edited_submitted_locked_and_returned(agency: World) -> None:
    await report_samples.add_meeting(agency.services, BEGIN)
    host, officer = await agency.sign_in(Role.HOST), await agency.sign_in(Role.OFFICER)
    drafted = await (await host.get(YEARLY)).json()
    figures = {one["name"]: one["value"] for one in drafted["figures"]}
    assert (drafted["state"], figures["hosted"], figures["hours"]) == ("none", 1, 2.0)
    assert "chủ trì 1 phiên họp" in drafted["sections"]["operation"]
    assert (await refused(await host.post(f"{YEARLY}/submission"), 409))["code"] == "report_empty"
    sections = {**drafted["sections"], "difficulties": "Chưa có đường truyền dự phòng."}
    saved = await (await host.put(YEARLY, json={"sections": sections, "signer_position": "Giám đốc"})).json()
    assert (saved["state"], saved["revision"]) == ("draft", 1)
    submitted = await (await host.post(f"{YEARLY}/submission")).json()
    assert submitted["state"] == "submitted"
    change = {"revision": submitted["revision"], "sections": {}}
    assert (await refused(await host.put(YEARLY, json=change), 409))["code"] == "report_submitted"
    await report_samples.add_meeting(agency.services, BEGIN - DAY, number=2)
    after = {one["name"]: one["value"] for one in (await (await host.get(YEARLY)).json())["figures"]}
    assert after["hosted"] == 1, "what was submitted stays as it was"
    await refused(await host.post(f"{YEARLY}/return", json={"remark": "?"}), 403)
    returned = await (await officer.post(f"{YEARLY}/return", json={"remark": "Bổ sung kinh phí."})).json()
    assert (returned["state"], returned["remark"]) == ("returned", "Bổ sung kinh phí.")
    again = await (
        await host.put(YEARLY, json={"revision": returned["revision"], "sections": sections | {"plan": "Thay micro"}})
    ).json()
    assert {one["name"]: one["value"] for one in again["figures"]}["hosted"] == 2
    text = words_of(await file(agency, f"/reports/yearly/2026/organisations/{AGENCY}/document?format=docx", Role.HOST))
    assert "Chưa có đường truyền dự phòng." in text
    assert "II. CÔNG TÁC QUẢN LÝ HỆ THỐNG, BỐ TRÍ NHÂN SỰ" in text


async def test_s58_the_roll_up_lists_who_reported_and_who_did_not(agency: World) -> None:
    agency.clock.now = deadline(2026) + DAY
    officer = await agency.sign_in(Role.OFFICER)
    before = await (await officer.get(f"{API}/reports/yearly/2026?missing=true")).json()
    assert [(one["organisation"], one["standing"]) for one in before] == [(AGENCY, "missing")]
    book = sheets_of(await file(agency, "/reports/yearly/2026/rollup?format=xlsx"))
    assert [row[1] for row in book["Chưa gửi"][3:]] == ["Sở Y tế"]
    await report_samples.add_yearly(agency.services, "submitted")
    (line,) = await (await officer.get(f"{API}/reports/yearly/2026")).json()
    assert line["standing"] == "late", "it came a day after the deadline"
    book = sheets_of(await file(agency, "/reports/yearly/2026/rollup?format=xlsx"))
    assert book["Số liệu"][3][1:4] == ["Sở Y tế", "đã gửi", "muộn"]
    assert book["Số liệu"][4][1] == "Cộng"
    assert "Chưa có đường truyền dự phòng." in book["Nội dung"][3]
    assert book["Chưa gửi"][3:] == []
    text = words_of(await file(agency, "/reports/yearly/2026/rollup?format=docx"))
    assert "Sở Y tế: Chưa có đường truyền dự phòng." in text
    assert "0 gửi đúng hạn, 1 gửi muộn, 0 chưa gửi" in text
    await refused(await (await agency.sign_in(Role.HOST)).get(f"{API}/reports/yearly/2026/rollup"), 403)


async def test_s58_reminders_are_sent_once_and_the_missing_are_told_to_the_so(agency: World) -> None:
    async def notices() -> list[tuple[str, str | None]]:
        async with agency.services.database.reading() as session:
            kinds = DirectoryNotice.kind.like("yearly%")
            rows = await session.scalars(select(DirectoryNotice).where(kinds).order_by(DirectoryNotice.at))
            return [(row.kind, row.to_id) for row in rows]

    async with agency.services.database.writing() as session:
        houses = update(Organisation).where(Organisation.id == AGENCY)
        await session.execute(houses.values(email="so-y-te@bacninh.gov.vn"))
        officer = update(User).where(User.username == "officer")
        await session.execute(officer.values(email="truc@bacninh.gov.vn"))
    end = deadline(2026)
    assert await remind_once(agency.services, end - 40 * DAY) == 0
    assert await remind_once(agency.services, end - 29 * DAY) == 1
    assert await remind_once(agency.services, end - 28 * DAY) == 0, "once, also after a restart"
    assert await remind_once(agency.services, end - 2 * DAY) == 1
    assert await remind_once(agency.services, end + 1) == 2
    assert await remind_once(agency.services, end + 2) == 0
    due = ("yearly_report_due", AGENCY)
    assert sorted(await notices(), key=str) == sorted([due, due, due, ("yearly_reports_missing", None)], key=str)
    async with agency.services.database.reading() as session:
        letters = list(await session.scalars(select(Letter).order_by(Letter.created_at, Letter.kind)))
    assert [(one.recipient, one.subject.split("]")[0][1:]) for one in letters if one.kind == "yearly_report_due"] == [
        ("so-y-te@bacninh.gov.vn", "Nhắc"),
        ("so-y-te@bacninh.gov.vn", "GẤP"),
        ("so-y-te@bacninh.gov.vn", "QUÁ HẠN"),
    ], "more urgent as the day comes near"
    (list_of_so,) = (one for one in letters if one.kind == "yearly_reports_missing")
    assert list_of_so.recipient == "truc@bacninh.gov.vn"
    assert all(one.state == "queued" and one.page == "/office#/yearly" for one in letters)
    await report_samples.add_yearly(agency.services, "submitted")
    assert await remind_once(agency.services, end + 8 * DAY) == 0, "nobody is missing any more"


# -------------------------------------------------------------------------------------------------- over all agencies


async def test_s63_compliance_counts_from_what_was_stored(agency: World) -> None:
    services = agency.services
    await report_samples.add_meeting(services, BEGIN)
    await report_samples.add_meeting(services, BEGIN + DAY, number=2, received=3600.0, state="serving")
    book = sheets_of(await file(agency, f"/reports/compliance{PERIOD}&format=xlsx"))
    head, row = book["Thực hiện Quy chế"][2], book["Thực hiện Quy chế"][3]
    told = dict(zip([str(name) for name in head], row, strict=True))
    assert told["Cơ quan, đơn vị"] == "Sở Y tế"
    assert told["Đăng ký trước 24 giờ"] == 1, "the second came an hour before"
    assert told["Kết thúc, tổng hợp"] == 1
    assert "1 phiên họp đăng ký muộn hơn 24 giờ" in str(told["Tồn tại"])
    text = words_of(await file(agency, f"/reports/compliance{PERIOD}&format=docx"))
    assert "Đăng ký trước 24 giờ: 1/2 (50%)." in text
    pdf = await file(agency, f"/reports/compliance{PERIOD}&format=pdf")
    assert pdf.startswith(b"%PDF")


async def test_s50_usage_is_counted_against_the_capacity(agency: World) -> None:
    services = agency.services
    await report_samples.add_meeting(services, BEGIN)
    await report_samples.add_meeting(
        services, BEGIN + DAY, number=2, state="refused", decision={"answer": "refused", "code": "no_capacity"}
    )
    officer = await agency.sign_in(Role.OFFICER)
    told = await (await officer.get(f"{API}/reports/usage{PERIOD}")).json()
    assert (told["total"]["held"], told["total"]["hours"], told["refused_for_capacity"]) == (1, 2.0, 1)
    assert told["total"]["peak"] > 0
    book = sheets_of(await file(agency, f"/reports/usage/workbook{PERIOD}"))
    assert list(book) == ["Tổng hợp", "Theo tháng", "Theo cơ quan", "Theo điểm cầu"]
    assert book["Theo tháng"][3][:3] == ["2026-11", 2, 1]
    assert book["Theo cơ quan"][3][1:] == ["Sở Y tế", 1, 2]
    bad = await officer.get(f"{API}/reports/usage?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z")
    assert (await refused(bad, 422))["code"] == "bad_period"


# -------------------------------------------------------------------------------------------------------- rendering


async def test_the_loop_goes_on_while_a_long_paper_is_made() -> None:
    row = {"n": "1", "name": "UBND xã Văn Môn", "state": "đã gửi"}
    context = {
        "head": dict.fromkeys(("authority", "agency", "number", "place_date"), "Sở"),
        **dict.fromkeys(("title", "about", "opening", "signer", "signer_position"), "Báo cáo"),
        "parts": [{"title": "I. KẾT QUẢ", "texts": ["Không có."] * 50}],
        "columns": [{"key": key, "title": key} for key in row],
        "rows": [row] * 1000,
        "recipients": ["Lưu: VT."],
    }
    gaps: list[float] = []

    async def beat() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.002)
            gaps.append(time.perf_counter() - begun)

    beating = asyncio.create_task(beat())
    try:
        paper = await Renderer().render("docx", "rollup", context, 0.0)
    finally:
        beating.cancel()
    assert words_of(paper).count("UBND xã Văn Môn") == 1000
    assert sorted(gaps)[len(gaps) // 2] < 0.02, "half of the beats at least are on time on a busy machine"
    assert sum(gap > 0.1 for gap in gaps) <= 2


async def test_an_office_has_templates_of_its_own_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    own = docx.Document()
    own.add_paragraph("Mẫu riêng của Sở: {{ title }}")
    own.save(str(tmp_path / "minutes.docx"))
    made = await Renderer(templates=tmp_path).render("docx", "minutes", {"title": "Họp <giao> ban\x0b"}, 0.0)
    assert words_of(made) == "Mẫu riêng của Sở: Họp <giao> ban "
    own.add_paragraph("{% for %}")
    own.save(str(tmp_path / "minutes.docx"))
    with pytest.raises(OperatorError) as caught:
        await Renderer(templates=tmp_path).render("docx", "minutes", {"title": ""}, 0.0)
    assert caught.value.code == "report_failed"


async def test_a_template_that_never_ends_is_stopped(tmp_path: Path) -> None:
    own = docx.Document()
    own.add_paragraph("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")
    own.save(str(tmp_path / "minutes.docx"))
    begun = time.monotonic()
    with pytest.raises(OperatorError) as caught:
        await Renderer(templates=tmp_path, deadline=1.0).render("docx", "minutes", {}, 0.0)
    assert caught.value.code == "report_failed"
    assert time.monotonic() - begun < 10


async def test_too_many_papers_at_once_are_refused(tmp_path: Path) -> None:
    renderer = Renderer(templates=tmp_path, waiting=1)
    asked = [renderer.render("docx", "minutes", {"title": "x"}, 0.0) for _ in range(5)]
    own = docx.Document()
    own.add_paragraph("{{ title }}")
    own.save(str(tmp_path / "minutes.docx"))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, bytes) for one in answers) == 3
    assert {one.code for one in answers if isinstance(one, OperatorError)} == {"reports_busy"}


def test_shipped_templates_are_those_the_script_makes(tmp_path: Path) -> None:
    build_templates(tmp_path)
    ours = Path(__file__).parents[3] / "control_api" / "reports" / "templates"
    names = {path.name for path in ours.glob("*.docx")}
    assert names == {path.name for path in tmp_path.glob("*.docx")} == {
        "minutes.docx", "summary.docx", "yearly.docx", "rollup.docx"
    }  # fmt: skip
    for name in names:
        ours_texts, made_texts = words_of((ours / name).read_bytes()), words_of((tmp_path / name).read_bytes())
        assert all(one == other for one, other in itertools.zip_longest(ours_texts.split("\n"), made_texts.split("\n")))
