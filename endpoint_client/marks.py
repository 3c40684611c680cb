"""Marks: a plate in a picture that says which site and which frame it is, readable by machine after mixing.

A plate is a magenta rectangle in the middle of the picture with 8 x 5 black or bright cells.  The colour is the same
all over the plate, so it costs nothing to code and finds the plate in the chroma planes wherever a mixer has put it;
the bits are in the luma plane only.  40 bits, row by row: 1, ten bits of site, twelve bits of frame, CRC-16 of
those, 0.  The two fixed bits give the threshold.  A plate is read down to about 3.5 pixels a cell, that is a 320x180
source scaled to a quarter.  Other parts of the picture keep away from magenta (`U` and `V` both above 145).
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Box = tuple[float, float, float, float]  # x, y, width, height

COLUMNS, ROWS = 8, 5
SITES, FRAMES = 1 << 10, 1 << 12
CHROMA = 166  # of U and V on the plate
DARK, BRIGHT = 50, 175
_FOUND_AT = 149  # U and V above this belong to a plate
_STRENGTH = CHROMA - 128
_SAMPLE = 8  # pixels a cell is resampled to before reading
_MIN_WIDTH, _MIN_HEIGHT = 12, 8  # chroma pixels


@dataclass(frozen=True, slots=True)
class Mark:
    """What a plate says."""

    site: int  # 0..1023
    frame: int  # 0..4095


@dataclass(frozen=True, slots=True)
class Sighting:
    """A mark found in a picture.  `plate` is the plate's place in fractions of that picture."""

    mark: Mark
    plate: Box

    @property
    def centre(self) -> tuple[float, float]:
        x, y, w, h = self.plate
        return x + w / 2, y + h / 2

    def inside(self, place: Box) -> bool:
        """Whether the plate lies in the rectangle `place` (fractions of the picture) and in its middle.

        The middle, because a neighbour's plate may stick into a rectangle that is only roughly given.
        """
        (px, py, pw, ph), (x, y) = place, self.centre
        return abs(x - px - pw / 2) <= pw / 6 and abs(y - py - ph / 2) <= ph / 6 and self.plate[2] <= pw * 1.05


def cell_size(width: int, height: int) -> int:
    """Pixels (even) of a cell in a source picture of this size: the plate takes about 0.34 x 0.4 of it."""
    return max(2, round(min(width * 0.34 / (COLUMNS + 1), height * 0.42 / (ROWS + 1)) / 2) * 2)


def plate_box(width: int, height: int) -> tuple[int, int, int, int]:
    """Where the plate is in a source picture: x, y, width, height in pixels, all even."""
    cell = cell_size(width, height)
    w, h = (COLUMNS + 1) * cell, (ROWS + 1) * cell
    return (width - w) // 4 * 2, (height - h) // 4 * 2, w, h


def stamp(y: Plane, u: Plane, v: Plane, mark: Mark) -> None:
    """Draw the plate of `mark` into the middle of an I420 picture, in place."""
    height, width = y.shape
    left, top, w, h = plate_box(width, height)
    cell = cell_size(width, height)
    plate = y[top : top + h, left : left + w]
    plate[:] = DARK
    bits = np.array(_bits(mark), np.uint8).reshape(ROWS, COLUMNS)
    cells = np.kron(bits, np.ones((cell, cell), np.uint8)) * (BRIGHT - DARK) + DARK
    plate[cell // 2 : cell // 2 + ROWS * cell, cell // 2 : cell // 2 + COLUMNS * cell] = cells
    for plane in (u, v):
        plane[top // 2 : (top + h) // 2, left // 2 : (left + w) // 2] = CHROMA


def find_marks(frame: av.VideoFrame) -> list[Sighting]:
    """All marks that can be read in a decoded picture, any order.  About 1 ms for 1280x720."""
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        frame = frame.reformat(format="yuv420p")
    y, u, v = (_plane(plane) for plane in frame.planes)
    return find_in_planes(y, u, v)


def find_in_planes(y: Plane, u: Plane, v: Plane) -> list[Sighting]:
    """As `find_marks`, on the planes of an I420 picture."""
    colour = np.minimum(u, v)
    found = (colour > _FOUND_AT).view(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=4)
    sightings = []
    for x, top, w, h, _ in stats[1:count]:
        if w < _MIN_WIDTH or h < _MIN_HEIGHT:
            continue
        box = _fine_box(colour, int(x), int(top), int(w), int(h))
        mark = _read(y, box)
        if mark is not None:
            height, width = y.shape
            bx, by, bw, bh = box
            sightings.append(Sighting(mark, (bx / width, by / height, bw / width, bh / height)))
    return sightings


def _bits(mark: Mark) -> list[int]:
    if not (0 <= mark.site < SITES and 0 <= mark.frame < FRAMES):
        raise ValueError(f"site {mark.site} or frame {mark.frame} does not fit a mark")
    word = mark.site << 12 | mark.frame
    word = word << 16 | binascii.crc_hqx(word.to_bytes(3, "big"), 0xFFFF)
    return [1, *(word >> i & 1 for i in range(37, -1, -1)), 0]


def _plane(plane: av.video.plane.VideoPlane) -> Plane:
    rows: Plane = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def _fine_box(colour: Plane, x: int, y: int, w: int, h: int) -> Box:
    """The plate's box in luma pixels, finer than a pixel: blurred edges are counted by their strength."""
    reach = 2
    x0, y0 = max(0, x - reach), max(0, y - reach)
    part = colour[y0 : y + h + reach, x0 : x + w + reach].astype(np.float32) - 128
    np.clip(part / _STRENGTH, 0, 1, out=part)
    middle_rows = part[(y - y0) + h // 4 : (y - y0) + h - h // 4]
    middle_columns = part[:, (x - x0) + w // 4 : (x - x0) + w - w // 4]
    left, width = _extent(middle_rows.mean(axis=0))
    top, height = _extent(middle_columns.mean(axis=1))
    return (x0 + left) * 2, (y0 + top) * 2, width * 2, height * 2


def _extent(profile: NDArray[np.float32]) -> tuple[float, float]:
    """Start and length of the one hump in a profile of 0..1."""
    profile = profile / max(float(np.median(profile[2:-2])), 0.1)
    np.clip(profile, 0, 1, out=profile)
    profile[profile < 0.08] = 0
    length = float(profile.sum())
    centre = float((profile * (np.arange(len(profile)) + 0.5)).sum()) / length
    return centre - length / 2, length


def _read(y: Plane, box: Box) -> Mark | None:
    left, top, w, h = box
    step_x, step_y = w / ((COLUMNS + 1) * _SAMPLE), h / ((ROWS + 1) * _SAMPLE)
    # pixel centres of the resampled cells -> pixel centres of the picture
    grid = np.array(
        [
            [step_x, 0, left + (_SAMPLE / 2 + 0.5) * step_x - 0.5],
            [0, step_y, top + (_SAMPLE / 2 + 0.5) * step_y - 0.5],
        ]
    )
    size = (COLUMNS * _SAMPLE, ROWS * _SAMPLE)
    cells = cv2.warpAffine(
        y, grid, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    inner = cells.reshape(ROWS, _SAMPLE, COLUMNS, _SAMPLE)[:, 2:-2, :, 2:-2].mean(axis=(1, 3)).ravel()
    if inner[0] - inner[-1] < 25:
        return None
    bits = inner > (inner[0] + inner[-1]) / 2
    word = int("".join("1" if bit else "0" for bit in bits[1:-1]), 2)
    if binascii.crc_hqx((word >> 16).to_bytes(3, "big"), 0xFFFF) != word & 0xFFFF:
        return None
    return Mark(word >> 28, word >> 16 & 0xFFF)


def by_site(sightings: list[Sighting]) -> Iterator[tuple[int, Sighting]]:
    """(site, sighting) pairs, largest plate first, so that `dict(reversed(...))` keeps the largest of a site."""
    for sighting in sorted(sightings, key=lambda s: -s.plate[2] * s.plate[3]):
        yield sighting.mark.site, sighting
