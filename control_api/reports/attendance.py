"""Who was there, from the journal: when each site came, how long it stayed, how often it was lost.  Pure.

A rehearsal (S78) is not the meeting: nobody attends while it lasts, and who is still there when it ends comes then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from control_api.journal.chain import Line

CAME = "site_live"
LOST = "site_away"
WENT = ("site_left", "dropped", "site_removed")
REHEARSAL = "rehearsal"
REHEARSED = "rehearsal_ended"
CODES = (CAME, LOST, *WENT, REHEARSAL, REHEARSED)

Span = tuple[float, float]  # Unix seconds


@dataclass(frozen=True, slots=True)
class Presence:
    """Unix seconds, within the meeting."""

    first_at: float
    last_at: float
    seconds: float
    losses: int  # times it was lost without having left


def rehearsals(lines: Iterable[Line], until: float) -> tuple[Span, ...]:
    """When the script was rehearsed, oldest first; one that nobody ended lasts to `until`."""
    found: list[Span] = []
    begun: float | None = None
    for line in lines:
        if line.what == REHEARSAL and begun is None:
            begun = line.at
        elif line.what == REHEARSED and begun is not None:
            found.append((begun, line.at))
            begun = None
    return (*found, (begun, max(begun, until))) if begun is not None else tuple(found)


def within(at: float | None, spans: Iterable[Span]) -> bool:
    return at is not None and any(since <= at < until for since, until in spans)


def presence(lines: Iterable[Line], since: float, until: float) -> dict[str, Presence]:
    """Of every site that was live between `since` and `until`; `lines` of one journal, oldest first, may be more."""
    begun: dict[str, float] = {}
    found: dict[str, Presence] = {}
    aside: set[str] | None = None  # who is there during a rehearsal

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
        if line.at >= until:
            continue
        if line.what == REHEARSAL and aside is None:
            aside = set(begun)
            for site in aside:
                ends(site, line.at, lost=False)
        elif line.what == REHEARSED and aside is not None:
            begun, aside = dict.fromkeys(sorted(aside), line.at), None
        elif line.site is None:
            continue
        elif aside is not None:
            if line.what == CAME:
                aside.add(line.site)
            elif line.what == LOST or line.what in WENT:
                aside.discard(line.site)
        elif line.what == CAME:
            begun.setdefault(line.site, line.at)
        elif line.what == LOST:
            ends(line.site, line.at, lost=True)
        elif line.what in WENT:
            ends(line.site, line.at, lost=False)
    for site in list(begun):
        ends(site, until, lost=False)
    return found
