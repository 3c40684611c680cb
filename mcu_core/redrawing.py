"""A drawn layout that was drawn anew, wherever a conference keeps a copy of its tiles.  Pure.

That is not only on air: also what the end of a podium, a rehearsal or a roll call gives back, what Undo does, and what
the next podium brings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from mcu_core.arrangement import Arrangement, Json
from mcu_core.scene import (
    CustomTile,
    LayoutChoice,
    Scene,
    ViewScene,
    choice_from_json,
    choice_to_json,
    scene_from_json,
    scene_to_json,
)

Tiles = tuple[CustomTile, ...]


def redrawn(now: Arrangement, name: str, tiles: Tiles) -> Arrangement:
    """`now` with these tiles wherever it has this drawn layout; what no longer has a cell is not placed."""
    layouts = {view: _choice(one, name, tiles) for view, one in now.podium_layouts.items()}
    return replace(
        now,
        scene=_scene(now.scene, name, tiles),
        before_podium=now.before_podium and _scene(now.before_podium, name, tiles),
        podium_layouts=MappingProxyType(layouts),
        before_rehearsal=now.before_rehearsal and _rehearsal(now.before_rehearsal, name, tiles),
    )


def kept_redrawn(kept: Json, name: str, tiles: Tiles) -> Json:
    """The same for what is stored: a moment of an arrangement (`mcu_core.moments`), or a patch of its fields."""
    redraw: dict[str, Callable[[Any], Any]] = {
        "scene": lambda scene: scene_to_json(_scene(scene_from_json(scene), name, tiles)),
        "before_podium": lambda scene: scene_to_json(_scene(scene_from_json(scene), name, tiles)),
        "podium_layouts": lambda layouts: {view: _stored_choice(one, name, tiles) for view, one in layouts.items()},
        "before_rehearsal": lambda rehearsal: _rehearsal(rehearsal, name, tiles),
    }
    return {key: redraw[key](value) if value and key in redraw else value for key, value in kept.items()}


def _has(one: ViewScene | LayoutChoice, name: str) -> bool:
    return one.layout == name and bool(one.tiles)


def _choice(one: LayoutChoice, name: str, tiles: Tiles) -> LayoutChoice:
    return LayoutChoice(name, tiles) if _has(one, name) else one


def _stored_choice(stored: Any, name: str, tiles: Tiles) -> Any:
    one = choice_from_json(stored)
    return stored if one is None else choice_to_json(_choice(one, name, tiles))


def _scene(scene: Scene, name: str, tiles: Tiles) -> Scene:
    for view, chosen in scene.views.items():
        if _has(chosen, name):
            cells = {cell: what for cell, what in chosen.cells.items() if cell < len(tiles)}
            scene = scene.with_view(view, replace(chosen, tiles=tiles, cells=MappingProxyType(cells)))
    return scene


def _rehearsal(kept: Json, name: str, tiles: Tiles) -> Json:
    return {**kept, "moment": kept_redrawn(kept["moment"], name, tiles)}
