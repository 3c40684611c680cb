from __future__ import annotations

import tracemalloc
from dataclasses import replace

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixer import labels
from mixer.compositor import Compositor, TileSpec
from mixer.layout import Rect, catalogue, to_pixels
from mixer.picture import Picture
from tests.unit.mixer.pictures import flat, gradient, noise, same

W, H = 640, 360


def specs(name: str, **changes: object) -> list[TileSpec]:
    cells = catalogue()[name].cells
    return [
        replace(TileSpec(to_pixels(cell, W, H), cell.z, cell.fit, key=index), **changes)  # type: ignore[arg-type]
        for index, cell in enumerate(cells)
    ]


def tile(compositor: Compositor, rect: Rect) -> Picture:
    return compositor.canvas.picture.part(rect.x, rect.y, rect.w, rect.h)


def snapshot(compositor: Compositor) -> Picture:
    whole = Picture.blank(compositor.canvas.picture.width, compositor.canvas.picture.height)
    whole.copy_from(compositor.canvas.picture)
    return whole


def test_each_picture_is_at_its_place() -> None:
    compositor, tiles = Compositor(W, H), specs("2x2")
    compositor.arrange(tiles)
    pictures = [noise(320, 180, seed) for seed in range(4)]
    for index, picture in enumerate(pictures):
        compositor.put(index, picture)
    assert compositor.compose() == 4
    for spec, picture in zip(tiles, pictures, strict=True):
        assert same(tile(compositor, spec.rect), picture)


@pytest.mark.parametrize("size", [(320, 180), (98, 50), (2, 2), (W, 80), (W, H)])
def test_a_fitting_frame_is_copied_to_its_place_and_nowhere_else(size: tuple[int, int]) -> None:
    width, height = size
    rect = Rect((W - width) // 4 * 2, (H - height) // 4 * 2, width, height)
    frame = Picture.from_frame(av.VideoFrame(width, height, "yuv420p"))  # rows as a decoder pads them
    frame.copy_from(noise(width, height))
    compositor, wanted = Compositor(W, H), Picture.blank(W, H, labels.BLANK)
    wanted.part(rect.x, rect.y, width, height).copy_from(frame)
    compositor.arrange([TileSpec(rect, key="ada")])
    compositor.put(0, frame)
    compositor.compose()
    assert same(compositor.canvas.picture, wanted)


def test_only_what_changed_is_drawn() -> None:
    compositor, tiles = Compositor(W, H), specs("2x2")
    compositor.arrange(tiles)
    for index in range(4):
        compositor.put(index, noise(320, 180, index))
    compositor.compose()
    before = snapshot(compositor)
    compositor.put(2, noise(320, 180, 9))
    assert compositor.compose() == 1
    for index, spec in enumerate(tiles):
        old = before.part(spec.rect.x, spec.rect.y, spec.rect.w, spec.rect.h)
        assert same(tile(compositor, spec.rect), old) == (index != 2)


def test_nothing_new_draws_nothing() -> None:
    compositor = Compositor(W, H)
    compositor.arrange(specs("2x2"))
    picture = noise(320, 180)
    compositor.put(0, picture)
    compositor.compose()
    compositor.put(0, picture)
    compositor.arrange(specs("2x2"))
    compositor.set_speaker(None)
    assert compositor.compose() == 0


def test_what_lies_over_a_changed_tile_is_drawn_again() -> None:
    compositor, tiles = Compositor(W, H), specs("pip")
    compositor.arrange(tiles)
    small = noise(tiles[1].rect.w, tiles[1].rect.h, 5)
    compositor.put(0, flat(W, H, 60))
    compositor.put(1, small)
    compositor.compose()
    compositor.put(0, flat(W, H, 150))
    assert compositor.compose() == 2
    assert same(tile(compositor, tiles[1].rect), small)
    assert compositor.canvas.picture.y[0, 0] == 150
    compositor.put(1, flat(tiles[1].rect.w, tiles[1].rect.h, 90))
    assert compositor.compose() == 1  # what lies below stays as it is


def test_z_order_is_obeyed_whatever_the_order_of_the_list() -> None:
    compositor = Compositor(W, H)
    compositor.arrange(
        [TileSpec(Rect(0, 0, 100, 100), z=1, key="upper"), TileSpec(Rect(50, 50, 100, 100), key="lower")]
    )
    compositor.put(0, flat(100, 100, 200))
    compositor.put(1, flat(100, 100, 60))
    compositor.compose()
    assert compositor.canvas.picture.y[75, 75] == 200
    compositor.put(1, flat(100, 100, 61))
    assert compositor.compose() == 2
    assert compositor.canvas.picture.y[75, 75] == 200


def test_a_tile_nobody_can_see_is_not_drawn() -> None:
    compositor = Compositor(W, H)
    compositor.arrange([TileSpec(Rect(10, 10, 20, 20), key="a"), TileSpec(Rect(0, 0, W, H), z=1, key="b")])
    compositor.put(0, flat(20, 20, 99))
    compositor.put(1, flat(W, H, 50))
    assert compositor.compose() == 1


@settings(max_examples=30, deadline=None)
@given(
    rects=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20), st.integers(0, 3)),
        min_size=1,
        max_size=8,
    ),
    changes=st.lists(st.tuples(st.integers(0, 7), st.integers(20, 230)), max_size=12),
)
def test_drawing_changes_equals_drawing_everything(
    rects: list[tuple[int, int, int, int, int]], changes: list[tuple[int, int]]
) -> None:
    """Whatever overlaps and whatever changed, the canvas is as if all of it had been drawn afresh."""
    tiles = [
        TileSpec(Rect(2 * x, 2 * y, 2 * w, 2 * h), z, key=index, label="A")
        for index, (x, y, w, h, z) in enumerate(rects)
    ]
    step_by_step, newest = Compositor(104, 104), {}
    step_by_step.arrange(tiles)
    for number, (index, luma) in enumerate(changes):
        index %= len(tiles)
        newest[index] = flat(tiles[index].rect.w, tiles[index].rect.h, luma)
        step_by_step.put(index, newest[index])
        if number % 3:
            step_by_step.compose()
    step_by_step.compose()
    at_once = Compositor(104, 104)
    at_once.arrange(tiles)
    for index, picture in newest.items():
        at_once.put(index, picture)
    at_once.compose()
    assert same(step_by_step.canvas.picture, at_once.canvas.picture)


def test_another_layout_leaves_nothing_of_the_old_one() -> None:
    compositor, fresh = Compositor(W, H), Compositor(W, H)
    compositor.arrange(specs("5x5"))
    for index in range(25):
        compositor.put(index, noise(128, 72, index))
    compositor.compose()
    for each in (compositor, fresh):
        each.arrange([replace(spec, key=None) for spec in specs("1+2")])
        each.compose()
    assert same(compositor.canvas.picture, fresh.canvas.picture)


def test_a_site_keeps_its_picture_when_it_moves() -> None:
    compositor = Compositor(W, H)
    compositor.arrange(specs("2x2"))
    compositor.put(3, flat(320, 180, 222))
    compositor.compose()
    compositor.arrange([TileSpec(Rect(0, 0, W, H), key=3)])
    assert compositor.compose() == 1
    assert compositor.canvas.picture.y.min() == 222


def test_swapped_sites_swap_their_pictures_at_once() -> None:
    compositor, tiles = Compositor(W, H), specs("2x2")
    compositor.arrange(tiles)
    for index in range(4):
        compositor.put(index, flat(320, 180, 100 + index))
    compositor.compose()
    swapped = [replace(tiles[0], key=1), replace(tiles[1], key=0), *tiles[2:]]
    compositor.arrange(swapped)
    assert compositor.compose() == 2
    assert compositor.canvas.picture.y[0, 0] == 101
    assert compositor.canvas.picture.y[0, W - 1] == 100


def test_a_site_without_a_picture_shows_its_card_not_black() -> None:
    compositor, tiles = Compositor(W, H), specs("2x2", label="Sở Y tế")
    compositor.arrange(tiles)
    compositor.compose()
    view = tile(compositor, tiles[0].rect)
    assert same(view, labels.card(320, 180, "Sở Y tế", "waiting"))
    compositor.put(0, flat(320, 180, 120))
    compositor.compose()
    assert view.y[20, 20] == 120
    compositor.put(0, None)
    assert compositor.compose() == 1
    assert same(view, labels.card(320, 180, "Sở Y tế", "waiting"))


@pytest.mark.parametrize(("change", "notice"), [({"present": False}, "absent"), ({"camera_off": True}, "camera_off")])
def test_absent_and_camera_off_hide_the_last_picture(change: dict[str, bool], notice: labels.Notice) -> None:
    compositor, tiles = Compositor(W, H), specs("1", label="Sở Y tế")
    compositor.arrange(tiles)
    compositor.put(0, flat(W, H, 120))
    compositor.compose()
    compositor.arrange([replace(tiles[0], **change)])  # type: ignore[arg-type]
    assert compositor.compose() == 1
    assert same(compositor.canvas.picture, labels.card(W, H, "Sở Y tế", notice))
    compositor.put(0, flat(W, H, 121))
    assert compositor.compose() == 0


def test_label_is_seen_and_follows_its_text() -> None:
    compositor, tiles = Compositor(W, H), specs("2x2", label="Phường Võ Cường")
    compositor.arrange(tiles)
    compositor.put(0, flat(320, 180, 120))
    compositor.compose()
    first = snapshot(compositor).part(0, 0, 320, 180)
    lower_left, rest = first.part(0, 130, 160, 50), first.part(0, 0, 320, 130)
    assert lower_left.y.max() > 220
    assert lower_left.y.min() < 70
    assert rest.y.min() == rest.y.max() == 120
    compositor.arrange([replace(tiles[0], label="Phường Võ Cường", muted=True), *tiles[1:]])
    assert compositor.compose() == 1
    assert not same(first, tile(compositor, tiles[0].rect))


def test_label_does_not_darken_when_drawn_again() -> None:
    compositor, tiles = Compositor(W, H), specs("1", label="Phường Võ Cường", fit="letterbox")
    compositor.arrange(tiles)
    compositor.put(0, flat(270, 360, 120))  # bars left and right: the label lies on one
    compositor.compose()
    first = snapshot(compositor)
    for luma in (121, 120):
        compositor.put(0, flat(270, 360, luma))
        compositor.compose()
    assert same(first, compositor.canvas.picture)


def test_frame_goes_round_the_speaker_and_away_again() -> None:
    compositor, tiles = Compositor(W, H), specs("2x2")
    compositor.arrange(tiles)
    pictures = [flat(320, 180, 100 + index) for index in range(4)]
    for index, picture in enumerate(pictures):
        compositor.put(index, picture)
    compositor.compose()
    compositor.set_speaker(1)
    assert compositor.compose() == 1
    view = tile(compositor, tiles[1].rect)
    for y, x in ((0, 0), (0, 319), (179, 0), (179, 319), (90, 1)):
        assert view.y[y, x] == labels.SPEAKER[0]
    assert view.y[90, 160] == 101
    compositor.set_speaker(2)
    assert compositor.compose() == 2
    assert same(view, pictures[1])


@pytest.mark.parametrize(
    ("size", "fit", "corner_is_black"),
    [
        ((480, 360), "letterbox", True),
        ((480, 360), "crop", False),
        ((180, 320), "crop", True),
        ((640, 360), "crop", False),
    ],
)
def test_fit(size: tuple[int, int], fit: str, corner_is_black: bool) -> None:
    """Letterbox adds bars, crop fills; a portrait phone would lose too much and gets bars after all."""
    compositor, tiles = Compositor(W, H), specs("2x2", fit=fit)
    compositor.arrange(tiles)
    compositor.put(0, flat(*size, 150))
    compositor.compose()
    view = tile(compositor, tiles[0].rect)
    assert (view.y[90, 0] == 16) == corner_is_black
    assert view.y[90, 160] == 150


def test_crop_keeps_the_middle() -> None:
    picture = flat(480, 360, 50)
    picture.part(0, 44, 480, 270).fill((150, 128, 128))
    compositor, tiles = Compositor(W, H), specs("2x2")
    compositor.arrange(tiles)
    compositor.put(0, picture)
    compositor.compose()
    view = tile(compositor, tiles[0].rect)
    assert view.y[4:-4].min() == 150


def test_a_slightly_larger_picture_is_trimmed_not_scaled() -> None:
    picture = noise(328, 184)
    compositor, tiles = Compositor(W, H), specs("2x2")
    compositor.arrange(tiles)
    compositor.put(0, picture)
    compositor.compose()
    assert same(tile(compositor, tiles[0].rect), picture.part(4, 2, 320, 180))


def test_a_picture_may_change_its_size_at_any_time() -> None:
    compositor, tiles = Compositor(W, H), specs("2x2")
    compositor.arrange(tiles)
    for size in ((320, 180), (640, 360), (1280, 720), (160, 120), (90, 160), (2, 2), (320, 180)):
        compositor.put(0, flat(*size, 140))
        assert compositor.compose() >= 1
        assert tile(compositor, tiles[0].rect).y[90, 160] == 140


def test_blank_cells_have_no_label_and_no_card() -> None:
    compositor = Compositor(W, H)
    compositor.arrange(specs("2x2", key=None, label="Không ai"))
    compositor.compose()
    assert same(compositor.canvas.picture, Picture.blank(W, H, labels.BLANK))


@pytest.mark.parametrize("rect", [Rect(0, 0, 642, 10), Rect(-2, 0, 10, 10), Rect(1, 0, 10, 10), Rect(0, 0, 0, 10)])
def test_impossible_tiles_are_refused(rect: Rect) -> None:
    with pytest.raises(ValueError, match="tile"):
        Compositor(W, H).arrange([TileSpec(rect)])


def test_no_such_tile() -> None:
    with pytest.raises(IndexError):
        Compositor(W, H).put(0, flat(2, 2, 50))


@pytest.mark.parametrize("size", [(160, 90), (640, 360), (212, 144)])
def test_what_a_tick_allocates(size: tuple[int, int]) -> None:
    """Views come and go; no plane may be allocated, whether pictures fit or are scaled."""
    rings = [[gradient(*size, phase) for phase in range(16)] for _ in range(2)]
    compositor = Compositor(W, H)
    compositor.arrange(specs("4x4", label="Sở Y tế"))

    def tick(number: int) -> None:
        for index, picture in enumerate(rings[number % 2]):
            compositor.put(index, picture)
        assert compositor.compose() == 16

    for number in range(4):
        tick(number)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for number in range(10):
            tick(number)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 4096
    assert after - before < 2048


def test_composing_reads_decoder_padding_never() -> None:
    """Rows of decoded frames are padded with whatever was there."""
    wide = noise(200, 90)
    picture = wide.part(0, 0, 160, 90)
    compositor, tiles = Compositor(W, H), specs("4x4")
    compositor.arrange(tiles)
    compositor.put(5, picture)
    compositor.compose()
    assert np.array_equal(tile(compositor, tiles[5].rect).y, wide.y[:, :160])
