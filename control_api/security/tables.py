"""Tables of security: events, blocked networks, fallback admissions of sites."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json

_NAME = String(80)


class SecurityEvent(Base):
    __tablename__ = "security_events"
    __table_args__ = (Index("ix_security_events_at", "at"), Index("ix_security_events_kind", "kind", "id"))

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[float]  # of the first of them
    kind: Mapped[str] = mapped_column(String(40))
    severity: Mapped[int]  # `kinds.Severity`
    address: Mapped[str | None] = mapped_column(String(64))
    username: Mapped[str | None] = mapped_column(String(64))  # as given; it need not exist
    conference: Mapped[str | None] = mapped_column(_NAME)
    site: Mapped[str | None] = mapped_column(_NAME)
    times: Mapped[int] = mapped_column(default=1)  # the same, again and again, is one event
    data: Mapped[Json]
    acknowledged_at: Mapped[float | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(64))
    remark: Mapped[str] = mapped_column(String(1000), default="")


class BlockedNetwork(Base):
    __tablename__ = "blocked_networks"

    network: Mapped[str] = mapped_column(String(64), primary_key=True)  # CIDR
    until: Mapped[float]
    reason: Mapped[str] = mapped_column(String(500))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[float]


class Fallback(Base):
    """The Sở lets a site in over another network for a while, because its line of the TSLCD has failed (S22)."""

    __tablename__ = "fallbacks"
    __table_args__ = (Index("ix_fallbacks_site", "site", "until"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    site: Mapped[str] = mapped_column(_NAME)
    incident: Mapped[str] = mapped_column(String(80))  # number of the incident
    reason: Mapped[str] = mapped_column(String(500))
    at: Mapped[float]
    until: Mapped[float]
    by: Mapped[str] = mapped_column(String(64))
    ended_at: Mapped[float | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))
