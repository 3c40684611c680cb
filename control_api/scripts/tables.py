"""The script of a meeting: one document that is replaced whole, so that nobody ever runs half of a change."""

from __future__ import annotations

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json


class ScriptRow(Base):
    """Where the meeting is in its script is not kept here but in the live conference's document."""

    __tablename__ = "scripts"

    conference_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    document: Mapped[Json]  # {"scenes": [...]}
    changed_at: Mapped[float]
    changed_by: Mapped[str] = mapped_column(String(80))
    command: Mapped[str | None] = mapped_column(String(64))  # digest of the request that made this revision
