"""All live conferences of the control process.  (Signatures first; the rooms follow in the next commit.)"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from control_api.live.store import ConferenceStore, Json
from mcu_core.commands import Command
from mcu_core.wire import View


@dataclass(frozen=True, slots=True)
class LiveSettings:
    relays: tuple[str, ...] = ("0",)  # names of the relays to place
    seat_hold: float = 60.0  # seconds a seat outlives its WebSocket
    monitor_token_life: float = 900.0
    max_legs: int = 400  # joins beyond are refused with mcu_busy


class Metrics(Protocol):
    """Where durations are counted; `control_api.metrics` implements it."""

    def command_done(self, command: str, seconds: float) -> None: ...
    def on_air(self, command: str, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Figures:
    """Gauges of this moment for `/metrics`; by conference id or worker name."""

    conferences: int = 0
    sites: dict[str, dict[str, int]] = field(default_factory=dict)  # conference -> live state -> count
    legs: int = 0
    monitors: int = 0
    relays: dict[str, dict[str, float]] = field(default_factory=dict)
    mixers: dict[str, dict[str, float]] = field(default_factory=dict)


class Subscription(Protocol):
    """Messages of the console WebSocket, in order; the newest wins when the reader is slow.  `close()` when done."""

    def __aiter__(self) -> AsyncIterator[Json]: ...
    async def __anext__(self) -> Json: ...
    def close(self) -> None: ...


class Live(Protocol):
    """Public methods of LiveService.  OperatorError `unknown_conference` (and others by command) when refused."""

    ready: asyncio.Event

    async def run(self) -> None: ...

    def conferences(self) -> list[Json]:
        """[{id, title, open, revision, sites, present, podium}]"""

    def state(self, conference_id: str) -> Json: ...
    def renditions(self, conference_id: str) -> list[Json]: ...
    def figures(self) -> Figures: ...
    def events(self, conference_id: str) -> Subscription: ...

    async def create_conference(
        self, title: str, *, actor: str | None, conference_id: str | None = None, command_id: str | None = None
    ) -> Json: ...
    async def delete_conference(self, conference_id: str, *, actor: str | None) -> None: ...
    async def command(
        self, conference_id: str, command: Command, *, actor: str | None, command_id: str | None = None
    ) -> Json: ...
    async def drop_site(self, conference_id: str, site_id: str, *, actor: str | None) -> None: ...
    async def issue_link(self, conference_id: str, site_id: str, *, actor: str | None) -> str: ...
    async def revoke_link(self, conference_id: str, site_id: str, *, actor: str | None) -> None: ...
    async def open_monitor(self, conference_id: str, view: View, *, actor: str | None) -> str: ...


# LiveService(store: ConferenceStore, pool: NodePool, settings: LiveSettings, *, metrics: Metrics) implements Live
# and signaling.seats.Conferences (what the endpoint WebSocket needs).
_ = (ConferenceStore, Any)
