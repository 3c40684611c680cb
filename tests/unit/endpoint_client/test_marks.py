"""A plate is read after scaling to a quarter and low-rate coding, and nothing else is taken for one."""

from __future__ import annotations

from typing import Literal

import av
import numpy as np
import pytest

from endpoint_client.loops import encode_video
from endpoint_client.marks import FRAMES, SITES, Mark, find_in_planes, find_marks, plate_box, stamp
from endpoint_client.pattern import LOOP_TICKS, Pattern, age, frame_number


def grey(width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = np.full((height, width), 120, np.uint8)
    return y, np.full((height // 2, width // 2), 128, np.uint8), np.full((height // 2, width // 2), 128, np.uint8)


@pytest.mark.parametrize("mark", [Mark(0, 0), Mark(SITES - 1, FRAMES - 1), Mark(1, 2730), Mark(682, 1)])
def test_every_number_is_read_back(mark: Mark) -> None:
    planes = grey(320, 180)
    stamp(*planes, mark)
    (sighting,) = find_in_planes(*planes)
    assert sighting.mark == mark
    x, y, w, h = plate_box(320, 180)
    assert sighting.plate == pytest.approx((x / 320, y / 180, w / 320, h / 180), abs=0.01)


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        stamp(*grey(320, 180), Mark(SITES, 0))


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (1280, 720)])
def test_read_at_a_quarter_of_the_size(size: tuple[int, int]) -> None:
    frame = Pattern(77, *size, 10).frame(3)
    small = frame.reformat(size[0] // 4, size[1] // 4 // 2 * 2, interpolation="AREA")
    assert [sighting.mark for sighting in find_marks(small)] == [Mark(77, 18)]


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_read_after_coding_at_a_low_rate_and_shrinking(codec: Literal["H264", "VP8"]) -> None:
    pattern = Pattern(5, 320, 180, 15, grain=12)
    payloads = encode_video(codec, [pattern.frame(i) for i in range(20)], 15, 80_000, frozenset({0}))
    decoder = av.CodecContext.create("h264" if codec == "H264" else "vp8", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for payload in payloads for frame in decoder.decode(av.Packet(payload))]
    assert len(frames) >= 19
    for index, frame in enumerate(frames):
        small = frame.reformat(96, 54, interpolation="AREA")
        assert [s.mark for s in find_marks(small)] == [Mark(5, frame_number(index, 15))]


def test_sixteen_sites_on_one_canvas_are_told_apart_and_placed() -> None:
    canvas = np.zeros((720 * 3 // 2, 1280), np.uint8)
    y, u, v = canvas[:720], np.zeros((360, 640), np.uint8), np.zeros((360, 640), np.uint8)
    for index in range(16):
        column, row = index % 4, index // 4
        planes = Pattern(index + 1, 320, 180, 10).frame(index).to_ndarray()
        y[row * 180 : row * 180 + 180, column * 320 : column * 320 + 320] = planes[:180]
        for plane, part in ((u, planes[180:225]), (v, planes[225:])):
            plane[row * 90 : row * 90 + 90, column * 160 : column * 160 + 160] = part.reshape(90, 160)
    found = {sighting.mark.site: sighting for sighting in find_in_planes(y, u, v)}
    assert set(found) == set(range(1, 17))
    for index in range(16):
        cell = (index % 4 / 4, index // 4 / 4, 0.25, 0.25)
        assert found[index + 1].inside(cell)
        assert not found[index + 1].inside(((index + 1) % 4 / 4, index // 4 / 4, 0.25, 0.25))


def test_a_damaged_plate_is_not_read_as_another_site() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        planes = grey(320, 180)
        stamp(*planes, Mark(3, 7))
        x, y, w, h = plate_box(320, 180)
        at_x, at_y = int(rng.integers(x, x + w - 30)), int(rng.integers(y, y + h - 20))
        planes[0][at_y : at_y + 20, at_x : at_x + 30] = rng.integers(0, 255)
        assert all(sighting.mark == Mark(3, 7) for sighting in find_in_planes(*planes))


def test_pictures_without_a_plate_have_no_marks() -> None:
    rng = np.random.default_rng(2)
    noise = (
        rng.integers(0, 255, (180, 320), np.uint8),
        rng.integers(0, 255, (90, 160), np.uint8),
        rng.integers(0, 255, (90, 160), np.uint8),
    )
    assert find_in_planes(*grey(320, 180)) == []
    assert find_in_planes(*noise) == []
    magenta = (np.full((180, 320), 90, np.uint8), np.full((90, 160), 200, np.uint8), np.full((90, 160), 200, np.uint8))
    assert find_in_planes(*magenta) == []


def test_sites_look_different_and_keep_away_from_the_plate_colour() -> None:
    seen = set()
    for site in range(1, 40):
        pattern = Pattern(site, 320, 180, 10)
        planes = pattern.frame(0).to_ndarray()
        u, v = planes[180:225].reshape(90, 160), planes[225:].reshape(90, 160)
        x, y, w, h = (side // 2 for side in plate_box(320, 180))
        outside = np.ones((90, 160), bool)
        outside[y : y + h, x : x + w] = False
        assert not (np.minimum(u, v)[outside] > 145).any()
        seen.add(planes.tobytes())
    assert len(seen) == 39


def test_frame_numbers_tell_the_age_across_the_end_of_the_loop() -> None:
    assert frame_number(39, 10) == LOOP_TICKS - 6
    assert frame_number(40, 10) == 0
    assert age(LOOP_TICKS - 6, 1000.1) == pytest.approx(0.2)
    assert age(6, 1000.1) == pytest.approx(0.0, abs=1e-6)


def test_a_pattern_needs_an_even_size_and_a_rate_that_divides_sixty() -> None:
    with pytest.raises(ValueError, match="divisor"):
        Pattern(1, 320, 180, 7)
    with pytest.raises(ValueError, match="even"):
        Pattern(1, 321, 180, 10)
