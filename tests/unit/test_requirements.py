"""docs/requirements.md: every row of the regulation is there, and every test it names exists and names the row."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "requirements.md"
NOT_BUILT = {"S12"}  # the leg to an upper MCU: kind MEDIA, said so in its row
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_PLACE = re.compile(r"`([\w/.]+)`")


@dataclass(frozen=True)
class Row:
    id: str
    kind: str
    where: str
    tests: tuple[tuple[str, str], ...]


def rows() -> dict[str, Row]:
    found = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| S\d", line):
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            assert len(cells) == 6, line
            assert cells[0] not in found, "twice in the table"
            found[cells[0]] = Row(cells[0], cells[3], cells[4], tuple(_NAMED.findall(cells[5])))
    return found


@cache
def texts(path: str) -> dict[str, str]:
    """The source of each test function of a file, with its decorators."""
    source = (ROOT / path).read_text(encoding="utf-8")
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found[node.name] = "\n".join(source.splitlines()[first - 1 : node.end_lineno])
    return found


def names(text: str, row: str) -> bool:
    """Whether `S29`, or `s29` in a function's name, is in the text; `S2` is not in `S29`."""
    return re.search(rf"(?<![A-Za-z0-9]){row}(?![A-Za-z0-9])", text, re.IGNORECASE) is not None


def test_every_row_from_s01_to_s102_is_in_the_table() -> None:
    assert list(rows()) == [f"S{number:02d}" for number in range(1, 103)]


@pytest.mark.parametrize("row", rows().values(), ids=lambda row: row.id)
def test_a_row_says_where_it_is_done_and_its_tests_name_it(row: Row) -> None:
    if row.id in NOT_BUILT:
        assert row.kind == "MEDIA"
        assert "Not built" in row.where
        return
    for place in _PLACE.findall(row.where):
        assert (ROOT / place).exists(), place
    assert _PLACE.search(row.where), "where is it done?"
    assert row.tests, "no test names it"
    for path, name in row.tests:
        assert (ROOT / path).is_file(), path
        assert name in texts(path), f"{path} has no {name}"
        assert names(texts(path)[name], row.id), f"{name} does not name {row.id}"


def test_a_row_is_named_as_a_word_only() -> None:
    assert names("def test_s29_late() -> None: ...", "S29")
    assert names('"""S77, S82: before the rehearsal."""', "S82")
    assert not names("def test_s29_late() -> None: ...", "S02")
    assert not names("S256 is a method of OAuth", "S25")
