"""When equipment is due for maintenance, and the year's plan of it (S28, S52, S54, S59).  Pure; days are dates."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

CostCategory = Literal["shared", "upkeep", "small"]

COST_CATEGORIES: dict[CostCategory, tuple[str, str]] = {  # article 12, clauses 1 to 3
    "shared": (
        "Đầu tư, nâng cấp, sửa chữa, thay thế, mở rộng thiết bị dùng chung",
        "investment, repair and replacement of shared equipment",
    ),
    "upkeep": (
        "Quản lý, vận hành, bảo trì thiết bị dùng chung tại Trung tâm tích hợp dữ liệu",
        "operation and maintenance of the shared equipment in the data centre",
    ),
    "small": (
        "Bảo trì, sửa chữa nhỏ, thay thế thiết bị ngoại vi tại điểm cầu",
        "small repairs and peripherals at the sites",
    ),
}


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or that month's last: 31 January + 1 is 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def next_due(every_months: int | None, maintained_on: date | None, bought_on: date | None, today: date) -> date | None:
    """When the next maintenance is due; None: none is planned.  What was never maintained is due a period after it was
    bought; nobody knows when: now."""
    if every_months is None:
        return None
    since = maintained_on or bought_on
    return today if since is None else months_later(since, every_months)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the plan needs of an asset."""

    due_on: date | None
    every_months: int | None
    replace_year: int | None
    broken: bool
    planned_vnd: int | None
    cost_category: CostCategory


@dataclass(frozen=True, slots=True)
class PlanLine:
    maintain_on: tuple[date, ...]  # in that year
    replace: bool
    cost_vnd: int
    cost_category: CostCategory


def plan_line(asset: Kept, year: int) -> PlanLine | None:
    """What the year's plan says of an asset; None: nothing is to be done.

    Maintenance that is overdue at the beginning of the year is planned for its first day.
    """
    days: list[date] = []
    if asset.every_months is not None and asset.due_on is not None:
        day = max(asset.due_on, date(year, 1, 1))
        while day.year == year:
            days.append(day)
            day = months_later(day, asset.every_months)
    replace = asset.replace_year == year or asset.broken
    if not days and not replace:
        return None
    return PlanLine(tuple(days), replace, asset.planned_vnd or 0, asset.cost_category)


def costs(lines: Iterable[PlanLine]) -> dict[CostCategory, int]:
    """What a plan asks for, by the three categories of article 12 (S54), in đồng."""
    summed: dict[CostCategory, int] = dict.fromkeys(COST_CATEGORIES, 0)
    for line in lines:
        summed[line.cost_category] += line.cost_vnd
    return summed
