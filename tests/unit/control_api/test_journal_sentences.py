"""Every code that the program journals says something to an office worker (S99)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from control_api.journal.sentences import SENTENCES, sentence
from control_api.preparation.deadlines import Due

ROOT = Path(__file__).parents[3]
PACKAGES = ("control_api", "mcu_core", "signaling")
CALLS = {"JournalEntry": ("what", 1), "journal": ("what", 0), "alarm": ("code", 0), "Event": ("what", 0)}
CODE = re.compile(r"[a-z][a-z0-9_]*")


def constants(node: ast.expr | None) -> Iterator[str]:
    """The codes a node may stand for: a constant, or either side of a choice."""
    match node:
        case ast.Constant(value=str(value)):
            yield value
        case ast.IfExp(body=body, orelse=orelse):
            yield from constants(body)
            yield from constants(orelse)


def codes_of(path: Path) -> Iterator[str]:
    """Codes that this file journals: `JournalEntry(at, code)`, `….journal(code)`, `….alarm(code)`, `Event(code)`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in CALLS or (name == "Event" and path.name != "conference.py"):
            continue
        keyword, place = CALLS[name]
        given = next((one.value for one in node.keywords if one.arg == keyword), None)
        if given is None and len(node.args) > place:
            given = node.args[place]
        for code in constants(given):
            if CODE.fullmatch(code):
                yield f"alarm_{code}" if name == "alarm" else code


def journalled() -> dict[str, str]:
    """Code -> a file that journals it."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {code: str(path.relative_to(ROOT)) for path in files for code in codes_of(path)}


def test_s99_every_code_has_a_sentence_in_both_languages() -> None:
    found = journalled()
    assert {"podium", "site_returned", "alarm_site_quarantined", "created"} <= found.keys(), "the search works"
    missing = {code: path for code, path in found.items() if code not in SENTENCES}
    assert not missing, f"add them to control_api/journal/sentences.py: {missing}"
    assert {f"preparation_{kind}" for kind in get_args(Due)} <= SENTENCES.keys()
    for code, (vi, en) in SENTENCES.items():
        assert vi, code
        assert en, code
        assert vi != en, code


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_says_something_whatever_the_line_holds(code: str) -> None:
    what = code.split(":")[0]
    for data in ({}, {"text": "{0.__class__}", "name": None, "site": "khác"}, {"ms": [1, {"a": 2}], "view": True}):
        for language in ("vi", "en"):
            for site in (None, "xa-van-mon"):
                assert sentence(what, site, data, language, {})


def test_sentences_name_sites_and_say_values_in_words() -> None:
    names = {"xa-van-mon": "UBND xã Văn Môn", "so-y-te": "Sở Y tế"}
    assert sentence("podium", "xa-van-mon", {"was": None}, "vi", names) == "UBND xã Văn Môn lên bục phát biểu"
    assert sentence("podium", None, {"was": "so-y-te"}, "vi", names) == "Bục phát biểu để trống"
    assert sentence("muted_all", None, {"except": ["so-y-te"]}, "vi", names) == "Tắt tiếng tất cả, trừ: Sở Y tế"
    assert sentence("layout", None, {"view": "wall", "layout": "4x4"}, "vi", {}) == "Tường hình: đổi bố cục sang 4x4"
    data = {"command": "Podium", "ms": 84}
    assert sentence("on_air", "so-y-te", data, "vi", names) == "Lên hình sau 84 ms: bục phát biểu Sở Y tế"
    assert sentence("khong_biet", None, {}, "vi", {}) == "khong_biet"


def test_a_line_of_an_earlier_version_leaves_no_gap() -> None:
    older = {"auto_mute_noisy": True, "pass_through": False, "echo": False}
    said = "Đổi tùy chọn: tự tắt tiếng điểm cầu ồn bật, chuyển thẳng hình tắt"
    assert sentence("options", None, older, "vi", {}) == said
    newer = sentence("options", None, {**older, "loudest": 6}, "vi", {})
    assert newer == f"{said}, số điểm cầu được nghe cùng lúc 6"
