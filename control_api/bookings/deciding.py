"""What the Sở does: allocate, refuse, key in urgent meetings, make ordinary ones give way (S31, S32, S33, S68).

Each function is one transaction in which the holds are read and written behind `take_turn`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.bookings import capacity_check as check
from control_api.bookings import forms
from control_api.bookings.admission import take_turn, write_holds
from control_api.bookings.booking import read_row
from control_api.bookings.desk import Desk, sites_of
from control_api.bookings.models import UrgentBooking
from control_api.bookings.registering import insert
from control_api.bookings.rules import answer_by, check_times, local, rules_at
from control_api.bookings.stamping import enter
from control_api.bookings.steps import HOLDING, Step, check_follows
from control_api.bookings.tables import BookingRow, BookingSite
from control_api.problems import Refused


async def allocate(
    desk: Desk, user: SignedIn, its_id: str, *, remark: str = "", override: bool = False, displace: bool = False
) -> None:
    """Give a registered meeting its room and its capacity.  Allocated already: nothing happens.

    Raises Refused `no_capacity` with alternatives, `not_ready`, `wrong_step`.
    """
    now = desk.now()
    async with desk.database.writing() as session:
        await take_turn(session)
        row = await read_row(session, its_id)
        if Step(row.state) in HOLDING:
            return
        sites = await sites_of(session, its_id)
        if row.ends_at <= now:
            raise Refused(
                "meeting_over",
                "Giờ họp đã qua. Hãy từ chối phiếu này hoặc đề nghị cơ quan chủ trì đổi giờ.",
                "The time of the meeting has passed. Refuse it, or ask the host for another time.",
            )
        await _give_room(desk, session, row, sites, user, now, remark, override, displace and row.urgent)


async def urgent(desk: Desk, user: SignedIn, form: UrgentBooking, its_id: str) -> None:
    """Key in a meeting called in by telephone: no 24 hours, and allocated at once (S31, article 8.2).

    Raises Refused `no_capacity`; its detail names the meetings that could give way (`displace`).
    """
    if await desk.knows(its_id):
        return
    now = desk.now()
    rules = rules_at(now)
    filled = await forms.fill(desk.directory, form)
    row = forms.new_row(form, filled, its_id, user.username, rules.version, now)
    check_times(rules, row.starts_at, row.ends_at, None, None, now)
    forms.complete(row.class_, row, filled.sites, urgent=True)
    async with desk.database.writing() as session:
        await take_turn(session)
        if await session.get(BookingRow, its_id) is not None:
            return
        await insert(session, row, filled.sites)
        row.received_at = min(form.order.called_at.timestamp(), now)
        row.answer_by = answer_by(rules, row.received_at)
        data = {"urgent": True, "authority": form.order.authority, "caller": form.order.caller}
        await enter(session, row, Step.REGISTERED, user.username, now, remark=form.order.reason, data=data)
        await _give_room(desk, session, row, filled.sites, user, now, "", True, form.displace)


async def refuse(desk: Desk, user: SignedIn, its_id: str, reason: str, *, propose: bool) -> None:
    """Answer no, with the reason and what could be done instead (S33)."""
    now = desk.now()
    async with desk.database.writing() as session:
        await take_turn(session)
        row = await read_row(session, its_id)
        if row.state == Step.REFUSED:
            return
        sites, rules = await sites_of(session, its_id), desk.rules(row)
        proposed = []
        if propose:
            verdict = await check.judge(session, desk.settings, rules, row, sites)
            proposed = await check.alternatives(session, rules, verdict, now)
        row.decision = check.decided(
            "refused", user.username, local(now).isoformat(), "refused", reason, reason, proposed
        )
        row.answered_at = now
        await enter(session, row, Step.REFUSED, user.username, now, remark=reason)
        await desk.outbox.tell_host(session, row, sites, "refused", rules, now)


async def _give_room(
    desk: Desk,
    session: AsyncSession,
    row: BookingRow,
    sites: Sequence[BookingSite],
    user: SignedIn,
    now: float,
    remark: str,
    override: bool,
    displace: bool,
) -> None:
    check_follows(Step(row.state), Step.ALLOCATED, "B")
    by = user.username
    rules = desk.rules(row)
    verdict = await check.judge(session, desk.settings, rules, row, sites)
    if not verdict.fits and row.urgent:
        candidates = await check.displaceable(session, row, verdict, now)
        giving_way = check.lesser(verdict, candidates)
        if not giving_way or not displace:
            raise _not_yet(await check.no_capacity(session, rules, verdict, now, user), candidates, giving_way)
        for one in sorted(candidates, key=lambda one: one.conference_id):  # the order in which journals are locked
            if one.id in giving_way:
                await _displace(desk, session, one, row, by, now)
        verdict = await check.judge(session, desk.settings, rules, row, sites)
    if not verdict.fits:
        raise await check.no_capacity(session, rules, verdict, now, user)
    await write_holds(session, row.id, verdict.holds)
    vi = f"Đã cấp phòng; lúc cao điểm dùng {verdict.peak.share:.0%} năng lực MCU."
    en = f"Allocated; at its fullest {verdict.peak.share:.0%} of the MCU's capacity is used."
    row.decision = check.decided("allocated", by, local(now).isoformat(), "allocated", vi, en)
    row.answered_at, row.live = now, "wanted"
    data = {"share": round(verdict.peak.share, 4)}
    await enter(
        session, row, Step.ALLOCATED, by, now, remark=remark or (vi if override else ""), override=override, data=data
    )
    await desk.outbox.tell_host(session, row, sites, "allocated", rules, now)


def _not_yet(refusal: Refused, candidates: Sequence[BookingRow], giving_way: Sequence[str]) -> Refused:
    """The refusal of an urgent meeting, with the ordinary ones that could give way."""
    detail = {**refusal.detail, "would_displace": list(giving_way)}
    titles = "; ".join(f"“{row.title}”" for row in candidates if row.id in giving_way)
    if not titles:
        return Refused(refusal.code, refusal.vi, refusal.en, detail=detail)
    return Refused(
        refusal.code,
        f"{refusal.vi} Hoặc lấy chỗ của cuộc họp thông thường: {titles}.",
        f"{refusal.en} Or take the room of these ordinary meetings: {titles}.",
        detail=detail,
    )


async def _displace(
    desk: Desk, session: AsyncSession, row: BookingRow, urgent_row: BookingRow, by: str, now: float
) -> None:
    """Take an ordinary meeting's capacity; its host is told, with what could be done instead (S32)."""
    rules, sites = desk.rules(row), await sites_of(session, row.id)
    told = Step(row.state) in HOLDING[1:]
    row.sequence += 1
    why_vi = f"Nhường cho cuộc họp khẩn: {urgent_row.title}"
    why_en = f"Gives way to an urgent meeting: {urgent_row.title}"
    await enter(session, row, Step.DISPLACED, by, now, remark=why_vi, data={"by_booking": urgent_row.id})
    await session.flush()
    verdict = await check.judge(session, desk.settings, rules, row, sites)
    own = check.asked_of(urgent_row, await sites_of(session, urgent_row.id)).holds(desk.rules(urgent_row))
    proposed = await check.alternatives(session, rules, verdict, now, besides=own)
    row.decision = check.decided("displaced", by, local(now).isoformat(), "displaced", why_vi, why_en, proposed)
    await desk.outbox.tell_host(session, row, sites, "displaced", rules, now)
    if told:
        await desk.outbox.tell_sites(session, row, sites, "cancel", rules, now, remark=why_vi)
