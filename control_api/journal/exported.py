"""Checking an exported journal (JSON lines) without the server: its chain of hashes, and that it ends where it says.

An export of a time range begins later and ends earlier: its lines only have to fit each other.  Lines that were picked
out are checked each by itself.  Pure.
"""

from __future__ import annotations

import json
from typing import Any

from control_api.journal.chain import GENESIS, Line
from control_api.journal.verify import MOST_FINDINGS, Chain, Finding, Head, Verdict
from mcu_core.errors import OperatorError


def check_export(export: bytes) -> Verdict:
    """What is not as it was written; `verdict.whole` is whether nothing is.  Raises OperatorError `not_an_export`."""
    try:
        top, *rest = (json.loads(line) for line in export.decode("utf-8").splitlines() if line)
        lines = [_line(fields) for fields in rest]
        conference, head, pruned = str(top["conference"]), top["head"], top["pruned"]
        first, last = Head(int(pruned["seq"]), str(pruned["hash"])), Head(int(head["seq"]), str(head["hash"]))
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise OperatorError(
            "not_an_export",
            "Tệp này không phải nhật ký xuất dạng JSON lines (jsonl) của hệ thống, hoặc đã hỏng.",
            "This file is not a journal exported as JSON lines (jsonl), or it is damaged.",
        ) from None
    if top.get("selection"):
        return _selection(conference, lines)
    if top.get("part"):
        first = Head(lines[0].seq - 1, lines[0].previous) if lines else first
        last = Head(lines[-1].seq, lines[-1].hash) if lines else first
    chain = Chain(conference, Head(last.seq, last.hash, pruned_seq=first.seq, pruned_hash=first.hash))
    chain.read(lines)
    return chain.verdict()


def _selection(conference: str, lines: list[Line]) -> Verdict:
    """Of lines that were picked out of a journal each is checked by itself, and their order."""
    found, last = [], 0
    for line in lines:
        if line.seq <= last:
            found.append(Finding(conference, "moved", line.seq))
        elif line.own_hash() != line.hash:
            found.append(Finding(conference, "changed", line.seq))
        last = line.seq
    tail = lines[-1].hash if lines else GENESIS
    return Verdict(conference, len(lines), last, tail, 0, tuple(found[:MOST_FINDINGS]))


def _line(fields: dict[str, Any]) -> Line:
    return Line(
        conference_id=fields["conference"],
        seq=fields["seq"],
        at=fields["at"],
        what=fields["what"],
        actor=fields["actor"],
        site=fields["site"],
        data=fields["data"],
        previous=fields["previous"],
        hash=fields["hash"],
    )
