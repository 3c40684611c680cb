"""The yearly report's rules: its period, when it is due, who is reminded when, what a draft says.  Pure.

S58, article 13.4: every agency with a system reports to the Sở before 30 November; the Sở sums up for the chairman.  A
report tells of the time from one such day to the next, so that no meeting is left out between two reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Literal, get_args

from control_api.bookings.rules import rules_at
from control_api.problems import Refused
from control_api.reports.paper import LOCAL, day, number, percent
from control_api.store.base import Json

FIRST_YEAR, LAST_YEAR = 2020, 2100
REMIND_DAYS = (30, 15, 7, 3, 1)  # before the deadline
URGENT_DAYS = 3  # from then on a reminder says so
OVERDUE_EVERY = 7  # days between escalations once it has passed
MOST_OVERDUE = 8

Section = Literal["management", "operation", "faults", "maintenance", "training", "difficulties", "proposals", "plan"]
SECTIONS: dict[Section, tuple[str, str]] = {
    "management": ("Công tác quản lý hệ thống, bố trí nhân sự", "Management and staff"),
    "operation": ("Tình hình vận hành, sử dụng", "Operation and use"),
    "faults": ("Sự cố và kết quả xử lý", "Faults and how they were settled"),
    "maintenance": ("Bảo trì, bảo dưỡng, thay thế thiết bị và kinh phí", "Maintenance, replacement and cost"),
    "training": ("Đào tạo, tập huấn", "Training"),
    "difficulties": ("Khó khăn, vướng mắc", "Difficulties"),
    "proposals": ("Đề xuất, kiến nghị", "Proposals"),
    "plan": ("Phương hướng năm tiếp theo", "Plan for the next year"),
}
assert set(SECTIONS) == set(get_args(Section))
State = Literal["none", "draft", "submitted", "returned"]
STATES: dict[State, tuple[str, str]] = {
    "none": ("chưa lập", "not begun"),
    "draft": ("đang soạn", "draft"),
    "submitted": ("đã gửi", "submitted"),
    "returned": ("trả lại để bổ sung", "returned"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What the program knows of an agency's year."""

    sites: int = 0
    sites_ready: int = 0
    assets: int = 0
    assets_broken: int = 0
    contacts: int = 0
    trained: int = 0  # with a certificate that is good at the end of the period
    hosted: int = 0  # meetings served
    joined: int = 0  # meetings of others one of its sites was booked for
    hours: float = 0.0  # of meetings hosted or joined
    urgent: int = 0
    checks: int = 0
    checks_failed: int = 0
    quality: float | None = None  # mean score of its lines, 0 to 100
    faults: int = 0
    faults_open: int = 0
    maintained: int = 0
    cost_vnd: int = 0

    def stored(self) -> Json:
        return asdict(self)

    @staticmethod
    def of(stored: Mapping[str, object]) -> Figures:
        """From what was stored, perhaps by an older program."""
        known = {one.name for one in fields(Figures)}
        return Figures(**{name: value for name, value in stored.items() if name in known})  # type: ignore[arg-type]


FIGURE_NAMES: dict[str, str] = {
    "sites": "Số điểm cầu",
    "sites_ready": "Số điểm cầu sẵn sàng",
    "assets": "Số thiết bị",
    "assets_broken": "Số thiết bị hỏng hoặc đang sửa",
    "contacts": "Số đầu mối kỹ thuật",
    "trained": "Số người vận hành đã được cấp chứng nhận",
    "hosted": "Số phiên họp chủ trì",
    "joined": "Số phiên họp tham gia",
    "hours": "Tổng số giờ họp",
    "urgent": "Số phiên họp đột xuất",
    "checks": "Số lượt kiểm tra kỹ thuật",
    "checks_failed": "Số lượt kiểm tra không đạt",
    "quality": "Điểm chất lượng đường truyền (0–100)",
    "faults": "Số sự cố đã báo",
    "faults_open": "Số sự cố chưa xử lý xong",
    "maintained": "Số lượt bảo trì, sửa chữa",
    "cost_vnd": "Chi phí bảo trì, sửa chữa (đồng)",
}
FIGURE_NAMES_EN: dict[str, str] = {
    "sites": "Sites",
    "sites_ready": "Sites that are ready",
    "assets": "Devices",
    "assets_broken": "Devices broken or in repair",
    "contacts": "Technical contacts",
    "trained": "Certified operators",
    "hosted": "Meetings hosted",
    "joined": "Meetings joined",
    "hours": "Hours of meetings",
    "urgent": "Urgent meetings",
    "checks": "Technical checks",
    "checks_failed": "Technical checks failed",
    "quality": "Score of the lines (0–100)",
    "faults": "Faults reported",
    "faults_open": "Faults not solved",
    "maintained": "Maintenance and repairs",
    "cost_vnd": "Cost of maintenance and repairs (VND)",
}
assert set(FIGURE_NAMES) == set(FIGURE_NAMES_EN) == {one.name for one in fields(Figures)}


def figure_text(name: str, value: float | None) -> str:
    digits = 1 if name in ("hours", "quality") else 0
    return number(value, digits)


def deadline(year: int) -> float:
    """Unix seconds: a report that comes at this moment or later is late."""
    month, day_of_month = rules_at(datetime(year, 12, 31, tzinfo=LOCAL).timestamp()).report_due
    return datetime(year, month, day_of_month, tzinfo=LOCAL).timestamp()


def period(year: int) -> tuple[float, float]:
    return deadline(year - 1), deadline(year)


def year_of(now: float) -> int:
    """The year whose report is prepared at that time: in December it is the next one's."""
    year = datetime.fromtimestamp(now, LOCAL).year
    return year if now < deadline(year) else year + 1


def is_late(year: int, submitted_at: float | None, now: float) -> bool:
    return (now if submitted_at is None else submitted_at) >= deadline(year)


def reminder_due(year: int, now: float) -> str | None:
    """The reminder that stands at `now`: `days-30` … `days-1`, `overdue-0` …; None when it is too early or over.

    Only the newest one counts, so a server that was off for a week does not send three at once.
    """
    left = (deadline(year) - now) / 86_400
    if left <= 0:
        week = int(-left // OVERDUE_EVERY)
        return f"overdue-{week}" if week < MOST_OVERDUE else None
    passed = [days for days in REMIND_DAYS if left <= days]
    return f"days-{passed[-1]}" if passed else None


def draft(figures: Figures, year: int) -> dict[str, str]:
    """A first text for each section, from what the program knows; people correct and complete it."""
    since, until = period(year)
    ready = percent(figures.sites_ready / figures.sites) if figures.sites else "0%"
    failed = percent(figures.checks_failed / figures.checks, 1) if figures.checks else "0%"
    quality = "chưa có số liệu" if figures.quality is None else f"{number(figures.quality, 1)}/100 điểm"
    return {
        "management": (
            f"Cơ quan quản lý {figures.sites} điểm cầu, trong đó {figures.sites_ready} điểm cầu ở trạng thái sẵn sàng "
            f"({ready}); {figures.assets} thiết bị, trong đó {figures.assets_broken} thiết bị hỏng hoặc đang sửa chữa. "
            f"Danh sách đầu mối phụ trách kỹ thuật gồm {figures.contacts} người đã gửi Sở Khoa học và Công nghệ."
        ),
        "operation": (
            f"Từ ngày {day(since)} đến trước ngày {day(until)}, cơ quan chủ trì {figures.hosted} phiên họp và tham gia "
            f"{figures.joined} phiên họp trực tuyến, trong đó {figures.urgent} phiên họp đột xuất; tổng thời gian "
            f"{number(figures.hours, 1)} giờ. Các điểm cầu được kiểm tra kỹ thuật {figures.checks} lượt, không đạt "
            f"{figures.checks_failed} lượt ({failed}). Chất lượng đường truyền trung bình: {quality}."
        ),
        "faults": (
            "Trong kỳ không phát sinh sự cố về thiết bị, đường truyền."
            if figures.faults == 0
            else f"Đã báo {figures.faults} sự cố về thiết bị, đường truyền; còn {figures.faults_open} sự cố chưa xử lý "
            "xong."
        ),
        "maintenance": (
            f"Đã thực hiện {figures.maintained} lượt bảo trì, sửa chữa, thay thế với tổng chi phí "
            f"{number(figures.cost_vnd)} đồng."
        ),
        "training": f"Có {figures.trained} người vận hành đã được đào tạo và còn hiệu lực chứng nhận.",
        "difficulties": "",
        "proposals": "",
        "plan": "",
    }


def unknown_year() -> Refused:
    return Refused(
        "unknown_year",
        f"Năm báo cáo phải từ {FIRST_YEAR} đến {LAST_YEAR}.",
        f"The year of a report is {FIRST_YEAR} to {LAST_YEAR}.",
    )


def already_submitted() -> Refused:
    return Refused(
        "report_submitted",
        "Báo cáo đã gửi Sở Khoa học và Công nghệ nên không sửa được. Nếu cần bổ sung, đề nghị Sở trả lại báo cáo.",
        "The report has been sent to the Sở and cannot be changed. Ask the Sở to return it if something is missing.",
    )


def not_submitted() -> Refused:
    return Refused(
        "report_not_submitted",
        "Cơ quan này chưa gửi báo cáo nên chưa có gì để trả lại.",
        "This agency has not sent its report, so there is nothing to return.",
    )


def report_empty() -> Refused:
    return Refused(
        "report_empty",
        "Chưa lưu bản thảo nào. Hãy xem lại nội dung tự lập, lưu rồi mới gửi.",
        "No draft has been saved. Read the drafted text, save it, then submit.",
    )
