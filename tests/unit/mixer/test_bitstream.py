from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.bitstream import h264_sizes, vp8_size
from mixer.codec import video_encoder
from tests.unit.mixer.pictures import frame_of, gradient


class Bits:
    """Writes what the parser reads."""

    def __init__(self) -> None:
        self.text = ""

    def u(self, value: int, count: int) -> Bits:
        self.text += f"{value:0{count}b}"
        return self

    def ue(self, value: int) -> Bits:
        code = f"{value + 1:b}"
        self.text += "0" * (len(code) - 1) + code
        return self

    def nal(self) -> bytes:
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        raw = int(text, 2).to_bytes(len(text) // 8, "big")
        escaped = bytearray()
        for byte in raw:
            if byte <= 3 and escaped.endswith(b"\0\0"):
                escaped.append(3)
            escaped.append(byte)
        return b"\0\0\0\1\x67" + bytes(escaped)


def parameter_set(width: int, height: int, *, profile: int = 66, order: int = 2, interlaced: bool = False) -> bytes:
    bits = Bits().u(profile, 8).u(0, 8).u(31, 8).ue(0)
    if profile == 100:
        bits.ue(1).ue(0).ue(0).u(0, 1).u(1, 1)  # 4:2:0, 8 bits, with scaling lists
        bits.u(1, 1)
        for _ in range(16):
            bits.ue(0)
        bits.u(0, 7)
    bits.ue(0).ue(order)
    if order == 0:
        bits.ue(4)
    elif order == 1:
        bits.u(0, 1).ue(3).ue(2**31 - 2).ue(2).ue(1).ue(5)  # so many zeros call for an escape
    bits.ue(1).u(0, 1).ue(width // 16 - 1)
    return (bits.ue(height // (32 if interlaced else 16) - 1).u(0 if interlaced else 1, 1)).u(0, 4).nal()


@pytest.mark.parametrize("profile", [66, 77, 100])
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("size", [(16, 32), (1280, 736), (1920, 1088), (16384, 16384)])
def test_size_of_a_parameter_set(profile: int, order: int, size: tuple[int, int]) -> None:
    assert list(h264_sizes(parameter_set(*size, profile=profile, order=order))) == [size]


def test_escaped_bytes_are_put_right() -> None:
    frame = parameter_set(1280, 736, order=1)
    assert b"\0\0\3" in frame
    assert list(h264_sizes(frame)) == [(1280, 736)]


def test_interlaced_pictures_are_twice_as_high_as_their_fields() -> None:
    assert list(h264_sizes(parameter_set(720, 576, interlaced=True))) == [(720, 576)]


def test_every_parameter_set_of_a_frame_is_seen() -> None:
    picture = b"\0\0\1\x65" + bytes(range(1, 200))
    frame = parameter_set(320, 192) + b"\0\0\0\1\x68\xce\x3c\x80" + picture + parameter_set(16384, 16384)
    assert list(h264_sizes(frame)) == [(320, 192), (16384, 16384)]


def test_frames_without_parameter_sets_have_no_size() -> None:
    assert list(h264_sizes(b"\0\0\0\1\x41\x9a\x24")) == []
    assert list(h264_sizes(b"")) == []


def test_parameter_set_cut_at_every_length_is_refused_or_complete() -> None:
    whole = parameter_set(1280, 736, profile=100, order=1)
    for length in range(5, len(whole)):
        try:
            sizes = list(h264_sizes(whole[:length]))
        except ValueError:
            continue
        assert sizes == [(1280, 736)]


@given(st.binary(max_size=200))
def test_garbage_is_refused_by_ValueError_alone(data: bytes) -> None:  # noqa: N802
    for frame in (b"\0\0\1\x67" + data, data):
        with contextlib.suppress(ValueError):
            list(h264_sizes(frame))
        with contextlib.suppress(ValueError):
            vp8_size(frame)


@pytest.mark.parametrize("size", [(320, 180), (98, 54), (1280, 720)])
def test_sizes_of_real_encoders(size: tuple[int, int]) -> None:
    frame = frame_of(gradient(*size))
    h264 = video_encoder("H264", *size, 30, 300_000).encode(frame, 0, True)[0].payload
    assert list(h264_sizes(h264)) == [(-(-size[0] // 16) * 16, -(-size[1] // 16) * 16)]
    vp8 = video_encoder("VP8", *size, 30, 300_000).encode(frame, 0, True)[0].payload
    assert vp8_size(vp8) == size


def test_vp8_interframes_have_no_size_and_keyframes_need_their_start_code() -> None:
    assert vp8_size(b"\x31\x02\x00") is None
    with pytest.raises(ValueError, match="start code"):
        vp8_size(b"\x30\x02\x00\x9d\x01\x2b\x40\x01\xb4\x00")
    with pytest.raises(ValueError, match="start code"):
        vp8_size(b"\x30\x02\x00\x9d\x01\x2a\x40\x01")
    with pytest.raises(ValueError, match="empty"):
        vp8_size(b"")
