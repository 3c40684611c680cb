"""Reading and writing XLSX files, with what strangers' files may hold kept out.

Reading (openpyxl): the archive's entries and their unpacked sizes are checked before anything is unpacked, no document
type declarations, a limit of rows and columns, values only (never formulas).  Writing (XlsxWriter): every text is
written as text, and what a spreadsheet might take for a formula is marked as quoted, also when it is edited there
(OWASP, CSV injection).  Neither touches the network or the disk.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter
from openpyxl import load_workbook

from control_api.problems import Refused

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES = 4 * 1024 * 1024  # of a file
MOST_UNPACKED = 40 * 1024 * 1024
MOST_PARTS = 200
MOST_ROWS = 3000  # of a sheet, without its heading
MOST_COLUMNS = 60
MOST_TEXT = 4000  # of a cell
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | float | bool | date | None


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet: headings, and rows with their numbers in the sheet."""

    name: str
    heads: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Column:
    head: str
    width: float = 18.0


def read(raw: bytes) -> list[Table]:
    """The sheets of a file; empty rows are left out.  CPU-bound: call it in a thread.

    Raises Refused `bad_workbook` or `bad_workbook_rows`.
    """
    _check_archive(raw)
    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # what openpyxl raises for broken XML is not a list one could write down
        raise bad_workbook() from error
    try:
        return [_table(name, book[name]) for name in book.sheetnames[:20] if hasattr(book[name], "iter_rows")]
    except Refused:
        raise
    except Exception as error:
        raise bad_workbook() from error
    finally:
        book.close()


def _check_archive(raw: bytes) -> None:
    if len(raw) > MOST_BYTES:
        raise bad_workbook()
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise bad_workbook()
            if "xl/workbook.xml" not in archive.namelist():
                raise bad_workbook()
            for part in parts:
                with archive.open(part) as content:
                    # The sizes in an archive's list may lie: unpack no more than it says.
                    start = content.read(4096)
                    rest = part.file_size - len(start)
                    while rest >= 0 and (more := content.read(65536)):
                        rest -= len(more)
                    if rest < 0 or b"<!DOCTYPE" in start or b"<!ENTITY" in start:
                        raise bad_workbook()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise bad_workbook() from error


def _table(name: str, sheet: Any) -> Table:
    heads: tuple[str, ...] = ()
    rows: list[tuple[int, tuple[str, ...]]] = []
    sheet.reset_dimensions()  # a file may say that it has a million rows
    for number, cells in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True), start=1):
        texts = tuple(text_of(cell) for cell in cells)
        if number > MOST_ROWS * 2 + 1:  # also of empty ones
            raise too_many_rows()
        if not any(texts):
            continue
        if not heads:
            last = max(index for index, text in enumerate(texts) if text)
            heads = texts[: last + 1]
            continue
        if len(rows) == MOST_ROWS:
            raise too_many_rows()
        rows.append((number, (texts + ("",) * len(heads))[: len(heads)]))
    return Table(name[:80], heads, tuple(rows))


def text_of(cell: Any) -> str:
    """A cell as text: days as YYYY-MM-DD, whole numbers without a fraction."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "có" if cell else "không"
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell).strip()[: MOST_TEXT + 1]


class Writer:
    """Makes one file; `sheet` for each of its sheets, then `done`."""

    def __init__(self, title: str) -> None:
        self._file = io.BytesIO()
        self._book = xlsxwriter.Workbook(
            self._file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        self._book.set_properties({"title": title})
        self._head = self._book.add_format(
            {"bold": True, "text_wrap": True, "valign": "vcenter", "border": 1, "bg_color": "#E8EEF7"}
        )
        self._big = self._book.add_format({"bold": True, "font_size": 13})
        self._text = self._book.add_format({"text_wrap": True, "valign": "top", "border": 1, "num_format": "@"})
        self._quoted = self._book.add_format(
            {"text_wrap": True, "valign": "top", "border": 1, "num_format": "@", "quote_prefix": True}
        )
        self._number = self._book.add_format({"valign": "top", "border": 1, "num_format": "#,##0"})
        self._day = self._book.add_format({"valign": "top", "border": 1, "num_format": "dd/mm/yyyy"})

    def sheet(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Cell]],
        *,
        above: Sequence[str] = (),
        choices: Mapping[int, Sequence[str]] | None = None,
    ) -> None:
        """A sheet with a heading row that stays in view.  `above` are lines of title; `choices` by column."""
        sheet = self._book.add_worksheet(name[:31])
        first = len(above) + 1 if above else 0
        for number, line in enumerate(above):
            sheet.write_string(number, 0, line, self._big if number == 0 else None)
        for number, column in enumerate(columns):
            sheet.set_column(number, number, column.width)
            sheet.write_string(first, number, column.head, self._head)
        sheet.freeze_panes(first + 1, 0)
        last = first
        for last, row in enumerate(rows, start=first + 1):
            for number, cell in enumerate(row):
                self._write(sheet, last, number, cell)
        if columns and not above:
            sheet.autofilter(first, 0, max(last, first + 1), len(columns) - 1)
        for number, allowed in (choices or {}).items():
            sheet.data_validation(
                first + 1, number, max(last + 200, 500), number, {"validate": "list", "source": list(allowed)}
            )

    def _write(self, sheet: Any, row: int, column: int, cell: Cell) -> None:
        if cell is None or cell == "":
            sheet.write_blank(row, column, None, self._text)
        elif isinstance(cell, bool):
            sheet.write_string(row, column, "có" if cell else "không", self._text)
        elif isinstance(cell, int | float):
            sheet.write_number(row, column, cell, self._number)
        elif isinstance(cell, date):
            sheet.write_datetime(row, column, datetime(cell.year, cell.month, cell.day), self._day)
        else:
            sheet.write_string(row, column, cell, self._quoted if cell.startswith(_FORMULA) else self._text)

    def done(self) -> bytes:
        self._book.close()
        return self._file.getvalue()


def bad_workbook() -> Refused:
    return Refused(
        "bad_workbook",
        f"Không đọc được tệp: phải là tệp Excel .xlsx, tối đa {MOST_BYTES // 1024 // 1024} MB. "
        "Hãy tải tệp mẫu, điền vào và gửi lại.",
        f"The file cannot be read: it must be an Excel file (.xlsx) of at most {MOST_BYTES // 1024 // 1024} MB. "
        "Export the directory, fill it in and send it.",
    )


def too_many_rows() -> Refused:
    return Refused(
        "bad_workbook_rows",
        f"Tệp có quá {MOST_ROWS} dòng trong một trang tính. Hãy chia thành nhiều tệp.",
        f"A sheet of the file has more than {MOST_ROWS} rows. Split it into several files.",
    )
