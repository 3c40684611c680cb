"""Types of what people write in requests: NFC, no NUL, bounded."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field


def _clean(text: str) -> str:
    if "\0" in text or any(0xD800 <= ord(sign) <= 0xDFFF for sign in text):
        raise ValueError("no NUL and no half characters in a text")
    return unicodedata.normalize("NFC", text.strip())


Line = Annotated[str, Field(max_length=300), AfterValidator(_clean)]
Remark = Annotated[str, Field(max_length=500), AfterValidator(_clean)]
Text = Annotated[str, Field(max_length=1000), AfterValidator(_clean)]
OwnId = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
SlugId = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9-]+$")]
When = AwareDatetime  # ISO 8601 with offset
