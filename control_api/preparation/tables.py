"""Tables of the preparation.  Subject is a conference's id, which a booking reserves before the conference is live."""

from __future__ import annotations

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json

_ID = String(80)
_USER = String(80)
_PERSON = String(200)
_PHONE = String(40)


class RoomTemplateRow(Base):
    """A named room model that the Sở made (S71); those that come with the program are in `rooms.py`."""

    __tablename__ = "room_templates"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    title_vi: Mapped[str] = mapped_column(_PERSON)
    title_en: Mapped[str] = mapped_column(_PERSON)
    model: Mapped[Json]
    changed_at: Mapped[float]
    changed_by: Mapped[str] = mapped_column(_USER)


class RoomPlanRow(Base):
    """The room model of one meeting: a copy, so that a template may change or go."""

    __tablename__ = "room_plans"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    template: Mapped[str | None] = mapped_column(String(40))  # it was made from
    model: Mapped[Json]
    changed_at: Mapped[float]
    changed_by: Mapped[str] = mapped_column(_USER)
    command: Mapped[str | None] = mapped_column(String(64))  # digest of the request that made this revision
    applied_revision: Mapped[int | None] = mapped_column(Integer)
    applied_at: Mapped[float | None]
    applied_by: Mapped[str | None] = mapped_column(_USER)


class DutyRow(Base):
    """A shift of one person (S45, S72).  Name and telephone are kept as they were when it was assigned."""

    __tablename__ = "duties"
    __table_args__ = (Index("ix_duties_conference_id", "conference_id", "starts_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conference_id: Mapped[str] = mapped_column(_ID)
    party: Mapped[str] = mapped_column(String(10))  # so, main, member, carrier
    site_id: Mapped[str | None] = mapped_column(_ID)
    operator_id: Mapped[str | None] = mapped_column(_ID)  # certified operator of the directory
    name: Mapped[str] = mapped_column(_PERSON)
    position: Mapped[str] = mapped_column(_PERSON)
    phone: Mapped[str] = mapped_column(_PHONE)
    starts_at: Mapped[float]
    ends_at: Mapped[float]
    remark: Mapped[str] = mapped_column(String(500))
    changed_at: Mapped[float]
    changed_by: Mapped[str] = mapped_column(_USER)


class PreparationRow(Base):
    """Which checklist a meeting keeps to."""

    __tablename__ = "preparations"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    checklist: Mapped[str] = mapped_column(String(20))  # version
    begun_at: Mapped[float]
    closed_out_at: Mapped[float | None]
    closed_out_by: Mapped[str | None] = mapped_column(_USER)


class ChecklistMarkRow(Base):
    """What was said of one item at one site; the newest word counts, the journal keeps all."""

    __tablename__ = "checklist_marks"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    site_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    item: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(20))  # open, done, failed, not_applicable
    remark: Mapped[str] = mapped_column(String(1000))
    evidence: Mapped[str | None] = mapped_column(String(40))  # a check with its still
    at: Mapped[float]
    by: Mapped[str] = mapped_column(_USER)


class SitePeopleRow(Base):
    """Who chairs and who operates a site (S76)."""

    __tablename__ = "site_people"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    site_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    leader: Mapped[str] = mapped_column(_PERSON)
    leader_position: Mapped[str] = mapped_column(_PERSON)
    operator_name: Mapped[str] = mapped_column(_PERSON)
    operator_position: Mapped[str] = mapped_column(_PERSON)
    operator_phone: Mapped[str] = mapped_column(_PHONE)
    attendees: Mapped[int | None] = mapped_column(Integer)
    at: Mapped[float]
    by: Mapped[str] = mapped_column(_USER)


class LineCheckRow(Base):
    """A check of a site's line together with the carrier (S73)."""

    __tablename__ = "line_checks"
    __table_args__ = (Index("ix_line_checks_conference_id", "conference_id", "at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conference_id: Mapped[str] = mapped_column(_ID)
    site_id: Mapped[str] = mapped_column(_ID)
    carrier: Mapped[str] = mapped_column(_PERSON)
    contact_name: Mapped[str] = mapped_column(_PERSON)
    contact_phone: Mapped[str] = mapped_column(_PHONE)
    line_code: Mapped[str] = mapped_column(String(80))
    good: Mapped[bool]
    loss_percent: Mapped[float | None]
    rtt_ms: Mapped[float | None]
    up_mbps: Mapped[float | None]
    down_mbps: Mapped[float | None]
    remark: Mapped[str] = mapped_column(String(1000))
    at: Mapped[float]
    by: Mapped[str] = mapped_column(_USER)


class PreparationMarkRow(Base):
    """What the clocks have told already, so that a restart does not tell it again."""

    __tablename__ = "preparation_marks"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    due_at: Mapped[float] = mapped_column(primary_key=True)  # a meeting that is moved is told anew
    at: Mapped[float]
