"""A journal as a file: JSON lines (to check it elsewhere), CSV and XLSX (to read and to file).

JSON lines: the first object tells of the head, and whether this is a part (by time) or a selection (by event, site or
person) of the journal; the others are lines with exactly the fields that are hashed
(`chain.py`), `hash`, and for readers `time`, `vi` and `en`, which are not.  CSV is UTF-8 with a byte order mark, so
that Excel reads the Vietnamese; cells that a spreadsheet would take for a formula are quoted.  Bounded: a journal of
more than `MOST_LINES` is exported in parts, by time.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import xlsxwriter

from control_api.journal.chain import Line
from control_api.journal.journals import Wanted
from control_api.journal.sentences import sentence
from control_api.journal.verify import Head
from control_api.problems import Refused

Format = Literal["jsonl", "csv", "xlsx", "zip"]

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MOST_LINES = 100_000
MEDIA_TYPES: dict[Format, str] = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_COLUMNS = ("STT", "Thời gian", "Điểm cầu", "Người thực hiện", "Nội dung", "Mã sự kiện", "Dữ liệu", "Mã băm SHA-256")
_WIDTHS = (7, 20, 28, 18, 70, 18, 30, 66)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def too_long() -> Refused:
    return Refused(
        "journal_too_long",
        f"Nhật ký dài hơn {MOST_LINES} dòng. Hãy chọn khoảng thời gian (since, until) để xuất từng phần.",
        f"The journal has more than {MOST_LINES} lines. Choose a time range (since, until) and export it in parts.",
    )


def export(
    kind: Format, conference_id: str, head: Head, lines: Sequence[Line], names: Mapping[str, str], wanted: Wanted
) -> bytes:
    """The file.  Blocks for a while with many lines: call it in a thread."""
    if kind == "jsonl":
        return _jsonl(conference_id, head, lines, names, wanted)
    if kind == "csv":
        return _csv(lines, names)
    return _xlsx(conference_id, head, lines, names)


def local_time(at: float) -> datetime:
    return datetime.fromtimestamp(at, ZONE)


def _jsonl(conference_id: str, head: Head, lines: Sequence[Line], names: Mapping[str, str], wanted: Wanted) -> bytes:
    top = {
        "conference": conference_id,
        "head": {"seq": head.seq, "hash": head.hash},
        "pruned": {"seq": head.pruned_seq, "hash": head.pruned_hash},
        "sites": dict(names),
        "part": wanted.since is not None or wanted.until is not None,
        "selection": bool(wanted.what or wanted.site or wanted.actor),
    }
    out = [json.dumps(top, ensure_ascii=False)]
    for line in lines:
        fields = {
            "seq": line.seq,
            "at": line.at,
            "what": line.what,
            "actor": line.actor,
            "site": line.site,
            "data": line.data,
            "conference": line.conference_id,
            "previous": line.previous,
            "hash": line.hash,
            "time": local_time(line.at).isoformat(timespec="milliseconds"),
            "vi": sentence(line.what, line.site, line.data, "vi", names),
            "en": sentence(line.what, line.site, line.data, "en", names),
        }
        out.append(json.dumps(fields, ensure_ascii=False))
    return ("\n".join(out) + "\n").encode()


def _cells(line: Line, names: Mapping[str, str]) -> tuple[int, str, str, str, str, str, str, str]:
    return (
        line.seq,
        local_time(line.at).strftime("%d/%m/%Y %H:%M:%S"),
        names.get(line.site, line.site) if line.site is not None else "",
        line.actor or "MCU",
        sentence(line.what, line.site, line.data, "vi", names),
        line.what,
        json.dumps(line.data, ensure_ascii=False, sort_keys=True),
        line.hash,
    )


def _csv(lines: Sequence[Line], names: Mapping[str, str]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for line in lines:
        writer.writerow([_no_formula(cell) if isinstance(cell, str) else cell for cell in _cells(line, names)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _xlsx(conference_id: str, head: Head, lines: Sequence[Line], names: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet("Nhật ký")
    sheet.write_row(0, 0, [f"Nhật ký hội nghị {conference_id}"], bold)
    sheet.write_row(1, 0, [f"Dòng cuối: {head.seq}; mã băm: {head.hash}"])
    sheet.write_row(3, 0, _COLUMNS, bold)
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width, wrap)
    for row, line in enumerate(lines, 4):
        sheet.write_row(row, 0, _cells(line, names))
    sheet.freeze_panes(4, 0)
    sheet.autofilter(3, 0, max(4, 3 + len(lines)), len(_COLUMNS) - 1)
    book.close()
    return out.getvalue()
