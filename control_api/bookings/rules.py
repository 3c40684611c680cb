"""The regulation's numbers, as versions with the day they came into force (S01), and what follows from them.

A booking keeps the version under which it was received, whatever comes later.  Times are Unix seconds, days and hours
those of Asia/Ho_Chi_Minh.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from control_api.problems import Refused

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class RuleSet:
    version: str
    in_force: date
    source: str
    notice_hours: float  # an ordinary meeting is registered so long before (S29, article 8.1)
    answer_hours: float  # the Sở answers within (S33, article 8.3)
    same_day: bool  # and on the day it came in (S69, appendix step 2)
    check_hours: float  # the check is wished for so long before: "một buổi" (S82)
    ready_hours: float  # checked and connected so long before, at the latest (S82, S87)
    close_hours: float  # the host sums a meeting up within (S43)
    roll_call_seconds: float  # that a site has to answer the roll call (S87)
    report_due: tuple[int, int]  # month and day before which agencies report on their year (S58, article 13.4)
    phone: str  # for urgent meetings (S31)


DEFAULT_RULES = (
    RuleSet(
        version="bn-2025",
        in_force=date(2025, 11, 15),
        source="Quy chế HNTHTT tỉnh Bắc Ninh, hiệu lực 15/11/2025 (thay Quyết định 14/2019/QĐ-UBND tỉnh Bắc Giang)",
        notice_hours=24,
        answer_hours=6,
        same_day=True,
        check_hours=4,
        ready_hours=1,
        close_hours=24,
        roll_call_seconds=15,
        report_due=(11, 30),
        phone="0204.3555.992",
    ),
)


NEWEST_RULES = max(DEFAULT_RULES, key=lambda one: one.in_force)


def local(at: float) -> datetime:
    return datetime.fromtimestamp(at, ZONE)


def said(at: float) -> str:
    """As an office writes it: 08 giờ 30 ngày 23/11/2026."""
    return local(at).strftime("%H giờ %M ngày %d/%m/%Y")


def hours(number: float) -> str:
    """As the regulation writes it: 06 giờ, 1,5 giờ."""
    return f"{number:02g} giờ" if number == int(number) else f"{number:g} giờ".replace(".", ",")


def hours_en(number: float) -> str:
    return "one hour" if number == 1 else f"{number:g} hours"


def said_en(at: float) -> str:
    return local(at).strftime("%H:%M on %d %B %Y")


def rules_at(at: float, versions: tuple[RuleSet, ...] = DEFAULT_RULES) -> RuleSet:
    """The version in force; before the first one that one."""
    day = local(at).date()
    ordered = sorted(versions, key=lambda one: one.in_force)
    return next((one for one in reversed(ordered) if one.in_force <= day), ordered[0])


def rules_named(version: str, versions: tuple[RuleSet, ...] = DEFAULT_RULES) -> RuleSet:
    """The version a booking was received under; one that is no longer known is read as the first."""
    return next((one for one in versions if one.version == version), versions[0])


def answer_by(rules: RuleSet, received_at: float) -> float:
    """Until when the Sở must have answered: the earlier of the two clocks wins (G2, S33, S69)."""
    deadline = received_at + rules.answer_hours * HOUR
    if not rules.same_day:
        return deadline
    midnight = datetime.combine(local(received_at).date() + timedelta(days=1), time(), ZONE)
    return min(deadline, midnight.timestamp())


def warn_at(received_at: float, deadline: float) -> float:
    """When to remind the Sở: an hour before the clock runs out, or half-way when there is less than two."""
    return max(deadline - HOUR, received_at + (deadline - received_at) / 2)


def check_notice(rules: RuleSet, starts_at: float, now: float) -> None:
    """Raises Refused `too_late` for an ordinary meeting registered less than 24 h before (S29)."""
    latest = starts_at - rules.notice_hours * HOUR
    if now <= latest:
        return
    hours = f"{rules.notice_hours:g}"
    raise Refused(
        "too_late",
        f"Cuộc họp thông thường phải đăng ký trước ít nhất {hours} giờ; muộn nhất là {said(latest)}. "
        f"Nếu họp đột xuất, khẩn cấp, hãy gọi {rules.phone} để Sở bố trí ưu tiên; nếu không, hãy chọn giờ họp khác.",
        f"An ordinary meeting is registered at least {hours} hours before; the latest was {said_en(latest)}. "
        f"If it is urgent, call {rules.phone} and the Sở will arrange it with priority; otherwise choose another time.",
        detail={"latest_at": local(latest).isoformat(), "urgent": {"phone": rules.phone, "path": "/bookings/urgent"}},
    )


def check_times(
    rules: RuleSet, starts_at: float, ends_at: float, trial_at: float | None, trial_ends_at: float | None, now: float
) -> None:
    """Raises Refused `bad_times`: what cannot be, whoever asks."""
    if not starts_at < ends_at <= starts_at + 24 * HOUR:
        raise _bad_times(
            "Giờ kết thúc phải sau giờ bắt đầu, và cuộc họp không quá 24 giờ.",
            "A meeting ends after it begins, and lasts 24 hours at most.",
        )
    if ends_at <= now or starts_at > now + 2 * 366 * 24 * HOUR:
        raise _bad_times(
            "Cuộc họp phải kết thúc trong tương lai và bắt đầu trong vòng hai năm tới.",
            "A meeting ends in the future and begins within two years.",
        )
    if trial_at is None or trial_ends_at is None:
        return
    if not trial_at < trial_ends_at <= trial_at + 12 * HOUR:
        raise _bad_times(
            "Giờ kết thúc vận hành thử phải sau giờ bắt đầu, và không quá 12 giờ.",
            "A trial ends after it begins, and lasts 12 hours at most.",
        )
    latest = starts_at - rules.ready_hours * HOUR
    if trial_ends_at > latest:
        raise _bad_times(
            f"Vận hành thử phải xong trước giờ họp ít nhất {rules.ready_hours:g} giờ, muộn nhất {said(latest)}.",
            f"The trial ends at least {rules.ready_hours:g} hours before the meeting, at {said_en(latest)} at latest.",
        )
    if trial_at < starts_at - 30 * 24 * HOUR:
        raise _bad_times(
            "Vận hành thử không được sớm hơn giờ họp quá 30 ngày.",
            "The trial is at most 30 days before the meeting.",
        )


def _bad_times(vi: str, en: str) -> Refused:
    return Refused("bad_times", vi, en)
