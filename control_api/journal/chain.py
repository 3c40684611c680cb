"""The chain of hashes of one journal.  Pure; the form is for ever: other programs check exports against it.

The hash of a line is SHA-256 over its canonical JSON in UTF-8: the object with the keys actor, at, conference, data,
previous, seq, site and what, keys sorted at every depth, no spaces, no escapes but JSON's own, numbers as
`plain` leaves them (Python's shortest `repr`).  `previous` is the hash of the line before, of the first one `GENESIS`.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

GENESIS = "0" * 64
_EXACT = 2**53  # larger whole numbers are no longer exact in every reader of JSON
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a journal as it is stored."""

    conference_id: str
    seq: int
    at: float  # Unix seconds
    what: str
    actor: str | None
    site: str | None
    data: Json
    previous: str
    hash: str
    id: int = 0  # of the row; not part of the hash

    def own_hash(self) -> str:
        """What the hash must be, by the other fields."""
        return digest(self.conference_id, self.seq, self.previous, self.at, self.what, self.actor, self.site, self.data)


def digest(
    conference_id: str, seq: int, previous: str, at: float, what: str, actor: str | None, site: str | None, data: Json
) -> str:
    """SHA-256 of a line, 64 hex digits."""
    fields = {
        "actor": actor,
        "at": plain(at),
        "conference": conference_id,
        "data": plain(data),
        "previous": previous,
        "seq": seq,
        "site": site,
        "what": what,
    }
    return hashlib.sha256(canonical(fields)).hexdigest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def plain(value: Any, depth: int = 0) -> Any:
    """`value` as both databases give it back: JSON that a journey through either does not change.

    Whole floats below 2^53 become integers, larger integers floats (PostgreSQL's JSONB keeps no difference), what is
    not a number becomes None, letters that no database stores become U+FFFD, keys become strings.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        return int(value) if abs(value) < _EXACT else _large(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if depth >= _DEEPEST:
        return text(str(value))
    if isinstance(value, dict):
        return {text(str(key)): plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        inner_values = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(inner, depth + 1) for inner in inner_values]
    return text(str(value))


def text(value: str) -> str:
    """Without NUL (PostgreSQL refuses it) and lone surrogates (UTF-8 has none)."""
    if value.isascii() and "\0" not in value:
        return value
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _large(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def linked(
    conference_id: str, seq: int, previous: str, entries: list[tuple[float, str, str | None, str | None, Json]]
) -> list[Line]:
    """Lines for `entries` (at, what, actor, site, data) behind the line `seq` with the hash `previous`."""
    lines = []
    for at, what, actor, site, data in entries:
        seq += 1
        clean: Json = plain(data)
        short = text(what)[:80]
        who, where = _short(actor), _short(site)
        line_hash = digest(conference_id, seq, previous, at, short, who, where, clean)
        lines.append(Line(conference_id, seq, at, short, who, where, clean, previous, line_hash))
        previous = line_hash
    return lines


def _short(value: str | None) -> str | None:
    return None if value is None else text(value)[:80]
