from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mixer.picture import Picture
from mixer.scaling import Scaler
from tests.unit.mixer.pictures import flat, gradient, noise, same


def area_average(plane: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    def weights(source: int, target: int) -> NDArray[np.float64]:
        edges = np.arange(target + 1) * source / target
        at = np.arange(source)
        covered: NDArray[np.float64] = np.minimum(edges[1:, None], at + 1) - np.maximum(edges[:-1, None], at)
        return np.clip(covered, 0, None) * (target / source)

    result: NDArray[np.float64] = weights(plane.shape[0], height) @ plane @ weights(plane.shape[1], width).T
    return result


@pytest.mark.parametrize(
    ("source", "target", "at_least"),
    [
        ((640, 360), (320, 180), 55),
        ((1280, 720), (320, 180), 52),
        ((1280, 720), (256, 144), 50),
        ((640, 360), (428, 240), 50),
        ((640, 480), (426, 240), 50),
        ((330, 190), (320, 180), 45),
        ((1918, 1078), (320, 180), 45),
        ((264, 180), (106, 72), 45),  # a wall's
        ((320, 180), (106, 60), 45),
        ((1280, 720), (106, 72), 45),
    ],
)
def test_shrinking_comes_near_the_area_average(
    source: tuple[int, int], target: tuple[int, int], at_least: float
) -> None:
    picture, out = gradient(*source), Picture.blank(*target)
    Scaler().scale(picture, out)
    wanted = area_average(picture.y, target[1], target[0])
    assert 10 * np.log10(255**2 / np.square(wanted - out.y).mean()) > at_least


@pytest.mark.parametrize(
    ("source", "target", "at_least"),
    [
        ((264, 180), (106, 72), 31),  # 2.5 times, in one step
        ((640, 360), (320, 180), 55),  # exactly half
        ((1280, 720), (320, 180), 50),
        ((1280, 720), (256, 144), 31),
        ((1280, 720), (426, 240), 36),
    ],
)
def test_colour_shrinks_without_flicker_of_fine_patterns(
    source: tuple[int, int], target: tuple[int, int], at_least: float
) -> None:
    """Noise is the worst that can be shrunk: what skips samples instead of averaging them is far from its average."""
    picture, out = noise(*source), Picture.blank(*target)
    picture.u[...] = cv2.blur(picture.u, (3, 3))  # as no camera's colour is finer
    Scaler().scale(picture, out)
    wanted = area_average(picture.u, target[1] // 2, target[0] // 2)
    assert 10 * np.log10(255**2 / np.square(wanted - out.u).mean()) > at_least


@pytest.mark.parametrize("target", [(320, 180), (256, 144), (640, 360), (1280, 720), (62, 46), (2, 2)])
def test_colour_stays(target: tuple[int, int]) -> None:
    out = Picture.blank(*target)
    Scaler().scale(flat(640, 360, 90, 60, 200), out)
    assert same(out, flat(*target, 90, 60, 200))


def test_equal_sizes_are_copied_exactly() -> None:
    picture, out = noise(98, 54), Picture.blank(98, 54)
    Scaler().scale(picture, out)
    assert same(picture, out)


def test_scaling_writes_into_part_of_a_larger_picture_and_nowhere_else() -> None:
    canvas = flat(640, 360, 50)
    Scaler().scale(flat(1280, 720, 200), canvas.part(320, 180, 160, 90 & ~1))
    assert (canvas.y == 200).sum() == 160 * 90
    assert canvas.y[180, 320] == 200
    assert canvas.y[179, 320] == canvas.y[180, 319] == 50


def test_one_scaler_serves_changing_sizes() -> None:
    scaler, first = Scaler(), Picture.blank(160, 90)
    scaler.scale(gradient(640, 360), first)
    scaler.scale(noise(1280, 720), Picture.blank(320, 180))
    again = Picture.blank(160, 90)
    scaler.scale(gradient(640, 360), again)
    assert same(first, again)


def test_source_is_left_as_it_was() -> None:
    picture = noise(640, 360)
    before = [plane.copy() for plane in picture.planes]
    for target in ((320, 180), (160, 90), (100, 100), (1280, 720)):
        Scaler().scale(picture, Picture.blank(*target))
    assert all(np.array_equal(a, b) for a, b in zip(before, picture.planes, strict=True))
