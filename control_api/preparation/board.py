"""How far each site is, and the red list at T - 1 h (S79, S82, S87).  Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from control_api.checks.progress import SiteAt, progress
from control_api.checks.progress import State as CheckState
from control_api.checks.store import SiteChecks
from control_api.preparation.checklists import Progress, items_for
from control_api.preparation.checklists import progress as items_done
from control_api.preparation.deadlines import Deadlines, deadlines
from control_api.preparation.meetings import Meeting, MeetingSite
from control_api.preparation.store import Kept

Call = Literal["present", "failed", "absent"]  # what a site is called at the roll call (S87)
Why = Literal["not_prepared", "item_failed", "people_missing", "line_bad", "not_checked", "check_failed", "absent"]

WORDS: Mapping[Why, tuple[str, str]] = {
    "not_prepared": ("Chưa xong danh mục chuẩn bị", "The checklist of the preparation is open"),
    "item_failed": ("Có mục kiểm tra không đạt", "An item of the checklist failed"),
    "people_missing": ("Chưa cập nhật lãnh đạo chủ trì, người vận hành", "Leader and operator are not named"),
    "line_bad": ("Đường truyền kiểm tra không đạt", "The line check failed"),
    "not_checked": ("Chưa kiểm tra kỹ thuật", "The technical check is missing"),
    "check_failed": ("Kiểm tra kỹ thuật chưa đạt, phải kiểm tra lại", "The technical check must be repeated"),
    "absent": ("Chưa kết nối", "Not connected"),
}


@dataclass(frozen=True, slots=True)
class SiteBoard:
    site: MeetingSite
    call: Call
    check: CheckState
    prepare: Progress
    verify: Progress  # items of the phase `check`
    close: Progress
    people: bool  # leader and operator are named
    line_good: bool | None
    seats_short: int  # how many seats are missing (S17)
    why: tuple[Why, ...]  # what is missing now, whether or not it is due yet
    red: tuple[Why, ...]  # of it, what should be there by now

    @property
    def ready(self) -> bool:
        return not self.why


@dataclass(frozen=True, slots=True)
class Board:
    meeting: Meeting
    times: Deadlines | None
    sites: tuple[SiteBoard, ...]

    @property
    def red(self) -> tuple[SiteBoard, ...]:
        return tuple(site for site in self.sites if site.red)

    def called(self, call: Call) -> tuple[str, ...]:
        return tuple(one.site.id for one in self.sites if one.call == call)


def board(meeting: Meeting, kept: Kept, checks: SiteChecks, connected: Collection[str], now: float) -> Board:
    """`connected`: ids of the sites that are in the conference now."""
    times = None if meeting.starts_at is None else deadlines(meeting.starts_at, meeting.trial_at, meeting.rules)
    at = [SiteAt(site.id, site.name, site.role, site.organisation) for site in meeting.sites]
    states = {one.site.id: one.state for one in progress(at, checks, None if times is None else times.check_by)}
    sites = [_site(site, kept, states[site.id], checks, site.id in connected, times, now) for site in meeting.sites]
    return Board(meeting, times, tuple(sites))


def _site(
    site: MeetingSite,
    kept: Kept,
    check: CheckState,
    checks: SiteChecks,
    connected: bool,
    times: Deadlines | None,
    now: float,
) -> SiteBoard:
    items, said = items_for(kept.version, site.role), kept.states(site.id)
    prepare, verify, close = (items_done(items, phase, said) for phase in ("prepare", "check", "close"))
    line = kept.lines.get(site.id)
    people = named(site.id, kept, checks)
    failed = check in ("failed", "retest", "speaker_missing")
    missing: dict[Why, bool] = {
        "not_prepared": not prepare.complete,
        "item_failed": prepare.failed + verify.failed > 0,
        "people_missing": not people,
        "line_bad": line is not None and not line.good,
        "not_checked": check == "missing",
        "check_failed": failed,
        "absent": not connected,
    }
    why = tuple(one for one, here in missing.items() if here)
    return SiteBoard(
        site,
        "absent" if not connected else "failed" if failed else "present",
        check,
        prepare,
        verify,
        close,
        people,
        None if line is None else line.good,
        seats_short(site, kept),
        why,
        tuple(one for one in why if times is not None and now >= _due(one, times)),
    )


def _due(why: Why, times: Deadlines) -> float:
    if why in ("not_prepared", "people_missing"):
        return times.prepare_by
    return times.connect_by if why == "absent" else times.check_by


def named(site: str, kept: Kept, checks: SiteChecks) -> bool:
    """Leader and operator are known, by the form or by the sheet of the newest check (S76)."""
    if site in kept.people:
        return True
    check = checks.newest.get(site)
    return check is not None and all((check.row.leader, check.row.operator_name, check.row.operator_phone))


def seats_short(site: MeetingSite, kept: Kept) -> int:
    """How many more are expected than there are seats; 0 when either is not known (S17, article 5.4)."""
    form = kept.people.get(site.id)
    expected = site.attendees if form is None or form.attendees is None else form.attendees
    return 0 if expected is None or site.seats is None else max(0, expected - site.seats)
