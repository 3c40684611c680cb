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


def downgrade() -> None:
    op.drop_table("scripts")
