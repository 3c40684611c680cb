"""Tables of the directory: who takes part in meetings, with which rooms, equipment and people.

Organisations and sites have ids that are slugs; the same site id is used in live conferences.  Other ids are a prefix
and hex.  `folded` is what is searched: without diacritics, small letters (`search.fold`).  `revision` grows with every
change (`records.py`).  Days are `YYYY-MM-DD`, which sorts and compares as text on both databases.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json

_SLUG = String(80)
_OWN = String(40)
_NAME = String(200)
_USER = String(64)
_DAY = String(10)
_WORD = String(20)
_PHONE = String(40)
_LIST = JSON().with_variant(JSONB(), "postgresql")

KINDS = ("department", "commune", "carrier", "other")  # sở, ban, ngành; UBND cấp xã; đơn vị viễn thông; khác


class Recorded:
    """What every entry of the directory carries; written by `records.py` only."""

    revision: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[float]
    changed_at: Mapped[float]
    changed_by: Mapped[str] = mapped_column(_USER)


class Organisation(Recorded, Base):
    """An agency, a commune's people's committee, a carrier (S10)."""

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint("kind IN ('department', 'commune', 'carrier', 'other')", name="kind"),
        Index("ix_organisations_name", "name"),
        Index("ix_organisations_parent_id", "parent_id"),
    )

    id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    name: Mapped[str] = mapped_column(_NAME)
    short_name: Mapped[str] = mapped_column(String(60), default="")
    kind: Mapped[str] = mapped_column(_WORD)
    is_manager: Mapped[bool] = mapped_column(default=False)  # the Sở that runs the MCU
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("organisations.id"))
    accountable_name: Mapped[str] = mapped_column(_NAME, default="")  # who answers for it (S64, article 15.2)
    accountable_position: Mapped[str] = mapped_column(_NAME, default="")
    accountable_phone: Mapped[str] = mapped_column(_PHONE, default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    phone: Mapped[str] = mapped_column(_PHONE, default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    remark: Mapped[str] = mapped_column(String(1000), default="")
    active: Mapped[bool] = mapped_column(default=True)
    folded: Mapped[str] = mapped_column(Text)


class Site(Recorded, Base):
    """A room that can take part: its endpoint, its peripherals, its place and its line (S06, S09, S17)."""

    __tablename__ = "sites"
    __table_args__ = (
        CheckConstraint("endpoint_type IN ('browser', 'hardware', 'software', 'other')", name="endpoint_type"),
        CheckConstraint("readiness IN ('ready', 'attention', 'not_ready')", name="readiness"),
        Index("ix_sites_organisation_id", "organisation_id"),
        Index("ix_sites_name", "name"),
    )

    id: Mapped[str] = mapped_column(_SLUG, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(_NAME)
    room: Mapped[str] = mapped_column(_NAME, default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    endpoint_type: Mapped[str] = mapped_column(_WORD, default="browser")
    endpoint: Mapped[Json] = mapped_column(default=dict)  # maker, model, serial, firmware, address
    peripherals: Mapped[Json] = mapped_column(default=dict)  # display, loudspeaker, camera, microphone: lists
    presets: Mapped[list[Any]] = mapped_column(_LIST, default=list)  # camera positions (S96)
    seats: Mapped[int | None] = mapped_column(Integer)
    network: Mapped[str] = mapped_column(_WORD, default="tslcd")  # tslcd, internet, other
    allowed_networks: Mapped[list[Any]] = mapped_column(_LIST, default=list)  # CIDR; empty: the rule of the MCU (S21)
    carrier_id: Mapped[str | None] = mapped_column(ForeignKey("organisations.id"))  # who brings its line
    line_code: Mapped[str] = mapped_column(String(80), default="")
    line_mbps: Mapped[int | None] = mapped_column(Integer)
    reserve_line: Mapped[str] = mapped_column(_NAME, default="")
    conditions: Mapped[Json] = mapped_column(default=dict)  # sound, light, power … -> good, poor (S09, S15)
    readiness: Mapped[str] = mapped_column(_WORD, default="attention")  # by `readiness.py`
    config_locked: Mapped[bool] = mapped_column(default=False)  # only the Sở changes the equipment (S19)
    fingerprint: Mapped[Json] = mapped_column(default=dict)  # of the endpoint, as approved; empty: not known yet
    seen_fingerprint: Mapped[Json] = mapped_column(default=dict)  # a different one that came; empty: none
    remark: Mapped[str] = mapped_column(String(1000), default="")
    active: Mapped[bool] = mapped_column(default=True)
    folded: Mapped[str] = mapped_column(Text)


class Contact(Recorded, Base):
    """Somebody to call: of a site, or of the whole organisation's operating team (S44, S57)."""

    __tablename__ = "contacts"
    __table_args__ = (Index("ix_contacts_organisation_id", "organisation_id"), Index("ix_contacts_site_id", "site_id"))

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    site_id: Mapped[str | None] = mapped_column(ForeignKey("sites.id"))
    role: Mapped[str] = mapped_column(_WORD)  # leader, technical, team, carrier
    name: Mapped[str] = mapped_column(_NAME)
    position: Mapped[str] = mapped_column(_NAME)
    phone: Mapped[str] = mapped_column(_PHONE)
    email: Mapped[str] = mapped_column(String(254), default="")
    remark: Mapped[str] = mapped_column(String(1000), default="")
    folded: Mapped[str] = mapped_column(Text)


class Asset(Recorded, Base):
    """A piece of State property at the place where it is installed (S28, article 7.2)."""

    __tablename__ = "assets"
    __table_args__ = (
        Index("ix_assets_organisation_id", "organisation_id"),
        Index("ix_assets_site_id", "site_id"),
        Index("ix_assets_due_on", "due_on"),
    )

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    site_id: Mapped[str | None] = mapped_column(ForeignKey("sites.id"))
    name: Mapped[str] = mapped_column(_NAME)
    kind: Mapped[str] = mapped_column(_WORD)  # endpoint, display, loudspeaker, camera, microphone, mcu, network, …
    cost_category: Mapped[str] = mapped_column(_WORD)  # shared, upkeep, small (S54, article 12)
    model: Mapped[str] = mapped_column(_NAME, default="")
    serial: Mapped[str] = mapped_column(String(80), default="")
    code: Mapped[str] = mapped_column(String(80), default="")  # of the property register
    quantity: Mapped[int] = mapped_column(Integer, default=1)
    value_vnd: Mapped[int | None] = mapped_column(BigInteger)
    bought_on: Mapped[str | None] = mapped_column(_DAY)
    warranty_until: Mapped[str | None] = mapped_column(_DAY)
    state: Mapped[str] = mapped_column(_WORD, default="ready")  # ready, in_repair, broken, retired
    every_months: Mapped[int | None] = mapped_column(Integer)  # maintenance; none: not planned
    maintained_on: Mapped[str | None] = mapped_column(_DAY)
    due_on: Mapped[str | None] = mapped_column(_DAY)  # next maintenance, by `maintenance.next_due`
    replace_year: Mapped[int | None] = mapped_column(Integer)  # planned replacement (S59)
    planned_vnd: Mapped[int | None] = mapped_column(BigInteger)  # what the plan asks for, a year
    remark: Mapped[str] = mapped_column(String(1000), default="")
    folded: Mapped[str] = mapped_column(Text)


class MaintenanceRow(Base):
    """Something done to an asset; never changed, only added."""

    __tablename__ = "maintenance"
    __table_args__ = (
        Index("ix_maintenance_asset_id", "asset_id"),
        Index("ix_maintenance_organisation_id", "organisation_id", "done_on"),
    )

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    asset_id: Mapped[str] = mapped_column(ForeignKey("assets.id"))
    organisation_id: Mapped[str] = mapped_column(_SLUG)
    site_id: Mapped[str | None] = mapped_column(_SLUG)
    done_on: Mapped[str] = mapped_column(_DAY)
    kind: Mapped[str] = mapped_column(_WORD)  # maintenance, repair, replacement, inspection
    cost_category: Mapped[str] = mapped_column(_WORD)
    cost_vnd: Mapped[int | None] = mapped_column(BigInteger)
    done_by: Mapped[str] = mapped_column(_NAME, default="")
    outcome: Mapped[str] = mapped_column(String(1000), default="")
    recorded_at: Mapped[float]
    recorded_by: Mapped[str] = mapped_column(_USER)


class Fault(Recorded, Base):
    """A fault of a device or a line, told to the Sở (S56, article 13.3a)."""

    __tablename__ = "faults"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'in_progress', 'done')", name="state"),
        Index("ix_faults_organisation_id", "organisation_id"),
        Index("ix_faults_site_id", "site_id"),
        Index("ix_faults_state", "state", "reported_at"),
    )

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    site_id: Mapped[str | None] = mapped_column(ForeignKey("sites.id"))
    asset_id: Mapped[str | None] = mapped_column(ForeignKey("assets.id"))
    conference_id: Mapped[str | None] = mapped_column(_SLUG)
    kind: Mapped[str] = mapped_column(_WORD)  # device, line, sound, picture, power, other
    urgent: Mapped[bool] = mapped_column(default=False)
    title: Mapped[str] = mapped_column(_NAME)
    text: Mapped[str] = mapped_column(String(2000), default="")
    figures: Mapped[Json] = mapped_column(default=dict)  # of the line and the devices when it was told
    state: Mapped[str] = mapped_column(_WORD, default="open")
    reported_at: Mapped[float]
    reported_by: Mapped[str] = mapped_column(_NAME)
    taken_at: Mapped[float | None]
    taken_by: Mapped[str | None] = mapped_column(_USER)
    done_at: Mapped[float | None]
    done_by: Mapped[str | None] = mapped_column(_USER)
    outcome: Mapped[str] = mapped_column(String(2000), default="")


class Course(Recorded, Base):
    """A training course, planned or held (S51, article 11.4c)."""

    __tablename__ = "courses"
    __table_args__ = (Index("ix_courses_year", "year"),)

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    year: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(_NAME)
    starts_on: Mapped[str | None] = mapped_column(_DAY)
    ends_on: Mapped[str | None] = mapped_column(_DAY)
    place: Mapped[str] = mapped_column(_NAME, default="")
    audience: Mapped[str] = mapped_column(String(500), default="")
    places: Mapped[int | None] = mapped_column(Integer)
    cost_vnd: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(_WORD, default="planned")  # planned, held, cancelled
    remark: Mapped[str] = mapped_column(String(1000), default="")


class Trainee(Recorded, Base):
    """Somebody who operates the system, with a certificate that may end (S26, article 6.3)."""

    __tablename__ = "trained_operators"
    __table_args__ = (Index("ix_trained_operators_organisation_id", "organisation_id"),)

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    course_id: Mapped[str | None] = mapped_column(ForeignKey("courses.id"))
    name: Mapped[str] = mapped_column(_NAME)
    position: Mapped[str] = mapped_column(_NAME, default="")
    phone: Mapped[str] = mapped_column(_PHONE, default="")
    username: Mapped[str | None] = mapped_column(_USER)  # the account of that person, where there is one
    certificate: Mapped[str] = mapped_column(String(80), default="")  # number; none: not certified yet
    issued_by: Mapped[str] = mapped_column(_NAME, default="")
    issued_on: Mapped[str | None] = mapped_column(_DAY)
    expires_on: Mapped[str | None] = mapped_column(_DAY)  # none: does not end
    active: Mapped[bool] = mapped_column(default=True)
    remark: Mapped[str] = mapped_column(String(1000), default="")
    folded: Mapped[str] = mapped_column(Text)


class ChangeRequest(Recorded, Base):
    """Leave to change equipment or its settings (S19), or to move the room (S20); article 5.6."""

    __tablename__ = "change_requests"
    __table_args__ = (
        CheckConstraint("kind IN ('configuration', 'endpoint', 'relocation')", name="kind"),
        Index("ix_change_requests_site_id", "site_id"),
        Index("ix_change_requests_organisation_id", "organisation_id"),
        Index("ix_change_requests_state", "state"),
    )

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(_WORD)
    reason: Mapped[str] = mapped_column(String(2000))
    wanted: Mapped[Json] = mapped_column(default=dict)  # columns of the site and their new values
    planned_on: Mapped[str | None] = mapped_column(_DAY)
    manager_id: Mapped[str | None] = mapped_column(ForeignKey("organisations.id"))  # relocation: told to the Sở …
    carrier_id: Mapped[str | None] = mapped_column(ForeignKey("organisations.id"))  # … and to the carrier, both
    manager_at: Mapped[float | None]  # when the Sở acknowledged
    carrier_at: Mapped[float | None]
    carrier_by: Mapped[str | None] = mapped_column(_NAME)
    state: Mapped[str] = mapped_column(_WORD, default="open")  # open, approved, refused, done, withdrawn
    asked_at: Mapped[float]
    asked_by: Mapped[str] = mapped_column(_USER)
    decided_at: Mapped[float | None]
    decided_by: Mapped[str | None] = mapped_column(_USER)
    answer: Mapped[str] = mapped_column(String(2000), default="")


class Difficulty(Recorded, Base):
    """A difficulty with the regulation, brought to the provincial committee through the Sở (S64, article 15.3)."""

    __tablename__ = "difficulties"
    __table_args__ = (
        Index("ix_difficulties_organisation_id", "organisation_id"),
        Index("ix_difficulties_state", "state"),
    )

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    title: Mapped[str] = mapped_column(_NAME)
    text: Mapped[str] = mapped_column(String(4000))
    state: Mapped[str] = mapped_column(_WORD, default="open")  # open, forwarded, answered
    asked_at: Mapped[float]
    asked_by: Mapped[str] = mapped_column(_USER)
    answer: Mapped[str] = mapped_column(String(4000), default="")
    answered_at: Mapped[float | None]
    answered_by: Mapped[str | None] = mapped_column(_USER)


class ChangeRow(Base):
    """Who changed what and when, with the values before and after; only added."""

    __tablename__ = "directory_changes"
    __table_args__ = (
        Index("ix_directory_changes_subject", "subject", "subject_id", "id"),
        Index("ix_directory_changes_organisation_id", "organisation_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    at: Mapped[float]
    actor: Mapped[str] = mapped_column(_USER)
    subject: Mapped[str] = mapped_column(_WORD)  # organisation, site, contact, asset …
    subject_id: Mapped[str] = mapped_column(_SLUG)
    organisation_id: Mapped[str | None] = mapped_column(_SLUG)
    what: Mapped[str] = mapped_column(_WORD)  # created, changed, removed
    command: Mapped[str | None] = mapped_column(String(64), unique=True)  # digest of the request, for its repetition
    revision: Mapped[int] = mapped_column(Integer)  # that it became
    before: Mapped[Json] = mapped_column(default=dict)
    after: Mapped[Json] = mapped_column(default=dict)


class DirectoryNotice(Base):
    """Something the Sở or a carrier must take note of (S19, S20, S56, S57)."""

    __tablename__ = "directory_notices"
    __table_args__ = (
        Index("ix_directory_notices_to_id", "to_id", "at"),
        Index("ix_directory_notices_seen_at", "seen_at"),
    )

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    at: Mapped[float]
    kind: Mapped[str] = mapped_column(String(40))
    to_id: Mapped[str | None] = mapped_column(_SLUG)  # an organisation; none: the Sở
    organisation_id: Mapped[str | None] = mapped_column(_SLUG)  # whom it is about
    site_id: Mapped[str | None] = mapped_column(_SLUG)
    subject_id: Mapped[str | None] = mapped_column(_SLUG)
    vi: Mapped[str] = mapped_column(String(500))
    en: Mapped[str] = mapped_column(String(500))
    data: Mapped[Json] = mapped_column(default=dict)
    seen_at: Mapped[float | None]
    seen_by: Mapped[str | None] = mapped_column(_USER)


class DirectoryReminder(Base):
    """What the directory's clock has told already, so that a restart does not tell it again."""

    __tablename__ = "directory_reminders"
    __table_args__ = (Index("ix_directory_reminders_at", "at"),)

    subject_id: Mapped[str] = mapped_column(_SLUG, primary_key=True)  # asset, trained operator, organisation
    kind: Mapped[str] = mapped_column(_WORD, primary_key=True)
    due_on: Mapped[str] = mapped_column(_DAY, primary_key=True)  # a new date is told anew
    at: Mapped[float]
