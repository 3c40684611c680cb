"""What all conferences of the control process share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from control_api.live.clock import Clock
from control_api.live.figures import Metrics
from control_api.live.listener import Listener
from control_api.live.settings import LiveSettings
from control_api.live.store import ConferenceStore
from control_api.live.workers import Connect, Pool, WorkerLink
from control_api.live.writer import Writer


class Spawn(Protocol):
    def __call__(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task in the service's TaskGroup."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    store: ConferenceStore
    writer: Writer
    pool: Pool
    connect: Connect
    clock: Clock
    metrics: Metrics
    settings: LiveSettings
    relays: Mapping[str, WorkerLink]
    synced: asyncio.Event  # the relays have told which legs they carry
    spawn: Spawn
    listener: Callable[[], Listener]
