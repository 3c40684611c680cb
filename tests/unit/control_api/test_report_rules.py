"""What reports say, without a database: forms of dates, presence, deadlines, use of the machine."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_api.bookings.steps import Step
from control_api.journal.chain import Line, linked
from control_api.reports.attendance import Presence, presence, rehearsals
from control_api.reports.evaluation import average, digest
from control_api.reports.paper import LOCAL, clean, dated, duration, moment, number, percent
from control_api.reports.rollup import Compliance, compliance_paper
from control_api.reports.templates.build import HERE as TEMPLATES
from control_api.reports.usage import Meeting, advice, peaks, usage, workbook
from control_api.reports.years import (
    REMIND_DAYS,
    SECTIONS,
    Figures,
    deadline,
    draft,
    is_late,
    period,
    reminder_due,
    year_of,
)
from mcu_core.capacity import FULL, Capacity, Demand
from tests.unit.control_api.report_places import SO

DAY = 86_400.0
MACHINE = Capacity(100.0, 100.0, 100.0, 100.0)


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> float:
    return datetime(year, month, day, hour, minute, tzinfo=LOCAL).timestamp()


def test_dates_and_numbers_are_written_as_decree_30_asks() -> None:
    assert dated(at(2026, 2, 5)) == "ngày 05 tháng 02 năm 2026"
    assert dated(at(2026, 11, 23)) == "ngày 23 tháng 11 năm 2026"
    assert dated(at(2026, 3, 9)) == "ngày 09 tháng 3 năm 2026"
    assert moment(at(2026, 11, 23, 8, 5)) == "08 giờ 05 phút, ngày 23/11/2026"
    assert (number(1234567.5, 1), percent(0.125, 1), percent(None)) == ("1.234.567,5", "12,5%", "—")
    assert [duration(s) for s in (40, 125, 7500)] == ["40 giây", "2 phút", "2 giờ 05 phút"]
    assert clean("a\x00b\x0bc\n") == "a b c\n"


# ------------------------------------------------------------------------------------------------------ attendance


def journal(*entries: tuple[float, str, str]) -> list[Line]:
    return linked("c-1", 0, "0" * 64, [(when, what, None, site, {}) for when, what, site in entries])


def test_presence_counts_only_the_meeting_and_joins_what_a_loss_parted() -> None:
    lines = journal(
        (50, "site_live", "a"),  # before it began: counts from the beginning
        (150, "site_away", "a"),
        (160, "site_live", "a"),
        (170, "site_live", "b"),
        (180, "site_left", "b"),
        (190, "site_live", "late"),
        (205, "site_away", "a"),  # after the end
        (10, "site_live", "early"),
        (20, "site_left", "early"),
    )
    found = presence(sorted(lines, key=lambda line: line.at), since=100, until=200)
    assert found == {
        "a": Presence(100, 200, 90, 1),
        "b": Presence(170, 180, 10, 0),
        "late": Presence(190, 200, 10, 0),
    }


def test_s78_a_rehearsal_is_not_attendance() -> None:
    """S78: who is connected while the script is rehearsed comes when it ends; who only rehearsed was not there."""
    lines = journal(
        (100, "site_live", "a"),
        (110, "site_live", "only-rehearsed"),
        (120, "rehearsal", ""),
        (130, "site_live", "b"),
        (140, "site_away", "a"),
        (145, "site_live", "a"),
        (150, "site_left", "only-rehearsed"),
        (160, "rehearsal_ended", ""),
        (170, "site_away", "b"),
        (180, "rehearsal", ""),
    )
    assert rehearsals(lines, until=200) == ((120, 160), (180, 200))
    assert presence(lines, since=105, until=200) == {
        "a": Presence(105, 180, 35, 0),
        "only-rehearsed": Presence(110, 120, 10, 0),
        "b": Presence(160, 170, 10, 1),
    }
    assert set(presence(lines, since=121, until=200)) == {"a", "b"}


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1000),
            st.sampled_from(["site_live", "site_away", "site_left", "podium", "rehearsal", "rehearsal_ended"]),
            st.sampled_from("ab"),
        ),
        max_size=30,
    )
)
def test_nobody_is_there_longer_than_the_meeting(entries: list[tuple[float, str, str]]) -> None:
    for one in presence(journal(*sorted(entries)), since=200, until=700).values():
        assert 200 <= one.first_at < one.last_at <= 700
        assert 0 < one.seconds <= one.last_at - one.first_at + 1e-6


# ---------------------------------------------------------------------------------------------------------- yearly


def test_s58_a_yearly_report_is_due_before_30_november() -> None:
    assert deadline(2026) == at(2026, 11, 30)
    assert not is_late(2026, at(2026, 11, 29, 23, 59), now=at(2027, 1, 1))
    assert is_late(2026, at(2026, 11, 30), now=at(2027, 1, 1))
    assert is_late(2026, None, now=at(2026, 12, 1))
    assert (year_of(at(2026, 11, 29)), year_of(at(2026, 11, 30))) == (2026, 2027)


@given(st.integers(2021, 2099))
def test_s58_no_day_is_left_out_between_two_reports(year: int) -> None:
    assert period(year)[1] == period(year + 1)[0]


def test_s58_reminders_stand_before_the_deadline_and_escalate_after_it() -> None:
    end = deadline(2026)
    assert reminder_due(2026, end - 31 * DAY) is None
    expected = {20.0: "days-30", 10.0: "days-15", 5.0: "days-7", 2.0: "days-3", 0.5: "days-1"}
    assert {left: reminder_due(2026, end - left * DAY) for left in expected} == expected
    assert reminder_due(2026, end) == "overdue-0"
    assert reminder_due(2026, end + 8 * DAY) == "overdue-1"
    assert reminder_due(2026, end + 100 * DAY) is None
    assert len(REMIND_DAYS) == 5


def test_s58_a_draft_tells_what_the_program_knows_and_leaves_the_rest_to_people() -> None:
    text = draft(Figures(sites=4, sites_ready=3, hosted=12, joined=30, hours=61.5, checks=8, checks_failed=1), 2026)
    assert set(text) == set(SECTIONS)
    assert "chủ trì 12 phiên họp và tham gia 30 phiên họp" in text["operation"]
    assert "không đạt 1 lượt (12,5%)" in text["operation"]
    assert "3 điểm cầu ở trạng thái sẵn sàng (75%)" in text["management"]
    assert text["difficulties"] == text["plan"] == ""


def test_figures_survive_a_program_that_knows_more_or_less() -> None:
    assert Figures.of({"hosted": 3, "from_the_future": 1}) == Figures(hosted=3)


# ------------------------------------------------------------------------------------------------------ evaluation


def test_s102_a_signature_covers_the_evaluation_and_the_journal() -> None:
    content = {"items": [{"criterion": "sound", "score": 4}, {"criterion": "line", "score": 5}]}
    first = digest("c-1", content, "Cán bộ", "", 7, "a" * 64)
    assert average(content) == 4.5
    assert len(first) == 64
    others = [
        digest("c-2", content, "Cán bộ", "", 7, "a" * 64),
        digest("c-1", {"items": []}, "Cán bộ", "", 7, "a" * 64),
        digest("c-1", content, "Khác", "", 7, "a" * 64),
        digest("c-1", content, "Cán bộ", "", 8, "a" * 64),
        digest("c-1", content, "Cán bộ", "", 7, "b" * 64),
    ]
    assert first not in others
    assert len(set(others)) == 5


# ------------------------------------------------------------------------------------------------------------ usage


def meeting(number: int, begins: float, ends: float, share: float = 0.3, **changed: object) -> Meeting:
    values: dict[str, object] = {
        "id": f"b-{number}",
        "organisation": "Sở Y tế",
        "class_": "B",
        "urgent": False,
        "state": Step.CLOSED,
        "starts_at": begins,
        "ends_at": ends,
        "demand": Demand(decode=share * 100),
        "sites": ("Trung tâm", "Xã A"),
    }
    return Meeting(**{**values, **changed})  # type: ignore[arg-type]


def test_s50_peak_is_the_fullest_instant_not_the_sum_of_the_day() -> None:
    day = at(2026, 3, 2)
    found = [
        meeting(1, day, day + 3600),
        meeting(2, day + 1800, day + 5400),
        meeting(3, day + 3600, day + 7200),  # begins when the first one ends
    ]
    assert peaks(found, MACHINE) == (2, 4, 0.6)


def test_s50_usage_counts_hours_refusals_and_months() -> None:
    march, april = at(2026, 3, 2), at(2026, 4, 2)
    found = usage(
        [
            meeting(1, march, march + 7200, class_="A", urgent=True),
            meeting(2, april, april + 3600, organisation="Sở Công Thương"),
            meeting(3, april, april + 3600, state=Step.REFUSED, refused_for_capacity=True),
            meeting(4, april, april + 3600, state=Step.DISPLACED),
            meeting(5, april, april + 3600, state=Step.DRAFT),
            meeting(6, at(2027, 1, 1), at(2027, 1, 2)),
        ],
        MACHINE,
        at(2026, 1, 1),
        at(2027, 1, 1),
    )
    total = found.total
    assert (total.registered, total.held, total.urgent, total.refused, total.displaced) == (4, 2, 1, 1, 1)
    assert (total.hours, total.site_hours) == (3.0, 6.0)
    assert [month.month for month in found.months] == ["2026-03", "2026-04"]
    assert found.classes == {"A": 1, "B": 1}
    assert found.hosts == [("Sở Y tế", 1, 2.0), ("Sở Công Thương", 1, 1.0)]
    assert found.sites[0] == ("Trung tâm", 2, 3.0)
    assert "nâng cấp" in advice(found)[0], "something was refused for want of capacity"
    assert [sheet["name"] for sheet in workbook(found, "Sở")["sheets"]][:2] == ["Tổng hợp", "Theo tháng"]


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(1, 1e4), st.floats(0, 0.5)), max_size=12))
def test_s50_no_instant_is_fuller_than_the_peak(spans: list[tuple[float, float, float]]) -> None:
    held = [meeting(n, begin, begin + length, share) for n, (begin, length, share) in enumerate(spans)]
    most, _, share = peaks(held, MACHINE)
    for one in held:
        for instant in (one.starts_at, (one.starts_at + one.ends_at) / 2):
            going = [other for other in held if other.starts_at <= instant < other.ends_at]
            assert len(going) <= most
            assert sum(other.demand.decode for other in going) / 100 <= share + 1e-4


@pytest.mark.parametrize(("share", "word"), [(0.2, "đáp ứng"), (FULL * 0.75, "theo dõi"), (FULL * 0.95, "nâng cấp")])
def test_s50_advice_follows_the_peak(share: float, word: str) -> None:
    day = at(2026, 3, 2)
    vi, en = advice(usage([meeting(1, day, day + 60, share)], MACHINE, day, day + DAY))
    assert word in vi
    assert en


# ------------------------------------------------------------------------------------------------------- compliance


def test_s63_compliance_names_what_is_missing() -> None:
    good = Compliance("so-y-te", "Sở Y tế", (3, 3), (3, 3), (5, 5), (5, 5), 2, 1, 0, True)
    bad = Compliance("xa", "UBND xã", (1, 2), (2, 2), (3, 5), (0, 0), 0, 0, 1, False)
    assert good.remarks == []
    assert bad.remarks == [
        "1 phiên họp đăng ký muộn hơn 24 giờ",
        "2 lượt điểm cầu chưa kiểm tra đạt trước 01 giờ",
        "chưa gửi danh sách đầu mối",
        "chưa có người vận hành được cấp chứng nhận",
        "1 sự cố chưa xử lý xong",
        "chưa gửi báo cáo năm",
    ]
    paper = compliance_paper([good, bad], at(2026, 1, 1), at(2027, 1, 1), SO)
    assert "1 cơ quan, đơn vị thực hiện đầy đủ, 1 cơ quan, đơn vị còn tồn tại" in paper["parts"][0]["texts"][0]
    assert paper["rows"][0]["remarks"] == "Không"
    assert paper["rows"][1]["connected"] == "–"


def test_s102_lines_of_a_paper_that_begin_with_a_dash_are_strings() -> None:
    """As Typst's markup a dash begins a list: the labels of the evaluation were lost, the recipients got dots."""
    for source in sorted(TEMPLATES.glob("*.typ")):
        assert not re.search(r"\[- ", source.read_text(encoding="utf-8")), source.name
