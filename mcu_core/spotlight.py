"""Who stands in the places for the loudest: the last `n` speakers, each in a place that it keeps.

A newcomer takes the place of whoever has been silent longest, and no place changes hands within `hold` seconds; one
who is still speaking then gets it.  Who speaks is decided elsewhere (`Speaker` events of the mixer).

Owned by the conference's control task; times are seconds of the caller's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_MOST_KINDS = 32  # (places, hold) pairs asked for; an operator uses one or two


@dataclass(slots=True)
class _Places:
    who: list[str | None]
    since: list[float] = field(default_factory=list)


class Spotlight:
    def __init__(self) -> None:
        self.speaker: str | None = None
        self._last: dict[str, float] = {}  # when each site was last the speaker
        self._places: dict[tuple[int, float], _Places] = {}

    def hear(self, speaker: str | None, now: float) -> None:
        """Who is heard most from now on."""
        if self.speaker is not None:
            self._last[self.speaker] = now
        self.speaker = speaker
        if speaker is not None:
            self._last[speaker] = now

    def drop(self, site: str) -> None:
        """It has left."""
        if self.speaker == site:
            self.speaker = None
        self._last.pop(site, None)
        for places in self._places.values():
            places.who = [None if who == site else who for who in places.who]

    def at(self, count: int, hold: float, now: float) -> Sequence[str | None]:
        """Who holds each of `count` places now."""
        key = (count, hold)
        places = self._places.get(key)
        if places is None:
            if len(self._places) >= _MOST_KINDS:
                self._places.pop(next(iter(self._places)))
            recent = sorted(self._last, key=lambda site: -self._last[site])[:count]
            who: list[str | None] = [*recent, *[None] * (count - len(recent))]
            places = self._places[key] = _Places(who, [now - hold] * count)
        if self.speaker is not None and self.speaker not in places.who:
            index = self._longest_silent(places)
            if places.who[index] is None or now - places.since[index] >= hold:
                places.who[index], places.since[index] = self.speaker, now
        return tuple(places.who)

    def due(self, count: int, hold: float) -> float | None:
        """When the speaker, who has no place among these yet, will get the one that was silent longest."""
        places = self._places.get((count, hold))
        if places is None or self.speaker is None or self.speaker in places.who:
            return None
        return places.since[self._longest_silent(places)] + hold

    def _longest_silent(self, places: _Places) -> int:
        return min(range(len(places.who)), key=lambda place: self._last.get(places.who[place] or "", -1.0))
