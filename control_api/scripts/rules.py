"""Whether a script fits its meeting, and where one is in it.  Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from control_api.problems import Refused
from control_api.scripts.models import Problem, Scene, SceneView
from mcu_core.commands import PlayScene, ViewPlan
from mcu_core.errors import OperatorError
from mcu_core.scene import AUTO, CustomTile, Pages, ViewScene, cell_count, layout_exists

Tiles = Mapping[str, tuple[CustomTile, ...]]  # of the layouts that the office drew, by name


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a script may name.  None: not known, nothing is said about it."""

    sites: Mapping[str, str] | None = None  # of the meeting: id -> name
    presets: Mapping[str, Collection[str]] | None = None  # camera positions by site


def check_layouts(scenes: Sequence[Scene], tiles: Tiles) -> None:
    """Raises Refused `bad_scene`, naming each cell and layout that no picture could be made of."""
    wrong = []
    for number, scene in enumerate(scenes):
        for view in scene.views:
            where = f"body.scenes.{number}.views.{view.view}"
            if not layout_exists(view.layout) and view.layout not in tiles:
                wrong.append({"where": where, "problem": f"unknown layout {view.layout}"})
                continue
            if view.pages is not None and view.layout != AUTO:
                wrong.append({"where": where, "problem": "only the layout auto turns pages"})
            count = cell_count(view.view, view_scene(view, tiles))
            wrong += [
                {"where": where, "problem": f"layout {view.layout} has no cell {cell.cell}"}
                for cell in view.cells
                if cell.cell >= count
            ]
    if wrong:
        first = wrong[0]
        raise Refused(
            "bad_scene",
            f"Kịch bản có bố cục hoặc ô không dùng được ({first['where']}). Hãy chọn bố cục khác hoặc bỏ ô thừa.",
            f"A layout or a cell of the script cannot be used ({first['where']}: {first['problem']}).",
            detail=wrong[:50],
        )


def problems_of(scenes: Sequence[Scene], around: Surroundings) -> tuple[Problem, ...]:
    """What the editor points out; a script may be saved and played all the same."""
    found: list[Problem] = []
    for scene in scenes:
        assert scene.id is not None, "stored scenes have ids"
        if around.sites is not None:
            found += [
                Problem(
                    scene=scene.id,
                    field="podium" if site == scene.podium else "sites",
                    code="site_not_invited",
                    vi=f"Điểm cầu “{site}” không thuộc cuộc họp này.",
                    en=f"The site “{site}” is not part of this meeting.",
                )
                for site in sorted(scene.sites - set(around.sites))
            ]
        if around.presets is not None:
            found += [
                Problem(
                    scene=scene.id,
                    field="presets",
                    code="unknown_preset",
                    vi=f"Điểm cầu “{one.site}” chưa lưu vị trí camera “{one.preset}”.",
                    en=f"The site “{one.site}” has no camera position “{one.preset}”.",
                )
                for one in scene.presets
                if one.site in around.presets and one.preset not in around.presets[one.site]
            ]
        if scene.audio == "open" and scene.podium is not None and scene.heard:
            found.append(
                Problem(
                    scene=scene.id,
                    field="audio",
                    code="everybody_heard",
                    vi="Cảnh để mọi điểm cầu mở tiếng nên danh sách được nghe không có tác dụng.",
                    en="Everybody is heard in this scene, so the list of those heard has no effect.",
                )
            )
    return tuple(found)


def view_scene(view: SceneView, tiles: Tiles) -> ViewScene:
    """The view as `mcu_core` sees it, nothing placed."""
    pages = None if view.pages is None else Pages(view.pages.tiles, view.pages.seconds)
    return ViewScene(view.layout, tiles=tiles.get(view.layout, ()), pages=pages)


def command_of(scenes: Sequence[Scene], index: int, tiles: Tiles) -> PlayScene:
    """The command that puts a scene on; whoever has the word in the scene after it is told to be next."""
    scene = scenes[index]
    assert scene.id is not None, "stored scenes have ids"
    following = scenes[index + 1].podium if index + 1 < len(scenes) else None
    return PlayScene(
        scene.id,
        scene.title,
        podium=scene.podium,
        views=tuple(_plan(view, tiles) for view in scene.views),
        audio=scene.audio,
        heard=scene.heard,
        next_site=following,
    )


def _plan(view: SceneView, tiles: Tiles) -> ViewPlan:
    pages = None if view.pages is None else Pages(view.pages.tiles, view.pages.seconds)
    drawn = tiles.get(view.layout, ())
    there = [cell for cell in view.cells if not drawn or cell.cell < len(drawn)]  # it may have been drawn anew
    cells = tuple((cell.cell, filling) for cell in there if (filling := cell.filling()) is not None)
    return ViewPlan(view.view, view.layout, drawn, pages, cells, view.transition)


def place_of(scenes: Sequence[Scene], playing: str | None) -> int | None:
    """Index of the scene that was put on last; None: none, or it is no longer in the script."""
    return next((index for index, scene in enumerate(scenes) if scene.id == playing), None)


def next_index(scenes: Sequence[Scene], playing: str | None) -> int:
    """Raises OperatorError `script_empty`, `script_ended`, `scene_gone`."""
    index = _present(scenes, playing)
    if index is not None and index + 1 >= len(scenes):
        raise OperatorError(
            "script_ended",
            "Kịch bản đã đến cảnh cuối. Muốn chạy lại, hãy chọn cảnh trong danh sách.",
            "The script is at its last scene. To play one again, choose it from the list.",
        )
    return 0 if index is None else index + 1


def previous_index(scenes: Sequence[Scene], playing: str | None) -> int:
    """Raises OperatorError `script_empty`, `script_at_start`, `scene_gone`."""
    index = _present(scenes, playing)
    if index is None or index == 0:
        raise OperatorError(
            "script_at_start",
            "Kịch bản đang ở cảnh đầu hoặc chưa chạy cảnh nào. Hãy bấm “Cảnh tiếp theo”.",
            "The script is at its first scene, or none was played. Use “next scene”.",
        )
    return index - 1


def index_of(scenes: Sequence[Scene], scene_id: str) -> int:
    """Raises OperatorError `unknown_scene`."""
    index = place_of(scenes, scene_id)
    if index is None:
        raise OperatorError(
            "unknown_scene",
            f"Kịch bản không có cảnh “{scene_id}”. Hãy tải lại kịch bản.",
            f"The script has no scene “{scene_id}”. Load the script again.",
        )
    return index


def _present(scenes: Sequence[Scene], playing: str | None) -> int | None:
    if not scenes:
        raise OperatorError(
            "script_empty",
            "Cuộc họp chưa có kịch bản. Hãy soạn kịch bản trước.",
            "The meeting has no script. Write one first.",
        )
    index = place_of(scenes, playing)
    if playing is not None and index is None:
        raise OperatorError(
            "scene_gone",
            "Cảnh đang chạy đã bị xóa khỏi kịch bản. Hãy chọn cảnh trong danh sách.",
            "The scene that is on was removed from the script. Choose a scene from the list.",
        )
    return index
