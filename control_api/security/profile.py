"""The security-level profile: which measures this installation has turned on (S02, decree 85/2016; S11, S25, S89).

The programme needs nothing outside the office: no address of another network is called unless a setting here says so.
Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from control_api.settings import Settings


@dataclass(frozen=True, slots=True)
class Facts:
    """What settings do not tell."""

    administrators: int
    without_second_factor: int  # accounts whose role must have one
    retention_months: int  # of the security log
    open_sites: int | None = None  # on the TSLCD, without networks of their own; none: the directory has no site


@dataclass(frozen=True, slots=True)
class Measure:
    id: str
    on: bool
    level: Literal["required", "recommended"]
    vi: str
    en: str
    source: str
    how: str
    now: str = ""


def profile(settings: Settings, facts: Facts) -> list[Measure]:
    tls = settings.tls.mode
    listens = ", ".join(settings.relay.bind)
    any_address = any(address in ("0.0.0.0", "::") for address in settings.relay.bind)
    roles = ", ".join(settings.accounts.require_totp)
    both = {"administrator", "officer"} <= set(settings.accounts.require_totp)
    return [
        Measure(
            "encrypted_control",
            tls != "off" or bool(settings.http.trusted_proxies),
            "required",
            "Mã hóa trang và lệnh điều khiển (TLS)",
            "Pages and commands are encrypted (TLS)",
            "S25, điều 6.2b",
            'tls.mode = "local" | "files"',
            tls,
        ),
        Measure(
            "encrypted_media",
            True,
            "required",
            "Mã hóa hình và tiếng (DTLS-SRTP), luôn bật",
            "Picture and sound are encrypted (DTLS-SRTP), always",
            "S25, điều 6.2b",
            "",
            "DTLS-SRTP",
        ),
        Measure(
            "on_premises",
            not settings.oidc.issuer,
            "recommended",
            "Chạy hoàn toàn trong mạng của tỉnh, không gọi dịch vụ bên ngoài",
            "Runs inside the province's network alone; calls nothing outside",
            "S02, nghị định 85/2016",
            'oidc.issuer = ""',
            settings.oidc.issuer or "on-premises",
        ),
        Measure(
            "second_factor",
            both,
            "required",
            "Xác thực hai lớp cho quản trị viên và cán bộ trực",
            "A second factor for administrators and duty officers",
            "S24, điều 6.2a",
            'accounts.require_totp = ["administrator", "officer"]',
            roles,
        ),
        Measure(
            "second_factor_enrolled",
            facts.without_second_factor == 0,
            "required",
            "Mọi tài khoản phải có xác thực hai lớp đều đã đăng ký",
            "Every account that must have a second factor has one",
            "S24, điều 6.2a",
            "/office#/people",
            str(facts.without_second_factor),
        ),
        Measure(
            "lock_out",
            settings.accounts.lock_after > 0,
            "required",
            "Khóa tài khoản sau nhiều lần nhập sai",
            "Accounts lock after wrong attempts",
            "S24, điều 6.2a",
            "accounts.lock_after = 10",
            str(settings.accounts.lock_after),
        ),
        Measure(
            "idle_time_out",
            settings.session.idle <= 4 * 3600,
            "required",
            "Tự kết thúc phiên làm việc bỏ quên (tối đa 4 giờ)",
            "Forgotten sessions end by themselves (4 hours at most)",
            "S24, điều 6.2a",
            "session.idle = 7200",
            f"{settings.session.idle:g} s",
        ),
        Measure(
            "two_administrators",
            facts.administrators >= 2,
            "recommended",
            "Có ít nhất hai quản trị viên",
            "There are two administrators at least",
            "S24, điều 6.2a",
            "mcu user add TÊN --role administrator",
            str(facts.administrators),
        ),
        Measure(
            "site_networks",
            bool(settings.security.site_networks) or facts.open_sites == 0,
            "required",
            "Điểm cầu chỉ vào họp qua mạng TSLCD",
            "Sites join over the TSLCD only",
            "S21, điều 5.7a",
            'security.site_networks = ["10.0.0.0/8"]',
            ", ".join(settings.security.site_networks)
            or ("" if facts.open_sites is None else f"{facts.open_sites} điểm cầu vào được từ mọi mạng"),
        ),
        Measure(
            "bound_interfaces",
            not any_address,
            "recommended",
            "Hình và tiếng chỉ đi qua giao diện mạng đã chọn",
            "Picture and sound use chosen interfaces only",
            "S11, điều 3.10",
            'relay.bind = ["10.0.0.5"]',
            listens,
        ),
        Measure(
            "security_log",
            facts.retention_months >= 3,
            "required",
            "Nhật ký an toàn giữ ít nhất 3 tháng",
            "The security log is kept three months at least",
            "S89, phụ lục bước 7",
            "retention.security_months = 12",
            f"{facts.retention_months} tháng",
        ),
        Measure(
            "metrics_closed",
            True,
            "required",
            "Số liệu vận hành chỉ cho quản trị viên hoặc máy có mã riêng",
            "Metrics are for administrators, or whoever has the token",
            "S25, điều 6.2b",
            "metrics.token",
            "token" if settings.metrics.token is not None else "administrator",
        ),
    ]
