"""Picture pace: pictures of a bad line are shown evenly instead of in fits and starts.

A lost packet holds up all pictures behind it until it was sent again, then they come at once: shown as they come, a
line that loses 5 % shows half its pictures.  So pictures wait for their turn by the sender's clock, late enough for the
second worst stall of the last half minute; a good line has none and waits nothing, and one stall alone is not worth
waiting for ever after.  Where a line stalls twice a second, they wait for two of its usual stalls at least, and a
little more, so that on lines of up to 0.15 s there and back a third is late by no freeze: answers that get lost, too,
are only a matter of seconds (a line that stalls as often and as long without loss pays for it with one stall more).
Their sound waits with them (lip_sync.py), and only little by little unless it is to suffer: so pictures are shown a
tenth slower until they wait enough, and hardly faster until they wait less.

Pure; times are seconds of one clock.  Owned by the event loop.
"""

from __future__ import annotations

from collections import deque

MOST = 0.400  # seconds a picture is made to wait
WINDOW = 10.0  # seconds; the fastest picture is taken over one to two of these
REMEMBERED = 30.0  # seconds a stall is; 5 % loss has two of the worst in each: in 10 s the wait went to and fro
_LEAST = 0.030  # less than a tick is not worth it
_RISE = 0.015  # by which a picture must be later than the one before to begin a stall
_MARGIN = 0.010
_WIDE_MARGIN = 0.030  # seconds, where they stall often
_OFTEN, _OFTEN_WITHIN, _STILL_WITHIN = 15, 7.0, 14.0  # stalls, seconds, and seconds while it counts as often
_LONG = 0.050  # seconds: two shorter stalls on end are seen by nobody, and a busy machine makes such
_JUDGE_EVERY = 0.25  # seconds
_SLOWER, _FASTER = 0.1, 0.03  # seconds a second by which waiting grows and ends
_NONSENSE = 2.0
_STALLS = 256  # kept
_CLOCK = 90_000


class PicturePace:
    """One stream."""

    def __init__(self) -> None:
        self.wait = 0.0  # seconds by which pictures are shown after the fastest could have been
        self._target = 0.0
        self._rtp_time: int | None = None
        self._media = 0.0  # seconds by the sender's clock
        self._arrived = 0.0
        self._late = 0.0
        self._fastest: tuple[float, float] = (0.0, 0.0)  # least transit of this window and of the one before
        self._window_ends = 0.0
        self._stalls: deque[tuple[float, float]] = deque(maxlen=_STALLS)  # when, how late
        self._second = 0.0  # how late the second worst of them was
        self._often = False
        self._judge_at = 0.0

    def due(self, rtp_time: int, arrived: float) -> float:
        """When to show the picture that arrived now: never before, and at most `MOST` after it."""
        if self._rtp_time is None:
            self._begin(rtp_time, arrived)
            return arrived
        step = (((rtp_time - self._rtp_time) + (1 << 31)) % (1 << 32) - (1 << 31)) / _CLOCK
        passed = arrived - self._arrived
        if abs(step - passed) > _NONSENSE:  # another source, or its camera was off
            self._begin(rtp_time, arrived)
            return arrived
        self._rtp_time, self._arrived = rtp_time, arrived
        self._media += step
        transit = arrived - self._media
        late = transit - self._least_transit(transit, arrived)
        self._forget_old(arrived)
        if late > self._late + _RISE:
            self._stalls.append((arrived, late))
            if late > self._second or arrived >= self._judge_at:
                self._judge(arrived)
        self._late = late
        passed = max(0.0, passed)
        self.wait = max(min(self._target, self.wait + _SLOWER * passed), self.wait - _FASTER * passed)
        if self.wait <= 0.0:
            return arrived
        return min(max(arrived, arrived - late + self.wait), arrived + MOST)

    def _begin(self, rtp_time: int, arrived: float) -> None:
        self._rtp_time, self._arrived, self._media = rtp_time, arrived, 0.0
        self._late = self._target = self._second = self._judge_at = self.wait = 0.0
        self._often = False
        self._fastest, self._window_ends = (arrived, arrived), arrived + WINDOW
        self._stalls.clear()

    def _least_transit(self, transit: float, arrived: float) -> float:
        """Over the last one or two windows, so that a drifting clock does not matter."""
        now, before = self._fastest
        if arrived >= self._window_ends:
            self._fastest, self._window_ends = (transit, now), arrived + WINDOW
        elif transit < now:
            self._fastest = transit, before
        return min(self._fastest)

    def _forget_old(self, arrived: float) -> None:
        stalls, mattered = self._stalls, False
        while stalls and stalls[0][0] < arrived - REMEMBERED:
            mattered |= stalls.popleft()[1] >= self._second
        if mattered:
            self._judge(arrived)

    def _judge(self, arrived: float) -> None:
        """Now and then, and when one of the two worst stalls is another: a large room has 1,800 pictures a second."""
        self._judge_at = arrived + _JUDGE_EVERY
        stalls = self._stalls
        lates = sorted(late for _, late in stalls)
        self._second = lates[-2] if len(lates) >= 2 else 0.0
        target = self._second + _MARGIN
        usual = lates[len(lates) // 2] if len(lates) >= _OFTEN else 0.0
        within = _STILL_WITHIN if self._often else _OFTEN_WITHIN
        self._often = usual >= _LONG and stalls[-_OFTEN][0] > arrived - within
        if self._often:
            target = max(self._second, 2 * usual) + _WIDE_MARGIN
        self._target = min(MOST, target) if target >= _LEAST and self._second else 0.0
