"""Preparation and scripts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "scripts",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("document", _JSON, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(80), nullable=False),
        sa.Column("command", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("conference_id", name=op.f("pk_scripts")),
    )
    op.create_table(
        "room_templates",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("title_vi", sa.String(200), nullable=False),
        sa.Column("title_en", sa.String(200), nullable=False),
        sa.Column("model", _JSON, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_room_templates")),
    )
    op.create_table(
        "room_plans",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("template", sa.String(40), nullable=True),
        sa.Column("model", _JSON, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(80), nullable=False),
        sa.Column("command", sa.String(64), nullable=True),
        sa.Column("applied_revision", sa.Integer, nullable=True),
        sa.Column("applied_at", sa.Double, nullable=True),
        sa.Column("applied_by", sa.String(80), nullable=True),
        sa.PrimaryKeyConstraint("conference_id", name=op.f("pk_room_plans")),
    )
    op.create_table(
        "duties",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("party", sa.String(10), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=True),
        sa.Column("operator_id", sa.String(80), nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("position", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("starts_at", sa.Double, nullable=False),
        sa.Column("ends_at", sa.Double, nullable=False),
        sa.Column("remark", sa.String(500), nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
    )
    op.create_index("ix_duties_conference_id", "duties", ["conference_id", "starts_at"])
    op.create_table(
        "preparations",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("checklist", sa.String(20), nullable=False),
        sa.Column("begun_at", sa.Double, nullable=False),
        sa.Column("closed_out_at", sa.Double, nullable=True),
        sa.Column("closed_out_by", sa.String(80), nullable=True),
        sa.PrimaryKeyConstraint("conference_id", name=op.f("pk_preparations")),
    )
    op.create_table(
        "checklist_marks",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=False),
        sa.Column("item", sa.String(40), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("evidence", sa.String(40), nullable=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("conference_id", "site_id", "item", name=op.f("pk_checklist_marks")),
    )
    op.create_table(
        "site_people",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=False),
        sa.Column("leader", sa.String(200), nullable=False),
        sa.Column("leader_position", sa.String(200), nullable=False),
        sa.Column("operator_name", sa.String(200), nullable=False),
        sa.Column("operator_position", sa.String(200), nullable=False),
        sa.Column("operator_phone", sa.String(40), nullable=False),
        sa.Column("attendees", sa.Integer, nullable=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("conference_id", "site_id", name=op.f("pk_site_people")),
    )
    op.create_table(
        "line_checks",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=False),
        sa.Column("carrier", sa.String(200), nullable=False),
        sa.Column("contact_name", sa.String(200), nullable=False),
        sa.Column("contact_phone", sa.String(40), nullable=False),
        sa.Column("line_code", sa.String(80), nullable=False),
        sa.Column("good", sa.Boolean, nullable=False),
        sa.Column("loss_percent", sa.Double, nullable=True),
        sa.Column("rtt_ms", sa.Double, nullable=True),
        sa.Column("up_mbps", sa.Double, nullable=True),
        sa.Column("down_mbps", sa.Double, nullable=True),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_checks")),
    )
    op.create_index("ix_line_checks_conference_id", "line_checks", ["conference_id", "at"])
    op.create_table(
        "preparation_marks",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("conference_id", "kind", "due_at", name=op.f("pk_preparation_marks")),
    )


def downgrade() -> None:
    for table in (
        "preparation_marks",
        "line_checks",
        "site_people",
        "checklist_marks",
        "preparations",
        "duties",
        "room_plans",
        "room_templates",
        "scripts",
    ):
        op.drop_table(table)
