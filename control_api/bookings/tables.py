"""Tables of bookings.  Directory ids are not foreign keys: a booking stays as it was when an organisation is gone."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from control_api.mail.tables import Outgoing
from control_api.store.base import Base, Json

_ID = String(80)
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


class BookingRow(Base):
    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("class IN ('A', 'B', 'C')", name="class"),
        CheckConstraint("ends_at > starts_at", name="times"),
        Index("ix_bookings_starts_at", "starts_at", "id"),
        Index("ix_bookings_organisation_id", "organisation_id", "starts_at"),
        Index("ix_bookings_state", "state", "starts_at"),
        Index("ix_bookings_live", "live"),
        Index("ix_bookings_series_id", "series_id"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    conference_id: Mapped[str] = mapped_column(_ID, unique=True)  # reserved at registration
    organisation_id: Mapped[str] = mapped_column(_ID)  # the host
    owner: Mapped[str] = mapped_column(String(64))  # user who answers for it over its whole life (S43)
    title: Mapped[str] = mapped_column(String(300))
    class_: Mapped[str] = mapped_column("class", String(1))
    meeting_type: Mapped[str] = mapped_column(String(40))  # of the catalogue (S13)
    urgent: Mapped[bool]
    priority: Mapped[int]
    starts_at: Mapped[float]
    ends_at: Mapped[float]
    trial_at: Mapped[float | None]
    trial_ends_at: Mapped[float | None]
    state: Mapped[str] = mapped_column(String(20))
    state_at: Mapped[float]
    rules: Mapped[str] = mapped_column(String(40))  # version of the rule set it was registered under (S01)
    form: Mapped[Json]  # what only people read: agenda, contact, letter, urgent order, class C record
    parameters: Mapped[Json]  # of the MCU (S35)
    frozen_at: Mapped[float | None]  # since when the parameters are fixed
    decision: Mapped[Json | None]  # newest answer of the Sở, with alternatives
    close_out: Mapped[Json | None]
    received_at: Mapped[float | None]
    answer_by: Mapped[float | None]
    answered_at: Mapped[float | None]
    sequence: Mapped[int]  # of its calendar entry: grows with every change (RFC 5545)
    revision: Mapped[int] = mapped_column(BigInteger)  # grows with every write
    live: Mapped[str] = mapped_column(String(10))  # none, wanted, made, unwanted: the live conference
    live_sites: Mapped[Json]  # {site id: role} the booking has put into it
    series_id: Mapped[str | None] = mapped_column(_ID)
    search: Mapped[str] = mapped_column(Text)  # folded, without diacritics
    created_at: Mapped[float]


class BookingSite(Base):
    __tablename__ = "booking_sites"
    __table_args__ = (Index("ix_booking_sites_site_id", "site_id"),)

    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), primary_key=True)
    site_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    organisation_id: Mapped[str | None] = mapped_column(_ID)
    role: Mapped[str] = mapped_column(String(10))  # main, member
    place: Mapped[str] = mapped_column(String(300))
    attendees: Mapped[str] = mapped_column(String(1000))  # who comes, in words
    attendee_count: Mapped[int | None]
    video: Mapped[bool]  # false: by sound only
    email: Mapped[str | None] = mapped_column(String(254))  # where notices go


class BookingStep(Base):
    """Who brought a booking to which step, and when.  Only ever added to."""

    __tablename__ = "booking_steps"
    __table_args__ = (Index("ix_booking_steps_booking_id", "booking_id"),)

    id: Mapped[int] = mapped_column(_NUMBER, primary_key=True, autoincrement=True)
    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"))
    step: Mapped[str] = mapped_column(String(20))
    at: Mapped[float]
    by: Mapped[str | None] = mapped_column(String(64))  # none: the MCU itself
    remark: Mapped[str] = mapped_column(String(2000))


class BookingHold(Base):
    """Capacity held from `starts_at` to `ends_at`: a booking has a row each for trial and meeting while allocated."""

    __tablename__ = "booking_holds"
    __table_args__ = (Index("ix_booking_holds_ends_at", "ends_at", "starts_at"),)

    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[str] = mapped_column(String(10), primary_key=True)  # trial, meeting
    starts_at: Mapped[float]
    ends_at: Mapped[float]
    decode: Mapped[float]  # units of mcu_core.capacity
    encode: Mapped[float]
    compose: Mapped[float]
    packets: Mapped[float]


class BookingLetter(Base):
    """The file of the official letter (S66)."""

    __tablename__ = "booking_letters"

    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[float]
    by: Mapped[str] = mapped_column(String(64))


class BookingNotice(Outgoing, Base):
    """A notice of a booking, and what became of it; `kind`: request, update, cancel, displaced, refused, escalation."""

    __tablename__ = "booking_notices"
    __table_args__ = (Index("ix_booking_notices_state", "state", "next_at"),)

    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
    sequence: Mapped[int]


class BookingRead(Base):
    """Who confirmed a notice."""

    __tablename__ = "booking_reads"

    notice_id: Mapped[str] = mapped_column(ForeignKey("booking_notices.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    at: Mapped[float]
    address: Mapped[str] = mapped_column(String(64))


class BookingReminder(Base):
    """What the clocks have done already, so that a restart does not do it again."""

    __tablename__ = "booking_reminders"
    __table_args__ = (Index("ix_booking_reminders_at", "at"),)

    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    due_at: Mapped[float] = mapped_column(primary_key=True)
    at: Mapped[float]


class BookingHelp(Base):
    """A question of an agency to the Sở (S46)."""

    __tablename__ = "booking_help"
    __table_args__ = (Index("ix_booking_help_closed_at", "closed_at"),)

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    booking_id: Mapped[str | None] = mapped_column(ForeignKey("bookings.id", ondelete="SET NULL"))
    organisation_id: Mapped[str | None] = mapped_column(_ID)
    question: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[float]
    answer: Mapped[str] = mapped_column(Text)
    answered_by: Mapped[str | None] = mapped_column(String(64))
    closed_at: Mapped[float | None]


class CapacityRow(Base):
    """What `mcu check` measured, newest last."""

    __tablename__ = "capacities"

    id: Mapped[int] = mapped_column(_NUMBER, primary_key=True, autoincrement=True)
    at: Mapped[float]
    machine: Mapped[str] = mapped_column(String(200))
    decode: Mapped[float]
    encode: Mapped[float]
    compose: Mapped[float]
    packets: Mapped[float]
    details: Mapped[Json]
