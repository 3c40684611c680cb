"""Finding without diacritics: "bac ninh" finds "Bắc Ninh", "dong" finds "Đông"."""

from __future__ import annotations

import unicodedata

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

_D = str.maketrans("đĐ", "dd")
MOST_WORDS = 10


def fold(text: str) -> str:
    """Small letters, no diacritics, `đ` as `d`, single spaces; what is left of other scripts stays."""
    apart = unicodedata.normalize("NFKD", text.translate(_D))
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()
    return " ".join("".join(letter if letter.isprintable() else " " for letter in plain).split())


def folded(*texts: str) -> str:
    """What a `folded` column holds of an entry."""
    return fold(" ".join(text for text in texts if text))


def matches(column: InstrumentedAttribute[str], words: str) -> list[ColumnElement[bool]]:
    """Conditions that a folded column has every word, in any order; none for an empty search."""
    return [column.contains(word, autoescape=True) for word in fold(words).split()[:MOST_WORDS]]
