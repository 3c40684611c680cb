"""From where a site may join: its own list of networks, else the TSLCD's (S21, article 5.7a).

And the way round when its line has failed (S22, article 5.7b): the Sở opens a fallback for one site, under the number
of an incident, for a while.  The `Gate` of live conferences; it also tells the security log who came over which
network, and whose changed during the meeting (S19, S89).  `now` is the wall clock.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence

from sqlalchemy import Text, cast, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.directory.tables import Site
from control_api.journal.rows import append
from control_api.live.store import JournalEntry
from control_api.security.events import Security
from control_api.security.networks import within
from control_api.security.tables import Fallback
from control_api.store.database import Database
from mcu_core.errors import OperatorError
from signaling import errors
from signaling.origin import network_of

WITHOUT_NETWORKS = (
    Site.network == "tslcd",
    Site.active.is_(True),
    func.coalesce(cast(Site.allowed_networks, Text), "[]") == "[]",
)  # sites that only `security.site_networks` narrows
LONGEST = 24 * 3600.0  # of a fallback, seconds
_MOST_KNOWN = 4096


class Admission:
    """Implements `control_api.live.gate.Gate`."""

    def __init__(
        self, database: Database, networks: Sequence[str], security: Security, now: Callable[[], float]
    ) -> None:
        self._database = database
        self._networks = networks  # of the TSLCD; none: anywhere
        self._security = security
        self._now = now
        self._last: OrderedDict[tuple[str, str], str] = OrderedDict()  # (conference, site) -> address

    # -- the gate

    async def admit(self, conference: str, site: str, address: str) -> None:
        """Raises EndpointError `wrong_network`."""
        async with self._database.reading() as db:
            allowed = await self._allowed(db, site)
            if allowed is None or within(address, allowed):
                return
            fallback = await _open(db, site, self._now())
        if fallback is None:
            self._security.note(
                "wrong_network", address=address, conference=conference, site=site, data={"allowed": list(allowed)[:20]}
            )
            raise errors.wrong_network()
        data = {"incident": fallback.incident}
        self._security.note("fallback_used", address=address, conference=conference, site=site, data=data)
        entry = JournalEntry(self._now(), "fallback_used", None, site, {**data, "address": address})
        async with self._database.writing() as db:
            await append(db, conference, [entry])

    def came_in(self, conference: str, site: str, address: str, client: str, *, replaced: bool) -> None:
        key = conference, site
        before = self._last.get(key)
        self._last[key] = address
        self._last.move_to_end(key)
        while len(self._last) > _MOST_KNOWN:
            self._last.popitem(last=False)
        if before is not None and network_of(before) != network_of(address):
            kind = "site_replaced" if replaced else "address_changed"
            data = {"before": before, "client": client[:100]}
            self._security.note(kind, address=address, conference=conference, site=site, data=data)

    def turned_away(self, code: str, address: str, conference: str | None, site: str | None) -> None:
        if code == "bad_token":
            data = {"known": conference is not None}
            self._security.note("unknown_site", address=address, conference=conference, site=site, data=data)

    async def _allowed(self, db: AsyncSession, site: str) -> Sequence[str] | None:
        """None: anywhere.  A site that the Sở has registered on another network than the TSLCD may use that."""
        row = (await db.execute(select(Site.allowed_networks, Site.network).where(Site.id == site))).first()
        if row is not None and row[0]:
            return [str(network) for network in row[0]]
        if not self._networks or (row is not None and row[1] != "tslcd"):
            return None
        return self._networks

    # -- fallbacks

    async def open_fallback(
        self, site: str, incident: str, reason: str, seconds: float, by: str, command: str | None
    ) -> Fallback:
        """Let a site in from anywhere until its time is over.  A repeated command finds what it made."""
        now = self._now()
        made = secrets.token_hex(6) if command is None else hashlib.sha256(command.encode()).hexdigest()[:12]
        async with self._database.writing() as db:
            before = await db.get(Fallback, f"f-{made}")
            if before is not None:
                return before
            fallback = Fallback(
                id=f"f-{made}", site=site, incident=incident, reason=reason, at=now, until=now + seconds, by=by
            )
            db.add(fallback)
        data = {"incident": incident, "reason": reason, "seconds": seconds, "fallback": fallback.id}
        await self._security.record("fallback_opened", address=None, username=by, site=site, data=data)
        return fallback

    async def end_fallback(self, fallback_id: str, by: str) -> str:
        """Nobody comes in over it any more.  Returns its site, whose endpoint may have to go.

        Raises OperatorError `unknown_fallback`.
        """
        now = self._now()
        async with self._database.writing() as db:
            found = await db.get(Fallback, fallback_id)
            if found is None:
                raise OperatorError(
                    "unknown_fallback",
                    f"Không có lần mở dự phòng {fallback_id}.",
                    f"There is no fallback {fallback_id}.",
                )
            if found.ended_at is not None or found.until <= now:
                return found.site
            ended = update(Fallback).where(Fallback.id == fallback_id, Fallback.ended_at.is_(None))
            await db.execute(ended.values(ended_at=now, ended_by=by))
        data = {"incident": found.incident, "fallback": fallback_id}
        await self._security.record("fallback_ended", address=None, username=by, site=found.site, data=data)
        return found.site

    async def networks_of(self, site: str) -> Sequence[str] | None:
        """From where a site may be connected now; None: from anywhere, also because a fallback of it is open."""
        async with self._database.reading() as db:
            allowed = await self._allowed(db, site)
            return None if allowed is None or await _open(db, site, self._now()) is not None else allowed

    async def ended(self, since: float) -> set[str]:
        """Sites with a fallback that ended after `since`, by its time or by hand."""
        now = self._now()
        over = (Fallback.until > since) & (Fallback.until <= now) | (Fallback.ended_at > since)
        async with self._database.reading() as db:
            return set(await db.scalars(select(Fallback.site).where(over)))

    async def fallbacks(self, *, only_open: bool, offset: int, limit: int) -> Sequence[Fallback]:
        """The newest first."""
        wanted = select(Fallback).order_by(Fallback.at.desc(), Fallback.id).offset(offset).limit(limit)
        if only_open:
            wanted = wanted.where(Fallback.ended_at.is_(None), Fallback.until > self._now())
        async with self._database.reading() as db:
            return (await db.scalars(wanted)).all()


async def _open(db: AsyncSession, site: str, now: float) -> Fallback | None:
    found: Fallback | None = await db.scalar(
        select(Fallback)
        .where(Fallback.site == site, Fallback.ended_at.is_(None), Fallback.until > now)
        .order_by(Fallback.until.desc())
        .limit(1)
    )
    return found
