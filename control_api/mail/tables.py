"""What is to be sent by e-mail, and what became of it."""

from __future__ import annotations

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base

_ID = String(80)


class Outgoing:
    """Columns of a table that `sender.py` sends from."""

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    site_id: Mapped[str | None] = mapped_column(_ID)
    kind: Mapped[str] = mapped_column(String(20))
    recipient: Mapped[str] = mapped_column(String(254))  # address; empty: told by other ways
    name: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(400))
    body: Mapped[str] = mapped_column(Text)  # the join link is taken out once it is sent
    calendar: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))  # queued, sending, sent, failed, unsure, printed (no mail)
    attempts: Mapped[int]
    next_at: Mapped[float]
    error: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[float]
    sent_at: Mapped[float | None]


class Letter(Outgoing, Base):
    """A reminder, a call, a link to a check: whatever is no notice of a booking."""

    __tablename__ = "letters"
    __table_args__ = (
        Index("ix_letters_state", "state", "next_at"),
        Index("ix_letters_about", "about", "created_at"),
        Index("ix_letters_created_at", "created_at"),
    )

    kind: Mapped[str] = mapped_column(String(30))
    about: Mapped[str] = mapped_column(String(120))  # notice/n-1, conference/c-1
    page: Mapped[str] = mapped_column(String(200))  # of our own pages; its address is added when it is sent
