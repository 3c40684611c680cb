"""A drawn layout that was drawn anew, wherever a conference keeps a copy of its tiles.  Pure.

That is not only on air: also what the end of a podium or of a rehearsal gives back, and what the next podium brings.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from mcu_core.arrangement import Arrangement, Json
from mcu_core.scene import CustomTile, LayoutChoice, Scene, ViewScene, scene_from_json, scene_to_json

Tiles = tuple[CustomTile, ...]


def redrawn(now: Arrangement, name: str, tiles: Tiles) -> Arrangement:
    """`now` with these tiles wherever it has this drawn layout; what no longer has a cell is not placed."""
    return replace(
        now,
        scene=_scene(now.scene, name, tiles),
        before_podium=now.before_podium and _scene(now.before_podium, name, tiles),
        podium_layouts=MappingProxyType(
            {view: LayoutChoice(name, tiles) if _has(one, name) else one for view, one in now.podium_layouts.items()}
        ),
        before_rehearsal=now.before_rehearsal and _rehearsal(now.before_rehearsal, name, tiles),
    )


def _has(one: ViewScene | LayoutChoice, name: str) -> bool:
    return one.layout == name and bool(one.tiles)


def _scene(scene: Scene, name: str, tiles: Tiles) -> Scene:
    for view, chosen in scene.views.items():
        if _has(chosen, name):
            cells = {cell: what for cell, what in chosen.cells.items() if cell < len(tiles)}
            scene = scene.with_view(view, replace(chosen, tiles=tiles, cells=MappingProxyType(cells)))
    return scene


def _rehearsal(kept: Json, name: str, tiles: Tiles) -> Json:
    def stored(scene: Any) -> Any:
        return None if scene is None else scene_to_json(_scene(scene_from_json(scene), name, tiles))

    moment = kept["moment"]
    scenes = {key: stored(moment[key]) for key in ("scene", "before_podium")}
    return {**kept, "moment": {**moment, **scenes}}
