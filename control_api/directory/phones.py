"""Telephone numbers of Vietnam, as people write them; kept as the digits one dials at home.

Numbering plan (Circular 22/2014/TT-BTTTT, Decision 2036/QĐ-BTTTT of 2016): mobile numbers have ten digits (03, 05, 07,
08, 09), fixed ones ten or eleven with the area code (02xx), services 1800 and 1900 have eight or ten.  Pure.
"""

from __future__ import annotations

import re

_FORMS = re.compile(r"0[35789]\d{8}|02\d{8,9}|1[89]00\d{4}(?:\d{2})?")
_PUNCTUATION = re.compile(r"[\s.\-()/]+")


def clean_phone(written: str) -> str | None:
    """The digits to dial: `0912 345 678`, `+84 912.345.678` -> `0912345678`; None: not a number of Vietnam."""
    digits = _PUNCTUATION.sub("", written.strip())
    if digits.startswith("+84"):
        digits = "0" + digits[3:].removeprefix("0")
    elif digits.startswith("0084"):
        digits = "0" + digits[4:].removeprefix("0")
    return digits if digits.isascii() and _FORMS.fullmatch(digits) else None


def spaced(digits: str) -> str:
    """As an office prints it: `0912 345 678`, `0222 3822 123`, `1900 1234`."""
    if digits.startswith("1"):
        return f"{digits[:4]} {digits[4:]}"
    if digits.startswith("02") and len(digits) == 11:
        return f"{digits[:4]} {digits[4:8]} {digits[8:]}"
    return f"{digits[:4]} {digits[4:7]} {digits[7:]}" if len(digits) == 10 else digits
