"""The Sở's papers over all agencies: the yearly roll-up for the chairman (S58), the compliance report (S63).  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from control_api.bookings.rules import NEWEST_RULES, hours
from control_api.reports.paper import Context, Office, day, head, lines, number, percent, stamp
from control_api.reports.yearly import YearlyReport, standing
from control_api.reports.years import FIGURE_NAMES, SECTIONS, STATES, Section, figure_text
from control_api.store.base import Json

_LOWER = {"submitted": "đúng hạn", "late": "muộn", "missing": "chưa gửi"}
_TOLD: tuple[Section, ...] = ("difficulties", "proposals")  # what agencies say goes to the chairman in their words
_MOST_TOLD = 200
_IN_TABLE = (
    *("sites", "hosted", "joined", "hours", "checks", "checks_failed"),
    *("quality", "faults", "maintained", "trained"),
)


def yearly_rollup(reports: Sequence[YearlyReport], year: int, office: Office, now: float) -> Context:
    """The Sở's report to the chairman; numbers of agencies that have not reported are the program's own."""
    stands = {report.organisation_id: standing(report, now) for report in reports}
    count = {kind: sum(one == kind for one in stands.values()) for kind in _LOWER}
    total = sum_of(reports)
    missing = [report.name for report in reports if stands[report.organisation_id] == "missing"]
    parts = [
        _part(
            "I. TÌNH HÌNH GỬI BÁO CÁO",
            f"Có {len(reports)} cơ quan, đơn vị phải báo cáo; {count['submitted']} gửi đúng hạn, {count['late']} gửi "
            f"muộn, {count['missing']} chưa gửi.",
            *([f"Chưa gửi: {', '.join(missing)}."] if missing else []),
        ),
        _part(
            "II. KẾT QUẢ CHUNG",
            f"Toàn tỉnh có {number(total['sites'])} điểm cầu, {number(total['sites_ready'])} điểm cầu sẵn sàng. Trong "
            f"kỳ đã tổ chức {number(total['hosted'])} phiên họp trực tuyến với {number(total['joined'])} lượt cơ quan "
            f"tham gia; kiểm tra kỹ thuật {number(total['checks'])} lượt, không đạt {number(total['checks_failed'])} "
            f"lượt; phát sinh {number(total['faults'])} sự cố, còn {number(total['faults_open'])} sự cố chưa xử lý "
            f"xong. Chi phí bảo trì, sửa chữa: {number(total['cost_vnd'])} đồng. Có {number(total['trained'])} người "
            "vận hành đã được cấp chứng nhận.",
        ),
    ]
    for roman, section in zip(("III", "IV"), _TOLD, strict=True):
        said = [
            f"{report.name}: {' '.join(lines(report.sections[section]))}"
            for report in reports
            if report.submitted_at is not None and report.sections.get(section, "").strip()
        ]
        texts = said[:_MOST_TOLD] or ["Không có."]
        parts.append(_part(f"{roman}. {SECTIONS[section][0].upper()}", *texts))
    columns = [{"key": "n", "title": "TT"}, {"key": "name", "title": "Cơ quan, đơn vị"}]
    columns += [{"key": "state", "title": "Báo cáo"}]
    columns += [{"key": key, "title": FIGURE_NAMES[key]} for key in _IN_TABLE]
    rows = []
    for index, report in enumerate(reports, 1):
        figures = report.figures.stored()
        row = {key: figure_text(key, figures[key]) for key in _IN_TABLE}
        rows.append({"n": str(index), "name": report.name, "state": _LOWER[stands[report.organisation_id]], **row})
    return {
        "head": head(office, "BC", now),
        "title": f"Báo cáo tổng hợp năm {year}",
        "about": "Tổng hợp tình hình quản lý, vận hành và sử dụng hệ thống hội nghị truyền hình trực tuyến "
        f"tỉnh {office.place} năm {year}",
        "opening": "Thực hiện khoản 4 Điều 13 Quy chế quản lý, vận hành và sử dụng hệ thống hội nghị truyền hình trực "
        "tuyến, Sở Khoa học và Công nghệ tổng hợp, báo cáo Chủ tịch Ủy ban nhân dân tỉnh như sau:",
        "parts": parts,
        "columns": columns,
        "rows": rows,
        "signer": "",
        "signer_position": "Giám đốc",
        "recipients": ["Chủ tịch UBND tỉnh (để báo cáo);", "Các cơ quan, đơn vị;", "Lưu: VT."],
    }


def rollup_sheets(reports: Sequence[YearlyReport], year: int, now: float) -> Json:
    """The same as a workbook: figures, what was written, who is missing."""
    figures = [
        [
            index,
            report.name,
            STATES[report.state][0],
            _LOWER[standing(report, now)],
            stamp(report.submitted_at) if report.submitted_at is not None else "",
            *(report.figures.stored()[key] for key in FIGURE_NAMES),
        ]
        for index, report in enumerate(reports, 1)
    ]
    total = sum_of(reports)
    last: list[object] = ["", "Cộng", "", "", "", *(total.get(key) for key in FIGURE_NAMES)]
    texts = [
        [index, report.name, *(report.sections.get(section, "") for section in SECTIONS)]
        for index, report in enumerate((one for one in reports if one.submitted_at is not None), 1)
    ]
    missing = [
        [index, report.name, STATES[report.state][0]]
        for index, report in enumerate((one for one in reports if one.submitted_at is None), 1)
    ]
    start = [("TT", 6), ("Cơ quan, đơn vị", 40)]
    return {
        "sheets": [
            {
                "name": "Số liệu",
                "title": f"Tổng hợp báo cáo năm {year}",
                "columns": [*start, ("Trạng thái", 16), ("Thời hạn", 12), ("Gửi lúc", 18)]
                + [(name, 14) for name in FIGURE_NAMES.values()],
                "rows": [*figures, *([last] if figures else [])],
            },
            {
                "name": "Nội dung",
                "title": f"Nội dung báo cáo của các cơ quan năm {year}",
                "columns": [*start, *((titles[0], 50) for titles in SECTIONS.values())],
                "rows": texts,
            },
            {
                "name": "Chưa gửi",
                "title": f"Cơ quan chưa gửi báo cáo năm {year}",
                "columns": [*start, ("Trạng thái", 24)],
                "rows": missing,
            },
        ]
    }


def sum_of(reports: Sequence[YearlyReport]) -> dict[str, float]:
    """Over all agencies; what is a mean stays out.  Meetings several agencies joined count once, at their host."""
    stored = [report.figures.stored() for report in reports]
    return {key: sum(one[key] for one in stored) for key in FIGURE_NAMES if key != "quality"}


# --------------------------------------------------------------------------------------------------- compliance (S63)


@dataclass(frozen=True, slots=True)
class Compliance:
    """How one agency keeps the regulation over a time; pairs are (kept, of)."""

    organisation_id: str
    name: str
    registered: tuple[int, int]  # its ordinary meetings: registered 24 h before (S29)
    closed: tuple[int, int]  # its meetings: summed up and closed (S43)
    checked: tuple[int, int]  # its sites in meetings: checked well, 1 h before (S82)
    connected: tuple[int, int]  # its sites in meetings: there 1 h before (S87)
    contacts: int  # technical contacts it named (S57)
    trained: int  # operators with a good certificate (S26)
    faults_open: int
    reported: bool | None  # the yearly report that was due in that time; None: none was

    @property
    def remarks(self) -> list[str]:
        """What is missing, in words."""
        found = []
        for (kept, of), text in (
            (self.registered, f"phiên họp đăng ký muộn hơn {hours(NEWEST_RULES.notice_hours)}"),
            (self.closed, "phiên họp chưa tổng hợp, kết thúc"),
            (self.checked, f"lượt điểm cầu chưa kiểm tra đạt trước {hours(NEWEST_RULES.ready_hours)}"),
            (self.connected, f"lượt điểm cầu chưa kết nối trước {hours(NEWEST_RULES.ready_hours)}"),
        ):
            if kept < of:
                found.append(f"{of - kept} {text}")
        if self.contacts == 0:
            found.append("chưa gửi danh sách đầu mối")
        if self.trained == 0:
            found.append("chưa có người vận hành được cấp chứng nhận")
        if self.faults_open:
            found.append(f"{self.faults_open} sự cố chưa xử lý xong")
        if self.reported is False:
            found.append("chưa gửi báo cáo năm")
        return found


_COLUMNS = {
    "registered": f"Đăng ký trước {hours(NEWEST_RULES.notice_hours)}",
    "closed": "Kết thúc, tổng hợp",
    "checked": f"Kiểm tra đạt trước {hours(NEWEST_RULES.ready_hours)}",
    "connected": f"Kết nối trước {hours(NEWEST_RULES.ready_hours)}",
}


def _ratio(pair: tuple[int, int]) -> str:
    kept, of = pair
    return f"{kept}/{of} ({percent(kept / of)})" if of else "–"


def compliance_paper(found: Sequence[Compliance], since: float, until: float, office: Office) -> Context:
    good = sum(not one.remarks for one in found)
    columns = [{"key": "n", "title": "TT"}, {"key": "name", "title": "Cơ quan, đơn vị"}]
    columns += [{"key": key, "title": title} for key, title in _COLUMNS.items()]
    columns += [{"key": "contacts", "title": "Đầu mối"}, {"key": "trained", "title": "Người được đào tạo"}]
    columns += [{"key": "remarks", "title": "Tồn tại"}]
    pairs = {key: [getattr(one, key) for one in found] for key in _COLUMNS}
    totals = {key: (sum(kept for kept, _ in all_), sum(of for _, of in all_)) for key, all_ in pairs.items()}
    return {
        "head": head(office, "BC", until),
        "title": "Báo cáo kiểm tra việc thực hiện Quy chế",
        "about": "Kết quả theo dõi, kiểm tra việc thực hiện Quy chế quản lý, vận hành và sử dụng hệ thống hội nghị "
        f"truyền hình trực tuyến từ {day(since)} đến trước {day(until)}",
        "opening": "Thực hiện khoản 1 Điều 15 Quy chế, Sở Khoa học và Công nghệ báo cáo Ủy ban nhân dân tỉnh kết quả "
        "theo dõi, kiểm tra định kỳ như sau:",
        "parts": [
            _part(
                "I. KẾT QUẢ CHUNG",
                f"Theo dõi {len(found)} cơ quan, đơn vị; {good} cơ quan, đơn vị thực hiện đầy đủ, "
                f"{len(found) - good} cơ quan, đơn vị còn tồn tại.",
                *(f"{title}: {_ratio(totals[key])}." for key, title in _COLUMNS.items()),
            )
        ],
        "columns": columns,
        "rows": [
            {
                "n": str(index),
                "name": one.name,
                **{key: _ratio(getattr(one, key)) for key in _COLUMNS},
                "contacts": str(one.contacts),
                "trained": str(one.trained),
                "remarks": "; ".join(one.remarks) or "Không",
            }
            for index, one in enumerate(found, 1)
        ],
        "signer": "",
        "signer_position": "Giám đốc",
        "recipients": ["UBND tỉnh (để báo cáo);", "Các cơ quan, đơn vị;", "Lưu: VT."],
    }


def compliance_sheets(found: Sequence[Compliance], since: float, until: float) -> Json:
    columns = [("TT", 6), ("Cơ quan, đơn vị", 40)]
    for title in _COLUMNS.values():
        columns += [(title, 14), ("Tổng số", 10)]
    columns += [("Đầu mối", 10), ("Người được đào tạo", 12), ("Sự cố chưa xong", 12), ("Tồn tại", 60)]
    rows = [
        [
            index,
            one.name,
            *(count for key in _COLUMNS for count in getattr(one, key)),
            one.contacts,
            one.trained,
            one.faults_open,
            "; ".join(one.remarks),
        ]
        for index, one in enumerate(found, 1)
    ]
    title = f"Việc thực hiện Quy chế từ {day(since)} đến trước {day(until)}"
    return {"sheets": [{"name": "Thực hiện Quy chế", "title": title, "columns": columns, "rows": rows}]}


def _part(title: str, *texts: str) -> Json:
    return {"title": title, "texts": list(texts)}
