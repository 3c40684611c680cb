"""One conference as the relay sees it: its legs, what they watch, which voices pass, and the link to its mixer.

Frames and voices of the legs go to the mixer only when a plan says that somebody sees or hears them; pictures and
sound of the mixer go to the legs.  The newest plan stays in force whatever happens to control or mixer.  Owned by the
relay's event loop; takes `now`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from mcu_core.relay.egress import Egress, VideoSender
from mcu_core.relay.leg import Leg
from mcu_core.relay.listeners import Listeners
from mcu_core.relay.mixer_link import MixerLink
from mcu_core.relay.passing import Passing
from mcu_core.relay.ring import Ring
from mcu_core.relay.rtp import MediaClock
from mcu_core.relay.stills import JUDGE_EVERY, Stills
from mcu_core.wire import (
    LEVEL_UNKNOWN,
    TRACKS,
    AudioOut,
    Codec,
    Event,
    LegOverload,
    LegPlan,
    LegPlans,
    Media,
    PassedPicture,
    PassFlow,
    PictureWait,
    RenditionKeyframe,
    SenderClock,
    SiteKeyframe,
    Track,
    VideoOut,
    pack_audio_in,
    pack_video_in,
)
from mixer.levels import Loudest

SILENT_DBOV = -127
TURNS = 10  # of `report`, until each leg was asked: 100 ms
HELD_FOR = 0.5  # seconds until the same picture is tried again when control gives no smaller one


class Audience:
    """Who watches one rendition: `viewers` are being sent it, `waiting` wait for its next keyframe."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.viewers: dict[VideoSender, None] = {}
        self.waiting: dict[VideoSender, None] = {}


class Conference:
    """See the module.  `link` is started by the relay."""

    def __init__(
        self,
        conference: str,
        mixer: str,
        relay: str,
        egress: Egress,
        clock: Callable[[], float],
        tell: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.id = conference
        self.legs: dict[str, Leg] = {}
        self.dropped: dict[str, int] = {}
        self.passed = 0  # pictures sent as their site made them
        self.flows: dict[int, PassFlow] = {}  # by rendition: what control was told of it
        self.link = self._link(mixer, relay)
        self._relay = relay
        self._tell = tell  # control
        self._egress = egress
        self._clock = clock
        self._plans: dict[str, LegPlan] = {}
        self._loudest: Loudest[int] = Loudest(4)
        self._audio_clock = MediaClock(48_000)
        self._audiences: dict[int, Audience] = {}
        self._troubled: dict[Leg, None] = {}
        self._listeners = Listeners()
        self._passing: dict[int, Passing[tuple[Leg, Track]]] = {}
        self._picture_waits: dict[int, float] = {}  # seconds that a site's pictures wait for its sound
        self._clocks: dict[tuple[int, str], SenderClock] = {}  # the newest of each site and kind of stream
        self._stills: Stills[Leg] = Stills()
        self._judge_at = 0.0
        self._turn = 0
        self._held: dict[Leg, float] = {}  # whose line is too narrow: when to go on at the latest

    def _link(self, mixer: str, relay: str) -> MixerLink:
        return MixerLink(mixer, relay, on_media=self._media, on_event=self._event, on_up=self._mixer_up)

    def move(self, mixer: str) -> None:
        """Its mixer has another path from now on; the old link's task must have been cancelled."""
        self.link = self._link(mixer, self._relay)

    @property
    def idle(self) -> bool:
        """Without legs and plans: nothing to keep."""
        return not self.legs and not self._plans

    # -- legs

    def add(self, leg: Leg, now: float) -> None:
        self.legs[leg.id] = leg
        leg.apply(self._plans.get(leg.id, LegPlan(leg.id)), now)
        self._share_out()

    def joined(self, leg: Leg, now: float) -> None:
        """DTLS is done: sound flows from the next tick, the picture from the next keyframe."""
        if self.legs.get(leg.id) is not leg:
            return
        self._regroup()
        self._watch(leg, now)
        leg.repair(now)

    def remove(self, leg: Leg) -> None:
        if self.legs.get(leg.id) is leg:
            del self.legs[leg.id]
        self._troubled.pop(leg, None)
        self._held.pop(leg, None)
        self._stills.forget(leg)
        for passing in self._passing.values():
            for track in TRACKS:
                passing.lost((leg, track))
        if leg.video is not None:
            self._unwatch(leg.video)
            leg.video.leave()
        if not any(other.site == leg.site for other in self.legs.values()):
            self._loudest.drop(leg.site)
            self._clocks = {key: clock for key, clock in self._clocks.items() if clock.site != leg.site}
        self._regroup()
        self._tell_flows()  # now: a conference whose last leg left is forgotten before its next `service`

    def _regroup(self) -> None:
        self._listeners = Listeners((leg.site, leg.audio) for leg in self.legs.values() if leg.listens)

    # -- plans

    def plan(self, plans: LegPlans, now: float) -> None:
        """The whole plan of this conference's legs.  A leg it does not name is wanted by nobody."""
        self._plans = {plan.leg: plan for plan in plans.legs}
        self._loudest.n = plans.loudest
        for leg in self.legs.values():
            if not self._plans.get(leg.id, leg.plan).audio_open:
                self._loudest.drop(leg.site)  # a closed voice keeps nobody out
        self._loudest.always = {
            leg.site
            for leg in self.legs.values()
            if leg.site and (plan := self._plans.get(leg.id)) is not None and plan.audio_always
        }
        self._plan_passing(plans)
        for leg in self.legs.values():
            plan = self._plans.get(leg.id, LegPlan(leg.id))
            if plan != leg.plan:  # each join brings the plans of all
                leg.apply(plan, now)
            self._watch(leg, now)
        for rendition, passing in self._passing.items():
            self._seek(rendition, passing, now)
        for leg in list(self._troubled):
            leg.repair(now)
        watched = {plan.rendition for plan in self._plans.values()}
        for rendition in [number for number, a in self._audiences.items() if not (a.viewers or a.waiting)]:
            if rendition not in watched:
                del self._audiences[rendition]
        self._share_out()

    def _plan_passing(self, plans: LegPlans) -> None:
        """Which renditions are to be passed through; what flows goes on until there is a keyframe of the other."""
        planned = {plan.rendition: plan for plan in plans.passes}
        for rendition in planned.keys() | self._passing.keys():
            self._passing.setdefault(rendition, Passing()).want(planned.get(rendition))
        self._share_out()

    def _share_out(self) -> None:
        """Tell the legs which of their streams go to viewers as they are."""
        self._passing = {
            rendition: passing
            for rendition, passing in self._passing.items()
            if not passing.over and (passing.plan is not None or rendition in self._audiences)
        }
        for leg in self.legs.values():
            leg.pass_on(
                frozenset(
                    track
                    for track in TRACKS
                    if any(p.means(leg.site, track) or p.source == (leg, track) for p in self._passing.values())
                )
            )

    def _seek(self, rendition: int, passing: Passing[tuple[Leg, Track]], now: float) -> None:
        """Want the keyframe at which the picture can change its source."""
        if (trouble := passing.age(now)) is not None:
            self._drop(f"pass_{trouble}")
        plan = passing.plan
        if plan is not None and passing.wants_site:
            for leg in self.legs.values():
                if leg.site == plan.site:
                    leg.need_keyframe(plan.track)
        audience = self._audiences.get(rendition)
        if audience is not None and passing.wants_mixed:
            audience.ring.want_keyframe()

    def _tell_flows(self) -> None:
        """Tell control where pictures have begun or ceased to come from a site itself: whether an encoder is needed."""
        flows = {
            rendition: PassFlow(self.id, rendition, passing.source[0].site, passing.source[1])
            for rendition, passing in self._passing.items()
            if passing.source is not None and passing.flows
        }
        before, self.flows = self.flows, flows
        for rendition in before.keys() | flows.keys():
            if (flow := flows.get(rendition)) != before.get(rendition):
                self._tell(flow or replace(before[rendition], flows=False))

    def _watch(self, leg: Leg, now: float) -> None:
        """Bring what the leg is sent in line with its plan."""
        video = leg.video
        if video is None or leg.codec is None:
            return
        rendition = leg.plan.rendition
        if rendition is None:
            self._unwatch(video)
            video.leave()
            return
        audience = self._audience(rendition, leg.codec)
        ring = audience.ring
        if ring.codec != leg.codec:
            self._drop("wrong_codec")
            return
        if video.ring is ring:
            if video.target is not None:
                self._stop_waiting(video)
                video.target = None
            return
        if video.target is not ring:
            self._stop_waiting(video)
            video.target = ring
            audience.waiting[video] = None
        if video.outlet.keys is None:
            return
        # who sees a picture already does not go back in time to an older keyframe
        begin = ring.begin(now) if video.ring is None else None
        if begin is not None:
            self._enter(video, audience, begin, now)
            self._egress.push((video,))
        else:
            self._ask(ring, now)

    def _audience(self, rendition: int, codec: Codec) -> Audience:
        found = self._audiences.get(rendition)
        if found is None or (found.ring.codec != codec and not (found.viewers or found.waiting)):
            found = self._audiences[rendition] = Audience(Ring(rendition, codec))
        return found

    def _enter(self, video: VideoSender, audience: Audience, number: int, now: float) -> None:
        for other in self._audiences.values():
            other.viewers.pop(video, None)
        audience.waiting.pop(video, None)
        audience.viewers[video] = None
        video.enter(audience.ring, number, now)

    def _unwatch(self, video: VideoSender) -> None:
        for audience in self._audiences.values():
            audience.viewers.pop(video, None)
            audience.waiting.pop(video, None)

    def _stop_waiting(self, video: VideoSender) -> None:
        for audience in self._audiences.values():
            audience.waiting.pop(video, None)

    def _ask(self, ring: Ring, now: float) -> None:
        ring.want_keyframe()
        self._request(ring, now)

    def _request(self, ring: Ring, now: float) -> None:
        """Ask whose picture it is for the keyframe that is wanted, if it is time."""
        if not ring.request_due(now):
            return
        passing = self._passing.get(ring.rendition)
        if passing is None or passing.source is None or passing.wants_mixed:
            self.link.post(RenditionKeyframe(ring.rendition))
        else:
            leg, track = passing.source
            leg.need_keyframe(track)
            leg.repair(now)

    # -- from the mixer

    def _mixer_up(self) -> None:
        """A mixer that is new has no reference pictures: its sites are asked for keyframes, its encoders too.

        Nor does it know the sites' clocks, which they tell only every few seconds.
        """
        now = self._clock()
        self._picture_waits.clear()
        for clock in self._clocks.values():
            self.link.post(clock)
        for leg in self.legs.values():
            leg.begin_anew()
            leg.repair(now)
        for audience in self._audiences.values():
            if audience.waiting or audience.viewers:
                audience.ring.want_keyframe()

    def _media(self, media: Media) -> None:
        if isinstance(media, AudioOut):
            self._egress.sound(media, self._audio_clock.stamp(media.tick, media.rtp_time), self._listeners)
        elif isinstance(media, VideoOut):
            self._picture(media, self._clock())

    def _picture(self, picture: VideoOut, now: float) -> None:
        audience = self._audiences.get(picture.rendition)
        if audience is None or not (audience.viewers or audience.waiting):
            self._drop("nobody_watches")
            return
        passing = self._passing.get(picture.rendition)
        if passing is not None:
            if not passing.take_mixed(picture.keyframe):
                return
            if picture.keyframe:
                self._share_out()
        self._show(audience, audience.ring.add(picture, now), picture.keyframe, now)

    def _show(self, audience: Audience, first: int, keyframe: bool, now: float) -> None:
        """Send what the ring has from packet `first` on, a whole picture."""
        if keyframe:
            for video in list(audience.waiting):
                if video.outlet.keys is not None:
                    self._enter(video, audience, first, now)
            for video in audience.viewers:
                video.keyframe_sent_at = now
        self._egress.push(audience.viewers)

    def _event(self, event: Event) -> None:
        if isinstance(event, SiteKeyframe):
            now = self._clock()
            for leg in self.legs.values():
                if leg.site == event.site:
                    leg.need_keyframe(event.track)
                    leg.repair(now)
        elif isinstance(event, PictureWait):
            self._picture_waits[event.site] = event.seconds

    # -- from the legs

    def frame(
        self, leg: Leg, track: Track, codec: Codec, keyframe: bool, rtp_time: int, data: bytes, now: float
    ) -> None:
        if keyframe and track == "camera":
            leg.measure(codec, data)
            self._stills.came(leg)
        passed = bool(self._passing) and self._pass(leg, track, codec, keyframe, rtp_time, data, now)
        if leg.mixes(track, keyframe):
            still = leg.shows_stills(track)
            self.link.send_media(pack_video_in(leg.site, track, codec, keyframe, now, rtp_time, data, still))
        elif passed and track == "camera":
            self.link.post(PassedPicture(leg.site, rtp_time, now))

    def _pass(
        self, leg: Leg, track: Track, codec: Codec, keyframe: bool, rtp_time: int, data: bytes, now: float
    ) -> bool:
        """Send a picture to those who are to see it as it is; whether there are any."""
        passed = changed = False
        shown = now + self._picture_waits.get(leg.site, 0.0) if track == "camera" else now
        for rendition, passing in self._passing.items():
            audience = self._audiences.get(rendition)
            means = passing.means(leg.site, track)
            if audience is None or not (means or passing.source == (leg, track)):
                continue
            if audience.ring.codec != codec:
                self._drop("pass_wrong_codec")
                continue
            if means:
                passing.hear(codec, keyframe, data, now)
            before = passing.source
            if passing.take_site((leg, track), leg.site, track, keyframe, now):
                first = audience.ring.pass_on(data, keyframe, passing.clock.stamp(shown, rtp_time), now)
                self._show(audience, first, keyframe, now)
                self.passed += 1
                passed = True
            changed |= passing.source != before
        if changed:
            self._share_out()
        return passed

    def voice(self, leg: Leg, sequence: int, level: int, speech: bool, rtp_time: int, data: bytes, now: float) -> bool:
        """Pass a packet of an open site on if it is loud enough.  A site that tells no level always passes."""
        site = leg.site
        passes = level == LEVEL_UNKNOWN or leg.plan.audio_always or self._loudest.hear(site, -level, now, speech)
        if passes:
            self.link.send_media(pack_audio_in(site, sequence, level, speech, now, rtp_time, data))
        return passes

    def trouble(self, leg: Leg) -> None:
        self._troubled[leg] = None

    def clock(self, clock: SenderClock) -> None:
        self._clocks[clock.site, clock.kind] = clock
        self.link.post(clock)

    def keyframe_wanted(self, leg: Leg, now: float) -> None:
        video = leg.video
        if video is None:
            return
        ring = video.target or video.ring
        if ring is not None:
            self._ask(ring, now)

    def overloaded(self, leg: Leg, carried_bps: int, now: float) -> None:
        """Send the leg no picture until control has chosen another size, so that what fills its line drains."""
        video = leg.video
        if video is None or video.ring is None:
            return
        video.hold()
        self._held[leg] = now + HELD_FOR
        self._tell(LegOverload(leg.id, carried_bps))

    def _release(self, now: float) -> None:
        """See that every leg that was held back goes on, with a smaller picture or the same."""
        for leg, until in list(self._held.items()):
            video = leg.video
            if video is None or video.ring is None or not video.held:
                del self._held[leg]
                leg.downlink.resumed(now)
            elif now >= until and video.target is None and (audience := self._audiences.get(video.ring.rendition)):
                video.target = audience.ring
                audience.waiting[video] = None
                self._ask(audience.ring, now)

    def video_rtp_time(self, leg: Leg, now: float) -> int:
        video = leg.video
        if video is None or video.ring is None:
            return 0
        return (video.ring.rtp_time(now) + video.shift) & 0xFFFF_FFFF

    def audio_rtp_time(self, now: float) -> int:
        return self._audio_clock.at(now)

    # -- timers

    def service(self, now: float) -> None:
        """Legs' repairs, keyframes that are still missing; about every 10 ms."""
        for rendition, passing in self._passing.items():
            self._seek(rendition, passing, now)
        if self._passing or self.flows:
            self._tell_flows()
        if self._held:
            self._release(now)
        if self._troubled:
            self._troubled = {leg: None for leg in self._troubled if leg.repair(now)}
        for audience in self._audiences.values():
            if audience.waiting and any(video.outlet.keys is not None for video in audience.waiting):
                audience.ring.want_keyframe()
            self._request(audience.ring, now)

    def report(self, now: float) -> None:
        """Reports of a part of the legs, and when all had their turn stills of their cameras.

        Called as often as `service`, so that 200 legs whose reports are due at once do not hold up sound.
        """
        self._turn = (self._turn + 1) % TURNS
        for leg in islice(self.legs.values(), self._turn, None, TURNS):
            leg.report(now)
        if self._turn:
            return
        if now >= self._judge_at:
            self._judge_at = now + JUDGE_EVERY
            self._judge_stills(now)
        for leg in self._stills.due(now):
            leg.take_still(now)

    def _judge_stills(self, now: float) -> None:
        films = {leg: film for leg in self.legs.values() if (film := leg.slow_film) is not None}
        stills = self._stills.judge(films, now)
        for leg in films.keys() - stills:
            leg.end_stills()

    def take_levels(self) -> dict[int, int]:
        """The loudest level of each site since the last call, dBov; a site that sends nothing is silent."""
        levels: dict[int, int] = {}
        for leg in self.legs.values():
            if leg.site and leg.voice is not None and leg.voice.level_known:
                levels[leg.site] = max(levels.get(leg.site, SILENT_DBOV), leg.voice.take_level())
        return levels

    def all_dropped(self) -> dict[str, int]:
        """What was dropped here and at its legs' streams and its link, by reason, since start (of each)."""
        total = dict(self.dropped)
        total["mixer_behind"] = self.link.dropped
        total["mixer_down"] = self.link.unsent
        for leg in self.legs.values():
            for stream in leg.streams.values():
                for reason, count in stream.dropped.items():
                    total[reason] = total.get(reason, 0) + count
        return total

    def _drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
