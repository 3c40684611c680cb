"""Who was there, from the journal: when each site came, how long it stayed, how often it was lost.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from control_api.journal.chain import Line

CAME = "site_live"
LOST = "site_away"
WENT = ("site_left", "dropped", "site_removed")
CODES = (CAME, LOST, *WENT)


@dataclass(frozen=True, slots=True)
class Presence:
    """Unix seconds, within the meeting."""

    first_at: float
    last_at: float
    seconds: float
    losses: int  # times it was lost without having left


def presence(lines: Iterable[Line], since: float, until: float) -> dict[str, Presence]:
    """Of every site that was live between `since` and `until`; `lines` of one journal, oldest first, may be more."""
    begun: dict[str, float] = {}
    found: dict[str, Presence] = {}

    def ends(site: str, at: float, lost: bool) -> None:
        start = begun.pop(site, None)
        if start is None:
            return
        first, last = max(start, since), min(at, until)
        if last <= first:
            return
        before = found.get(site, Presence(first, first, 0.0, 0))
        losses = before.losses + (1 if lost and at < until else 0)
        found[site] = Presence(before.first_at, last, before.seconds + last - first, losses)

    for line in lines:
        if line.site is None or line.at >= until:
            continue
        if line.what == CAME:
            begun.setdefault(line.site, line.at)
        elif line.what == LOST:
            ends(line.site, line.at, lost=True)
        elif line.what in WENT:
            ends(line.site, line.at, lost=False)
    for site in list(begun):
        ends(site, until, lost=False)
    return found
