"""The connection to a conference's mixer: kept up, made again within 50 ms when it is lost.

A mixer that dies is started again under the same path; nothing here needs to be told.  Media sent while there is
none is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mcu_core.errors import PeerLost
from mcu_core.wire import Event, Media, Peer, RelayAttached, connect

RETRY = 0.05


class MixerLink:
    """One conference's link.  `on_up` is called after each (re)connection, once `RelayAttached` is on its way."""

    def __init__(
        self,
        path: str,
        relay: str,
        *,
        on_media: Callable[[Media], None],
        on_event: Callable[[Event], None],
        on_up: Callable[[], None],
    ) -> None:
        self.path = path
        self._relay = relay
        self._on_media, self._on_event, self._on_up = on_media, on_event, on_up
        self._peer: Peer | None = None
        self._dropped_before = 0
        self.unsent = 0  # media frames dropped because there was no mixer

    @property
    def up(self) -> bool:
        return self._peer is not None

    @property
    def dropped(self) -> int:
        """Media frames the mixer was too slow for."""
        return self._dropped_before + (self._peer.media_dropped if self._peer is not None else 0)

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        while True:
            peer = Peer(
                on_media=lambda _, media: self._on_media(media),
                on_event=lambda _, event: self._on_event(event),
            )
            try:
                await connect(self.path, peer, deadline=5.0, retry=RETRY)
            except PeerLost:
                continue
            except OSError:
                await asyncio.sleep(RETRY)
                continue
            try:
                self._peer = peer
                peer.post(RelayAttached(self._relay))
                self._on_up()
                await peer.closed.wait()
            finally:
                self._peer = None
                self._dropped_before += peer.media_dropped
                peer.close()
            await asyncio.sleep(RETRY)

    def send_media(self, packed: bytes) -> None:
        if self._peer is None or not self._peer.send_media(packed):
            self.unsent += self._peer is None

    def post(self, event: Event) -> None:
        if self._peer is not None:
            self._peer.post(event)
