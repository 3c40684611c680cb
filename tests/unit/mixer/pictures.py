"""Pictures for the tests of this folder: gradients with something to recognise, canvases to look at."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from mixer.picture import Canvas, Picture


def flat(width: int, height: int, luma: int, u: int = 128, v: int = 128) -> Picture:
    return Picture.blank(width, height, (luma, u, v))


def gradient(width: int, height: int, phase: int = 0) -> Picture:
    """Soft slopes with a disc that moves with `phase`."""
    picture = Picture.blank(width, height, (0, 118, 138))
    y, x = np.mgrid[0:height, 0:width]
    slope = 60 + 80 * x / width + 60 * y / height
    disc = (x - (width // 4 + 3 * phase) % width) ** 2 + (y - height // 2) ** 2 < (height / 6) ** 2
    picture.y[...] = np.where(disc, 210, slope)
    return picture


def frame_of(picture: Picture) -> av.VideoFrame:
    canvas = Canvas(picture.width, picture.height)
    canvas.picture.copy_from(picture)
    return canvas.frame


def noise(width: int, height: int, seed: int = 0) -> Picture:
    picture = Picture.blank(width, height)
    rng = np.random.default_rng(seed)
    for plane in picture.planes:
        plane[...] = rng.integers(16, 236, plane.shape, np.uint8)
    return picture


def same(a: Picture, b: Picture) -> bool:
    return all(np.array_equal(p, q) for p, q in zip(a.planes, b.planes, strict=True))


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    error = float(np.square(a.astype(np.float64) - b).mean())
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))
