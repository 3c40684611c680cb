"""What waits to be sent to one endpoint: in order, bounded, the newest of each kind of status.

Tally, hint, conference, hand, cue and issue messages say how things are now: a newer one takes the older one's place.
Everything else is kept; when the limit is reached the reader is too slow to be worth serving and the socket is closed
(`RefuseWhenFull`).  Owned by the event loop; one consumer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from signaling.messages import ConferenceInfo, Cue, Hand, Hint, Issue, Tally, ToEndpoint


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An encoded message.  Encode once, send to many."""

    text: str
    kind: str | None  # of status messages: what a newer one replaces


def encode(message: ToEndpoint) -> Outgoing:
    kind: str | None = None
    if isinstance(message, Hint):
        kind = f"hint/{message.track}"
    elif isinstance(message, Tally | ConferenceInfo | Hand | Cue | Issue):
        kind = message.type
    return Outgoing(message.model_dump_json(), kind)


class Outbox:
    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._waiting: list[Outgoing] = []
        self._something = asyncio.Event()
        self.finished = False
        self.peak = 0
        self.replaced = 0

    def put(self, message: Outgoing) -> bool:
        """False when full or finished: the message was not taken."""
        if self.finished:
            return False
        if message.kind is not None:
            for index, other in enumerate(self._waiting):
                if other.kind == message.kind:
                    self._waiting[index] = message
                    self.replaced += 1
                    return True
        if len(self._waiting) >= self._limit:
            return False
        self._waiting.append(message)
        self.peak = max(self.peak, len(self._waiting))
        self._something.set()
        return True

    def finish(self) -> None:
        """Nothing more is taken; what waits is still handed out."""
        self.finished = True
        self._something.set()

    async def take(self) -> list[Outgoing]:
        """All that waits; waits for something.  [] once finished and empty."""
        while not self._waiting and not self.finished:
            self._something.clear()
            await self._something.wait()
        taken, self._waiting = self._waiting, []
        return taken
