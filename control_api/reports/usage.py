"""Use of the system and how near its capacity it came: input for budget and upgrade plans (S50, article 11.4a, b).

Pure.  Capacity is counted as the booking system sells it (`mcu_core.capacity`): 1.0 is the whole machine, `FULL` of it
is sold.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from control_api.bookings.steps import Step
from control_api.reports.paper import LOCAL, day, percent
from control_api.store.base import Json
from mcu_core.capacity import FULL, Capacity, Demand, total

_HELD = (Step.SERVING, Step.CLOSED)


@dataclass(frozen=True, slots=True)
class Meeting:
    """One booking, with what it asked of the machine."""

    id: str
    organisation: str  # name of the host
    class_: str
    urgent: bool
    state: Step
    starts_at: float
    ends_at: float  # really, where it is known
    demand: Demand
    sites: tuple[str, ...]  # names
    refused_for_capacity: bool = False

    @property
    def held(self) -> bool:
        return self.state in _HELD

    @property
    def hours(self) -> float:
        return (self.ends_at - self.starts_at) / 3600


@dataclass(slots=True)
class Month:
    """One line of the table; `month` is 2026-11."""

    month: str
    registered: int = 0
    held: int = 0
    urgent: int = 0
    refused: int = 0
    displaced: int = 0
    cancelled: int = 0
    hours: float = 0.0
    site_hours: float = 0.0  # hours times sites
    most_at_once: int = 0  # meetings
    most_sites: int = 0  # in meetings at the same time
    peak: float = 0.0  # share of the machine


@dataclass(frozen=True, slots=True)
class Usage:
    since: float
    until: float
    total: Month
    months: list[Month]
    classes: dict[str, int] = field(default_factory=dict)
    hosts: list[tuple[str, int, float]] = field(default_factory=list)  # name, meetings, hours
    sites: list[tuple[str, int, float]] = field(default_factory=list)
    measured: bool = True  # whether the capacity is `mcu check`'s
    refused_for_capacity: int = 0


def usage(meetings: Sequence[Meeting], capacity: Capacity, since: float, until: float) -> Usage:
    """Of the meetings that begin between `since` and `until`."""
    within = [one for one in meetings if since <= one.starts_at < until]
    by_month: dict[str, list[Meeting]] = defaultdict(list)
    for one in within:
        by_month[month_of(one.starts_at)].append(one)
    hosts, sites = Counter[str](), Counter[str]()
    host_hours, site_hours = defaultdict[str, float](float), defaultdict[str, float](float)
    for one in (one for one in within if one.held):
        hosts[one.organisation] += 1
        host_hours[one.organisation] += one.hours
        for site in one.sites:
            sites[site] += 1
            site_hours[site] += one.hours
    return Usage(
        since,
        until,
        _summed("", within, capacity),
        [_summed(month, by_month[month], capacity) for month in sorted(by_month)],
        dict(sorted(Counter(one.class_ for one in within if one.held).items())),
        _ranked(hosts, host_hours),
        _ranked(sites, site_hours),
        capacity.measured,
        sum(one.refused_for_capacity for one in within),
    )


def month_of(at: float) -> str:
    return datetime.fromtimestamp(at, LOCAL).strftime("%Y-%m")


def _ranked(counts: Counter[str], hours: dict[str, float]) -> list[tuple[str, int, float]]:
    rows = [(name, count, round(hours[name], 1)) for name, count in counts.items()]
    return sorted(rows, key=lambda row: (-row[2], -row[1], row[0]))


def _summed(month: str, meetings: Sequence[Meeting], capacity: Capacity) -> Month:
    held = [one for one in meetings if one.held]
    states = Counter(one.state for one in meetings)
    at_once, most_sites, peak = peaks(held, capacity)
    return Month(
        month=month,
        registered=sum(one.state is not Step.DRAFT for one in meetings),
        held=len(held),
        urgent=sum(one.urgent for one in held),
        refused=states[Step.REFUSED],
        displaced=states[Step.DISPLACED],
        cancelled=states[Step.CANCELLED],
        hours=round(sum(one.hours for one in held), 1),
        site_hours=round(sum(one.hours * len(one.sites) for one in held), 1),
        most_at_once=at_once,
        most_sites=most_sites,
        peak=peak,
    )


def peaks(held: Iterable[Meeting], capacity: Capacity) -> tuple[int, int, float]:
    """Most meetings at once, most sites at once, largest share of the machine.

    Load only grows where a meeting begins, so those instants are tried; who ends just then is gone.
    """
    ordered = sorted(held, key=lambda one: (one.starts_at, one.id))
    going: list[Meeting] = []
    most, sites, share = 0, 0, 0.0
    for one in ordered:
        going = [other for other in going if other.ends_at > one.starts_at]
        going.append(one)
        most = max(most, len(going))
        sites = max(sites, sum(len(other.sites) for other in going))
        share = max(share, capacity.share(total(other.demand for other in going)))
    return most, sites, round(share, 4)


# --------------------------------------------------------------------------------------------------------- workbook


def workbook(found: Usage, name: str) -> Json:
    period = f"từ {day(found.since)} đến trước {day(found.until)}"
    columns = [
        *(("Đăng ký", 10), ("Đã họp", 10), ("Đột xuất", 10), ("Từ chối", 10), ("Nhường chỗ", 12), ("Đã hủy", 10)),
        *(("Giờ họp", 10), ("Giờ × điểm cầu", 14), ("Phiên cùng lúc nhiều nhất", 16)),
        *(("Điểm cầu cùng lúc nhiều nhất", 16), ("Tải cao nhất (% máy)", 14), (f"So với mức cấp {percent(FULL)}", 16)),
    ]
    named = {"": "Cả kỳ"}
    months = [_line(named.get(one.month, one.month), one) for one in (*found.months, found.total)]
    measured = "theo đo bằng “mcu check”" if found.measured else "ước tính, máy chưa được đo bằng “mcu check”"
    facts = [
        ["Cơ quan quản lý", name],
        ["Kỳ báo cáo", period],
        ["Số phiên họp đã tổ chức", found.total.held],
        *([f"Trong đó lớp {class_}", count] for class_, count in found.classes.items()),
        ["Tổng số giờ họp", found.total.hours],
        ["Số phiên bị từ chối", found.total.refused],
        ["Trong đó vì hết năng lực xử lý", found.refused_for_capacity],
        ["Số phiên phải nhường chỗ cho phiên đột xuất", found.total.displaced],
        ["Tải cao nhất (% năng lực máy)", found.total.peak * 100],
        ["Mức được cấp tối đa (% năng lực máy)", FULL * 100],
        ["Năng lực máy", measured],
        ["Nhận xét", advice(found)[0]],
    ]
    ranked = (("Số phiên", 12), ("Giờ họp", 12))
    return {
        "sheets": [
            {
                "name": "Tổng hợp",
                "title": f"Sử dụng và năng lực hệ thống hội nghị truyền hình {period}",
                "columns": [("Chỉ tiêu", 50), ("Giá trị", 60)],
                "rows": facts,
            },
            {
                "name": "Theo tháng",
                "title": f"Theo tháng, {period}",
                "columns": [("Tháng", 12), *columns],
                "rows": months,
            },
            {
                "name": "Theo cơ quan",
                "title": f"Cơ quan chủ trì, {period}",
                "columns": [("TT", 6), ("Cơ quan", 44), *ranked],
                "rows": [[index, *row] for index, row in enumerate(found.hosts, 1)],
            },
            {
                "name": "Theo điểm cầu",
                "title": f"Điểm cầu, {period}",
                "columns": [("TT", 6), ("Điểm cầu", 44), *ranked],
                "rows": [[index, *row] for index, row in enumerate(found.sites, 1)],
            },
        ]
    }


def _line(name: str, one: Month) -> list[object]:
    counts = (one.registered, one.held, one.urgent, one.refused, one.displaced, one.cancelled)
    share = (round(one.peak * 100, 1), round(one.peak / FULL * 100, 1))
    return [name, *counts, one.hours, one.site_hours, one.most_at_once, one.most_sites, *share]


def advice(found: Usage) -> tuple[str, str]:
    """What the figures mean for next year's plan, in Vietnamese and English."""
    used = found.total.peak / FULL
    if found.refused_for_capacity or used >= 0.9:
        return (
            "Hệ thống đã chạm mức cấp tối đa: đề nghị đưa việc nâng cấp, mở rộng vào kế hoạch đầu tư.",
            "The system has reached what may be promised: put its extension into the investment plan.",
        )
    if used >= 0.7:
        return (
            "Tải cao nhất đã vượt 70% mức cấp: cần theo dõi và chuẩn bị phương án mở rộng.",
            "The highest load is above 70 % of what may be promised: watch it and prepare an extension.",
        )
    return "Năng lực hiện có đáp ứng nhu cầu của kỳ báo cáo.", "The capacity met the need of this time."
