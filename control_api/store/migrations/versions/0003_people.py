"""The roles of the regulation; organisation, lock, second factor of accounts; who opened a monitor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ROLES = "administrator", "auditor", "carrier", "host", "officer", "operator", "technician", "viewer"

_COLUMNS = (
    "organisation_id",
    "email",
    "phone",
    "must_change",
    "failures",
    "expires_at",
    "locked_at",
    "totp_secret",
    "totp_since",
    "totp_step",
    "made_by",
    "oidc_subject",
)


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.drop_constraint(op.f("ck_users_role"), type_="check")
        users.create_check_constraint(op.f("ck_users_role"), sa.column("role").in_(_ROLES))
        users.add_column(sa.Column("organisation_id", sa.String(80)))
        users.add_column(sa.Column("email", sa.String(254)))
        users.add_column(sa.Column("phone", sa.String(40), nullable=False, server_default=""))
        users.add_column(sa.Column("must_change", sa.Boolean, nullable=False, server_default=sa.false()))
        users.add_column(sa.Column("failures", sa.Integer, nullable=False, server_default="0"))
        users.add_column(sa.Column("expires_at", sa.Double))
        users.add_column(sa.Column("locked_at", sa.Double))
        users.add_column(sa.Column("totp_secret", sa.String(64)))
        users.add_column(sa.Column("totp_since", sa.Double))
        users.add_column(sa.Column("totp_step", sa.BigInteger, nullable=False, server_default="0"))
        users.add_column(sa.Column("made_by", sa.String(64)))
        users.add_column(sa.Column("oidc_subject", sa.String(300)))
        users.create_unique_constraint(op.f("uq_users_email"), ["email"])
        users.create_unique_constraint(op.f("uq_users_oidc_subject"), ["oidc_subject"])
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(sa.Column("method", sa.String(20), nullable=False, server_default="password"))
    with op.batch_alter_table("join_tokens") as tokens:
        tokens.add_column(sa.Column("owner", sa.String(64)))
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("used_at", sa.Double),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "digest", name=op.f("pk_recovery_codes")),
    )


def downgrade() -> None:
    op.drop_table("recovery_codes")
    with op.batch_alter_table("join_tokens") as tokens:
        tokens.drop_column("owner")
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("method")
    op.execute(sa.text("DELETE FROM users WHERE role NOT IN ('administrator', 'operator', 'viewer')"))
    with op.batch_alter_table("users") as users:
        users.drop_constraint(op.f("uq_users_email"), type_="unique")
        users.drop_constraint(op.f("uq_users_oidc_subject"), type_="unique")
        for column in reversed(_COLUMNS):
            users.drop_column(column)
        users.drop_constraint(op.f("ck_users_role"), type_="check")
        users.create_check_constraint(
            op.f("ck_users_role"), sa.column("role").in_(("administrator", "operator", "viewer"))
        )
