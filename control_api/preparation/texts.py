"""Texts, ids and telephone numbers as people type them: NFC, no control characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

_SEPARATORS = re.compile(r"[\s().-]+")
_PHONE = re.compile(r"(?:\+84|0)(?:[35789]\d{8}|2\d{9})|1[89]00\d{4,6}|\+(?!84)[1-9]\d{6,14}")


def clean_text(text: str) -> str:
    """NFC without spaces around it.  Raises PydanticCustomError for control characters but line breaks and tabs."""
    clean = unicodedata.normalize("NFC", text).strip()
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" for letter in clean):
        raise PydanticCustomError("control_characters", "control characters are no text")
    return clean


def clean_phone(phone: str) -> str:
    """A telephone number of Vietnam or, with +, of another country, in one form: `0912345678`, `02043555992`.

    Ten digits for mobiles (03, 05, 07, 08, 09), eleven for land lines (02), 1800 and 1900.  Raises PydanticCustomError.
    """
    bare = _SEPARATORS.sub("", phone)
    if not _PHONE.fullmatch(bare) or not bare.isascii():
        raise PydanticCustomError(
            "not_a_phone",
            "must be a telephone number: 10 digits for mobiles (09…), 11 for land lines (02…), or +country",
        )
    return "0" + bare[3:] if bare.startswith("+84") else bare


Text = Annotated[str, AfterValidator(clean_text)]
Phone = Annotated[str, Field(max_length=30, examples=["0912 345 678"]), AfterValidator(clean_phone)]
MeetingId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$", examples=["c-1f3a"])]
SiteKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$", examples=["xa-van-mon"])]
