"""Verifying journals: that no line was changed, removed, put elsewhere or cut off since it was written.

`Chain` is pure and reads lines in the order of their numbers; `Journals.verify` feeds it.  A chain proves that lines
fit each other and the head; anchors (heads of past days, also in every backup) prove that the whole was not made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from control_api.journal.chain import GENESIS, Line

MOST_FINDINGS = 20  # told of one journal; after the first, much follows from it

Kind = Literal["changed", "removed", "moved", "unchained", "truncated", "beyond_head", "head_changed", "anchor_broken"]

_SAYS: dict[Kind, tuple[str, str]] = {
    "changed": ("dòng {seq} đã bị sửa nội dung", "line {seq} was changed"),
    "removed": ("thiếu {count} dòng trước dòng {seq}", "{count} lines before line {seq} are missing"),
    "moved": ("dòng {seq} bị đổi chỗ", "line {seq} was moved"),
    "unchained": ("dòng {seq} không nối với dòng trước", "line {seq} does not follow the line before it"),
    "truncated": ("bị cắt bớt {count} dòng cuối, sau dòng {seq}", "{count} lines were cut off after line {seq}"),
    "beyond_head": ("có dòng {seq} ở sau dòng cuối đã ghi nhận", "line {seq} is behind the recorded last line"),
    "head_changed": ("mã băm cuối không khớp dòng {seq}", "the head's hash is not that of line {seq}"),
    "anchor_broken": ("dòng {seq} khác với mốc đã lưu", "line {seq} is not what was anchored"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written."""

    conference_id: str
    kind: Kind
    seq: int
    count: int = 0

    @property
    def vi(self) -> str:
        return f"Nhật ký {self.conference_id}: {_SAYS[self.kind][0].format(seq=self.seq, count=self.count)}."

    @property
    def en(self) -> str:
        return f"Journal {self.conference_id}: {_SAYS[self.kind][1].format(seq=self.seq, count=self.count)}."


@dataclass(frozen=True, slots=True)
class Head:
    """What a journal should end with, and where it begins since it was pruned."""

    seq: int = 0
    hash: str = GENESIS
    changed_at: float = 0.0
    pruned_seq: int = 0
    pruned_hash: str = GENESIS
    pruned_at: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one journal.  `hash` is that of the last line found."""

    conference_id: str
    lines: int
    seq: int
    hash: str
    pruned: int
    findings: tuple[Finding, ...]

    @property
    def whole(self) -> bool:
        return not self.findings


@dataclass(slots=True)
class Chain:
    """Checks one journal, line by line."""

    conference_id: str
    head: Head
    anchors: Mapping[int, str] = field(default_factory=dict)  # number of a line -> its hash as anchored
    lines: int = 0
    _seq: int = field(init=False)
    _hash: str = field(init=False)
    _id: int = 0
    _found: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._seq, self._hash = self.head.pruned_seq, self.head.pruned_hash

    @property
    def seq(self) -> int:
        return self._seq

    def read(self, lines: Iterable[Line]) -> None:
        """The next lines, by their numbers."""
        for line in lines:
            self.lines += 1
            if line.seq > self.head.seq:
                self._find("beyond_head", line.seq)
            if line.seq > self._seq + 1:
                self._find("removed", line.seq, line.seq - self._seq - 1)
            elif line.previous != self._hash:
                self._find("unchained", line.seq)
            if line.id < self._id:  # rows are written in the order of their ids
                self._find("moved", line.seq)
            if line.own_hash() != line.hash:
                self._find("changed", line.seq)
            elif self.anchors.get(line.seq, line.hash) != line.hash:
                self._find("anchor_broken", line.seq)
            self._seq, self._hash, self._id = line.seq, line.hash, max(line.id, self._id)

    def verdict(self) -> Verdict:
        """After the last line."""
        if self._seq < self.head.seq:
            self._find("truncated", self._seq, self.head.seq - self._seq)
        elif self._seq == self.head.seq and self._hash != self.head.hash:
            self._find("head_changed", self._seq)
        lost = [seq for seq in self.anchors if seq > max(self._seq, self.head.seq)]
        if lost:
            self._find("truncated", self._seq, max(lost) - self._seq)
        pruned = self.head.pruned_seq
        return Verdict(self.conference_id, self.lines, self._seq, self._hash, pruned, tuple(self._found))

    def _find(self, kind: Kind, seq: int, count: int = 0) -> None:
        if len(self._found) < MOST_FINDINGS:
            self._found.append(Finding(self.conference_id, kind, seq, count))
