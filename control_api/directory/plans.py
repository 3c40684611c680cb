"""The year's plans as spreadsheets: maintenance and replacement (S52, S54, S59; articles 11.4d, 12, 13.5), training
(S51, article 11.4c).  CPU-bound: call them in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from control_api.directory.assets import as_date
from control_api.directory.tables import Asset, Course, Organisation, Trainee
from control_api.directory.upkeep import COST_CATEGORIES, PlanLine, costs
from control_api.directory.workbook import Cell, Column, Writer

STATES_VI = {"ready": "Sẵn sàng", "in_repair": "Đang sửa chữa", "broken": "Hỏng", "retired": "Đã thanh lý"}
_COURSE_STATES = {"planned": "Dự kiến", "held": "Đã tổ chức", "cancelled": "Hủy"}


def maintenance_plan(
    year: int, owner: str, lines: Sequence[tuple[Asset, Organisation, PlanLine]], made_on: date
) -> bytes:
    """Sheets: what is to be done, and its cost by the three categories of article 12."""
    book = Writer(f"Kế hoạch bảo trì {year}")
    made = f"Lập ngày {made_on:%d/%m/%Y}"
    rows: list[list[Cell]] = []
    for number, (asset, organisation, line) in enumerate(lines, start=1):
        days = ", ".join(f"{day:%d/%m/%Y}" for day in line.maintain_on)
        what = [*(["bảo trì, bảo dưỡng"] if line.maintain_on else []), *(["thay thế"] if line.replace else [])]
        rows.append(
            [
                number,
                organisation.name,
                asset.name,
                asset.model,
                asset.code or asset.serial,
                asset.quantity,
                STATES_VI.get(asset.state, asset.state),
                " và ".join(what).capitalize(),
                days,
                as_date(asset.maintained_on),
                COST_CATEGORIES[line.cost_category][0],
                line.cost_vnd or None,
                asset.remark,
            ]
        )
    columns = [
        Column("STT", 6),
        Column("Cơ quan, đơn vị", 34),
        Column("Thiết bị", 28),
        Column("Kiểu", 20),
        Column("Mã tài sản", 16),
        Column("Số lượng", 9),
        Column("Tình trạng", 14),
        Column("Nội dung", 22),
        Column("Thời gian thực hiện", 26),
        Column("Bảo trì gần nhất", 14),
        Column("Nguồn kinh phí (Điều 12)", 34),
        Column("Kinh phí dự kiến (đồng)", 18),
        Column("Ghi chú", 28),
    ]
    title = f"KẾ HOẠCH BẢO TRÌ, BẢO DƯỠNG, THAY THẾ THIẾT BỊ HỘI NGHỊ TRUYỀN HÌNH NĂM {year}"
    book.sheet("Kế hoạch", columns, rows, above=(title, owner, made))
    summed = costs(line for _, _, line in lines)
    parts: list[list[Cell]] = [
        [f"Khoản {number}", COST_CATEGORIES[category][0], amount]
        for number, (category, amount) in enumerate(summed.items(), start=1)
    ]
    parts.append(["", "Tổng cộng", sum(summed.values())])
    book.sheet(
        "Kinh phí",
        [Column("Điều 12", 10), Column("Nội dung chi", 60), Column("Kinh phí dự kiến (đồng)", 22)],
        parts,
        above=(f"TỔNG HỢP KINH PHÍ NĂM {year}", owner, made),
    )
    return book.done()


def training_plan(
    year: int,
    courses: Sequence[Course],
    needs: Sequence[tuple[Organisation, int, int]],
    people: Sequence[tuple[Trainee, Organisation]],
    made_on: date,
) -> bytes:
    """Sheets: the year's courses, the organisations that need training, and the people with their certificates."""
    book = Writer(f"Kế hoạch tập huấn {year}")
    made = f"Lập ngày {made_on:%d/%m/%Y}"
    book.sheet(
        "Lớp tập huấn",
        [
            Column("STT", 6),
            Column("Tên lớp", 36),
            Column("Bắt đầu", 12),
            Column("Kết thúc", 12),
            Column("Địa điểm", 28),
            Column("Đối tượng", 36),
            Column("Số người", 10),
            Column("Kinh phí (đồng)", 18),
            Column("Trạng thái", 14),
            Column("Ghi chú", 28),
        ],
        [
            [
                number,
                one.title,
                as_date(one.starts_on),
                as_date(one.ends_on),
                one.place,
                one.audience,
                one.places,
                one.cost_vnd,
                _COURSE_STATES.get(one.state, one.state),
                one.remark,
            ]
            for number, one in enumerate(courses, start=1)
        ],
        above=(f"KẾ HOẠCH ĐÀO TẠO, TẬP HUẤN VẬN HÀNH HỘI NGHỊ TRUYỀN HÌNH NĂM {year}", made),
    )
    book.sheet(
        "Nhu cầu",
        [
            Column("STT", 6),
            Column("Cơ quan, đơn vị", 40),
            Column("Người có chứng nhận", 14),
            Column("Hết hạn trong năm", 14),
            Column("Nhu cầu", 40),
        ],
        [
            [
                number,
                organisation.name,
                have,
                lose,
                "Chưa có người được tập huấn" if have == 0 else "Tập huấn lại trước khi chứng nhận hết hạn",
            ]
            for number, (organisation, have, lose) in enumerate(needs, start=1)
        ],
        above=(f"NHU CẦU TẬP HUẤN NĂM {year}", made),
    )
    book.sheet(
        "Người vận hành",
        [
            Column("STT", 6),
            Column("Họ và tên", 26),
            Column("Chức vụ", 26),
            Column("Cơ quan, đơn vị", 36),
            Column("Số chứng nhận", 18),
            Column("Ngày cấp", 12),
            Column("Hết hạn", 12),
        ],
        [
            [
                number,
                one.name,
                one.position,
                organisation.name,
                one.certificate,
                as_date(one.issued_on),
                as_date(one.expires_on),
            ]
            for number, (one, organisation) in enumerate(people, start=1)
        ],
        above=("DANH SÁCH NGƯỜI VẬN HÀNH", made),
    )
    return book.done()
