"""Rules of the directory: searching, telephone numbers, readiness, maintenance, fingerprints, spreadsheets."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from control_api.directory.columns import Unread, read_items, show_items
from control_api.directory.fingerprints import differences, fingerprint, network_of
from control_api.directory.phones import clean_phone, spaced
from control_api.directory.readiness import (
    CONDITIONS,
    GROUPS,
    STANDARD_PRESETS,
    findings,
    missing_presets,
    readiness_of,
    seat_warning,
)
from control_api.directory.search import fold
from control_api.directory.seed import read_seed
from control_api.directory.upkeep import Kept, costs, months_later, next_due, plan_line
from control_api.directory.workbook import MOST_ROWS, Column, Writer, read
from control_api.problems import Refused


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Bắc Ninh", "bac ninh"),
        ("BẮC  NINH", "bac ninh"),
        ("Đông Cứu", "dong cuu"),
        ("Sở Y tế\n", "so y te"),
        ("Ba\u0306\u0301c Ninh", "bac ninh"),  # decomposed
    ],
)
def test_searching_forgets_diacritics_and_case(written: str, plain: str) -> None:
    assert fold(written) == plain


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("0912 345 678", "0912345678"),
        ("+84 912.345.678", "0912345678"),
        ("0084912345678", "0912345678"),
        ("(0222) 3822-123", "02223822123"),
        ("0204.3555.992", "02043555992"),
        ("1900 1234", "19001234"),
        ("0112345678", None),  # no such mobile network
        ("912345678", None),
        ("0912 345 67", None),
        ("٠٩١٢٣٤٥٦٧٨", None),  # digits, but not those
        ("=1+1", None),
    ],
)
def test_s57_phone_numbers_are_those_of_vietnam(written: str, digits: str | None) -> None:
    assert clean_phone(written) == digits


@given(st.text(max_size=30))
def test_cleaning_a_phone_number_is_stable(text: str) -> None:
    digits = clean_phone(text)
    assert digits is None or clean_phone(spaced(digits)) == digits


ITEM = {"name": "Ti vi", "quantity": 1, "good": True}
ALL = {group: [ITEM] for group in GROUPS}
GOOD = dict.fromkeys(CONDITIONS, "good")
SAVED = [{"position": position} for position in STANDARD_PRESETS]


def test_s06_a_site_needs_all_four_peripheral_groups() -> None:
    assert readiness_of(findings(ALL, GOOD, SAVED, 40)) == "ready"
    for group in GROUPS:
        without = {name: items for name, items in ALL.items() if name != group}
        assert f"no_{group}" in {one.code for one in findings(without, GOOD, SAVED, 40)}
        broken = {**ALL, group: [{**ITEM, "good": False}]}
        assert readiness_of(findings(broken, GOOD, SAVED, 40)) == "not_ready"
        half = {**ALL, group: [{**ITEM, "good": False}, ITEM]}
        assert readiness_of(findings(half, GOOD, SAVED, 40)) == "ready"


@pytest.mark.parametrize("condition", sorted(CONDITIONS))
def test_s09_s15_each_condition_of_the_room_counts(condition: str) -> None:
    """S09, S15: sound, light, equipment, line, power, placement, climate, fire safety."""
    poor = findings(ALL, {**GOOD, condition: "poor"}, SAVED, 40)
    assert [one.code for one in poor] == [f"poor_{condition}"]
    assert readiness_of(poor) != "ready"
    unknown = findings(ALL, {**GOOD, condition: "unknown"}, SAVED, 40)
    assert readiness_of(unknown) == "attention"
    assert readiness_of(findings(ALL, {**GOOD, "line": "poor"}, SAVED, 40)) == "not_ready"


def test_faults_that_are_open_count_too() -> None:
    assert readiness_of(findings(ALL, GOOD, SAVED, 40, [False])) == "attention"
    assert readiness_of(findings(ALL, GOOD, SAVED, 40, [False, True])) == "not_ready"


def test_s17_too_few_seats_are_told_with_how_many_are_missing() -> None:
    assert seat_warning(40, 40) is None
    assert seat_warning(None, 500) is None
    warning = seat_warning(40, 55)
    assert warning is not None
    assert "15" in warning.vi


def test_s96_the_five_camera_positions_are_asked_for() -> None:
    assert missing_presets(SAVED) == []
    missing = missing_presets(SAVED[:3])
    assert missing[0].code == "missing_presets"
    assert "phóng to, thu nhỏ" in missing[0].vi
    assert readiness_of(findings(ALL, GOOD, SAVED[:3], 40)) == "ready", "a reminder, not a fault"


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
    ],
)
def test_months_end_where_the_month_ends(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


def test_s28_maintenance_is_due_a_period_after_the_last() -> None:
    today = date(2026, 11, 23)
    assert next_due(None, today, None, today) is None
    assert next_due(6, date(2026, 5, 1), date(2020, 1, 1), today) == date(2026, 11, 1)
    assert next_due(6, None, date(2026, 10, 1), today) == date(2027, 4, 1)
    assert next_due(6, None, None, today) == today


def test_s52_s54_s59_the_plan_holds_what_is_due_and_its_cost_by_category() -> None:
    """S52, S54, S59: maintenance of the year, replacement, and what article 12 pays for it."""
    quarterly = Kept(date(2026, 2, 10), 3, None, broken=False, planned_vnd=2_000_000, cost_category="small")
    line = plan_line(quarterly, 2026)
    assert line is not None
    assert line.maintain_on == (date(2026, 2, 10), date(2026, 5, 10), date(2026, 8, 10), date(2026, 11, 10))
    overdue = Kept(date(2025, 6, 1), 12, None, broken=False, planned_vnd=None, cost_category="upkeep")
    found = plan_line(overdue, 2026)
    assert found is not None
    assert found.maintain_on == (date(2026, 1, 1),)
    old = Kept(None, None, 2026, broken=False, planned_vnd=90_000_000, cost_category="shared")
    replaced = plan_line(old, 2026)
    assert replaced is not None
    assert replaced.replace
    assert plan_line(old, 2027) is None
    assert costs([line, found, replaced]) == {"shared": 90_000_000, "upkeep": 0, "small": 2_000_000}


def test_s19_a_fingerprint_keeps_through_updates_and_leases() -> None:
    approved = fingerprint("10.27.4.11", "Poly G7500 3.14.2", ["H264", "opus"])
    assert differences(approved, fingerprint("10.27.4.90", "Poly G7500 4.0", ["opus", "h264"])) == []
    assert differences(approved, fingerprint("10.99.4.11", "Poly G7500 3.14.2", ["H264", "opus"])) == ["network"]
    assert differences(approved, fingerprint("10.27.4.11", "Laptop", ["VP8"])) == ["model", "codecs"]
    assert network_of("::ffff:10.27.4.11") == "10.27.4.0/24"
    assert network_of("nonsense") == ""


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.from_regex(r"[A-Za-zĐđắ][A-Za-z0-9 đắ]{0,20}[A-Za-wyzđắ]", fullmatch=True).map(
                    lambda name: " ".join(name.split())
                ),
                "model": st.sampled_from(["", "QA65", "G-7500"]),
                "quantity": st.integers(1, 999),
                "good": st.booleans(),
            }
        ),
        max_size=4,
    )
)
def test_peripherals_are_read_as_they_are_written(items: list[dict[str, object]]) -> None:
    assert read_items(show_items(items)) == items


def test_a_nameless_peripheral_is_refused_quickly() -> None:
    with pytest.raises(Unread):
        read_items("[QA65]")
    read_items("a" + " " * 3900 + "b")


# ------------------------------------------------------------------------------------------------------ workbooks


def small(rows: list[list[str]]) -> bytes:
    book = Writer("thử")
    book.sheet("Cơ quan", [Column("Mã"), Column("Tên cơ quan")], rows)
    return book.done()


def test_a_sheet_is_read_as_it_was_written() -> None:
    table = read(small([["so-y-te", "Sở Y tế"], ["", ""], ["x", "Đơn vị"]]))[0]
    assert (table.name, table.heads) == ("Cơ quan", ("Mã", "Tên cơ quan"))
    assert [row for _, row in table.rows] == [("so-y-te", "Sở Y tế"), ("x", "Đơn vị")]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", '=HYPERLINK("http://x")'])
def test_what_looks_like_a_formula_is_exported_as_text(text: str) -> None:
    sheet = load_workbook(io.BytesIO(small([["a", text]])))["Cơ quan"]
    cell = sheet["B2"]
    assert (cell.value, cell.data_type) == (text, "s")
    assert cell.quotePrefix


def test_formulas_in_a_file_are_not_computed() -> None:
    import xlsxwriter

    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet("Cơ quan")
    sheet.write_string(0, 0, "Mã")
    sheet.write_formula(1, 0, '=WEBSERVICE("http://x")', None, "kept")
    book.close()
    assert read(file.getvalue())[0].rows[0][1] == ("kept",)


def test_archives_that_unpack_to_too_much_are_refused() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * (60 * 1024 * 1024))
    for raw in (bomb.getvalue(), b"", b"PK\x03\x04 nothing", b"<html>", small([])[:200]):
        with pytest.raises(Refused) as refused:
            read(raw)
        assert refused.value.code == "bad_workbook"


def test_document_types_and_too_many_rows_are_refused() -> None:
    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("xl/workbook.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><workbook/>')
    with pytest.raises(Refused) as refused:
        read(evil.getvalue())
    assert refused.value.code == "bad_workbook"
    with pytest.raises(Refused) as refused:
        read(small([["a", "b"]] * (MOST_ROWS + 1)))
    assert refused.value.code == "bad_workbook_rows"


def test_s10_the_sample_directory_is_the_province_s_kind() -> None:
    """S10: 1 main site, 24 departments, 99 communes and wards; positions only, no people."""
    organisations, sites = read_seed()
    kinds = [one["kind"] for one in organisations]
    assert (kinds.count("department"), kinds.count("commune")) == (24, 99)
    assert len(sites) == 1 + 24 + 99
    assert len({one["id"] for one in organisations}) == len(organisations)
    assert len({one["id"] for one in sites}) == len(sites)
    assert sum(one.get("is_manager", False) for one in organisations) == 1
    assert not any(one.get("accountable_name") or one.get("phone") for one in organisations)
    assert all(len(one["id"]) <= 64 for one in (*organisations, *sites))
