"""What could be done instead when a meeting does not fit: another time, fewer sites by picture, sound only (S33).

Each proposal is worked out against what is held, so that taking it up succeeds unless somebody was faster.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal

from control_api.bookings.admission import Hold, Timetable, wanted, windows
from control_api.bookings.rules import HOUR, ZONE, RuleSet, local, said, said_en
from mcu_core.capacity import Capacity, MeetingSize, demand_of, most_video

DAYS = 8  # the same day and the week after
STEP = 0.5 * HOUR
MOST_TIMES = 5
_WORK_BEGINS, _WORK_ENDS = time(7, 0), time(18, 0)

Kind = Literal["time", "fewer_video", "sound_only"]


@dataclass(frozen=True, slots=True)
class Alternative:
    kind: Kind
    starts_at: float
    ends_at: float
    trial_at: float | None
    trial_ends_at: float | None
    video_sites: int
    share: float  # of the machine at its fullest, this meeting included

    def to_json(self) -> dict[str, Any]:
        vi, en = self._said()
        return {
            "kind": self.kind,
            "starts_at": local(self.starts_at).isoformat(),
            "ends_at": local(self.ends_at).isoformat(),
            "trial_at": None if self.trial_at is None else local(self.trial_at).isoformat(),
            "trial_ends_at": None if self.trial_ends_at is None else local(self.trial_ends_at).isoformat(),
            "video_sites": self.video_sites,
            "share": round(self.share, 4),
            "vi": vi,
            "en": en,
        }

    def _said(self) -> tuple[str, str]:
        if self.kind == "time":
            trial = "" if self.trial_at is None else f", vận hành thử lúc {said(self.trial_at)}"
            trial_en = "" if self.trial_at is None else f", trial at {said_en(self.trial_at)}"
            return f"Họp lúc {said(self.starts_at)}{trial}.", f"Meet at {said_en(self.starts_at)}{trial_en}."
        if self.kind == "sound_only":
            return "Giữ nguyên giờ, tất cả điểm cầu chỉ dùng tiếng.", "At the same time, all sites by sound only."
        return (
            f"Giữ nguyên giờ, {self.video_sites} điểm cầu có hình, các điểm cầu khác chỉ dùng tiếng.",
            f"At the same time, {self.video_sites} sites by picture, the others by sound only.",
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A meeting as it was asked for."""

    booking_id: str
    size: MeetingSize
    starts_at: float
    ends_at: float
    trial_at: float | None
    trial_ends_at: float | None
    urgent: bool = False

    def moved(self, seconds: float) -> Asked:
        trial = None if self.trial_at is None else self.trial_at + seconds
        trial_ends = None if self.trial_ends_at is None else self.trial_ends_at + seconds
        return Asked(
            self.booking_id,
            self.size,
            self.starts_at + seconds,
            self.ends_at + seconds,
            trial,
            trial_ends,
            self.urgent,
        )

    def holds(self, rules: RuleSet, size: MeetingSize | None = None) -> list[Hold]:
        times = windows(rules, self.starts_at, self.ends_at, self.trial_at, self.trial_ends_at)
        return wanted(self.booking_id, demand_of(size or self.size), times)


def horizon(rules: RuleSet, asked: Asked) -> tuple[float, float]:
    """Between which times holds matter to `propose`."""
    earliest = min(asked.starts_at - rules.ready_hours * HOUR, asked.trial_at or asked.starts_at)
    return earliest - 24 * HOUR, asked.ends_at + (DAYS + 1) * 24 * HOUR


def propose(rules: RuleSet, asked: Asked, others: Sequence[Hold], capacity: Capacity, now: float) -> list[Alternative]:
    """Up to five other times (nearest first on each day), then what fits at the time asked for."""
    found = []
    timetable = Timetable(others)
    for moved in _times(rules, asked, now):
        fullest = timetable.peak(moved.holds(rules), capacity)
        if fullest.fits:
            found.append(_of("time", moved, moved.size.video_sites, fullest.share))
            if len(found) == MOST_TIMES:
                break
    fitting = [most_video(asked.size, capacity, besides) for besides in timetable.beside(asked.holds(rules))]
    if all(video is not None for video in fitting):
        video = min(video for video in fitting if video is not None)
        if 2 <= video < asked.size.video_sites:
            size = asked.size.with_video(video)
            found.append(_of("fewer_video", asked, video, timetable.peak(asked.holds(rules, size), capacity).share))
        if asked.size.video_sites:
            size = asked.size.sound_only()
            found.append(_of("sound_only", asked, 0, timetable.peak(asked.holds(rules, size), capacity).share))
    return found


def _times(rules: RuleSet, asked: Asked, now: float) -> Iterator[Asked]:
    """Starts within working hours, the same day first, each day those nearest to the hour asked for."""
    begin = local(asked.starts_at)
    earliest = now + (0.0 if asked.urgent else rules.notice_hours * HOUR)
    for days in range(DAYS):
        day = begin.date() + timedelta(days=days)
        first = datetime.combine(day, _WORK_BEGINS, ZONE).timestamp()
        last = datetime.combine(day, _WORK_ENDS, ZONE).timestamp() - (asked.ends_at - asked.starts_at)
        same_hour = datetime.combine(day, begin.time(), ZONE).timestamp()
        starts = [first + number * STEP for number in range(max(0, int((last - first) / STEP) + 1))]
        for start in sorted({*starts, same_hour}, key=lambda at: (abs(at - same_hour), at)):
            moved = asked.moved(start - asked.starts_at)
            if start >= earliest and start != asked.starts_at and (moved.trial_at or start) > now:
                yield moved


def _of(kind: Kind, asked: Asked, video_sites: int, share: float) -> Alternative:
    return Alternative(kind, asked.starts_at, asked.ends_at, asked.trial_at, asked.trial_ends_at, video_sites, share)
