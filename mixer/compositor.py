"""Draws the tiles of one view onto one canvas, and only those whose picture, label or place changed.

Pictures stay I420 and are copied or scaled plane by plane straight to their place.  Tiles are drawn in ascending
`z`; a tile that is drawn again takes along whatever lies over it.  Everything that can be worked out beforehand
(views, crops, labels) is, when the arrangement or a picture's size changes, so that a tick copies and no
more.  Owned by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from mixer import labels
from mixer.layout import Fit, Rect
from mixer.picture import BLACK, Canvas, Picture
from mixer.scaling import Scaler

_KEPT_AT_LEAST = 0.5  # of a picture that is cropped; a portrait phone in a wide tile is shown whole instead
_STRETCHED = 0.99  # an aspect this near is stretched, by less than anybody sees
_TRIM = 1.05  # a picture this much larger than its tile is trimmed, not scaled: sharper, and quicker


@dataclass(frozen=True, slots=True)
class TileSpec:
    """What stands in one rectangle.  `key` names its source, such as (site, track); None leaves it blank.

    `present` and not `camera_off`: the newest picture is shown; otherwise a card with `label` on it.
    """

    rect: Rect
    z: int = 0
    fit: Fit = "crop"
    label: str = ""
    muted: bool = False
    camera_off: bool = False
    present: bool = True
    podium: bool = False
    key: Hashable | None = None


class Compositor:
    """One view.  Tell it what changed with `arrange`, `set_speaker` and `put`, then `compose` once per tick."""

    def __init__(self, width: int, height: int, language: labels.Language = "vi") -> None:
        self.canvas = Canvas(width, height)
        self.canvas.picture.fill(labels.BLANK)
        self._language = language
        self._scaler = Scaler()
        self._tiles: list[_Tile] = []
        self._order: list[int] = []  # ascending z
        self._dirty: list[bool] = []
        self._speaker: Hashable | None = None
        self._repainted = True  # the background, at the last change of places

    def arrange(self, tiles: Sequence[TileSpec]) -> None:
        """Show `tiles` from the next `compose` on.  A source keeps its newest picture wherever it moves.

        Raises ValueError for a tile that lies outside the canvas or is not even.
        """
        old, size = self._tiles, self.canvas.picture
        for spec in tiles:
            _check(spec.rect, size.width, size.height)
        if [_place(tile.spec) for tile in old] == [_place(spec) for spec in tiles]:
            self._refill(tiles)
            return
        pictures = {tile.spec.key: tile.picture for tile in old if tile.spec.key is not None}
        self._tiles = [
            _Tile(spec, self.canvas.picture, pictures.get(spec.key), self._scaler, self._language) for spec in tiles
        ]
        self._order = sorted(range(len(tiles)), key=lambda index: tiles[index].z)
        for place, index in enumerate(self._order):
            tile, later = self._tiles[index], self._order[place + 1 :]
            rect = tile.spec.rect
            tile.above = tuple(other for other in later if tiles[other].rect.overlaps(rect))
            tile.hidden = any(tiles[other].rect.covers(rect) for other in later)
        self._dirty = [True] * len(tiles)
        self._repainted = False
        self._mark_speaker()

    def set_speaker(self, key: Hashable | None) -> None:
        """Frame the tiles of this source; None frames nobody."""
        if key != self._speaker:
            self._speaker = key
            self._mark_speaker()

    def put(self, index: int, picture: Picture | None) -> None:
        """Give tile `index` its newest picture; None takes it away.  Raises IndexError if there is no such tile."""
        tile = self._tiles[index]
        if picture is not tile.picture:
            if tile.would_show:
                self._dirty[index] = True
            tile.picture = picture

    def compose(self) -> int:
        """Draw what changed.  Returns how many tiles were drawn; 0 means that the canvas is as it was."""
        dirty, drawn = self._dirty, 0
        if not self._repainted:
            self.canvas.picture.fill(labels.BLANK)
            self._repainted = True
            drawn = 0 if self._tiles else 1
        for index in self._order:
            if dirty[index]:
                dirty[index] = False
                tile = self._tiles[index]
                if not tile.hidden:
                    tile.draw()
                    drawn += 1
                    for other in tile.above:
                        dirty[other] = True
        return drawn

    def _refill(self, specs: Sequence[TileSpec]) -> None:
        """The places are as they were: only tiles that say or show something else are drawn again."""
        pictures = {tile.spec.key: tile.picture for tile in self._tiles if tile.spec.key is not None}
        for index, (tile, spec) in enumerate(zip(self._tiles, specs, strict=True)):
            if tile.spec != spec:
                picture = tile.picture if spec.key == tile.spec.key else pictures.get(spec.key)
                tile.fill_with(spec, picture)
                self._dirty[index] = True
        self._mark_speaker()

    def _mark_speaker(self) -> None:
        for index, tile in enumerate(self._tiles):
            framed = self._speaker is not None and tile.spec.key == self._speaker
            if framed != tile.framed:
                tile.framed = framed
                self._dirty[index] = True


class _Tile:
    """One rectangle of the canvas and all that is needed to draw it."""

    __slots__ = (
        "_bars",
        "_card",
        "_edges",
        "_fits",
        "_label",
        "_label_place",
        "_language",
        "_rows",
        "_scaler",
        "_source",
        "_source_size",
        "_target",
        "_view",
        "above",
        "framed",
        "hidden",
        "picture",
        "spec",
        "would_show",
    )

    def __init__(
        self, spec: TileSpec, canvas: Picture, picture: Picture | None, scaler: Scaler, language: labels.Language
    ) -> None:
        rect = spec.rect
        self._view = canvas.part(rect.x, rect.y, rect.w, rect.h)
        self._rows = self._view.rows
        self._scaler = scaler
        self._language = language
        whole = (rect.w, rect.h) == (canvas.width, canvas.height)
        self._edges = () if whole else _edges(self._view)  # round everything a frame says nothing
        self.above: tuple[int, ...] = ()
        self.hidden = False
        self.framed = False
        self._source_size = (0, 0)
        self._fits = False
        self._source: Rect | None = None  # the part of the picture that is shown; None: all of it
        self._target = self._view
        self._bars: tuple[Picture, ...] = ()
        self.fill_with(spec, picture)

    def fill_with(self, spec: TileSpec, picture: Picture | None) -> None:
        self.spec, self.picture = spec, picture
        self.would_show = spec.key is not None and spec.present and not spec.camera_off  # a picture, were there one
        # which of card and label is drawn is only known with the next picture: both are made at need
        self._card: Picture | None = None
        self._label: labels.Stamp | None = None
        self._label_place: Picture | None = None

    def draw(self) -> None:
        picture = self.picture
        if picture is not None and self.would_show:
            if self._card is not None:
                self._card = self._label_place = None
            self._draw_picture(picture)
        elif self.spec.key is None:
            self._view.fill(labels.BLANK)
            return
        else:
            if self._card is None:
                self._card, self._label_place = self._make_card(), None
            self._view.copy_from(self._card)
        if self._label_place is None:
            self._place_label()
        if self._label is not None and self._label_place is not None:
            self._label.blend(self._label_place)
        if self.framed:
            for edge in self._edges:
                edge.fill(labels.SPEAKER)

    def _draw_picture(self, picture: Picture) -> None:
        if picture.y.shape != self._source_size:
            self._fit(picture.width, picture.height)
            self._source_size = picture.y.shape
        if self._fits:  # written out: this is what nearly every tile does on nearly every tick
            to_y, to_u, to_v = self._rows
            to_y[...], to_u[...], to_v[...] = picture.rows
            return
        for bar in self._bars:
            bar.fill(BLACK)
        part = self._source
        if part is not None:
            picture = picture.part(part.x, part.y, part.w, part.h)
        self._scaler.scale(picture, self._target)

    def _fit(self, width: int, height: int) -> None:
        """Work out which part of a picture of this size goes where."""
        rect = self.spec.rect
        self._source, self._target, self._bars = None, self._view, ()
        wide = width * rect.h - height * rect.w  # > 0: wider than the tile
        kept = min(width * rect.h, height * rect.w) / max(width * rect.h, height * rect.w)
        crop = self.spec.fit == "crop" and kept >= _KEPT_AT_LEAST
        self._fits = (width, height) == (rect.w, rect.h)
        if self._fits:
            pass
        elif crop and rect.w <= width <= rect.w * _TRIM and rect.h <= height <= rect.h * _TRIM:
            self._source = _centred(width, height, rect.w, rect.h)
        elif kept > _STRETCHED:
            pass
        elif crop:
            if wide > 0:
                self._source = _centred(width, height, height * rect.w / rect.h, height)
            else:
                self._source = _centred(width, height, width, width * rect.h / rect.w)
        else:
            if wide > 0:
                place = _centred(rect.w, rect.h, rect.w, height * rect.w / width)
                bars = (Rect(0, 0, rect.w, place.y), Rect(0, place.y + place.h, rect.w, rect.h - place.y - place.h))
            else:
                place = _centred(rect.w, rect.h, width * rect.h / height, rect.h)
                bars = (Rect(0, 0, place.x, rect.h), Rect(place.x + place.w, 0, rect.w - place.x - place.w, rect.h))
            self._target = self._view.part(place.x, place.y, place.w, place.h)
            self._bars = tuple(self._view.part(bar.x, bar.y, bar.w, bar.h) for bar in bars if bar.w and bar.h)

    def _make_card(self) -> Picture:
        spec = self.spec
        notice: labels.Notice = "absent" if not spec.present else "camera_off" if spec.camera_off else "waiting"
        return labels.card(spec.rect.w, spec.rect.h, spec.label, notice, self._language)

    def _place_label(self) -> None:
        """Find the label of this tile and where it goes: bottom left, inside the speaker's frame."""
        spec, rect = self.spec, self.spec.rect
        size = labels.label_size(rect.h)
        margin = max(2 * round(size * 0.3), _thickness(rect.h) + 2)
        text = "" if self._card is not None else spec.label  # a card says the name itself
        marks = spec.camera_off and rect.h < labels.ICON_HEIGHT  # larger cards show it themselves
        self._label = (
            labels.label(text, size, (rect.w - 2 * margin) & ~1, spec.muted, marks, spec.podium)
            if size and rect.w >= 2 * margin + 4 * size
            else None
        )
        if self._label is None:
            self._label_place = self._view  # nothing to draw, and nothing to look for again
            return
        width, height = self._label.width, self._label.height
        self._label_place = self._view.part(margin, rect.h - margin - height, width, height)


def _place(spec: TileSpec) -> tuple[Rect, int, Fit]:
    return spec.rect, spec.z, spec.fit


def _check(rect: Rect, width: int, height: int) -> None:
    if (rect.x | rect.y | rect.w | rect.h) & 1 or rect.w <= 0 or rect.h <= 0:
        raise ValueError(f"tile {rect} is not even")
    if rect.x < 0 or rect.y < 0 or rect.x + rect.w > width or rect.y + rect.h > height:
        raise ValueError(f"tile {rect} lies outside the canvas of {width}x{height}")


def _centred(width: int, height: int, part_width: float, part_height: float) -> Rect:
    """The middle of a picture, even in all four."""
    w = min(max(2 * round(part_width / 2), 2), width)
    h = min(max(2 * round(part_height / 2), 2), height)
    return Rect((width - w) // 4 * 2, (height - h) // 4 * 2, w, h)


def _thickness(height: int) -> int:
    return 2 if height < 120 else min(max(2 * round(height * 0.011), 4), 8)


def _edges(view: Picture) -> tuple[Picture, ...]:
    width, height = view.width, view.height
    thick = _thickness(height)
    if min(width, height) < 4 * thick:
        return ()
    return (
        view.part(0, 0, width, thick),
        view.part(0, height - thick, width, thick),
        view.part(0, thick, thick, height - 2 * thick),
        view.part(width - thick, thick, thick, height - 2 * thick),
    )
