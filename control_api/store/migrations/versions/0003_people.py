"""The roles of the regulation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ROLES = "administrator", "auditor", "carrier", "host", "officer", "operator", "technician", "viewer"


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.drop_constraint(op.f("ck_users_role"), type_="check")
        users.create_check_constraint(op.f("ck_users_role"), sa.column("role").in_(_ROLES))


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM users WHERE role NOT IN ('administrator', 'operator', 'viewer')"))
    with op.batch_alter_table("users") as users:
        users.drop_constraint(op.f("ck_users_role"), type_="check")
        users.create_check_constraint(
            op.f("ck_users_role"), sa.column("role").in_(("administrator", "operator", "viewer"))
        )
