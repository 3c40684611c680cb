"""Tables of the journal.  Append-only and chained: triggers of migration 0009 refuse anything else.

A row may only be appended behind its journal's head, and only be deleted once the head says that it is pruned; the
head itself never goes back and is never deleted: it is what a pruned journal leaves behind.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json

_ID = String(80)
_HASH = String(64)  # SHA-256, hex


class JournalRow(Base):
    """No foreign key: the journal outlives its conference."""

    __tablename__ = "journal"
    __table_args__ = (UniqueConstraint("conference_id", "seq"), Index("ix_journal_site", "site", "id"))

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    conference_id: Mapped[str] = mapped_column(_ID)
    at: Mapped[float]
    what: Mapped[str] = mapped_column(String(80))
    actor: Mapped[str | None] = mapped_column(String(80))
    site: Mapped[str | None] = mapped_column(_ID)
    data: Mapped[Json]
    seq: Mapped[int] = mapped_column(BigInteger)  # 1, 2, 3 … in its conference
    previous: Mapped[str] = mapped_column(_HASH)  # hash of the line before; of the first: zeros
    hash: Mapped[str] = mapped_column(_HASH)  # `chain.digest` of everything above but the id


class JournalHead(Base):
    """The newest line of each journal, moved by a trigger; locked by whoever appends."""

    __tablename__ = "journal_heads"
    __table_args__ = (Index("ix_journal_heads_changed_at", "changed_at"),)

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(_HASH)
    changed_at: Mapped[float]  # time of the newest line
    pruned_seq: Mapped[int] = mapped_column(BigInteger)  # lines up to here were deleted when their time was over
    pruned_hash: Mapped[str] = mapped_column(_HASH)  # of the last deleted one
    pruned_at: Mapped[float | None]


class JournalAnchor(Base):
    """Heads as they were at the end of a day: who rewrites a whole journal must rewrite these, and every backup."""

    __tablename__ = "journal_anchors"
    __table_args__ = (Index("ix_journal_anchors_conference_id", "conference_id", "seq"),)

    day: Mapped[str] = mapped_column(String(10), primary_key=True)  # 2026-11-23, local
    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(_HASH)
    at: Mapped[float]
