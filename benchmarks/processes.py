"""Processor time and memory of a process and all its descendants, from /proc (proc(5)).

Works on Linux only.  Time of a descendant that ended between two looks is lost, so measure while nothing ends.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of processor time since its start, resident memory, and the command line of one process."""

    pid: int
    parent: int
    seconds: float
    rss_mb: float
    command: str


def tree(root: int) -> dict[int, Usage]:
    """Process `root` and everything below it, by pid."""
    everything = {
        usage.pid: usage for entry in Path("/proc").iterdir() if entry.name.isdigit() and (usage := _look(entry))
    }
    found: dict[int, Usage] = {}
    grown = {root} & everything.keys()
    while grown:
        found |= {pid: everything[pid] for pid in grown}
        grown = {pid for pid, usage in everything.items() if usage.parent in grown and pid not in found}
    return found


def cores(before: dict[int, Usage], after: dict[int, Usage], seconds: float) -> float:
    """Cores used between two looks at the same tree."""
    return sum(use.seconds - (before[pid].seconds if pid in before else 0.0) for pid, use in after.items()) / seconds


def role(command: str) -> str:
    """Which process of the MCU a command line is."""
    if "control_api.control" in command:
        return "control"
    if "mcu_core.relay" in command:
        return "relay"
    if "mcu_core.mixing" in command:
        return "mixer"
    return "supervisor"


def _look(entry: Path) -> Usage | None:
    try:
        stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None  # it ended
    fields = stat.rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / _TICK
    return Usage(int(entry.name), int(fields[1]), seconds, int(fields[21]) * _PAGE / 1e6, command.strip())
