"""Scaling of I420 pictures, plane by plane, into a place on a canvas or into an encoder's frame.

Shrinking halves with OpenCV's exact 2x2 average as often as it fits and finishes with one bilinear step by less than
two: within rounding of a true area average, and several times quicker than INTER_AREA at these ratios.
Not thread-safe: a scaler keeps scratch memory, as much as the largest picture it saw needed.
"""

from __future__ import annotations

import cv2
import numpy as np

from mixer.picture import Picture, Plane

# One plane of a tile is too little work to share: OpenCV's pool was never quicker here (16 tiles, 720p: 0.30 and 0.31
# ms) and would take cores away from encoders that run beside the compositor.
cv2.setNumThreads(1)


class Scaler:
    """Writes pictures in other sizes; owned by one thread at a time."""

    def __init__(self) -> None:
        self._scratch = [np.empty(0, np.uint8), np.empty(0, np.uint8)]

    def scale(self, source: Picture, target: Picture) -> None:
        """Overwrite `target` with all of `source`, stretched to fit; a plain copy when the sizes agree."""
        self._plane(source.y, target.y)
        self._plane(source.u, target.u)
        self._plane(source.v, target.v)

    def _plane(self, source: Plane, target: Plane) -> None:
        height, width = target.shape
        turn = 0
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
            if rows == height and columns == width:
                cv2.resize(source, (width, height), target, 0, 0, cv2.INTER_AREA)
                return
            half = self._take(turn, rows, columns)
            cv2.resize(source, (columns, rows), half, 0, 0, cv2.INTER_AREA)
            source, turn = half, 1 - turn

    def _take(self, turn: int, rows: int, columns: int) -> Plane:
        scratch = self._scratch[turn]
        if scratch.size < rows * columns:
            scratch = self._scratch[turn] = np.empty(rows * columns, np.uint8)
        return scratch[: rows * columns].reshape(rows, columns)
