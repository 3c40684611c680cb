"""Scaling of I420 pictures, plane by plane, into a place on a canvas or into an encoder's frame.

Shrinking halves with OpenCV's exact 2x2 average as often as it fits and finishes with one bilinear step by less than
two: within rounding of a true area average, and several times quicker than INTER_AREA at these ratios.  A picture
that just left a decoder is in no near cache, and OpenCV's averaging waits for memory where a plain copy
does not: so the first halving copies a band into scratch memory and averages it there (16 pictures of 720p: 4.7 -> 2 ms).
Not thread-safe: a scaler keeps scratch memory, as much as the largest picture it saw needed.
"""

from __future__ import annotations

import cv2
import numpy as np

from mixer.picture import Picture, Plane

# One plane of a tile is too little work to share: OpenCV's pool was never quicker here (16 tiles from 360p: 0.30 and
# 0.31 ms) and would take cores away from the encoders that run beside the compositor.
cv2.setNumThreads(1)

_BAND = 1024 * 1024  # bytes; half of a common second-level cache


class Scaler:
    """Writes pictures in other sizes; owned by one thread at a time."""

    def __init__(self) -> None:
        self._scratch = [np.empty(0, np.uint8), np.empty(0, np.uint8)]
        self._band = np.empty(0, np.uint8)

    def scale(self, source: Picture, target: Picture) -> None:
        """Overwrite `target` with all of `source`, stretched to fit; a plain copy when the sizes agree."""
        self._plane(source.y, target.y)
        self._plane(source.u, target.u)
        self._plane(source.v, target.v)

    def _plane(self, source: Plane, target: Plane) -> None:
        height, width = target.shape
        near, turn = False, 0
        while True:
            rows, columns = source.shape
            if rows == height and columns == width:
                target[...] = source
                return
            if rows < 2 * height or columns < 2 * width:
                cv2.resize(source, (width, height), target, 0, 0, cv2.INTER_LINEAR)
                return
            if (rows | columns) & 1:
                source = source[: rows & ~1, : columns & ~1]
            rows, columns = rows // 2, columns // 2
            last = rows == height and columns == width
            half = target if last else _take(self._scratch, turn, rows, columns)
            if near:
                cv2.resize(source, (columns, rows), half, 0, 0, cv2.INTER_AREA)
            else:
                self._halve_far(source, half)
            if last:
                return
            source, near, turn = half, True, 1 - turn

    def _halve_far(self, source: Plane, half: Plane) -> None:
        rows, columns = half.shape
        step = max(_BAND // (4 * columns), 1)
        if self._band.size < 4 * step * columns:
            self._band = np.empty(4 * step * columns, np.uint8)
        for top in range(0, rows, step):
            count = min(step, rows - top)
            band = self._band[: 4 * count * columns].reshape(2 * count, 2 * columns)
            band[...] = source[2 * top : 2 * (top + count)]
            cv2.resize(band, (columns, count), half[top : top + count], 0, 0, cv2.INTER_AREA)


def _take(scratch: list[Plane], turn: int, rows: int, columns: int) -> Plane:
    if scratch[turn].size < rows * columns:
        scratch[turn] = np.empty(rows * columns, np.uint8)
    return scratch[turn][: rows * columns].reshape(rows, columns)
