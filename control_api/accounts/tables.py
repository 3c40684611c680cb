"""Tables of users and their sessions."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
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


class Session(Base):
    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id", "user_id"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the cookie's value, hex
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[float]
    seen_at: Mapped[float]
    address: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
