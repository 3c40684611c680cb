"""The security log: what was refused, failed, changed or looked odd, kept for the duty officer (S89, appendix step 7).

Recording never fails and never waits for the database: events go to a bounded queue, a task of ours writes them.  The
same thing from the same place again and again is one event that counts (`times`), or a flood would fill the table.
What did not fit is counted and said in the metric.  `now` is the wall clock.  Owned by the event loop.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.metrics import Metrics
from control_api.problems import Refused
from control_api.security.kinds import KINDS, severity_of
from control_api.security.tables import Fallback, SecurityEvent
from control_api.store.base import Json
from control_api.store.database import Database
from mcu_core.errors import McuError, OperatorError

MERGE = 60.0  # seconds in which the same is the same event
_MOST_WAITING = 2000
_MOST_OPEN = 4096  # events that may still be counted up
_PERIOD = 0.5
_LONGEST_DATA = 4000  # characters of JSON

_log = structlog.get_logger("security")

Key = tuple[str, str | None, str | None, str | None, str | None, str]


@dataclass(slots=True)
class _Noted:
    """An event on its way to the table, or counted up there."""

    at: float
    kind: str
    address: str | None
    username: str | None
    conference: str | None
    site: str | None
    data: Json
    times: int = 1
    id: int | None = None  # when written
    written: int = 0  # times, as written


@dataclass(frozen=True, slots=True)
class EventFilter:
    kind: str | None = None
    severity: int = 0  # at least
    text: str = ""  # address, user or site
    conference: str | None = None
    since: float | None = None
    until: float | None = None
    open: bool | None = None  # not acknowledged
    after: int | None = None  # ids above


class Security:
    def __init__(self, database: Database, now: Callable[[], float], metrics: Metrics) -> None:
        self._database = database
        self._now = now
        self._noted: OrderedDict[Key, _Noted] = OrderedDict()
        self._dirty: OrderedDict[int, _Noted] = OrderedDict()  # by id(): those to be written
        self._turn = asyncio.Lock()
        self.lost = 0
        self._counter = Counter(
            "mcu_security_events_total", "Security events by kind.", ("kind",), registry=metrics.registry
        )
        self._lost_counter = Counter(
            "mcu_security_events_lost_total", "Security events for which there was no room.", registry=metrics.registry
        )

    # -- recording

    async def record(
        self,
        kind: str,
        *,
        address: str | None,
        username: str | None = None,
        conference: str | None = None,
        site: str | None = None,
        data: Json | None = None,
    ) -> None:
        """Note an event.  Never raises, never waits."""
        self.note(kind, address=address, username=username, conference=conference, site=site, data=data)

    def note(
        self,
        kind: str,
        *,
        address: str | None,
        username: str | None = None,
        conference: str | None = None,
        site: str | None = None,
        data: Json | None = None,
    ) -> None:
        """The same for those who cannot await."""
        try:
            self._note(kind, address, username, conference, site, data or {})
        except Exception:  # whatever is wrong with an event must not become wrong with what it tells of
            _log.exception("security event not noted", kind=kind)

    def _note(
        self, kind: str, address: str | None, username: str | None, conference: str | None, site: str | None, data: Json
    ) -> None:
        now = self._now()
        self._counter.labels(kind if kind in KINDS else "other").inc()
        text = json.dumps(data, ensure_ascii=False, sort_keys=True, default=str)
        text = text.replace("\\u0000", "").encode("utf-8", "replace").decode()
        data = json.loads(text) if len(text) <= _LONGEST_DATA else {"cut": text[:_LONGEST_DATA]}
        kind = _cut(kind, 40) or "unknown"
        key = kind, _cut(address, 64), _cut(username, 64), _cut(conference, 80), _cut(site, 80), text[:500]
        known = self._noted.get(key)
        if known is not None and 0 <= now - known.at < MERGE:
            known.times += 1
            self._dirty[id(known)] = known
            return
        if len(self._dirty) >= _MOST_WAITING:
            self._lose(1)
            return
        noted = _Noted(now, kind, *key[1:5], data)
        self._noted[key] = noted
        self._noted.move_to_end(key)
        self._dirty[id(noted)] = noted
        while len(self._noted) > _MOST_OPEN:
            self._noted.popitem(last=False)

    async def run(self) -> None:
        """Write what was noted, until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(_PERIOD)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write what was noted so far; what the database does not take is tried again with the next."""
        async with self._turn:
            batch, self._dirty = list(self._dirty.values()), OrderedDict()
            if not batch:
                return
            try:
                await self._write(batch)
            except McuError as error:
                _log.warning("security events not written yet", error=str(error), waiting=len(batch))
                for noted in batch:
                    if len(self._dirty) < _MOST_WAITING:
                        self._dirty.setdefault(id(noted), noted)
                    else:
                        self._lose(1)
            except Exception:
                _log.exception("security events not written", lost=len(batch))
                self._lose(len(batch))

    def _lose(self, count: int) -> None:
        self.lost += count
        self._lost_counter.inc(count)

    async def _write(self, batch: list[_Noted]) -> None:
        counts = [noted.times for noted in batch]
        new = [noted for noted in batch if noted.id is None]
        async with self._database.writing() as db:
            rows = [
                {
                    "at": noted.at,
                    "kind": noted.kind,
                    "severity": int(severity_of(noted.kind)),
                    "address": noted.address,
                    "username": noted.username,
                    "conference": noted.conference,
                    "site": noted.site,
                    "times": noted.times,
                    "data": noted.data,
                    "remark": "",
                }
                for noted in new
            ]
            ids: Sequence[int] = ()
            if rows:
                made = insert(SecurityEvent).returning(SecurityEvent.id, sort_by_parameter_order=True)
                ids = (await db.scalars(made, rows)).all()
            for noted, times in zip(batch, counts, strict=True):
                if noted.id is not None and times != noted.written:
                    same = update(SecurityEvent).where(SecurityEvent.id == noted.id)
                    await db.execute(same.values(times=times))
        for noted, number in zip(new, ids, strict=True):
            noted.id = number
        for noted, times in zip(batch, counts, strict=True):
            noted.written = times

    # -- reading

    async def find(self, what: EventFilter, offset: int, limit: int) -> tuple[Sequence[SecurityEvent], int]:
        """A page of events, the newest first, and how many there are."""
        await self.flush()
        where = _conditions(what)
        async with self._database.reading() as db:
            found = select(SecurityEvent).where(*where).order_by(SecurityEvent.id.desc()).offset(offset).limit(limit)
            total = await db.scalar(select(func.count()).select_from(SecurityEvent).where(*where))
            return (await db.scalars(found)).all(), int(total or 0)

    async def get(self, number: int) -> SecurityEvent:
        """Raises OperatorError `unknown_security_event`."""
        await self.flush()
        async with self._database.reading() as db:
            event = await db.get(SecurityEvent, number)
        if event is None:
            raise unknown_event(number)
        return event

    async def acknowledge(self, number: int, by: str, remark: str) -> SecurityEvent:
        """Somebody has looked at it and says what came of it; the last remark stands.

        Raises OperatorError `unknown_security_event`.
        """
        await self.flush()
        values = {"acknowledged_at": self._now(), "acknowledged_by": by, "remark": remark}
        async with self._database.writing() as db:
            changed = update(SecurityEvent).where(SecurityEvent.id == number).values(**values)
            event: SecurityEvent | None = await db.scalar(changed.returning(SecurityEvent))
            if event is None:
                raise unknown_event(number)
            return event

    async def newest(self, kind: str) -> SecurityEvent | None:
        await self.flush()
        async with self._database.reading() as db:
            of_kind = select(SecurityEvent).where(SecurityEvent.kind == kind)
            found: SecurityEvent | None = await db.scalar(of_kind.order_by(SecurityEvent.id.desc()).limit(1))
            return found

    async def prune(self, before: float) -> int:
        """Forget events of before that time; returns how many.  When is the retention's to say."""
        async with self._database.writing() as db:
            return await prune_events(db, before)


async def prune_events(db: AsyncSession, before: float) -> int:
    """The retention's rule: events, and fallbacks that ended, of before that time."""
    events = await db.execute(delete(SecurityEvent).where(SecurityEvent.at < before))
    fallbacks = await db.execute(delete(Fallback).where(Fallback.until < before))
    return sum(int(getattr(gone, "rowcount", 0)) for gone in (events, fallbacks))


def unknown_event(number: int) -> OperatorError:
    return OperatorError(
        "unknown_security_event",
        f"Không có sự kiện an toàn số {number}. Có thể đã quá thời hạn lưu.",
        f"There is no security event {number}. It may have been kept long enough.",
    )


def nothing_to_act_on(what: str) -> Refused:
    return Refused(
        "nothing_to_act_on",
        f"Sự kiện này không có {what} để xử lý. Hãy chọn cách xử lý khác.",
        f"This event names no {what}. Choose another action.",
    )


def _cut(text: str | None, longest: int) -> str | None:
    return None if text is None else text.replace("\0", "").encode("utf-8", "replace").decode()[:longest]


def _conditions(what: EventFilter) -> list[ColumnElement[bool]]:
    event, conditions = SecurityEvent, [SecurityEvent.severity >= what.severity]
    if what.kind is not None:
        conditions.append(event.kind == what.kind)
    if what.text:
        columns = (event.address, event.username, event.site)
        found = [column.contains(what.text, autoescape=True) for column in columns]
        conditions.append(found[0] | found[1] | found[2])
    if what.conference is not None:
        conditions.append(event.conference == what.conference)
    if what.since is not None:
        conditions.append(event.at >= what.since)
    if what.until is not None:
        conditions.append(event.at < what.until)
    if what.open is not None:
        conditions.append(event.acknowledged_at.is_(None) if what.open else event.acknowledged_at.is_not(None))
    if what.after is not None:
        conditions.append(event.id > what.after)
    return conditions
