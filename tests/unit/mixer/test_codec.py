from __future__ import annotations

import contextlib

import pytest

from mcu_core.errors import EndpointError
from mixer.codec import EncodedVideo, VideoDecoder, VideoEncoder, video_encoder
from mixer.encoder import h264_level
from mixer.picture import Picture
from tests.unit.mixer.pictures import frame_of, gradient, noise, psnr
from tests.unit.mixer.test_bitstream import parameter_set

SIZE = (320, 180)
CODECS = ("H264", "VP8")
STEP = 3000  # 30 a second


def encode(encoder: VideoEncoder, count: int, start: int = 0, *, size: tuple[int, int] = SIZE) -> list[EncodedVideo]:
    out = []
    for number in range(start, start + count):
        coded = encoder.encode(frame_of(gradient(*size, number)), number * STEP % (1 << 32))
        assert len(coded) == 1
        out += coded
    return out


def nal_types(payload: bytes) -> list[int]:
    types, at = [], payload.find(b"\0\0\1")
    while at >= 0:
        types.append(payload[at + 3] & 31)
        at = payload.find(b"\0\0\1", at + 3)
    return types


@pytest.mark.parametrize("codec", CODECS)
def test_picture_survives(codec: str) -> None:
    encoder, decoder = video_encoder(codec, *SIZE, 30, 500_000), VideoDecoder(codec)  # type: ignore[arg-type]
    for number, one in enumerate(encode(encoder, 20)):
        pictures = decoder.decode(one.payload, one.rtp_time)
        assert len(pictures) == 1  # in the same call: no delay
        assert pictures[0].pts == one.rtp_time == number * STEP
        assert one.keyframe == (number == 0)
        assert psnr(Picture.from_frame(pictures[0]).y, gradient(*SIZE, number).y) > 35
    encoder.close()
    decoder.close()


@pytest.mark.parametrize("codec", CODECS)
def test_keyframe_comes_when_asked_and_lets_a_newcomer_in(codec: str) -> None:
    encoder = video_encoder(codec, *SIZE, 30, 500_000)  # type: ignore[arg-type]
    encode(encoder, 5)
    key = encoder.encode(frame_of(gradient(*SIZE, 5)), 5 * STEP, True)[0]
    assert key.keyframe
    assert not encode(encoder, 1, 6)[0].keyframe
    newcomer = VideoDecoder(codec)  # type: ignore[arg-type]
    assert len(newcomer.decode(key.payload, key.rtp_time)) == 1


def test_each_idr_brings_its_parameter_sets() -> None:
    encoder = video_encoder("H264", *SIZE, 30, 500_000)
    first = encode(encoder, 1)[0]
    encode(encoder, 3, 1)
    second = encoder.encode(frame_of(gradient(*SIZE)), 4 * STEP, True)[0]
    for payload in (first.payload, second.payload):
        assert payload.startswith((b"\0\0\0\1", b"\0\0\1"))
        assert {7, 8, 5} <= set(nal_types(payload))


def test_h264_is_constrained_baseline_at_the_level_we_answer() -> None:
    payload = encode(video_encoder("H264", 1280, 720, 30, 1_500_000), 1, size=(1280, 720))[0].payload
    at = payload.find(b"\x67")
    profile, constraints, level = payload[at + 1 : at + 4]
    assert profile == 66
    assert constraints & 0x40  # constraint_set1: Constrained Baseline
    assert level == 31


@pytest.mark.parametrize(
    ("size", "rate", "level"),
    [((320, 180), 30, "3.1"), ((1280, 720), 30, "3.1"), ((1280, 720), 60, "3.2"), ((1920, 1080), 30, "4.0")],
)
def test_level_is_the_lowest_that_will_do(size: tuple[int, int], rate: float, level: str) -> None:
    assert h264_level(*size, rate) == level


def test_no_level_for_more_than_that() -> None:
    with pytest.raises(ValueError, match=r"4\.2"):
        video_encoder("H264", 3840, 2160, 30, 4_000_000)


def kbps(encoder: VideoEncoder, seconds: int, start: int) -> tuple[float, bool]:
    """Rate over the last second of noise-like pictures, and whether a keyframe was among all of them."""
    frames = [frame_of(noise(*SIZE, seed)) for seed in range(6)]
    out = []
    for number in range(start, start + 30 * seconds):
        out += encoder.encode(frames[number % 6], number * STEP)
    return sum(len(one.payload) for one in out[-30:]) * 8 / 1000, any(one.keyframe for one in out[1:])


def test_h264_bitrate_changes_both_ways_without_a_keyframe() -> None:
    encoder = video_encoder("H264", *SIZE, 30, 1_000_000)
    first, _ = kbps(encoder, 2, 0)
    encoder.set_bitrate(2_500_000)
    up, key_up = kbps(encoder, 2, 60)
    encoder.set_bitrate(500_000)
    down, key_down = kbps(encoder, 4, 120)
    assert first == pytest.approx(1000, rel=0.25)
    assert up == pytest.approx(2500, rel=0.25)
    assert down == pytest.approx(500, rel=0.4)
    assert not key_up
    assert not key_down


@pytest.mark.parametrize("asked", [True, False])
def test_vp8_bitrate_change_waits_for_the_keyframe_that_comes_anyway(asked: bool) -> None:
    encoder = video_encoder("VP8", *SIZE, 6, 1_000_000)
    noisy = [frame_of(noise(*SIZE, seed)) for seed in range(6)]

    def show(begin: int, end: int, ask: bool = False) -> tuple[list[int], float]:
        out = [encoder.encode(noisy[n % 6], n * 15_000, ask and n == begin)[0] for n in range(begin, end)]
        keyframes = [begin + n for n, one in enumerate(out) if one.keyframe]
        return keyframes, sum(len(one.payload) for one in out[-12:]) * 8 / 2000

    keyframes, before = show(0, 20)
    assert keyframes == [0]
    encoder.set_bitrate(300_000)
    if not asked:
        assert show(20, 60)[0] == []
    begin = 20 if asked else 60  # ten seconds after the first
    keyframes, after = show(begin, begin + 30, asked)
    assert keyframes == [begin]
    assert after < 0.75 * before, "kbit/s"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("first", [(1 << 31) - 2 * STEP, (1 << 32) - 2 * STEP])
def test_rtp_time_wraps(codec: str, first: int) -> None:
    encoder = video_encoder(codec, *SIZE, 30, 300_000)  # type: ignore[arg-type]
    for number in range(5):
        wanted = (first + number * STEP) % (1 << 32)
        assert [one.rtp_time for one in encoder.encode(frame_of(gradient(*SIZE, number)), wanted)] == [wanted]


@pytest.mark.parametrize("codec", CODECS)
def test_repeated_and_older_times_still_encode(codec: str) -> None:
    encoder = video_encoder(codec, *SIZE, 30, 300_000)  # type: ignore[arg-type]
    for time in (9000, 9000, 6000, 12000):
        assert len(encoder.encode(frame_of(gradient(*SIZE)), time)) == 1


@pytest.mark.parametrize("codec", CODECS)
def test_canvas_of_another_size_is_scaled(codec: str) -> None:
    encoder, decoder = video_encoder(codec, *SIZE, 30, 500_000), VideoDecoder(codec)  # type: ignore[arg-type]
    one = encoder.encode(frame_of(gradient(1280, 720)), 0)[0]
    picture = Picture.from_frame(decoder.decode(one.payload, 0)[0])
    assert (picture.width, picture.height) == SIZE
    assert psnr(picture.y, gradient(*SIZE).y) > 30


def test_canvas_may_be_drawn_on_as_soon_as_encode_returns() -> None:
    """Two encoders share a canvas; neither writes its time or its wishes on it."""
    canvas = frame_of(gradient(*SIZE))
    h264, vp8 = video_encoder("H264", *SIZE, 30, 300_000), video_encoder("VP8", *SIZE, 30, 300_000)
    h264.encode(canvas, 90, True)
    vp8.encode(canvas, 180)
    assert canvas.pts is None


# ------------------------------------------------------------------------------------------- hostile input


def test_h264_picture_of_16k_is_refused_before_decoding() -> None:
    decoder = VideoDecoder("H264")
    with pytest.raises(EndpointError) as caught:
        decoder.decode(parameter_set(16384, 16384) + b"\0\0\1\x65\x88\x84\0", 0)
    assert caught.value.code == "picture_too_large"
    assert "16384x16384" in caught.value.vi
    assert "16384x16384" in caught.value.en


def test_vp8_picture_of_16k_is_refused_before_decoding() -> None:
    header = b"\x10\x02\x00\x9d\x01\x2a" + (16383).to_bytes(2, "little") * 2
    with pytest.raises(EndpointError) as caught:
        VideoDecoder("VP8").decode(header + bytes(100), 0)
    assert caught.value.code == "picture_too_large"


@pytest.mark.parametrize("size", [(1920, 1088), (1088, 1920), (1280, 720)])
def test_full_hd_either_way_up_is_taken(size: tuple[int, int]) -> None:
    encoder, decoder = video_encoder("H264", *size, 30, 2_000_000), VideoDecoder("H264")
    picture = decoder.decode(encoder.encode(frame_of(gradient(*size)), 0)[0].payload, 0)[0]
    assert (picture.width, picture.height) == size


@pytest.mark.parametrize("size", [(1936, 1088), (1920, 1104), (1104, 1104)])
def test_a_macroblock_more_is_not(size: tuple[int, int]) -> None:
    with pytest.raises(EndpointError, match="picture_too_large"):
        VideoDecoder("H264").decode(parameter_set(*size), 0)


@pytest.mark.parametrize("codec", CODECS)
def test_garbage_is_an_endpoint_error_or_nothing_and_does_no_harm(codec: str) -> None:
    decoder = VideoDecoder(codec)  # type: ignore[arg-type]
    good = encode(video_encoder(codec, *SIZE, 30, 300_000), 3)  # type: ignore[arg-type]
    for payload in (b"", b"\0", b"\0\0\1\x67", bytes(50), b"\xff" * 50, good[0].payload[:20], good[1].payload[::-1]):
        with contextlib.suppress(EndpointError):
            decoder.decode(payload, 0)
    assert len(decoder.decode(good[0].payload, 0)) == 1  # and it still works


@pytest.mark.parametrize("codec", CODECS)
def test_nothing_comes_before_the_first_keyframe(codec: str) -> None:
    coded = encode(video_encoder(codec, *SIZE, 30, 300_000), 3)  # type: ignore[arg-type]
    decoder = VideoDecoder(codec)  # type: ignore[arg-type]
    assert decoder.decode(coded[1].payload, 0) == []
    assert len(decoder.decode(coded[0].payload, 1)) == 1
