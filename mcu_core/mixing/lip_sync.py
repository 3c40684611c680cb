"""Lip sync: a site's sound and picture leave the mix together although they came by different ways.

Sender reports tell when each was taken, by the site's own clock (RFC 3550, section 6.4.1); their arrival and what the
mixer does with them tell when each is shown.  Whichever would be too early waits: sound in its playout buffer, pictures
after the decoder.  Viewers notice sound 45 ms early or 125 ms late (ITU-R BT.1359); between `EARLIEST` and `LATEST`
little is done, because waiting costs delay.

Pictures of a bad line wait now more, now less (picture_pace.py).  Sound that followed each change at once would be
torn: its wait grows and shrinks slowly (`LONGER`, `SHORTER`), and hardly shrinks while it may be needed again.

Pure; `now` and arrival times are seconds of one clock.  Owned by the event loop.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

EARLIEST, LATEST = 0.0, 0.045  # seconds by which sound may come after the picture
SOUND_MOST = 0.400  # seconds that sound may be made to wait: as long as pictures may for their pace, and
PICTURE_MOST = 0.200  # pictures for their sound, beyond their pace: no more of them are kept
LONGER, SHORTER = 0.100, 0.050  # seconds a second by which the wait of sound grows and shrinks; more would be heard

_RATES = {"audio": 48_000, "camera": 90_000}
_SOUND_WORK = 0.015  # beyond the playout target: half a block, limiter
_PICTURE_WORK = 0.020  # decoder, and half a tick until it is drawn
_WINDOW = 5.0  # seconds; the fastest sound packet is taken over one to two of these, as the playout buffer does
_SMOOTH = 1 / 16  # of pictures' delays
_NONSENSE = 2.0  # seconds; reports that differ so much tell nothing
_STEP = 0.010  # seconds; smaller corrections of the pictures' wait are not made
_CLOSE = 0.015  # seconds after the picture up to which sound that was made to wait is in step
_LATE = 0.055  # seconds after the picture from which sound that was made to wait comes nearer again, and
_EASE = 0.005  # seconds a second by which it does before, until it is in step: pictures may soon wait longer again
_PAUSED = 0.5  # seconds between two judgements that count at most

Kind = Literal["audio", "camera"]


@dataclass(slots=True)
class _Stream:
    """When what arrives was taken: arrival minus the site's clock."""

    rate: int
    ntp: float | None = None
    rtp_time: int = 0

    def transit(self, rtp_time: int, arrived: float) -> float | None:
        if self.ntp is None:
            return None
        since = ((rtp_time - self.rtp_time + (1 << 31)) % (1 << 32)) - (1 << 31)
        return arrived - (self.ntp + since / self.rate)


@dataclass(slots=True)
class _Site:
    audio: _Stream = field(default_factory=lambda: _Stream(_RATES["audio"]))
    camera: _Stream = field(default_factory=lambda: _Stream(_RATES["camera"]))
    sound: float | None = None  # least transit of this window
    sound_before: float | None = None  # and of the one before
    window_ends: float = 0.0
    picture: float | None = None  # smoothed transit, and what the mixer itself needs
    least: float = 0.0  # what was asked for last
    hold: float = 0.0
    judged: float = 0.0  # when; at first as after a pause


@dataclass(frozen=True, slots=True)
class Waits:
    """What keeps one site in sync."""

    sound: float  # delay in seconds that its playout buffer must not undercut
    picture: float  # seconds its pictures are held


class LipSync:
    """Sites of one conference."""

    def __init__(self) -> None:
        self._sites: dict[int, _Site] = {}

    def keep(self, sites: Collection[int]) -> None:
        """Forget all other sites."""
        for number in self._sites.keys() - set(sites):
            del self._sites[number]

    def report(self, number: int, kind: Kind, ntp: float, rtp_time: int) -> None:
        """Take a sender report."""
        site = self._sites.setdefault(number, _Site())
        stream = site.audio if kind == "audio" else site.camera
        before = stream.transit(rtp_time, ntp)
        if before is not None and abs(before) > _NONSENSE:  # another source, or its clock was set
            if kind == "audio":
                site.sound = site.sound_before = None
            else:
                site.picture = None
        stream.ntp, stream.rtp_time = ntp, rtp_time

    def sound_arrived(self, number: int, rtp_time: int, arrived: float) -> None:
        site = self._sites.get(number)
        transit = site.audio.transit(rtp_time, arrived) if site is not None else None
        if site is None or transit is None:
            return
        if site.sound is None or arrived >= site.window_ends:
            recent = arrived < site.window_ends + _WINDOW
            site.sound_before = site.sound if recent else None
            site.sound, site.window_ends = transit, arrived + _WINDOW
        else:
            site.sound = min(site.sound, transit)

    def picture_arrived(self, number: int, rtp_time: int, arrived: float, *, passed: bool = False) -> None:
        """Take a picture; `passed`: viewers get it as it is, so it waits for no decoder and no tick."""
        site = self._sites.get(number)
        transit = site.camera.transit(rtp_time, arrived) if site is not None else None
        if site is None or transit is None:
            return
        if not passed:
            transit += _PICTURE_WORK
        if site.picture is None or abs(transit - site.picture) > _NONSENSE:
            site.picture = transit
        else:
            site.picture += _SMOOTH * (transit - site.picture)

    def waits(self, number: int, playout: float, now: float) -> Waits | None:
        """What to do for a site whose sound by itself plays `playout` seconds after its fastest packets.

        Asked again and again: waits change little by little.  None while its reports do not tell.
        """
        site = self._sites.get(number)
        if site is None or site.sound is None or site.picture is None:
            return None
        fastest = site.sound if site.sound_before is None else min(site.sound, site.sound_before)
        undelayed = fastest + _SOUND_WORK - site.picture  # how much after the picture sound would come
        later = undelayed + playout
        if abs(later) > _NONSENSE:
            return None
        hold = min(max(later - LATEST, 0.0), PICTURE_MOST)
        if abs(hold - site.hold) > _STEP or hold == 0.0:
            site.hold = hold
        delay = _towards(max(site.least, playout), undelayed, min(max(now - site.judged, 0.0), _PAUSED))
        site.least = min(delay, playout + SOUND_MOST) if delay > playout else 0.0
        site.judged = now
        return Waits(site.least, site.hold)


def _towards(delay: float, undelayed: float, passed: float) -> float:
    """The next `delay` of sound that would come `undelayed` seconds after its picture without any."""
    later = undelayed + delay
    if later < EARLIEST:
        return delay + min(EARLIEST - later, LONGER * passed)
    if later > _LATE:
        return delay - min(later - _LATE, SHORTER * passed)
    return delay - min(max(later - _CLOSE, 0.0), _EASE * passed)
