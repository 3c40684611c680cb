"""How an official paper of a Vietnamese office is worded: head, dates, figures, signatures.  Pure.

Layout and wording after Nghị định 30/2020/NĐ-CP, phụ lục I (thể thức) and III (mẫu 1.4 công văn, 1.10 biên bản).
Everything here is text already: templates only place it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from control_api.store.base import Json

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")
NONE = "—"  # nothing is known
Context = Json  # what a template places: texts, lists of texts, rows of texts


@dataclass(frozen=True, slots=True)
class Office:
    """Whose paper it is, for the head and the foot."""

    authority: str  # the organ above: UBND TỈNH BẮC NINH; may be empty
    name: str
    symbol: str  # of its letters: SKHCN
    place: str  # Bắc Ninh


def head(office: Office, kind: str, at: float | None) -> dict[str, str]:
    """The upper part of a paper; `kind` is BB, BC …  The number is left to the clerk."""
    symbol = f"{kind}-{office.symbol}" if office.symbol else f"{kind}-……"
    return {
        "authority": office.authority.upper(),
        "agency": office.name.upper(),
        "number": f"Số:        /{symbol}",
        "place_date": f"{office.place}, {dated(at)}",
    }


def local(at: float) -> datetime:
    return datetime.fromtimestamp(at, LOCAL)


def dated(at: float | None) -> str:
    """ngày 05 tháng 02 năm 2026: days below 10 and the first two months take a zero."""
    if at is None:
        return "ngày      tháng      năm       "
    day = local(at)
    month = f"{day.month:02d}" if day.month <= 2 else str(day.month)
    return f"ngày {day.day:02d} tháng {month} năm {day.year}"


def moment(at: float | None) -> str:
    """08 giờ 30 phút, ngày 23/11/2026"""
    return NONE if at is None else f"{local(at):%H} giờ {local(at):%M} phút, ngày {local(at):%d/%m/%Y}"


def clock(at: float | None) -> str:
    """08:30:15"""
    return NONE if at is None else f"{local(at):%H:%M:%S}"


def stamp(at: float | None) -> str:
    """08:30 23/11/2026"""
    return NONE if at is None else f"{local(at):%H:%M %d/%m/%Y}"


def day(at: float | None) -> str:
    return NONE if at is None else f"{local(at):%d/%m/%Y}"


def number(value: float | None, digits: int = 0) -> str:
    """1.234,5: a dot between thousands, a comma before decimals."""
    if value is None:
        return NONE
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def percent(fraction: float | None, digits: int = 0) -> str:
    return NONE if fraction is None else f"{number(fraction * 100, digits)}%"


def duration(seconds: float | None) -> str:
    """2 giờ 05 phút; below an hour 5 phút; below a minute 40 giây."""
    if seconds is None:
        return NONE
    if seconds < 60:
        return f"{max(0, round(seconds))} giây"
    minutes = round(seconds / 60)
    return f"{minutes} phút" if minutes < 60 else f"{minutes // 60} giờ {minutes % 60:02d} phút"


def lines(text: str) -> list[str]:
    """The paragraphs of what somebody typed; one empty one when there is nothing."""
    return [line.strip() for line in text.splitlines() if line.strip()] or ["Không có nội dung."]


def clean(text: str) -> str:
    """Without what XML and fonts do not take: control characters become spaces."""
    return "".join(letter if letter in "\n\t" or ord(letter) >= 0x20 else " " for letter in text)
