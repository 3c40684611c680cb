"""Security events, blocked networks, fallback admissions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "security_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("address", sa.String(64)),
        sa.Column("username", sa.String(64)),
        sa.Column("conference", sa.String(80)),
        sa.Column("site", sa.String(80)),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("acknowledged_at", sa.Double),
        sa.Column("acknowledged_by", sa.String(64)),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_events")),
    )
    op.create_index("ix_security_events_at", "security_events", ["at"])
    op.create_index("ix_security_events_kind", "security_events", ["kind", "id"])
    op.create_table(
        "blocked_networks",
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("network", name=op.f("pk_blocked_networks")),
    )
    op.create_table(
        "fallbacks",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("site", sa.String(80), nullable=False),
        sa.Column("incident", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("ended_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fallbacks")),
    )
    op.create_index("ix_fallbacks_site", "fallbacks", ["site", "until"])


def downgrade() -> None:
    for table in ("fallbacks", "blocked_networks", "security_events"):
        op.drop_table(table)
