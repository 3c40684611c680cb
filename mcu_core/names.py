"""Names and ids of sites: what people write, and what goes into addresses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from mcu_core.errors import OperatorError

MAX_NAME = 100
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def clean_name(name: str) -> str:
    """NFC, single spaces, 1-100 characters.  Raises OperatorError `bad_name`."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(name) <= MAX_NAME or any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in name):
        raise OperatorError(
            "bad_name",
            f"Tên phải có từ 1 đến {MAX_NAME} ký tự và không chứa ký tự điều khiển.",
            f"A name must have 1 to {MAX_NAME} characters and no control characters.",
        )
    return name


def check_slug(slug: str) -> str:
    """Small Latin letters, digits and single hyphens, at most 64.  Raises OperatorError `bad_site_id`."""
    if len(slug) > 64 or not _SLUG.fullmatch(slug):
        raise OperatorError(
            "bad_site_id",
            "Mã điểm cầu chỉ gồm chữ thường không dấu, chữ số và dấu gạch nối, tối đa 64 ký tự.",
            "A site id has small unaccented letters, digits and hyphens only, at most 64 characters.",
        )
    return slug


def slug_of(name: str, taken: Container[str]) -> str:
    """An id for a name, not yet taken: "UBND xã Văn Môn" -> "ubnd-xa-van-mon", then "ubnd-xa-van-mon-2"."""
    plain = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:56].strip("-") or "diem-cau"
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug
