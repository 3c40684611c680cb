"""When a site's line becomes bad and when it is good again, for the journal.

With hysteresis, so that the journal stays readable.  Bad: five seconds in a row with a twentieth of the packets lost,
either way, or a round trip of 0.8 s, which breaks conversation (ITU-T G.114 asks for 0.4 s one way at most).  Good
again: ten seconds in a row well below both.
Pure; owned by the room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcu_core.wire import LegStats

Json = dict[str, Any]

BAD_LOSS = 0.05
GOOD_LOSS = 0.02
BAD_RTT_MS = 800.0
GOOD_RTT_MS = 600.0
BAD_AFTER = 5.0  # seconds
GOOD_AFTER = 10.0


@dataclass(slots=True)
class _Line:
    turned_at: float  # since when it has looked other than it is called
    bad_since: float | None = None


class LineWatch:
    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def measured(self, site: str, stats: LegStats, now: float) -> tuple[str, Json] | None:
        """`line_bad` or `line_good` with its figures, when that is news.  Once a second for each site."""
        line = self._lines.setdefault(site, _Line(now))
        loss, rtt = max(stats.lost_fraction, stats.peer_lost_fraction), stats.rtt_ms or 0.0
        if line.bad_since is None:
            if loss < BAD_LOSS and rtt < BAD_RTT_MS:
                line.turned_at = now
            elif now - line.turned_at >= BAD_AFTER:
                line.bad_since = line.turned_at = now
                return "line_bad", {"lost_percent": round(loss * 100), "rtt_ms": round(rtt)}
        elif loss > GOOD_LOSS or rtt > GOOD_RTT_MS:
            line.turned_at = now
        elif now - line.turned_at >= GOOD_AFTER:
            seconds = round(now - line.bad_since)
            line.bad_since, line.turned_at = None, now
            return "line_good", {"seconds": seconds}
        return None

    def forget(self, site: str) -> None:
        """It left; whoever comes next has a line of their own."""
        self._lines.pop(site, None)
