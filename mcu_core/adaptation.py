"""Which size of its view each leg is sent: what its line carries, with hysteresis.

Two seconds with a tenth of the packets lost step down at once to what the receiver's estimate still carries, and so do
four in which that estimate stands below what is sent without growing: a browser begins at 300 kbit/s and adds about
8 % a second, so one that grows only has not got there yet.  On a shaky line it falls by jitter alone: it says nothing
while all that is sent comes through, hardly anything lost and without a long queue.  The way up takes ten good seconds
and an estimate of 1.3 times what is needed.  A receiver's estimate never grows far past what it is sent (it is bounded
by 1.5 times that), so one that stands well above what is sent says nothing about more: then the next size is tried
after 15 good seconds.  An attempt that goes bad within 20 s doubles the wait for that size, up to five minutes.

A quarter lost in one second while the estimate falls below 0.6 of what is sent needs no second one: the line has become
narrow.  The estimate then is 0.85 of what came through (draft-ietf-rmcat-gcc-02, section 5.5): until one stands clearly
above that, a size that needs more is tried after 40 s only, because each vain attempt costs seconds of picture.

The relay sees a line that has become narrow sooner (`LegOverload`) and says what came through; then nothing is waited
for, and the next size is one that needs half of that at most.  What the receiver said until then is stale, for a
browser's estimate can stand still for ten seconds in such a jam: it counts again when it has once been as low as the
line and as what is sent now.

Loss is not always for want of room.  Four seconds after a step down the old losses are out of the count; if as much is
lost with less sent and no queue makes the round trip longer, the line loses that much anyway: smaller pictures do not
help, NACKs do, and only loss beyond that counts from then on.

Pure: `now` is seconds of the caller's clock.  Owned by the conference's control task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcu_core.wire import LegStats

Size = Literal["high", "medium", "low", "sound"]
SIZES: tuple[Size, ...] = ("high", "medium", "low", "sound")  # "sound": no picture at all
SOUND_BPS = 64_000  # of one leg, packet headers included

BAD_LOSS, GOOD_LOSS = 0.10, 0.08
SETTLING = 4.0  # seconds after a step down in which loss is still that of the larger size
CROWDED, CROWDED_MS = 1.5, 50.0  # times the least round trip and so much more: there is a queue
THROUGH_LOSS, THROUGH_MS = 0.03, 200.0  # less lost and no queue so long: what is sent comes through
ANYWAY, OWN_MOST = 0.6, 0.25  # share of the loss before a step down that stays if it is the line's own; the most of it
SHORT_OF_SENT = 0.9  # an estimate below this share of what is sent is a line that does not carry it
NARROW_LOSS, NARROW_SHORT = 0.25, 0.6  # both within one second
LAST_LOSS, LAST_SHORT = 0.25, 0.6  # the same where only sound is left below: jitter alone makes estimates low
BOUNDED_BY_SENT = 1.2  # one above this share is not limited by the line
HEADROOM = 1.3  # of the estimate, to step up
BAD_SECONDS = 2
SHORT_SECONDS = 4
GROWING = 1.005
GOOD_SECONDS = 10.0
TRIAL_SECONDS = 15.0  # without an estimate that says so
BEYOND_SECONDS = 40.0  # without one, and for more than came through when it was last too much
MARGIN = 2.0  # times what a size needs must have come through: a jam tells it roughly
BOUND = 2.0  # times what is sent: no estimate of now is above that
OF_CARRIED, WIDER = 0.85, 1.2  # estimate after an overload as a share of what came through; clearly more than that
FAILED_WITHIN = 20.0
PROVEN_AFTER = 60.0
LONGEST_WAIT = 300.0
LITTLE_BPS = 100_000  # below that an estimate is compared with nothing


@dataclass(frozen=True, slots=True)
class Rung:
    """One size of a view, with what it needs of a line."""

    size: Size
    width: int
    height: int
    frame_rate: float
    bitrate_bps: int

    @property
    def needed_bps(self) -> int:
        return self.bitrate_bps + SOUND_BPS


_STEPS: tuple[tuple[Size, int, float, int], ...] = (("medium", 360, 15.0, 400_000), ("low", 180, 10.0, 100_000))
_FULL_BPS = 1_500_000
_LEAST_BPS = 50_000
_WORTH = 0.75  # a size that saves less than a quarter is no size of its own


def ladder(width: int, height: int, frame_rate: float, bitrate_bps: int) -> tuple[Rung, ...]:
    """The sizes of a view whose full picture is this, largest first; a small view has fewer.

    A view that is given less than 1.5 Mbit/s, such as a slow wall, gives its smaller sizes less in proportion.
    """
    rungs = [Rung("high", width, height, frame_rate, bitrate_bps)]
    for size, lines, rate, bits in _STEPS:
        scale = min(1.0, lines / height)
        bits = max(_LEAST_BPS, min(bits, bits * bitrate_bps // _FULL_BPS))
        if bits <= rungs[-1].bitrate_bps * _WORTH:
            rungs.append(Rung(size, _even(width * scale), _even(height * scale), min(rate, frame_rate), bits))
    return tuple(rungs)


def _even(length: float) -> int:
    return max(32, 2 * round(length / 2))


def nearest(rungs: tuple[Rung, ...], size: Size) -> Rung | None:
    """The rung of a size, or the next smaller one this view has, or its smallest; None for sound alone."""
    if size == "sound":
        return None
    fitting = [rung for rung in rungs if SIZES.index(rung.size) >= SIZES.index(size)]
    return fitting[0] if fitting else rungs[-1]


class LegAdaptation:
    """One seat's size: what its line carries.  Outlives the seat's legs, which come and go on that line."""

    def __init__(self, size: Size = "high") -> None:
        self.size: Size = size
        self._bad = 0
        self._short = 0
        self._estimate = 0
        self._good_since: float | None = None
        self._raised_at: float | None = None
        self._wait: dict[Size, float] = {}  # by size that failed: seconds of good line before it is tried again
        self._own_loss = 0.0  # what the line loses whatever is sent
        self._lowered: tuple[float, float] | None = None  # until it is known: when settled, the loss before
        self._least_rtt_ms = float("inf")
        self._carried: float | None = None  # bit/s that came through when it was last too much
        self._sure = 0.0  # the part of it that certainly does
        self._stale = False  # the estimate is of the time before

    def begin_anew(self) -> None:
        """A new leg: its figures say nothing of the one before, but the line is most likely the same.

        It may be another, as when a page is reloaded elsewhere: larger sizes are tried again soon.
        """
        self._bad = self._short = self._estimate = 0
        self._good_since = self._raised_at = self._lowered = None
        self._least_rtt_ms = float("inf")
        self._stale = False
        self._wait.clear()

    def measured(self, stats: LegStats, rungs: tuple[Rung, ...], now: float) -> bool:
        """Take in one second's figures of a leg that is sent its size of `rungs`.  Returns whether the size changed."""
        current = nearest(rungs, self.size)
        sent = stats.sent_kbps * 1000
        # what is said to be sent was partly sent before a step down
        estimate = self._fresh(stats.remb_bps, min(sent, SOUND_BPS if current is None else current.needed_bps))
        last = current is rungs[-1]
        least = LAST_SHORT if last else SHORT_OF_SENT
        crowded = through = False
        if stats.rtt_ms is not None:
            self._least_rtt_ms = min(stats.rtt_ms, self._least_rtt_ms * 1.005)
            crowded = stats.rtt_ms > CROWDED * self._least_rtt_ms + CROWDED_MS
            through = stats.peer_lost_fraction < THROUGH_LOSS and stats.rtt_ms < self._least_rtt_ms + THROUGH_MS
        low = estimate is not None and sent >= LITTLE_BPS and estimate < least * sent
        short = low and not through
        stuck = short and estimate is not None and estimate <= GROWING * self._estimate
        self._estimate = estimate or 0
        self._short = self._short + 1 if stuck else 0
        lost = self._beyond_own(stats.peer_lost_fraction, crowded, now)
        self._bad = self._bad + 1 if lost >= (LAST_LOSS if last else BAD_LOSS) else 0
        if lost >= NARROW_LOSS and estimate is not None and estimate < NARROW_SHORT * sent:
            self._bad = BAD_SECONDS
        if self._carried is not None and estimate is not None and estimate > WIDER * self._carried:
            self._carried = None
        if short or self._bad:
            self._good_since = None
            over = self._bad >= BAD_SECONDS or self._short >= SHORT_SECONDS
            if not over or not self._lower(current, rungs, estimate, now):
                return False
            self._lowered = now + SETTLING, stats.peer_lost_fraction
            return True
        if lost > GOOD_LOSS:
            self._good_since = None
            return False
        if self._good_since is None:
            self._good_since = now
        if self._raised_at is not None and now - self._raised_at >= PROVEN_AFTER:
            self._raised_at = None
            self._wait.pop(self.size, None)
        return self._raise(current, rungs, estimate, sent, now)

    def overloaded(self, carried_bps: float, rungs: tuple[Rung, ...], now: float) -> bool:
        """Only so much comes through, says the relay.  Returns whether the size changed."""
        current = nearest(rungs, self.size)
        if current is None or current is rungs[-1]:
            return False
        fitting = [rung for rung in rungs[rungs.index(current) + 1 :] if MARGIN * rung.needed_bps <= carried_bps]
        self._failed(now)
        self._carried, self._sure, self._stale = carried_bps, carried_bps / MARGIN, True
        self._good_since, self._lowered = None, (now + SETTLING, 1.0)
        self.size = (fitting[0] if fitting else rungs[-1]).size
        return True

    def _fresh(self, estimate: int | None, sent: float) -> int | None:
        """The receiver's estimate, unless it is of the time before the line became narrow."""
        if self._stale and estimate is not None and self._carried is not None:
            self._stale = estimate > min(WIDER * self._carried, BOUND * sent)
        return None if self._stale else estimate

    def _beyond_own(self, lost: float, crowded: bool, now: float) -> float:
        """The loss that says something about the size."""
        if self._lowered is not None:
            settled, before = self._lowered
            if now < settled:
                return 0.0
            self._lowered = None
            if before <= OWN_MOST and ANYWAY * before <= lost <= OWN_MOST and lost > GOOD_LOSS and not crowded:
                self._own_loss = max(self._own_loss, lost)
        if lost < self._own_loss:
            self._own_loss += (lost - self._own_loss) / 20
        return lost - self._own_loss

    def _lower(self, current: Rung | None, rungs: tuple[Rung, ...], estimate: int | None, now: float) -> bool:
        if current is None:
            return False
        if self._bad >= BAD_SECONDS and estimate is not None:
            self._carried = self._sure = estimate / OF_CARRIED
        self._failed(now)
        smaller = rungs[rungs.index(current) + 1 :]
        if smaller:
            fitting = [rung for rung in smaller if estimate is None or rung.needed_bps <= estimate]
            self.size = (fitting[0] if fitting else smaller[-1]).size
        else:
            self.size = "sound"
        return True

    def _failed(self, now: float) -> None:
        """This size is too much; soon after it was tried, the next trial comes later."""
        if self._raised_at is not None and now - self._raised_at < FAILED_WITHIN:
            self._wait[self.size] = min(LONGEST_WAIT, 2 * self._wait.get(self.size, TRIAL_SECONDS))
        self._raised_at = None
        self._bad = self._short = 0

    def _raise(
        self, current: Rung | None, rungs: tuple[Rung, ...], estimate: int | None, sent: float, now: float
    ) -> bool:
        above = len(rungs) - 1 if current is None else rungs.index(current) - 1
        if above < 0:
            return False
        target = rungs[above]
        assert self._good_since is not None
        if estimate is not None and estimate >= HEADROOM * target.needed_bps:
            wait = GOOD_SECONDS
        elif estimate is None or estimate >= BOUNDED_BY_SENT * sent:
            beyond = self._carried is not None and target.needed_bps > self._sure
            wait = BEYOND_SECONDS if beyond else TRIAL_SECONDS
        else:
            return False
        if now - self._good_since < max(wait, self._wait.get(target.size, 0.0)):
            return False
        self.size = target.size
        self._good_since, self._raised_at = now, now
        return True
