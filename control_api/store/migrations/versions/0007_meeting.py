"""Roll call, queue, issues, quality history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "roll_calls",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("active", sa.String(80), nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("order_by", sa.String(12), nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("auto", sa.Boolean, nullable=False),
        sa.Column("skip_absent", sa.Boolean, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("called_at", sa.Double, nullable=True),
        sa.Column("due_at", sa.Double, nullable=True),
        sa.Column("left", sa.Double, nullable=True),
        sa.Column("moment", _JSON, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("started_by", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.Double, nullable=True),
        sa.Column("ended_by", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roll_calls")),
        sa.UniqueConstraint("active", name=op.f("uq_roll_calls_active")),
    )
    op.create_index(op.f("ix_roll_calls_conference_id"), "roll_calls", ["conference_id", "started_at"])
    op.create_table(
        "roll_call_sites",
        sa.Column("roll_call_id", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("site", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("result", sa.String(12), nullable=True),
        sa.Column("at", sa.Double, nullable=True),
        sa.Column("by", sa.String(64), nullable=True),
        sa.Column("remark", sa.String(500), nullable=False),
        sa.Column("on_air_ms", sa.Integer, nullable=True),
        sa.ForeignKeyConstraint(
            ["roll_call_id"],
            ["roll_calls.id"],
            name=op.f("fk_roll_call_sites_roll_call_id_roll_calls"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("roll_call_id", "position", name=op.f("pk_roll_call_sites")),
    )
    op.create_table(
        "floor_requests",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("active", sa.String(200), nullable=True),
        sa.Column("site", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("rank", sa.Double, nullable=False),
        sa.Column("raised_at", sa.Double, nullable=False),
        sa.Column("raised_by", sa.String(64), nullable=True),
        sa.Column("given_at", sa.Double, nullable=True),
        sa.Column("given_by", sa.String(64), nullable=True),
        sa.Column("on_air_ms", sa.Integer, nullable=True),
        sa.Column("ended_at", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floor_requests")),
        sa.UniqueConstraint("active", name=op.f("uq_floor_requests_active")),
    )
    op.create_index(op.f("ix_floor_requests_conference_id"), "floor_requests", ["conference_id", "raised_at"])
    op.create_table(
        "site_issues",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site", sa.String(80), nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("category", sa.String(12), nullable=False),
        sa.Column("text", sa.String(1000), nullable=False),
        sa.Column("figures", _JSON, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.String(64), nullable=True),
        sa.Column("taken_at", sa.Double, nullable=True),
        sa.Column("taken_by", sa.String(64), nullable=True),
        sa.Column("solved_at", sa.Double, nullable=True),
        sa.Column("solved_by", sa.String(64), nullable=True),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("fault", sa.String(80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_issues")),
    )
    op.create_index(op.f("ix_site_issues_conference_id"), "site_issues", ["conference_id", "at"])
    op.create_index(op.f("ix_site_issues_site"), "site_issues", ["site", "at"])
    op.create_table(
        "site_remarks",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site", sa.String(80), nullable=False),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("score", sa.Integer, nullable=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("conference_id", "site", name=op.f("pk_site_remarks")),
    )
    op.create_table(
        "quality",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("sites", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("conference_id", "at", name=op.f("pk_quality")),
    )
    op.create_index(op.f("ix_quality_at"), "quality", ["at"])
    op.create_table(
        "quality_sums",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("first_at", sa.Double, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
        sa.Column("good", sa.Integer, nullable=False),
        sa.Column("fair", sa.Integer, nullable=False),
        sa.Column("bad", sa.Integer, nullable=False),
        sa.Column("lost", sa.Integer, nullable=False),
        sa.Column("loss_sum", sa.Double, nullable=False),
        sa.Column("loss_most", sa.Double, nullable=False),
        sa.Column("jitter_sum", sa.Double, nullable=False),
        sa.Column("rtt_sum", sa.Double, nullable=False),
        sa.Column("rtt_most", sa.Double, nullable=False),
        sa.Column("up_sum", sa.Double, nullable=False),
        sa.Column("down_sum", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("conference_id", "site", name=op.f("pk_quality_sums")),
    )
    op.create_index(op.f("ix_quality_sums_site"), "quality_sums", ["site", "first_at"])
    op.create_table(
        "line_events",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("seconds", sa.Double, nullable=True),
        sa.Column("by", sa.String(64), nullable=True),
        sa.Column("text", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_events")),
    )
    op.create_index(op.f("ix_line_events_at"), "line_events", ["at"])
    op.create_index(op.f("ix_line_events_conference_id"), "line_events", ["conference_id", "at"])
    op.create_index(op.f("ix_line_events_site"), "line_events", ["site", "at"])
    op.create_table(
        "cues",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("vi", sa.String(300), nullable=False),
        sa.Column("en", sa.String(300), nullable=False),
        sa.Column("confirm", sa.Boolean, nullable=False),
        sa.Column("waiting", sa.String(200), nullable=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("reached", sa.Boolean, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=True),
        sa.Column("ok", sa.Boolean, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cues")),
        sa.UniqueConstraint("waiting", name=op.f("uq_cues_waiting")),
    )
    op.create_index(op.f("ix_cues_conference_id"), "cues", ["conference_id", "at"])
    op.create_table(
        "invitations",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site", sa.String(80), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
        sa.Column("last_by", sa.String(64), nullable=True),
        sa.Column("way", sa.String(12), nullable=False),
        sa.Column("next_at", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("conference_id", "site", name=op.f("pk_invitations")),
    )
    op.create_table(
        "boards",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.String(64), nullable=True),
        sa.Column("sites", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("conference_id", "kind", name=op.f("pk_boards")),
    )


def downgrade() -> None:
    op.drop_table("boards")
    op.drop_table("invitations")
    op.drop_table("cues")
    op.drop_table("line_events")
    op.drop_table("quality_sums")
    op.drop_table("quality")
    op.drop_table("site_remarks")
    op.drop_table("site_issues")
    op.drop_table("floor_requests")
    op.drop_table("roll_call_sites")
    op.drop_table("roll_calls")
