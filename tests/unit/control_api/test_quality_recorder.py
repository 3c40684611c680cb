"""A reading of many lines is written in slices; what it needs of the database is made ready before."""

from __future__ import annotations

from typing import Any, cast

from control_api.conferences.live import Live
from control_api.live.store import Json
from control_api.meeting.quality import WRITTEN_AT_ONCE, QualityHistory, QualityRecorder
from control_api.store.database import Database

SITES = 2 * WRITTEN_AT_ONCE + 1


class FullRoom:
    """The part of `Live` that a reading asks: one conference, everybody there and well, or everybody lost."""

    def __init__(self) -> None:
        self.lost = False
        self.warnings: list[str] = []

    def warn(self, conference_id: str, code: str, vi: str, en: str, site: str) -> None:
        self.warnings.append(code)

    def quality(self, conference_id: str) -> dict[str, dict[str, float | None]]:
        return {f"site-{number}": {"jitter_ms": 2.0, "rtt_ms": 20.0} for number in range(SITES)}

    def state(self, conference_id: str) -> Json:
        sites: list[Any] = [
            {"id": f"site-{number}", "name": f"Điểm cầu {number}", "state": "away" if self.lost else "live"}
            for number in range(SITES)
        ]
        return {"rehearsal": False, "sites": sites}


async def test_a_reading_of_many_lines_reaches_every_sum(database: Database) -> None:
    recorder, history = QualityRecorder(database, cast(Live, FullRoom())), QualityHistory(database)
    await recorder.prepare()
    assert await history.sums() == [], "getting ready leaves nothing behind"
    assert [await recorder.read("c-1", at) for at in (1000.0, 1010.0)] == [SITES, SITES]
    sums = await history.sums()
    assert len(sums) == SITES
    assert {(one.good, one.bad, one.jitter_sum, one.rtt_most) for one in sums} == {(2, 0, 4.0, 20.0)}
    assert [len(sites) for _, sites in await history.readings("c-1", since=0.0, until=2000.0)] == [SITES, SITES]


async def test_all_lines_lost_at_once_are_all_told(database: Database) -> None:
    room = FullRoom()
    recorder, history = QualityRecorder(database, cast(Live, room)), QualityHistory(database)
    await recorder.read("c-1", 1000.0)
    room.lost = True
    for at in (1010.0, 1020.0, 1030.0):
        await recorder.read("c-1", at)
    total, newest = await history.events(conference="c-1")
    assert (total, {event.kind for event in newest}) == (SITES, {"lost"})
    assert room.warnings == ["line_lost"] * SITES
