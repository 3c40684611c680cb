"""Cells filled by a rule, pages, personal views and drawn layouts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu_core.scene import (
    AUTO,
    LEAD,
    NO_TURNS,
    CustomTile,
    Filler,
    FillerKind,
    Pages,
    Placement,
    Resolved,
    Scene,
    Turns,
    ViewScene,
    drawable,
    resolve,
    scene_from_json,
    scene_to_json,
)
from mcu_core.spotlight import Spotlight
from mixer.layout import catalogue

SITES = tuple(f"s{number}" for number in range(1, 121))
LOUDEST = Filler("loudest", 2.0)


def scene(chosen: ViewScene, podium: str | None = None, view: str = "programme") -> Scene:
    return replace(Scene().with_view(view, chosen), podium=podium)


def shown(resolved: Resolved) -> list[str | None]:
    return [tile.site for tile in resolved.tiles]


def test_a_rotation_gives_each_site_its_turn_and_names_the_next_one() -> None:
    turning = scene(ViewScene("1").placing(0, Filler("rotation", 10.0)))
    seen = [resolve("programme", turning, SITES[:4], now=float(now)) for now in range(100, 140, 10)]
    assert sorted(shown(one)[0] or "" for one in seen) == ["s1", "s2", "s3", "s4"]
    assert seen[0].turns_at == 110.0 - LEAD
    assert shown(resolve("programme", turning, SITES[:4], now=109.9)) == shown(seen[0])


def test_two_cells_of_one_rotation_never_show_the_same_site() -> None:
    chosen = ViewScene("1+1").placing(0, Filler("rotation", 5.0)).placing(1, Filler("rotation", 5.0))
    for now in range(0, 100, 5):
        first, second = shown(resolve("programme", scene(chosen), SITES[:3], now=float(now)))
        assert first != second


def test_a_rotation_over_a_list_skips_who_is_not_there_and_stands_still_with_one() -> None:
    chosen = ViewScene("1").placing(0, Filler("rotation", 5.0, ("s2", "s9")))
    for now in (0.0, 5.0, 10.0):
        resolved = resolve("programme", scene(chosen), SITES[:4], now=now)
        assert shown(resolved) == ["s2"]
        assert resolved.turns_at is None


def test_the_loudest_cell_shows_who_speaks_and_anyone_before_somebody_has_spoken() -> None:
    chosen = ViewScene("1+2").placing(0, LOUDEST)
    quiet = resolve("programme", scene(chosen), SITES[:3])
    assert shown(quiet) == ["s1", "s2", "s3"]
    loud = resolve("programme", scene(chosen), SITES[:3], heard=lambda places, hold: ("s3",))
    assert shown(loud) == ["s3", "s1", "s2"]


def test_blank_podium_and_content_cells() -> None:
    chosen = ViewScene("2x2").placing(0, Filler("blank")).placing(1, Filler("podium")).placing(2, Filler("content"))
    resolved = resolve("programme", scene(chosen, podium="s2"), SITES[:3], content="s1")
    assert [(tile.site, tile.track) for tile in resolved.tiles] == [
        (None, "camera"),
        ("s2", "camera"),
        ("s1", "screen"),
        ("s1", "camera"),
    ]


def test_a_placed_site_is_not_shown_by_a_rule_besides() -> None:
    chosen = ViewScene("1+1").placing(0, Placement("s1")).placing(1, Filler("rotation", 5.0))
    for now in range(0, 60, 5):
        assert shown(resolve("programme", scene(chosen), SITES[:3], now=float(now)))[1] in ("s2", "s3")


def test_a_paged_wall_shows_all_120_sites_in_turn_and_nobody_twice() -> None:
    wall = scene(ViewScene(pages=Pages(16, 10.0), follows_content=False), view="wall")
    pages = [resolve("wall", wall, SITES, now=1000.0 + 10 * page) for page in range(8)]
    assert {page.layout for page in pages} == {"4x4"}
    seen = [site for page in pages for site in shown(page) if site is not None]
    assert sorted(seen) == sorted(SITES)
    assert pages[0].turns_at == 1010.0 - LEAD


def test_pages_that_hold_everybody_do_not_turn() -> None:
    wall = scene(ViewScene(pages=Pages(16, 10.0), follows_content=False), view="wall")
    assert resolve("wall", wall, SITES[:16]).turns_at is None


def test_whom_the_next_turn_brings_is_told_two_seconds_before_it() -> None:
    wall = scene(ViewScene(pages=Pages(16, 10.0), follows_content=False), view="wall")
    before = resolve("wall", wall, SITES, now=1007.9)
    assert (before.coming, before.turns_at) == ((), 1008.0)
    soon, then = resolve("wall", wall, SITES, now=1008.0), resolve("wall", wall, SITES, now=1010.0)
    assert [(tile.site, tile.w) for tile in soon.coming] == [(tile.site, tile.w) for tile in then.tiles]
    assert soon.turns_at == 1010.0
    assert then.coming == ()


def test_all_turns_of_the_next_two_seconds_are_told_of() -> None:
    chosen = ViewScene("1+2").placing(0, Filler("rotation", 10.0)).placing(1, Filler("rotation", 11.0))
    moments = (108.0, 110.0, 110.0 + LEAD)
    shows = [{tile.site for tile in resolve("programme", scene(chosen), SITES[:9], now=now).tiles} for now in moments]
    coming = {tile.site for tile in resolve("programme", scene(chosen), SITES[:9], now=moments[0]).coming}
    assert coming == shows[1] - shows[0]
    later = resolve("programme", scene(chosen), SITES[:9], now=120.5)  # 121 is a turn of one, 130 of the other
    assert later.turns_at == 121.0
    assert {tile.site for tile in later.coming} == {
        tile.site for tile in resolve("programme", scene(chosen), SITES[:9], now=121.0).tiles
    } - {tile.site for tile in later.tiles}


@pytest.mark.parametrize("rule", [Pages(16, 10.0), Filler("rotation", 10.0)])
def test_a_turn_stays_where_it_is_when_others_join_or_leave(rule: Pages | Filler) -> None:
    if isinstance(rule, Pages):
        turning = scene(ViewScene(pages=rule, follows_content=False), view="wall")
    else:
        turning = scene(ViewScene("1").placing(0, rule), view="wall")
    turned: Turns = NO_TURNS

    def at(now: float, seated: tuple[str, ...]) -> list[str | None]:
        nonlocal turned
        resolved = resolve("wall", turning, seated, now=now, turned=turned)
        turned = resolved.turns
        return shown(resolved)

    before = at(1000.0, SITES[:96])
    assert at(1001.0, SITES[:97]) == before
    assert at(1002.0, SITES[1:97]) == before
    following = at(1010.0, SITES[1:97])
    assert SITES.index(following[0] or "") == SITES.index(before[0] or "") + len(before)
    left = tuple(site for site in SITES[1:97] if site != following[0])
    assert at(1011.0, left)[0] == SITES[SITES.index(following[0] or "") + 1], "the next one takes its place"


def test_pages_begin_at_the_front_when_there_are_too_many_for_one() -> None:
    wall = scene(ViewScene(pages=Pages(16, 10.0), follows_content=False), view="wall")
    full = resolve("wall", wall, SITES[:16], now=1000.0)
    more = resolve("wall", wall, SITES[:17], now=1511.0, turned=full.turns)
    assert shown(more) == list(SITES[:16])
    then = resolve("wall", wall, SITES[:17], now=1520.0, turned=more.turns)
    assert shown(then)[0] == "s17"
    assert shown(resolve("wall", wall, SITES[:17], now=1530.0, turned=then.turns))[0] == "s1"


def test_a_paged_programme_keeps_the_podium() -> None:
    chosen = ViewScene(pages=Pages(4, 5.0), follows_content=False)
    for now in range(0, 60, 5):
        assert shown(resolve("programme", scene(chosen, podium="s7"), SITES[:20], now=float(now)))[0] == "s7"


def test_nobody_is_shown_to_itself_on_its_own_view_unless_placed() -> None:
    own = scene(ViewScene(), view="site:2", podium="s2")
    assert "s2" not in shown(resolve("site:2", own, SITES[:4], viewer="s2"))
    placed = scene(ViewScene("1+1").placing(0, Placement("s2")), view="site:2")
    assert shown(resolve("site:2", placed, SITES[:4], viewer="s2"))[0] == "s2"


kinds: tuple[FillerKind, ...] = ("podium", "loudest", "rotation", "content", "blank")
fillings = st.one_of(
    st.builds(Placement, st.sampled_from(SITES[:6])),
    st.builds(Filler, st.sampled_from(kinds), st.sampled_from([2.0, 3.0]), st.sampled_from([(), SITES[:3]])),
)


@given(
    layout=st.sampled_from([AUTO, *catalogue()]),
    cells=st.dictionaries(st.integers(0, 5), fillings, max_size=5),
    present=st.integers(0, 30),
    podium=st.none() | st.sampled_from(SITES[:8]),
    content=st.none() | st.sampled_from(SITES[:8]),
    heard=st.lists(st.none() | st.sampled_from(SITES[:8]), max_size=4),
    pages=st.none() | st.builds(Pages, st.integers(1, 30), st.sampled_from([5.0, 7.5])),
    now=st.floats(0, 1e6),
)
def test_nobody_is_shown_twice_unless_placed_so(
    layout: str,
    cells: dict[int, Placement | Filler],
    present: int,
    podium: str | None,
    content: str | None,
    heard: list[str | None],
    pages: Pages | None,
    now: float,
) -> None:
    chosen = ViewScene(layout, pages=pages)
    for cell, filling in cells.items():
        chosen = chosen.placing(cell, filling)
    resolved = resolve(
        "programme",
        scene(chosen, podium),
        SITES[:present],
        content,
        now=now,
        heard=lambda places, hold: list(dict.fromkeys(heard))[:places],
    )
    placed = [what for what in cells.values() if isinstance(what, Placement)]
    pictures = [Placement(tile.site, tile.track) for tile in resolved.tiles if tile.site is not None]
    for picture in set(pictures):
        assert pictures.count(picture) <= max(1, placed.count(picture))
    assert resolved.turns_at is None or resolved.turns_at > now
    scene_again = scene_from_json(json.loads(json.dumps(scene_to_json(scene(chosen, podium)))))
    assert scene_again == scene(chosen, podium)


# ------------------------------------------------------------------------------------------------- drawn layouts


def test_every_layout_of_the_catalogue_could_be_drawn() -> None:
    assert len(catalogue()) >= 32
    for layout in catalogue().values():
        if len(layout.cells) <= 144:
            assert drawable([CustomTile(c.x, c.y, c.w, c.h, c.z, c.fit) for c in layout.cells]), layout.name


@pytest.mark.parametrize(
    "tiles",
    [
        [],
        [CustomTile(0, 0, 0.01, 1)],
        [CustomTile(0.5, 0, 0.6, 1)],
        [CustomTile(0, 0, float("nan"), 1)],
        [CustomTile(0, 0, 0.6, 1), CustomTile(0.5, 0, 0.5, 1)],
        [CustomTile(0, 0, 1, 1, z) for z in range(145)],
    ],
)
def test_a_drawing_that_cannot_be_shown_is_refused(tiles: list[CustomTile]) -> None:
    assert not drawable(tiles)


def test_tiles_may_overlap_in_different_layers_and_share_an_edge() -> None:
    assert drawable([CustomTile(0, 0, 1, 1), CustomTile(0.7, 0.7, 0.2, 0.2, 1)])
    assert drawable([CustomTile(0, 0, 1 / 3, 1), CustomTile(1 / 3, 0, 1 / 3, 1), CustomTile(2 / 3, 0, 1 / 3, 1)])


# ----------------------------------------------------------------------------------------------------- the loudest


def test_a_place_changes_hands_only_after_its_hold() -> None:
    spotlight = Spotlight()
    spotlight.hear("a", 0.0)
    assert spotlight.at(1, 2.0, 0.0) == ("a",)
    spotlight.hear("b", 5.0)
    assert spotlight.at(1, 2.0, 5.0) == ("b",)
    spotlight.hear("c", 5.5)
    assert spotlight.at(1, 2.0, 5.5) == ("b",)
    assert spotlight.due(1, 2.0) == 7.0
    assert spotlight.at(1, 2.0, 7.0) == ("c",)
    assert spotlight.due(1, 2.0) is None


def test_speakers_keep_their_places_and_the_longest_silent_makes_room() -> None:
    spotlight = Spotlight()
    for now, site in enumerate(("a", "b", "c", "a", "d")):
        spotlight.hear(site, 10.0 * now)
        places = spotlight.at(3, 2.0, 10.0 * now)
    assert places == ("a", "d", "c")  # b was silent longest


def test_who_leaves_gives_its_place_up() -> None:
    spotlight = Spotlight()
    spotlight.hear("a", 0.0)
    spotlight.at(2, 2.0, 0.0)
    spotlight.drop("a")
    assert spotlight.speaker is None
    assert spotlight.at(2, 2.0, 1.0) == (None, None)
