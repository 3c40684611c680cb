"""Audio levels decide who speaks.  Pure arithmetic: no numpy, so that a relay may import it.

Levels are in dBov as integers or floats, 0 loudest and -127 digital silence; the RTP header extension of RFC 6464
carries the same number without its sign, before any decoding.  `now` is seconds of any monotonic clock.  Each object
is owned by one loop.  `speech` says whether a packet is speech and not only sound (`Speech`): a fan, a hum or applause
is heard while there is room for it, but takes nobody's place and is never the speaker.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

SILENT = -127
SPEECH_DBOV = -50  # quieter than this is room noise
DECAY_DB = 6.0  # a second of silence takes this off a voice's level, so that pauses between words do not count
MARGIN_DB = 3.0  # a newcomer must be this much louder than who it replaces
NOISE_MARGIN_DB = 6.0  # of one that does not speak over another
SETTLED = 1.4  # seconds after which the noise floor of who has just begun is known
ABOVE_DB = 8.0  # speech rises this much above what the site sends between syllables
TRUSTED = 10.0  # seconds after a sender marked a packet as voice that its missing mark says something
_WINDOW = 0.7  # seconds
_LOOK_AGAIN = 0.2  # seconds
_FLOOR_AT_FIRST = -70.0

K = TypeVar("K", bound=Hashable)


class Speech:
    """Is what one site sends speech?  By the levels of its packets and, with caution, its own word.

    The noise floor is the least level of the last one to two windows (minimum statistics, as `mixer.activity` has them
    after decoding): within 1.4 s steady sound is its own floor, while speech falls between syllables.  The voice bit of
    RFC 6464 only speaks against, and only of senders that set it now and then: many never do, some always.
    """

    __slots__ = ("_before", "_marked", "least", "turns")

    def __init__(self) -> None:
        self.least = self._before = _FLOOR_AT_FIRST  # least level in this window, and in the one before
        self.turns = float("-inf")  # when this window ends
        self._marked = float("-inf")  # when the sender last said that it is voice

    def hear(self, level: float, now: float, marked: bool = False) -> bool:
        """Take the level of one packet, `marked` as voice by its sender or not."""
        if now >= self.turns:
            self._before, self.least, self.turns = self.least, level, now + _WINDOW
        elif level < self.least:
            self.least = level
        if marked:
            self._marked = now
        elif now - self._marked < TRUSTED:
            return False
        floor = self.least if self.least < self._before else self._before
        return level > SPEECH_DBOV and level > floor + ABOVE_DB


@dataclass(slots=True)
class _Voice:
    level: float  # decays from the last peak
    at: float  # when `level` was true
    sounded: float = float("-inf")  # last time above SPEECH_DBOV
    spoke: float = float("-inf")  # last time that this was speech
    began: float = float("-inf")

    def hear(self, level: float, now: float, speech: bool) -> None:
        faded = self.level_at(now)
        self.level, self.at = max(level, faded), now
        if level > SPEECH_DBOV:
            self.sounded = now
            if speech:
                self.spoke = now

    def level_at(self, now: float) -> float:
        return max(self.level - DECAY_DB * (now - self.at), SILENT)


class ActiveSpeaker(Generic[K]):
    """Who is heard most now, kept through short interruptions.

    The current speaker stays until it was silent for `hold` seconds and somebody else speaks, or until somebody
    else was louder for `hold` seconds.  Who has just come waits a moment: noise looks like speech until its floor is
    known.  In a general silence the last speaker stays.
    """

    def __init__(self, hold: float = 1.5) -> None:
        self.current: K | None = None
        self._hold = hold
        self._voices: dict[K, _Voice] = {}
        self._louder_since: dict[K, float] = {}

    def hear(self, key: K, level_dbov: float, now: float, speech: bool = True) -> None:
        """Take the level of one 20 ms block of `key`."""
        voice = self._voices.get(key)
        if voice is None:
            voice = self._voices[key] = _Voice(SILENT, now, began=now)
        voice.hear(level_dbov, now, speech)
        if key == self.current:
            return
        holder = self._voices.get(self.current) if self.current is not None else None
        if level_dbov <= SPEECH_DBOV or not speech:
            if now - voice.spoke > self._hold / 3:  # a pause between words does not end an attempt
                self._louder_since.pop(key, None)
            return
        if holder is None or (now - holder.spoke >= self._hold and now - voice.began >= SETTLED):
            self._take(key)
        elif voice.level_at(now) < holder.level_at(now):
            self._louder_since.pop(key, None)
        elif now - self._louder_since.setdefault(key, now) >= self._hold:
            self._take(key)

    def drop(self, key: K) -> None:
        """Forget who left; if it was the speaker, nobody is until somebody speaks."""
        self._voices.pop(key, None)
        self._louder_since.pop(key, None)
        if key == self.current:
            self.current = None

    def _take(self, key: K) -> None:
        self.current = key
        self._louder_since.clear()


class Loudest(Generic[K]):
    """Which voices pass on to the mixer: the `n` loudest, and `always` whoever has the word.

    A voice keeps its place for `hold` seconds after it last spoke, so that the ends of words are not cut, and
    against newcomers who are not clearly louder.  Sound without speech has a place only while nobody who speaks wants
    it, and gives way to sound that is much louder.  Keys in `always` pass whatever their level and take no place.
    """

    def __init__(self, n: int, hold: float = 2.0) -> None:
        self.n = n
        self.always: set[K] = set()
        self._hold = hold
        self._places: dict[K, _Voice] = {}
        self._full_until = float("-inf")  # a hundred fans need not look for a place with every packet

    def hear(self, key: K, level_dbov: float, now: float, speech: bool = True) -> bool:
        """Take the level of one packet of `key`; True if it may pass."""
        if key in self.always:
            self._places.pop(key, None)
            return True
        places = self._places
        voice = places.get(key)
        if voice is not None:
            voice.hear(level_dbov, now, speech)
            if now - voice.sounded > self._hold or len(places) > self.n:
                del places[key]
                return False
            return True
        if level_dbov <= SPEECH_DBOV or self.n <= 0:
            return False
        if len(places) >= self.n and not self._make_room(level_dbov, now, speech):
            return False
        places[key] = _Voice(level_dbov, now, now, now if speech else float("-inf"))
        return True

    def drop(self, key: K) -> None:
        """Forget who left."""
        self._places.pop(key, None)
        self.always.discard(key)

    @property
    def passing(self) -> frozenset[K]:
        """Who holds a place or passes always."""
        return frozenset(self._places) | self.always

    def _make_room(self, level_dbov: float, now: float, speech: bool) -> bool:
        if not speech and now < self._full_until:
            return False
        places = self._places
        for key in [key for key, voice in places.items() if now - voice.sounded > self._hold]:
            del places[key]  # stopped sending altogether
        if len(places) < self.n:
            return True
        mute = [key for key, voice in places.items() if now - voice.spoke > self._hold]
        weakest = min(mute or places, key=lambda key: places[key].level_at(now))
        above = level_dbov - places[weakest].level_at(now)
        if speech:
            wins = bool(mute) or above >= MARGIN_DB
        else:
            wins = bool(mute) and above >= NOISE_MARGIN_DB
            self._full_until = now + _LOOK_AGAIN
        if not wins:
            return False
        del places[weakest]
        return len(places) < self.n
