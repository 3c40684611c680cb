"""What the routes need from the live conferences; `control_api.live.service.LiveService` provides it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from control_api.live.feed import Message
from control_api.live.figures import Figures
from control_api.live.gate import Gate
from control_api.live.listener import Listener
from control_api.live.store import Json
from mcu_core.commands import Command
from mcu_core.scene import CustomTile
from mcu_core.wire import View
from signaling.messages import ToEndpoint


class Subscription(Protocol):
    """Messages for one console, in order; a slow reader misses all but the newest.  `close()` when done."""

    def __aiter__(self) -> AsyncIterator[Message]: ...

    async def __anext__(self) -> Message: ...

    def close(self) -> None: ...


class Live(Protocol):
    """Each method raises OperatorError `unknown_conference`, and others by command, when refused."""

    gate: Gate  # asked before an endpoint takes a seat

    @property
    def ready(self) -> asyncio.Event:
        """Set when the stored conferences are loaded."""

    def conferences(self) -> list[Json]:
        """Each with id, title, open, revision, sites, present, podium."""

    def state(self, conference_id: str) -> Json: ...

    def renditions(self, conference_id: str) -> list[Json]: ...

    def figures(self) -> Figures: ...

    def control_blocked(self, lag_ms: float) -> None:
        """Control's event loop stands still again and again; alarm in every conference with people."""

    def reachable(self) -> dict[str, bool]:
        """Whether each relay answers."""

    def events(self, conference_id: str) -> Subscription: ...

    def listen(self, listener: Listener) -> None: ...

    def tell(self, conference_id: str, kind: str, **content: object) -> None:
        """Tell the consoles; a newer message of a kind takes the older one's place.  Unknown conference: nobody."""

    def tell_site(self, conference_id: str, site_id: str, message: ToEndpoint) -> bool:
        """False when nobody is connected there."""

    def warn(self, conference_id: str, code: str, vi: str, en: str, site_id: str | None = None) -> None: ...

    def moment(self, conference_id: str) -> Json:
        """What the room sees and hears now, for the command `BringBack`."""

    def quality(self, conference_id: str) -> dict[str, dict[str, float | None]]:
        """Newest figures of the connected sites."""

    async def create_conference(
        self,
        title: str,
        *,
        actor: str | None,
        conference_id: str | None = None,
        command_id: str | None = None,
        first: Sequence[Command] = (),
    ) -> Json:
        """With what the `first` commands bring about; one transaction."""

    async def delete_conference(self, conference_id: str, *, actor: str | None) -> None: ...

    async def command(
        self, conference_id: str, command: Command, *, actor: str | None, command_id: str | None = None
    ) -> Json: ...

    async def layout_changed(self, name: str, tiles: tuple[CustomTile, ...], *, actor: str | None) -> None: ...

    async def drop_site(self, conference_id: str, site_id: str, *, actor: str | None) -> None: ...

    async def issue_link(self, conference_id: str, site_id: str, *, actor: str | None, beside: bool = False) -> str:
        """The new join token; older ones stop working, unless it is one `beside` them."""

    async def revoke_link(self, conference_id: str, site_id: str, *, actor: str | None) -> None: ...

    async def open_monitor(self, conference_id: str, view: View, *, actor: str | None) -> str:
        """The join token of a monitor."""

    async def end_monitors(self, owner: str) -> None: ...

    async def drop_address(
        self, covers: Callable[[str], bool], *, actor: str | None, site: str | None = None, why: str = "blocked"
    ) -> int: ...
