"""Tables of what happens during a meeting: roll calls, speaking queue, issues, cues, invitations, quality of the lines.

Subject is always a conference's id, which a booking reserves before the conference is live and which outlives it in
reports; so nothing here has a foreign key to `conferences`.  Names of sites are kept as they were.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json

_ID = String(80)
_OWN = String(40)  # ids made here
_USER = String(64)


class RollCallRow(Base):
    """One roll call: where it stands, so that a restart goes on with it."""

    __tablename__ = "roll_calls"
    __table_args__ = (Index("ix_roll_calls_conference_id", "conference_id", "started_at"),)

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    conference_id: Mapped[str] = mapped_column(_ID)
    active: Mapped[str | None] = mapped_column(_ID, unique=True)  # the conference while it goes on: one at a time
    state: Mapped[str] = mapped_column(String(12))  # running, paused, finishing, aborting, finished, aborted
    order_by: Mapped[str] = mapped_column(String(12))  # number, alphabet, script, given
    seconds: Mapped[float]  # that a site has to answer
    auto: Mapped[bool]  # when the time is over: no answer, and on to the next
    skip_absent: Mapped[bool]  # a site that is not connected is absent at once
    position: Mapped[int] = mapped_column(Integer)  # of the site that is called now
    step: Mapped[int] = mapped_column(BigInteger)  # grows with every change of position or state
    called_at: Mapped[float | None]
    due_at: Mapped[float | None]
    left: Mapped[float | None]  # seconds left when it was paused
    moment: Mapped[Json]  # the scene to bring back
    started_at: Mapped[float]
    started_by: Mapped[str] = mapped_column(_USER)
    ended_at: Mapped[float | None]
    ended_by: Mapped[str | None] = mapped_column(_USER)


class RollCallSiteRow(Base):
    __tablename__ = "roll_call_sites"

    roll_call_id: Mapped[str] = mapped_column(ForeignKey("roll_calls.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    site: Mapped[str] = mapped_column(_ID)
    name: Mapped[str] = mapped_column(String(200))
    number: Mapped[int] = mapped_column(Integer)
    result: Mapped[str | None] = mapped_column(String(12))  # present, absent, poor, no_answer, skipped
    at: Mapped[float | None]
    by: Mapped[str | None] = mapped_column(_USER)  # none: the timer, or because it was not connected
    remark: Mapped[str] = mapped_column(String(500))
    on_air_ms: Mapped[int | None] = mapped_column(Integer)  # from the call to the picture


class FloorRequestRow(Base):
    """A site that asks to speak."""

    __tablename__ = "floor_requests"
    __table_args__ = (Index("ix_floor_requests_conference_id", "conference_id", "raised_at"),)

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    conference_id: Mapped[str] = mapped_column(_ID)
    active: Mapped[str | None] = mapped_column(String(200), unique=True)  # conference/site while waiting or speaking
    site: Mapped[str] = mapped_column(_ID)
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(12))  # waiting, speaking, done, withdrawn
    rank: Mapped[float]  # order among those who wait
    raised_at: Mapped[float]
    raised_by: Mapped[str | None] = mapped_column(_USER)  # none: the site itself
    given_at: Mapped[float | None]
    given_by: Mapped[str | None] = mapped_column(_USER)
    on_air_ms: Mapped[int | None] = mapped_column(Integer)  # from the command to the picture (S91)
    ended_at: Mapped[float | None]


class IssueRow(Base):
    """Something that does not work, told by a site or by the operator (S48, S90, S98)."""

    __tablename__ = "site_issues"
    __table_args__ = (
        Index("ix_site_issues_conference_id", "conference_id", "at"),
        Index("ix_site_issues_site", "site", "at"),
    )

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    conference_id: Mapped[str] = mapped_column(_ID)
    site: Mapped[str | None] = mapped_column(_ID)
    name: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(10))  # site, operator
    category: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(String(1000))
    figures: Mapped[Json]  # of the line when it was told
    state: Mapped[str] = mapped_column(String(8))  # open, taken, solved
    at: Mapped[float]
    by: Mapped[str | None] = mapped_column(_USER)
    taken_at: Mapped[float | None]
    taken_by: Mapped[str | None] = mapped_column(_USER)
    solved_at: Mapped[float | None]
    solved_by: Mapped[str | None] = mapped_column(_USER)
    remark: Mapped[str] = mapped_column(String(1000))
    fault: Mapped[str | None] = mapped_column(_ID)  # of the directory, when it was written down there


class SiteRemarkRow(Base):
    """What the operator says of a site's connection in a meeting (S48)."""

    __tablename__ = "site_remarks"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    site: Mapped[str] = mapped_column(_ID, primary_key=True)
    remark: Mapped[str] = mapped_column(String(1000))
    score: Mapped[int | None] = mapped_column(Integer)  # 1 to 5, by a person; the measured one is beside it
    at: Mapped[float]
    by: Mapped[str] = mapped_column(_USER)


class QualityRow(Base):
    """Every connected site of a conference at one moment: `grades.packed` figures by site, one row each 10 s."""

    __tablename__ = "quality"
    __table_args__ = (Index("ix_quality_at", "at"),)

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    at: Mapped[float] = mapped_column(primary_key=True)
    sites: Mapped[Json]


class QualitySumRow(Base):
    """The same summed over a meeting: what reports and the history of a line over meetings read."""

    __tablename__ = "quality_sums"
    __table_args__ = (Index("ix_quality_sums_site", "site", "first_at"),)

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    site: Mapped[str] = mapped_column(_ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    first_at: Mapped[float]
    last_at: Mapped[float]
    good: Mapped[int] = mapped_column(Integer)  # readings
    fair: Mapped[int] = mapped_column(Integer)
    bad: Mapped[int] = mapped_column(Integer)
    lost: Mapped[int] = mapped_column(Integer)
    loss_sum: Mapped[float]  # fractions, over good + fair + bad readings
    loss_most: Mapped[float]
    jitter_sum: Mapped[float]  # ms
    rtt_sum: Mapped[float]  # ms
    rtt_most: Mapped[float]
    up_sum: Mapped[float]  # kbit/s
    down_sum: Mapped[float]


class LineEventRow(Base):
    """A line that became bad, was lost, came back, or was changed for the reserve line (S14, S60)."""

    __tablename__ = "line_events"
    __table_args__ = (
        Index("ix_line_events_site", "site", "at"),
        Index("ix_line_events_conference_id", "conference_id", "at"),
        Index("ix_line_events_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    conference_id: Mapped[str] = mapped_column(_ID)
    site: Mapped[str] = mapped_column(_ID)
    name: Mapped[str] = mapped_column(String(200))
    at: Mapped[float]
    kind: Mapped[str] = mapped_column(String(10))  # bad, better, lost, back, reserve
    seconds: Mapped[float | None]  # how long it had been bad or lost, when that ends
    by: Mapped[str | None] = mapped_column(_USER)
    text: Mapped[str] = mapped_column(String(500))


class CueRow(Base):
    """A word of the operator to a site, and whether somebody there has done it (S86, S95)."""

    __tablename__ = "cues"
    __table_args__ = (Index("ix_cues_conference_id", "conference_id", "at"),)

    id: Mapped[str] = mapped_column(_OWN, primary_key=True)
    conference_id: Mapped[str] = mapped_column(_ID)
    site: Mapped[str] = mapped_column(_ID)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    vi: Mapped[str] = mapped_column(String(300))
    en: Mapped[str] = mapped_column(String(300))
    confirm: Mapped[bool]
    waiting: Mapped[str | None] = mapped_column(String(200), unique=True)  # conference/site until answered: one a site
    at: Mapped[float]
    by: Mapped[str] = mapped_column(_USER)
    reached: Mapped[bool]  # somebody was connected when it was sent
    seen_at: Mapped[float | None]
    ok: Mapped[bool | None]


class InvitationRow(Base):
    """How often a site was called to come into the conference (S83)."""

    __tablename__ = "invitations"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    site: Mapped[str] = mapped_column(_ID, primary_key=True)
    tries: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[float]
    last_by: Mapped[str | None] = mapped_column(_USER)  # none: the MCU itself, by the retry rule
    way: Mapped[str] = mapped_column(String(12))  # page, notice, phone
    next_at: Mapped[float | None]  # when the MCU calls again; none: it does not


class BoardRow(Base):
    """Who was connected at a moment that counts: an hour before the meeting (S87), or when the operator asked."""

    __tablename__ = "boards"

    conference_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)  # hour_before, or a number of those asked for
    at: Mapped[float]
    by: Mapped[str | None] = mapped_column(_USER)
    sites: Mapped[Json]
