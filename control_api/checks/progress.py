"""How far the checks of a conference are: n of N, and the red list (S79, S82, S84, S85).  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from control_api.bookings.rules import HOUR, RuleSet
from control_api.checks.store import Check, SiteChecks

State = Literal["missing", "failed", "retest", "speaker_missing", "remarks", "passed"]
RED: frozenset[State] = frozenset({"missing", "failed", "retest", "speaker_missing"})


@dataclass(frozen=True, slots=True)
class SiteAt:
    """A site of the conference."""

    id: str
    name: str
    role: str = "member"
    organisation_id: str | None = None
    video: bool = True  # false: it takes part by sound only


@dataclass(frozen=True, slots=True)
class SiteProgress:
    site: SiteAt
    state: State
    check: Check | None
    late: bool  # passed, but later than the rules want

    @property
    def red(self) -> bool:
        return self.state in RED


def progress(sites: Iterable[SiteAt], known: SiteChecks, latest: float | None) -> list[SiteProgress]:
    """Each site, in the order given; `latest` is when the checks must be done (`deadline`)."""
    return [_of(site, known, latest) for site in sites]


def _of(site: SiteAt, known: SiteChecks, latest: float | None) -> SiteProgress:
    check = known.newest.get(site.id)
    late = check is not None and latest is not None and check.row.at > latest
    return SiteProgress(site, _state(site, check, known), check, late)


def _state(site: SiteAt, check: Check | None, known: SiteChecks) -> State:
    if check is None:
        return "missing"
    if not check.good:
        return "failed"
    if known.open_retest(site.id, "retest") is not None:
        return "retest"
    if known.open_retest(site.id, "speaker") is not None:
        return "speaker_missing"
    return "passed" if check.verdict.value == "pass" else "remarks"


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the checks must be done, Unix seconds."""

    wished: float  # a half-day before
    latest: float


def deadline(starts_at: float, rules: RuleSet) -> Deadline:
    """S82: one half-day before, at the latest one hour before the start."""
    return Deadline(starts_at - rules.check_hours * HOUR, starts_at - rules.ready_hours * HOUR)
