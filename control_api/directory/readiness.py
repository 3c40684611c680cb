"""Whether a site can serve a meeting, by what the directory knows of it, and why not.  Pure.

A site is an endpoint with screen, loudspeaker, camera and microphone (S06, article 3.4) in a room whose sound, light,
equipment, line and power fit (S09, S15; articles 3.7, 5.1-5.5).  A meeting's own checks are `checks/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Readiness = Literal["ready", "attention", "not_ready"]

GROUPS = {"display": "màn hình", "loudspeaker": "loa", "camera": "camera", "microphone": "micro"}
CONDITIONS = {
    "line": ("đường truyền", "line"),
    "sound": ("âm thanh phòng họp", "sound of the room"),
    "light": ("ánh sáng", "light"),
    "equipment": ("trang thiết bị", "equipment"),
    "power": ("nguồn điện", "power"),
    "placement": ("vị trí lắp đặt màn hình, loa", "placement of screens and loudspeakers"),
    "climate": ("nhiệt độ, độ ẩm", "temperature and humidity"),
    "fire_safety": ("phòng cháy, chữa cháy", "fire safety"),
}
STANDARD_PRESETS = {
    "chair": ("chủ tọa", "chair"),
    "left": ("bên trái", "left"),
    "right": ("bên phải", "right"),
    "zoom_in": ("phóng to", "zoom in"),
    "zoom_out": ("thu nhỏ", "zoom out"),
}
_STOPPERS = frozenset({"line", "equipment", "power", "fire_safety"})  # without these no meeting


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to put right."""

    code: str
    vi: str
    en: str
    stops: bool = False  # the site cannot serve a meeting


def findings(
    peripherals: Mapping[str, Sequence[Mapping[str, Any]]],
    conditions: Mapping[str, str],
    presets: Iterable[Mapping[str, Any]],
    seats: int | None,
    open_faults: Sequence[bool] = (),
) -> list[Finding]:
    """What is missing or bad.  `open_faults` tells of each fault that is not done whether it is urgent."""
    found: list[Finding] = []
    for group, vi in GROUPS.items():
        items = peripherals.get(group, ())
        if not items:
            found.append(Finding(f"no_{group}", f"Chưa khai báo {vi}.", f"No {group} is registered."))
        elif not any(item.get("good", True) for item in items):
            found.append(
                Finding(f"broken_{group}", f"Không còn {vi} nào dùng được.", f"No working {group} is left.", stops=True)
            )
    for condition, (vi, en) in CONDITIONS.items():
        state = conditions.get(condition, "unknown")
        if state == "poor":
            stops = condition in _STOPPERS
            found.append(Finding(f"poor_{condition}", f"Chưa bảo đảm: {vi}.", f"Not good enough: {en}.", stops=stops))
        elif state != "good":
            found.append(Finding(f"unknown_{condition}", f"Chưa đánh giá: {vi}.", f"Not assessed yet: {en}."))
    if seats is None:
        found.append(Finding("no_seats", "Chưa khai báo số ghế ngồi.", "The number of seats is not registered."))
    if any(open_faults):
        found.append(
            Finding("urgent_fault", "Có sự cố khẩn chưa xử lý xong.", "An urgent fault is not solved yet.", stops=True)
        )
    elif open_faults:
        found.append(
            Finding(
                "open_fault", f"Có {len(open_faults)} sự cố chưa xử lý xong.", f"{len(open_faults)} faults are open."
            )
        )
    found += missing_presets(presets) if peripherals.get("camera") else []
    return found


def missing_presets(presets: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Camera positions of the regulation's list that are not saved (S96, appendix step 7): a reminder, not a fault."""
    saved = {str(preset.get("position")) for preset in presets}
    missing = [position for position in STANDARD_PRESETS if position not in saved]
    if not missing:
        return []
    vi = ", ".join(STANDARD_PRESETS[position][0] for position in missing)
    en = ", ".join(STANDARD_PRESETS[position][1] for position in missing)
    return [
        Finding(
            "missing_presets",
            f"Chưa lưu vị trí camera: {vi}.",
            f"Camera positions that are not saved: {en}.",
        )
    ]


def readiness_of(found: Iterable[Finding]) -> Readiness:
    found = list(found)
    if any(one.stops for one in found):
        return "not_ready"
    return "attention" if any(one.code != "missing_presets" for one in found) else "ready"


def network_warning(network: str, allowed: Sequence[str], of_all: Sequence[str]) -> Finding | None:
    """Whether a site may join from anywhere although it is on the TSLCD (S21, article 5.7a): a warning, it may go on.

    `of_all` is the rule of the MCU for sites without networks of their own.
    """
    if network != "tslcd" or allowed or of_all:
        return None
    return Finding(
        "no_networks",
        "Chưa khai báo mạng được phép: điểm cầu này vào họp được từ mọi mạng. Hãy khai báo mạng TSLCD của điểm cầu, "
        "hoặc đặt security.site_networks cho cả tỉnh.",
        "No network is set: this site may join from anywhere. Enter its network of the TSLCD, or set "
        "security.site_networks for the whole province.",
    )


def seat_warning(seats: int | None, attendees: int) -> Finding | None:
    """Whether more people are expected than there are seats (S17, article 5.4)."""
    if seats is None or attendees <= seats:
        return None
    return Finding(
        "not_enough_seats",
        f"Phòng họp có {seats} ghế nhưng dự kiến {attendees} người. Hãy bố trí thêm {attendees - seats} ghế.",
        f"The room has {seats} seats, but {attendees} people are expected. Provide {attendees - seats} more.",
    )
