"""The relay process: sockets, legs and conferences put together, and the calls of control.

Control may vanish and come back: legs and plans stay, every control connection gets the events.  Each leg's
handshake and farewell run in a task of its own, and its failures end there.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time

import structlog

from mcu_core.errors import PeerLost
from mcu_core.node.loop import turns
from mcu_core.relay import aiortc_shim, sdp, udp
from mcu_core.relay.batch import probe_gso
from mcu_core.relay.conference import Conference
from mcu_core.relay.egress import Egress
from mcu_core.relay.ice_lite import Credentials, IceLite
from mcu_core.relay.leg import Leg
from mcu_core.relay.mux import Mux
from mcu_core.relay.settings import RelaySettings
from mcu_core.wire import (
    Call,
    CloseLeg,
    Done,
    Event,
    LegAnswer,
    LegPlans,
    LegState,
    Levels,
    OpenLeg,
    Peer,
    RelayInfo,
    RelayStats,
    RelayStatus,
    Reply,
    RestartIce,
    listen,
)

log = structlog.get_logger("relay")

SERVICE_EVERY = 0.01
LEVELS_EVERY = 0.2
STATS_EVERY = 1.0
MAX_LEGS = 1000


class Relay:
    """One relay.  `run` serves until cancelled."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._opener = aiortc_shim.Opener(udp.BATCH)
        self._mux = Mux(self._opener)
        self._legs: dict[str, Leg] = {}
        self._conferences: dict[str, tuple[Conference, asyncio.Task[None]]] = {}
        self._controls: set[Peer] = set()
        self._certificate = aiortc_shim.new_certificate()
        self._fingerprint = aiortc_shim.fingerprint(self._certificate)
        self._announced = udp.announced(settings.bind, settings.announce)
        self._lag = 0.0
        self._stats_at = 0.0
        self._cpu = 0.0
        self._packets = (0, 0)
        self.port = settings.port
        self._sockets: list[socket.socket] = []

    async def run(self) -> None:
        """Bind, listen, serve.  Raises OperatorError when the port is not to be had."""
        await aiortc_shim.warm_up()
        loop = asyncio.get_running_loop()
        self._clock = loop.time
        self._egress = Egress(loop.call_later, gso=probe_gso(), rate_bps=self._settings.mbit_per_s * 1e6)
        sockets = udp.open_sockets(self._settings.bind, self._settings.port)
        self._sockets = sockets
        self.port = sockets[0].getsockname()[1]
        udp.warn_of_small_buffers(sockets)
        reader = udp.Reader(sockets, self._opener, self._mux.datagram)
        self._stats_at, self._cpu = self._clock(), time.process_time()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                server = await listen(self._settings.socket, self._new_peer)
                reader.start()
                log.info("relay ready", port=self.port, announced=self._announced)
                tasks.create_task(self._serve_timers(), name="relay/timers")
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    server.close()
                    await self._farewell()
        finally:
            reader.stop()
            for sock in sockets:
                sock.close()

    async def _farewell(self) -> None:
        for leg in list(self._legs.values()):
            await leg.close()
        for peer in list(self._controls):
            peer.close()

    # -- control

    def _new_peer(self) -> Peer:
        """One who calls is control and is told what happens; the supervisor only asks whether we live."""
        return Peer(on_call=self._call, on_lost=self._controls.discard)

    def _tell(self, event: Event) -> None:
        for peer in self._controls:
            peer.post(event)

    async def _call(self, peer: Peer, call: Call) -> Reply:
        self._controls.add(peer)
        now = self._clock()
        match call:
            case RelayStatus():
                legs = tuple(leg.info for leg in self._legs.values())
                flows = tuple(flow for one, _ in self._conferences.values() for flow in one.flows.values())
                return RelayInfo(os.getpid(), self.port, legs, flows)
            case OpenLeg():
                return await self._open(call, now)
            case RestartIce():
                return self._restart(call, now)
            case CloseLeg():
                if (leg := self._legs.get(call.leg)) is not None:
                    await self._close(leg, "requested")
                return Done()
            case LegPlans():
                self._conference(call.conference, call.mixer).plan(call, now)
                self._prune(call.conference)
                return Done()
        raise PeerLost("not_served", "Relay không nhận lệnh đó.", f"A relay does not serve {call.type}.")

    async def _open(self, call: OpenLeg, now: float) -> LegAnswer:
        offer = sdp.read_offer(call.offer, call.codecs)
        if len(self._legs) >= MAX_LEGS:
            raise PeerLost("mcu_busy", "Relay đã đủ số kết nối.", "The relay carries as many legs as it can.")
        if (old := self._legs.get(call.leg)) is not None:
            await self._close(old, None)
        conference = self._conference(call.conference, call.mixer)
        leg = Leg(
            call.leg,
            call.conference,
            call.site,
            offer,
            IceLite(Credentials.create(offer.ufrag, offer.password)),
            owner=conference,
            opener=self._opener,
            egress=self._egress,
            certificate=self._certificate,
            now=now,
            start=self._start,
            draws_names=call.draws_names,
        )
        self._legs[leg.id] = leg
        self._mux.add(leg, tuple(ssrc for line in offer.lines for ssrc in line.ssrcs))
        conference.add(leg, now)
        return LegAnswer(self._answer(leg), leg.info)

    def _answer(self, leg: Leg) -> str:
        return leg.answer(fingerprint=self._fingerprint, addresses=self._announced, port=self.port)

    def _restart(self, call: RestartIce, now: float) -> LegAnswer:
        leg = self._legs.get(call.leg)
        if leg is None:
            raise PeerLost("unknown_leg", "Kết nối này không còn.", f"There is no leg {call.leg}.")
        offer = sdp.read_offer(call.offer, (leg.codec,) if leg.codec is not None else ("H264", "VP8"))
        if [(line.mid, line.purpose) for line in offer.lines] != [
            (line.mid, line.purpose) for line in leg.offer.lines
        ] or offer.fingerprints != leg.offer.fingerprints:
            raise sdp.bad_offer(
                "khi nối lại phải giữ nguyên các dòng m= và a=fingerprint",
                "an ICE restart must keep the m= lines and a=fingerprint",
            )
        credentials = leg.ice.credentials
        if (offer.ufrag, offer.password) != (credentials.remote_ufrag, credentials.remote_password):
            if leg.ice.previous is not None:
                self._mux.forget_generation(leg.ice.previous.local_ufrag)
            leg.ice.restart(Credentials.create(offer.ufrag, offer.password), now)
            self._mux.restarted(leg)
        return LegAnswer(self._answer(leg), leg.info)

    def _conference(self, name: str, mixer: str) -> Conference:
        known = self._conferences.get(name)
        if known is not None and known[0].link.path == mixer:
            return known[0]
        if known is not None:
            known[1].cancel()
            conference = known[0]
            conference.move(mixer)
        else:
            conference = Conference(name, mixer, self._settings.name, self._egress, self._clock, self._tell)
        task = self._tasks.create_task(conference.link.run(), name=f"relay/mixer/{name}")
        self._conferences[name] = (conference, task)
        return conference

    def _prune(self, name: str) -> None:
        """Forget a conference without legs and plans."""
        known = self._conferences.get(name)
        if known is not None and known[0].idle:
            known[1].cancel()
            del self._conferences[name]

    # -- legs

    def _start(self, leg: Leg) -> None:
        self._tasks.create_task(self._live(leg), name=f"relay/leg/{leg.id}")

    async def _live(self, leg: Leg) -> None:
        """A leg's DTLS from its first packet to its farewell."""
        try:
            keys = await leg.handshake()
        except ConnectionError as error:
            log.info("handshake failed", leg=leg.id, error=str(error))
            await self._close(leg, "dtls_failed")
            return
        if self._legs.get(leg.id) is not leg:
            await leg.close()
            return
        now = self._clock()
        leg.connected(keys, now)
        self._conferences[leg.conference][0].joined(leg, now)
        self._tell(LegState(leg.id, "connected"))
        await leg.ended()
        await self._close(leg, "left")

    async def _close(self, leg: Leg, reason: str | None) -> None:
        """Take the leg out, then say goodbye; `reason` None: another takes its name, nobody is told."""
        if self._legs.get(leg.id) is not leg:
            return
        del self._legs[leg.id]
        self._mux.remove(leg)
        known = self._conferences.get(leg.conference)
        if known is not None:
            known[0].remove(leg)
            self._prune(leg.conference)
        if reason is not None:
            self._tell(LegState(leg.id, "closed", reason))
        await leg.close()

    # -- timers

    async def _serve_timers(self) -> None:
        due = levels_at = stats_at = ages_at = self._clock()
        turns()  # starting is not told of
        while True:
            due += SERVICE_EVERY
            await asyncio.sleep(max(0.0, due - self._clock()))
            now = self._clock()
            self._lag = max(self._lag, now - due)
            due = max(due, now - SERVICE_EVERY)
            for conference, _ in self._conferences.values():
                conference.service(now)
                conference.report(now)
            if now >= levels_at:
                levels_at = now + LEVELS_EVERY
                self._tell_levels()
            if now >= ages_at:
                ages_at = now + 0.1
                await self._age(now)
            if now >= stats_at:
                stats_at = now + STATS_EVERY
                self._tell_stats(now)

    async def _age(self, now: float) -> None:
        for leg in list(self._legs.values()):
            before = leg.state
            reason = leg.age(now)
            if reason is not None:
                await self._close(leg, reason)
            elif leg.state != before:
                self._tell(LegState(leg.id, leg.state))
            if (old := leg.ice.expire(now)) is not None:
                self._mux.forget_generation(old.local_ufrag)

    def _tell_levels(self) -> None:
        for conference, _ in self._conferences.values():
            if levels := conference.take_levels():
                self._tell(Levels(conference.id, levels))

    def _tell_stats(self, now: float) -> None:
        interval = max(now - self._stats_at, 1e-3)
        cpu, own = time.process_time(), turns()
        before, self._packets = self._packets, (self._mux.packets, self._egress.packets)
        stats = RelayStats(
            legs=tuple(leg.stats(now) for leg in self._legs.values() if leg.state != "new"),
            cpu=round((cpu - self._cpu) / interval, 4),
            loop_lag_ms=round(max(self._lag, own.longest) * 1000, 2),
            loop_cpu_ms=round(own.busiest * 1000, 2),
            packets_in_per_s=round((self._packets[0] - before[0]) / interval, 1),
            packets_out_per_s=round((self._packets[1] - before[1]) / interval, 1),
            dropped=self._dropped(),
            tasks=len(asyncio.all_tasks()),
        )
        self._stats_at, self._cpu, self._lag = now, cpu, 0.0
        self._tell(stats)

    def _dropped(self) -> dict[str, int]:
        total = {"socket_full": udp.overflows(self._sockets)}
        for table in (
            self._mux.dropped,
            self._egress.dropped,
            *(conference.all_dropped() for conference, _ in self._conferences.values()),
        ):
            for reason, count in table.items():
                total[reason] = total.get(reason, 0) + count
        return total
