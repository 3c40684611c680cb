"""Tables of reports: evaluations of meetings, yearly reports of agencies, reminders that were sent.

Ids of organisations and conferences are no foreign keys: a report stays when what it tells of is gone.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json

_ID = String(80)
_USER = String(64)
_NAME = String(200)
_HASH = String(64)


class EvaluationRow(Base):
    """What people say of a meeting after it (S102).  Once signed it never changes."""

    __tablename__ = "evaluations"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    content: Mapped[Json]  # {"items": [{about, criterion, score, remark}], "remark", "proposal"}
    evaluator: Mapped[str] = mapped_column(_NAME)
    position: Mapped[str] = mapped_column(_NAME)
    changed_at: Mapped[float]
    changed_by: Mapped[str] = mapped_column(_USER)
    signed_at: Mapped[float | None]
    signed_by: Mapped[str | None] = mapped_column(_USER)
    digest: Mapped[str | None] = mapped_column(_HASH)  # SHA-256 of what was signed
    journal_seq: Mapped[int | None] = mapped_column(BigInteger)  # the journal's head when it was signed
    journal_hash: Mapped[str | None] = mapped_column(_HASH)


class YearlyRow(Base):
    """An agency's report of a year, due before 30 November (S58, article 13.4)."""

    __tablename__ = "yearly_reports"
    __table_args__ = (Index("ix_yearly_reports_organisation_id", "organisation_id", "year"),)

    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    organisation_name: Mapped[str] = mapped_column(_NAME)
    revision: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(12))  # draft, submitted, returned
    sections: Mapped[Json]  # code -> text
    figures: Mapped[Json]  # as they were when it was written last
    signer: Mapped[str] = mapped_column(_NAME)
    signer_position: Mapped[str] = mapped_column(_NAME)
    changed_at: Mapped[float]
    changed_by: Mapped[str] = mapped_column(_USER)
    submitted_at: Mapped[float | None]
    submitted_by: Mapped[str | None] = mapped_column(_USER)
    returned_at: Mapped[float | None]
    returned_by: Mapped[str | None] = mapped_column(_USER)
    remark: Mapped[str] = mapped_column(String(2000))  # why it was returned


class YearlyReminderRow(Base):
    """A reminder that was sent, so that a restart does not send it again; empty organisation: escalation to the Sở."""

    __tablename__ = "yearly_reminders"

    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)  # days-30 … overdue
    at: Mapped[float]
