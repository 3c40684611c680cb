"""What a site's line carries towards us, judged from what arrives: the limit it is told by REMB or TMMBR.

Browsers send as much as they are allowed while nobody tells them that their line is too narrow: REMB leaves that to the
receiver.  A line is too narrow when a queue grows on it: packets come later than they did (the mean delay of half a
second against the least such mean of the last 20 s, so jitter does not count), or are lost as well.  Then the site is
told 0.65 times of what came through until the queue is gone: with little less than the line carries that would take
seconds, since each packet that is sent again fills it, too.  After that it is told 0.85 times.  From there it may send
8 % more each second, near the rate at which the line was full last only 2 %; a limit that is far above what is sent is
no limit.  Loss without a queue is the line's own: NACKs repair it, sending less would not.

Pure; `now` is seconds.  Owned by the leg.
"""

from __future__ import annotations

from collections import deque

INTERVAL = 0.5  # seconds between two judgements
SOONER = 0.25  # the same while a queue drains
LEAST_BPS = 100_000
QUEUE, QUEUE_WITH_LOSS, LOSS = 0.100, 0.035, 0.10  # seconds; seconds with that share lost
HOPELESS, HOPELESS_TIMES = 0.30, 3  # share lost, so often in a row, that says enough by itself
BACK_OFF = 0.85
DRAIN, DRAINED = 0.65, 0.060  # of what came through, while the queue is longer than so many seconds
LESS, MORE = 0.7, 0.5  # of a change of what comes out of a full queue: one short interval says little
PATIENCE = 1.0  # seconds until a decrease that did not shorten the queue is followed by another
CROWDED, CROWDED_FOR = 0.12, 1.5  # a queue of so many seconds, so long: what is sent again only keeps it full
CALM = 2.0  # seconds without a queue before more is tried; a queue drains no longer than that
FASTER, SLOWER = 0.08, 0.02  # more per second
NEAR = 0.9  # of the rate at which the line was full
REMEMBERED = 30.0
FREE = 3.0  # times what comes: a limit that high is forgotten
_WINDOW = 20.0
_NONSENSE = 2.0


class Delay:
    """How much later the packets of one stream come than they did at best.  Seconds."""

    __slots__ = ("_count", "_means", "_sum")

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0
        self._means: deque[tuple[float, float]] = deque()

    def hear(self, transit: float, count: int = 1) -> None:
        """The delays of `count` packets, added up, each relative to the same fixed time."""
        self._sum += transit
        self._count += count

    def queue(self, now: float) -> float | None:
        """Of the time since the last call; None when too little came."""
        count, total = self._count, self._sum
        self._count, self._sum = 0, 0.0
        means = self._means
        while means and means[0][0] < now - _WINDOW:
            means.popleft()
        if count < 3:
            return None
        mean = total / count
        if means and abs(mean - means[-1][1]) > _NONSENSE:
            means.clear()  # another clock
        means.append((now, mean))
        return mean - min(value for _, value in means)


class Uplink:
    """`limit_bps` is None while nothing limits the line."""

    def __init__(self) -> None:
        self.limit_bps: float | None = None
        self._full: tuple[float, float] | None = None  # when the line was full last, and with how much
        self._changed = float("-inf")
        self._draining: float | None = None  # since when
        self._judged: float | None = None
        self._late = 0.0
        self._hopeless = 0

    @property
    def interval(self) -> float:
        """Seconds until the next judgement."""
        return INTERVAL if self._draining is None else SOONER

    def crowded(self, now: float) -> bool:
        """Whether the site should be asked for nothing that it need not send: its line is still full."""
        return self._draining is not None and self._late > CROWDED and now - self._draining < CROWDED_FOR

    def measured(self, received_bps: float, lost: float, queue: float | None, now: float) -> bool:
        """Take in the time since the last call.  True when the site should be told of another limit at once."""
        passed = now - self._judged if self._judged is not None else INTERVAL
        self._judged = now
        late = queue if queue is not None else 0.0 if self._draining is None else self._late
        self._late = late
        self._hopeless = self._hopeless + 1 if lost > HOPELESS else 0  # once: the line was cut for a while
        narrow = late > QUEUE_WITH_LOSS and lost > LOSS
        full = late > QUEUE or narrow or self._hopeless >= HOPELESS_TIMES
        if full:
            return self._lower(received_bps, now)
        if self._draining is not None:
            return self._drained(late, now)
        limit = self.limit_bps
        if limit is not None and now - self._changed >= CALM:
            near = self._full is not None and now - self._full[0] < REMEMBERED and limit > NEAR * self._full[1]
            self.limit_bps = limit * (1 + (SLOWER if near else FASTER) * passed)
            if self.limit_bps > FREE * received_bps and (self._full is None or now - self._full[0] > REMEMBERED):
                self.limit_bps = None
        return False

    def _lower(self, received_bps: float, now: float) -> bool:
        if self._draining is not None:  # what comes out of a full queue is what the line carries
            before = received_bps if self._full is None else self._full[1]
            share = LESS if received_bps < before else MORE
            self._full = now, before + share * (received_bps - before)
            if now - self._changed < PATIENCE:
                return False  # the last decrease still works its way through
        else:
            self._full = now, received_bps
            self._draining = now
        self._changed = now
        told, self.limit_bps = self.limit_bps, max(LEAST_BPS, DRAIN * self._full[1])
        if told is not None:
            self.limit_bps = min(self.limit_bps, told)
        return True

    def _drained(self, late: float, now: float) -> bool:
        """Whether the queue is gone, or enough time: then the site may fill most of the line again."""
        if self._draining is None or self._full is None or (late > DRAINED and now - self._draining < CALM):
            return False
        self._draining = None
        self._changed = now
        self.limit_bps = max(LEAST_BPS, BACK_OFF * self._full[1])
        return True
