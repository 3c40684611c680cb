"""Who may come in from where, and who wants to know of it: what live conferences ask before an endpoint takes a seat.

`control_api.security.admission` answers; without it everybody with a link may come from anywhere.
"""

from __future__ import annotations

from typing import Protocol


class Gate(Protocol):
    async def admit(self, conference: str, site: str, address: str) -> None:
        """Raises EndpointError `wrong_network` when this site may not join from this address."""

    def came_in(self, conference: str, site: str, address: str, client: str, *, replaced: bool) -> None:
        """A site sits; `replaced`: another endpoint of it had to go."""

    def turned_away(self, code: str, address: str, conference: str | None, site: str | None) -> None:
        """An endpoint was refused with this code."""


class OpenGate:
    async def admit(self, conference: str, site: str, address: str) -> None:
        """Anybody."""

    def came_in(self, conference: str, site: str, address: str, client: str, *, replaced: bool) -> None:
        """Nobody asks."""

    def turned_away(self, code: str, address: str, conference: str | None, site: str | None) -> None:
        """Nobody asks."""
