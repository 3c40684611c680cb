"""Which streams keep breaking decoders and are left alone for a while.  Pure: `now` is passed in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mcu_core.wire import Track

Source = tuple[int, Track]  # site number and track

LIMIT = 5  # failures …
WINDOW = 10.0  # … within this many seconds …
HOLD = 30.0  # … keep a stream out for so long


@dataclass(slots=True)
class _Record:
    failures: deque[float] = field(default_factory=lambda: deque(maxlen=LIMIT))
    until: float = 0.0


class Quarantine:
    """Remembers the failures of streams, also while they are on no screen."""

    def __init__(self) -> None:
        self._records: dict[Source, _Record] = {}

    def failed(self, source: Source, now: float) -> bool:
        """Count a failure; True if the stream is put into quarantine by it."""
        record = self._records.setdefault(source, _Record())
        record.failures.append(now)
        if len(record.failures) == LIMIT and now - record.failures[0] <= WINDOW:
            self.put(source, now)
            return True
        return False

    def put(self, source: Source, now: float) -> None:
        """Keep a stream out from `now` on."""
        record = self._records.setdefault(source, _Record())
        record.failures.clear()
        record.until = now + HOLD

    def holds(self, source: Source, now: float) -> bool:
        record = self._records.get(source)
        return record is not None and now < record.until

    def held(self, now: float) -> set[Source]:
        """Streams that are kept out."""
        return {source for source, record in self._records.items() if now < record.until}

    def forget(self, now: float) -> None:
        """Drop what can no longer matter; the records of a conference stay bounded."""
        for source, record in list(self._records.items()):
            last = record.failures[-1] if record.failures else 0.0
            if now >= record.until and now - last > WINDOW:
                del self._records[source]
