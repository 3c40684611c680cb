"""Flash and beep through the real mixer: what was taken together leaves together, however it came."""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass

import numpy as np

from benchmarks.flash_and_beep import BLOCK, MOST_AFTER, MOST_BEFORE, RATE, beep_starts, beeps, flashes, is_white
from mcu_core.wire import AudioIn, PassedPicture, RenditionPlan, SenderClock, SitePlan, VideoIn, ViewPlan
from mixer.codec import OpusDecoder, VideoDecoder
from mixer.picture import Picture
from tests.integration.mixing_bench import Bench, bench, grid, plan, tone_of

PERIOD = 2.0  # seconds between flashes
FRAME_RATE = 15
CENTRES = {1: (160, 90), 2: (480, 90), 3: (160, 270)}


@dataclass(frozen=True)
class Line:
    """How long a site's sound and pictures are on their way, seconds."""

    sound: float
    picture: float


LINES = {1: Line(0.02, 0.20), 2: Line(0.20, 0.03), 3: Line(0.02, 0.03)}


async def feed(stage: Bench, seconds: float, passed: bool = False) -> list[tuple[int, float]]:
    """Send all sites' packets when they arrive, and their sender reports; whose flash arrived when.

    `passed`: viewers see the pictures as they are, the mixer is only told of them.
    """
    flashed: list[tuple[int, float]] = []
    loop, count = asyncio.get_running_loop(), iter(range(10**6))
    start = loop.time() + 0.1
    due: list[tuple[float, int, int, str, int]] = []  # arrival, order, site, kind, number
    for site, line in LINES.items():
        for n in range(round(seconds * 50)):
            heapq.heappush(due, (start + (n + 1) * 0.02 + line.sound, next(count), site, "audio", n))
        for n in range(round(seconds * FRAME_RATE)):
            heapq.heappush(due, (start + n / FRAME_RATE + line.picture, next(count), site, "camera", n))
        for n in range(round(seconds * 2)):
            heapq.heappush(due, (start + n / 2 + 0.02, next(count), site, "report", n))
    while due:
        when, _, site, kind, n = heapq.heappop(due)
        await asyncio.sleep(when - loop.time())
        peer, audio_base, video_base = stage.relay.peer, 7_000 * site, 11_000 * site
        assert peer is not None
        if kind == "audio":
            beep = beeps(tone_of(site), PERIOD)
            packet = AudioIn(site, n, 20, True, loop.time(), audio_base + n * 960, beep[n % len(beep)])
            peer.send_media(packet.pack())
        elif kind == "camera":
            flash = flashes(PERIOD, FRAME_RATE)
            at = n % len(flash)
            if at == 0:
                flashed.append((site, loop.time()))
            if passed:
                peer.post(PassedPicture(site, video_base + n * 6000, loop.time()))
                continue
            frame = VideoIn(site, "camera", "H264", at == 0, loop.time(), video_base + n * 6000, flash[at])
            peer.send_media(frame.pack())
        else:
            ntp = 3_900_000_000.0 + site + n / 2
            peer.post(SenderClock(site, "audio", ntp, audio_base + n * 24_000))
            peer.post(SenderClock(site, "camera", ntp, video_base + n * 45_000))
    return flashed


def beeps_heard(stage: Bench, site: int) -> list[float]:
    """When the tone of `site` begins in the shared mix, seconds of the mixer's clock."""
    decoder, ticks = OpusDecoder(), stage.relay.audio
    pcm = np.concatenate([decoder.decode(tick.shared) for tick in ticks])
    decoder.close()
    return [ticks[at // BLOCK].tick + at % BLOCK / RATE for at in beep_starts(pcm, tone_of(site))]


def flash_starts(stage: Bench) -> dict[int, list[float]]:
    """When the tile of each site turns white."""
    decoder, found = VideoDecoder("H264"), {site: list[float]() for site in CENTRES}
    white = dict.fromkeys(CENTRES, True)
    for each in stage.relay.video[1]:
        for frame in decoder.decode(each.payload, each.rtp_time):
            picture = Picture.from_frame(frame)
            for site, (x, y) in CENTRES.items():
                is_lit = is_white(picture, x, y)
                if is_lit and not white[site]:
                    found[site].append(each.tick)
                white[site] = is_lit
    decoder.close()
    return found


async def test_flash_and_beep_leave_together_however_they_came() -> None:
    async with bench([]) as stage:
        sites = [SitePlan(n, "", present=True) for n in LINES]
        view = ViewPlan("programme", 640, 360, 30.0, grid([1, 2, 3], 2))
        rendition = RenditionPlan(1, "programme", "H264", 640, 360, 30.0, 1_500_000)
        await stage.control.send(plan(1, sites, [], views=(view,), renditions=(rendition,)))
        await stage.until(lambda: stage.relay.peer is not None)
        await feed(stage, 9.0)
        seen = flash_starts(stage)
        for site, line in LINES.items():
            flash = seen[site][-1]
            beep = min(beeps_heard(stage, site), key=lambda when: abs(when - flash))
            print(
                f"site {site}, sound {line.sound:.3f} s, picture {line.picture:.3f} s on its way: {beep - flash:+.3f}"
            )
            assert -MOST_BEFORE < beep - flash < MOST_AFTER


async def test_passed_pictures_are_shown_with_their_sound_too() -> None:
    async with bench([]) as stage:
        sites = [SitePlan(n, "", present=True) for n in LINES]
        await stage.control.send(plan(1, sites, [None]))
        await stage.until(lambda: stage.relay.peer is not None)
        flashed = dict(await feed(stage, 9.0, passed=True))  # the last of each
        assert stage.relay.waits.get(2, 0.0) > 0.1, "its pictures come long before its sound"
        for site in LINES:
            flash = flashed[site] + stage.relay.waits.get(site, 0.0)
            beep = min(beeps_heard(stage, site), key=lambda when: abs(when - flash))
            assert -MOST_BEFORE < beep - flash < MOST_AFTER
