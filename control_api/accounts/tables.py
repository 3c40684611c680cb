"""Tables of users and their sessions."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.accounts.rules import Role
from control_api.store.base import Base

_ROLES = ", ".join(f"'{role}'" for role in sorted(Role))


class User(Base):
    __tablename__ = "users"
    __table_args__ = (CheckConstraint(f"role IN ({_ROLES})", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)  # NFC, case folded
    name: Mapped[str] = mapped_column(String(200))  # as shown
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(200))  # argon2id, PHC string
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[float]
    password_changed_at: Mapped[float]
    organisation_id: Mapped[str | None] = mapped_column(String(80))  # none: the Sở's, or nobody's
    email: Mapped[str | None] = mapped_column(String(254), unique=True)  # lower case
    phone: Mapped[str] = mapped_column(String(40), default="")
    must_change: Mapped[bool] = mapped_column(default=False)  # the password was set by somebody else
    failures: Mapped[int] = mapped_column(default=0)  # wrong passwords and codes in a row
    expires_at: Mapped[float | None]  # of an account for a time
    locked_at: Mapped[float | None]  # by failures or by a person; an administrator unlocks
    totp_secret: Mapped[str | None] = mapped_column(String(200))  # base32, sealed (`sealing.py`)
    totp_since: Mapped[float | None]  # confirmed by a first code; none: not in use yet
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)  # 30 s step of the last code accepted (no replay)
    made_by: Mapped[str | None] = mapped_column(String(64))  # digest of the command that made it (repetitions)
    oidc_subject: Mapped[str | None] = mapped_column(String(300), unique=True)  # issuer and subject, since first used


class Session(Base):
    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id", "user_id"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the cookie's value, hex
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[float]
    seen_at: Mapped[float]
    address: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    method: Mapped[str] = mapped_column(String(20), default="password")  # or `oidc`


class RecoveryCode(Base):
    """One of the codes that stand in for a lost telephone, once."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256, hex
    used_at: Mapped[float | None]
