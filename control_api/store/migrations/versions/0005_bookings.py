"""Bookings: the form, its sites and steps, the capacity they hold, notices and clocks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "bookings",
    "booking_sites",
    "booking_steps",
    "booking_holds",
    "booking_letters",
    "booking_notices",
    "booking_reads",
    "booking_reminders",
    "booking_help",
    "capacities",
)


def upgrade() -> None:
    op.create_table(
        "bookings",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("class", sa.String(1), nullable=False),
        sa.Column("meeting_type", sa.String(40), nullable=False),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("starts_at", sa.Double, nullable=False),
        sa.Column("ends_at", sa.Double, nullable=False),
        sa.Column("trial_at", sa.Double),
        sa.Column("trial_ends_at", sa.Double),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_at", sa.Double, nullable=False),
        sa.Column("rules", sa.String(40), nullable=False),
        sa.Column("form", _JSON, nullable=False),
        sa.Column("parameters", _JSON, nullable=False),
        sa.Column("frozen_at", sa.Double),
        sa.Column("decision", _JSON),
        sa.Column("close_out", _JSON),
        sa.Column("received_at", sa.Double),
        sa.Column("answer_by", sa.Double),
        sa.Column("answered_at", sa.Double),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("live", sa.String(10), nullable=False),
        sa.Column("live_sites", _JSON, nullable=False),
        sa.Column("series_id", sa.String(80)),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.CheckConstraint("class IN ('A', 'B', 'C')", name=op.f("ck_bookings_class")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_bookings_times")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("conference_id", name=op.f("uq_bookings_conference_id")),
    )
    op.create_index(op.f("ix_bookings_live"), "bookings", ["live"])
    op.create_index(op.f("ix_bookings_organisation_id"), "bookings", ["organisation_id", "starts_at"])
    op.create_index(op.f("ix_bookings_series_id"), "bookings", ["series_id"])
    op.create_index(op.f("ix_bookings_starts_at"), "bookings", ["starts_at", "id"])
    op.create_index(op.f("ix_bookings_state"), "bookings", ["state", "starts_at"])
    op.create_table(
        "booking_sites",
        sa.Column("booking_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("organisation_id", sa.String(80)),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("place", sa.String(300), nullable=False),
        sa.Column("attendees", sa.String(1000), nullable=False),
        sa.Column("attendee_count", sa.Integer),
        sa.Column("video", sa.Boolean, nullable=False),
        sa.Column("email", sa.String(254)),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_sites_booking_id_bookings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("booking_id", "site_id", name=op.f("pk_booking_sites")),
    )
    op.create_index(op.f("ix_booking_sites_site_id"), "booking_sites", ["site_id"])
    op.create_table(
        "booking_steps",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("booking_id", sa.String(80), nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.String(64)),
        sa.Column("remark", sa.String(2000), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_steps_booking_id_bookings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_steps")),
    )
    op.create_index(op.f("ix_booking_steps_booking_id"), "booking_steps", ["booking_id"])
    op.create_table(
        "booking_holds",
        sa.Column("booking_id", sa.String(80), nullable=False),
        sa.Column("part", sa.String(10), nullable=False),
        sa.Column("starts_at", sa.Double, nullable=False),
        sa.Column("ends_at", sa.Double, nullable=False),
        sa.Column("decode", sa.Double, nullable=False),
        sa.Column("encode", sa.Double, nullable=False),
        sa.Column("compose", sa.Double, nullable=False),
        sa.Column("packets", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_holds_booking_id_bookings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("booking_id", "part", name=op.f("pk_booking_holds")),
    )
    op.create_index(op.f("ix_booking_holds_ends_at"), "booking_holds", ["ends_at", "starts_at"])
    op.create_table(
        "booking_letters",
        sa.Column("booking_id", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_letters_booking_id_bookings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_booking_letters")),
    )
    op.create_table(
        "booking_notices",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("booking_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("calendar", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.Double, nullable=False),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("sent_at", sa.Double),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_notices_booking_id_bookings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_notices")),
    )
    op.create_index(op.f("ix_booking_notices_booking_id"), "booking_notices", ["booking_id"])
    op.create_index(op.f("ix_booking_notices_state"), "booking_notices", ["state", "next_at"])
    op.create_table(
        "booking_reads",
        sa.Column("notice_id", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["booking_notices.id"],
            name=op.f("fk_booking_reads_notice_id_booking_notices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notice_id", "name", name=op.f("pk_booking_reads")),
    )
    op.create_table(
        "booking_reminders",
        sa.Column("booking_id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_reminders_booking_id_bookings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("booking_id", "kind", "due_at", name=op.f("pk_booking_reminders")),
    )
    op.create_index(op.f("ix_booking_reminders_at"), "booking_reminders", ["at"])
    op.create_table(
        "booking_help",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("booking_id", sa.String(80)),
        sa.Column("organisation_id", sa.String(80)),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answered_by", sa.String(64)),
        sa.Column("closed_at", sa.Double),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_help_booking_id_bookings"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_help")),
    )
    op.create_index(op.f("ix_booking_help_closed_at"), "booking_help", ["closed_at"])
    op.create_table(
        "capacities",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("machine", sa.String(200), nullable=False),
        sa.Column("decode", sa.Double, nullable=False),
        sa.Column("encode", sa.Double, nullable=False),
        sa.Column("compose", sa.Double, nullable=False),
        sa.Column("packets", sa.Double, nullable=False),
        sa.Column("details", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capacities")),
    )


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
