"""Letters by e-mail that are no notices of bookings; reminders of the directory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "letters",
        sa.Column("about", sa.String(120), nullable=False),
        sa.Column("page", sa.String(200), nullable=False),
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80)),
        sa.Column("kind", sa.String(30), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
    )
    op.create_index("ix_letters_state", "letters", ["state", "next_at"])
    op.create_index("ix_letters_about", "letters", ["about", "created_at"])
    op.create_index("ix_letters_created_at", "letters", ["created_at"])
    op.create_table(
        "directory_reminders",
        sa.Column("subject_id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("due_on", sa.String(10), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "kind", "due_on", name=op.f("pk_directory_reminders")),
    )
    op.create_index("ix_directory_reminders_at", "directory_reminders", ["at"])


def downgrade() -> None:
    for table in ("directory_reminders", "letters"):
        op.drop_table(table)
