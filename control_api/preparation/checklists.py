"""The checklists for main and member sites, as data (`checklists.json`).  Pure.

A meeting keeps the version it began with, so a list that changes later does not open what was done (articles 5, 9 and
the appendix, steps 4, 5 and 8).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from mcu_core.errors import OperatorError

Phase = Literal["prepare", "check", "close"]
State = Literal["open", "done", "failed", "not_applicable"]

PHASES: tuple[Phase, ...] = ("prepare", "check", "close")
_FILE = Path(__file__).with_name("checklists.json")


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    phase: Phase
    roles: tuple[str, ...]  # main, member
    required: bool
    vi: str
    en: str
    source: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Of the required items of one phase at one site."""

    done: int
    failed: int
    total: int

    @property
    def complete(self) -> bool:
        return self.done == self.total


@cache
def versions() -> Mapping[str, tuple[Item, ...]]:
    """Oldest first."""
    return {
        one["version"]: tuple(Item(**{**item, "roles": tuple(item["roles"])}) for item in one["items"])
        for one in json.loads(_FILE.read_text())
    }


def newest() -> str:
    return list(versions())[-1]


def items_for(version: str, role: str) -> tuple[Item, ...]:
    """Items of a site in that role; of the newest list where a version is no longer known."""
    return tuple(item for item in versions().get(version, versions()[newest()]) if role in item.roles)


def item_of(version: str, role: str, item_id: str) -> Item:
    """Raises OperatorError `unknown_item`."""
    for item in items_for(version, role):
        if item.id == item_id:
            return item
    raise OperatorError(
        "unknown_item",
        f"Danh mục kiểm tra của điểm cầu này không có mục “{item_id}”.",
        f"The checklist of this site has no item “{item_id}”.",
    )


def progress(items: Iterable[Item], phase: Phase, states: Mapping[str, State]) -> Progress:
    """`states` by item; what does not apply is done."""
    asked = [states.get(item.id, "open") for item in items if item.phase == phase and item.required]
    done = sum(state in ("done", "not_applicable") for state in asked)
    return Progress(done, asked.count("failed"), len(asked))
