"""Which endpoint came in for a site: compared with the approved one, off the path of joining (S19, article 5.6).

Stands before another `Gate` of live conferences and passes everything on.  Joining never waits for it: what came in is
put into a bounded queue, and with a full queue it is looked at the next time the site comes.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from control_api.directory.fingerprints import fingerprint
from control_api.directory.requests import Requests
from control_api.live.gate import Gate
from control_api.security.events import Security

_MOST_WAITING = 1000

log = structlog.get_logger("directory")


class Arrivals:
    """Implements `control_api.live.gate.Gate`."""

    def __init__(self, gate: Gate, requests: Requests, security: Security) -> None:
        self._gate = gate
        self._requests = requests
        self._security = security
        self._waiting: asyncio.Queue[tuple[str, str, str, dict[str, Any]]] = asyncio.Queue(_MOST_WAITING)
        self.dropped = 0

    async def admit(self, conference: str, site: str, address: str) -> None:
        await self._gate.admit(conference, site, address)

    def came_in(self, conference: str, site: str, address: str, client: str, *, replaced: bool) -> None:
        self._gate.came_in(conference, site, address, client, replaced=replaced)
        try:
            self._waiting.put_nowait((conference, site, address, fingerprint(address, client, ())))
        except asyncio.QueueFull:
            self.dropped += 1

    def turned_away(self, code: str, address: str, conference: str | None, site: str | None) -> None:
        self._gate.turned_away(code, address, conference, site)

    async def look(self) -> None:
        """Compare the next one that came; waits for it."""
        conference, site, address, seen = await self._waiting.get()
        found = await self._requests.observe(site, seen)
        if found:
            self._security.note(
                "equipment_changed", address=address, conference=conference, site=site, data={"differs": found}
            )

    async def watch(self) -> None:
        """Compare whatever comes, until cancelled."""
        while True:
            await self.look()
