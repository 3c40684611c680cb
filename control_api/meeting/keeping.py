"""How long what happened in meetings is kept: as long as their journals, and while the conference is there (S25).

Roll calls, speaking queue, issues, remarks, cues, invitations, boards, events and sums of the lines; the single
readings of the lines have a setting of their own (`quality.py`).  Called by the nightly upkeep.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, SQLColumnExpression, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.conferences.tables import Conference
from control_api.meeting.tables import (
    BoardRow,
    CueRow,
    FloorRequestRow,
    InvitationRow,
    IssueRow,
    LineEventRow,
    QualitySumRow,
    RollCallRow,
    SiteRemarkRow,
)
from control_api.upkeep.retention import MEETINGS, Prune


def forgetting(table: Any, at: SQLColumnExpression[float]) -> Prune:
    """Deletes the rows of a table whose moment `at` is older, of conferences that are gone; how many rows.

    One transaction: a night finds what is a day older than the night before.
    """

    async def forget(session: AsyncSession, limit: float) -> int:
        gone = at < limit, table.conference_id.not_in(select(Conference.id))
        done = await session.execute(delete(table).where(*gone))
        return cast("CursorResult[Any]", done).rowcount

    return forget


MEETINGS.update(
    {
        "roll_calls": forgetting(RollCallRow, func.coalesce(RollCallRow.ended_at, RollCallRow.started_at)),
        "floor": forgetting(FloorRequestRow, FloorRequestRow.raised_at),
        "issues": forgetting(IssueRow, IssueRow.at),
        "remarks": forgetting(SiteRemarkRow, SiteRemarkRow.at),
        "cues": forgetting(CueRow, CueRow.at),
        "invitations": forgetting(InvitationRow, InvitationRow.last_at),
        "boards": forgetting(BoardRow, BoardRow.at),
        "line_events": forgetting(LineEventRow, LineEventRow.at),
        "quality_sums": forgetting(QualitySumRow, QualitySumRow.last_at),
    }
)
