"""Who is connected, at a moment that counts: the roll-call board an hour before the meeting (S87).

A site is present, absent (never came), or failed: it came and was lost, or its line is bad.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import select

from control_api.conferences.live import Live
from control_api.journal.rows import append
from control_api.live.store import JournalEntry, Json
from control_api.meeting.grades import Grade, grade_of, measured
from control_api.meeting.tables import BoardRow, QualitySumRow
from control_api.store.database import Database

Presence = Literal["present", "absent", "failed"]
HOUR_BEFORE = "hour_before"


@dataclass(frozen=True, slots=True)
class OnBoard:
    site: str
    number: int
    name: str
    presence: Presence
    state: str  # of the live conference: absent, connecting, live, away
    grade: Grade | None  # of its line now


def board_of(
    state: Mapping[str, Any], quality: Mapping[str, Mapping[str, float | None]], came: set[str]
) -> list[OnBoard]:
    """From the live conference's state and figures; `came`: sites that were connected at some time before.  Pure."""
    board = []
    for site in state["sites"]:
        key, there = str(site["id"]), site["state"] == "live"
        figures = quality.get(key)
        grade = grade_of(measured(figures)) if there and figures is not None else None
        presence: Presence = "absent"
        if there:
            presence = "failed" if grade == "bad" else "present"
        elif site["state"] == "away" or key in came:
            presence = "failed"
        board.append(OnBoard(key, site["number"], str(site["name"]), presence, str(site["state"]), grade))
    return board


class Boards:
    def __init__(self, database: Database, live: Live) -> None:
        self._database, self._live = database, live

    async def now(self, conference: str) -> list[OnBoard]:
        """Raises OperatorError unknown_conference."""
        state = self._live.state(conference)
        async with self._database.reading() as session:
            rows = select(QualitySumRow.site).where(QualitySumRow.conference_id == conference)
            came = set(await session.scalars(rows))
        return board_of(state, self._live.quality(conference), came)

    async def keep(self, conference: str, kind: str, *, by: str | None, at: float) -> BoardRow:
        """Write the board of this moment down; the one an hour before is written once."""
        board = await self.now(conference)
        async with self._database.writing() as session:
            known = await session.get(BoardRow, (conference, kind))
            if known is not None:
                return known
            sites: Json = {one.site: {**asdict(one)} for one in board}
            row = BoardRow(conference_id=conference, kind=kind, at=at, by=by, sites=sites)
            session.add(row)
            counts = {what: sum(one.presence == what for one in board) for what in ("present", "absent", "failed")}
            entry = JournalEntry(at, "board_kept", by, None, {"kind": kind, **counts})
            await append(session, conference, [entry])
        if kind == HOUR_BEFORE and counts["present"] < len(board):
            missing = len(board) - counts["present"]
            self._live.warn(
                conference,
                "sites_missing",
                f"Còn một giờ đến giờ họp mà {missing} điểm cầu chưa sẵn sàng. Mở “Điểm danh” để xem và gọi.",
                f"One hour to go and {missing} sites are not ready. See “Roll call” and call them.",
            )
        return row

    async def kept(self, conference: str) -> list[BoardRow]:
        async with self._database.reading() as session:
            rows = select(BoardRow).where(BoardRow.conference_id == conference).order_by(BoardRow.at.desc())
            return list(await session.scalars(rows.limit(100)))
