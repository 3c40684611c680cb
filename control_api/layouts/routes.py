"""The layouts that a view can take: the catalogue, and those the office drew itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from control_api.accounts.rules import Right
from control_api.api import Call, Model, Routes
from control_api.layouts.store import DrawnLayout, LayoutStore
from mcu_core.scene import MAX_CUSTOM_TILES, CustomTile, layout_exists
from mixer.layout import Cell, catalogue

routes = Routes("layouts")

LayoutName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+_.-]{0,39}$", examples=["hop-giao-ban"])]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Title = Annotated[str, Field(min_length=1, max_length=200)]


class LayoutCell(Model):
    """A place, in fractions of the canvas; drawn in ascending `z`."""

    x: Fraction
    y: Fraction
    w: Fraction
    h: Fraction
    z: Annotated[int, Field(ge=0, le=1000)] = 0
    fit: Literal["letterbox", "crop"] = "crop"


class LayoutDrawing(Model):
    """At most 144 cells; each side at least 2 % of the canvas; cells that overlap need different `z`."""

    title_vi: Title
    title_en: Title | None = Field(default=None, description="Left out: as in Vietnamese.")
    cells: tuple[LayoutCell, ...] = Field(min_length=1, max_length=MAX_CUSTOM_TILES)


class NewLayout(LayoutDrawing):
    name: LayoutName


class LayoutAnswer(Model):
    """Cell 0 is the most important place."""

    name: str
    title_vi: str
    title_en: str
    cells: tuple[LayoutCell, ...]
    custom: bool = Field(default=False, description="Drawn by the office: it can be changed and removed.")


@routes.get("/layouts", right=Right.READ)
async def list_layouts(call: Call) -> list[LayoutAnswer]:
    """All layouts: the catalogue by number of cells, then those drawn by the office by name."""
    shipped = [
        LayoutAnswer(name=one.name, title_vi=one.title_vi, title_en=one.title_en, cells=_cells(one.cells))
        for one in catalogue().values()
    ]
    return shipped + [_answer(drawn) for drawn in await LayoutStore(call.services.database).all()]


@routes.post("/layouts", right=Right.OPERATE, status=201)
async def create_layout(call: Call, body: NewLayout) -> LayoutAnswer:
    """Draw a layout. Every view of every conference can take it by its name."""
    drawn = _drawn(body.name, body)
    await LayoutStore(call.services.database).add(drawn, call.services.now())
    call.headers["Location"] = f"{call.request.path}/{drawn.name}"
    return _answer(drawn)


@routes.put("/layouts/{layout}", right=Right.OPERATE)
async def change_layout(call: Call, layout: LayoutName, body: LayoutDrawing) -> LayoutAnswer:
    """Draw a layout of your own anew; views that have it change with it."""
    drawn = _drawn(layout, body)
    await LayoutStore(call.services.database).replace(drawn, call.services.now())
    await call.services.live.layout_changed(layout, drawn.tiles, actor=call.user.username)
    await call.services.meeting.roll_calls.redraw(layout, drawn.tiles)
    return _answer(drawn)


@routes.delete("/layouts/{layout}", right=Right.OPERATE)
async def remove_layout(call: Call, layout: LayoutName) -> None:
    """Remove a layout of your own; views that have it keep it until they are given another."""
    await LayoutStore(call.services.database).remove(layout)


async def tiles_of(call: Call, layout: str) -> tuple[CustomTile, ...]:
    """What a name stands for that is not in the catalogue; () when it is there or unknown."""
    if layout_exists(layout):
        return ()
    drawn = await LayoutStore(call.services.database).find(layout)
    return () if drawn is None else drawn.tiles


def _drawn(name: str, body: LayoutDrawing) -> DrawnLayout:
    tiles = tuple(CustomTile(cell.x, cell.y, cell.w, cell.h, cell.z, cell.fit) for cell in body.cells)
    return DrawnLayout(name, body.title_vi, body.title_en or body.title_vi, tiles)


def _answer(drawn: DrawnLayout) -> LayoutAnswer:
    return LayoutAnswer(
        name=drawn.name,
        title_vi=drawn.title_vi,
        title_en=drawn.title_en,
        cells=_cells(drawn.tiles),
        custom=True,
    )


def _cells(cells: tuple[Cell | CustomTile, ...] | tuple[Cell, ...] | tuple[CustomTile, ...]) -> tuple[LayoutCell, ...]:
    return tuple(LayoutCell(x=c.x, y=c.y, w=c.w, h=c.h, z=c.z, fit=c.fit) for c in cells)
