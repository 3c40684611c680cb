"""Room for sealed secrets of second factors (they are sealed when the server starts: migrations know no key)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.alter_column("totp_secret", type_=sa.String(200), existing_type=sa.String(64), existing_nullable=True)


def downgrade() -> None:
    """Sealed secrets cannot be read by the former program: their owners set up the second factor again."""
    op.execute("UPDATE users SET totp_secret = NULL, totp_since = NULL, totp_step = 0 WHERE totp_secret LIKE 's1:%'")
    with op.batch_alter_table("users") as users:
        users.alter_column("totp_secret", type_=sa.String(64), existing_type=sa.String(200), existing_nullable=True)
