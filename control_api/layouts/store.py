"""Layouts that an office drew itself, in the database.

A view that takes one keeps a copy of its tiles in its conference's document, so that a picture never depends on this
table: a layout may be removed while it is on air.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, insert, select, update

from control_api.layouts.tables import LayoutRow
from control_api.store.database import Database
from mcu_core.errors import OperatorError
from mcu_core.scene import CUSTOM, CustomTile, drawable, layout_exists

MOST_LAYOUTS = 500


@dataclass(frozen=True, slots=True)
class DrawnLayout:
    name: str
    title_vi: str
    title_en: str
    tiles: tuple[CustomTile, ...]


class LayoutStore:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[DrawnLayout]:
        """By name."""
        async with self._database.reading() as session:
            return [_layout(row) for row in await session.scalars(select(LayoutRow).order_by(LayoutRow.name))]

    async def find(self, name: str) -> DrawnLayout | None:
        async with self._database.reading() as session:
            row = await session.get(LayoutRow, name)
            return None if row is None else _layout(row)

    async def add(self, layout: DrawnLayout, now: float) -> None:
        """Raises OperatorError `layout_exists`, `bad_tiles`, `too_many_layouts`."""
        check(layout)
        async with self._database.writing() as session:
            known = await session.get(LayoutRow, layout.name)
            if known is not None or layout_exists(layout.name) or layout.name == CUSTOM:
                raise OperatorError(
                    "layout_exists",
                    f"Tên bố cục “{layout.name}” đã có. Hãy chọn tên khác.",
                    f"There already is a layout “{layout.name}”. Choose another name.",
                )
            if (await session.scalar(select(func.count()).select_from(LayoutRow)) or 0) >= MOST_LAYOUTS:
                raise OperatorError(
                    "too_many_layouts",
                    f"Đã có đủ {MOST_LAYOUTS} bố cục tự vẽ. Hãy xóa bớt.",
                    f"There are {MOST_LAYOUTS} layouts already. Remove some.",
                )
            await session.execute(insert(LayoutRow).values(name=layout.name, **_values(layout), changed_at=now))

    async def replace(self, layout: DrawnLayout, now: float) -> None:
        """Raises OperatorError `unknown_layout`, `bad_tiles`."""
        check(layout)
        async with self._database.writing() as session:
            same = update(LayoutRow).where(LayoutRow.name == layout.name)
            changed = same.values(**_values(layout), changed_at=now).returning(LayoutRow.name)
            if await session.scalar(changed) is None:
                raise unknown(layout.name)

    async def remove(self, name: str) -> None:
        """Raises OperatorError `unknown_layout`."""
        async with self._database.writing() as session:
            gone = delete(LayoutRow).where(LayoutRow.name == name).returning(LayoutRow.name)
            if await session.scalar(gone) is None:
                raise unknown(name)


def check(layout: DrawnLayout) -> None:
    """Raises OperatorError `bad_tiles`."""
    if not drawable(layout.tiles):
        raise OperatorError(
            "bad_tiles",
            "Mỗi ô phải nằm trong khung hình, mỗi cạnh ít nhất 2 %, tối đa 144 ô; các ô chồng nhau phải khác lớp (z).",
            "Every tile must lie inside the canvas with sides of at least 2 %, at most 144 of them; tiles that overlap "
            "need different layers (z).",
        )


def unknown(name: str) -> OperatorError:
    return OperatorError(
        "unknown_layout", f"Không có bố cục tự vẽ “{name}”.", f"There is no layout of your own called “{name}”."
    )


def _values(layout: DrawnLayout) -> dict[str, object]:
    return {
        "title_vi": layout.title_vi,
        "title_en": layout.title_en,
        "cells": {"cells": [asdict(tile) for tile in layout.tiles]},
    }


def _layout(row: LayoutRow) -> DrawnLayout:
    return DrawnLayout(row.name, row.title_vi, row.title_en, tuple(CustomTile(**cell) for cell in row.drawn()))
