"""Scaling of I420 pictures, plane by plane, into a place on a canvas or into an encoder's frame.

OpenCV averages 2x2 samples very quickly and any other area slowly, so luma shrinks by halving: as often as it fits, and
where a step by less than two remains, bilinear to twice the target first.  That is within 3 dB of the rounding of a
true area average at a quarter of its time.  Chroma, which nobody sees as sharply, and the luma of a wall's small tiles
end with a bilinear step to the target itself.
A picture that just left a decoder is in no near cache, and OpenCV's averaging waits for memory where a plain read does
not: so the first halving reads one sample of each cache line of a band, which fetches it, and averages it then.
Not thread-safe: a scaler keeps scratch memory, as much as the largest picture it saw needed.
"""

from __future__ import annotations

import cv2
import numpy as np

from mixer.picture import Picture, Plane

# One plane of a tile is too little work to share: OpenCV's pool was never quicker here (16 tiles from 360p: 0.30 and
# 0.31 ms) and would take cores away from the encoders that run beside the compositor.
cv2.setNumThreads(1)

_BAND = 384 * 1024  # bytes; of 128, 384, 640 and 1024 KiB the quickest
_LINE = 64  # bytes of a cache line
_SOFT = 1.35  # up to this ratio one bilinear step is nearer to the area average than halving its double
_CHROMA = 3.0  # below, one bilinear step is quicker and, but for noise, nearer to the average than halving first
_SMALL = 80  # lines; below, 47 dB instead of 55 is not seen, and a wall shows 120 such pictures five times a second


class Scaler:
    """Writes pictures in other sizes; owned by one thread at a time."""

    def __init__(self) -> None:
        self._scratch = [np.empty(0, np.uint8) for _ in range(4)]

    def scale(self, source: Picture, target: Picture) -> None:
        """Overwrite `target` with all of `source`, stretched to fit; a plain copy when the sizes agree."""
        if source.y.shape == target.y.shape:
            target.copy_from(source)
            return
        self._luma(source.y, target.y)
        self._softly(source.u, target.u, _CHROMA)
        self._softly(source.v, target.v, _CHROMA)

    def _luma(self, source: Plane, target: Plane) -> None:
        height, width = target.shape
        ratio = min(source.shape[0] / height, source.shape[1] / width)
        if ratio <= _SOFT:
            way = cv2.INTER_CUBIC if ratio < 1 else cv2.INTER_LINEAR  # enlarged pictures stay crisp
            cv2.resize(source, (width, height), target, 0, 0, way)
            return
        if height < _SMALL and ratio >= 2:
            self._softly(source, target, 2.0)
            return
        doubled = self._halve_to(source, target, 4.0)
        if doubled.shape != (2 * height, 2 * width):
            soft = self._take(2, 2 * height, 2 * width)
            cv2.resize(doubled, (2 * width, 2 * height), soft, 0, 0, cv2.INTER_LINEAR)
            doubled = soft
        if doubled is source:
            self._halve_far(source, target)
        else:
            cv2.resize(doubled, (width, height), target, 0, 0, cv2.INTER_AREA)

    def _softly(self, source: Plane, target: Plane, ratio: float) -> None:
        """Halve as long as `ratio` is reached, then take one bilinear step."""
        rows, columns = target.shape
        if source.shape == (2 * rows, 2 * columns):
            self._halve_far(source, target)
            return
        halved = self._halve_to(source, target, ratio)
        if halved is not target:
            cv2.resize(halved, (columns, rows), target, 0, 0, cv2.INTER_LINEAR)

    def _halve_to(self, plane: Plane, target: Plane, ratio: float) -> Plane:
        """`plane`, halved as long as it is `ratio` times the target or more: itself, scratch memory or `target`."""
        height, width = target.shape
        turn = 0
        while plane.shape[0] >= ratio * height and plane.shape[1] >= ratio * width:
            rows, columns = plane.shape[0] // 2, plane.shape[1] // 2
            half = target if (rows, columns) == (height, width) else self._take(turn % 2, rows, columns)
            if turn:
                cv2.resize(plane[: 2 * rows, : 2 * columns], (columns, rows), half, 0, 0, cv2.INTER_AREA)
            else:
                self._halve_far(plane, half)
            plane, turn = half, turn + 1
        return plane

    def _halve_far(self, source: Plane, half: Plane) -> None:
        rows, columns = half.shape
        step = max(_BAND // (4 * columns), 1)
        for top in range(0, rows, step):
            part = half[top : top + step]
            band = source[2 * top : 2 * (top + len(part)), : 2 * columns]
            self._fetch(band)
            cv2.resize(band, (columns, len(part)), part, 0, 0, cv2.INTER_AREA)

    def _fetch(self, band: Plane) -> None:
        """Have the processor bring `band` near: reads one sample of each line."""
        lines = band[:, ::_LINE]
        self._take(3, *lines.shape)[...] = lines

    def _take(self, which: int, rows: int, columns: int) -> Plane:
        if self._scratch[which].size < rows * columns:
            self._scratch[which] = np.empty(rows * columns, np.uint8)
        return self._scratch[which][: rows * columns].reshape(rows, columns)
