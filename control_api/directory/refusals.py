"""Refusals of the directory: what was wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from control_api.problems import Refused

_COLUMNS_VI = {
    "room": "phòng họp",
    "address": "địa chỉ",
    "endpoint_type": "loại thiết bị đầu cuối",
    "endpoint": "thiết bị đầu cuối",
    "peripherals": "thiết bị ngoại vi",
    "network": "mạng",
    "carrier_id": "đơn vị cung cấp đường truyền",
    "line_code": "mã đường truyền",
    "line_mbps": "tốc độ đường truyền",
    "reserve_line": "đường truyền dự phòng",
}


def only_so() -> Refused:
    return Refused(
        "only_so",
        "Mục này chỉ Sở Khoa học và Công nghệ được sửa. Hãy gửi đề nghị thay đổi đến Sở.",
        "Only the Sở (the department that runs the MCU) may change this. Send it a change request.",
    )


def exists(subject: str, vi: str, entry_id: str) -> Refused:
    return Refused(
        f"{subject}_exists",
        f"Đã có {vi} mang mã {entry_id}. Hãy chọn mã khác hoặc sửa mục đã có.",
        f"The {subject} {entry_id} exists. Choose another id, or change the one there is.",
    )


def manager_exists(other: str) -> Refused:
    return Refused(
        "manager_exists",
        f"Cơ quan quản lý hệ thống đã là {other}. Hãy bỏ chọn ở cơ quan đó trước.",
        f"{other} already is the organisation that runs the system. Take that away from it first.",
    )


def organisation_in_use(organisation: str, accounts: list[str]) -> Refused:
    shown = ", ".join(accounts[:5]) + (", …" if len(accounts) > 5 else "")
    return Refused(
        "organisation_in_use",
        f"Cơ quan {organisation} còn {len(accounts)} tài khoản đang dùng ({shown}) nên chưa ngừng hoạt động được. "
        "Hãy chuyển các tài khoản đó sang cơ quan khác hoặc ngừng dùng chúng trước.",
        f"{organisation} still has {len(accounts)} accounts in use ({shown}), so it cannot be retired. Move those "
        "accounts to another organisation or disable them first.",
        detail={"accounts": len(accounts)},
    )


def own_parent() -> Refused:
    return Refused(
        "own_parent",
        "Một cơ quan không thể trực thuộc chính nó. Hãy chọn cơ quan cấp trên khác.",
        "An organisation cannot be above itself. Choose another parent.",
    )


def locked(columns: Iterable[str]) -> Refused:
    names = sorted(columns)
    vi = ", ".join(_COLUMNS_VI.get(name, name) for name in names)
    return Refused(
        "configuration_locked",
        f"Cấu hình điểm cầu này đã khóa ({vi}): không tự ý thay đổi thiết bị khi chưa được phép. "
        "Hãy gửi đề nghị thay đổi đến Sở.",
        f"The configuration of this site is locked ({', '.join(names)}). Send a change request to the Sở.",
        detail={"fields": names},
    )


def relocation_needed() -> Refused:
    return Refused(
        "relocation_needed",
        "Thay đổi vị trí phòng họp phải báo Sở và đơn vị cung cấp đường truyền. Hãy lập phiếu di chuyển điểm cầu.",
        "Moving a room must be told to the Sở and the line's provider. Open a relocation instead.",
    )


def not_a_carrier(organisation: str) -> Refused:
    return Refused(
        "not_a_carrier",
        f"{organisation} không phải đơn vị viễn thông. Hãy chọn đơn vị cung cấp đường truyền.",
        f"{organisation} is not a carrier. Choose the organisation that provides the line.",
    )


def recipients_missing(missing: Iterable[str]) -> Refused:
    names = list(missing)
    return Refused(
        "recipients_missing",
        "Phiếu di chuyển phải gửi cả Sở và đơn vị cung cấp đường truyền. Hãy khai báo: "
        + " và ".join({"manager": "cơ quan quản lý hệ thống", "carrier": "đơn vị viễn thông"}[name] for name in names)
        + ".",
        "A relocation is sent to the Sở and to the carrier. Register first: " + ", ".join(names) + ".",
        detail={"missing": names},
    )


def wrong_site(site: str, organisation: str) -> Refused:
    return Refused(
        "wrong_site",
        f"Điểm cầu {site} không thuộc cơ quan {organisation}. Hãy chọn điểm cầu của đúng cơ quan.",
        f"The site {site} does not belong to {organisation}. Choose a site of that organisation.",
    )


def bad_step(vi: str, state: str, wanted: str) -> Refused:
    return Refused(
        "wrong_state",
        f"{vi} đang ở trạng thái “{state}” nên không thể chuyển sang “{wanted}”. Hãy tải lại trang.",
        f"In the state “{state}” this cannot become “{wanted}”. Reload the page.",
        detail={"state": state},
    )


def bad_days() -> Refused:
    return Refused(
        "bad_days",
        "Ngày kết thúc không được trước ngày bắt đầu. Hãy sửa lại ngày.",
        "The end must not lie before the beginning. Correct the days.",
    )


def nothing_wanted() -> Refused:
    return Refused(
        "nothing_wanted",
        "Đề nghị chưa nêu nội dung thay đổi. Hãy ghi ít nhất một mục cần thay đổi.",
        "The request names no change. Name at least one thing to change.",
    )


def not_acknowledged(waiting: Iterable[str]) -> Refused:
    names = list(waiting)
    words = {"manager": "Sở", "carrier": "đơn vị cung cấp đường truyền"}
    return Refused(
        "not_acknowledged",
        f"Chưa có xác nhận của {' và '.join(words[name] for name in names)}. Hãy chờ xác nhận rồi hoàn tất.",
        f"Not acknowledged yet by: {', '.join(names)}. Wait for it, then complete.",
        detail={"waiting": names},
    )
