"""Lists: the calendar, the Sở's inbox, what overlaps whom, how agencies keep to the regulation (S46)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import reads_all
from control_api.bookings import answers
from control_api.bookings.admission import Hold, capacity_of, holds_between
from control_api.bookings.capacity_check import judge
from control_api.bookings.clocks import WARNED
from control_api.bookings.desk import Desk, sites_of
from control_api.bookings.models import (
    BookingLine,
    BookingQuery,
    ComplianceLine,
    ConflictView,
    Inbox,
    InboxLine,
    LoadAnswer,
    OverlapAnswer,
    Span,
)
from control_api.bookings.rules import HOUR, local
from control_api.bookings.steps import HOLDING, Step
from control_api.bookings.tables import (
    BookingHelp,
    BookingNotice,
    BookingRead,
    BookingReminder,
    BookingRow,
    BookingSite,
)
from control_api.bookings.visible import titles, visible
from control_api.directory.search import matches
from mcu_core.capacity import FULL, Capacity, total

_MOST = 200
_SOON = 7 * 24 * HOUR


async def find(session: AsyncSession, user: SignedIn, query: BookingQuery) -> tuple[list[BookingLine], int]:
    """A page of the calendar, and how many there are."""
    where = [*visible(user), *_conditions(query)]
    count = await session.scalar(select(func.count()).select_from(BookingRow).where(*where))
    order = (BookingRow.starts_at, BookingRow.id)
    if query.newest == "true":
        order = (BookingRow.starts_at.desc(), BookingRow.id.desc())  # type: ignore[assignment]
    page = select(BookingRow).where(*where).order_by(*order).offset(query.offset).limit(query.limit)
    return await lines(session, list(await session.scalars(page))), int(count or 0)


async def lines(session: AsyncSession, rows: Sequence[BookingRow]) -> list[BookingLine]:
    counts = await site_counts(session, rows)
    return [answers.line(row, counts) for row in rows]


async def site_counts(session: AsyncSession, rows: Sequence[BookingRow]) -> dict[str, int]:
    ids = [row.id for row in rows]
    counted = select(BookingSite.booking_id, func.count()).where(BookingSite.booking_id.in_(ids))
    return {booking_id: int(number) for booking_id, number in await session.execute(counted.group_by("booking_id"))}


async def inbox(desk: Desk, session: AsyncSession, now: float) -> Inbox:
    """What the duty officer has to do, the most pressing first."""
    waiting = select(BookingRow).where(BookingRow.state == Step.REGISTERED)
    rows = list(await session.scalars(waiting.order_by(BookingRow.answer_by, BookingRow.id).limit(_MOST)))
    ids = [row.id for row in rows]
    warned_rows = select(BookingReminder.booking_id, BookingReminder.due_at).where(
        BookingReminder.booking_id.in_(ids), BookingReminder.kind == WARNED
    )
    warned = {(booking_id, at) for booking_id, at in await session.execute(warned_rows)}
    shown = []
    for row, one in zip(rows, await lines(session, rows), strict=True):
        verdict = await judge(session, desk.settings, desk.rules(row), row, await sites_of(session, row.id))
        shown.append(
            InboxLine(
                **one.model_dump(),
                remaining=(row.answer_by or now) - now,
                warned=(row.id, row.answer_by) in warned,
                fits=verdict.fits,
            )
        )
    displaced = select(BookingRow).where(BookingRow.state == Step.DISPLACED, BookingRow.ends_at > now)
    silent = select(BookingRow).where(
        BookingRow.state == Step.ALLOCATED, BookingRow.ends_at > now, BookingRow.starts_at < now + _SOON
    )
    owed = select(BookingRow).where(BookingRow.state.in_((Step.CONNECTED, Step.SERVING)), BookingRow.ends_at < now)
    groups = []
    for group in (displaced, silent, owed):
        found = list(await session.scalars(group.order_by(BookingRow.starts_at).limit(_MOST)))
        groups.append(tuple(await lines(session, found)))
    failed = select(func.count()).select_from(BookingNotice).where(BookingNotice.state.in_(("failed", "unsure")))
    questions = select(func.count()).select_from(BookingHelp).where(BookingHelp.closed_at.is_(None))
    capacity = await capacity_of(session, desk.settings)
    return Inbox(
        waiting=tuple(shown),
        displaced=groups[0],
        not_announced=groups[1],
        to_close=groups[2],
        failed_notices=int(await session.scalar(failed) or 0),
        open_questions=int(await session.scalar(questions) or 0),
        measured=capacity.measured,
        mail=bool(desk.settings.mail.host),
    )


async def conflicts(desk: Desk, session: AsyncSession, span: Span, user: SignedIn) -> ConflictView:
    """Load over time, and which of the meetings that `user` sees want the same sites at once."""
    since, until = span.since.timestamp(), span.until.timestamp()
    capacity = await capacity_of(session, desk.settings)
    holds = await holds_between(session, since, until)
    states = [step.value for step in (Step.REGISTERED, *HOLDING)]
    wanted = select(BookingRow).where(
        BookingRow.starts_at < until, BookingRow.ends_at > since, BookingRow.state.in_(states), *visible(user)
    )
    rows = list(await session.scalars(wanted.order_by(BookingRow.starts_at, BookingRow.id).limit(_MOST * 5)))
    shown = {one.id: one for one in await lines(session, rows)}
    at_sites: dict[str, set[str]] = {row.id: set() for row in rows}
    asked = select(BookingSite.booking_id, BookingSite.site_id).where(BookingSite.booking_id.in_(list(at_sites)))
    for booking_id, site_id in await session.execute(asked):
        at_sites[booking_id].add(site_id)
    overlaps: list[OverlapAnswer] = []
    for number, first in enumerate(rows):
        for second in rows[number + 1 :]:
            if second.starts_at >= first.ends_at or len(overlaps) == _MOST * 5:
                break
            overlaps.append(
                OverlapAnswer(
                    first=shown[first.id],
                    second=shown[second.id],
                    since=local(second.starts_at),
                    until=local(min(first.ends_at, second.ends_at)),
                    sites=tuple(sorted(at_sites[first.id] & at_sites[second.id])),
                )
            )
    overlaps.sort(key=lambda one: (-len(one.sites), one.since))
    held = _known_only(load(holds, capacity, since, until), None if reads_all(user) else at_sites.keys())
    return ConflictView(
        full=FULL,
        measured=capacity.measured,
        load=tuple(held),
        overlaps=tuple(overlaps),
        titles=await titles(session, {name for one in held for name in one.bookings}, user),
    )


def _known_only(found: list[LoadAnswer], known: Collection[str] | None) -> list[LoadAnswer]:
    """Without the names of bookings that are not `known`; None: all are."""
    if known is None:
        return found
    return [one.model_copy(update={"bookings": tuple(name for name in one.bookings if name in known)}) for one in found]


def load(holds: Sequence[Hold], capacity: Capacity, since: float, until: float) -> list[LoadAnswer]:
    """The share of the machine that is held from each change to the next; nothing is said of empty times.  Pure."""
    edges = {since, until, *(at for hold in holds for at in (hold.starts_at, hold.ends_at) if since < at < until)}
    ordered = sorted(edges)
    found = []
    for begin, end in pairwise(ordered):
        busy = [hold for hold in holds if hold.holds_at(begin)]
        if busy:
            share = capacity.share(total(hold.demand for hold in busy))
            names = tuple(sorted({hold.booking_id for hold in busy}))
            found.append(LoadAnswer(since=local(begin), until=local(end), share=round(share, 4), bookings=names))
    return found


async def compliance(session: AsyncSession, span: Span) -> list[ComplianceLine]:
    """How each agency kept to the regulation in that time."""
    since, until = span.since.timestamp(), span.until.timestamp()
    wanted = select(BookingRow).where(
        BookingRow.starts_at < until, BookingRow.ends_at > since, BookingRow.state != Step.DRAFT
    )
    by_house: dict[str, list[BookingRow]] = {}
    for row in await session.scalars(wanted.order_by(BookingRow.organisation_id).limit(20_000)):
        by_house.setdefault(row.organisation_id, []).append(row)
    unread = (
        select(BookingRow.organisation_id, func.count())
        .join(BookingNotice, BookingNotice.booking_id == BookingRow.id)
        .outerjoin(BookingRead, BookingRead.notice_id == BookingNotice.id)
        .where(
            BookingRow.starts_at < until,
            BookingRow.ends_at > since,
            BookingNotice.site_id.is_not(None),
            BookingRead.notice_id.is_(None),
        )
        .group_by(BookingRow.organisation_id)
    )
    unread_by_house = {house: int(number) for house, number in await session.execute(unread)}
    return [_compliance(house, rows, unread_by_house.get(house, 0)) for house, rows in by_house.items()]


def _compliance(house: str, rows: Sequence[BookingRow], unread: int) -> ComplianceLine:
    def count(*states: Step) -> int:
        return sum(row.state in states for row in rows)

    return ComplianceLine(
        organisation=house,
        meetings=len(rows),
        urgent=sum(row.urgent for row in rows),
        refused=count(Step.REFUSED),
        cancelled=count(Step.CANCELLED),
        displaced=count(Step.DISPLACED),
        without_letter=sum(not row.form.get("letter") and not row.urgent and row.class_ != "C" for row in rows),
        not_announced=count(Step.ALLOCATED),
        not_closed=count(Step.CONNECTED, Step.SERVING),
        unread_notices=unread,
    )


def _conditions(query: BookingQuery) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = matches(BookingRow.search, query.words)
    if query.since is not None:
        where.append(BookingRow.ends_at > query.since.timestamp())
    if query.until is not None:
        where.append(BookingRow.starts_at < query.until.timestamp())
    if query.state is not None:
        where.append(BookingRow.state == query.state)
    if query.organisation is not None:
        where.append(BookingRow.organisation_id == query.organisation)
    if query.site is not None:
        at_site = select(BookingSite.booking_id).where(BookingSite.site_id == query.site)
        where.append(BookingRow.id.in_(at_site))
    if query.class_ is not None:
        where.append(BookingRow.class_ == query.class_)
    if query.urgent is not None:
        where.append(BookingRow.urgent.is_(query.urgent == "true"))
    if query.series is not None:
        where.append(BookingRow.series_id == query.series)
    return where
