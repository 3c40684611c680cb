"""Figures of one interval: a bounded sample of durations and what is said of them."""

from __future__ import annotations

_LIMIT = 512


class Meter:
    """Durations in seconds, reported in milliseconds.  Past 512 in an interval the further ones are left out."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[float] = []

    def add(self, seconds: float) -> None:
        if len(self._values) < _LIMIT:
            self._values.append(seconds)

    @property
    def count(self) -> int:
        return len(self._values)

    def quantile_ms(self, fraction: float) -> float:
        """The nearest-rank quantile; 0 when nothing was measured."""
        if not self._values:
            return 0.0
        ordered = sorted(self._values)
        return round(1000 * ordered[min(int(fraction * len(ordered)), len(ordered) - 1)], 3)

    def median_ms(self) -> float:
        return self.quantile_ms(0.5)

    def p99_ms(self) -> float:
        return self.quantile_ms(0.99)

    def max_ms(self) -> float:
        return round(1000 * max(self._values, default=0.0), 3)

    def clear(self) -> None:
        """Begin the next interval."""
        self._values.clear()
