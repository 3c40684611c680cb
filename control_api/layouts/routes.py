"""The layouts that a view can take."""

from __future__ import annotations

from typing import Literal

from control_api.accounts.rules import Role
from control_api.api import Call, Model, Routes
from mixer.layout import catalogue

routes = Routes("layouts")


class LayoutCell(Model):
    """A place, in fractions of the canvas; drawn in ascending `z`."""

    x: float
    y: float
    w: float
    h: float
    z: int
    fit: Literal["letterbox", "crop"]


class LayoutAnswer(Model):
    """Cell 0 is the most important place."""

    name: str
    title_vi: str
    title_en: str
    cells: tuple[LayoutCell, ...]


@routes.get("/layouts", role=Role.VIEWER)
async def list_layouts(call: Call) -> list[LayoutAnswer]:
    """The catalogue of layouts."""
    return [
        LayoutAnswer(
            name=layout.name,
            title_vi=layout.title_vi,
            title_en=layout.title_en,
            cells=tuple(LayoutCell(x=c.x, y=c.y, w=c.w, h=c.h, z=c.z, fit=c.fit) for c in layout.cells),
        )
        for layout in catalogue().values()
    ]
