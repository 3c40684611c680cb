"""What the endpoint WebSocket needs from the conferences, and what they need from it."""

from __future__ import annotations

from typing import Protocol

from mcu_core.wire import View
from signaling.messages import Error, Hello, Offer, Quality, Request, State
from signaling.outbox import Outgoing


class Channel(Protocol):
    """One endpoint's WebSocket.  Neither method waits, so a slow endpoint delays nobody."""

    @property
    def address(self) -> str:
        """Where it comes from."""

    def send(self, message: Outgoing) -> None:
        """Queue a message.  Nothing happens on a channel that is closing."""

    def close(self, error: Error | None = None) -> None:
        """Send what waits, then `error`, and close the WebSocket; 1000 without an error."""


class Conferences(Protocol):
    """Everything an endpoint can ask for; `seat` is what `enter` returned.  McuErrors are told to the endpoint.

    A seat belongs to the channel that entered last.  Calls with an older channel are ignored.
    """

    async def enter(self, hello: Hello, channel: Channel) -> str:
        """Take a seat, or take it up again; sends welcome, then tally, conference and hints.  Returns the seat.

        Raises EndpointError bad_token, conference_closed or mcu_busy.
        """

    async def offer(self, seat: str, channel: Channel, offer: Offer) -> str:
        """Open the seat's leg, or restart its ICE.  Returns the SDP answer."""

    def sends(self, seat: str, channel: Channel, state: State) -> None: ...

    def measured(self, seat: str, channel: Channel, quality: Quality) -> None: ...

    def watch(self, seat: str, channel: Channel, view: View) -> None:
        """Raises EndpointError not_allowed for a site."""

    async def ask(self, seat: str, channel: Channel, request: Request) -> None:
        """A raised hand, a report, an answer to a cue.  Raises EndpointError or PeerLost when it is not taken."""

    async def leave(self, seat: str, channel: Channel) -> None:
        """Give the seat up."""

    def lost(self, seat: str, channel: Channel) -> None:
        """The WebSocket is gone; the seat is held for a while."""
