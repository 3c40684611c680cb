"""Mix-minus: each voice hears the conference without itself, everyone else hears all of it.

The conference is summed once per tick, so a tick is O(n); who is not in the mix shares one total.
Model: RFC 7667, section 3.6.1.  Mono int16 at 48 kHz.  Owned by the conference's audio loop; not thread-safe.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]


class AudioBus:
    """`pcm` has one row per voice, shape (voices, samples); a silent voice leaves zeros in its row."""

    def __init__(self, voices: int, samples: int = 960) -> None:
        self.pcm: Pcm = np.zeros((voices, samples), np.int16)
        self._sum = np.zeros(samples, np.int32)  # int16 wraps with two loud voices
        self._rest = np.empty(samples, np.int32)

    @property
    def rows(self) -> int:
        return len(self.pcm)

    def add_up(self) -> None:
        """Sum all voices; once per tick, before `without` and `total`."""
        self._sum.fill(0)
        for row in self.pcm:
            self._rest[...] = row  # widened here: a mixed addition allocates its own buffer each time
            np.add(self._sum, self._rest, out=self._sum)

    def rest(self, row: int | None) -> NDArray[np.int32]:
        """The sum without `row` (None: whole), unclipped, for a limiter; valid until the next call of any method."""
        if row is None:
            return self._sum
        self._rest[...] = self.pcm[row]
        np.subtract(self._sum, self._rest, out=self._rest)
        return self._rest

    def without(self, row: int, out: Pcm) -> None:
        """Write what the owner of `row` hears to `out`, shape (samples,).

        Raises IndexError if there is no such row.
        """
        self._clip(self.rest(row), out)

    def total(self, out: Pcm) -> None:
        """Write what everyone who is not in the mix hears to `out`, shape (samples,)."""
        self._clip(self._sum, out)

    def _clip(self, mix: NDArray[np.int32], out: Pcm) -> None:
        np.maximum(mix, -32768, out=self._rest)
        np.minimum(self._rest, 32767, out=self._rest)
        np.copyto(out, self._rest, casting="unsafe")
