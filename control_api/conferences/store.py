"""Live conferences in the database: the `ConferenceStore` that `control_api.live` asks for.

Each method is one transaction (`control_api.store.database`): when it has returned, what it wrote survives `kill -9`.
Join tokens are kept as SHA-256 only; 192 random bits need no slow hash.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.conferences.tables import Answer, Conference, JoinTokenRow, JournalRow, Seat
from control_api.journal.rows import append, append_all
from control_api.live.store import (
    ConferenceStore,
    JoinToken,
    JournalEntry,
    Json,
    StaleRevisionError,
    StoredConference,
    StoredSeat,
)
from control_api.store.database import Database
from mcu_core.errors import OperatorError
from mcu_core.wire import View

ANSWER_LIFE = 7 * 86400.0  # an idempotency key is remembered this long
MONITOR_TOKEN_GRACE = 86400.0  # expired monitor tokens are kept for seats that come back
RETIRED = 0.0  # `expires_at` of a replaced or revoked token whose seat is still held: it serves to return only


def command_id(key: str, fingerprint: str) -> str:
    """The id of a command: its key (user and Idempotency-Key) and what was asked; `_split` takes them apart."""
    return f"{key}#{fingerprint}"


def _split(command: str) -> tuple[str, str]:
    key, _, fingerprint = command.rpartition("#")
    return (key, fingerprint) if key else (command, "")


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class SqlConferenceStore(ConferenceStore):
    """`now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def load_all(self) -> list[StoredConference]:
        async with self._database.reading() as session:
            seats: dict[str, list[StoredSeat]] = {}
            for row in await session.scalars(select(Seat).order_by(Seat.id)):
                seats.setdefault(row.conference_id, []).append(_seat(row))
            rows = await session.scalars(select(Conference).order_by(Conference.created_at, Conference.id))
            return [StoredConference(c.id, c.revision, c.document, tuple(seats.get(c.id, ()))) for c in rows]

    async def load(self, conference_id: str) -> StoredConference | None:
        async with self._database.reading() as session:
            found = await session.get(Conference, conference_id)
            if found is None:
                return None
            seats = await session.scalars(select(Seat).where(Seat.conference_id == conference_id).order_by(Seat.id))
            return StoredConference(found.id, found.revision, found.document, tuple(_seat(row) for row in seats))

    async def save(
        self,
        conference_id: str,
        expected_revision: int,
        revision: int,
        document: Json,
        command_id: str | None,
        answer: Json | None,
        journal: list[JournalEntry],
    ) -> None:
        now = self._now()
        async with self._database.writing() as session:
            if expected_revision == 0:
                new = self._insert_new(Conference).values(
                    id=conference_id, revision=revision, document=document, created_at=now, updated_at=now
                )
                changed = await session.scalar(new.returning(Conference.id))
            else:
                same = Conference.id == conference_id, Conference.revision == expected_revision
                newer = update(Conference).where(*same).values(revision=revision, document=document, updated_at=now)
                changed = await session.scalar(newer.returning(Conference.id))
            if changed is None:
                raise StaleRevisionError(f"{conference_id} is not at revision {expected_revision} any more")
            if command_id is not None:
                key, fingerprint = _split(command_id)
                await session.execute(
                    insert(Answer).values(
                        conference_id=conference_id, key=key, fingerprint=fingerprint, answer=answer or {}, at=now
                    )
                )
            await append(session, conference_id, journal)

    async def answer_of(self, conference_id: str, command_id: str) -> Json | None:
        """Raises OperatorError `idempotency_key_reused` when the key came with another request before."""
        key, fingerprint = _split(command_id)
        async with self._database.reading() as session:
            row = await session.get(Answer, (conference_id, key))
        if row is None:
            return None
        if row.fingerprint != fingerprint:
            raise key_reused()
        return row.answer

    async def delete(self, conference_id: str, journal: list[JournalEntry]) -> None:
        async with self._database.writing() as session:
            await append(session, conference_id, journal)
            await session.execute(delete(Conference).where(Conference.id == conference_id))

    async def append(self, journal: dict[str, list[JournalEntry]]) -> None:
        if journal:
            async with self._database.writing() as session:
                await append_all(session, journal)

    async def seat_for_token(self, token: str) -> JoinToken | None:
        async with self._database.reading() as session:
            row = await session.scalar(select(JoinTokenRow).where(JoinTokenRow.digest == digest(token)))
        if row is None:
            return None
        return JoinToken(row.id, row.conference_id, row.site, row.view, row.expires_at)

    async def issue_token(
        self,
        conference_id: str,
        site: str | None,
        view: View,
        expires_at: float | None,
        *,
        owner: str | None = None,
        beside: bool = False,
    ) -> str:
        token = secrets.token_urlsafe(24)
        async with self._database.writing() as session:
            if site is not None and not beside:
                await _retire(session, conference_id, site)
            await session.execute(
                insert(JoinTokenRow).values(
                    id=f"t-{secrets.token_hex(8)}",
                    digest=digest(token),
                    conference_id=conference_id,
                    site=site,
                    view=view,
                    expires_at=expires_at,
                    created_at=self._now(),
                    owner=owner,
                )
            )
        return token

    async def revoke_monitors(self, owner: str) -> set[str]:
        theirs = delete(JoinTokenRow).where(JoinTokenRow.owner == owner, JoinTokenRow.site.is_(None))
        async with self._database.writing() as session:
            return set((await session.scalars(theirs.returning(JoinTokenRow.id))).all())

    async def revoke_token(self, conference_id: str, site: str) -> None:
        async with self._database.writing() as session:
            await _retire(session, conference_id, site)

    async def save_seats(self, seats: dict[str, StoredSeat | None]) -> None:
        gone = [seat_id for seat_id, seat in seats.items() if seat is None]
        kept = [_values(seat) for seat in seats.values() if seat is not None]
        async with self._database.writing() as session:
            if kept:
                # A conference may have been deleted since: its seats are gone with it, and must not stop the others.
                there = set(await session.scalars(select(Conference.id).where(Conference.id.in_(_conferences(kept)))))
                kept = [values for values in kept if values["conference_id"] in there]
            if kept:
                new = self._dialect_insert(Seat)
                newer = {name: new.excluded[name] for name in kept[0] if name != "id"}
                await session.execute(new.on_conflict_do_update(index_elements=[Seat.id], set_=newer), kept)
            if gone:
                await session.execute(delete(Seat).where(Seat.id.in_(gone)))

    async def prune(self) -> None:
        """Forget old answers, expired monitor tokens and retired tokens without a seat; once a day."""
        now = self._now()
        async with self._database.writing() as session:
            await session.execute(delete(Answer).where(Answer.at < now - ANSWER_LIFE))
            await session.execute(
                delete(JoinTokenRow).where(
                    JoinTokenRow.site.is_(None), JoinTokenRow.expires_at < now - MONITOR_TOKEN_GRACE
                )
            )
            await session.execute(
                delete(JoinTokenRow).where(JoinTokenRow.expires_at == RETIRED, JoinTokenRow.id.not_in(_HELD))
            )

    async def journal(self, conference_id: str, after: int = 0, limit: int = 500) -> Sequence[JournalRow]:
        """Lines of a conference's journal after the one numbered `after`, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(JournalRow)
                .where(JournalRow.conference_id == conference_id, JournalRow.seq > after)
                .order_by(JournalRow.seq)
                .limit(limit)
            )
            return rows.all()

    def _dialect_insert(self, table: type[Conference | Seat]) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._database.is_sqlite else postgresql.insert(table)

    def _insert_new(self, table: type[Conference | Seat]) -> sqlite.Insert | postgresql.Insert:
        return self._dialect_insert(table).on_conflict_do_nothing()


def key_reused() -> OperatorError:
    return OperatorError(
        "idempotency_key_reused",
        "Idempotency-Key này đã dùng cho một yêu cầu khác. Hãy dùng khóa mới cho mỗi yêu cầu.",
        "This Idempotency-Key was used for another request. Use a new key for each request.",
    )


_HELD = select(Seat.token_id)


async def _retire(session: AsyncSession, conference_id: str, site: str) -> None:
    """End a site's tokens.  One with which a seat is held stays, expired, so that its endpoint can come back."""
    of_site = JoinTokenRow.conference_id == conference_id, JoinTokenRow.site == site
    await session.execute(delete(JoinTokenRow).where(*of_site, JoinTokenRow.id.not_in(_HELD)))
    await session.execute(update(JoinTokenRow).where(*of_site).values(expires_at=RETIRED))


def _values(seat: StoredSeat) -> dict[str, Any]:
    return {
        "id": seat.id,
        "conference_id": seat.conference,
        "site": seat.site,
        "view": seat.view,
        "token_id": seat.token_id,
        "relay": seat.relay,
        "microphone": seat.microphone,
        "camera": seat.camera,
        "screen": seat.screen,
    }


def _conferences(seats: list[dict[str, Any]]) -> set[str]:
    return {values["conference_id"] for values in seats}


def _seat(row: Seat) -> StoredSeat:
    return StoredSeat(
        id=row.id,
        conference=row.conference_id,
        site=row.site,
        view=row.view,
        token_id=row.token_id,
        relay=row.relay,
        microphone=row.microphone,
        camera=row.camera,
        screen=row.screen,
    )
