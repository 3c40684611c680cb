"""Registration by hosts: the form, its changes, its letter, the calendar."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Right
from control_api.accounts.scope import check_scope, in_scope, not_yours
from control_api.api import Call, Download, Routes
from control_api.bookings import answers, forms, letters, overview, registering, series
from control_api.bookings import capacity_check as check
from control_api.bookings.announcing import announce
from control_api.bookings.booking import complete, read_row, read_stamps
from control_api.bookings.calendar_file import calendar_of
from control_api.bookings.desk import sites_of
from control_api.bookings.gates import blockers
from control_api.bookings.meeting_types import MEETING_TYPES
from control_api.bookings.models import (
    Advance,
    AlternativeAnswer,
    Announcement,
    Because,
    BookingBlocker,
    BookingChange,
    BookingDetail,
    BookingId,
    BookingLine,
    BookingQuery,
    Closing,
    FitAnswer,
    GroupText,
    LetterFile,
    MeetingTypeAnswer,
    NewBooking,
    NewSeries,
    NoticeAnswer,
    NoticeId,
    SharedSites,
)
from control_api.bookings.notices import list_notices, printed, try_again
from control_api.bookings.rules import check_times, local, rules_at
from control_api.bookings.steps import ORDER, Step, may_follow
from control_api.bookings.texts import group_text
from control_api.bookings.visible import titles
from control_api.conferences.models import Page
from control_api.meeting.handing_over import hand_over_unsolved

routes = Routes("bookings")


@routes.get("/bookings/meeting-types", right=Right.READ)
async def list_meeting_types(call: Call) -> list[MeetingTypeAnswer]:
    """Kinds of meeting that may be held online (article 4.2)."""
    return [MeetingTypeAnswer(id=one.id, vi=one.vi, en=one.en) for one in MEETING_TYPES]


@routes.get("/bookings", right=Right.READ)
async def list_bookings(call: Call, query: BookingQuery) -> list[BookingLine]:
    """The calendar, by start; agencies see their own meetings and those they are invited to."""
    async with call.services.database.reading() as session:
        found, count = await overview.find(session, call.user, query)
    call.headers["X-Total-Count"] = str(count)
    return found


@routes.post("/bookings", right=Right.BOOK, status=201)
async def register_booking(call: Call, body: NewBooking) -> BookingDetail:
    """Register a meeting, at least 24 hours before. One that the MCU cannot carry comes back refused at once, with
    other proposals; change it and submit it again."""
    its_id = registering.booking_id(call.command_id)
    await registering.register(call.services.booking_desk, call.user, body, its_id)
    call.headers["Location"] = f"{call.request.path}/{its_id}"
    return await detail(call, its_id)


@routes.post("/bookings/fit", right=Right.BOOK)
async def try_booking(call: Call, body: NewBooking) -> FitAnswer:
    """Whether a meeting would fit and what else could be done, without registering it."""
    desk, now = call.services.booking_desk, call.services.now()
    check_scope(call.user, body.organisation)
    rules = rules_at(now)
    filled = await forms.fill(desk.directory, body)
    row = forms.new_row(body, filled, "b-000000", call.user.username, rules.version, now)
    check_times(rules, row.starts_at, row.ends_at, row.trial_at, row.trial_ends_at, now)
    async with desk.database.reading() as session:
        verdict = await check.judge(session, desk.settings, rules, row, filled.sites)
        proposed = [] if verdict.fits else await check.alternatives(session, rules, verdict, now)
        ids = [site.site_id for site in filled.sites]
        shared = await check.sharing_sites(session, row.id, row.starts_at, row.ends_at, ids)
        conflicts = await _told(session, shared, call.user)
        named = await titles(session, verdict.peak.besides, call.user)
    return FitAnswer(
        fits=verdict.fits,
        share=round(verdict.peak.share, 4),
        at=local(verdict.peak.at),
        besides=tuple(sorted(named)),
        others=len(verdict.peak.besides) - len(named),
        alternatives=tuple(AlternativeAnswer.model_validate(one.to_json()) for one in proposed),
        measured=verdict.capacity.measured,
        conflicts=conflicts,
    )


@routes.post("/bookings/series", right=Right.BOOK, status=201)
async def register_series(call: Call, body: NewSeries) -> list[BookingLine]:
    """Register the same meeting several times; each is a booking of its own, and refused alone if it does not fit."""
    desk = call.services.booking_desk
    ids = await series.register_series(desk, call.user, body.booking, body.repeat, call.command_id)
    async with desk.database.reading() as session:
        rows = [await read_row(session, its_id, lock=False) for its_id in ids]
        return await overview.lines(session, rows)


@routes.get("/bookings/{booking}", right=Right.READ)
async def get_booking(call: Call, booking: BookingId) -> BookingDetail:
    """One meeting: the form, its steps with their stamps, what stands in the way of the next."""
    return await detail(call, booking)


@routes.patch("/bookings/{booking}", right=Right.BOOK)
async def change_booking(call: Call, booking: BookingId, body: BookingChange) -> BookingDetail:
    """Change a meeting that has not begun. Other times or sites must fit again and be 24 hours ahead; whoever was told
    of the meeting is told of the change."""
    await registering.change(call.services.booking_desk, call.user, booking, body)
    await call.services.booking_rooms.settle(booking)
    return await detail(call, booking)


@routes.post("/bookings/{booking}/submission", right=Right.BOOK)
async def submit_booking(call: Call, booking: BookingId) -> BookingDetail:
    """Register a draft, or a meeting that was refused or displaced, once it is changed."""
    await registering.submit(call.services.booking_desk, call.user, booking)
    return await detail(call, booking)


@routes.post("/bookings/{booking}/cancellation", right=Right.BOOK)
async def cancel_booking(call: Call, booking: BookingId, body: Because) -> BookingDetail:
    """Cancel a meeting: its capacity is free, its sites are told."""
    await registering.cancel(call.services.booking_desk, call.user, booking, body.reason)
    await call.services.booking_rooms.settle(booking)
    return await detail(call, booking)


@routes.post("/bookings/{booking}/announcement", right=Right.BOOK)
async def announce_booking(call: Call, booking: BookingId, body: Announcement) -> BookingDetail:
    """Tell the sites both times, each with its own link (step 3)."""
    services = call.services
    await announce(
        services.booking_desk,
        services.booking_rooms,
        services.live,
        call.user,
        booking,
        remark=body.remark,
        links=body.links,
    )
    return await detail(call, booking)


@routes.post("/bookings/{booking}/step", right=Right.BOOK)
async def advance_booking(call: Call, booking: BookingId, body: Advance) -> BookingDetail:
    """Bring a meeting to its next step, if nothing stands in the way; officers may go on with a reason."""
    found = await call.services.bookings.get(booking)
    check_scope(call.user, found.organisation_id)
    override = body.override and Right.DECIDE in call.user.role.rights
    await call.services.bookings.advance(
        booking, Step(body.step), call.user.username, remark=body.remark, override=override
    )
    return await detail(call, booking)


@routes.post("/bookings/{booking}/close-out", right=Right.BOOK)
async def close_booking(call: Call, booking: BookingId, body: Closing) -> BookingDetail:
    """Sum a meeting up (step 8): until then its host is responsible (article 10.1)."""
    await registering.close(call.services.booking_desk, call.user, booking, body)
    closed = await call.services.bookings.get(booking)
    await hand_over_unsolved(call.services, closed.conference_id, call.user.username)
    return await detail(call, booking)


# ---------------------------------------------------------------------------------------------------------- letter


@routes.post("/bookings/{booking}/letter", right=Right.BOOK, status=204, most_bytes=8 * 1024 * 1024)
async def put_booking_letter(call: Call, booking: BookingId, body: LetterFile) -> None:
    """Upload the official letter: PDF, JPEG or PNG, 5 MB at most."""
    content = letters.read_file(body)
    async with call.services.database.writing() as session:
        row = await read_row(session, booking)
        check_scope(call.user, row.organisation_id)
        await letters.put_letter(session, booking, body, content, call.user.username, call.services.now())


@routes.get("/bookings/{booking}/letter", right=Right.BOOK, produces=("application/pdf", "image/jpeg", "image/png"))
async def get_booking_letter(call: Call, booking: BookingId) -> Download:
    """The file of the official letter; for the host and the Sở."""
    async with call.services.database.reading() as session:
        row = await read_row(session, booking, lock=False)
        if not in_scope(call.user, row.organisation_id):
            raise not_yours()
        found = await letters.get_letter(session, booking)
    return Download(found.content, found.media_type, found.name)


# --------------------------------------------------------------------------------------------------------- notices


@routes.get("/bookings/{booking}/notices", right=Right.BOOK)
async def list_booking_notices(call: Call, booking: BookingId, query: Page) -> list[NoticeAnswer]:
    """What was told whom, what became of it, and who confirmed."""
    desk = call.services.booking_desk
    async with desk.database.reading() as session:
        row = await read_row(session, booking, lock=False)
        check_scope(call.user, row.organisation_id)
        found, count = await list_notices(session, desk.receipts, booking, query.offset, query.limit)
    call.headers["X-Total-Count"] = str(count)
    return found


@routes.post("/bookings/{booking}/notices/{notice}/again", right=Right.BOOK, status=204)
async def send_notice_again(call: Call, booking: BookingId, notice: NoticeId) -> None:
    """Try a notice again that failed, or of which nobody knows whether it arrived."""
    async with call.services.database.writing() as session:
        row = await read_row(session, booking)
        check_scope(call.user, row.organisation_id)
        await try_again(session, call.services.settings, booking, notice, call.services.now())


@routes.get("/bookings/{booking}/notice", right=Right.READ, produces=("text/html",))
async def print_booking_notice(call: Call, booking: BookingId) -> Download:
    """The notice as a page to print and sign."""
    desk = call.services.booking_desk
    async with desk.database.reading() as session:
        row = await read_row(session, booking, lock=False)
        sites = await sites_of(session, booking)
        _check_visible(call, row.organisation_id, [site.organisation_id for site in sites])
        page = printed(row, await desk.host(session, row), sites, desk.rules(row), desk.now())
    return Download(page.encode(), "text/html; charset=utf-8")


@routes.get("/bookings/{booking}/calendar", right=Right.READ, produces=("text/calendar",))
async def get_booking_calendar(call: Call, booking: BookingId) -> Download:
    """The meeting and its trial for one's own calendar (.ics)."""
    desk = call.services.booking_desk
    async with desk.database.reading() as session:
        row = await read_row(session, booking, lock=False)
        sites = await sites_of(session, booking)
    _check_visible(call, row.organisation_id, [site.organisation_id for site in sites])
    mail = desk.settings.mail
    text = calendar_of(
        row,
        place=sites[0].place if sites else "",
        text=row.title,
        sender=mail.sender,
        sender_name=mail.sender_name,
        now=desk.now(),
        cancelled=row.state == Step.CANCELLED,
    )
    return Download(text.encode(), "text/calendar; charset=utf-8", f"{booking}.ics")


@routes.get("/bookings/{booking}/group-text", right=Right.BOOK)
async def get_group_text(call: Call, booking: BookingId) -> GroupText:
    """The announcement for the official chat group; without secret links."""
    desk = call.services.booking_desk
    async with desk.database.reading() as session:
        row = await read_row(session, booking, lock=False)
        check_scope(call.user, row.organisation_id)
        sites = await sites_of(session, booking)
        text = group_text(row, await desk.host(session, row), sites[0] if sites else None, sites, desk.rules(row))
    return GroupText(text=text)


# ---------------------------------------------------------------------------------------------------------- shared


def _check_visible(call: Call, organisation: str, others: list[str | None]) -> None:
    if not answers.may_see(call.user, organisation, others):
        raise not_yours()


async def _told(session: AsyncSession, shared: Sequence[check.Sharing], user: SignedIn) -> tuple[SharedSites, ...]:
    """Of a meeting that `user` may not read only when it has which sites."""
    named = await titles(session, [one.booking_id for one in shared], user)
    return tuple(
        SharedSites(
            booking=one.booking_id if one.booking_id in named else None,
            title=named.get(one.booking_id),
            since=local(one.since),
            until=local(one.until),
            sites=one.sites,
        )
        for one in shared
    )


async def detail(call: Call, booking: str) -> BookingDetail:
    """Everything of one meeting that the caller may see.  Raises Refused `unknown_booking`, `not_yours`."""
    now = call.services.now()
    async with call.services.database.reading() as session:
        row = await read_row(session, booking, lock=False)
        found = (await complete(session, [row]))[0]
        answers.check_may_see(call.user, found)
        stamps = await read_stamps(session, booking)
        file_name = await letters.letter_name(session, booking)
        at = ORDER.index(found.state) if found.state in ORDER else -1
        following = ORDER[at + 1] if 0 <= at < len(ORDER) - 1 else None
        missing = [] if following is None else await blockers(session, found, following, now)
        ids = [site.site_id for site in found.sites]
        shared = await check.sharing_sites(session, booking, found.starts_at, found.ends_at, ids)
        conflicts = await _told(session, shared, call.user)
    return BookingDetail(
        **dict(answers.answer(found, call.user, file_name)),
        stamps=answers.stamps(stamps),
        may_follow=tuple(step for step in Step if may_follow(found.state, step, found.class_)),
        blockers=tuple(BookingBlocker(code=one.code, vi=one.vi, en=one.en) for one in missing),
        conflicts=conflicts,
    )
