"""Tables of conferences: their documents, answers to commands, join tokens and seats; the journal is `journal/`.

A conference is one document with a revision: sites, scenes, podium and undo change together or not at all, and only
`mcu_core.conference` reads them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.journal.tables import JournalRow as JournalRow
from control_api.store.base import Base, Json

_ID = String(80)


class Conference(Base):
    __tablename__ = "conferences"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[Json]
    created_at: Mapped[float]
    updated_at: Mapped[float]


class Answer(Base):
    """What was answered to a command, so that repeating it does nothing twice."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_at", "at"),)

    conference_id: Mapped[str] = mapped_column(ForeignKey("conferences.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))  # of the request; empty: not known
    answer: Mapped[Json]
    at: Mapped[float]


class JoinTokenRow(Base):
    __tablename__ = "join_tokens"
    __table_args__ = (Index("ix_join_tokens_conference_id", "conference_id", "site"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the token, hex
    conference_id: Mapped[str] = mapped_column(ForeignKey("conferences.id", ondelete="CASCADE"))
    site: Mapped[str | None] = mapped_column(_ID)  # none: a monitor
    view: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[float | None]
    created_at: Mapped[float]
    owner: Mapped[str | None] = mapped_column(String(64))  # user name of whoever opened it, of monitors


class Seat(Base):
    __tablename__ = "seats"
    __table_args__ = (Index("ix_seats_conference_id", "conference_id"),)

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    conference_id: Mapped[str] = mapped_column(ForeignKey("conferences.id", ondelete="CASCADE"))
    site: Mapped[str | None] = mapped_column(_ID)
    view: Mapped[str] = mapped_column(String(20))
    token_id: Mapped[str] = mapped_column(String(40))
    relay: Mapped[str] = mapped_column(String(40))
    microphone: Mapped[bool]
    camera: Mapped[bool]
    screen: Mapped[bool]
