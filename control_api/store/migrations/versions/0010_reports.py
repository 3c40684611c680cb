"""Reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "evaluations",
        sa.Column("conference_id", sa.String(80), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.Column("evaluator", sa.String(200), nullable=False),
        sa.Column("position", sa.String(200), nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.Column("signed_at", sa.Double),
        sa.Column("signed_by", sa.String(64)),
        sa.Column("digest", sa.String(64)),
        sa.Column("journal_seq", sa.BigInteger),
        sa.Column("journal_hash", sa.String(64)),
        sa.PrimaryKeyConstraint("conference_id", name=op.f("pk_evaluations")),
    )
    op.create_table(
        "yearly_reports",
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("organisation_name", sa.String(200), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("sections", _JSON, nullable=False),
        sa.Column("figures", _JSON, nullable=False),
        sa.Column("signer", sa.String(200), nullable=False),
        sa.Column("signer_position", sa.String(200), nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.Column("submitted_at", sa.Double),
        sa.Column("submitted_by", sa.String(64)),
        sa.Column("returned_at", sa.Double),
        sa.Column("returned_by", sa.String(64)),
        sa.Column("remark", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("year", "organisation_id", name=op.f("pk_yearly_reports")),
    )
    op.create_index("ix_yearly_reports_organisation_id", "yearly_reports", ["organisation_id", "year"])
    op.create_table(
        "yearly_reminders",
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("year", "organisation_id", "kind", name=op.f("pk_yearly_reminders")),
    )


def downgrade() -> None:
    op.drop_table("yearly_reminders")
    op.drop_index("ix_yearly_reports_organisation_id", table_name="yearly_reports")
    op.drop_table("yearly_reports")
    op.drop_table("evaluations")
