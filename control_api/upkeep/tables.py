"""Tables of upkeep: what ran when, and how it ended."""

from __future__ import annotations

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json


class UpkeepRun(Base):
    """One nightly or asked-for run; `ended_at` None: under way, or cut off by a restart."""

    __tablename__ = "upkeep_runs"
    __table_args__ = (Index("ix_upkeep_runs_kind", "kind", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(20))  # backup, verify, prune
    started_at: Mapped[float]
    ended_at: Mapped[float | None]
    ok: Mapped[bool | None]
    facts: Mapped[Json]
