"""The table of layouts that an office drew itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from control_api.store.base import Base, Json


class LayoutRow(Base):
    __tablename__ = "layouts"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    title_vi: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    cells: Mapped[Json]  # {"cells": [{x, y, w, h, z, fit}]}
    changed_at: Mapped[float]

    def drawn(self) -> list[dict[str, Any]]:
        cells: list[dict[str, Any]] = self.cells["cells"]
        return cells
