"""Who is there: the live state of each site, what it says it sends, and the legs that watch.

Driven by endpoints and relays, not by the operator; lost with the process and learnt again from the relays.  No I/O.
Owned by the conference's control task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from mcu_core.adaptation import LegAdaptation, Size
from mcu_core.scene import Turns
from mcu_core.spotlight import Spotlight
from mcu_core.wire import Codec, View


class State(StrEnum):
    ABSENT = "absent"
    CONNECTING = "connecting"  # has a seat, its media has not come yet
    LIVE = "live"
    AWAY = "away"  # was live; its seat and its place on the screens are held


class Happening(StrEnum):
    JOINED = "joined"  # an endpoint took the seat
    CONNECTED = "connected"  # its leg is up
    LOST = "lost"  # its leg is silent or gone
    GONE = "gone"  # the seat is given up or has expired


TRANSITIONS: dict[tuple[State, Happening], State] = {
    (State.ABSENT, Happening.JOINED): State.CONNECTING,
    (State.ABSENT, Happening.CONNECTED): State.LIVE,  # found on a relay after control restarted
    (State.ABSENT, Happening.LOST): State.AWAY,  # its seat was found in the database, its leg nowhere
    (State.ABSENT, Happening.GONE): State.ABSENT,
    (State.CONNECTING, Happening.JOINED): State.CONNECTING,
    (State.CONNECTING, Happening.CONNECTED): State.LIVE,
    (State.CONNECTING, Happening.LOST): State.CONNECTING,
    (State.CONNECTING, Happening.GONE): State.ABSENT,
    (State.LIVE, Happening.JOINED): State.AWAY,  # another endpoint took over; its media is still to come
    (State.LIVE, Happening.CONNECTED): State.LIVE,
    (State.LIVE, Happening.LOST): State.AWAY,
    (State.LIVE, Happening.GONE): State.ABSENT,
    (State.AWAY, Happening.JOINED): State.AWAY,
    (State.AWAY, Happening.CONNECTED): State.LIVE,
    (State.AWAY, Happening.LOST): State.AWAY,
    (State.AWAY, Happening.GONE): State.ABSENT,
}
SEATED = (State.LIVE, State.AWAY)


@dataclass(slots=True)
class SitePresence:
    state: State = State.ABSENT
    microphone: bool = False  # what the endpoint itself says it sends
    camera: bool = False
    screen: bool = False

    @property
    def speaks_for_itself(self) -> bool:
        """It has said what it sends."""
        return self.microphone or self.camera or self.screen


@dataclass(slots=True)
class Leg:
    """An open media connection.  `site` is the site's id, None for a monitor."""

    leg: str
    relay: str
    site: str | None
    view: View = "programme"  # what a monitor watches; a site's view follows from its role
    codec: Codec | None = None  # None: it takes no video
    connected: bool = False
    since: float = 0.0  # when it was opened, or last lost
    line: LegAdaptation = field(default_factory=LegAdaptation)  # of its seat
    draws_names: bool = False  # it writes a site's name on that site's own picture, so it may be sent one

    @property
    def size(self) -> Size:
        """What its line carries."""
        return self.line.size


_NOBODY = SitePresence()


class Presence:
    """Live facts of one conference."""

    def __init__(self) -> None:
        self.legs: dict[str, Leg] = {}
        self.spotlight = Spotlight()
        self.turns: dict[View, Turns] = {}  # of each view, as last resolved
        self._sites: dict[str, SitePresence] = {}

    @property
    def speaker(self) -> str | None:
        """Who is heard most now."""
        return self.spotlight.speaker

    def __iter__(self) -> Iterator[tuple[str, SitePresence]]:
        return iter(self._sites.items())

    def of(self, site: str) -> SitePresence:
        """Read only; a site never heard of is absent."""
        return self._sites.get(site, _NOBODY)

    def tell(self, site: str, happening: Happening) -> bool:
        """Returns whether the state changed."""
        presence = self._sites.setdefault(site, SitePresence())
        before, presence.state = presence.state, TRANSITIONS[presence.state, happening]
        if presence.state is State.ABSENT:
            del self._sites[site]
            self.spotlight.drop(site)
        return presence.state is not before

    def sends(self, site: str, *, microphone: bool, camera: bool, screen: bool) -> bool:
        """The endpoint said what it sends now.  Returns whether that is new."""
        presence = self._sites.get(site)
        if presence is None or (presence.microphone, presence.camera, presence.screen) == (microphone, camera, screen):
            return False
        presence.microphone, presence.camera, presence.screen = microphone, camera, screen
        return True

    def seated(self, site: str) -> bool:
        """Holds its place on the screens."""
        return self.of(site).state in SEATED

    def shares(self, site: str | None) -> bool:
        """Shares a screen that can be shown now."""
        return site is not None and self.of(site).screen and self.of(site).state is State.LIVE
