"""Roll call: in which order, and what each key does.  Pure; the state is in the database (`roll_calls`).

Result of a site: present, absent, poor (heard or seen badly), no_answer, skipped; None: not called yet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Order = Literal["number", "alphabet", "script", "given"]
Result = Literal["present", "absent", "poor", "no_answer", "skipped"]
State = Literal["running", "paused", "finishing", "aborting", "finished", "aborted"]
Action = Literal["skip", "back", "repeat", "pause", "resume", "finish", "abort"]

RESULTS: tuple[Result, ...] = ("present", "absent", "poor", "no_answer", "skipped")
GOES_ON = ("running", "paused")


@dataclass(frozen=True, slots=True)
class Called:
    """Where a roll call stands.  Times in seconds of the wall clock; `results` by position."""

    state: State
    position: int
    seconds: float
    results: tuple[Result | None, ...]
    called_at: float | None = None
    due_at: float | None = None
    left: float | None = None  # while paused

    @property
    def over(self) -> bool:
        """Whether everybody was called."""
        return self.position >= len(self.results)


def called(now: Called, position: int, at: float) -> Called:
    """Call the site at that position; past the last one the roll call is finishing."""
    if position >= len(now.results):
        return replace(now, state="finishing", position=len(now.results), called_at=None, due_at=None, left=None)
    return replace(now, state="running", position=max(0, position), called_at=at, due_at=at + now.seconds, left=None)


def answered(now: Called, position: int, result: Result, at: float) -> Called:
    """A result.  Of the site that is called now: on to the next that has none; of another one: a correction."""
    results = tuple(result if index == position else other for index, other in enumerate(now.results))
    corrected = replace(now, results=results)
    if now.state not in GOES_ON or position != now.position:
        return corrected
    return called(corrected, next_open(results, position), at)


def next_open(results: Sequence[Result | None], position: int) -> int:
    """The next position without a result; after a step back those that have one are not called again."""
    return next((index for index in range(position + 1, len(results)) if results[index] is None), len(results))


def acted(now: Called, action: Action, at: float) -> Called | None:
    """What a key does; None when it makes no sense now."""
    if now.state not in GOES_ON:
        return None
    match action:
        case "skip":
            return answered(now, now.position, "skipped", at)
        case "back":
            return None if now.position == 0 else called(now, now.position - 1, at)
        case "repeat":
            return called(now, now.position, at)
        case "pause" if now.state == "running":
            left = None if now.due_at is None else max(0.0, now.due_at - at)
            return replace(now, state="paused", due_at=None, left=left)
        case "resume" if now.state == "paused":
            left = now.seconds if now.left is None else now.left
            return replace(now, state="running", due_at=at + left, left=None)
        case "finish":
            return replace(now, state="finishing", due_at=None, left=None)
        case "abort":
            return replace(now, state="aborting", due_at=None, left=None)
    return None


def timed_out(now: Called, at: float) -> Called | None:
    """The site had its time: no answer.  None when it still has some."""
    if now.state != "running" or now.due_at is None or at < now.due_at:
        return None
    return answered(now, now.position, "no_answer", at)


def counted(results: Sequence[Result | None]) -> dict[str, int]:
    """How many of each, with `waiting` for those not called."""
    counts: dict[str, int] = {result: results.count(result) for result in RESULTS}
    return {**counts, "waiting": results.count(None)}


# --------------------------------------------------------------------------------------------------------- order


@dataclass(frozen=True, slots=True)
class ToCall:
    site: str
    number: int
    name: str


def ordered(sites: Sequence[ToCall], order: Order, given: Sequence[str] = ()) -> list[ToCall]:
    """The sites in the order of the roll call; `given` names those of "script" and "given", others follow by number."""
    by_number = sorted(sites, key=lambda site: site.number)
    if order == "alphabet":
        return sorted(by_number, key=lambda site: vietnamese(site.name))
    if order in ("script", "given"):
        places: Mapping[str, int] = {site: place for place, site in enumerate(dict.fromkeys(given))}
        return sorted(by_number, key=lambda site: places.get(site.site, len(places)))
    return by_number


_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES = "\u0300\u0309\u0303\u0301\u0323"  # huyền, hỏi, ngã, sắc, nặng, after ngang
_VALUE = {letter: index for index, letter in enumerate(_LETTERS)}
_SHAPES = "\u0302\u0306\u031b"  # circumflex, breve, horn: they make another letter


def vietnamese(name: str) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Key that sorts as a Vietnamese dictionary does: word by word, letter by letter, then by tone (TCVN 6909)."""
    return tuple(_word(word) for word in unicodedata.normalize("NFD", name.casefold()).split())


def _word(word: str) -> tuple[tuple[int, int], ...]:
    letters: list[tuple[int, int]] = []
    tone = 0
    base = ""
    for sign in word + "\0":
        if sign in _SHAPES:
            base = unicodedata.normalize("NFC", base + sign)
        elif sign in _TONES:
            tone = 1 + _TONES.index(sign)
        elif not unicodedata.combining(sign):
            if base:
                letters.append((0 if base in _VALUE else -1, _VALUE.get(base, ord(base[0]))))
            base = sign
    return (*letters, (-2, tone)) if tone else tuple(letters)
