"""One conference's mix: holds the applied plan, and makes, changes and ends views, decoders and encoders to match it.

Owned by the event loop.  A plan is whole; what it has in common with the one before goes on undisturbed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from mcu_core.mixing.audio_loop import AudioLoop
from mcu_core.mixing.clock import Clock, ticks
from mcu_core.mixing.decoding import DecoderPool
from mcu_core.mixing.lip_sync import LipSync
from mcu_core.mixing.quarantine import Source
from mcu_core.mixing.scene import Scene, check_plan, make_scene
from mcu_core.mixing.shedding import WALL, Shedding
from mcu_core.mixing.view_loop import ViewLoop
from mcu_core.node.loop import turns
from mcu_core.node.priority import SOUND_PRIORITY, set_thread_priority
from mcu_core.wire import (
    SLOW_VIEW,
    AudioIn,
    AudioOut,
    MixerStats,
    MixPlan,
    Noisy,
    PassedPicture,
    PictureWait,
    PlanOnAir,
    SenderClock,
    SitePlan,
    Speaker,
    VideoIn,
    VideoOut,
    View,
)

log = structlog.get_logger("mixing")

_TURN = 0.050  # seconds between turns; oftener costs more
_TEND = 0.1
_TENDS_PER_STATS = 10


@dataclass(frozen=True, slots=True)
class Threads:
    """The mixer's threads.  Sound has its own, before pictures: under overload pictures suffer first, a wall's before.

    Threads of codecs are `batch`: those that keep time, here and in the relay, get a processor before them.
    """

    audio: Executor
    render: Executor
    decode: Executor
    slow: Executor  # slow views and who is on them only; at most half the processors


def make_threads() -> Threads:
    cores = os.cpu_count() or 2
    return Threads(
        audio=ThreadPoolExecutor(1, "audio", set_thread_priority, (SOUND_PRIORITY,)),
        render=ThreadPoolExecutor(max(2, cores), "render", set_thread_priority, (3, True)),
        decode=ThreadPoolExecutor(max(2, cores), "decode", set_thread_priority, (3, True)),
        slow=ThreadPoolExecutor(max(1, cores // 2), "slow", set_thread_priority, (10, True)),
    )


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the mix sends what it makes; all are called on the event loop."""

    video: Callable[[VideoOut], None]
    audio: Callable[[AudioOut], None]
    control: Callable[[Speaker | Noisy | PlanOnAir | MixerStats], None]
    relay: Callable[[PictureWait], None]
    listening: Callable[[], bool]


class ConferenceMix:
    """`apply` plans and hand in media; `run` does the rest."""

    def __init__(self, clock: Clock, threads: Threads, decoders: DecoderPool, outlets: Outlets) -> None:
        self.plan: MixPlan | None = None
        self._clock, self._threads, self._decoders, self._outlets = clock, threads, decoders, outlets
        self._audio = AudioLoop(
            clock, threads.audio, outlets.audio, self._on_speaker, self._on_noise, outlets.listening
        )
        self._lip_sync = LipSync()
        self._shedding = Shedding()
        self._slow_rate = 0.0  # frames/s of the fastest slow view
        self._told: dict[int, float] = {}  # what relays know of how long a site's pictures wait, seconds
        self._views: dict[View, ViewLoop] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._on_air_due: set[View] = set()  # views whose first picture of the plan has not been sent
        self._skipped = 0  # ticks of views that are gone
        self._cpu = time.process_time()
        self._decoded = 0
        self._stats_at = clock.now()

    async def run(self) -> None:
        """Mix until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for view in self._views.values():
                self._start(view)
            tasks.create_task(self._audio.run(), name="mixing/audio")
            tasks.create_task(self._tend(), name="mixing/tend")
            tasks.create_task(self._take_turns(), name="mixing/turns")

    # -- commands

    def apply(self, plan: MixPlan) -> None:
        """Make the mix what `plan` says.  Raises OperatorError "bad_plan", and goes on as before."""
        check_plan(plan)
        self.plan = plan
        sites = {site.site: site for site in plan.sites}
        self._audio.update(sites, loudest=plan.loudest, echo=plan.echo)
        self._lip_sync.keep(sites)
        scenes = {view.view: make_scene(plan.revision, view, sites) for view in plan.views}
        watched = {rendition.view for rendition in plan.renditions} & scenes.keys()
        # Decoders first: the keyframes they need are on their way while encoders open.
        seen = _sources(scenes, watched, sites)
        rates = {view: scenes[view].plan.frame_rate for view in watched}
        fast = _sources(scenes, {view for view, rate in rates.items() if rate > SLOW_VIEW}, sites)
        self._slow_rate = max((rate for rate in rates.values() if rate <= SLOW_VIEW), default=0.0)
        coming = set(plan.coming)  # no view fetches these
        self._decoders.want(seen | coming, self._clock.now(), seen - fast - coming)
        for view in self._views.keys() - scenes.keys():
            gone = self._views.pop(view)
            self._skipped += gone.skipped
            gone.retire()
        shed = {"wall"} if self._shedding.rung >= WALL else set()  # its next picture may be a second away
        self._on_air_due = watched - shed or set(watched)
        for view, scene in scenes.items():
            renditions = [each for each in plan.renditions if each.view == view]
            executor = self._threads.render if scene.plan.frame_rate > SLOW_VIEW else self._threads.slow
            if (loop := self._views.get(view)) is not None:
                loop.executor = executor
                loop.update(scene, renditions)
                continue
            loop = self._views[view] = ViewLoop(
                scene, self._clock, executor, self._decoders, self._outlets.video, self._on_air
            )
            loop.speaker(self._audio.speaker)
            loop.rung = self._shedding.rung
            loop.update(scene, renditions)
            self._start(loop)
        if not watched:
            self._outlets.control(PlanOnAir(plan.conference, plan.revision, self._clock.now()))

    def relay_attached(self) -> None:
        """A relay came: it has none of our pictures yet, and its sites may not know that we need theirs."""
        self._told.clear()
        self.ask_keyframe()
        self._decoders.ask_all(self._clock.now())

    def ask_keyframe(self, rendition: int | None = None) -> None:
        """A viewer needs a keyframe of a rendition; None: of all."""
        for view in self._views.values():
            view.ask_keyframe(rendition)

    def receive_video(self, frame: VideoIn) -> None:
        shown = self._decoders.receive(frame, self._clock.now())
        if frame.track == "camera" and not frame.still:  # a keyframe takes longer on its line than pictures do
            passed = not self._decoders.decodes((frame.site, "camera"))  # or nobody sees it
            self._lip_sync.picture_arrived(frame.site, frame.rtp_time, shown, passed=passed)

    def receive_passed(self, picture: PassedPicture) -> None:
        """A picture that viewers see without us; its sound still waits for it here, or it for its sound there."""
        self._decoders.passed((picture.site, "camera"), picture.arrived)
        self._lip_sync.picture_arrived(picture.site, picture.rtp_time, picture.arrived, passed=True)

    def receive_audio(self, packet: AudioIn) -> None:
        self._lip_sync.sound_arrived(packet.site, packet.rtp_time, packet.arrived)
        self._audio.receive(packet)

    def receive_clock(self, clock: SenderClock) -> None:
        """A sender report of one of a site's streams; a relay may be here before the first plan is."""
        known = self.plan is None or any(each.site == clock.site for each in self.plan.sites)
        if clock.kind != "screen" and known:
            self._lip_sync.report(clock.site, clock.kind, clock.ntp, clock.rtp_time)

    # -- events

    def _on_speaker(self, site: int | None) -> None:
        for view in self._views.values():
            view.speaker(site)
        if self.plan is not None:
            self._outlets.control(Speaker(self.plan.conference, site))

    def _on_noise(self, site: int, level: int) -> None:
        plan = self.plan
        if plan is not None and all(view.podium != site for view in plan.views):
            self._outlets.control(Noisy(plan.conference, site, level))

    def _on_air(self, view: View, revision: int, tick: float) -> None:
        plan = self.plan
        if plan is None or revision != plan.revision or view not in self._on_air_due:
            return
        self._on_air_due.discard(view)
        if not self._on_air_due:
            self._outlets.control(PlanOnAir(plan.conference, revision, tick))

    # -- tasks

    def _start(self, view: ViewLoop) -> None:
        if self._tasks is not None:
            self._tasks.create_task(view.run(), name=f"mixing/{view.name}")

    async def _tend(self) -> None:
        """What is due now and then: keyframes that did not come, figures once a second."""
        count = 0
        while True:
            await self._clock.sleep_until(self._clock.now() + _TEND)
            self._decoders.tend(self._clock.now())
            self._keep_in_sync()
            count += 1
            if count % _TENDS_PER_STATS == 0 and self.plan is not None:
                self._shed()
                self._outlets.control(self._stats(self.plan.conference))

    async def _take_turns(self) -> None:
        async for tick in ticks(self._clock, _TURN):
            self._decoders.take_turns(_TURN * (1 + tick.skipped), self._slow_rate)

    def _keep_in_sync(self) -> None:
        """Let whichever is early wait, of each site that was heard and tells its clocks."""
        sounds = {}
        for site in self.plan.sites if self.plan is not None else ():
            playout = self._audio.playout(site.site)
            if playout is None:
                continue
            waits = self._lip_sync.waits(site.site, playout, self._clock.now())
            sounds[site.site] = waits.sound if waits is not None else 0.0
            picture = waits.picture if waits is not None else 0.0
            self._decoders.hold((site.site, "camera"), picture)
            if picture != self._told.get(site.site, 0.0):
                self._told[site.site] = picture
                self._outlets.relay(PictureWait(site.site, picture))
        self._audio.wait(sounds)

    def _shed(self) -> None:
        """Make fewer pictures, or more again, by how late those of the last second and its sound were."""
        missed = {name: view.missed() for name, view in self._views.items()}
        wall = "wall" in self._views and bool(self._views["wall"].renditions)
        worst = max((share for name, share in missed.items() if name != "wall"), default=0.0)
        if self._shedding.judge(self._audio.late.max_ms() / 1000, worst, self._clock.now(), wall=wall):
            log.warning("load shedding", rung=self._shedding.rung)
            for view in self._views.values():
                view.rung = self._shedding.rung

    def _stats(self, conference: str) -> MixerStats:
        now, cpu, own, decoded = self._clock.now(), time.process_time(), turns(), self._decoders.decoded
        seconds = max(now - self._stats_at, 1e-3)
        stats = MixerStats(
            conference,
            cpu=round((cpu - self._cpu) / seconds, 3),
            loop_lag_ms=round(max(self._audio.late.max_ms(), own.longest * 1000), 2),
            loop_cpu_ms=round(own.busiest * 1000, 2),
            audio_late_ms_p99=self._audio.late.p99_ms(),
            encoders=sum(len(view.renditions) for view in self._views.values()),
            decoders=self._decoders.decoders,
            voices=self._audio.voices,
            views=tuple(view.stats(seconds) for view in self._views.values() if view.renditions),
            receiving=self._decoders.receiving(now),
            quarantined=self._decoders.quarantined(now),
            dropped=self._decoders.dropped()
            | self._audio.dropped()
            | {"video_ticks": self._skipped + sum(view.skipped for view in self._views.values())},
            tasks=len(asyncio.all_tasks()),
            decoded_per_s=round((decoded - self._decoded) / seconds, 1),
            shed=self._shedding.rung,
        )
        self._audio.late.clear()
        self._cpu, self._stats_at, self._decoded = cpu, now, decoded
        return stats


def _sources(scenes: dict[View, Scene], watched: set[View], sites: dict[int, SitePlan]) -> set[Source]:
    """Tracks that stand on a screen somebody watches."""
    return {
        source for view in watched for source in scenes[view].sources if source is not None and sites[source[0]].present
    }
