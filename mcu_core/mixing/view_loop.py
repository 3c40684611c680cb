"""One view: at each tick of its clock the newest pictures are drawn and every rendition is encoded.

The loop runs on the event loop; composing and encoding run in the render threads, one job of a view after the
other.  A view that nobody watches (no rendition) draws nothing.  Composing happens once per tick however many
renditions there are; each scales the canvas for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from typing import Protocol

import av

from mcu_core.mixing.clock import Clock, Tick, ticks
from mcu_core.mixing.fade import Fade
from mcu_core.mixing.meter import Meter
from mcu_core.mixing.quarantine import Source
from mcu_core.mixing.rendition import Rendition
from mcu_core.mixing.scene import Scene
from mcu_core.mixing.shedding import slowed
from mcu_core.wire import RenditionPlan, VideoOut, View, ViewStats
from mixer.compositor import Compositor
from mixer.picture import Picture

# Views of one rate do not all start at the same instant: their encoders would stand in each other's way.
_PHASES: dict[View, float] = {"programme": 0.0, "chair": 0.5, "wall": 0.25}


class Pictures(Protocol):
    """What a view needs of the decoders."""

    def picture(self, source: Source, now: float) -> Picture | None:
        """The newest picture of a track, None: it has none to show."""

    def begins(self, source: Source, now: float) -> bool:
        """Frames of a track arrive, and its first picture is still to come."""


class ViewLoop:
    """Owned by the conference's mix.  `on_air` is told the revision whose first picture has left every encoder."""

    def __init__(
        self,
        scene: Scene,
        clock: Clock,
        executor: Executor,
        pictures: Pictures,
        send: Callable[[VideoOut], None],
        on_air: Callable[[View, int, float], None],
    ) -> None:
        self._scene = scene
        self.executor = executor  # of the threads that draw and encode
        self._clock, self._pictures = clock, pictures
        self._send, self._on_air = send, on_air
        self._renditions: dict[int, Rendition] = {}
        self._leaving: list[Rendition] = []  # to be closed in the render thread
        self._changed = asyncio.Event()
        self._retired = False
        self._compositor: Compositor | None = None
        self._drawn: Scene | None = None  # what the compositor was last told
        self._fade: Fade | None = None  # while one arrangement gives way to the next
        self._frame: av.VideoFrame | None = None  # of the fade, instead of the canvas
        self._aired = -1
        self._speaker: int | None = None
        self._compose_seconds = Meter()
        self._late = Meter()
        self._frames = 0
        self.skipped = 0
        self._ticks = (0, 0)  # taken and skipped since `missed` was last asked
        self.rung = 0  # of load shedding: how much slower than planned

    # -- what the conference's mix tells it

    def update(self, scene: Scene, renditions: Sequence[RenditionPlan]) -> None:
        """Draw `scene` and encode `renditions` from the next tick on."""
        self._scene = scene
        wanted = {plan.rendition: plan for plan in renditions}
        for number, rendition in list(self._renditions.items()):
            plan = wanted.pop(number, None)
            if plan is None or not rendition.follow(plan):
                self._leaving.append(self._renditions.pop(number))
                if plan is not None:
                    wanted[number] = plan
        for number, plan in wanted.items():
            self._renditions[number] = Rendition(plan)
        self._changed.set()

    def retire(self) -> None:
        """The view is no more: `run` ends after the picture it is at."""
        self._retired = True
        self._leaving += self._renditions.values()
        self._renditions.clear()
        self._changed.set()

    def speaker(self, site: int | None) -> None:
        """Frame this site's camera from the next tick on."""
        self._speaker = site

    def ask_keyframe(self, rendition: int | None = None) -> None:
        """Of one rendition, or of all."""
        for number, each in self._renditions.items():
            if rendition in (None, number):
                each.ask_keyframe()

    @property
    def name(self) -> View:
        return self._scene.plan.view

    @property
    def renditions(self) -> frozenset[int]:
        return frozenset(self._renditions)

    @property
    def frame_rate(self) -> float:
        """What it is made at: as planned, or slower while the mixer does not keep up."""
        return slowed(self.name, self._scene.plan.frame_rate, self.rung)

    def missed(self) -> float:
        """Share of its ticks since the last call for which it was too late, 0..1."""
        (taken, skipped), self._ticks = self._ticks, (0, 0)
        return skipped / max(1, taken + skipped)

    def stats(self, seconds: float) -> ViewStats:
        """Figures since the last call, `seconds` ago."""
        encode = max((rendition.seconds.median_ms() for rendition in self._renditions.values()), default=0.0)
        stats = ViewStats(
            self._scene.plan.view,
            round(self._frames / seconds, 2),
            self._compose_seconds.median_ms(),
            encode,
            self._late.p99_ms(),
        )
        self._frames = 0
        for meter in (self._compose_seconds, self._late, *(each.seconds for each in self._renditions.values())):
            meter.clear()
        return stats

    # -- the loop

    async def run(self) -> None:
        """Follow the clock until retired or cancelled."""
        while not self._retired:
            self._changed.clear()
            if self._renditions:
                await self._follow(self.frame_rate)
            await self._rest()
            if not self._renditions:
                await self._changed.wait()

    async def _follow(self, rate: float) -> None:
        """Make pictures while there are renditions and the view keeps this frame rate."""
        period = 1 / rate
        phase = _PHASES.get(self._scene.plan.view, 0.75) * period
        async with aclosing(ticks(self._clock, period, phase)) as clock:
            async for tick in clock:
                if not self._renditions or self.frame_rate != rate:
                    return
                self._late.add(tick.late)
                self.skipped += tick.skipped
                taken, skipped = self._ticks
                self._ticks = taken + 1, skipped + tick.skipped
                await self._make_picture(tick)

    async def _make_picture(self, tick: Tick) -> None:
        loop = asyncio.get_running_loop()
        scene, pool = self._scene, self._pictures
        due = [each for each in self._renditions.values() if each.due(tick.due)]
        if any(each.unseen for each in due) and any(
            source is not None and pool.begins(source, tick.woke) for source in scene.sources
        ):  # who sees that site as it films, or another size, would see a card
            due = [each for each in due if not each.waits(tick.due)]
        if not due:
            return
        leaving, self._leaving = self._leaving, []
        keyframes = [each.take_keyframe(tick.due) for each in due]
        pictures = [pool.picture(source, tick.woke) if source is not None else None for source in scene.sources]
        if len(due) == 1:  # the usual case: one hop to the render thread
            made = await loop.run_in_executor(
                self.executor, self._draw_and_encode, scene, pictures, leaving, due[0], tick.due, keyframes[0]
            )
            self._hand_out(made)
        else:
            await loop.run_in_executor(self.executor, self._draw, scene, pictures, leaving, tick.due)
            jobs = [
                loop.run_in_executor(self.executor, self._encode, each, tick.due, keyframe)
                for each, keyframe in zip(due, keyframes, strict=True)
            ]
            for job in asyncio.as_completed(jobs):
                self._hand_out(await job)
        self._frames += 1
        if scene.revision != self._aired and len(due) == len(self._renditions):
            self._aired = scene.revision
            self._on_air(scene.plan.view, scene.revision, tick.due)

    async def _rest(self) -> None:
        """Free the encoders of renditions that are gone, and the canvas when nobody watches."""
        leaving, self._leaving = self._leaving, []
        if leaving:
            await asyncio.get_running_loop().run_in_executor(self.executor, _close, leaving)
        if not self._renditions:
            self._compositor = self._drawn = self._fade = None

    def _hand_out(self, made: list[VideoOut]) -> None:
        for picture in made:
            self._send(picture)

    # -- in the render threads

    def _draw_and_encode(
        self,
        scene: Scene,
        pictures: Sequence[Picture | None],
        leaving: Sequence[Rendition],
        rendition: Rendition,
        tick: float,
        keyframe: bool,
    ) -> list[VideoOut]:
        self._draw(scene, pictures, leaving, tick)
        return self._encode(rendition, tick, keyframe)

    def _draw(
        self, scene: Scene, pictures: Sequence[Picture | None], leaving: Sequence[Rendition], tick: float
    ) -> None:
        began = self._clock.now()
        _close(leaving)
        compositor = self._compositor
        if compositor is None or self._drawn is None or self._drawn.size != scene.size:
            compositor = self._compositor = Compositor(*scene.size)
            self._drawn = self._fade = None
        if self._fade is not None and self._fade.over(tick):
            self._fade = None
        if self._drawn is not scene:
            if self._drawn is not None and scene.plan.fade > 0 and _arranged_anew(self._drawn, scene):
                self._fade = Fade(compositor.canvas, tick, scene.plan.fade)
            compositor.arrange(scene.tiles)
            self._drawn = scene
        compositor.set_speaker(None if self._speaker is None else (self._speaker, "camera"))
        for index, picture in enumerate(pictures):
            compositor.put(index, picture)
        compositor.compose()
        self._frame = None if self._fade is None else self._fade.blend(compositor.canvas, tick)
        self._compose_seconds.add(self._clock.now() - began)

    def _encode(self, rendition: Rendition, tick: float, keyframe: bool) -> list[VideoOut]:
        assert self._compositor is not None
        began = self._clock.now()
        frame = self._compositor.canvas.frame if self._frame is None else self._frame
        made = rendition.encode(frame, tick, keyframe)
        rendition.seconds.add(self._clock.now() - began)
        return made


def _arranged_anew(before: Scene, after: Scene) -> bool:
    """Whether sites moved; a name, a mute or a loss alone is no reason to fade."""
    return [(tile.rect, tile.z, tile.key) for tile in before.tiles] != [
        (tile.rect, tile.z, tile.key) for tile in after.tiles
    ]


def _close(renditions: Sequence[Rendition]) -> None:
    for rendition in renditions:
        rendition.close()
