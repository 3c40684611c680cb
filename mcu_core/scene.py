"""What a conference shows and lets be heard: per view a layout with some cells filled, plus the audio rule.

A scene is what the operator decided; `resolve` turns one view of it, the sites that are there and the time into tiles:

1. cells that the operator gave a site keep it, present or not (the label then stands on a placeholder card);
2. cells with a rule (`Filler`) take the podium, the shared screen, who is loudest, or the next in turn;
3. the podium takes the first free cell of every view but the wall;
4. the remaining cells take the seated sites, main site first, then by number; nobody twice, and on a paged view as
   many at a time as there are tiles; nobody is shown to itself on its personal view;
5. what is still free stays blank.

A view that follows content ("auto" does, and a view arranged by the podium) switches to a content layout while the
podium's site, or else the main site, shares a screen: the screen in cell 0, the sharing site's camera next.  A screen
shared by anyone else is shown only where the operator places it.  The wall shows every seated site, up to 256, and
never jumps.

Turns follow the clock: a rule turns at whole periods since the clock's zero, so views of one period turn together.  The
only thing remembered is who was first at the last turn (`Turn`): whoever joins or leaves, the page stays where it is.
Whom the turns of the next two seconds bring is told beforehand (`Resolved.coming`), so that their pictures are there.

Pure values; sites are named by id.  `scene_to_json` and `scene_from_json` are the stored form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from mcu_core.wire import Track, View
from mixer.layout import auto_layout, catalogue, overlapping

VIEWS: tuple[View, ...] = ("programme", "chair", "wall")
AUTO, CUSTOM = "auto", "custom"
AUTO_CELLS = 25  # "auto" shows that many sites, the first ones
WALL_CELLS = 256
MAX_CUSTOM_TILES = 144
SMALLEST_TILE = 0.02  # of the canvas
LEAD = 2.0  # seconds: a camera that was off is told, starts, and its first picture is decoded
_EARLY = 1e-3  # a timer that wakes this much too early has still seen the turn

# Automatic layouts with one large picture, by the number of sites they hold.
_LED = ((1, "1"), (2, "1+1"), (3, "1+2"), (4, "1+3"), (6, "1+5"), (8, "1+7"), (10, "1+9"), (13, "1+12"))

Fit = Literal["letterbox", "crop"]
AudioRule = Literal["open", "podium"]
Transition = Literal["cut", "fade"]
FillerKind = Literal["podium", "loudest", "rotation", "content", "blank"]


def personal_view(number: int) -> View:
    """Name of the personal view of the site with this number."""
    return f"site:{number}"


def is_personal(view: View) -> bool:
    return view.startswith("site:")


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
        if not all(map(math.isfinite, numbers)) or min(self.x, self.y) < 0 or min(self.w, self.h) < SMALLEST_TILE:
            return False
        return self.x + self.w <= 1 + 1e-9 and self.y + self.h <= 1 + 1e-9


def drawable(tiles: Sequence[CustomTile]) -> bool:
    """Whether these make a layout: 1 to 144 tiles on the canvas, and where two overlap, one is in front."""
    if not 1 <= len(tiles) <= MAX_CUSTOM_TILES or not all(tile.fits_canvas() for tile in tiles):
        return False
    return not any(
        one.z == other.z and overlapping((one.x, one.y, one.w, one.h), (other.x, other.y, other.w, other.h))
        for index, one in enumerate(tiles)
        for other in tiles[:index]
    )


@dataclass(frozen=True, slots=True)
class LayoutChoice:
    """A layout for later; `tiles` of one that is not in the catalogue."""

    layout: str
    tiles: tuple[CustomTile, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    site: str
    track: Track = "camera"


@dataclass(frozen=True, slots=True)
class Filler:
    """A rule that fills a cell.  Equal rules of one view share their turn: each cell shows another site."""

    kind: FillerKind
    seconds: float = 0.0  # rotation: how long a site stays; loudest: how long one is kept at least
    sites: tuple[str, ...] = ()  # rotation: over these; none named: over all that are there


Filling = Placement | Filler


@dataclass(frozen=True, slots=True)
class Pages:
    """Show all sites, `tiles` at a time, turning every `seconds`."""

    tiles: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ViewScene:
    """One view of a scene.  `cells` holds only what the operator decided."""

    layout: str = AUTO
    cells: Mapping[int, Filling] = field(default_factory=lambda: MappingProxyType({}))
    tiles: tuple[CustomTile, ...] = ()  # of a layout that is not in the catalogue
    follows_content: bool = True
    led: bool = False  # an automatic layout has one large picture, as many small ones as there are sites
    pages: Pages | None = None
    transition: Transition = "cut"

    def placing(self, cell: int, filling: Filling | None) -> ViewScene:
        """This view with one cell filled, or given back to automatic filling."""
        cells = {index: what for index, what in self.cells.items() if index != cell}
        if filling is not None:
            cells[cell] = filling
        return replace(self, cells=_frozen(cells))

    def without(self, site: str) -> ViewScene:
        kept = {index: _without(what, site) for index, what in self.cells.items()}
        return replace(self, cells=_frozen({index: what for index, what in kept.items() if what is not None}))


def _without(what: Filling, site: str) -> Filling | None:
    if isinstance(what, Placement):
        return None if what.site == site else what
    if site not in what.sites:
        return what
    rest = tuple(other for other in what.sites if other != site)
    return replace(what, sites=rest) if rest else None


def _frozen(cells: dict[int, Filling]) -> Mapping[int, Filling]:
    return MappingProxyType(dict(sorted(cells.items())))


@dataclass(frozen=True, slots=True)
class Scene:
    """`audio` "open": everybody may be heard; "podium": the podium and the main site only."""

    views: Mapping[View, ViewScene] = field(
        default_factory=lambda: MappingProxyType({view: ViewScene(follows_content=view != "wall") for view in VIEWS})
    )
    podium: str | None = None
    audio: AudioRule = "open"

    @property
    def personal(self) -> tuple[View, ...]:
        """Views that belong to one site."""
        return tuple(view for view in self.views if is_personal(view))

    def with_view(self, view: View, scene: ViewScene) -> Scene:
        return replace(self, views=MappingProxyType({**self.views, view: scene}))

    def without_view(self, view: View) -> Scene:
        return replace(self, views=MappingProxyType({key: own for key, own in self.views.items() if key != view}))

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
class Turn:
    """Who was first when a rule turned last."""

    first: Placement
    index: int  # among those who took turns; whoever comes after it stands there once it has left
    number: int | None  # of the period; None: everybody had a place, nothing turned


Turns = Mapping["Filler | Pages", Turn]
NO_TURNS: Turns = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Resolved:
    layout: str  # name of the layout in use
    tiles: tuple[Tile, ...]
    turns_at: float | None = field(default=None, compare=False)  # when tiles or `coming` next change by themselves
    coming: tuple[Tile, ...] = field(default=(), compare=False)  # what is in no tile yet, and is within LEAD
    turns: Turns = field(default_factory=lambda: NO_TURNS, compare=False)  # for the next `resolve` of this view


Heard = Callable[[int, float], Sequence[str | None]]  # (places, hold) -> who holds each place as one of the loudest


def nobody_heard(places: int, hold: float) -> Sequence[str | None]:
    return ()


def resolve(
    view: View,
    scene: Scene,
    seated: Sequence[str],
    content: str | None = None,
    *,
    now: float = 0.0,
    heard: Heard = nobody_heard,
    viewer: str | None = None,
    turned: Turns = NO_TURNS,
) -> Resolved:
    """Tiles of one view.

    `seated`: ids of the sites that hold their seat (live or briefly away), main site first, then by number.
    `content`: the site whose shared screen a view that follows content shows.
    `viewer`: the site whose personal view this is; it is not shown to itself unless placed.
    `turned`: `Resolved.turns` of this view's last time.
    """
    turns = ahead = _Turns(now, turned)
    name, tiles = _filled_layout(view, scene, seated, content, turns, heard, viewer)
    known = {(tile.site, tile.track) for tile in tiles}
    coming: list[Tile] = []
    while ahead.next is not None and ahead.next <= now + LEAD + _EARLY:
        ahead = _Turns(ahead.next, ahead.done)
        _, later = _filled_layout(view, scene, seated, content, ahead, heard, viewer)
        coming += [tile for tile in later if tile.site is not None and (tile.site, tile.track) not in known]
    times = [turns.next, None if ahead.next is None else ahead.next - LEAD]
    turns_at = min((time for time in times if time is not None), default=None)
    return Resolved(name, tiles, turns_at, tuple(coming), turns.done)


def _filled_layout(
    view: View,
    scene: Scene,
    seated: Sequence[str],
    content: str | None,
    turns: _Turns,
    heard: Heard,
    viewer: str | None,
) -> tuple[str, tuple[Tile, ...]]:
    """Name of the layout and its tiles at the moment of `turns`."""
    chosen = scene.views[view]
    others = [site for site in seated if site != viewer]
    decided = _decided(chosen, scene.podium, others, content, turns, heard)
    asks_content = any(isinstance(what, Filler) and what.kind == "content" for what in chosen.cells.values())
    if not chosen.follows_content or asks_content or content == viewer:
        content = None
    taken = {what for what in decided.values() if what is not None}
    podium = scene.podium if view != "wall" and scene.podium != viewer else None
    heads = tuple(what for what in _heads(podium, content) if what not in taken)
    rest = [what for what in map(Placement, others) if what not in taken and what not in heads]
    name, cells = _layout(view, chosen, len(heads) + len(rest), content)
    free = [index for index in range(len(cells)) if index not in decided]
    if chosen.pages is not None:
        places = max(1, min(chosen.pages.tiles, len(free)) - len(heads))
        first = turns.first(chosen.pages, rest, places, _pages_on)
        rest = rest[first : first + places]
    filled = decided | dict(zip(free, (*heads, *rest), strict=False))
    tiles = []
    for index, cell in enumerate(cells):
        placed = filled.get(index)
        if placed is not None:
            cell = Tile(cell.x, cell.y, cell.w, cell.h, cell.z, cell.fit, placed.site, placed.track)
        tiles.append(cell)
    return name, tuple(tiles)


Onward = Callable[[int, int, int, int], int]  # (start, periods, places, how many take turns) -> who is first then


def _round_on(start: int, periods: int, places: int, count: int) -> int:
    """A rotation: after the last comes the first."""
    return (start + periods * places) % count


def _pages_on(start: int, periods: int, places: int, count: int) -> int:
    """Pages: the last one may be short, then again from the beginning."""
    left = math.ceil((count - start) / places)
    return start + periods * places if periods < left else (periods - left) % math.ceil(count / places) * places


class _Turns:
    """Whose turn it is at one moment, and when that next changes."""

    def __init__(self, now: float, before: Turns) -> None:
        self._now, self._before = now, before
        self.done: dict[Filler | Pages, Turn] = {}
        self.next: float | None = None

    def first(self, rule: Filler | Pages, waiting: Sequence[Placement], places: int, onward: Onward) -> int:
        """Which of `waiting` has the first of so many places."""
        if not waiting:
            return 0
        index, number = 0, None
        if len(waiting) > places:
            number = self._count(rule.seconds)
            index = self._index(self._before.get(rule), number, waiting, places, onward)
        self.done[rule] = Turn(waiting[index], index, number)
        return index

    @staticmethod
    def _index(before: Turn | None, number: int, waiting: Sequence[Placement], places: int, onward: Onward) -> int:
        count = len(waiting)
        if before is None:
            return onward(0, number, places, count)
        start = waiting.index(before.first) if before.first in waiting else before.index % count
        return start if before.number is None else onward(start, max(0, number - before.number), places, count)

    def _count(self, seconds: float) -> int:
        number = math.floor((self._now + _EARLY) / seconds)
        ends = (number + 1) * seconds
        self.next = ends if self.next is None else min(self.next, ends)
        return number


def _decided(
    chosen: ViewScene, podium: str | None, seated: Sequence[str], content: str | None, turns: _Turns, heard: Heard
) -> dict[int, Placement | None]:
    """Cells that the operator filled or gave a rule; None: deliberately blank.

    Whom one cell has taken, a later rule does not show again.  A cell for the loudest is missing while nobody speaks.
    """
    decided: dict[int, Placement | None] = {i: what for i, what in chosen.cells.items() if isinstance(what, Placement)}
    taken = set(decided.values())
    rules: dict[Filler, list[int]] = {}
    for index, what in chosen.cells.items():
        if isinstance(what, Filler):
            rules.setdefault(what, []).append(index)
    for rule in sorted(rules, key=lambda rule: _RULE_ORDER.index(rule.kind)):
        cells = rules[rule]
        for index, placed in zip(
            cells, _picked(rule, len(cells), podium, seated, content, turns, heard, taken), strict=True
        ):
            if placed is not None or rule.kind != "loudest":
                decided[index] = placed
                taken.add(placed)
    return decided


_RULE_ORDER: tuple[FillerKind, ...] = ("podium", "content", "blank", "loudest", "rotation")


def _picked(
    rule: Filler,
    count: int,
    podium: str | None,
    seated: Sequence[str],
    content: str | None,
    turns: _Turns,
    heard: Heard,
    taken: set[Placement | None],
) -> list[Placement | None]:
    """Whom `count` cells of one rule show, nobody of `taken`."""
    picked: list[Placement | None]
    if rule.kind == "loudest":
        places = [
            None if site is None or site not in seated else Placement(site) for site in heard(count, rule.seconds)
        ]
        picked = [None if place in taken else place for place in places]
    elif rule.kind == "rotation":
        named = rule.sites or seated
        waiting = [place for place in map(Placement, named) if place.site in seated and place not in taken]
        first = turns.first(rule, waiting, count, _round_on)
        picked = [waiting[(first + k) % len(waiting)] for k in range(min(count, len(waiting)))]
    else:
        one = None
        if rule.kind == "podium" and podium is not None:
            one = Placement(podium)
        elif rule.kind == "content" and content is not None:
            one = Placement(content, "screen")
        picked = [None if one in taken else one]
    return picked + [None] * (count - len(picked))


def cell_count(view: View, chosen: ViewScene) -> int:
    """How many cells the operator may place sites in; an automatic layout grows as far as it can."""
    if chosen.tiles:
        return len(chosen.tiles)
    if chosen.layout != AUTO:
        return len(_catalogued(chosen.layout))
    if chosen.pages is not None:
        return len(auto_layout(chosen.pages.tiles).cells)
    return _LED[-1][0] if chosen.led else _most_cells(view)


def _most_cells(view: View) -> int:
    return WALL_CELLS if view == "wall" else AUTO_CELLS


def layout_exists(name: str) -> bool:
    """Whether a view can take the name without tiles of its own."""
    return name == AUTO or name in catalogue()


def _heads(podium: str | None, content: str | None) -> tuple[Placement, ...]:
    """What comes before everybody else."""
    heads: list[Placement] = []
    if content is not None:
        heads += [Placement(content, "screen"), Placement(content)]
    if podium is not None:
        heads.append(Placement(podium))
    return tuple(dict.fromkeys(heads))


def _layout(view: View, chosen: ViewScene, waiting: int, content: str | None) -> tuple[str, tuple[Tile, ...]]:
    """Name and cells for what is decided and `waiting` others."""
    if chosen.tiles:
        return chosen.layout, tuple(Tile(t.x, t.y, t.w, t.h, t.z, t.fit) for t in chosen.tiles)
    if chosen.layout != AUTO and content is None:
        return chosen.layout, _catalogued(chosen.layout)
    needed = max(len(chosen.cells) + waiting, 1 + max(chosen.cells, default=-1))
    if chosen.layout != AUTO:  # a podium view keeps to as many pictures as its own layout has
        needed = min(needed, 1 + len(_catalogued(chosen.layout)))
    if content is not None:
        layout = auto_layout(min(max(1, needed - 1), AUTO_CELLS), True)
        if max(chosen.cells, default=-1) < len(layout.cells):
            return layout.name, _catalogued(layout.name)
    if chosen.pages is not None:
        needed = chosen.pages.tiles
    elif chosen.led:
        name = next((name for cells, name in _LED if cells >= needed), _LED[-1][1])
        return name, _catalogued(name)
    layout = auto_layout(min(max(1, needed), _most_cells(view)), False)
    return layout.name, _catalogued(layout.name)


@lru_cache(maxsize=128)
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
    """A layout that is no longer in the catalogue becomes "auto".  What documents of before lack is as it was then.

    Raises KeyError, TypeError or ValueError on a document that `scene_to_json` did not write.
    """
    views = {view: _view_from_json(data["views"][view]) for view in (*VIEWS, *filter(is_personal, data["views"]))}
    audio: AudioRule = "podium" if data["audio"] == "podium" else "open"
    return Scene(MappingProxyType(views), data["podium"], audio)


def choice_to_json(choice: LayoutChoice) -> str | dict[str, Any]:
    return {"layout": choice.layout, "tiles": _tiles_to_json(choice.tiles)} if choice.tiles else choice.layout


def choice_from_json(data: str | Mapping[str, Any]) -> LayoutChoice | None:
    """None: a layout that is no longer in the catalogue."""
    if isinstance(data, str):
        return LayoutChoice(data) if layout_exists(data) else None
    return LayoutChoice(str(data["layout"]), _tiles_from_json(data["tiles"]))


def _tiles_to_json(tiles: Sequence[CustomTile]) -> list[list[Any]]:
    return [[t.x, t.y, t.w, t.h, t.z, t.fit] for t in tiles]


def _tiles_from_json(data: Sequence[Sequence[Any]]) -> tuple[CustomTile, ...]:
    return tuple(CustomTile(*tile) for tile in data)


def _view_to_json(chosen: ViewScene) -> dict[str, Any]:
    return {
        "layout": chosen.layout,
        "cells": [
            [index, what.site, what.track]
            if isinstance(what, Placement)
            else [index, {"kind": what.kind, "seconds": what.seconds, "sites": list(what.sites)}]
            for index, what in chosen.cells.items()
        ],
        "tiles": _tiles_to_json(chosen.tiles),
        "follows_content": chosen.follows_content,
        "led": chosen.led,
        "pages": None if chosen.pages is None else [chosen.pages.tiles, chosen.pages.seconds],
        "transition": chosen.transition,
    }


def _view_from_json(data: Mapping[str, Any]) -> ViewScene:
    cells: dict[int, Filling] = {}
    for index, what, *track in data["cells"]:
        if isinstance(what, dict):
            cells[int(index)] = Filler(what["kind"], float(what["seconds"]), tuple(what["sites"]))
        else:
            cells[int(index)] = Placement(str(what), track[0])
    tiles = _tiles_from_json(data["tiles"])
    layout, pages = str(data["layout"]), data.get("pages")
    return ViewScene(
        layout if tiles or layout_exists(layout) else AUTO,
        _frozen(cells),
        tiles,
        bool(data["follows_content"]),
        bool(data.get("led", False)),
        None if pages is None else Pages(int(pages[0]), float(pages[1])),
        "fade" if data.get("transition") == "fade" else "cut",
    )
