"""The Sở's routes: inbox, decisions, urgent meetings, parameters, conflicts, capacity, help (S46)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.rules import Right
from control_api.accounts.scope import check_scope, sees_all
from control_api.api import Call, Routes
from control_api.bookings import deciding, overview, registering
from control_api.bookings.admission import capacity_of
from control_api.bookings.booking import read_row
from control_api.bookings.models import (
    AllocationForm,
    BookingDetail,
    BookingId,
    CapacityAnswer,
    ComplianceLine,
    ConflictView,
    HelpAnswer,
    HelpId,
    HelpQuery,
    Inbox,
    Question,
    Refusal,
    Reply,
    Span,
    UrgentBooking,
)
from control_api.bookings.parameters import Parameters
from control_api.bookings.routes import detail
from control_api.bookings.rules import local
from control_api.bookings.tables import BookingHelp, CapacityRow
from control_api.problems import Refused
from mcu_core.capacity import FULL

routes = Routes("bookings")


@routes.get("/bookings/inbox", right=Right.DECIDE)
async def get_inbox(call: Call) -> Inbox:
    """What waits for an answer, the most pressing first, and what else the duty officer owes."""
    desk = call.services.booking_desk
    async with desk.database.reading() as session:
        return await overview.inbox(desk, session, desk.now())


@routes.get("/bookings/conflicts", right=Right.BOOK)
async def get_conflicts(call: Call, query: Span) -> ConflictView:
    """How full the MCU is over time, and which meetings overlap or want the same site; of others' meetings an agency's
    account is told the load only."""
    desk = call.services.booking_desk
    async with desk.database.reading() as session:
        return await overview.conflicts(desk, session, query, call.user)


@routes.get("/bookings/compliance", right=Right.DECIDE)
async def get_compliance(call: Call, query: Span) -> list[ComplianceLine]:
    """How each agency kept to the regulation: letters, announcements, close-outs, notices nobody confirmed."""
    async with call.services.database.reading() as session:
        return await overview.compliance(session, query)


@routes.get("/bookings/capacity", right=Right.READ)
async def get_capacity(call: Call) -> CapacityAnswer:
    """What this machine carries, as `mcu check` measured it; a cautious guess when it was never measured."""
    async with call.services.database.reading() as session:
        capacity = await capacity_of(session, call.services.settings)
        row = await session.scalar(select(CapacityRow).order_by(CapacityRow.id.desc()).limit(1))
    return CapacityAnswer(
        decode=capacity.decode,
        encode=capacity.encode,
        compose=capacity.compose,
        packets=capacity.packets,
        measured=capacity.measured,
        at=None if row is None else local(row.at),
        machine=None if row is None else row.machine,
        full=FULL,
        personal_views=call.services.settings.conference.personal_views,
    )


@routes.post("/bookings/urgent", right=Right.DECIDE, status=201)
async def book_urgent(call: Call, body: UrgentBooking) -> BookingDetail:
    """Key in a meeting called in by telephone (article 8.2): no 24 hours, allocated at once. Where there is not enough
    capacity, the refusal names the ordinary meetings that could give way; send it again with `displace`."""
    its_id = registering.booking_id(call.command_id)
    await deciding.urgent(call.services.booking_desk, call.user, body, its_id)
    await call.services.booking_rooms.settle()
    call.headers["Location"] = f"{call.request.path.removesuffix('/urgent')}/{its_id}"
    return await detail(call, its_id)


@routes.post("/bookings/{booking}/allocation", right=Right.DECIDE)
async def allocate_booking(call: Call, booking: BookingId, body: AllocationForm) -> BookingDetail:
    """Create the room and hold its capacity; refused with alternatives when it does not fit."""
    await deciding.allocate(call.services.booking_desk, call.user, booking, remark=body.remark, override=body.override)
    await call.services.booking_rooms.settle(booking)
    return await detail(call, booking)


@routes.post("/bookings/{booking}/refusal", right=Right.DECIDE)
async def refuse_booking(call: Call, booking: BookingId, body: Refusal) -> BookingDetail:
    """Answer no, with the reason and other proposals; the host is told."""
    await deciding.refuse(call.services.booking_desk, call.user, booking, body.reason, propose=body.alternatives)
    return await detail(call, booking)


@routes.put("/bookings/{booking}/parameters", right=Right.DECIDE)
async def set_booking_parameters(call: Call, booking: BookingId, body: Parameters) -> BookingDetail:
    """Set the room's parameters (article 9.1a); they are fixed once all sites must be connected."""
    await registering.set_parameters(call.services.booking_desk, call.user, booking, body)
    await call.services.booking_rooms.settle(booking)
    return await detail(call, booking)


# ------------------------------------------------------------------------------------------------------------ help


@routes.get("/help", right=Right.BOOK)
async def list_help(call: Call, query: HelpQuery) -> list[HelpAnswer]:
    """Questions to the Sở: one's own agency's; the Sở sees all."""
    where: list[ColumnElement[bool]] = [
        BookingHelp.closed_at.is_(None) if query.open == "true" else BookingHelp.closed_at.is_not(None)
    ]
    if not sees_all(call.user):
        where.append(BookingHelp.organisation_id == call.user.organisation)
    async with call.services.database.reading() as session:
        count = await session.scalar(select(func.count()).select_from(BookingHelp).where(*where))
        page = select(BookingHelp).where(*where).order_by(BookingHelp.asked_at, BookingHelp.id)
        rows = list(await session.scalars(page.offset(query.offset).limit(query.limit)))
    call.headers["X-Total-Count"] = str(int(count or 0))
    return [_help(row) for row in rows]


@routes.post("/help", right=Right.BOOK, status=201)
async def ask_help(call: Call, body: Question) -> HelpAnswer:
    """Ask the Sở for help, about a meeting or in general (article 11.1)."""
    its_id = f"h{registering.booking_id(call.command_id, 'help')[1:]}"
    async with call.services.database.writing() as session:
        row = await session.get(BookingHelp, its_id)
        if row is None:
            if body.booking is not None:
                check_scope(call.user, (await read_row(session, body.booking)).organisation_id)
            row = BookingHelp(
                id=its_id,
                booking_id=body.booking,
                organisation_id=call.user.organisation,
                question=body.question,
                asked_by=call.user.username,
                asked_at=call.services.now(),
                answer="",
                answered_by=None,
                closed_at=None,
            )
            session.add(row)
        return _help(row)


@routes.post("/help/{help}/answer", right=Right.DECIDE)
async def answer_help(call: Call, help: HelpId, body: Reply) -> HelpAnswer:
    """Answer a question; it is closed then."""
    async with call.services.database.writing() as session:
        row = await _question(session, help)
        row.answer, row.answered_by, row.closed_at = body.answer, call.user.username, call.services.now()
        return _help(row)


async def _question(session: AsyncSession, help_id: str) -> BookingHelp:
    row = await session.get(BookingHelp, help_id, with_for_update=True)
    if row is None:
        raise Refused("unknown_question", "Không có câu hỏi này.", "There is no such question.")
    return row


def _help(row: BookingHelp) -> HelpAnswer:
    return HelpAnswer(
        id=row.id,
        booking=row.booking_id,
        organisation=row.organisation_id,
        question=row.question,
        asked_by=row.asked_by,
        asked_at=local(row.asked_at),
        answer=row.answer,
        answered_by=row.answered_by,
        closed_at=None if row.closed_at is None else local(row.closed_at),
    )
