"""Names and telephone numbers of the summary form (S76, S81).  Pure."""

from __future__ import annotations

import re
import unicodedata

from control_api.problems import Refused

_PHONE = re.compile(r"(?:\+84|0)\d{8,10}")
_SEPARATORS = re.compile(r"[\s.()–-]+")


def clean_text(text: str) -> str:
    """NFC, without what cannot be seen at the ends."""
    return unicodedata.normalize("NFC", text).strip()


def clean_phone(text: str) -> str:
    """A Vietnamese number without separators; empty stays empty.  Raises Refused `bad_phone`."""
    phone = _SEPARATORS.sub("", clean_text(text))
    if phone and not _PHONE.fullmatch(phone):
        raise Refused(
            "bad_phone",
            "Số điện thoại phải bắt đầu bằng 0 hoặc +84 và có 9 đến 11 chữ số, ví dụ 0912 345 678.",
            "A telephone number begins with 0 or +84 and has 9 to 11 digits, such as 0912 345 678.",
        )
    return phone
