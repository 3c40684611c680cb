"""Hints: no more than is shown, and no flapping."""

from __future__ import annotations

import pytest

from mcu_core.hints import HEARD, HIDDEN, HintBook, HintedTrack, QualityHint, hint_for, largest
from mcu_core.scene import Fit

CAMERA: tuple[str, HintedTrack] = ("a", "camera")
SOUND: tuple[str, HintedTrack] = ("a", "microphone")


@pytest.mark.parametrize(
    ("tile", "fit", "size"),
    [
        ((1280, 720), "crop", (1280, 720)),
        ((640, 360), "crop", (640, 360)),
        ((426.7, 240), "crop", (480, 270)),
        ((320, 180), "crop", (320, 180)),
        ((256, 144), "crop", (320, 180)),
        ((160, 90), "crop", (160, 90)),
        ((640, 720), "crop", (1280, 720)),  # half a canvas, filled: the source must be as high as it
        ((640, 720), "letterbox", (640, 360)),  # fitted: only as wide
        ((3840, 2160), "crop", (1920, 1080)),
    ],
)
def test_the_smallest_size_that_fills_the_tile(tile: tuple[float, float], fit: Fit, size: tuple[int, int]) -> None:
    hint = hint_for(*tile, fit, 30)
    assert (hint.width, hint.height) == size


def test_a_site_only_on_the_wall_sends_the_walls_rate() -> None:
    hint = hint_for(320, 180, "crop", 5)
    assert hint.frame_rate == 5
    assert 80_000 <= hint.bitrate_bps < hint_for(320, 180, "crop", 30).bitrate_bps


def test_a_screen_stays_sharp_in_a_small_tile() -> None:
    hint = hint_for(320, 180, "letterbox", 30, "screen")
    assert (hint.width, hint.height, hint.frame_rate) == (1280, 720, 15)


def test_the_largest_tile_counts() -> None:
    small, large = hint_for(320, 180, "crop", 30), hint_for(640, 360, "crop", 5)
    assert largest([small, large]).width == 640
    assert largest([small, large]).frame_rate == small.frame_rate
    assert largest([]) == HIDDEN


def test_growing_is_told_at_once_and_shrinking_after_a_while() -> None:
    book = HintBook(hold=2.0)
    small, large = hint_for(320, 180, "crop", 30), hint_for(1280, 720, "crop", 30)
    assert book.update({CAMERA: small}, 0.0) == {CAMERA: small}
    assert book.update({CAMERA: large}, 1.0) == {CAMERA: large}
    assert book.update({CAMERA: small}, 2.0) == {}
    assert book.pending
    assert book.update({CAMERA: small}, 3.9) == {}
    assert book.update({CAMERA: small}, 4.0) == {CAMERA: small}
    assert not book.pending


def test_a_picture_hidden_for_a_moment_is_not_stopped() -> None:
    book = HintBook(hold=2.0)
    hint = hint_for(640, 360, "crop", 30)
    book.update({CAMERA: hint}, 0.0)
    assert book.update({}, 1.0) == {}
    assert book.update({CAMERA: hint}, 2.0) == {}
    assert book.update({}, 2.5) == {}
    assert book.update({}, 4.4) == {}
    assert book.update({}, 4.5) == {CAMERA: QualityHint()}


def test_a_new_endpoint_is_told_from_the_start() -> None:
    book = HintBook()
    hint = hint_for(640, 360, "crop", 30)
    book.update({CAMERA: hint}, 0.0)
    book.forget("a")
    assert book.of(*CAMERA) == HIDDEN
    assert book.update({CAMERA: hint}, 0.1) == {CAMERA: hint}


def test_a_closed_microphone_stops_after_a_while_and_an_open_one_sends_at_once() -> None:
    book = HintBook(sound_hold=5.0)
    assert book.of(*SOUND) == HEARD, "nobody has to be told to be heard"
    assert book.update({}, 0.0) == {}
    assert book.update({SOUND: HIDDEN}, 1.0) == {}
    assert book.update({SOUND: HIDDEN}, 5.9) == {}
    assert book.update({}, 5.95) == {}, "closed by mistake"
    assert book.update({SOUND: HIDDEN}, 6.0) == {}
    assert book.update({SOUND: HIDDEN}, 11.0) == {SOUND: HIDDEN}
    assert not book.pending
    assert book.update({}, 11.1) == {SOUND: HEARD}
    assert not book.pending


def test_a_new_leg_sends_its_sound_for_a_while_although_it_is_closed() -> None:
    book = HintBook(sound_hold=5.0)
    for now in (0.0, 5.0):
        book.update({SOUND: HIDDEN}, now)
    book.forget_sound("a")
    assert book.of(*SOUND) == HEARD
    assert book.update({SOUND: HIDDEN}, 6.0) == {}
    assert book.update({SOUND: HIDDEN}, 11.0) == {SOUND: HIDDEN}
