"""Bookings as the API shows them, and to whom what.  Pure, but for what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import not_yours, reads_all, sees_all
from control_api.bookings.booking import Booking, Stamp
from control_api.bookings.models import (
    BookedSiteAnswer,
    BookingAnswer,
    BookingLine,
    Closing,
    DecisionAnswer,
    LetterAnswer,
    Order,
    Person,
    StampAnswer,
    Uplink,
)
from control_api.bookings.parameters import Parameters
from control_api.bookings.rules import local
from control_api.bookings.tables import BookingRow


def may_see(user: SignedIn, organisation: str, site_organisations: Sequence[str | None]) -> bool:
    """Hosts and invited agencies; the province's accounts see the whole calendar."""
    own = user.organisation
    return reads_all(user) or (own is not None and own in (organisation, *site_organisations))


def check_may_see(user: SignedIn, booking: Booking) -> None:
    """Raises Refused `not_yours`."""
    if not may_see(user, booking.organisation_id, [site.organisation_id for site in booking.sites]):
        raise not_yours()


def answer(booking: Booking, user: SignedIn, file_name: str | None) -> BookingAnswer:
    form, close = booking.form, booking.close_out
    inside = sees_all(user) or user.organisation is not None
    return BookingAnswer(
        id=booking.id,
        conference=booking.conference_id,
        organisation=booking.organisation_id,
        owner=booking.owner,
        title=booking.title,
        class_=booking.class_,
        meeting_type=booking.meeting_type,
        urgent=booking.urgent,
        priority=booking.priority,
        starts_at=local(booking.starts_at),
        ends_at=local(booking.ends_at),
        trial_at=None if booking.trial_at is None else local(booking.trial_at),
        trial_ends_at=None if booking.trial_ends_at is None else local(booking.trial_ends_at),
        state=booking.state,
        state_at=local(booking.state_at),
        rules=booking.rules,
        chair=str(form.get("chair") or ""),
        agenda=str(form.get("agenda") or ""),
        contact=Person.model_validate(form["contact"]) if inside and form.get("contact") else None,
        letter=LetterAnswer(**form["letter"], file=file_name) if form.get("letter") else None,
        uplink=Uplink.model_validate(form["uplink"]) if form.get("uplink") else None,
        order=Order.model_validate(form["order"]) if form.get("order") else None,
        sites=tuple(
            BookedSiteAnswer(
                site=site.site_id,
                name=site.name,
                role="main" if site.role == "main" else "member",
                organisation=site.organisation_id,
                place=site.place,
                attendees=site.attendees,
                attendee_count=site.attendee_count,
                video=site.video,
                email=site.email if inside else None,
            )
            for site in booking.sites
        ),
        parameters=Parameters.from_json(booking.parameters),
        frozen_at=None if booking.frozen_at is None else local(booking.frozen_at),
        decision=DecisionAnswer.model_validate(booking.decision) if booking.decision else None,
        close_out=Closing.model_validate(close) if close else None,
        received_at=None if booking.received_at is None else local(booking.received_at),
        answer_by=None if booking.answer_by is None else local(booking.answer_by),
        answered_at=None if booking.answered_at is None else local(booking.answered_at),
        sequence=booking.sequence,
        live=booking.live,
        series=booking.series_id,
        created_at=local(booking.created_at),
    )


def line(row: BookingRow, sites: Mapping[str, int]) -> BookingLine:
    return BookingLine(
        id=row.id,
        conference=row.conference_id,
        organisation=row.organisation_id,
        title=row.title,
        class_=row.class_,
        urgent=row.urgent,
        starts_at=local(row.starts_at),
        ends_at=local(row.ends_at),
        trial_at=None if row.trial_at is None else local(row.trial_at),
        state=row.state,
        answer_by=None if row.answer_by is None else local(row.answer_by),
        sites=sites.get(row.id, 0),
        series=row.series_id,
    )


def stamps(found: Sequence[Stamp]) -> tuple[StampAnswer, ...]:
    return tuple(StampAnswer(step=one.step, at=local(one.at), by=one.by, remark=one.remark) for one in found)
