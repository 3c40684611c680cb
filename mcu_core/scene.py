"""What a conference shows and lets be heard: per view a layout with some cells filled, plus the audio rule.

A scene is what the operator decided; `resolve` turns one view of it and the sites that are there into tiles:

1. cells filled by the operator keep their site, present or not (the label then stands on a placeholder card);
2. the podium takes cell 0 of programme and chair, unless the operator put something else there;
3. the remaining cells take the seated sites, main site first, then by number; nobody twice;
4. what is still free stays blank.

A view that follows content ("auto" does, and a view arranged by the podium) switches to a content layout while the
podium's site, or else the main site, shares a screen: the screen in cell 0, the sharing site's camera next.  A screen
shared by anyone else is shown only where the operator places it.  The wall shows every seated site and never jumps.

Pure values; sites are named by id.  `to_json` and `from_json` are the stored form, `VERSION` of the conference document.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, cast

from mcu_core.wire import Track, View
from mixer.layout import auto_layout, catalogue

VIEWS: tuple[View, ...] = ("programme", "chair", "wall")
AUTO, CUSTOM = "auto", "custom"
AUTO_CELLS = 25  # more sites than this and "auto" shows the first ones, except on the wall
MAX_CUSTOM_TILES = 64

Fit = Literal["letterbox", "crop"]
AudioRule = Literal["open", "podium"]


@dataclass(frozen=True, slots=True)
class CustomTile:
    """A cell that the operator drew, in fractions of the canvas."""

    x: float
    y: float
    w: float
    h: float
    z: int = 0
    fit: Fit = "crop"

    def fits_canvas(self) -> bool:
        """Inside the canvas, with an area."""
        numbers = (self.x, self.y, self.w, self.h)
        if not all(map(math.isfinite, numbers)) or min(self.x, self.y) < 0 or min(self.w, self.h) < 0.02:
            return False
        return self.x + self.w <= 1 + 1e-9 and self.y + self.h <= 1 + 1e-9


@dataclass(frozen=True, slots=True)
class Placement:
    site: str
    track: Track = "camera"


@dataclass(frozen=True, slots=True)
class ViewScene:
    """One view of a scene.  `cells` holds only what the operator placed."""

    layout: str = AUTO
    cells: Mapping[int, Placement] = field(default_factory=lambda: MappingProxyType({}))
    tiles: tuple[CustomTile, ...] = ()  # of layout "custom"
    follows_content: bool = True

    def placing(self, cell: int, placement: Placement | None) -> ViewScene:
        """This view with one cell filled, or given back to automatic filling."""
        cells = {index: what for index, what in self.cells.items() if index != cell}
        if placement is not None:
            cells[cell] = placement
        return replace(self, cells=_frozen(cells))

    def without(self, site: str) -> ViewScene:
        return replace(self, cells=_frozen({i: what for i, what in self.cells.items() if what.site != site}))


def _frozen(cells: dict[int, Placement]) -> Mapping[int, Placement]:
    return MappingProxyType(dict(sorted(cells.items())))


@dataclass(frozen=True, slots=True)
class Scene:
    """`audio` "open": everybody may be heard; "podium": the podium and the main site only."""

    views: Mapping[View, ViewScene] = field(
        default_factory=lambda: MappingProxyType({view: ViewScene(follows_content=view != "wall") for view in VIEWS})
    )
    podium: str | None = None
    audio: AudioRule = "open"

    def with_view(self, view: View, scene: ViewScene) -> Scene:
        return replace(self, views=MappingProxyType({**self.views, view: scene}))

    def without(self, site: str) -> Scene:
        """This scene when a site no longer exists; the caller ends its podium first."""
        return replace(self, views=MappingProxyType({view: scene.without(site) for view, scene in self.views.items()}))


# ---------------------------------------------------------------------------------------------------- resolution


@dataclass(frozen=True, slots=True)
class Tile:
    """A cell of a resolved view.  `site` None: blank."""

    x: float
    y: float
    w: float
    h: float
    z: int
    fit: Fit
    site: str | None = None
    track: Track = "camera"


@dataclass(frozen=True, slots=True)
class Resolved:
    layout: str  # name of the layout in use: of the catalogue, "custom", or "grid-NxN" on a wall of more than 25
    tiles: tuple[Tile, ...]


def resolve(view: View, scene: Scene, seated: Sequence[str], content: str | None = None) -> Resolved:
    """Tiles of one view.

    `seated`: ids of the sites that hold their seat (live or briefly away), main site first, then by number.
    `content`: the site whose shared screen a view that follows content shows.
    """
    chosen = scene.views[view]
    podium = scene.podium if view != "wall" else None
    if not chosen.follows_content:
        content = None
    name, cells = _layout(view, chosen, seated, podium, content)
    fillers = iter(_fillers(chosen, seated, podium, content))
    tiles = []
    for index, cell in enumerate(cells):
        placed = chosen.cells.get(index) or next(fillers, None)
        tiles.append(replace(cell, site=placed.site, track=placed.track) if placed else cell)
    return Resolved(name, tuple(tiles))


def cell_count(view: View, scene: Scene, seated: Sequence[str], content: str | None = None) -> int:
    """How many cells the operator may place sites in now; an automatic layout grows as far as it can."""
    chosen = scene.views[view]
    if chosen.layout == AUTO:
        return max(AUTO_CELLS, len(seated)) if view == "wall" else AUTO_CELLS
    return len(resolve(view, scene, seated, content).tiles)


def layout_exists(name: str) -> bool:
    """Whether `SetLayout` knows the name ("custom" needs tiles besides)."""
    return name in (AUTO, CUSTOM) or name in catalogue()


def _layout(
    view: View, chosen: ViewScene, seated: Sequence[str], podium: str | None, content: str | None
) -> tuple[str, tuple[Tile, ...]]:
    if chosen.layout == CUSTOM:
        return CUSTOM, tuple(Tile(t.x, t.y, t.w, t.h, t.z, t.fit) for t in chosen.tiles)
    if chosen.layout != AUTO and content is None:
        return chosen.layout, _catalogued(chosen.layout)
    if chosen.layout != AUTO:
        heads = min(len(_catalogued(chosen.layout)), len({*seated, *([podium] if podium else [])}))
    else:
        placed = {what.site for what in chosen.cells.values() if what.track == "camera"}
        heads = len({*seated, *placed, *([podium] if podium else [])})
        heads = max(heads, 1 + max(chosen.cells, default=-1))
    if view == "wall" and heads > AUTO_CELLS:
        return _grid(heads)
    layout = auto_layout(max(1, min(heads, AUTO_CELLS)), content is not None)
    highest = max(chosen.cells, default=-1)
    if content is not None and highest >= len(layout.cells):
        layout = auto_layout(max(1, min(max(heads, highest + 1), AUTO_CELLS)), False)
    return layout.name, _catalogued(layout.name)


def _fillers(chosen: ViewScene, seated: Sequence[str], podium: str | None, content: str | None) -> Iterable[Placement]:
    """What the cells left to automatic filling take, in order; nothing that the operator already placed."""
    wanted: list[Placement] = []
    if content is not None:
        wanted += [Placement(content, "screen"), Placement(content)]
    if podium is not None:
        wanted.append(Placement(podium))
    wanted += map(Placement, seated)
    taken = set(chosen.cells.values())
    return [what for what in dict.fromkeys(wanted) if what not in taken]


@lru_cache(maxsize=64)
def _catalogued(name: str) -> tuple[Tile, ...]:
    return tuple(Tile(cell.x, cell.y, cell.w, cell.h, cell.z, cell.fit) for cell in catalogue()[name].cells)


@lru_cache(maxsize=64)
def _grid(heads: int) -> tuple[str, tuple[Tile, ...]]:
    side = math.ceil(math.sqrt(heads))
    rows = math.ceil(heads / side)
    step, top = 1 / side, (1 - rows / side) / 2  # cells keep the canvas's shape; the block sits in the middle
    cells = ((index % side, index // side) for index in range(heads))
    return f"grid-{side}x{rows}", tuple(Tile(x * step, top + y * step, step, step, 0, "crop") for x, y in cells)


# --------------------------------------------------------------------------------------------------- stored form


def scene_to_json(scene: Scene) -> dict[str, Any]:
    return {
        "podium": scene.podium,
        "audio": scene.audio,
        "views": {view: _view_to_json(chosen) for view, chosen in scene.views.items()},
    }


def scene_from_json(data: Mapping[str, Any]) -> Scene:
    """Raises KeyError, TypeError or ValueError on a document that `scene_to_json` did not write."""
    views = {cast(View, view): _view_from_json(data["views"][view]) for view in VIEWS}
    audio: AudioRule = "podium" if data["audio"] == "podium" else "open"
    return Scene(MappingProxyType(views), data["podium"], audio)


def _view_to_json(chosen: ViewScene) -> dict[str, Any]:
    return {
        "layout": chosen.layout,
        "cells": [[index, what.site, what.track] for index, what in chosen.cells.items()],
        "tiles": [[t.x, t.y, t.w, t.h, t.z, t.fit] for t in chosen.tiles],
        "follows_content": chosen.follows_content,
    }


def _view_from_json(data: Mapping[str, Any]) -> ViewScene:
    cells = {int(index): Placement(str(site), track) for index, site, track in data["cells"]}
    tiles = tuple(CustomTile(*tile) for tile in data["tiles"])
    return ViewScene(str(data["layout"]), _frozen(cells), tiles, bool(data["follows_content"]))
