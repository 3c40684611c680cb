from __future__ import annotations

import unicodedata
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.layout import Cell, Layout, Rect, auto_layout, catalogue, parse_layout, to_pixels

NEEDED = ("1", "1+1", "1+2", "2x2", "1+5", "1+7", "3x3", "4x4", "1+12", "5x5", "pip", "content+1", "content+4")

layouts = st.sampled_from(sorted(catalogue()))
sizes = st.integers(20, 1100).map(lambda half: 2 * half)


@given(name=layouts, width=sizes, height=sizes)
def test_tiles_are_even_inside_and_overlap_only_where_declared(name: str, width: int, height: int) -> None:
    cells = catalogue()[name].cells
    rects = [to_pixels(cell, width, height) for cell in cells]
    for rect in rects:
        assert not (rect.x | rect.y | rect.w | rect.h) & 1
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.w >= 2
        assert rect.h >= 2
        assert rect.x + rect.w <= width
        assert rect.y + rect.h <= height
    for (a, one), (b, other) in combinations(zip(cells, rects, strict=True), 2):
        if one.overlaps(other):
            assert a.z != b.z, f"{name}: {one} and {other}"


@given(
    edges=st.lists(st.floats(0, 1), min_size=2, max_size=12),
    width=sizes,
)
def test_neighbours_share_their_edge_in_pixels(edges: list[float], width: int) -> None:
    edges = [0.0, *sorted(edges), 1.0]
    rects = [to_pixels((a, 0, b - a, 1), width, 40) for a, b in pairwise(edges) if b - a > 4 / width]
    for left, right in combinations(rects, 2):
        assert not left.overlaps(right)


@pytest.mark.parametrize(
    ("columns", "width"), [(3, 1280), (5, 1280), (6, 854), (6, 30), (6, 1254), (12, 1920), (16, 1280)]
)
def test_a_grid_covers_its_whole_width(columns: int, width: int) -> None:
    rects = [to_pixels((i / columns, 0, 1 / columns, 1), width, 720) for i in range(columns)]
    assert rects[0].x == 0
    assert rects[-1].x + rects[-1].w == width
    assert all(a.x + a.w == b.x for a, b in pairwise(rects))


@pytest.mark.parametrize("name", NEEDED)
def test_layout_is_there(name: str) -> None:
    assert name in catalogue()


def test_titles_are_composed_and_distinct() -> None:
    for title in ("title_vi", "title_en"):
        titles = [getattr(layout, title) for layout in catalogue().values()]
        assert len(set(titles)) == len(titles)
        assert all(unicodedata.is_normalized("NFC", title) for title in titles)


def test_first_cell_is_the_largest() -> None:
    for layout in catalogue().values():
        areas = [round(cell.w * cell.h, 9) for cell in layout.cells]
        assert areas[0] == max(areas), layout.name


def test_shared_content_is_never_cropped() -> None:
    for layout in catalogue().values():
        if layout.name.startswith("content"):
            assert layout.cells[0].fit == "letterbox"


@given(sites=st.integers(0, 256))
def test_auto_layout_has_room_for_all_and_no_smaller_one_has(sites: int) -> None:
    chosen = auto_layout(sites)
    assert len(chosen.cells) >= sites
    fewer = auto_layout(sites - 1) if sites else chosen
    assert len(fewer.cells) <= len(chosen.cells)


@pytest.mark.parametrize(
    ("sites", "name"),
    [(0, "1"), (1, "1"), (2, "1+1"), (4, "2x2"), (9, "3x3"), (16, "4x4"), (25, "5x5"), (120, "12x10")],
)
def test_auto_layout_by_head_count(sites: int, name: str) -> None:
    assert auto_layout(sites).name == name


@pytest.mark.parametrize(("sites", "name"), [(0, "content"), (1, "content+1"), (2, "content+4"), (30, "content+4")])
def test_auto_layout_beside_content(sites: int, name: str) -> None:
    assert auto_layout(sites, content=True).name == name


def test_more_sites_than_any_layout_has_cells() -> None:
    assert len(auto_layout(10_000).cells) == 256


def test_pip_lies_inside_the_large_picture() -> None:
    large, small = (to_pixels(cell, 1280, 720) for cell in catalogue()["pip"].cells)
    assert large == Rect(0, 0, 1280, 720)
    assert large.covers(small)
    assert not small.covers(large)


def test_layout_file_is_read() -> None:
    text = """
        name = "x"
        title_vi = "Thử"
        title_en = "Try"
        columns = 2
        rows = 1
        cells = [{ at = [0, 0, 1, 1], z = 2, fit = "letterbox" }, { at = [1, 0.5, 1, 0.5] }]
    """
    cells = (Cell(0, 0, 0.5, 1, 2, "letterbox"), Cell(0.5, 0.5, 0.5, 0.5))
    assert parse_layout(text) == Layout("x", "Thử", "Try", cells)


@pytest.mark.parametrize("at", ["[0, 0, 3, 1]", "[-1, 0, 1, 1]", "[0, 0, 0, 1]"])
def test_cell_outside_its_grid_is_refused(at: str) -> None:
    with pytest.raises(ValueError, match="outside"):
        parse_layout(f'name="x"\ntitle_vi="x"\ntitle_en="x"\ncolumns=2\nrows=1\ncells=[{{ at = {at} }}]')
