"""What one view draws from the next tick on: a plan worked out to pixels.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcu_core.errors import OperatorError
from mcu_core.mixing.quarantine import Source
from mcu_core.wire import MixPlan, RenditionPlan, SitePlan, TilePlan, ViewPlan
from mixer.compositor import TileSpec
from mixer.layout import to_pixels

LARGEST = 1920 * 1088  # pixels of a view or rendition
FASTEST = 60.0  # frames a second


@dataclass(frozen=True, slots=True)
class Scene:
    """Tiles in the order of the plan, and beside each the track that fills it (None: blank or no picture wanted)."""

    revision: int
    plan: ViewPlan
    tiles: tuple[TileSpec, ...]
    sources: tuple[Source | None, ...]

    @property
    def size(self) -> tuple[int, int]:
        return self.plan.width, self.plan.height


def check_plan(plan: MixPlan) -> None:
    """Raises OperatorError "bad_plan" for a view or rendition that cannot be drawn or encoded."""
    parts: tuple[ViewPlan | RenditionPlan, ...] = (*plan.views, *plan.renditions)
    for part in parts:
        width, height = part.width, part.height
        sound = width >= 32 and height >= 32 and not (width | height) & 1 and width * height <= LARGEST
        if not sound or not 1.0 <= part.frame_rate <= FASTEST:
            raise OperatorError(
                "bad_plan",
                f"Khung hình {part.view} {width}x{height}, {part.frame_rate:g} hình/giây không tạo được: hai cạnh "
                "phải chẵn, từ 32 điểm ảnh, không quá 1920x1088, và từ 1 đến 60 hình/giây.",
                f"The view {part.view} of {width}x{height} at {part.frame_rate:g} frames/s cannot be made: both sides "
                "must be even, at least 32 pixels, no more than 1920x1088, and the rate from 1 to 60 frames/s.",
            )


def make_scene(revision: int, plan: ViewPlan, sites: Mapping[int, SitePlan]) -> Scene:
    """Place `plan` on its canvas.  A site that is not in `sites` leaves its tile blank."""
    tiles, sources = [], []
    for tile in plan.tiles:
        spec = _tile(tile, plan, sites)
        tiles.append(spec)
        shown = spec.key is not None and spec.present and not spec.camera_off
        sources.append((tile.site, tile.track) if shown and tile.site is not None else None)
    return Scene(revision, plan, tuple(tiles), tuple(sources))


def _tile(tile: TilePlan, plan: ViewPlan, sites: Mapping[int, SitePlan]) -> TileSpec:
    rect = to_pixels((tile.x, tile.y, tile.w, tile.h), plan.width, plan.height)
    site = sites.get(tile.site) if tile.site is not None else None
    if site is None:
        return TileSpec(rect, tile.z, tile.fit)
    return TileSpec(
        rect,
        tile.z,
        tile.fit,
        label=site.name,
        muted=site.muted,
        camera_off=site.camera_off and tile.track == "camera",
        present=site.present,
        podium=plan.podium == site.site,
        key=(site.site, tile.track),
    )
