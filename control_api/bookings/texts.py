"""What the notices say: to component sites, to the host, to the Sở, in the chat group.  Vietnamese.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from control_api.bookings.meeting_types import MEETING_TYPES
from control_api.bookings.rules import HOUR, RuleSet, hours, local, said
from control_api.bookings.tables import BookingRow, BookingSite

_TYPES = {one.id: one.vi for one in MEETING_TYPES}
SUBJECTS = {
    "request": "Thông báo họp trực tuyến",
    "update": "Thay đổi lịch họp trực tuyến",
    "cancel": "Hủy cuộc họp trực tuyến",
    "displaced": "Phải nhường lịch cho cuộc họp khẩn",
    "refused": "Chưa bố trí được phòng họp trực tuyến",
    "allocated": "Đã cấp phòng họp trực tuyến",
    "escalation": "Phiếu đăng ký sắp hoặc đã quá hạn trả lời",
}


def subject(kind: str, row: BookingRow) -> str:
    urgent = "[KHẨN] " if row.urgent else ""
    return f"{urgent}{SUBJECTS[kind]}: {row.title}, {said(row.starts_at)}"[:400]


def span(starts_at: float, ends_at: float) -> str:
    """From … to …, the day named once when it is the same."""
    begin, end = local(starts_at), local(ends_at)
    if begin.date() == end.date():
        return f"từ {begin:%H giờ %M} đến {end:%H giờ %M} ngày {begin:%d/%m/%Y}"
    return f"từ {said(starts_at)} đến {said(ends_at)}"


def facts(row: BookingRow, host: str, main: BookingSite | None, rules: RuleSet) -> list[tuple[str, str]]:
    """Label and value, in the order of a letter."""
    contact = row.form.get("contact") or {}
    letter = row.form.get("letter")
    lines = [
        ("Cơ quan chủ trì", host),
        ("Nội dung", row.title),
        ("Loại cuộc họp", _TYPES.get(row.meeting_type, row.meeting_type)),
        ("Chủ trì", str(row.form.get("chair") or "")),
        ("Điểm cầu chính", "" if main is None else f"{main.name}{f', {main.place}' if main.place else ''}"),
        (
            "Vận hành thử, kiểm tra kỹ thuật",
            "" if row.trial_at is None or row.trial_ends_at is None else span(row.trial_at, row.trial_ends_at),
        ),
        ("Họp chính thức", span(row.starts_at, row.ends_at)),
        ("Các điểm cầu kết nối xong trước", said(row.starts_at - rules.ready_hours * HOUR)),
        ("Văn bản", "" if not letter else f"số {letter['number']} ngày {_day(letter['date'])}"),
        ("Đầu mối liên hệ", ", ".join(part for part in (contact.get("name"), contact.get("phone")) if part)),
    ]
    return [(label, value) for label, value in lines if value]


def site_notice(
    kind: str,
    row: BookingRow,
    host: str,
    main: BookingSite | None,
    site: BookingSite,
    rules: RuleSet,
    *,
    link: str | None,
    receipt: str,
    remark: str = "",
) -> str:
    lines = [f"Kính gửi: {site.name}", ""]
    if kind == "cancel":
        lines += [f"{host} thông báo HỦY cuộc họp trực tuyến sau đây. Đường dẫn vào họp không còn dùng được.", ""]
    elif kind == "update":
        lines += [f"{host} thông báo THAY ĐỔI về cuộc họp trực tuyến. Thông tin mới như sau:", ""]
    else:
        lines += [f"{host} trân trọng thông báo lịch họp trực tuyến như sau:", ""]
    lines += [f"- {label}: {value}" for label, value in facts(row, host, main, rules)]
    if kind != "cancel":
        if site.place:
            lines.append(f"- Địa điểm tại điểm cầu: {site.place}")
        if site.attendees:
            lines.append(f"- Thành phần tham dự: {site.attendees}")
        if not site.video:
            lines.append("- Điểm cầu tham gia bằng tiếng, không có hình.")
    if remark:
        lines += ["", remark]
    if link is not None:
        lines += ["", "Đường dẫn vào họp (chỉ dùng cho điểm cầu này, không chuyển cho người khác):", link]
    lines += ["", "Đề nghị điểm cầu xác nhận đã nhận thông báo tại:", receipt]
    return "\n".join(lines)


def host_notice(kind: str, row: BookingRow, host: str, main: BookingSite | None, rules: RuleSet) -> str:
    decision = row.decision or {}
    lines = [f"Kính gửi: {host}", ""]
    if kind == "displaced":
        lines += ["Do phải bố trí ưu tiên cuộc họp khẩn cấp (khoản 2 Điều 8), cuộc họp sau đây chưa thể giữ lịch:", ""]
    elif kind == "refused":
        lines += ["Sở Khoa học và Công nghệ chưa bố trí được phòng họp cho cuộc họp sau đây:", ""]
    elif kind == "allocated":
        lines += ["Sở Khoa học và Công nghệ đã tạo và cấp phòng họp cho cuộc họp sau đây:", ""]
    lines += [f"- {label}: {value}" for label, value in facts(row, host, main, rules)]
    if decision.get("vi"):
        lines += ["", f"Lý do: {decision['vi']}" if kind != "allocated" else str(decision["vi"])]
    proposed = decision.get("alternatives") or []
    if proposed:
        lines += ["", "Phương án có thể bố trí ngay:", *(f"- {one['vi']}" for one in proposed)]
    if kind in ("displaced", "refused"):
        lines += ["", "Hãy chọn phương án và sửa phiếu đăng ký, hoặc liên hệ Sở Khoa học và Công nghệ."]
    return "\n".join(lines)


def escalation(row: BookingRow, host: str, overdue: bool, rules: RuleSet) -> str:
    until = "" if row.answer_by is None else said(row.answer_by)
    first = f"ĐÃ QUÁ HẠN trả lời (hạn {until})" if overdue else f"Sắp hết hạn trả lời: {until}"
    received = "" if row.received_at is None else said(row.received_at)
    return "\n".join(
        [
            f"{first}.",
            f"Phiếu {row.id} của {host}, nhận lúc {received}: {row.title}, họp {span(row.starts_at, row.ends_at)}.",
            f"Theo khoản 3 Điều 8, Sở phản hồi trong {hours(rules.answer_hours)}{' và trong ngày' * rules.same_day}. "
            "Hãy cấp phòng hoặc từ chối kèm phương án.",
        ]
    )


def group_text(
    row: BookingRow, host: str, main: BookingSite | None, sites: Sequence[BookingSite], rules: RuleSet
) -> str:
    """For the official chat group (S70): no secret links."""
    members = [site.name for site in sites if site.role == "member"]
    lines = [f"{'[KHẨN] ' if row.urgent else ''}THÔNG BÁO HỌP TRỰC TUYẾN", ""]
    lines += [f"• {label}: {value}" for label, value in facts(row, host, main, rules)]
    if members:
        lines += [f"• Điểm cầu thành phần ({len(members)}): {', '.join(members)}"]
    lines += [
        "",
        "Đường dẫn vào họp đã gửi riêng từng điểm cầu. Đề nghị các điểm cầu xác nhận và kiểm tra kỹ thuật đúng giờ.",
    ]
    return "\n".join(lines)


def _day(day: str) -> str:
    year, month, number = day.split("-")
    return f"{number}/{month}/{year}"
