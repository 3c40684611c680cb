"""What must be ready before a booking enters its next step: read in the transaction of the step.

Preparation before the rehearsal (S77), the Sở's duty officer (S72), the check in time (S82), the speakers' second check
(S84), every site connected an hour before (S87), no rehearsal running when the meeting begins (S78), everything
switched off at the end (S101).  An urgent meeting is never late.  Import this once: it appends to `GATES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.booking import Booking
from control_api.bookings.gates import GATES, Blocker
from control_api.bookings.rules import hours, hours_en, rules_named
from control_api.bookings.steps import Step
from control_api.checks.store import site_checks
from control_api.conferences.tables import Conference, Seat
from control_api.preparation.board import SiteBoard, board
from control_api.preparation.deadlines import Deadlines, deadlines
from control_api.preparation.duty import NAMES, all_gaps
from control_api.preparation.meetings import Meeting, of_booking
from control_api.preparation.store import Kept, read_kept
from control_api.preparation.tables import RoomPlanRow
from control_api.scripts.tables import ScriptRow

_NAMED = 5  # sites in a sentence


async def prepared(session: AsyncSession, booking: Booking, now: float) -> list[Blocker]:
    """S71, S72, S77: room plan, duty roster, the main site's checklist; in time."""
    meeting, kept = of_booking(booking, {}), await read_kept(session, booking.conference_id)
    found = []
    if not any(shift.party == "so" for shift in kept.shifts):
        found.append(
            Blocker(
                "duty_officer_missing",
                "Chưa phân công cán bộ trực MCU của Sở. Hãy phân công trong mục Trực kỹ thuật.",
                "No duty officer of the Sở is named. Assign one in the duty roster.",
            )
        )
    parties = sorted({gap.party for gap in all_gaps(kept.shifts, meeting)} - {"so"})
    found += [
        Blocker(
            f"duty_gap_{party}",
            f"Lịch trực của {NAMES[party][0]} chưa phủ hết thời gian thử và họp.",
            f"The shifts of {NAMES[party][1]} do not cover rehearsal and meeting.",
        )
        for party in parties
    ]
    if await session.get(RoomPlanRow, booking.conference_id) is None:
        found.append(
            Blocker(
                "room_plan_missing",
                "Chưa có phương án mô hình phòng họp. Hãy chọn một mẫu phòng họp.",
                "There is no room plan. Choose a room template.",
            )
        )
    of_main = [one for one in (await _board(session, booking, kept, now)) if one.site.role == "main"]
    if any(not one.prepare.complete for one in of_main):
        found.append(
            Blocker(
                "main_checklist_open",
                "Danh mục chuẩn bị của điểm cầu chính chưa hoàn thành.",
                "The main site's checklist is not complete.",
            )
        )
    if not booking.urgent and now > _deadlines(booking).prepare_by:
        found.append(
            Blocker(
                "preparation_late",
                "Đã quá hạn chuẩn bị: phải xong trước phiên tổng duyệt. Nêu lý do để tiếp tục.",
                "The preparation had to be finished before the rehearsal. Give a reason to go on.",
            )
        )
    return found


async def checked_in_time(session: AsyncSession, booking: Booking, now: float) -> list[Blocker]:
    """S76, S82: at the latest one hour before; every site has named its people."""
    found = []
    before, before_en = _ready(booking)
    if not booking.urgent and now > _deadlines(booking).check_by:
        found.append(
            Blocker(
                "check_late",
                f"Kiểm tra kỹ thuật phải xong trước một buổi, chậm nhất {before} trước phiên họp. "
                "Nêu lý do để tiếp tục.",
                f"The check had to be finished half a day, at the latest {before_en} before. Give a reason to go on.",
            )
        )
    kept = await read_kept(session, booking.conference_id)
    without = [one for one in await _board(session, booking, kept, now) if not one.people]
    if without:
        found.append(
            Blocker(
                "people_missing",
                f"{len(without)} điểm cầu chưa cập nhật lãnh đạo chủ trì, người vận hành: {_list(without)}.",
                f"{len(without)} sites have not named leader and operator: {_list(without)}.",
            )
        )
    return found


async def everybody_connected(session: AsyncSession, booking: Booking, now: float) -> list[Blocker]:
    """S79, S84, S87: every site is in, speakers were checked twice; an hour before."""
    found = []
    before, before_en = _ready(booking)
    if not booking.urgent and now > _deadlines(booking).connect_by:
        found.append(
            Blocker(
                "connect_late",
                f"Các điểm cầu phải kết nối xong trước phiên họp {before}. Nêu lý do để tiếp tục.",
                f"All sites had to be connected {before_en} before the meeting. Give a reason to go on.",
            )
        )
    kept = await read_kept(session, booking.conference_id)
    sites = await _board(session, booking, kept, now)
    absent = [one for one in sites if one.call == "absent"]
    if absent:
        here = len(sites) - len(absent)
        found.append(
            Blocker(
                "sites_absent",
                f"Mới có {here}/{len(sites)} điểm cầu kết nối; còn thiếu: {_list(absent)}.",
                f"Only {here} of {len(sites)} sites are connected; missing: {_list(absent)}.",
            )
        )
    speaking = await _speakers(session, booking) & {one.site.id for one in sites if one.site.role != "main"}
    known = await site_checks(session, booking.conference_id)
    twice = {site for (site, purpose), row in known.retests.items() if purpose == "speaker" and row.done_at is not None}
    unchecked = [one for one in sites if one.site.id in speaking - twice]
    if unchecked:
        found.append(
            Blocker(
                "speakers_unchecked",
                f"{len(unchecked)} điểm cầu sẽ phát biểu chưa kiểm tra lại hình, tiếng: {_list(unchecked)}.",
                f"{len(unchecked)} sites that will speak were not checked a second time: {_list(unchecked)}.",
            )
        )
    return found


async def no_rehearsal(session: AsyncSession, booking: Booking, now: float) -> list[Blocker]:
    """S78: what is rehearsed must not be taken for the meeting."""
    document: Any = await session.scalar(select(Conference.document).where(Conference.id == booking.conference_id))
    if not document or document["arrangement"].get("before_rehearsal") is None:
        return []
    return [
        Blocker(
            "rehearsal_on",
            "Đang tổng duyệt. Hãy kết thúc tổng duyệt trước khi vào phiên họp chính thức.",
            "A rehearsal is on. End it before the meeting begins.",
        )
    ]


async def switched_off(session: AsyncSession, booking: Booking, now: float) -> list[Blocker]:
    """S101: the main site's close-out list is done."""
    kept = await read_kept(session, booking.conference_id)
    of_main = [one for one in await _board(session, booking, kept, now) if one.site.role == "main"]
    if all(one.close.complete for one in of_main):
        return []
    return [
        Blocker(
            "close_out_open",
            "Điểm cầu chính chưa xong danh mục kết thúc: kiểm tra lại hệ thống, tắt thiết bị, ngắt nguồn điện.",
            "The main site's close-out list is open: check the system again, switch off, cut the power.",
        )
    ]


async def _board(session: AsyncSession, booking: Booking, kept: Kept, now: float) -> tuple[SiteBoard, ...]:
    seated = Seat.conference_id == booking.conference_id, Seat.site.is_not(None)
    connected = {site for site in await session.scalars(select(Seat.site).where(*seated)) if site is not None}
    checks = await site_checks(session, booking.conference_id)
    meeting: Meeting = of_booking(booking, {})
    return board(meeting, kept, checks, connected, now).sites


async def _speakers(session: AsyncSession, booking: Booking) -> set[str]:
    document: Any = await session.scalar(
        select(ScriptRow.document).where(ScriptRow.conference_id == booking.conference_id)
    )
    found: set[str] = set()
    for scene in document["scenes"] if document else ():
        found |= {*scene["heard"], *scene["speakers"]} | ({scene["podium"]} if scene["podium"] else set())
    return found


def _deadlines(booking: Booking) -> Deadlines:
    return deadlines(booking.starts_at, booking.trial_at, rules_named(booking.rules))


def _ready(booking: Booking) -> tuple[str, str]:
    """How long before the meeting everything is ready, in both languages."""
    number = rules_named(booking.rules).ready_hours
    return hours(number), hours_en(number)


def _list(sites: Iterable[SiteBoard]) -> str:
    names = [one.site.name for one in sites]
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")


GATES[Step.PREPARED].append(prepared)
GATES[Step.CHECKED].append(checked_in_time)
GATES[Step.CONNECTED].append(everybody_connected)
GATES[Step.SERVING].append(no_rehearsal)
GATES[Step.CLOSED].append(switched_off)
