"""The media of one conference: the legs of its seats on the relays, and its mixer.

Keeps what the relays say in the conference's `presence`; legs carry the id of their seat.  Owned by the room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

import structlog

from control_api.live.people import People
from control_api.live.plans import Plans
from control_api.live.store import Json
from control_api.live.surroundings import Surroundings
from control_api.live.workers import Link, WorkerLink
from mcu_core.adaptation import LegAdaptation, Size
from mcu_core.arrangement import Arrangement
from mcu_core.errors import EndpointError, McuError, PeerLost
from mcu_core.on_air import OnAir, size_of_rendition
from mcu_core.presence import Happening, Leg, Presence
from mcu_core.wire import CloseLeg, Event, LegAnswer, LegInfo, LegState, OpenLeg, RestartIce
from signaling import errors
from signaling import messages as say
from signaling.outbox import encode
from signaling.seats import Seat

_log = structlog.get_logger(__name__)


class Owner(Protocol):
    """What legs need from their room."""

    @property
    def id(self) -> str: ...

    @property
    def arrangement(self) -> Arrangement: ...

    @property
    def presence(self) -> Presence: ...

    def changed(self, *, urgent: bool = False) -> None: ...

    def journal(self, what: str, site: str | None, data: Json | None = None) -> None: ...

    def mixer_event(self, event: Event) -> None: ...


class Legs:
    def __init__(self, owner: Owner, people: People, around: Surroundings) -> None:
        self.plans = Plans(owner.id)
        self._owner, self._people, self._around = owner, people, around
        self._deadline = around.settings.worker_deadline
        self._relay_of: dict[str, str] = {}  # by seat
        self._lines: dict[str, LegAdaptation] = {}  # by seat: what is known of them outlives legs and relays
        self._opening: dict[str, WorkerLink] = {}  # by seat: asked for a leg, and whether there is one is not known
        self._unserved: set[str] = set()  # seats to be told when there is media again
        self._mixer: WorkerLink | None = None
        self._mixer_task: asyncio.Task[None] | None = None

    # -- seats

    def seated(self, seat: str, relay: str | None = None) -> str:
        """Choose the relay of a seat, or keep the stored one if it still exists.  Returns its name."""
        if relay is not None and relay in self._around.relays:
            self._relay_of[seat] = relay
        return self._relay_of.setdefault(seat, self._best_relay())

    def relay_of(self, seat: str) -> str:
        return self._relay_of.get(seat, "")

    def hang_up(self, seat: str) -> None:
        """The seat is over: so is its leg."""
        self._unserved.discard(seat)
        self._relay_of.pop(seat, None)
        self._lines.pop(seat, None)
        leg = self._owner.presence.legs.pop(seat, None)
        relay = self._opening.pop(seat, None)
        if leg is not None:
            relay = self._around.relays.get(leg.relay)
        if relay is not None:
            self._around.spawn(self._closing(relay, seat), "live/close-leg")

    def _best_relay(self) -> str:
        """The relay with the fewest seats of this conference, one that answers if there is one."""
        counts = {name: sum(relay == name for relay in self._relay_of.values()) for name in self._around.relays}
        return min(counts, key=lambda name: (not self._around.relays[name].up, counts[name]))

    # -- what endpoints ask

    async def offer(self, seat: Seat, offer: say.Offer) -> str:
        """Open the seat's leg, or restart its ICE.  Returns the SDP answer.

        Raises what the relay refuses (EndpointError), or PeerLost: then the endpoint is told to rejoin when relay and
        mixer are back.
        """
        try:
            return await (self._restart(seat, offer.sdp) if offer.restart else self._open(seat, offer.sdp))
        except PeerLost:
            self._unserved.add(seat.id)
            raise

    async def _restart(self, seat: Seat, sdp: str) -> str:
        leg = self._owner.presence.legs.get(seat.id)
        if leg is None:
            raise errors.no_leg()
        reply = await self._around.relays[leg.relay].call(RestartIce(seat.id, sdp), self._deadline)
        assert isinstance(reply, LegAnswer)
        return reply.answer

    async def _open(self, seat: Seat, sdp: str) -> str:
        presence, relay = self._owner.presence, self._around.relays[self.seated(seat.id)]
        mixer = (await self._needed_mixer().ready(self._deadline)).socket
        if presence.legs.pop(seat.id, None) is not None:
            await relay.call(CloseLeg(seat.id), self._deadline)
        number = 0 if seat.site is None else self._owner.arrangement.sites[seat.site].number
        self._opening[seat.id] = relay  # stays when a newer offer or the end of the WebSocket cancels this
        try:
            call = OpenLeg(seat.id, self._owner.id, number, mixer, sdp, draws_names=seat.draws_names)
            reply = await relay.call(call, self._deadline)
        except EndpointError:
            self._opening.pop(seat.id, None)
            raise
        assert isinstance(reply, LegAnswer)
        self._opening.pop(seat.id, None)
        if self._people.seats.get(seat.id) is not seat:  # it was given up meanwhile
            self._around.spawn(self._closing(relay, seat.id), "live/close-leg")
            raise errors.replaced()
        self._unserved.discard(seat.id)
        self._opened(seat, relay.name, reply.info)
        return reply.answer

    async def _closing(self, relay: WorkerLink, leg: str) -> None:
        try:
            await relay.call(CloseLeg(leg), self._deadline)
        except McuError as error:  # a relay that does not answer has no legs when it comes back
            _log.info("leg_not_closed", leg=leg, error=str(error))

    def prepare(self) -> None:
        """Somebody comes: have the mixer ready by the time the offer is there."""
        self._needed_mixer()

    # -- what relays tell

    def relay_down(self, relay: str) -> None:
        """A relay died.  Its sites are away; they are told to rejoin when it is back."""
        for leg in [leg for leg in self._owner.presence.legs.values() if leg.relay == relay]:
            self._lost(leg, "silent", "relay lost")

    def reconcile(self, relay: str, infos: Mapping[str, LegInfo]) -> list[str]:
        """A relay told which legs of this conference it carries.  Returns those that belong to nobody."""
        legs, seats = self._owner.presence.legs, self._people.seats
        for leg in [leg for leg in legs.values() if leg.relay == relay and leg.leg not in infos]:
            self._lost(leg, "closed", "relay lost")
        for info in infos.values():
            seat = seats.get(info.leg)
            if seat is None or info.leg in legs:
                continue
            self._relay_of[seat.id] = relay
            self._opened(seat, relay, info)
            self._needed_mixer()
            if info.state == "connected":
                self._connected(legs[seat.id])
        self._tell_unserved(relay)
        return [leg for leg in infos if seats.get(leg) is None]

    def told(self, event: LegState) -> None:
        leg = self._owner.presence.legs.get(event.leg)
        if leg is None:  # of a seat that was given up
            return
        if event.state == "connected":
            self._connected(leg)
        elif event.state in ("silent", "closed"):
            self._lost(leg, event.state, event.reason)
            self._tell_unserved(leg.relay)

    def _opened(self, seat: Seat, relay: str, info: LegInfo) -> None:
        presence = self._owner.presence
        line, now = self._line(seat, info), self._around.clock.now()
        presence.legs[seat.id] = Leg(
            seat.id, relay, seat.site, seat.view, info.codec, since=now, line=line, draws_names=info.draws_names
        )
        if seat.site is not None and not presence.of(seat.site).speaks_for_itself:
            # until it says what it sends, what it offered is the best guess
            presence.sends(seat.site, microphone=True, camera=info.camera, screen=False)
        self.plans.leg_opened(relay)
        self._owner.changed(urgent=True)

    def _line(self, seat: Seat, info: LegInfo) -> LegAdaptation:
        """Of the seat's leg before, or, after a restart, as the relay still serves it."""
        line = self._lines.get(seat.id)
        if line is None:
            site = None if seat.site is None else self._owner.arrangement.sites[seat.site]
            adapts = self._around.settings.adaptation and (site is None or site.pinned is None)
            line = self._lines[seat.id] = LegAdaptation(_size_served(info) if adapts else "high")
        else:
            line.begin_anew()
        return line

    def _connected(self, leg: Leg) -> None:
        leg.connected = True
        if leg.site is not None:
            self._people.media_begins(leg.site)  # also of a site that was not missed: the page may be another
            if self._owner.presence.tell(leg.site, Happening.CONNECTED):
                self._owner.journal("site_live", leg.site)
        self._owner.changed(urgent=True)

    def _lost(self, leg: Leg, how: str, reason: str) -> None:
        if leg.connected:
            leg.connected, leg.since = False, self._around.clock.now()
        if how == "closed":
            del self._owner.presence.legs[leg.leg]
            self._unserved.add(leg.leg)
        if leg.site is not None and self._owner.presence.tell(leg.site, Happening.LOST):
            self._owner.journal("site_away", leg.site, {"how": how, "reason": reason})
        self._owner.changed()

    def _tell_unserved(self, relay: str) -> None:
        """Endpoints without media make their connection anew; one told once is not told again."""
        spread = round(self._around.settings.rejoin_spread * 1000)
        message = encode(say.Media(action="rejoin", spread_ms=spread))
        for seat in [seat for seat in self._unserved if self._relay_of.get(seat) == relay]:
            channel = self._people.channel(seat)
            self._unserved.discard(seat)  # one whose WebSocket is missing is told to offer when it comes back
            if channel is not None and seat not in self._owner.presence.legs:
                channel.send(message)

    # -- the mixer

    def tell_plans(self, on_air: OnAir, now: float) -> None:
        """Give relays and mixer what changed."""
        if self._mixer is None:
            self.plans.nobody_sees()
        else:
            self.plans.send(on_air, now, self._mixer, self._around.relays.values(), self._people.hints.of)

    @property
    def has_mixer(self) -> bool:
        return self._mixer is not None

    def _needed_mixer(self) -> WorkerLink:
        """The conference's mixer; placed when it is first needed."""
        if self._mixer is None:
            around = self._around
            self._mixer = WorkerLink(
                "mixer",
                self._owner.id,
                around.pool,
                around.connect,
                around.clock,
                on_up=self._mixer_up,
                on_event=self._owner.mixer_event,
            )
            self._mixer_task = around.spawn(self._mixer.run(), f"live/{self._owner.id}/mixer")
        return self._mixer

    async def _mixer_up(self, link: Link) -> None:
        for relay in self._around.relays:
            self._tell_unserved(relay)
        self._owner.changed(urgent=True)  # its socket is known now: legs can be told

    def stop(self) -> None:
        """End the connection to the mixer, not the mixer."""
        if self._mixer_task is not None:
            self._mixer_task.cancel()
        self._mixer = self._mixer_task = None

    async def release(self) -> None:
        """Stop the mixer; the next offer places a new one."""
        if self._mixer is None:
            return
        self.stop()
        self.plans.forget(self._around.relays.values())
        try:
            await self._around.pool.release("mixer", self._owner.id)
        except McuError as error:
            _log.warning("mixer_not_released", conference=self._owner.id, error=str(error))


def _size_served(info: LegInfo) -> Size:
    if info.rendition is not None:
        return size_of_rendition(info.rendition)
    told = info.planned and info.state != "new" and info.codec is not None
    return "sound" if told else "high"
