"""Admission inside a transaction: does this booking fit, and if not, what then (S33, S68, S69)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.bookings.admission import Hold, Peak, capacity_of, holds_between, peak, size_for
from control_api.bookings.alternatives import Alternative, Asked, horizon, propose
from control_api.bookings.rules import RuleSet, said, said_en
from control_api.bookings.steps import HOLDING, Step
from control_api.bookings.tables import BookingRow, BookingSite
from control_api.bookings.visible import titles
from control_api.problems import Refused
from control_api.settings import Settings
from mcu_core.capacity import FULL, Capacity

_MOST_SHARED = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    peak: Peak
    holds: list[Hold]
    others: list[Hold]
    asked: Asked
    capacity: Capacity

    @property
    def fits(self) -> bool:
        return self.peak.fits


def asked_of(row: BookingRow, sites: Sequence[BookingSite]) -> Asked:
    video = sum(site.video for site in sites)
    if row.class_ == "C" and video:
        video += 1  # the upper MCU's picture comes in as one more site
    return Asked(
        row.id,
        size_for(row.parameters, video, len(sites) - sum(site.video for site in sites)),
        row.starts_at,
        row.ends_at,
        row.trial_at,
        row.trial_ends_at,
        row.urgent,
    )


async def judge(
    session: AsyncSession, settings: Settings, rules: RuleSet, row: BookingRow, sites: Sequence[BookingSite]
) -> Verdict:
    """Whether it fits beside what is held; to rely on it, `admission.take_turn` first."""
    capacity = await capacity_of(session, settings)
    asked = asked_of(row, sites)
    holds = asked.holds(rules)
    since, until = min(hold.starts_at for hold in holds), max(hold.ends_at for hold in holds)
    others = await holds_between(session, since, until, but=row.id)
    return Verdict(peak(holds, others, capacity), holds, others, asked, capacity)


async def alternatives(
    session: AsyncSession, rules: RuleSet, verdict: Verdict, now: float, *, besides: Sequence[Hold] = ()
) -> list[Alternative]:
    """What could be done instead; `besides` will be held too, but is not written yet."""
    others = await holds_between(session, *horizon(rules, verdict.asked), but=verdict.asked.booking_id)
    return propose(rules, verdict.asked, [*others, *besides], verdict.capacity, now)


async def no_capacity(session: AsyncSession, rules: RuleSet, verdict: Verdict, now: float, user: SignedIn) -> Refused:
    """The refusal, with what could be done instead; it names the meetings only that `user` may see."""
    proposed = await alternatives(session, rules, verdict, now)
    named = await titles(session, verdict.peak.besides, user)
    vi, en = why_not(verdict)
    return Refused(
        "no_capacity",
        vi,
        en,
        detail={
            "share": round(verdict.peak.share, 4),
            "full": FULL,
            "besides": sorted(named),
            "others": len(verdict.peak.besides) - len(named),
            "alternatives": [one.to_json() for one in proposed],
        },
    )


def why_not(verdict: Verdict) -> tuple[str, str]:
    share, at = verdict.peak.share, verdict.peak.at
    others = len(verdict.peak.besides)
    return (
        f"MCU không đủ năng lực: lúc {said(at)} cùng {others} cuộc họp khác sẽ cần {share:.0%} năng lực, "
        f"chỉ được cấp đến {FULL:.0%}. Hãy chọn giờ khác, bớt điểm cầu có hình, hoặc chỉ dùng tiếng.",
        f"The MCU cannot carry it: at {said_en(at)}, with {others} other meetings, it would need {share:.0%} of the "
        f"capacity, and at most {FULL:.0%} is given. Choose another time, fewer sites by picture, or sound only.",
    )


def lesser(verdict: Verdict, candidates: Sequence[BookingRow]) -> list[str]:
    """Which of the candidates must make room, the first ones first, and no more than needed.  Pure.

    `candidates` are in the order in which they have to give way.  Empty: it fits anyway, or it is of no use.
    """
    others = list(verdict.others)
    gone: list[str] = []

    def fits(without: Sequence[str]) -> bool:
        left = [hold for hold in others if hold.booking_id not in without]
        return peak(verdict.holds, left, verdict.capacity).fits

    for row in candidates:
        if fits(gone):
            break
        gone.append(row.id)
    if not fits(gone):
        return []
    for booking_id in list(gone):
        if fits([one for one in gone if one != booking_id]):
            gone.remove(booking_id)
    return gone


async def displaceable(session: AsyncSession, row: BookingRow, verdict: Verdict, now: float) -> list[BookingRow]:
    """Ordinary meetings that may have to give way: of lower priority, not begun; the lowest and latest first."""
    ids = sorted({hold.booking_id for hold in verdict.others})
    states = [step.value for step in HOLDING if step is not Step.SERVING]
    found = await session.scalars(
        select(BookingRow)
        .where(
            BookingRow.id.in_(ids),
            BookingRow.state.in_(states),
            BookingRow.starts_at > now,
            BookingRow.urgent.is_(False),
            BookingRow.priority < row.priority,
        )
        .order_by(BookingRow.id)
        .with_for_update()
    )
    return sorted(found, key=lambda one: (one.priority, -(one.received_at or 0.0), one.id))


@dataclass(frozen=True, slots=True)
class Sharing:
    """A meeting that wants some of the same sites; `since` to `until` is when both do."""

    booking_id: str
    since: float
    until: float
    sites: tuple[str, ...]


async def sharing_sites(
    session: AsyncSession, booking_id: str, starts_at: float, ends_at: float, site_ids: Sequence[str]
) -> list[Sharing]:
    """Other bookings at the same time that want one of these sites, earliest first; at most 50."""
    waiting = [step.value for step in (Step.REGISTERED, *HOLDING)]
    at_these = BookingSite.site_id.in_(list(site_ids))
    rows = await session.scalars(
        select(BookingRow)
        .where(
            BookingRow.id.in_(select(BookingSite.booking_id).where(at_these)),
            BookingRow.id != booking_id,
            BookingRow.starts_at < ends_at,
            BookingRow.ends_at > starts_at,
            BookingRow.state.in_(waiting),
        )
        .order_by(BookingRow.starts_at, BookingRow.title, BookingRow.id)
        .limit(_MOST_SHARED)
    )
    found = list(rows)
    common: dict[str, list[str]] = {row.id: [] for row in found}
    asked = select(BookingSite.booking_id, BookingSite.site_id).where(
        at_these, BookingSite.booking_id.in_(list(common))
    )
    for its_id, site_id in await session.execute(asked.order_by(BookingSite.site_id)):
        common[its_id].append(site_id)
    return [
        Sharing(row.id, max(row.starts_at, starts_at), min(row.ends_at, ends_at), tuple(common[row.id]))
        for row in found
    ]


def decided(
    answer: str, by: str | None, at: str, code: str, vi: str, en: str, proposed: Sequence[Alternative] = ()
) -> dict[str, Any]:
    """What a booking's `decision` holds."""
    return {
        "answer": answer,
        "by": by,
        "at": at,
        "code": code,
        "vi": vi,
        "en": en,
        "alternatives": [one.to_json() for one in proposed],
    }
