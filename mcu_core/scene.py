"""What a conference shows and lets be heard: per view a layout with some cells filled, plus the audio rule.

A scene is what the operator decided; `resolve` turns one view of it and the sites that are there into tiles:

1. cells filled by the operator keep their site, present or not (the label then stands on a placeholder card);
2. the podium takes cell 0 of programme and chair, unless the operator put something else there;
3. the remaining cells take the seated sites, main site first, then by number; nobody twice;
4. what is still free stays blank.

A view that follows content ("auto" does, and a view arranged by the podium) switches to a content layout while the
podium's site, or else the main site, shares a screen: the screen in cell 0, the sharing site's camera next.  A screen
shared by anyone else is shown only where the operator places it.  The wall shows every seated site, up to 256, and
never jumps.

Pure values; sites are named by id.  `scene_to_json` and `scene_from_json` are the stored form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from mcu_core.wire import Track, View
from mixer.layout import auto_layout, catalogue

VIEWS: tuple[View, ...] = ("programme", "chair", "wall")
AUTO, CUSTOM = "auto", "custom"
AUTO_CELLS = 25  # "auto" shows that many sites, the first ones
WALL_CELLS = 256
MAX_CUSTOM_TILES = 64

# Automatic layouts with one large picture, by the number of sites they hold.
_LED = ((1, "1"), (2, "1+1"), (3, "1+2"), (4, "1+3"), (6, "1+5"), (8, "1+7"), (13, "1+12"))

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
    led: bool = False  # an automatic layout has one large picture, as many small ones as there are sites

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
    layout: str  # name of the layout in use: of the catalogue, or "custom"
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
    fillers = _fillers(chosen, seated, podium, content)
    name, cells = _layout(view, chosen, fillers, content)
    waiting = iter(fillers)
    tiles = []
    for index, cell in enumerate(cells):
        placed = chosen.cells.get(index) or next(waiting, None)
        if placed is not None:
            cell = Tile(cell.x, cell.y, cell.w, cell.h, cell.z, cell.fit, placed.site, placed.track)
        tiles.append(cell)
    return Resolved(name, tuple(tiles))


def cell_count(view: View, chosen: ViewScene) -> int:
    """How many cells the operator may place sites in; an automatic layout grows as far as it can."""
    if chosen.layout == CUSTOM:
        return len(chosen.tiles)
    if chosen.layout == AUTO:
        return _LED[-1][0] if chosen.led else _most_cells(view)
    return len(_catalogued(chosen.layout))


def _most_cells(view: View) -> int:
    return WALL_CELLS if view == "wall" else AUTO_CELLS


def layout_exists(name: str) -> bool:
    """Whether `SetLayout` knows the name ("custom" needs tiles besides)."""
    return name in (AUTO, CUSTOM) or name in catalogue()


def _fillers(
    chosen: ViewScene, seated: Sequence[str], podium: str | None, content: str | None
) -> tuple[Placement, ...]:
    """What the cells left to automatic filling take, in order; nothing that the operator already placed."""
    wanted: list[Placement] = []
    if content is not None:
        wanted += [Placement(content, "screen"), Placement(content)]
    if podium is not None:
        wanted.append(Placement(podium))
    wanted += map(Placement, seated)
    taken = set(chosen.cells.values())
    return tuple(what for what in dict.fromkeys(wanted) if what not in taken)


def _layout(
    view: View, chosen: ViewScene, fillers: Sequence[Placement], content: str | None
) -> tuple[str, tuple[Tile, ...]]:
    if chosen.layout == CUSTOM:
        return CUSTOM, tuple(Tile(t.x, t.y, t.w, t.h, t.z, t.fit) for t in chosen.tiles)
    if chosen.layout != AUTO and content is None:
        return chosen.layout, _catalogued(chosen.layout)
    needed = max(len(chosen.cells) + len(fillers), 1 + max(chosen.cells, default=-1))
    if chosen.layout != AUTO:  # a podium view keeps to as many pictures as its own layout has
        needed = min(needed, 1 + len(_catalogued(chosen.layout)))
    if content is not None:
        layout = auto_layout(min(max(1, needed - 1), AUTO_CELLS), True)
        if max(chosen.cells, default=-1) < len(layout.cells):
            return layout.name, _catalogued(layout.name)
    if chosen.led:
        name = next((name for cells, name in _LED if cells >= needed), _LED[-1][1])
        return name, _catalogued(name)
    layout = auto_layout(min(max(1, needed), _most_cells(view)), False)
    return layout.name, _catalogued(layout.name)


@lru_cache(maxsize=64)
def _catalogued(name: str) -> tuple[Tile, ...]:
    return tuple(Tile(cell.x, cell.y, cell.w, cell.h, cell.z, cell.fit) for cell in catalogue()[name].cells)


# --------------------------------------------------------------------------------------------------- stored form


def scene_to_json(scene: Scene) -> dict[str, Any]:
    return {
        "podium": scene.podium,
        "audio": scene.audio,
        "views": {view: _view_to_json(chosen) for view, chosen in scene.views.items()},
    }


def scene_from_json(data: Mapping[str, Any]) -> Scene:
    """A layout that is no longer in the catalogue becomes "auto".

    Raises KeyError, TypeError or ValueError on a document that `scene_to_json` did not write.
    """
    views = {view: _view_from_json(data["views"][view]) for view in VIEWS}
    audio: AudioRule = "podium" if data["audio"] == "podium" else "open"
    return Scene(MappingProxyType(views), data["podium"], audio)


def _view_to_json(chosen: ViewScene) -> dict[str, Any]:
    return {
        "layout": chosen.layout,
        "cells": [[index, what.site, what.track] for index, what in chosen.cells.items()],
        "tiles": [[t.x, t.y, t.w, t.h, t.z, t.fit] for t in chosen.tiles],
        "follows_content": chosen.follows_content,
        "led": chosen.led,
    }


def _view_from_json(data: Mapping[str, Any]) -> ViewScene:
    cells = {int(index): Placement(str(site), track) for index, site, track in data["cells"]}
    tiles = tuple(CustomTile(*tile) for tile in data["tiles"])
    layout = str(data["layout"])
    return ViewScene(
        layout if layout_exists(layout) else AUTO,
        _frozen(cells),
        tiles,
        bool(data["follows_content"]),
        bool(data.get("led", False)),  # documents of before did not have it
    )
