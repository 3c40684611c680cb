"""The relay process against stock aiortc sites and a mixer that is only a socket."""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from mcu_core import wire
from mcu_core.errors import EndpointError, PeerLost
from tests.integration.relay_harness import RelayProcess, StockSite, World, opus_tone, relay_process, until, world

pytestmark = pytest.mark.asyncio(loop_scope="module")
_names = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relay() -> AsyncIterator[RelayProcess]:
    async with relay_process() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def stage(relay: RelayProcess) -> AsyncIterator[World]:
    relay.events.clear()
    async with world(relay, f"c-{next(_names)}") as made:
        yield made


async def test_site_sees_and_hears_the_mixer_and_is_seen_and_heard(stage: World) -> None:
    site = await stage.join("a", 1, {"rendition": 1, "camera_wanted": True, "audio_open": True}, screen=True)
    await until(lambda: len(site.lumas) > 15 and site.lumas[-1] == pytest.approx(90, abs=4), "pictures of rendition 1")
    await until(lambda: site.sounds > 20 and site.loudness > 3000, "sound")
    mixer = stage.mixer
    await until(lambda: len(mixer.video) > 10, "frames at the mixer")
    assert mixer.video[0].keyframe, "the mixer is never given what it cannot decode"
    assert {(v.site, v.track, v.codec) for v in mixer.video} == {(1, "camera", "H264")}
    await until(lambda: len(mixer.audio) > 10, "sound at the mixer")
    assert mixer.audio[-1].level < 40
    await until(lambda: any(isinstance(e, wire.SenderClock) for e in mixer.events), "sender reports")
    await stage.plan("a", rendition=1, screen_wanted=True)
    await until(lambda: any(v.track == "screen" for v in mixer.video), "the screen")
    await asyncio.sleep(0.1)
    count = len([v for v in mixer.video if v.track == "camera"])
    sounds = len(mixer.audio)
    await asyncio.sleep(0.3)
    assert len([v for v in mixer.video if v.track == "camera"]) == count, "nobody sees the camera now"
    assert len(mixer.audio) == sounds, "the site is muted"


async def test_vp8_both_ways(relay: RelayProcess) -> None:
    async with world(relay, "c-vp8", "VP8") as stage:
        site = await stage.join("v", 1, {"rendition": 1, "camera_wanted": True}, codec="VP8")
        await until(lambda: len(site.lumas) > 10 and site.lumas[-1] == pytest.approx(90, abs=4), "pictures")
        await until(lambda: {v.codec for v in stage.mixer.video} == {"VP8"}, "frames at the mixer")


async def test_private_sound_reaches_its_site_only(stage: World) -> None:
    stage.mixer.private = {1: opus_tone(440.0, 1)[0][:1] + b"\xff\xfe"}  # TOC of the tone, then silence
    first, second = await asyncio.gather(stage.join("p1", 1, {"rendition": 1}), stage.join("p2", 2, {"rendition": 1}))
    await until(lambda: second.sounds > 50 and second.loudness > 3000, "the shared mix")
    await until(lambda: first.sounds > 50, "a mix of its own")
    assert first.loudness < 1000


async def test_second_viewer_joins_by_one_keyframe_and_changes_rendition(stage: World) -> None:
    stage.mixer.renditions = [1, 2]
    first = await stage.join("k1", 1, {"rendition": 1})
    await until(lambda: first.lumas, "a picture")
    second = await stage.join("k2", 2, {"rendition": 1})
    await until(lambda: len(second.lumas) > 3, "a picture for the newcomer")
    asked = [e for e in stage.mixer.events if isinstance(e, wire.RenditionKeyframe)]
    assert 1 <= len(asked) <= 4
    await stage.plan("k2", rendition=2)
    await until(lambda: second.lumas[-1] == pytest.approx(120, abs=4), "the other rendition")
    assert first.lumas[-1] == pytest.approx(90, abs=4)
    await stage.plan("k2", rendition=1)
    await until(lambda: second.lumas[-1] == pytest.approx(90, abs=4), "back again")


async def test_lost_first_keyframe_recovers(stage: World) -> None:
    site = StockSite()
    stage.sites.append(site)
    transport = site.pc.getTransceivers()[0].sender.transport
    deliver = transport._handle_rtp_data
    lost = 0

    answer = await stage.open("l", 1, await site.offer())
    await stage.plan("l", rendition=1)
    payload_type = int(answer[answer.index("m=video") :].split()[3])

    async def lossy(data: bytes, arrival_time_ms: int) -> None:
        nonlocal lost
        if data[1] & 0x7F == payload_type and lost < 12:
            lost += 1
            return
        await deliver(data, arrival_time_ms)

    transport._handle_rtp_data = lossy  # type: ignore[method-assign]
    await site.answered(answer)
    await until(lambda: len(site.lumas) > 5, "a picture although the first packets are lost")
    assert lost == 12


async def test_lost_packets_are_sent_again(stage: World) -> None:
    site = await stage.join("n", 1, {"rendition": 1})
    await until(lambda: site.lumas, "a picture")
    transport = site.pc.getTransceivers()[1].receiver.transport
    deliver = transport._handle_rtp_data
    source = random.Random(1)
    dropped = 0

    async def lossy(data: bytes, arrival_time_ms: int) -> None:
        nonlocal dropped
        if source.random() < 0.05:
            dropped += 1
            return
        await deliver(data, arrival_time_ms)

    transport._handle_rtp_data = lossy  # type: ignore[method-assign]
    before = len(site.lumas)
    await until(lambda: len(site.lumas) > before + 45, "pictures go on at 5 % loss")
    assert dropped > 0
    assert all(luma == pytest.approx(90, abs=6) for luma in site.lumas[before:])


async def test_garbage_at_the_port_disturbs_nothing(stage: World) -> None:
    site = await stage.join("g", 1, {"rendition": 1})
    await until(lambda: site.lumas, "a picture")
    source = random.Random(2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        for _ in range(3000):
            data = source.randbytes(source.choice((0, 1, 11, 12, 20, 60, 1200, 1501, 4000)))
            if data and source.random() < 0.7:
                data = bytes((source.choice((0, 1, 22, 128, 144)),)) + data[1:]
            attacker.sendto(data, ("127.0.0.1", stage.relay.port))
    before = len(site.lumas)
    await until(lambda: len(site.lumas) > before + 10, "pictures go on")
    await until(lambda: (s := stage.relay.stats()) is not None and s.dropped.get("bad_length", 0) > 100, "counted")
    assert stage.relay.states("g") == ["connected"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (("v=0", "nonsense"), "bad_offer"),
        (("a=rtcp-mux", "a=x"), "bad_offer"),
        (("opus/48000", "speex/48000"), "unsupported_codec"),
        (("H264/90000", "H265/90000"), "unsupported_codec"),
    ],
)
async def test_bad_offer_gets_its_code(stage: World, wrong: tuple[str, str], code: str) -> None:
    site = StockSite()
    stage.sites.append(site)
    with pytest.raises(EndpointError) as refused:
        await stage.open("b", 1, (await site.offer()).replace(*wrong))
    assert refused.value.code == code
    assert refused.value.vi != refused.value.en


async def test_mixer_that_dies_comes_back_without_any_site_reconnecting(stage: World) -> None:
    site = await stage.join("m", 1, {"rendition": 1, "camera_wanted": True, "audio_open": True})
    await until(lambda: site.lumas and stage.mixer.video and site.sounds, "all is well")
    await stage.mixer.stop()
    await asyncio.sleep(0.3)
    seen, heard = len(site.lumas), site.sounds
    stage.mixer.video.clear()
    began = time.monotonic()
    await stage.mixer.start()
    await until(lambda: len(site.lumas) > seen and site.sounds > heard, "picture and sound are back")
    await until(lambda: stage.mixer.video, "frames at the new mixer")
    assert stage.mixer.video[0].keyframe
    assert time.monotonic() - began < 10
    assert any(isinstance(e, wire.RelayAttached) for e in stage.mixer.events)
    assert stage.relay.states("m") == ["connected"]


async def test_control_that_comes_back_finds_the_legs(stage: World) -> None:
    site = await stage.join("s", 1, {"rendition": 1})
    assert stage.relay.peer is not None
    stage.relay.peer.close()
    await stage.relay.control()
    info = await stage.relay.call(wire.RelayStatus())
    assert isinstance(info, wire.RelayInfo)
    assert ("s", "connected") in [(leg.leg, leg.state) for leg in info.legs]
    before = len(site.lumas)
    await until(lambda: len(site.lumas) > before, "nothing was interrupted")
    with pytest.raises(PeerLost):
        await stage.relay.call(wire.Place("mixer", "x"))


async def test_levels_and_statistics_are_told(stage: World) -> None:
    await stage.join("t", 3, {"rendition": 1, "camera_wanted": True})
    events = stage.relay.events
    await until(
        lambda: any(
            e.levels.get(3, -127) > -60
            for e in events
            if isinstance(e, wire.Levels) and e.conference == stage.conference
        ),
        "levels, although the site is muted",
    )
    await until(
        lambda: any(
            leg.leg == "t" and leg.received_kbps > 10 and leg.sent_kbps > 10 and leg.rtt_ms is not None
            for e in events
            if isinstance(e, wire.RelayStats)
            for leg in e.legs
        ),
        "figures of the leg",
    )


async def test_leaving_is_noticed_and_a_seat_can_be_taken_over(stage: World) -> None:
    first = await stage.join("x", 1, {"rendition": 1})
    second = await stage.join("x", 1, {"rendition": 1})
    assert stage.relay.states("x") == ["connected", "connected"], "control asked for it and is not told of a farewell"
    await until(lambda: second.lumas, "the second endpoint sees")
    await until(lambda: first.pc.connectionState == "closed", "the first is told goodbye")
    await second.close()
    await until(lambda: stage.relay.states("x")[-1] == "closed", "goodbye is heard")


async def test_ice_restart_is_answered_with_new_credentials(stage: World) -> None:
    site = StockSite()
    stage.sites.append(site)
    offer = await site.offer()
    answer = await stage.open("r", 1, offer)
    await stage.plan("r", rendition=1)
    await site.answered(answer)
    await until(lambda: site.lumas, "a picture")
    old = offer[offer.index("a=ice-ufrag:") + 12 :].split()[0]
    reply = await stage.relay.call(wire.RestartIce("r", offer.replace(f"a=ice-ufrag:{old}", "a=ice-ufrag:newufrag")))
    assert isinstance(reply, wire.LegAnswer)
    ufrags = {line for line in (answer + reply.answer).splitlines() if line.startswith("a=ice-ufrag")}
    assert len(ufrags) == 2
    before = len(site.lumas)
    await until(lambda: len(site.lumas) > before + 5, "the old pair goes on meanwhile")
    other = offer.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:")
    with pytest.raises(EndpointError):
        await stage.relay.call(wire.RestartIce("r", other))
    with pytest.raises(PeerLost):
        await stage.relay.call(wire.RestartIce("nobody", offer))
