"""Columns of the directory's spreadsheets: how a value is shown, and read back.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from control_api.directory.search import fold
from control_api.directory.tables import Contact, Organisation, Site
from control_api.directory.workbook import Cell, text_of

KIND_WORDS = {
    "department": "Sở, ban, ngành",
    "commune": "UBND cấp xã",
    "carrier": "Đơn vị viễn thông",
    "other": "Khác",
}
ENDPOINT_WORDS = {"browser": "Trình duyệt", "hardware": "Thiết bị phần cứng", "software": "Phần mềm", "other": "Khác"}
NETWORK_WORDS = {"tslcd": "Mạng TSLCD", "internet": "Internet", "other": "Khác"}
ROLE_WORDS = {"leader": "Lãnh đạo", "technical": "Kỹ thuật", "team": "Tổ vận hành", "carrier": "Nhà mạng"}
_YES = frozenset({"co", "x", "yes", "true", "1"})
_NO = frozenset({"", "khong", "no", "false", "0"})
_ITEM = re.compile(
    r"(?P<name>.*?)\s*(?:\[(?P<model>[^\]]*)\])?\s*(?:[x×]\s*(?P<quantity>\d{1,4}))?\s*(?P<bad>\(hỏng\))?"
)


class Unread(ValueError):
    """A cell that cannot be read: why, in both languages."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi, self.en = vi, en


@dataclass(frozen=True, slots=True)
class Field:
    """A column.  `key` is the entry's column, or a part of it after a dot."""

    key: str
    head: str
    needed: bool = False
    width: float = 18.0
    read: Callable[[str], Any] = str
    show: Callable[[Any], Cell] = lambda value: value
    choices: tuple[str, ...] = ()

    def value_in(self, entry: object) -> Any:
        name, _, part = self.key.partition(".")
        value = getattr(entry, name)
        return value.get(part) if part and isinstance(value, Mapping) else value

    def shown(self, entry: object) -> Cell:
        value = self.value_in(entry)
        return "" if value is None else self.show(value)

    def is_same(self, entry: object, text: str) -> bool:
        """Whether a cell says what the entry holds already."""
        return text == text_of(self.shown(entry))


def _nothing(text: str) -> str | None:
    return text or None


def _choice(words: Mapping[str, str]) -> Callable[[str], str]:
    known = {fold(word): value for value, word in words.items()} | {value: value for value in words}

    def read(text: str) -> str:
        value = known.get(fold(text))
        if value is None:
            listed = "; ".join(words.values())
            raise Unread(f"phải là một trong: {listed}", f"must be one of: {', '.join(words)}")
        return value

    return read


def _flag(text: str) -> bool:
    word = fold(text)
    if word not in _YES | _NO:
        raise Unread("phải là có hoặc không", "must be có (yes) or không (no)")
    return word in _YES


def _phone(text: str) -> str:
    """Spreadsheets drop the zero of a number that is typed as one."""
    return f"0{text}" if re.fullmatch(r"[35789]\d{8}|2\d{8,9}", text) else text


def _list(text: str) -> list[str]:
    return [part for part in re.split(r"[\s,;]+", text) if part]


def read_items(text: str) -> list[dict[str, Any]]:
    """`Ti vi 65 inch [QA65] x2; Máy chiếu (hỏng)` as a list of peripherals."""
    items = []
    for part in filter(None, (" ".join(part.split()) for part in text.split(";"))):
        found = _ITEM.fullmatch(part)
        if found is None or not found["name"]:
            raise Unread("phải có dạng: Tên [kiểu] x2; Tên khác", "must look like: name [model] x2; other name")
        items.append(
            {
                "name": found["name"],
                "model": (found["model"] or "").strip(),
                "quantity": int(found["quantity"] or 1),
                "good": found["bad"] is None,
            }
        )
    return items


def show_items(items: Any) -> str:
    return "; ".join(
        item["name"]
        + (f" [{item['model']}]" if item.get("model") else "")
        + (f" x{item['quantity']}" if item.get("quantity", 1) != 1 else "")
        + ("" if item.get("good", True) else " (hỏng)")
        for item in items
    )


def _word(words: Mapping[str, str]) -> Callable[[Any], Cell]:
    return lambda value: words.get(value, str(value))


def _chosen(key: str, head: str, words: Mapping[str, str], *, needed: bool = False, width: float = 18.0) -> Field:
    return Field(key, head, needed, width, _choice(words), _word(words), tuple(words.values()))


def _yes_no(key: str, head: str) -> Field:
    return Field(key, head, False, 12, _flag, bool, ("có", "không"))


ORGANISATIONS = (
    Field("id", "Mã", width=22, read=_nothing),
    Field("name", "Tên cơ quan", needed=True, width=36),
    Field("short_name", "Tên viết tắt", width=12),
    _chosen("kind", "Loại", KIND_WORDS, needed=True),
    _yes_no("is_manager", "Quản lý hệ thống"),
    Field("parent_id", "Cơ quan cấp trên", width=22, read=_nothing),
    Field("accountable_name", "Người chịu trách nhiệm", width=24),
    Field("accountable_position", "Chức vụ người chịu trách nhiệm", width=24),
    Field("accountable_phone", "Điện thoại người chịu trách nhiệm", read=_phone),
    Field("address", "Địa chỉ", width=36),
    Field("phone", "Điện thoại", read=_phone),
    Field("email", "Thư điện tử", width=24),
    Field("remark", "Ghi chú", width=30),
    _yes_no("active", "Đang hoạt động"),
)
SITES = (
    Field("id", "Mã", width=22, read=_nothing),
    Field("organisation_id", "Cơ quan", needed=True, width=28),
    Field("name", "Tên điểm cầu", needed=True, width=36),
    Field("room", "Phòng họp", width=22),
    Field("address", "Địa chỉ", width=36),
    _chosen("endpoint_type", "Loại thiết bị đầu cuối", ENDPOINT_WORDS),
    Field("endpoint.maker", "Hãng thiết bị"),
    Field("endpoint.model", "Kiểu thiết bị"),
    Field("endpoint.serial", "Số sê-ri"),
    Field("endpoint.firmware", "Phiên bản phần mềm"),
    Field("endpoint.address", "Địa chỉ thiết bị"),
    Field("peripherals.display", "Màn hình", width=28, read=read_items, show=show_items),
    Field("peripherals.loudspeaker", "Loa", width=28, read=read_items, show=show_items),
    Field("peripherals.camera", "Camera", width=28, read=read_items, show=show_items),
    Field("peripherals.microphone", "Micro", width=28, read=read_items, show=show_items),
    Field("seats", "Số ghế", width=9, read=_nothing),
    _chosen("network", "Mạng", NETWORK_WORDS),
    Field("allowed_networks", "Dải mạng được phép", width=24, read=_list, show=", ".join),
    Field("carrier_id", "Đơn vị cung cấp đường truyền", width=22, read=_nothing),
    Field("line_code", "Mã đường truyền"),
    Field("line_mbps", "Tốc độ (Mbit/s)", width=12, read=_nothing),
    Field("reserve_line", "Đường truyền dự phòng", width=22),
    _yes_no("config_locked", "Khóa cấu hình"),
    Field("remark", "Ghi chú", width=30),
    _yes_no("active", "Đang hoạt động"),
)
CONTACTS = (
    Field("id", "Mã", width=18, read=_nothing),
    Field("organisation_id", "Cơ quan", needed=True, width=28),
    Field("site_id", "Điểm cầu", width=28, read=_nothing),
    _chosen("role", "Vai trò", ROLE_WORDS),
    Field("name", "Họ và tên", needed=True, width=26),
    Field("position", "Chức vụ", needed=True, width=26),
    Field("phone", "Điện thoại", needed=True, read=_phone),
    Field("email", "Thư điện tử", width=24),
    Field("remark", "Ghi chú", width=30),
)
SHEETS: dict[str, tuple[type[Organisation] | type[Site] | type[Contact], tuple[Field, ...]]] = {
    "Cơ quan": (Organisation, ORGANISATIONS),
    "Điểm cầu": (Site, SITES),
    "Đầu mối": (Contact, CONTACTS),
}
