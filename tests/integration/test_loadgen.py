"""The load generator's leg against a stock peer: both understand each other, and the measurements are true."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from benchmarks.dtls_client import Identity
from benchmarks.loadgen_engine import Engine
from benchmarks.loadgen_eye import Eye
from benchmarks.loadgen_leg import Leg
from benchmarks.loadgen_media import film, tone_tape
from endpoint_client.loops import sound_loop, video_loop
from endpoint_client.tracks import LoopSound, LoopVideo
from endpoint_client.watching import PictureWatch, SoundWatch

SITE, SHOWN = 12, 5


async def test_a_leg_and_a_stock_peer_see_and_hear_each_other() -> None:
    seen: set[int] = set()
    sounds = SoundWatch()

    async def watch(track: Any) -> None:
        while True:
            frame = await track.recv()
            if track.kind == "video":
                seen.update(sighting.mark.site for sighting in PictureWatch.read(frame))
            else:
                sounds.listen(frame, 0, 0)

    engine = Engine()
    leg = Leg(Identity(), film(SITE, 320, 180, 15), tone_tape(SITE), SITE)
    leg.eye = Eye(lambda site, frame: time.monotonic() - 0.025 if site == SHOWN else None)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    watching: set[asyncio.Task[None]] = set()
    peer.on("track", lambda track: watching.add(asyncio.create_task(watch(track))))
    engine.start()
    engine.add(leg)
    try:
        # A stock answerer would be the DTLS client of an actpass offer; an MCU is the server.
        await peer.setRemoteDescription(RTCSessionDescription(leg.offer().replace("actpass", "active"), "offer"))
        video = LoopVideo()
        video.change(video_loop("H264", SHOWN, 640, 360, 15))
        peer.addTrack(LoopSound(sound_loop("tone", SHOWN), sound_loop("silence", 0)))
        peer.addTrack(video)
        await peer.setLocalDescription(await peer.createAnswer())
        leg.offered_at = time.monotonic()
        leg.answer(peer.localDescription.sdp, time.monotonic())

        async with asyncio.timeout(10):
            while not (leg.joined_at and seen and sounds.heard and leg.eye.samples):
                await asyncio.sleep(0.02)
        leg.reset()
        await asyncio.sleep(1.0)
        counters = leg.counters
    finally:
        engine.remove(leg)
        leg.close()
        engine.stop()
        await peer.close()
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    assert seen == {SITE}
    assert set(sounds.heard) == {SITE}
    assert leg.eye.sites == {SHOWN}
    assert 0 <= min(leg.eye.samples) <= max(leg.eye.samples) <= 25  # reading the plate comes after `now`
    assert 13 <= counters.video_frames <= 17
    assert 46 <= counters.audio_packets <= 54
    assert (counters.video_lost, counters.audio_lost, counters.unverified) == (0, 0, 0)
