"""The mixer process: a socket on which relays bring and fetch media and control sends plans.

Relays announce themselves with RelayAttached; whoever sends a MixPlan is control.  Once the newest connection of
control has sent a plan, older ones no longer count: they belong to a process that is gone.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from pathlib import Path

import numpy as np
import structlog

from mcu_core.errors import PeerLost
from mcu_core.mixing.clock import MonotonicClock
from mcu_core.mixing.conference_mix import ConferenceMix, Outlets, make_threads
from mcu_core.mixing.decoding import DecoderPool
from mcu_core.mixing.quarantine import Source
from mcu_core.mixing.suspects import DecodingMarks, read_suspects
from mcu_core.node.loop import run_watched
from mcu_core.node.priority import SOUND_PRIORITY, set_thread_priority
from mcu_core.node.spare import Assignment
from mcu_core.wire import (
    AudioIn,
    AudioOut,
    Call,
    Event,
    Media,
    MixerStats,
    MixPlan,
    Noisy,
    PassedPicture,
    Peer,
    PictureWait,
    PlanApplied,
    PlanOnAir,
    RelayAttached,
    RenditionKeyframe,
    Reply,
    SenderClock,
    SiteKeyframe,
    Speaker,
    VideoIn,
    VideoOut,
    listen,
)
from mixer.channel import ChannelStrip
from mixer.codec import OpusEncoder, video_encoder
from mixer.compositor import Compositor, TileSpec
from mixer.layout import Rect
from mixer.master import Master

log = structlog.get_logger("mixing")

_SWITCH_INTERVAL = 0.001  # seconds a thread may hold the interpreter while the audio thread waits for it


class MixerProcess:
    """Connects the peers on the socket with one conference's mix."""

    def __init__(self, run_dir: Path, assignment: Assignment) -> None:
        self._run_dir, self._assignment = run_dir, assignment
        self._relays: dict[Peer, str] = {}
        self._controls: dict[Peer, int] = {}  # in order of their first plan
        self._newest_plan: tuple[Peer, int] | None = None  # who sent it, its revision
        self._carriers: dict[int, Peer] = {}  # which relay brings a site
        self._mix: ConferenceMix | None = None

    async def run(self) -> None:
        """Serve until cancelled."""
        name, clock = self._assignment.name, MonotonicClock()
        marks_path = self._run_dir / f"mixer-{name}.decoding"
        suspects = read_suspects(marks_path) if self._assignment.crashed else set()
        if suspects:
            log.warning("streams kept out after a crash", streams=sorted(suspects))
        threads, marks = make_threads(), DecodingMarks(marks_path)
        decoders = DecoderPool(threads.decode, threads.slow, marks, self._ask_site, suspects, clock.now())
        outlets = Outlets(self._send_video, self._send_audio, self._tell_control, self._tell_relays, self._heard)
        self._mix = ConferenceMix(clock, threads, decoders, outlets)
        server = await listen(str(self._run_dir / f"mixer-{name}.sock"), self._new_peer)
        log.info("mixer ready", conference=name)
        try:
            await self._mix.run()
        finally:
            server.close()
            decoders.close()
            for pool in (threads.audio, threads.render, threads.decode, threads.slow):
                pool.shutdown(wait=True, cancel_futures=False)

    def _new_peer(self) -> Peer:
        return Peer(on_call=self._on_call, on_event=self._on_event, on_media=self._on_media, on_lost=self._on_lost)

    async def _on_call(self, peer: Peer, call: Call) -> Reply:
        if not isinstance(call, MixPlan):
            raise PeerLost("not_served", "Bộ trộn không nhận lệnh đó.", f"A mixer does not serve {call.type}.")
        return PlanApplied(self._apply(peer, call))

    def _apply(self, peer: Peer, plan: MixPlan) -> int:
        """Apply a plan unless it is older than the applied one; returns the revision that holds now.

        Raises OperatorError "bad_plan".
        """
        mix = self._mix
        assert mix is not None
        number = self._controls.setdefault(peer, max(self._controls.values(), default=0) + 1)
        newest = number == max(self._controls.values())
        last = self._newest_plan
        # Revisions are compared within one connection: control may have restarted and count anew.
        if not newest or (last is not None and last[0] is peer and plan.revision < last[1]):
            return mix.plan.revision if mix.plan is not None else plan.revision
        mix.apply(plan)
        self._newest_plan = peer, plan.revision
        return plan.revision

    def _on_event(self, peer: Peer, event: Event) -> None:
        assert self._mix is not None
        match event:
            case RelayAttached(relay=relay):
                self._relays[peer] = relay
                log.info("relay attached", relay=relay)
                self._mix.relay_attached()
            case RenditionKeyframe(rendition=rendition):
                self._mix.ask_keyframe(rendition)
            case SenderClock():
                self._mix.receive_clock(event)
            case PassedPicture():
                self._mix.receive_passed(event)
            case _:
                pass

    def _on_media(self, peer: Peer, media: Media) -> None:
        assert self._mix is not None
        if isinstance(media, VideoIn):
            self._carriers[media.site] = peer
            self._mix.receive_video(media)
        elif isinstance(media, AudioIn):
            self._carriers[media.site] = peer
            self._mix.receive_audio(media)

    def _on_lost(self, peer: Peer) -> None:
        relay = self._relays.pop(peer, None)
        if relay is not None:
            log.info("relay lost", relay=relay, media_dropped=peer.media_dropped)
        self._controls.pop(peer, None)
        for site in [site for site, carrier in self._carriers.items() if carrier is peer]:
            del self._carriers[site]

    # -- what the mix sends

    def _heard(self) -> bool:
        return bool(self._relays)

    def _send_video(self, picture: VideoOut) -> None:
        packed = picture.pack()
        for relay in self._relays:
            relay.send_media(packed)

    def _send_audio(self, sound: AudioOut) -> None:
        packed = sound.pack()
        for relay in self._relays:
            relay.send_media(packed)

    def _ask_site(self, source: Source) -> None:
        request = SiteKeyframe(*source)
        carrier = self._carriers.get(request.site)
        for relay in self._relays if carrier is None else (carrier,):
            relay.post(request)  # while we do not know who carries the site, all are asked: it is news to one of them

    def _tell_relays(self, event: PictureWait) -> None:
        for relay in self._relays:
            relay.post(event)

    def _tell_control(self, event: Speaker | Noisy | PlanOnAir | MixerStats) -> None:
        for control in self._controls:
            control.post(event)


def warm_up() -> None:
    """Touch what the first seconds of a conference need: codecs, fonts, scaling."""
    compositor = Compositor(1280, 720)
    compositor.arrange([TileSpec(Rect(0, 0, 640, 360), label="Điểm cầu", key=1, podium=True, muted=True)])
    compositor.compose()
    encoder = video_encoder("H264", 1280, 720, 30, 1_500_000)
    for n in range(2):
        encoder.encode(compositor.canvas.frame, 3000 * n)
    encoder.close()
    sound, opus = np.zeros(960, np.int16), OpusEncoder()
    ChannelStrip().process(sound, 0.0, sound)
    Master().finish(sound.astype(np.int32), sound)  # makes the comfort noise
    opus.encode(sound)
    opus.close()
    gc.collect()  # here and not when the mixer is needed: it takes tens of milliseconds


def run_mixer(run_dir: Path, assignment: Assignment) -> None:
    """Run a mixer until SIGTERM or SIGINT."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    set_thread_priority(SOUND_PRIORITY)  # of the event loop, which wakes the audio thread
    gc.freeze()  # modules are not looked at again by any later collection

    async def main() -> None:
        task = asyncio.ensure_future(MixerProcess(run_dir, assignment).run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            log.info("mixer stopped", conference=assignment.name)

    run_watched(main())
