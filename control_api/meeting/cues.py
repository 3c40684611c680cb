"""Words of the operator to sites: "check now", "be ready", a line of text; with the answer of whoever is there.

One unanswered cue a site: a newer one takes its place.  S86 (check when asked), S95 (cues).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from control_api.conferences.live import Live
from control_api.journal.rows import append
from control_api.live.store import JournalEntry, Json
from control_api.meeting.ids import new_id
from control_api.meeting.tables import CueRow
from control_api.store.database import Database
from mcu_core.errors import OperatorError
from signaling.messages import Cue, CueSeen

TEXTS: dict[str, tuple[str, str]] = {
    "check": (
        "Xin kiểm tra lại hình và tiếng của điểm cầu rồi bấm “Đã kiểm tra”.",
        "Please check your picture and sound now, then press “Checked”.",
    ),
    "prepare": (
        "Xin chuẩn bị phát biểu: bật micro, hướng camera về người phát biểu.",
        "Please get ready to speak: microphone on, camera at the speaker.",
    ),
    "microphone": ("Xin tắt micro khi không phát biểu.", "Please switch the microphone off while not speaking."),
    "camera": ("Xin chỉnh lại camera về đại biểu.", "Please point the camera at the participants."),
    "message": ("", ""),
}
CONFIRMED = frozenset({"check", "prepare", "camera"})  # kinds that expect an answer
SHOWN = 60.0  # seconds, of those that expect none


@dataclass(frozen=True, slots=True)
class Word:
    kind: str
    text: str = ""  # instead of the kind's own


class Cues:
    def __init__(self, database: Database, live: Live) -> None:
        self._database, self._live = database, live

    async def send(
        self,
        conference: str,
        sites: Sequence[str] | None,
        word: Word,
        *,
        by: str,
        at: float,
        command_id: str | None = None,
    ) -> list[CueRow]:
        """Tell sites, None: all that are connected.  Raises OperatorError unknown_conference, unknown_site."""
        known = {str(site["id"]): site for site in self._live.state(conference)["sites"]}
        if sites is None:
            sites = [key for key, site in known.items() if site["state"] in ("live", "connecting", "away")]
        for site in sites:
            if site not in known:
                raise OperatorError(
                    "unknown_site", f"Phiên họp không có điểm cầu {site}.", f"The conference has no site {site}."
                )
        vi, en = (word.text, word.text) if word.text else TEXTS.get(word.kind, ("", ""))
        confirm = word.kind in CONFIRMED
        made = []
        async with self._database.writing() as session:
            for site in dict.fromkeys(sites):
                made_id = new_id("q", None if command_id is None else f"{command_id}/{site}")
                row = await session.get(CueRow, made_id)
                if row is None:
                    waiting = f"{conference}/{site}"
                    for older in await session.scalars(select(CueRow).where(CueRow.waiting == waiting)):
                        older.waiting = None
                    await session.flush()
                    row = CueRow(
                        id=made_id,
                        conference_id=conference,
                        site=site,
                        name=str(known[site]["name"]),
                        kind=word.kind,
                        vi=vi,
                        en=en,
                        confirm=confirm,
                        waiting=waiting if confirm else None,
                        at=at,
                        by=by,
                        reached=self._live.tell_site(conference, site, _cue(made_id, word.kind, vi, en, confirm)),
                        seen_at=None,
                        ok=None,
                    )
                    session.add(row)
                made.append(row)
            data: Json = {"kind": word.kind, "sites": [row.site for row in made], "text": word.text}
            await append(session, conference, [JournalEntry(at, "cue", by, None, data)])
        self._live.tell(conference, "cues", at=at)
        return made

    async def seen(self, conference: str, site: str, answer: CueSeen, *, at: float) -> None:
        """Somebody at the site has answered; an answer to an older cue counts for nothing."""
        async with self._database.writing() as session:
            row = await session.get(CueRow, answer.cue)
            if row is None or (row.conference_id, row.site) != (conference, site) or row.seen_at is not None:
                return
            row.seen_at, row.ok, row.waiting = at, answer.ok, None
            data: Json = {"kind": row.kind, "ok": answer.ok, "seconds": round(at - row.at, 1)}
            await append(session, conference, [JournalEntry(at, "cue_answered", None, site, data)])
        self._live.tell(conference, "cues", at=at)

    async def newest(self, conference: str, limit: int = 200) -> list[CueRow]:
        async with self._database.reading() as session:
            rows = select(CueRow).where(CueRow.conference_id == conference)
            return list(await session.scalars(rows.order_by(CueRow.at.desc(), CueRow.site).limit(limit)))

    async def greet(self, conference: str, site: str) -> None:
        """An endpoint came (back): the cue it has not answered yet."""
        async with self._database.reading() as session:
            row = await session.scalar(select(CueRow).where(CueRow.waiting == f"{conference}/{site}"))
        if row is not None:
            self._live.tell_site(conference, site, _cue(row.id, row.kind, row.vi, row.en, row.confirm))


def _cue(cue: str, kind: str, vi: str, en: str, confirm: bool) -> Cue:
    return Cue(id=cue, kind=kind, vi=vi, en=en, confirm=confirm, seconds=0.0 if confirm else SHOWN)
