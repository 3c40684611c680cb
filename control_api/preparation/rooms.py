"""Room models (S71): views, renditions and options, and the commands that make a live conference so.  Pure.

Three models come with the program; the Sở adds its own.  A meeting keeps a copy (`plans.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from control_api.api import Model
from control_api.conferences.limits import check_personal_views
from control_api.conferences.models import PagesChange, Pixels
from control_api.problems import Refused
from control_api.settings import MOST_PERSONAL_VIEWS
from mcu_core.commands import Command, SetLayout, SetOptions, SetPersonalView, SetPodiumLayout, SetRendition
from mcu_core.scene import AUTO, CustomTile, Pages, Transition, layout_exists

LayoutName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f]+$", examples=["1+5"])]
CODECS = 2  # H.264 and VP8: an encoding of each that somebody watches


class RoomView(Model):
    """A shared view: its layout, canvas and encoding."""

    view: Literal["programme", "chair", "wall"]
    layout: LayoutName = "auto"
    pages: PagesChange | None = None
    transition: Transition = "cut"
    width: Pixels = 1280
    height: Pixels = 720
    frame_rate: Annotated[float, Field(ge=1, le=60)] = 30.0
    bitrate_bps: Annotated[int, Field(ge=50_000, le=20_000_000)] = 1_500_000

    @model_validator(mode="after")
    def _fits(self) -> RoomView:
        if self.width % 2 or self.height % 2:
            raise PydanticCustomError("not_even", "width and height are even")
        if self.pages is not None and self.layout != AUTO:
            raise PydanticCustomError("only_auto_pages", "only the layout auto turns pages")
        return self


class PersonalRoom(Model):
    """A site with a view of its own; it costs an encoder."""

    site: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")]
    layout: LayoutName = "auto"


class RoomModel(Model):
    """How the room of a meeting is arranged before it begins."""

    views: tuple[RoomView, ...] = Field(default=(), max_length=3)
    podium_programme: LayoutName = "auto"
    podium_chair: LayoutName = "1"
    personal: tuple[PersonalRoom, ...] = Field(default=(), max_length=MOST_PERSONAL_VIEWS)
    auto_mute_noisy: bool = False
    pass_through: bool = True
    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")] = ""

    @model_validator(mode="after")
    def _once_each(self) -> RoomModel:
        if len({view.view for view in self.views}) < len(self.views):
            raise PydanticCustomError("twice", "a room model arranges each view once")
        if len({one.site for one in self.personal}) < len(self.personal):
            raise PydanticCustomError("twice", "a site has one view of its own")
        return self

    @property
    def layouts(self) -> set[str]:
        named = {view.layout for view in self.views} | {one.layout for one in self.personal}
        return named | {self.podium_programme, self.podium_chair}


class Allocation(Model):
    """What the model costs the MCU beside the sites' own pictures."""

    encodings: int = Field(description="At most, with both codecs of every view in use.")
    megapixels_per_s: float = Field(description="To compose and encode, with both codecs of every view in use.")
    bitrate_bps: int = Field(description="Sent to each site at most, by the largest view.")


def allocation(model: RoomModel) -> Allocation:
    views: list[RoomView] = [*model.views]
    views += [RoomView(view=name) for name in ("programme", "chair") if name not in {view.view for view in views}]
    if "wall" not in {view.view for view in views}:
        views.append(RoomView(view="wall", frame_rate=5.0, bitrate_bps=400_000))
    pixels = sum(view.width * view.height * view.frame_rate for view in views)
    pixels += len(model.personal) * 1280 * 720 * 30.0
    return Allocation(
        encodings=CODECS * (len(views) + len(model.personal)),
        megapixels_per_s=round(CODECS * pixels / 1e6, 1),
        bitrate_bps=max(view.bitrate_bps for view in views),
    )


def check_model(model: RoomModel, drawn: Mapping[str, tuple[CustomTile, ...]], personal_views: int) -> None:
    """Raises Refused `unknown_layout`, or `too_many_views` for more than so many."""
    check_personal_views(len(model.personal), personal_views)
    for name in sorted(model.layouts):
        if not layout_exists(name) and name not in drawn:
            raise Refused(
                "unknown_layout",
                f"Không có bố cục “{name}”. Hãy chọn bố cục trong danh mục.",
                f"There is no layout “{name}”. Choose one of the catalogue.",
            )


def commands_of(model: RoomModel, drawn: Mapping[str, tuple[CustomTile, ...]]) -> list[tuple[str, Command]]:
    """Commands that arrange a live conference, each with a name that stays the same; renditions first."""
    found: list[tuple[str, Command]] = []
    for view in model.views:
        form = SetRendition(view.view, view.width, view.height, view.frame_rate, view.bitrate_bps)
        pages = None if view.pages is None else Pages(view.pages.tiles, view.pages.seconds)
        tiles = drawn.get(view.layout, ())
        found += [
            (f"rendition-{view.view}", form),
            (f"layout-{view.view}", SetLayout(view.view, view.layout, tiles, pages, view.transition)),
        ]
    programme, chair = model.podium_programme, model.podium_chair
    found += [
        ("podium-programme", SetPodiumLayout("programme", programme, drawn.get(programme, ()))),
        ("podium-chair", SetPodiumLayout("chair", chair, drawn.get(chair, ()))),
        ("options", SetOptions(model.auto_mute_noisy, model.pass_through)),
    ]
    return found + [
        (f"personal-{one.site}", SetPersonalView(one.site, one.layout, tiles=drawn.get(one.layout, ())))
        for one in model.personal
    ]


SHIPPED: Mapping[str, tuple[str, str, RoomModel]] = {
    "giao-ban": (
        "Họp giao ban: chủ tọa thấy tất cả, điểm cầu thấy người phát biểu",
        "Regular meeting: the chair sees everybody, the sites see the speaker",
        RoomModel(
            views=(
                RoomView(view="programme", layout="1+5"),
                RoomView(view="chair", layout="auto", pages=PagesChange(tiles=16, seconds=15.0)),
                RoomView(view="wall", frame_rate=5.0, bitrate_bps=400_000),
            ),
            auto_mute_noisy=True,
        ),
    ),
    "hoi-nghi": (
        "Hội nghị toàn tỉnh: một điểm cầu lớn, lần lượt từng trang",
        "Provincial conference: one large picture, the others page by page",
        RoomModel(
            views=(
                RoomView(
                    view="programme", layout="1", transition="fade", width=1920, height=1080, bitrate_bps=3_000_000
                ),
                RoomView(view="chair", layout="auto", pages=PagesChange(tiles=25, seconds=20.0)),
                RoomView(view="wall", frame_rate=5.0, bitrate_bps=400_000),
            ),
            podium_programme="1",
            auto_mute_noisy=True,
        ),
    ),
    "trao-doi": (
        "Họp trao đổi ít điểm cầu: mọi điểm cầu bằng nhau",
        "Discussion of a few sites: all of one size",
        RoomModel(views=(RoomView(view="programme"), RoomView(view="chair"), RoomView(view="wall", frame_rate=5.0))),
    ),
}
