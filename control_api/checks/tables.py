"""Tables of technical checks.

A check is written once and never changed; what an officer says of it later stands beside it (`check_overrides`), so
that both the verdict of the machine and that of the person are kept.  Subject is the id of a conference, which a
booking reserves before the conference is live, so there is no foreign key to it.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json

_ID = String(80)


class CheckRow(Base):
    """One line of the summary form (S81)."""

    __tablename__ = "checks"
    __table_args__ = (
        Index("ix_checks_conference_id", "conference_id", "site_id", "at"),
        Index("ix_checks_site_id", "site_id", "at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conference_id: Mapped[str] = mapped_column(_ID)
    site_id: Mapped[str] = mapped_column(_ID)
    site_name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))  # browser, room
    purpose: Mapped[str] = mapped_column(String(20))  # technical, speaker (S84), retest (S85)
    at: Mapped[float]
    verdict: Mapped[str] = mapped_column(String(10))  # the machine's
    items: Mapped[Json]  # item -> verdict
    reasons: Mapped[Json]  # {"reasons": [...]}
    measured: Mapped[Json]
    limits: Mapped[int] = mapped_column(Integer)  # version of the thresholds
    device_ready: Mapped[bool]
    leader: Mapped[str] = mapped_column(String(200))
    operator_name: Mapped[str] = mapped_column(String(200))
    operator_position: Mapped[str] = mapped_column(String(200))
    operator_phone: Mapped[str] = mapped_column(String(40))
    remark: Mapped[str] = mapped_column(String(2000))
    tester: Mapped[str] = mapped_column(String(200))
    client: Mapped[str] = mapped_column(String(200))  # browser and system, as the page tells them
    still: Mapped[bool]


class StillRow(Base):
    """The picture of a check, apart from it: lists never load it, and it may be forgotten earlier."""

    __tablename__ = "check_stills"

    check_id: Mapped[str] = mapped_column(ForeignKey("checks.id", ondelete="CASCADE"), primary_key=True)
    jpeg: Mapped[bytes] = mapped_column(LargeBinary)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)


class OverrideRow(Base):
    """What an officer decided against, or beside, the machine's verdict; the newest counts, all are kept."""

    __tablename__ = "check_overrides"
    __table_args__ = (Index("ix_check_overrides_check_id", "check_id", "at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    check_id: Mapped[str] = mapped_column(ForeignKey("checks.id", ondelete="CASCADE"))
    verdict: Mapped[str] = mapped_column(String(10))
    remark: Mapped[str] = mapped_column(String(2000))
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[float]


class RetestRow(Base):
    """A site that must be checked again (S85), or a second time because it will speak (S84)."""

    __tablename__ = "check_retests"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    site_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20), primary_key=True)  # retest, speaker
    asked_at: Mapped[float]
    asked_by: Mapped[str | None] = mapped_column(String(80))  # none: the machine, after a failed check
    reason: Mapped[str] = mapped_column(String(2000))
    done_at: Mapped[float | None]  # the re-test stamp
    done_check_id: Mapped[str | None] = mapped_column(String(40))


class ConfirmationRow(Base):
    """One party's word that the joint check was done (S36, S39)."""

    __tablename__ = "check_confirmations"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    party: Mapped[str] = mapped_column(String(20), primary_key=True)
    site_id: Mapped[str] = mapped_column(_ID, primary_key=True)  # of a member site; empty for the other parties
    good: Mapped[bool]
    name: Mapped[str] = mapped_column(String(200))
    remark: Mapped[str] = mapped_column(String(2000))
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[float]


class SelfTestRow(Base):
    """A run of the synthetic call (S53)."""

    __tablename__ = "self_tests"
    __table_args__ = (Index("ix_self_tests_asked_at", "asked_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))  # wanted, running, done
    asked_at: Mapped[float]
    asked_by: Mapped[str | None] = mapped_column(String(80))  # none: by the clock
    started_at: Mapped[float | None]
    done_at: Mapped[float | None]
    good: Mapped[bool | None]
    report: Mapped[Json]
