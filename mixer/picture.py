"""Pictures as three planes of 8-bit I420 (4:2:0), from decoder to encoder without a colour conversion.

A `Picture` holds views, not copies: of a decoder's frame, of a canvas, of a cached card.  Widths and heights
are even, because a chroma sample covers two by two pixels.  Video range, whatever the source says; nothing
here converts ranges or matrices.  A picture is never written to after it was handed on, a canvas belongs to the
thread that composes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import av
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Rows = NDArray[np.void]  # a plane of shape (height, 1): each row is one item
Yuv = tuple[int, int, int]

BLACK: Yuv = (16, 128, 128)
_SAMPLE = np.dtype(np.uint8)
_PLANAR = frozenset({"yuv420p", "yuvj420p"})


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture: `y` of shape (height, width), `u` and `v` of shape (height / 2, width / 2); rows may be padded."""

    y: Plane
    u: Plane
    v: Plane
    _rows: tuple[Rows, Rows, Rows] | None = None

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    @property
    def planes(self) -> tuple[Plane, Plane, Plane]:
        return self.y, self.u, self.v

    @property
    def rows(self) -> tuple[Rows, Rows, Rows]:
        """The same three planes row by row: NumPy copies a row that is one item in two thirds of the time."""
        return self._rows or (_rows(self.y), _rows(self.u), _rows(self.v))

    @classmethod
    def from_frame(cls, frame: av.VideoFrame) -> Picture:
        """View the planes of `frame`, which stays alive as long as the picture does.

        An odd last column or row is left out.  Formats other than 4:2:0 planar are converted first, which copies.
        """
        if frame.format.name not in _PLANAR:
            frame = frame.reformat(format="yuv420p")
        width, height = frame.width & ~1, frame.height & ~1
        y, u, v = frame.planes
        luma, chroma = _row(width), _row(width // 2)
        rows = _view(y, height, luma), _view(u, height // 2, chroma), _view(v, height // 2, chroma)
        return cls(rows[0].view(_SAMPLE), rows[1].view(_SAMPLE), rows[2].view(_SAMPLE), rows)

    @classmethod
    def blank(cls, width: int, height: int, yuv: Yuv = BLACK) -> Picture:
        """A new picture of one colour.  Raises ValueError unless both sides are even and positive."""
        _check(width, height)
        half = (height // 2, width // 2)
        y, u, v = yuv
        return cls(np.full((height, width), y, np.uint8), np.full(half, u, np.uint8), np.full(half, v, np.uint8))

    def part(self, x: int, y: int, width: int, height: int) -> Picture:
        """View the rectangle at (`x`, `y`), all four even and inside the picture."""
        left, top, right, bottom = x // 2, y // 2, (x + width) // 2, (y + height) // 2
        return Picture(
            self.y[y : y + height, x : x + width], self.u[top:bottom, left:right], self.v[top:bottom, left:right]
        )

    def fill(self, yuv: Yuv) -> None:
        """Paint all of it in one colour; only its owner may."""
        self.y.fill(yuv[0])
        self.u.fill(yuv[1])
        self.v.fill(yuv[2])

    def copy_from(self, other: Picture) -> None:
        """Overwrite with `other`, which has the same size; only its owner may."""
        self.y[...] = other.y
        self.u[...] = other.u
        self.v[...] = other.v


class Canvas:
    """An FFmpeg frame and the picture of views on its planes: what is drawn on `picture` is what `frame` shows."""

    __slots__ = ("frame", "picture")

    def __init__(self, width: int, height: int) -> None:
        """Raises ValueError unless both sides are even and positive."""
        _check(width, height)
        self.frame = av.VideoFrame(width, height, "yuv420p")
        self.picture = Picture.from_frame(self.frame)
        self.picture.fill(BLACK)


def _view(plane: VideoPlane, height: int, row: np.dtype[np.void]) -> Rows:
    """The rows of an FFmpeg plane without their padding."""
    return np.ndarray((height, 1), row, plane, 0, (plane.line_size, row.itemsize))  # type: ignore[arg-type]  # a buffer


def _rows(plane: Plane) -> Rows:
    return plane.view(_row(plane.shape[1]))


@lru_cache
def _row(width: int) -> np.dtype[np.void]:
    return np.dtype((np.void, width))


def _check(width: int, height: int) -> None:
    if width <= 0 or height <= 0 or width % 2 or height % 2:
        raise ValueError(f"a picture of {width}x{height} has no whole chroma samples")
