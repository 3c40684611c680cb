"""One rendition passed through: its viewers are sent a site's own pictures instead of the mixer's.

Pictures change their source only at a keyframe of the new one; until that is there the old one flows on, so a change
never freezes and never breaks a decoder.  A site that sends nothing for `STALLED` seconds gives its place to the
mixer's next keyframe, where there is one, and gets it back at its own; so does one whose pictures do not suit.

Pure: the conference asks whose pictures count and is told whom to ask for a keyframe.  Takes `now`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Literal, TypeVar

from mcu_core.relay.rtp import time_delta
from mcu_core.relay.suitability import Fault, Suitability
from mcu_core.wire import Codec, PassPlan, Track

# seconds without a picture: as long as a mixed view goes on showing the last one
STALLED: dict[Track, float] = {"camera": 3.0, "screen": 15.0}
RATE = 90_000
_TOLERANCE = RATE  # a site's RTP times that are off by more have begun anew
_DRIFT = RATE // 50  # mean error that is corrected, by at most `_SLEW` a picture
_SLEW = RATE // 1000
_SMOOTH = 64  # pictures

Source = TypeVar("Source", bound=Hashable)
Trouble = Literal["stalled"] | Fault


class ArrivalClock:
    """Maps a site's RTP times onto the timeline that all streams of this machine share: seconds * 90 kHz.

    The site's own steps are kept, so jitter of the line is left to the viewer's buffer; the drift of its clock, and a
    change of what its pictures wait for its sound, is followed slowly.
    """

    def __init__(self) -> None:
        self._offset: int | None = None
        self._error = 0.0

    def stamp(self, shown: float, rtp_time: int) -> int:
        """The RTP timestamp to send for a picture to be shown with what else has the time `shown`."""
        ideal = round(shown * RATE)
        late = _TOLERANCE + 1 if self._offset is None else time_delta(ideal, rtp_time + self._offset)
        if self._offset is None or abs(late) > _TOLERANCE:
            self._offset, self._error = ideal - rtp_time, 0.0
            return ideal & 0xFFFF_FFFF
        self._error += (late - self._error) / _SMOOTH
        if abs(self._error) > _DRIFT:
            step = _SLEW if self._error > 0 else -_SLEW
            self._offset += step
            self._error -= step
        return (rtp_time + self._offset) & 0xFFFF_FFFF


class Passing(Generic[Source]):
    """Where the pictures of one rendition come from.  A source is any key of one stream of one leg.

    `plan` is what is wanted, None: the mixed picture again.  `source` is whose pictures are sent now, None: the
    mixer's.
    """

    def __init__(self) -> None:
        self.plan: PassPlan | None = None
        self.source: Source | None = None
        self.clock = ArrivalClock()
        self._suitability: Suitability | None = None  # of what is planned
        self._cut = False  # nothing flows: whoever has a keyframe first is taken
        self._source_plan: PassPlan | None = None  # the plan that it came by
        self._heard = 0.0
        self._patience = 0.0
        self._stalled = False
        self._noted: Trouble | None = None

    def want(self, plan: PassPlan | None) -> None:
        """The newest plan."""
        if plan != self.plan:
            self.plan = plan
            self._suitability = None if plan is None else Suitability(plan)

    @property
    def over(self) -> bool:
        """The mixed picture flows and nothing else is wanted."""
        return self.plan is None and self.source is None and not self._cut

    @property
    def wants_site(self) -> bool:
        """A keyframe of the planned site is missing."""
        return self.plan is not None and self._suits and (self.source is None or self._changing)

    @property
    def wants_mixed(self) -> bool:
        """A keyframe of the mixer would be shown."""
        return self._cut or (self.source is not None and (self._changing or self._stalled or not self._suits))

    @property
    def flows(self) -> bool:
        """A site's pictures are sent, and need no help."""
        return self.source is not None and not self._stalled and self._suits

    @property
    def _suits(self) -> bool:
        return self._suitability is None or self._suitability.suits

    @property
    def _changing(self) -> bool:
        return self._source_plan != self.plan

    def means(self, site: int, track: Track) -> bool:
        """Whether that stream is to be passed through."""
        return self.plan is not None and self.plan.site == site and self.plan.track == track

    def hear(self, codec: Codec, keyframe: bool, data: bytes, now: float) -> None:
        """A picture of the stream that is meant, whether or not it is sent."""
        if self._suitability is not None:
            self._suitability.hear(codec, keyframe, data, now)

    def take_site(self, source: Source, site: int, track: Track, keyframe: bool, now: float) -> bool:
        """Whether this picture of `source`, a stream of that site and track, is to be sent."""
        if source == self.source:
            if self.means(site, track):
                self._source_plan = self.plan  # wanted again before another took its place
        else:
            if not keyframe or not self.means(site, track) or not self._suits:
                return False
            self.source, self._source_plan = source, self.plan
            self.clock = ArrivalClock()
            self._cut = False
            self._patience = STALLED[track]
        self._heard, self._stalled = now, False
        return True

    def take_mixed(self, keyframe: bool) -> bool:
        """Whether this picture of the mixer is to be sent."""
        if self.source is None and not self._cut:
            return True
        if not keyframe or not self.wants_mixed:
            return False
        self.source = self._source_plan = None
        self._cut = self._stalled = False
        return True

    def lost(self, source: Source) -> None:
        """The leg of that stream is gone."""
        if source == self.source:
            self.source = self._source_plan = None
            self._cut = True

    def age(self, now: float) -> Trouble | None:
        """Let time pass.  Returns what is wrong with the site's pictures, once."""
        if self.source is not None and now - self._heard > self._patience:
            self._stalled = True
        trouble: Trouble | None = "stalled" if self._stalled else None
        if trouble is None and self._suitability is not None:
            self._suitability.age(now)
            trouble = self._suitability.fault
        before, self._noted = self._noted, trouble
        return trouble if trouble != before else None
