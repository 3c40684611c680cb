"""Who is told what happens in live conferences besides media: hands, reports, entrances, what came on air.

`control_api.meeting` implements it; without one, requests of sites are refused.  Synchronous methods must not wait.
"""

from __future__ import annotations

from typing import Protocol

from signaling import errors
from signaling.messages import Request


class Listener(Protocol):
    async def asked(self, conference: str, site: str, request: Request) -> None:
        """A site asks for something.  Raises EndpointError when it may not, PeerLost when it cannot be stored."""

    def entered(self, conference: str, site: str) -> None:
        """An endpoint has taken its seat, or come back to it; it knows nothing of its hand, cues and reports."""

    def on_air(self, conference: str, command: str, site: str | None, seconds: float) -> None:
        """A command is on screen, so many seconds after it came."""


class NobodyListens:
    async def asked(self, conference: str, site: str, request: Request) -> None:
        """Not taken."""
        raise errors.not_stored()

    def entered(self, conference: str, site: str) -> None:
        """Nobody cares."""

    def on_air(self, conference: str, command: str, site: str | None, seconds: float) -> None:
        """Nobody cares."""
