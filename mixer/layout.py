"""Layouts: where the sites of a scene stand on a canvas.  Pure geometry, read from `layouts/*.toml`.

A layout file counts in columns and rows of its own grid, so that neighbours share their edges exactly:

    name = "1+5"
    title_vi = "1 lớn, 5 nhỏ"
    title_en = "1 large, 5 small"
    columns = 3
    rows = 3
    cells = [{ at = [0, 0, 2, 2] }, { at = [2, 0, 1, 1] }, …]    # x, y, width, height; also z and fit

Without `cells` every square of the grid is a cell, row by row.  Coordinates may be fractions of a square.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

Fit = Literal["letterbox", "crop"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of a layout, in fractions (0..1) of the canvas; drawn in ascending `z`."""

    x: float
    y: float
    w: float
    h: float
    z: int = 0
    fit: Fit = "crop"


@dataclass(frozen=True, slots=True)
class Layout:
    """A named arrangement; cell 0 is the most important place."""

    name: str
    title_vi: str
    title_en: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of pixels; all four are even."""

    x: int
    y: int
    w: int
    h: int

    def overlaps(self, other: Rect) -> bool:
        return (
            self.x < other.x + other.w
            and other.x < self.x + self.w
            and self.y < other.y + other.h
            and other.y < self.y + self.h
        )

    def covers(self, other: Rect) -> bool:
        return (
            self.x <= other.x
            and self.y <= other.y
            and self.x + self.w >= other.x + other.w
            and self.y + self.h >= other.y + other.h
        )


def to_pixels(cell: Cell | tuple[float, float, float, float], width: int, height: int) -> Rect:
    """Place a cell, or (x, y, w, h) in fractions, on a canvas of even `width` x `height`.

    Edges are rounded, not sizes: cells that share an edge still share it in pixels and none overlap.  A cell too
    small for a whole chroma sample is given one.
    """
    x, y, w, h = (cell.x, cell.y, cell.w, cell.h) if isinstance(cell, Cell) else cell
    left, right = _even(x, width), _even(x + w, width)
    top, bottom = _even(y, height), _even(y + h, height)
    left, top = min(left, width - 2), min(top, height - 2)
    return Rect(left, top, max(right - left, 2), max(bottom - top, 2))


def _even(fraction: float, size: int) -> int:
    # 1/3 + 1/3 and 2/3 differ in the last bit: they must still round to the same edge
    return 2 * min(max(math.floor(round(fraction * size / 2, 6) + 0.5), 0), size // 2)


def overlapping(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """Whether two rectangles (x, y, w, h) share an area; sharing an edge is none."""
    slack = 1e-9
    return all(
        one[axis] + slack < other[axis] + other[axis + 2] and other[axis] + slack < one[axis] + one[axis + 2]
        for axis in (0, 1)
    )


@cache
def catalogue() -> Mapping[str, Layout]:
    """All layouts that ship with the mixer, by name, ordered by number of cells."""
    files = resources.files(__package__).joinpath("layouts").iterdir()
    layouts = [parse_layout(file.read_text("utf-8")) for file in files if file.name.endswith(".toml")]
    layouts.sort(key=lambda layout: (len(layout.cells), layout.name))
    return MappingProxyType({layout.name: layout for layout in layouts})


def parse_layout(text: str) -> Layout:
    """Read one layout file.  Raises ValueError, KeyError or TypeError when it is not one."""
    data: dict[str, Any] = tomllib.loads(text)
    columns, rows = float(data["columns"]), float(data["rows"])
    if "cells" in data:
        cells = tuple(_parse_cell(item, columns, rows) for item in data["cells"])
    else:
        cells = tuple(
            Cell(x / columns, y / rows, 1 / columns, 1 / rows) for y in range(int(rows)) for x in range(int(columns))
        )
    if not cells:
        raise ValueError(f"layout {data['name']} has no cells")
    return Layout(str(data["name"]), str(data["title_vi"]), str(data["title_en"]), cells)


def _parse_cell(item: dict[str, Any], columns: float, rows: float) -> Cell:
    x, y, w, h = (float(number) for number in item["at"])
    fit: Fit = "letterbox" if item.get("fit", "crop") == "letterbox" else "crop"
    slack = 1e-9
    if min(x, y) < 0 or min(w, h) <= 0 or x + w > columns + slack or y + h > rows + slack:
        raise ValueError(f"cell {item['at']} lies outside its grid of {columns} x {rows}")
    return Cell(x / columns, y / rows, w / columns, h / rows, int(item.get("z", 0)), fit)


_BY_HEADS = ("1", "1+1", "1+2", "2x2", "3x2", "3x3", "4x3", "4x4", "5x4", "5x5", "6x6", "8x8", "12x10", "16x16")


def auto_layout(sites: int, content: bool = False) -> Layout:
    """The smallest layout for `sites` cameras, beside shared `content` (which takes cell 0) if there is some.

    Beyond 256 sites, or 4 beside content, the largest layout is returned: who comes first is shown.
    """
    layouts = catalogue()
    if content:
        return layouts["content" if sites < 1 else "content+1" if sites == 1 else "content+4"]
    for name in _BY_HEADS:
        if len(layouts[name].cells) >= sites:
            return layouts[name]
    return layouts[_BY_HEADS[-1]]
