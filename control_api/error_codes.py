"""docs/errors.md: every code a refusal can carry, with its status and what it says.  Read from the program's source.

`python -m control_api.error_codes` writes it anew; a test finds codes that are not in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from control_api.problems import status_of
from mcu_core.errors import EndpointError, McuError, OperatorError, PeerLost

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "errors.md"
_PACKAGES = ("control_api", "mcu_core", "signaling")
_KINDS: dict[str, type[McuError]] = {
    "Refused": OperatorError,
    "OperatorError": OperatorError,
    "EndpointError": EndpointError,
    "PeerLost": PeerLost,
}
_HEAD = """# Error codes

Every answer that is not 2xx is `{"error": {"code", "vi", "en", "detail"?}}`. Programs go by `code`: it is stable, and
the status follows from it. `vi` and `en` are sentences for people and may be reworded; “…” stands for what differs from
case to case. `detail` names fields, alternatives or blockers where that helps. Sites get the same codes over their
WebSocket, and the `mcu` command prints the same sentences.

This page is written by `python -m control_api.error_codes` from the program itself.

## Refusals

| Status | Code | Says |
|---|---|---|
"""
_BLOCKERS = """
## Blockers

What the code `not_ready` lists in `detail`: why a meeting cannot enter its next step yet. An officer may go on with
`override` and a remark.

| Code | Says |
|---|---|
"""
# What the source puts together from parts.
_ALSO = {
    "check_failed": ("Blocker", "… sites failed the technical check: …."),
    "check_missing": ("Blocker", "… sites are not checked yet: …."),
    "retest_open": ("Blocker", "… sites must be checked again: …."),
    "speaker_check_missing": ("Blocker", "… sites speak and were not checked a second time: …."),
    "bad_times": ("Refused", "A meeting ends after it begins; its trial ends in time before it."),
    "no_capacity": (
        "Refused",
        "The MCU cannot carry it beside the other meetings of that time. `detail.alternatives`: what would fit.",
    ),
    "not_yours": ("Refused", "That belongs to another organisation. Ask them."),
    "not_ready": ("Refused", "The meeting cannot become … yet: …. `detail`: all blockers, see below."),
    "invalid": ("Refused", "The request is not valid (…). `detail`: which fields and what is wrong with them."),
}


@dataclass(frozen=True, slots=True)
class Code:
    code: str
    kind: str  # name of the exception, or Blocker
    en: str

    @property
    def status(self) -> int:
        return status_of(_KINDS[self.kind](self.code, "", ""))


def found(root: Path = ROOT) -> dict[str, Code]:
    """All codes in the program's source, the first sentence of each."""
    codes: dict[str, Code] = {}
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            for code in _codes(ast.parse(path.read_text(encoding="utf-8"))):
                if code.code not in codes or (code.en and not codes[code.code].en):
                    codes[code.code] = code
    codes |= {code: Code(code, kind, en) for code, (kind, en) in _ALSO.items()}
    return dict(sorted(codes.items()))


def page(codes: dict[str, Code]) -> str:
    """The whole document."""
    refusals = sorted((one for one in codes.values() if one.kind != "Blocker"), key=lambda one: (one.status, one.code))
    lines = [f"| {one.status} | `{one.code}` | {_cell(one.en)} |\n" for one in refusals]
    blockers = [f"| `{one.code}` | {_cell(one.en)} |\n" for one in codes.values() if one.kind == "Blocker"]
    return _HEAD + "".join(lines) + _BLOCKERS + "".join(blockers)


def _codes(tree: ast.AST) -> Iterator[Code]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
            continue
        kind = node.func.id
        if kind in _KINDS or kind == "Blocker":
            en = _said(node.args[2]) if len(node.args) > 2 else ""
            for code in _constants(node.args[0]):
                yield Code(code, kind, en)


def _constants(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(value)):
            yield value
        case ast.IfExp(body=body, orelse=orelse):
            yield from _constants(body)
            yield from _constants(orelse)
        case ast.JoinedStr():
            yield _said(node)


def _said(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            return "".join(_said(one) for one in values)
        case ast.BinOp(left=left, right=right):
            return _said(left) + _said(right)
    return "…"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split()) or "…"


if __name__ == "__main__":
    PAGE.write_text(page(found()), encoding="utf-8")
    print(PAGE)
