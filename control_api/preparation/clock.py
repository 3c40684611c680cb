"""The clocks of the preparation: deadlines, the board at T - 1 h, reminders to the sites.  Restart-safe.

What is told is written down in the same transaction as its journal line, so a restart neither repeats nor forgets it.
A reminder that nobody could have seen in time (control was down) is only written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.rules import hours, hours_en, said, said_en
from control_api.bookings.steps import HOLDING, Step
from control_api.bookings.tables import BookingRow
from control_api.directory.notices import notify
from control_api.live.store import Json
from control_api.preparation.board import Board, board
from control_api.preparation.deadlines import STALE, Due, due
from control_api.preparation.meetings import Meeting, live_state, meeting_of
from control_api.preparation.store import PreparationStore
from control_api.services import Services
from signaling.messages import Cue

EVERY = 20.0
AHEAD = 2 * 86400.0
AFTER = 86400.0

ALARMS: Mapping[Due, tuple[str, str]] = {
    "prepare_soon": (
        "Còn 2 giờ đến hạn chuẩn bị; danh mục chuẩn bị hoặc lịch trực chưa xong.",
        "Two hours until the preparation is due; checklist or duty roster are open.",
    ),
    "prepare_late": (
        "Đã quá hạn chuẩn bị mà cuộc họp chưa ở bước “đã chuẩn bị”.",
        "The preparation is overdue: the meeting is not prepared.",
    ),
    "check_soon": (
        "Còn 2 giờ đến hạn kiểm tra kỹ thuật các điểm cầu.",
        "Two hours until the technical check of the sites is due.",
    ),
    "check_late": (
        "Đã đến hạn {vi} trước phiên họp mà kiểm tra kỹ thuật chưa xong.",
        "The technical check is not finished {en} before the meeting.",
    ),
    "duty_missing": (
        "Chưa phân công cán bộ trực MCU của Sở cho cuộc họp.",
        "No duty officer of the Sở is named for the meeting.",
    ),
}
_SUBJECTS: Mapping[Due, str] = {
    "prepare_soon": "Chuẩn bị cuộc họp",
    "prepare_late": "Chuẩn bị cuộc họp",
    "check_soon": "Kiểm tra kỹ thuật",
    "check_late": "Kiểm tra kỹ thuật",
    "duty_missing": "Chưa có cán bộ trực MCU",
}
_NAMED = 5  # sites in a text
CUES: Mapping[Due, tuple[str, str, float]] = {
    "batteries": (
        "Xin kiểm tra pin micro cầm tay và tắt micro khi không phát biểu.",
        "Please check the batteries of hand microphones, and mute while not speaking.",
        120.0,
    ),
    "close_out": (
        "Phiên họp đã đến giờ kết thúc. Sau cuộc họp xin kiểm tra lại hệ thống, tắt thiết bị và ngắt nguồn điện.",
        "The meeting's time is over. Afterwards check the system again, switch off the devices and cut the power.",
        300.0,
    ),
}


async def watch(services: Services) -> None:
    """Runs until cancelled."""
    while True:
        await look(services, services.now())
        await asyncio.sleep(EVERY)


async def look(services: Services, now: float) -> None:
    """Tell what is due of every meeting around `now`."""
    async with services.database.reading() as session:
        near = BookingRow.starts_at < now + AHEAD, BookingRow.ends_at > now - AFTER
        alive = BookingRow.state.in_([step.value for step in (*HOLDING, Step.SERVING)])
        ids = list(await session.scalars(select(BookingRow.conference_id).where(*near, alive)))
    for conference_id in ids:
        await look_at(services, await meeting_of(services, conference_id), now)


async def look_at(services: Services, meeting: Meeting, now: float) -> None:
    store = PreparationStore(services.database)
    told = await store.told(meeting.conference_id)
    for what, at in due(meeting, now, told):
        of_now = await board_of(services, meeting, now)
        data: Json = {"due_at": at, **facts(what, of_now)}
        if what == "duty_missing" and await _officer_named(services, meeting):
            continue
        also = partial(_letters, meeting, what, of_now, now) if what in ALARMS else None
        if not await store.tell(meeting.conference_id, what, at, now, data, also=also) or now - at > STALE:
            continue
        vi, en = hours(meeting.rules.ready_hours), hours_en(meeting.rules.ready_hours)
        if what in ALARMS:
            _alarm(services, meeting.conference_id, f"preparation_{what}", *_sentences(meeting, what), now)
        elif what == "board" and (of_now.red or of_now.called("absent")):
            here, total = len(of_now.called("present")), len(of_now.sites)
            _alarm(
                services,
                meeting.conference_id,
                "preparation_board",
                f"{vi} trước phiên họp: {here}/{total} điểm cầu sẵn sàng; xem danh sách đỏ.",
                f"{en} before the meeting: {here} of {total} sites are ready; see the red list.",
                now,
            )
        if what in CUES:
            _remind(services, of_now, what)


async def board_of(services: Services, meeting: Meeting, now: float) -> Board:
    """The board with who is connected at this moment."""
    state = live_state(services, meeting.conference_id)
    connected = set() if state is None else {site["id"] for site in state["sites"] if site["state"] == "live"}
    kept = await PreparationStore(services.database).kept(meeting.conference_id)
    checks = await services.checks.store.of_conference(meeting.conference_id)
    return board(meeting, kept, checks, connected, now)


def facts(what: Due, of_now: Board) -> Json:
    """What the journal keeps of that moment."""
    if what == "board":
        return {call: list(of_now.called(call)) for call in ("present", "failed", "absent")}
    if what in ("prepare_late", "check_late"):
        return {"red": [one.site.id for one in of_now.red]}
    return {}


def _sentences(meeting: Meeting, what: Due) -> tuple[str, str]:
    vi, en = ALARMS[what]
    number = meeting.rules.ready_hours
    return vi.format(vi=hours(number)), en.format(en=hours_en(number))


async def _officer_named(services: Services, meeting: Meeting) -> bool:
    kept = await PreparationStore(services.database).kept(meeting.conference_id)
    return any(shift.party == "so" for shift in kept.shifts)


async def _letters(meeting: Meeting, what: Due, of_now: Board, now: float, session: AsyncSession) -> None:
    """The Sở and, of what it can do itself, the host are told in the office and by e-mail."""
    assert meeting.starts_at is not None, "nothing is due of a meeting without a time"
    vi, en = _sentences(meeting, what)
    red = [one.site.name for one in of_now.red] if what.startswith("check") else []
    names = f" Còn {len(red)} điểm cầu: {', '.join(red[:_NAMED])}{' …' if len(red) > _NAMED else ''}." if red else ""
    to_be_told: list[str | None] = [None]
    if what != "duty_missing" and meeting.organisation is not None:
        to_be_told.append(meeting.organisation)
    left = f" {len(red)} sites are left." if red else ""
    for to in to_be_told:
        await notify(
            session,
            f"preparation_{what}",
            f"Cuộc họp “{meeting.title}”, {said(meeting.starts_at)}: {vi}{names}",
            f"Meeting “{meeting.title}”, {said_en(meeting.starts_at)}: {en}{left}",
            now=now,
            to=to,
            organisation=meeting.organisation,
            subject=meeting.booking_id,
            mail=f"[{'Quá hạn' if what.endswith('late') else 'Nhắc'}] {_SUBJECTS[what]}: {meeting.title}",
            page=f"/office#/preparation/{meeting.conference_id}",
        )


def _alarm(services: Services, conference_id: str, code: str, vi: str, en: str, now: float) -> None:
    services.live.tell(conference_id, "alarm", code=code, vi=vi, en=en, at=now)


def _remind(services: Services, of_now: Board, what: Due) -> None:
    vi, en, seconds = CUES[what]
    cue = Cue(id=f"q-{what.replace('_', '-')}", kind="reminder", vi=vi, en=en, seconds=seconds)
    for one in of_now.sites:
        if one.call != "absent":
            services.live.tell_site(of_now.meeting.conference_id, one.site.id, cue)
