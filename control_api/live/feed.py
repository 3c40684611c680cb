"""What consoles are told of one conference, to any number of subscribers.

A slow reader gets the newest message of each kind when it reads again; alarms wait in a queue that drops the oldest
past `ALARMS`.  The state is made when it is read, so a hundred changes between two reads cost one; it and its JSON are
made once for all consoles.  Owned by the event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any

from pydantic_core import to_json

from control_api.live.store import Json

ALARMS = 64


class Message(dict[str, Any]):
    """What consoles are told; shared by all of them, so nobody may change it."""

    @cached_property
    def text(self) -> str:
        """Its JSON, made once."""
        return to_json(self).decode()


class Subscription:
    """Messages of one console: `async for message in subscription`.  Ends when the conference is deleted."""

    def __init__(self, state: Callable[[], Message], closed: Callable[[Subscription], None]) -> None:
        self._state, self._closed = state, closed
        self._newest: dict[str, Message | None] = {"state": None}
        self._alarms: deque[Message] = deque(maxlen=ALARMS)
        self._something = asyncio.Event()
        self._something.set()
        self._ended = False
        self.dropped = 0

    def put(self, kind: str, message: Message | None) -> None:
        """`message` None: the state, made when it is read."""
        if kind == "alarm" and message is not None:
            self.dropped += len(self._alarms) == ALARMS
            self._alarms.append(message)
        else:
            self._newest[kind] = message
        self._something.set()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Message:
        while True:
            if self._ended:
                raise StopAsyncIteration
            if "state" in self._newest:  # first, so that what follows can be understood
                await asyncio.sleep(0)  # first the room tells its relays and mixer; a turn of the loop for each
                del self._newest["state"]
                return self._state()
            if self._alarms:
                return self._alarms.popleft()
            for kind in self._newest:
                message = self._newest.pop(kind)
                assert message is not None
                return message
            self._something.clear()
            await self._something.wait()

    def end(self) -> None:
        self._ended = True
        self._something.set()

    def close(self) -> None:
        self.end()
        self._closed(self)


class Feed:
    def __init__(self, state: Callable[[], Json]) -> None:
        self._make_state = state
        self._state: Message | None = None  # None: not made since the last change
        self._subscribers: set[Subscription] = set()

    def __len__(self) -> int:
        return len(self._subscribers)

    def subscribe(self) -> Subscription:
        subscription = Subscription(self._newest_state, self._subscribers.discard)
        self._subscribers.add(subscription)
        return subscription

    def _newest_state(self) -> Message:
        if self._state is None:
            self._state = Message(type="state", state=self._make_state())
        return self._state

    def state_changed(self) -> None:
        self._state = None
        for subscription in self._subscribers:
            subscription.put("state", None)

    def tell(self, kind: str, **content: object) -> None:
        """Send a message of a kind: levels, quality, stats, alarm."""
        message = Message(type=kind, **content)
        for subscription in self._subscribers:
            subscription.put(kind, message)

    def end(self) -> None:
        for subscription in self._subscribers:
            subscription.end()
        self._subscribers.clear()
