"""Too much of something: requests of one address, datagrams that belong to no leg.  Pure; `now` in seconds."""

from __future__ import annotations

from collections import OrderedDict


class RequestFlood:
    """Counts requests by network in windows of a minute; says so once a window."""

    def __init__(self, most: int, *, window: float = 60.0, most_networks: int = 4096) -> None:
        self._most = most
        self._window = window
        self._most_networks = most_networks
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()  # began at, so many

    def hit(self, network: str, now: float) -> bool:
        """One more.  True for the very one that is too many."""
        began, count = self._counts.get(network, (now, 0))
        if not 0 <= now - began < self._window:
            began, count = now, 0
        self._counts[network] = began, count + 1
        self._counts.move_to_end(network)
        while len(self._counts) > self._most_networks:
            self._counts.popitem(last=False)
        return count == self._most


class PacketFlood:
    """Compares a relay's counter of strange datagrams with that of a while ago."""

    def __init__(self, most_per_s: float = 500.0) -> None:
        self._most = most_per_s
        self._last: dict[str, tuple[float, float]] = {}

    def told(self, relay: str, total: float, now: float) -> float | None:
        """So many a second, when it is too many."""
        before = self._last.get(relay)
        self._last[relay] = now, total
        if before is None or now <= before[0] or total < before[1]:  # first seen, or begun again
            return None
        rate = (total - before[1]) / (now - before[0])
        return rate if rate > self._most else None
