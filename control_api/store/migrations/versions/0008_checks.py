"""Technical checks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "checks",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=False),
        sa.Column("site_name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("items", _JSON, nullable=False),
        sa.Column("reasons", _JSON, nullable=False),
        sa.Column("measured", _JSON, nullable=False),
        sa.Column("limits", sa.Integer, nullable=False),
        sa.Column("device_ready", sa.Boolean, nullable=False),
        sa.Column("leader", sa.String(200), nullable=False),
        sa.Column("operator_name", sa.String(200), nullable=False),
        sa.Column("operator_position", sa.String(200), nullable=False),
        sa.Column("operator_phone", sa.String(40), nullable=False),
        sa.Column("remark", sa.String(2000), nullable=False),
        sa.Column("tester", sa.String(200), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("still", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checks")),
    )
    op.create_index("ix_checks_conference_id", "checks", ["conference_id", "site_id", "at"])
    op.create_index("ix_checks_site_id", "checks", ["site_id", "at"])
    op.create_table(
        "check_stills",
        sa.Column("check_id", sa.String(40), nullable=False),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_check_stills")),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name=op.f("fk_check_stills_check_id_checks"), ondelete="CASCADE"
        ),
    )
    op.create_table(
        "check_overrides",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("check_id", sa.String(40), nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("remark", sa.String(2000), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_overrides")),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name=op.f("fk_check_overrides_check_id_checks"), ondelete="CASCADE"
        ),
    )
    op.create_index("ix_check_overrides_check_id", "check_overrides", ["check_id", "at"])
    op.create_table(
        "check_retests",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("asked_by", sa.String(80), nullable=True),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("done_at", sa.Double, nullable=True),
        sa.Column("done_check_id", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("conference_id", "site_id", "purpose", name=op.f("pk_check_retests")),
    )
    op.create_table(
        "check_confirmations",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("party", sa.String(20), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=False),
        sa.Column("good", sa.Boolean, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("remark", sa.String(2000), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("conference_id", "party", "site_id", name=op.f("pk_check_confirmations")),
    )
    op.create_table(
        "self_tests",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("asked_by", sa.String(80), nullable=True),
        sa.Column("started_at", sa.Double, nullable=True),
        sa.Column("done_at", sa.Double, nullable=True),
        sa.Column("good", sa.Boolean, nullable=True),
        sa.Column("report", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_tests")),
    )
    op.create_index("ix_self_tests_asked_at", "self_tests", ["asked_at"])


def downgrade() -> None:
    for table in (
        "self_tests",
        "check_confirmations",
        "check_retests",
        "check_overrides",
        "check_stills",
        "checks",
    ):
        op.drop_table(table)
