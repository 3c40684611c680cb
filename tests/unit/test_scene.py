"""Scenes: from what the operator decided and who is there to tiles."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mcu_core.scene import (
    VIEWS,
    CustomTile,
    Placement,
    Resolved,
    Scene,
    ViewScene,
    cell_count,
    resolve,
    scene_from_json,
    scene_to_json,
)
from mcu_core.wire import View
from mixer.layout import catalogue

SITES = tuple(f"s{number}" for number in range(1, 121))


def cameras(resolved: Resolved) -> list[str]:
    return [tile.site for tile in resolved.tiles if tile.site is not None and tile.track == "camera"]


def scene_of(view: View, chosen: ViewScene, podium: str | None = None) -> Scene:
    return replace(Scene().with_view(view, chosen), podium=podium)


def test_automatic_layout_grows_with_the_sites_and_keeps_their_order() -> None:
    for count in range(1, 26):
        resolved = resolve("programme", Scene(), SITES[:count])
        assert cameras(resolved) == list(SITES[:count])
        assert len(resolved.tiles) >= count


def test_automatic_layout_shows_the_first_25_and_the_wall_shows_all_120() -> None:
    assert cameras(resolve("programme", Scene(), SITES)) == list(SITES[:25])
    wall = resolve("wall", Scene(), SITES)
    assert cameras(wall) == list(SITES)
    assert wall.layout in catalogue()


def test_an_empty_conference_is_one_blank_cell() -> None:
    resolved = resolve("programme", Scene(), ())
    assert [tile.site for tile in resolved.tiles] == [None]


def test_a_placed_site_keeps_its_cell_although_it_is_not_there() -> None:
    chosen = ViewScene("2x2").placing(2, Placement("s9"))
    assert cameras(resolve("programme", scene_of("programme", chosen), ("s1", "s2"))) == ["s1", "s2", "s9"]
    resolved = resolve("programme", scene_of("programme", chosen), ("s1", "s2"))
    assert [tile.site for tile in resolved.tiles] == ["s1", "s2", "s9", None]


def test_the_podium_takes_cell_0_unless_the_operator_put_someone_there() -> None:
    scene = scene_of("programme", ViewScene("1+7"), podium="s5")
    assert cameras(resolve("programme", scene, SITES[:6])) == ["s5", "s1", "s2", "s3", "s4", "s6"]
    fixed = scene_of("programme", ViewScene("1+7").placing(0, Placement("s2")), podium="s5")
    assert cameras(resolve("programme", fixed, SITES[:6])) == ["s2", "s5", "s1", "s3", "s4", "s6"]


def test_the_podium_s_automatic_layout_leaves_no_blank_row() -> None:
    scene = scene_of("programme", ViewScene(led=True), podium="s1")
    names = [resolve("programme", scene, SITES[:count]).layout for count in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 90)]
    assert names == ["1", "1", "1+1", "1+2", "1+3", "1+5", "1+5", "1+7", "1+7", "1+9", "1+9", "1+12", "1+12"]
    assert cameras(resolve("programme", scene, SITES[:7])) == list(SITES[:7])


def test_the_podium_does_not_move_the_wall() -> None:
    assert cameras(resolve("wall", Scene(podium="s5"), SITES[:6])) == list(SITES[:6])


def test_an_absent_podium_site_holds_its_cell() -> None:
    scene = scene_of("programme", ViewScene("1+7"), podium="s50")
    assert cameras(resolve("programme", scene, SITES[:2])) == ["s50", "s1", "s2"]


def test_a_shared_screen_takes_cell_0_and_its_site_stands_next() -> None:
    resolved = resolve("programme", Scene(), SITES[:5], content="s3")
    assert resolved.layout.startswith("content")
    assert (resolved.tiles[0].site, resolved.tiles[0].track) == ("s3", "screen")
    assert cameras(resolved)[:2] == ["s3", "s1"]
    assert resolve("wall", Scene(), SITES[:5], content="s3").layout == resolve("wall", Scene(), SITES[:5]).layout


def test_a_layout_chosen_by_the_operator_does_not_follow_content() -> None:
    scene = scene_of("programme", ViewScene("2x2", follows_content=False))
    assert resolve("programme", scene, SITES[:5], content="s3") == resolve("programme", scene, SITES[:5])


def test_the_chairs_podium_picture_becomes_content_and_speaker() -> None:
    scene = scene_of("chair", ViewScene("1"), podium="s3")
    resolved = resolve("chair", scene, SITES[:9], content="s3")
    assert resolved.layout == "content+1"
    assert [(tile.site, tile.track) for tile in resolved.tiles] == [("s3", "screen"), ("s3", "camera")]


def test_cells_that_can_be_placed() -> None:
    assert cell_count("programme", ViewScene("1+5")) == 6
    assert cell_count("programme", ViewScene()) == 25
    assert cell_count("wall", ViewScene()) == 256
    assert cell_count("chair", ViewScene("custom", tiles=(CustomTile(0, 0, 1, 1),))) == 1


def test_a_layout_that_is_gone_from_the_catalogue_becomes_automatic() -> None:
    document = scene_to_json(Scene())
    document["views"]["chair"]["layout"] = "a-layout-of-last-year"
    assert scene_from_json(document).views["chair"].layout == "auto"


layouts = st.sampled_from(["auto", *catalogue()])
placements = st.builds(Placement, st.sampled_from(SITES[:40]), st.sampled_from(["camera", "screen"]))
tiles = st.builds(
    CustomTile, *[st.sampled_from([0.0, 0.25, 0.5])] * 2, *[st.sampled_from([0.25, 0.5])] * 2, st.integers(0, 9)
)


@st.composite
def view_scenes(draw: st.DrawFn) -> ViewScene:
    chosen = ViewScene(draw(layouts), follows_content=draw(st.booleans()))
    if draw(st.booleans()):
        chosen = replace(chosen, layout="custom", tiles=tuple(draw(st.lists(tiles, min_size=1, max_size=9))))
    for cell in draw(st.sets(st.integers(0, cell_count("programme", chosen) - 1), max_size=5)):
        chosen = chosen.placing(cell, draw(placements))
    return chosen


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    scene = Scene(podium=draw(st.none() | st.sampled_from(SITES[:40])))
    for view in VIEWS:
        scene = scene.with_view(view, draw(view_scenes()))
    return scene


@given(scenes(), st.integers(0, 120), st.none() | st.sampled_from(SITES[:40]))
def test_nobody_is_shown_twice_unless_placed_and_everything_is_inside(
    scene: Scene, count: int, content: str | None
) -> None:
    for view in VIEWS:
        resolved = resolve(view, scene, SITES[:count], content)
        fixed = {i: what for i, what in scene.views[view].cells.items() if isinstance(what, Placement)}
        shown = [(t.site, t.track) for i, t in enumerate(resolved.tiles) if t.site is not None and i not in fixed]
        assert len(shown) == len(set(shown))
        assert not set(shown) & {(p.site, p.track) for p in fixed.values()}
        assert all(t.x >= 0 and t.y >= 0 and t.x + t.w <= 1.001 and t.y + t.h <= 1.001 for t in resolved.tiles)
        content_shrinks_it = content is not None and scene.views[view].follows_content
        for cell, placement in fixed.items():
            if cell < len(resolved.tiles):
                assert (resolved.tiles[cell].site, resolved.tiles[cell].track) == (placement.site, placement.track)
            else:
                assert content_shrinks_it


@given(scenes())
def test_a_scene_survives_its_stored_form(scene: Scene) -> None:
    assert scene_from_json(json.loads(json.dumps(scene_to_json(scene)))) == scene
