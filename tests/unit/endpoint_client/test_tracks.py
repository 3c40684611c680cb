"""Loops on tracks: paced by the wall clock, true to it, replayed from the last keyframe on request."""

from __future__ import annotations

import itertools
import time

import av
import pytest

from endpoint_client.headless import parse_source
from endpoint_client.link import split_link
from endpoint_client.loops import VideoLoop, sound_loop, video_loop
from endpoint_client.media import Hint, SiteOptions, answered_codec
from endpoint_client.pattern import LOOP
from endpoint_client.tracks import LiveVideo, LoopSound, LoopVideo, Shaped, Turns
from endpoint_client.watching import Flow, percentile


def numbered(rate: int = 30) -> VideoLoop:
    frames = LOOP * rate
    payloads = tuple(index.to_bytes(2, "big") for index in range(frames))
    return VideoLoop("VP8", 320, 180, rate, payloads, frozenset(range(0, frames, rate)))


async def test_video_starts_with_a_keyframe_and_catches_up_with_the_clock() -> None:
    track, loop = LoopVideo(), numbered()
    track.change(loop)
    packets = [await track.recv()]
    assert int.from_bytes(bytes(packets[0])) in loop.keyframes
    while len(packets) < 40:
        packets.append(await track.recv())
    now = int(time.time() * 30) % len(loop.payloads)
    assert (now - int.from_bytes(bytes(packets[-1]))) % len(loop.payloads) <= 2
    indices = [int.from_bytes(bytes(packet)) for packet in packets]
    assert all((b - a) % len(loop.payloads) == 1 for a, b in itertools.pairwise(indices))
    times = [packet.pts or 0 for packet in packets]
    assert all(b > a for a, b in itertools.pairwise(times))


async def test_a_keyframe_request_replays_from_the_keyframe_with_rising_times() -> None:
    track, loop = LoopVideo(), numbered()
    track.change(loop)
    last, before = await track.recv(), 0
    while int.from_bytes(bytes(last)) % 30 not in (5, 6, 7) or (last.pts or 0) - before < 1000:  # past the catching up
        before = last.pts or 0
        last = await track.recv()
    index = int.from_bytes(bytes(last))
    track.replay()
    track.replay()  # a second request at once changes nothing
    burst = [await track.recv() for _ in range(index % 30 + 1)]
    assert [int.from_bytes(bytes(packet)) for packet in burst] == list(range(index - index % 30, index + 1))
    after = await track.recv()
    assert int.from_bytes(bytes(after)) == index + 1
    times = [packet.pts or 0 for packet in (last, *burst, after)]
    assert all(b > a for a, b in itertools.pairwise(times))


async def test_nothing_is_sent_while_there_is_no_loop() -> None:
    track = LoopVideo()
    track.change(numbered())
    await track.recv()
    track.change(None)
    assert track.loop is None
    track.replay()
    track.change(small := numbered(10))
    while True:
        packet = await track.recv()
        if track.loop is small and int.from_bytes(bytes(packet)) in small.keyframes:
            break


async def test_sound_takes_turns_and_can_be_muted() -> None:
    speaking, silent = sound_loop("tone", 2), sound_loop("silence", 0)
    mine = Turns(order=int(time.time() // 4000) % 2, of=2, seconds=4000)
    other = Turns(order=1 - mine.order, of=2, seconds=4000)
    for turns, muted, loop in ((mine, False, speaking), (mine, True, silent), (other, False, silent)):
        track = LoopSound(speaking, silent, turns)
        track.muted = muted
        packets = [await track.recv() for _ in range(3)]
        assert all(bytes(packet) in loop.packets for packet in packets)
        assert [packet.pts for packet in packets] == [0, 960, 1920]
        assert track.level_dbov == (-23 if loop is speaking else -127)


async def test_shaped_frames_fit_the_hint() -> None:
    track = Shaped(LiveVideo(lambda: 3, 640, 360, 30))
    track.shape = (320, 180, 15)
    frames = [await track.recv() for _ in range(4)]
    assert {(frame.width, frame.height) for frame in frames} == {(320, 180)}
    steps = [(b.pts or 0) - (a.pts or 0) for a, b in itertools.pairwise(frames)]
    assert all(step >= 6000 for step in steps[1:])


@pytest.mark.parametrize(
    ("hint", "shape"),
    [
        (Hint(True, 256, 144, 15), (256, 144, 10)),
        (Hint(True, 1920, 1080, 30), (320, 180, 10)),
        (Hint(True, 160, 160, 7), (160, 90, 6)),
        (Hint(True, 0, 0, 0), (320, 180, 10)),
        (Hint(False, 0, 0, 0), None),
    ],
)
def test_a_hint_never_asks_for_more_than_the_source_has(hint: Hint, shape: tuple[int, int, int] | None) -> None:
    assert hint.shape(SiteOptions()) == shape


def test_a_loop_decodes_and_has_a_keyframe_each_second() -> None:
    loop = video_loop("H264", 6, 160, 90, 10)
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    keys = []
    for index, payload in enumerate(loop.payloads):
        keys += [index for frame in decoder.decode(av.Packet(payload)) if frame.key_frame]
    assert set(loop.keyframes) == {0, 10, 20, 30}
    assert len(keys) == 4


def test_links_are_split() -> None:
    assert split_link("https://mcu:8443/join/abc") == ("https://mcu:8443", "abc")
    assert split_link("wss://mcu", "abc") == ("https://mcu", "abc")
    with pytest.raises(ValueError, match="no join token"):
        split_link("https://mcu")
    with pytest.raises(ValueError, match="not an address"):
        split_link("mcu:8443", "abc")


def test_sources_are_parsed() -> None:
    assert parse_source("640x360@15") == (640, 360, 15)
    assert parse_source("640x360") == (640, 360, 10)
    for wrong in ("640", "640x361@10", "640x360@7", "axb@c"):
        with pytest.raises(ValueError, match=r"320x180|must"):
            parse_source(wrong)


def test_the_codec_is_the_first_of_the_answer() -> None:
    sdp = "v=0\r\nm=audio 9 X 96\r\na=rtpmap:96 opus/48000/2\r\nm=video 9 X 97 98\r\na=rtpmap:98 VP8/90000\r\n"
    assert answered_codec(sdp + "a=rtpmap:97 H264/90000\r\n") == "H264"
    assert answered_codec(sdp.replace("97 98", "98")) == "VP8"
    assert answered_codec("v=0\r\nm=audio 9 X 96\r\n") is None


def test_flow_counts_gaps_and_rates() -> None:
    flow = Flow(gap_limit=0.5)
    for moment in (10.0, 10.1, 10.2, 11.2, 11.3):
        flow.arrive(moment)
    assert (flow.count, flow.gaps, flow.rate()) == (5, 1, round(4 / 1.3, 2))
    assert flow.longest_gap == pytest.approx(1.0)
    assert flow.recent_rate(20.0) < 0.5
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([], 0.5) is None
