from __future__ import annotations

import gc

import av
import numpy as np
import pytest

from mixer.picture import Canvas, Picture


def test_frame_is_viewed_without_the_padding_of_its_rows() -> None:
    frame = av.VideoFrame(98, 50, "yuv420p")
    assert frame.planes[0].line_size > 98
    picture = Picture.from_frame(frame)
    picture.fill((77, 88, 99))
    array = frame.to_ndarray()
    assert (picture.width, picture.height) == (98, 50)
    assert set(np.unique(array[:50])) == {77}
    assert set(np.unique(array[50:])) == {88, 99}


@pytest.mark.parametrize("whole", [Picture.from_frame(av.VideoFrame(98, 50, "yuv420p")), Picture.blank(98, 50)])
def test_rows_are_the_samples_of_the_planes_without_padding(whole: Picture) -> None:
    rng = np.random.default_rng(1)
    for picture in (whole, whole.part(6, 4, 50, 30)):
        for plane, rows in zip(picture.planes, picture.rows, strict=True):
            plane[...] = rng.integers(0, 256, plane.shape)
            assert rows.shape == (plane.shape[0], 1)
            assert rows.tobytes() == plane.tobytes()
            rows[0] = rows[1]
            assert (plane[0] == plane[1]).all()


def test_picture_keeps_its_frame_alive() -> None:
    picture = Picture.from_frame(av.VideoFrame(64, 64, "yuv420p"))
    picture.fill((10, 20, 30))
    gc.collect()
    others = [av.VideoFrame(64, 64, "yuv420p") for _ in range(20)]
    for other in others:
        Picture.from_frame(other).fill((200, 200, 200))
    assert picture.y.min() == picture.y.max() == 10


def test_odd_edges_are_left_out() -> None:
    picture = Picture.from_frame(av.VideoFrame(101, 51, "yuv420p"))
    assert (picture.width, picture.height) == (100, 50)
    assert picture.u.shape == picture.v.shape == (25, 50)


def test_other_formats_are_converted() -> None:
    frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 255, np.uint8), format="rgb24")
    picture = Picture.from_frame(frame)
    assert abs(int(picture.y.mean()) - 235) <= 1
    assert abs(int(picture.u.mean()) - 128) <= 1


def test_part_shows_the_same_samples() -> None:
    picture = Picture.blank(64, 32)
    picture.part(16, 8, 20, 10).fill((200, 90, 40))
    assert (picture.y == 200).sum() == 200
    assert (picture.u == 90).sum() == (picture.v == 40).sum() == 50
    assert picture.y[8, 16] == 200
    assert picture.u[4, 8] == 90


@pytest.mark.parametrize(("width", "height"), [(0, 2), (3, 2), (2, 5), (-2, 2)])
def test_a_canvas_has_whole_chroma_samples(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="chroma"):
        Canvas(width, height)
    with pytest.raises(ValueError, match="chroma"):
        Picture.blank(width, height)


def test_what_is_drawn_on_a_canvas_is_what_its_frame_shows() -> None:
    canvas = Canvas(64, 32)
    canvas.picture.fill((50, 60, 70))
    assert canvas.frame.to_ndarray()[0, 0] == 50
