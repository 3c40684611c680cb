"""The kinds of security events, how grave each is, and what one can do about it (S89, appendix step 7).  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Literal

Action = Literal["drop", "lock", "block"]


class Severity(IntEnum):
    INFO = 0  # for the record
    NOTICE = 1  # somebody should know
    WARNING = 2  # somebody should look
    ALARM = 3  # somebody should act


@dataclass(frozen=True, slots=True)
class Kind:
    severity: Severity
    vi: str
    en: str
    actions: tuple[Action, ...] = ()  # that help; each needs what it acts upon


_I, _N, _W, _A = Severity.INFO, Severity.NOTICE, Severity.WARNING, Severity.ALARM

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        # refusals
        "not_signed_in": Kind(_I, "Truy cập khi chưa đăng nhập", "Asked without a session", ("block",)),
        "refused": Kind(_N, "Yêu cầu bị từ chối", "Request refused", ("lock", "block")),
        "forged_request": Kind(_W, "Yêu cầu giả mạo từ trang khác", "Request forged by another page", ("block",)),
        "not_yours": Kind(_N, "Thao tác ngoài phạm vi cơ quan", "Reached for another organisation's", ("lock",)),
        "address_blocked": Kind(_N, "Địa chỉ đang bị chặn vẫn truy cập", "A blocked address came again", ("block",)),
        "too_many_attempts": Kind(_W, "Thử đăng nhập quá nhiều lần", "Too many attempts to sign in", ("block", "lock")),
        # accounts
        "login_failed": Kind(_W, "Đăng nhập sai", "Failed sign-in", ("lock", "block")),
        "code_failed": Kind(
            _A, "Đúng mật khẩu nhưng sai mã xác thực", "Right password, wrong second factor", ("lock", "block")
        ),
        "account_locked": Kind(
            _A, "Tài khoản bị khóa do nhập sai nhiều lần", "Account locked after failures", ("block",)
        ),
        "locked_login": Kind(_W, "Tài khoản bị khóa hoặc hết hạn vẫn đăng nhập", "A locked account tried", ("block",)),
        "signed_in": Kind(_I, "Đăng nhập", "Signed in", ("lock", "block")),
        "oidc_failed": Kind(_W, "Đăng nhập một lần bị từ chối", "Single sign-on refused", ("block",)),
        "user_created": Kind(_N, "Tạo tài khoản", "Account made", ("lock",)),
        "user_changed": Kind(_N, "Thay đổi tài khoản", "Account changed", ("lock",)),
        "password_reset": Kind(_N, "Đặt lại mật khẩu", "Password reset", ("lock",)),
        "second_factor_reset": Kind(_W, "Xóa xác thực hai lớp của tài khoản", "Second factor reset", ("lock",)),
        "account_unlocked": Kind(_N, "Mở khóa tài khoản", "Account unlocked", ("lock",)),
        "sessions_ended": Kind(_N, "Kết thúc các phiên đăng nhập", "Sessions ended"),
        # sites
        "unknown_site": Kind(
            _W, "Đường dẫn tham gia không đúng hoặc hết hạn", "Unknown or expired join link", ("block",)
        ),
        "wrong_network": Kind(
            _A, "Điểm cầu vào họp từ mạng không được phép", "Join from a forbidden network", ("lock", "block")
        ),
        "address_changed": Kind(
            _W,
            "Điểm cầu đổi địa chỉ mạng trong phiên họp",
            "A site's address changed during the meeting",
            ("drop", "lock", "block"),
        ),
        "site_replaced": Kind(
            _W, "Máy khác vào thay điểm cầu đang họp", "Another device took a site's place", ("drop", "lock", "block")
        ),
        "fallback_opened": Kind(_W, "Cho điểm cầu vào bằng mạng dự phòng", "Fallback admission opened"),
        "fallback_ended": Kind(_N, "Kết thúc dự phòng của điểm cầu", "Fallback admission ended"),
        "fallback_used": Kind(_W, "Điểm cầu vào họp bằng mạng dự phòng", "A site joined over the fallback", ("drop",)),
        "equipment_changed": Kind(
            _W, "Thiết bị của điểm cầu thay đổi", "The equipment of a site changed", ("drop", "lock")
        ),
        # floods
        "flood_requests": Kind(_A, "Quá nhiều yêu cầu từ một địa chỉ", "Flood of requests", ("block",)),
        "flood_connections": Kind(_A, "Quá nhiều kết nối đang chờ", "Flood of connections", ("block",)),
        "flood_packets": Kind(_A, "Gói tin lạ dồn tới máy chủ hình tiếng", "Flood of packets at a relay"),
        # what was done
        "settings_changed": Kind(_N, "Cấu hình máy chủ thay đổi", "Settings of the server changed"),
        "network_blocked": Kind(_N, "Chặn mạng", "Network blocked"),
        "network_unblocked": Kind(_N, "Bỏ chặn mạng", "Network unblocked"),
        "site_dropped": Kind(_N, "Ngắt điểm cầu vì lý do an toàn", "Site dropped for security"),
        "site_locked": Kind(
            _N, "Thu hồi đường dẫn của điểm cầu vì lý do an toàn", "A site's link taken away for security"
        ),
        "account_locked_by": Kind(_N, "Khóa tài khoản vì lý do an toàn", "Account locked for security"),
    }
)

_OF_CODE = {
    "not_signed_in": "not_signed_in",
    "bad_login": "login_failed",
    "bad_code": "code_failed",
    "code_needed": None,  # half way through signing in
    "account_locked": "locked_login",
    "account_expired": "locked_login",
    "too_many_attempts": "too_many_attempts",
    "not_yours": "not_yours",
    "bad_origin": "forged_request",
    "request_header_missing": "forged_request",
    "address_blocked": "address_blocked",
    "password_change_needed": None,
    "second_factor_needed": None,
}


def kind_of_refusal(code: str) -> str | None:
    """The kind of event of a refusal with this code; None when it is a step on the way, not a refusal."""
    return _OF_CODE.get(code, "refused")


def severity_of(kind: str) -> Severity:
    return KINDS[kind].severity if kind in KINDS else Severity.NOTICE
