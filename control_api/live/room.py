"""One live conference in the control process: its commands, its people, its legs and its mixer.

A command is applied to a copy, stored with its journal and its answer, and only then put in place; `lock` keeps
commands in order.  What endpoints and relays do changes `presence` at once and waits for nobody.  One task (`run`)
turns every change into what mixer, relays, endpoints and consoles are told, at most every `PACE` seconds except after a
command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import structlog

from control_api.live.feed import Feed
from control_api.live.figures import SiteQuality, stats_message
from control_api.live.lag import LagWatch
from control_api.live.legs import Legs
from control_api.live.lines import LineWatch
from control_api.live.people import People
from control_api.live.plans import Asked
from control_api.live.store import JoinToken, JournalEntry, Json, StaleRevisionError, StoredSeat
from control_api.live.surroundings import Surroundings
from mcu_core.adaptation import Size
from mcu_core.arrangement import Arrangement
from mcu_core.commands import AddSite, Command, MuteNoisy
from mcu_core.conference import Conference, known_site, may_be_muted_for_noise
from mcu_core.errors import McuError, OperatorError
from mcu_core.on_air import OnAir
from mcu_core.passing import PassBook
from mcu_core.presence import Happening, Leg, Presence, State
from mcu_core.wire import (
    Event,
    LegOverload,
    LegStats,
    Levels,
    MixerStats,
    Noisy,
    PassFlow,
    PlanOnAir,
    RelayStats,
    Speaker,
    View,
    WorkerDown,
    WorkerKind,
    WorkerUp,
)
from signaling import Channel, errors
from signaling import messages as say
from signaling.outbox import encode
from signaling.seats import Seat

_log = structlog.get_logger(__name__)
PACE = 0.03
_SAVE_DEADLINE = 5.0
_NOISE_AGAIN = 600.0  # seconds until the operator is told again of the same site's noise
_SHED = (  # by rung of the mixer's load shedding
    (
        "Máy chủ quá tải: tường hình chỉ còn 1 hình/giây để giữ tiếng và hình chính.",
        "The server is overloaded: the wall is made once a second only, so that sound and programme go on.",
    ),
    (
        "Máy chủ quá tải: chỉ còn một nửa số hình mỗi giây để giữ tiếng. Hãy bớt khung hình hoặc điểm cầu.",
        "The server is overloaded: half as many pictures are made, so that sound goes on. Use fewer views or sites.",
    ),
    (
        "Máy chủ quá tải nặng: chỉ còn một phần ba số hình mỗi giây để giữ tiếng. Hãy bớt khung hình hoặc điểm cầu.",
        "The server is badly overloaded: a third of the pictures are made, so that sound goes on. Use fewer views "
        "or sites.",
    ),
)


class Room:
    def __init__(self, conference: Conference, around: Surroundings) -> None:
        self.conference = conference
        self.people = People()
        self.feed = Feed(self.state)
        self.lock = asyncio.Lock()
        self.ended = False  # deleted: who waits for the lock finds that out
        self.vanished = False  # another control process has deleted it
        self.mixer_stats: MixerStats | None = None
        self._shed = 0  # the mixer's rung of load shedding, as the operator was told
        self._around, self._clock, self._settings = around, around.clock, around.settings
        self.legs = Legs(self, self.people, around)
        self._quality = SiteQuality()
        self.lag = LagWatch()
        self._lines = LineWatch()
        self._down: dict[tuple[str, str], float] = {}  # workers that are away: kind, name -> since
        self._passing = PassBook()
        self._levels: dict[str, int] = {}
        self._noise_told: dict[str, float] = {}  # when the operator was told of a site's noise
        self._needed_at = around.clock.now()  # last time somebody had a seat
        self._on_air: OnAir | None = None
        self._changed = asyncio.Event()
        self._urgent = asyncio.Event()

    @property
    def id(self) -> str:
        return self.conference.id

    @property
    def arrangement(self) -> Arrangement:
        return self.conference.arrangement

    @property
    def presence(self) -> Presence:
        return self.conference.presence

    @property
    def on_air(self) -> OnAir:
        """What is derived from this moment; made anew after each change."""
        if self._on_air is None:
            self._on_air = OnAir(self.conference, self._clock.now(), self._passing)
        return self._on_air

    def state(self) -> Json:
        return self.on_air.state()

    def summary(self) -> Json:
        """One line of the list of conferences."""
        now = self.arrangement
        return {
            "id": self.id,
            "title": now.title,
            "open": now.open,
            "revision": self.conference.revision,
            "sites": len(now.sites),
            "present": self.site_states()[State.LIVE],
            "podium": now.scene.podium,
        }

    def site_states(self) -> dict[str, int]:
        """How many sites are in each state."""
        counts = {state.value: 0 for state in State}
        for site in self.arrangement.sites:
            counts[self.presence.of(site).state] += 1
        return counts

    def known(self, site: str) -> None:
        """Raises OperatorError unknown_site."""
        known_site(self.arrangement, site)

    def check_not_ended(self) -> None:
        """Raises OperatorError unknown_conference."""
        if self.ended:
            raise unknown_conference(self.id)

    # -------------------------------------------------------------------------------------------------- commands

    async def command(self, command: Command, actor: str | None, command_id: str | None) -> Json:
        """One transaction.  Returns the new state; the state of now when `command_id` was carried out before.

        Raises OperatorError; then nothing has changed, except with changed_elsewhere: the stored state was taken over.
        """
        asked = Asked(type(command).__name__, self._clock.now(), getattr(command, "site", None))
        async with self.lock:
            self.check_not_ended()
            if command_id is not None:
                done = await self._around.store.answer_of(self.id, command_id)
                if done is not None:
                    return self.state() if done.keys() == {"revision"} else done
            draft = self.conference.copy()
            events = draft.apply(command, asked.at)
            answer = OnAir(draft, self._clock.now()).state()
            for event in events:
                if event.what == "site_added" and event.site is not None:  # a link of a former site of that id is void
                    await self._around.store.revoke_token(self.id, event.site)
            # Not the whole state, which is 40 KB for each command; only who adds a site looks for it in the answer.
            done = answer if isinstance(command, AddSite) else {"revision": draft.revision}
            journal = [JournalEntry(self._clock.wall(), e.what, actor, e.site, e.data) for e in events]
            try:
                await self._around.store.save(
                    self.id, self.conference.revision, draft.revision, draft.document(), command_id, done, journal
                )
            except StaleRevisionError:
                await self._read_again()
                raise changed_elsewhere(self.arrangement.title) from None
            self.legs.plans.asked(asked)
            self._put_in_place(draft)
        self._around.metrics.command_done(asked.command, self._clock.now() - asked.at)
        return answer

    async def _read_again(self) -> None:
        """What is stored is not what we know: take it over.  Who is there and their media stay as they are.

        Raises OperatorError unknown_conference when it was deleted; then the service's next tick ends the room.
        """
        stored = await self._around.store.load(self.id)
        if stored is None:
            self.vanished = True
            raise unknown_conference(self.id)
        newer = Conference.from_document(self.id, stored.document, self._settings.personal_views)
        newer.presence, newer.revision = self.presence, stored.revision
        self._put_in_place(newer)
        self.alarm(
            "changed_elsewhere",
            "Cơ sở dữ liệu có bản ghi mới hơn của phiên họp này; trạng thái đã được đọc lại. "
            "Nếu lặp lại: có hai dịch vụ MCU cùng dùng một cơ sở dữ liệu, hãy dừng một.",
            "The database had a newer version of this conference, which was read again. "
            "If this repeats, two MCUs use one database: stop one of them.",
            None,
        )

    def _put_in_place(self, draft: Conference) -> None:
        self.conference = draft
        now = draft.arrangement
        for seat in self.people.seats:
            if not now.open:
                self.end_seat(seat, errors.conference_closed())
            elif seat.site is not None and seat.site not in now.sites:
                self.end_seat(seat, errors.removed())
        self.changed(urgent=True)

    # --------------------------------------------------------------------------------------------- the room's task

    def changed(self, *, urgent: bool = False) -> None:
        """Something is different now."""
        self._on_air = None
        self.feed.state_changed()
        self._changed.set()
        if urgent:
            self._urgent.set()

    async def run(self) -> None:
        """Tell everybody what changed, until cancelled."""
        try:
            await self._around.synced.wait()  # a plan made before the relays have told of their legs would end them
            while True:
                await self._something_new()
                self._changed.clear()
                self._urgent.clear()
                await self._tell()
                pace = asyncio.ensure_future(self._clock.sleep(PACE))
                urgent = asyncio.ensure_future(self._urgent.wait())
                try:
                    await asyncio.wait((pace, urgent), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    pace.cancel()
                    urgent.cancel()
        finally:
            self.legs.stop()

    async def _something_new(self) -> None:
        """Wait for a change, or for the time when a view changes by itself: a page turns, an encoder is not needed."""
        now, on_air = self._clock.now(), self.on_air
        times = [at for at in (on_air.turns_at, on_air.settles_at) if at is not None]
        if not times:
            await self._changed.wait()
            return
        turn = asyncio.ensure_future(self._clock.sleep(max(0.0, min(times) - now)))
        change = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((turn, change), return_when=asyncio.FIRST_COMPLETED)
        finally:
            turn.cancel()
            change.cancel()
        if not self._changed.is_set():
            self.changed()

    async def _tell(self) -> None:
        """In small steps: what changes between them is told at once or in the next round, which is due then."""
        now = self._clock.now()
        self.people.note_hints(self.on_air, now)
        await asyncio.sleep(0)
        self.legs.tell_plans(self.on_air, now)  # before the sites: a command should be on air soon
        for _ in self.people.tell_changes(lambda: self.on_air):
            await asyncio.sleep(0)

    def tick(self, relay_stats: Mapping[str, RelayStats]) -> None:
        """Once a second: seats that expired, hints that have held, figures for the consoles, an idle mixer."""
        now = self._clock.now()
        for seat in self.people.seats.expired(now, self._settings.seat_hold, self._settings.monitor_hold):
            self.end_seat(seat, None)
        if self.people.hints.pending:
            self.changed()
        if len(self.people.seats):
            self._needed_at = now
        elif self.legs.has_mixer and now - self._needed_at >= self._settings.mixer_hold:
            self._around.spawn(self.legs.release(), "live/release-mixer")
        if len(self.feed):
            site_of = {site.number: site.id for site in self.arrangement.sites.values()}
            self.feed.tell("quality", sites=self._quality.message())
            self.feed.tell("stats", **stats_message(relay_stats, self.mixer_stats, site_of))

    # ------------------------------------------------------------------------------------------------------ people

    def restore(self, stored: Iterable[StoredSeat]) -> None:
        """Seats found in the database at start; their endpoints have yet to come back, their legs to be found."""
        now = self._clock.now()
        for old in stored:
            if old.site is not None and old.site not in self.arrangement.sites:
                self._around.writer.seat(old.id, None)
                continue
            seat = Seat(old.id, old.site, old.view, old.token_id, lost_at=now)
            self.people.seats.restore(seat)
            self.legs.seated(seat.id, old.relay)
            if seat.site is not None:
                self.presence.tell(seat.site, Happening.LOST)
                self.presence.sends(seat.site, microphone=old.microphone, camera=old.camera, screen=old.screen)
        self._on_air = None

    async def enter(self, hello: say.Hello, token: JoinToken, channel: Channel, *, full: bool) -> str:
        """Give an endpoint its seat and welcome it.  `full`: nobody new is taken.  Raises EndpointError."""
        now, seats = self.arrangement, self.people.seats
        if not now.open:
            raise errors.conference_closed()
        if token.site is not None and token.site not in now.sites:
            raise errors.bad_token()
        returns = seats.may_return(hello.seat, token.site, token.id)
        expired = token.expires_at is not None and token.expires_at <= self._clock.wall()
        if expired and not (returns and seats.came_with(hello.seat, token.id)):
            raise errors.bad_token()
        if full and not returns and (token.site is None or seats.of_site(token.site) is None):
            raise errors.mcu_busy()
        if token.site is None and not returns:
            self._make_room_for_monitor(token.id)
        former = None if token.site is None or returns else seats.of_site(token.site)
        if former is not None:
            self._hang_up(former, errors.replaced())
        entry = seats.enter(token.site, token.view, token.id, hello.seat)
        seat = entry.seat
        seat.draws_names = hello.draws_names
        before = self.people.sit(seat, channel)
        if before is not None:
            before.close(errors.told(errors.replaced()))
        if seat.site is not None and not entry.resumed:
            self.presence.tell(seat.site, Happening.JOINED)
            self.presence.sends(seat.site, microphone=False, camera=False, screen=False)
        self.legs.seated(seat.id)
        self.legs.prepare()
        self.changed()
        await self._saved(seat, channel, resumed=entry.resumed)
        if not self.people.is_theirs(seat.id, channel):
            raise errors.replaced()
        if seat.site is not None:
            self.journal("site_returned" if entry.resumed else "site_joined", seat.site, {"client": hello.client})
        keep = entry.resumed and hello.media and seat.id in self.presence.legs
        channel.send(encode(self._welcome(seat, "keep" if keep else "offer")))
        self.people.greet(seat, self.on_air, hints=keep)
        if seat.site is not None:
            self._around.listener().entered(self.id, seat.site)
        return seat.id

    def _make_room_for_monitor(self, token_id: str) -> None:
        """Keep a monitor token within its seats; one that nobody holds gives way.  Raises EndpointError mcu_busy."""
        taken = [seat for seat in self.people.seats if seat.site is None and seat.token_id == token_id]
        if len(taken) < self._settings.monitors_per_token:
            return
        left = [seat for seat in taken if seat.lost_at is not None]
        if not left:
            raise errors.monitors_full()
        self.end_seat(min(left, key=lambda seat: seat.lost_at or 0.0), None)

    def _welcome(self, seat: Seat, media: say.MediaAdvice) -> say.Welcome:
        now = self.arrangement
        site = None if seat.site is None else now.sites[seat.site]
        leg = Leg(seat.id, "", seat.site, seat.view)
        return say.Welcome(
            seat=seat.id,
            role="monitor" if site is None else site.role,
            site=None if site is None else say.SeatSite(id=site.id, name=site.name, number=site.number),
            conference=say.SeatConference(id=self.id, title=now.title),
            media=media,
            view=self.on_air.view_of(leg),
        )

    async def _saved(self, seat: Seat, channel: Channel, *, resumed: bool) -> None:
        """A seat that was welcomed is in the database.  Raises PeerLost when that does not answer.

        A seat that was there before is held on for the next attempt: its media goes on.
        """
        try:
            async with asyncio.timeout(_SAVE_DEADLINE):
                await self._save(seat)
        except TimeoutError:
            if self.people.is_theirs(seat.id, channel):
                self.people.disconnect(seat)  # first: the connection itself says why it ends
                if resumed:
                    self.endpoint_lost(seat)
                else:
                    self.end_seat(seat, None)
            raise errors.media_unavailable() from None

    def endpoint_sends(self, seat: Seat, state: say.State) -> None:
        if seat.site is None:
            return
        presence = self.presence
        if presence.sends(seat.site, microphone=state.microphone, camera=state.camera, screen=state.screen):
            self.changed()
            self._save(seat)

    def endpoint_measured(self, seat: Seat, quality: say.Quality) -> None:
        if seat.site is not None:
            self._quality.told(seat.site, quality)

    def endpoint_watches(self, seat: Seat, view: View) -> None:
        """Raises EndpointError not_allowed for a site."""
        if seat.site is not None:
            raise errors.not_allowed()
        seat.view = view
        leg = self.presence.legs.get(seat.id)
        if leg is not None:
            leg.view = view
        self.changed(urgent=True)
        self._save(seat)

    async def endpoint_asks(self, seat: Seat, request: say.Request) -> None:
        """Raises EndpointError or PeerLost when it is not taken."""
        if seat.site is None:
            raise errors.asks_nothing()
        await self._around.listener().asked(self.id, seat.site, request)

    def quality(self) -> dict[str, dict[str, float | None]]:
        """Newest figures by site; see `SiteQuality.message`."""
        return self._quality.message()

    def endpoint_lost(self, seat: Seat) -> None:
        """Its WebSocket is gone; seat and media stay for a while."""
        self.people.disconnect(seat)
        self.people.seats.lost(seat.id, self._clock.now())

    def end_seat(self, seat: Seat, error: McuError | None) -> None:
        """The seat is over: left, expired (`error` None), removed, closed."""
        self._hang_up(seat, error)
        if seat.site is not None:
            self.presence.tell(seat.site, Happening.GONE)
            self._quality.forget(seat.site)
            self._lines.forget(seat.site)
            self._levels.pop(seat.site, None)
            self._noise_told.pop(seat.site, None)
            self.journal("site_left", seat.site, {"why": "left" if error is None else error.code})
        self.changed()

    def _hang_up(self, seat: Seat, error: McuError | None) -> None:
        channel = self.people.channel(seat.id)
        if channel is not None:
            channel.close(None if error is None else errors.told(error))
        self.legs.hang_up(seat.id)
        self.people.end(seat)
        self._around.writer.seat(seat.id, None)

    def _save(self, seat: Seat) -> asyncio.Future[None]:
        presence = self.presence.of(seat.site or "")
        stored = StoredSeat(
            seat.id,
            self.id,
            seat.site,
            seat.view,
            seat.token_id,
            self.legs.relay_of(seat.id),
            presence.microphone,
            presence.camera,
            presence.screen,
        )
        return self._around.writer.seat(seat.id, stored)

    def journal(self, what: str, site: str | None, data: Json | None = None) -> None:
        marked = {**(data or {}), "rehearsal": True} if self.arrangement.rehearsing else data or {}
        self._around.writer.journal(self.id, JournalEntry(self._clock.wall(), what, None, site, marked))

    # ------------------------------------------------------------------------------------ what mixer and relays tell

    def mixer_event(self, event: Event) -> None:
        match event:
            case Speaker():
                site = self._site_of(event.site)
                if site != self.presence.speaker:
                    self.presence.spotlight.hear(site, self._clock.now())
                    self.changed()
            case Noisy():
                self.noisy(event)
            case PlanOnAir():
                for asked, seconds in self.legs.plans.on_air(event.revision, self._clock.now()):
                    self._around.metrics.on_air(asked.command, seconds)
                    data: Json = {"command": asked.command, "ms": round(seconds * 1000)}
                    self.journal("on_air", asked.site, data)
                    self._around.listener().on_air(self.id, asked.command, asked.site, seconds)
            case MixerStats():
                self._warn_of_quarantine(event)
                self._warn_of_shedding(event.shed)
                if self.lag.measured("mixer", event.loop_lag_ms, self._clock.now(), event.loop_cpu_ms):
                    self.blocked("mixer", event.loop_lag_ms)
                self.mixer_stats = event

    def blocked(self, process: WorkerKind, lag_ms: float) -> None:
        """An event loop stands still again and again; nobody is told of a conference without people."""
        if self.people.seats:
            vi = {"control": "Bộ điều khiển", "relay": "Bộ chuyển tiếp", "mixer": "Bộ trộn"}[process]
            self.alarm(
                f"{process}_slow",
                f"{vi} bị chậm tới {lag_ms:.0f} ms; máy chủ có thể đang quá tải. Hãy bớt khung hình hoặc điểm cầu.",
                f"The {process} process is late by up to {lag_ms:.0f} ms; the server may be overloaded. "
                "Use fewer views or sites.",
                None,
            )

    def _warn_of_shedding(self, shed: int) -> None:
        """Tell of each rung down, and of the end."""
        before = self._shed
        if shed == before or not self.people.seats:
            return
        self._shed = shed
        if shed > before:
            self.alarm("load_shed", *_SHED[shed - 1], None)
        elif not shed:
            self.alarm(
                "load_shed_over",
                "Máy chủ đã đủ sức trở lại: hình được dựng như đã đặt.",
                "The server keeps up again: pictures are made as planned.",
                None,
            )

    def _warn_of_quarantine(self, event: MixerStats) -> None:
        before = self.mixer_stats.quarantined if self.mixer_stats is not None else ()
        for number in set(event.quarantined) - set(before):
            site = self._site_of(number)
            if site is not None:
                name = self.arrangement.sites[site].name
                self.alarm(
                    "site_quarantined",
                    f"Hình của {name} bị lỗi nặng nên tạm thời không được giải mã.",
                    f"The picture of {name} is badly damaged and is not decoded for the moment.",
                    site,
                )

    def levels(self, event: Levels) -> None:
        """Relays tell their own sites only; consoles are told all."""
        for site in self.arrangement.sites.values():
            if site.number in event.levels:
                self._levels[site.id] = event.levels[site.number]
            elif self.presence.of(site.id).state is not State.LIVE:
                self._levels.pop(site.id, None)
        if len(self.feed):
            self.feed.tell("levels", levels=dict(self._levels))

    def noisy(self, event: Noisy) -> None:
        """A site makes noise: mute it if the operator wants so and nobody called it; otherwise the operator is told."""
        site = self._site_of(event.site)
        if site is None or self.arrangement.muted_by(site) is not None:
            return
        if may_be_muted_for_noise(self.arrangement, site):
            self._around.spawn(self._mute_noisy(site, event.level_dbov), f"live/{self.id}/noise")
        elif self._clock.now() - self._noise_told.get(site, float("-inf")) >= _NOISE_AGAIN:
            self._noise_told[site] = self._clock.now()
            name = self.arrangement.sites[site].name
            self.alarm(
                "site_noisy",
                f"{name} đang gây ồn ({event.level_dbov:.0f} dBov), không có tiếng nói. "
                "Hãy tắt tiếng điểm cầu này nếu chưa đến lượt phát biểu.",
                f"{name} sends noise ({event.level_dbov:.0f} dBov) without speech. "
                "Mute it unless it is about to speak.",
                site,
            )

    async def _mute_noisy(self, site: str, level_dbov: float) -> None:
        try:
            await self.command(MuteNoisy(site, level_dbov), None, None)
        except (McuError, OSError) as error:  # the operator removed it meanwhile, or nothing can be stored now
            _log.warning("noise_not_muted", conference=self.id, site=site, error=str(error))
            return
        if site in self.arrangement.noisy:
            self._noise_told[site] = self._clock.now()
            name = self.arrangement.sites[site].name
            self.alarm(
                "site_muted_noise",
                f"Đã tự động tắt tiếng {name} vì ồn ({level_dbov:.0f} dBov) mà chưa được mời phát biểu.",
                f"{name} was muted: it is noisy ({level_dbov:.0f} dBov) and nobody called it.",
                site,
            )

    def leg_stats(self, stats: LegStats) -> None:
        leg = self.presence.legs.get(stats.leg)
        if leg is None:
            return
        self._adapt(leg, stats)
        seat = self.people.seats.get(stats.leg)
        if seat is not None and seat.site is not None:
            self._quality.measured(seat.site, stats)
            if (news := self._lines.measured(seat.site, stats, self._clock.now())) is not None:
                self.journal(news[0], seat.site, news[1])

    def pass_flow(self, relay: str, event: PassFlow) -> None:
        self._passing.told(relay, event, self._clock.now())
        self.changed(urgent=True)

    def passed_on(self, relay: str, flows: Sequence[PassFlow]) -> None:
        """All that a relay passes through."""
        self._passing.found(relay, flows)
        self.changed()

    def leg_overload(self, event: LegOverload) -> None:
        leg = self.presence.legs.get(event.leg)
        if leg is None or not self._adapts(leg):
            return
        before = leg.size
        if leg.line.overloaded(event.carried_bps, self.on_air.rungs(leg), self._clock.now()):
            self._resized(leg, before, {"carried_bps": event.carried_bps})

    def _adapt(self, leg: Leg, stats: LegStats) -> None:
        """Send a leg the size of its view that its line carries."""
        before = leg.size
        if self._adapts(leg) and leg.line.measured(stats, self.on_air.rungs(leg), self._clock.now()):
            self._resized(leg, before, {"remb_bps": stats.remb_bps, "lost": round(stats.peer_lost_fraction, 3)})

    def _adapts(self, leg: Leg) -> bool:
        pinned = leg.site is not None and self.arrangement.sites[leg.site].pinned is not None
        return self._settings.adaptation and not pinned and leg.connected and leg.codec is not None

    def _resized(self, leg: Leg, before: Size, figures: Json) -> None:
        if leg.site is not None:
            self.journal("size_adapted", leg.site, {"from": before, "to": leg.size, **figures})
        self.changed(urgent=True)

    def worker_up(self, event: WorkerUp) -> None:
        """A worker that was down is back."""
        worker = event.worker
        since = self._down.pop((worker.kind, worker.name), None)
        if since is not None:
            away: Json = {"kind": worker.kind, "name": worker.name, "seconds": round(self._clock.now() - since, 1)}
            self.journal("worker_up", None, away)

    def worker_down(self, event: WorkerDown) -> None:
        worker = event.worker
        if worker.kind == "mixer":
            self._shed = 0  # a new one begins as planned
        if event.reason.startswith("released"):  # we asked for it
            return
        self._down.setdefault((worker.kind, worker.name), self._clock.now())
        if worker.kind == "mixer":
            what_vi, what_en = "Bộ trộn của phiên họp", "The conference's mixer"
        else:
            self.legs.relay_down(worker.name)
            self.passed_on(worker.name, ())
            what_vi, what_en = f"Tiến trình truyền dẫn {worker.name}", f"Relay {worker.name}"
        self.alarm(
            f"{worker.kind}_down",
            f"{what_vi} dừng đột ngột ({event.reason}); đang khởi động lại.",
            f"{what_en} stopped ({event.reason}) and is being started again.",
            None,
        )

    def alarm(self, code: str, vi: str, en: str, site: str | None) -> None:
        _log.warning("alarm", conference=self.id, code=code, site=site, text=en)
        self.journal(f"alarm_{code}", site, {"en": en})
        self.feed.tell("alarm", code=code, vi=vi, en=en, at=self._clock.wall())

    def _site_of(self, number: int | None) -> str | None:
        return next((site.id for site in self.arrangement.sites.values() if site.number == number), None)


def changed_elsewhere(title: str) -> OperatorError:
    return OperatorError(
        "changed_elsewhere",
        f"Phiên họp “{title}” vừa được thay đổi từ nơi khác nên lệnh này chưa được thực hiện. "
        "Màn hình đã hiện trạng thái mới; hãy xem lại rồi thực hiện lại nếu vẫn cần.",
        f"The conference “{title}” was changed from elsewhere, so this command was not carried out. "
        "The console shows the new state: look at it, and repeat the command if it is still needed.",
    )


def unknown_conference(conference_id: str) -> OperatorError:
    return OperatorError(
        "unknown_conference",
        f"Không có phiên họp “{conference_id}”.",
        f"There is no conference “{conference_id}”.",
    )
