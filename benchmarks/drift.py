"""Two hours of a site whose clock is wrong: does its delay grow, and what does it cost to keep it?

The product's voice (playout buffer, Opus decoder, stretching, channel strip) is played on simulated time, as fast as
the processor goes, from a sender that is 100 ppm too fast, then too slow, over a line with 0 to 12 ms of jitter.

- `delay_ms_first`, `delay_ms_last`: mean delay from arrival to playing over the first and last ten minutes, or tenths
  of a run shorter than that; `growth_ms` is their difference.  Uncorrected, 100 ppm are 720 ms in two hours.
- `corrections`: blocks made shorter or longer; `corrected_ms` by how much in all (positive: longer).
- `concealed_ms`: sound made up because nothing was there in time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.machine import machine, one_line
from benchmarks.speech import speech
from endpoint_client.loops import encode_sound
from mcu_core.mixing.line import Line
from mcu_core.mixing.playout import BLOCK, RATE, Conceal, PlayoutBuffer, Step
from mcu_core.mixing.voice import Voice
from mcu_core.wire import AudioIn

PPM = 100.0
HOURS = 2.0
_TICK = BLOCK / RATE
_JITTER = 0.012
_SETTLED = 20.0  # seconds until delays count
_SAMPLED = 1.0  # seconds between two looks at the delay
_END = 600.0  # seconds at either end that are compared
_LEVEL = 26  # -dBov

Progress = Callable[[float], None]


class Player(Protocol):
    """What plays a site's packets."""

    def push(self, number: int, arrived: float) -> None:
        """Take packet `number`, of which the first has the number 0."""

    def play(self, now: float) -> None:
        """Play the next 20 ms."""

    def delay(self, now: float) -> float | None:
        """Seconds from the arrival of the fastest packets to their playing, after the tick at `now`."""


@dataclass(slots=True)
class Delays:
    """Of one run: (time, delay) once a second, in seconds."""

    samples: list[tuple[float, float]] = field(default_factory=list)

    @property
    def least(self) -> float:
        return min(delay for _, delay in self.samples)

    @property
    def most(self) -> float:
        return max(delay for _, delay in self.samples)

    def ends(self) -> tuple[float, float]:
        """Mean delay of the first and the last ten minutes, or tenths of a shorter run."""
        begin, end = self.samples[0][0], self.samples[-1][0]
        length = min(_END, (end - begin) / 10)
        first = fmean(delay for at, delay in self.samples if at <= begin + length)
        return first, fmean(delay for at, delay in self.samples if at >= end - length)


def simulate(player: Player, ppm: float, seconds: float, packet: float, progress: Progress | None = None) -> Delays:
    """Play packets of `packet` seconds by a clock that is `ppm` too fast."""
    chance, delays = random.Random(3), Delays()
    jitter = [chance.uniform(0, _JITTER) for _ in range(997)]
    period = packet / (1 + ppm * 1e-6)
    sent, arrival = 0, 0.0
    every = round(_SAMPLED / _TICK)
    for tick in range(round(seconds / _TICK)):
        now = tick * _TICK
        while arrival <= now:
            player.push(sent, arrival)
            sent += 1
            arrival = sent * period + jitter[sent % len(jitter)]
        player.play(now)
        if tick % every == 0 and now >= _SETTLED and (delay := player.delay(now)) is not None:
            delays.samples.append((now, delay))
            if progress is not None:
                progress(now / seconds)
    return delays


class _Counted(PlayoutBuffer):
    """Counts what had to be made up."""

    concealed = 0

    def pull(self, now: float) -> Step:
        step = super().pull(now)
        self.concealed += isinstance(step, Conceal)
        return step


class _Spoken(Voice):
    """A voice of the mix that says a loop of Opus packets, and counts what was done to them."""

    def __init__(self, packets: list[bytes]) -> None:
        line = Line()
        line.playout = self.counted = _Counted()
        super().__init__(1, 0, line, 0.0)
        self._packets = packets
        self._out = np.zeros(BLOCK, np.int16)
        self.corrections = self.corrected = 0

    def push(self, number: int, arrived: float) -> None:
        payload = self._packets[number % len(self._packets)]
        self.receive(AudioIn(1, number % 2**16, _LEVEL, True, arrived, number * BLOCK % 2**32, payload))

    def play(self, now: float) -> None:
        self.read(now, 0.0, self._out)

    def delay(self, now: float) -> float | None:
        return self.playout.delay(now + _TICK + self._left.size / RATE)

    def _decode_next(self, now: float) -> NDArray[np.int16] | None:
        block = super()._decode_next(now)
        if block is not None and block.size != BLOCK:
            self.corrections += 1
            self.corrected += block.size - BLOCK
        return block


def run(progress: Progress | None = None, *, hours: float = HOURS, quick: bool = False) -> dict[str, Any]:
    """Play so many hours at +100 and at -100 ppm.  `quick` is a tenth of an hour.

    Raises ValueError for a wrong argument.
    """
    if quick:
        hours = min(hours, 0.1)
    if not 0.05 <= hours <= 48:
        raise ValueError(f"từ 0,05 đến 48 giờ · from 0.05 to 48 hours, not {hours:g}")
    said = speech(0)
    packets = encode_sound(said.pcm, 24_000)
    cases = []
    for number, ppm in enumerate((PPM, -PPM)):

        def step(share: float, number: int = number) -> None:
            if progress is not None:
                progress((number + share) / 2)

        cases.append(_case(packets, ppm, hours * 3600, step))
    return {"hours": hours, "speech": said.source, "cases": cases, "machine": machine()}


def _case(packets: list[bytes], ppm: float, seconds: float, progress: Progress) -> dict[str, Any]:
    voice, began = _Spoken(packets), time.perf_counter()
    try:
        delays = simulate(voice, ppm, seconds, _TICK, progress)
    finally:
        voice.close()
    first, last = delays.ends()
    return {
        "ppm": ppm,
        "uncorrected_ms": round(ppm * 1e-3 * seconds, 1),
        "delay_ms_first": round(first * 1000, 1),
        "delay_ms_last": round(last * 1000, 1),
        "growth_ms": round((last - first) * 1000, 1),
        "delay_ms_min": round(delays.least * 1000, 1),
        "delay_ms_max": round(delays.most * 1000, 1),
        "corrections": voice.corrections,
        "corrected_ms": round(voice.corrected / RATE * 1000, 1),
        "concealed_ms": voice.counted.concealed * 20,
        "late_packets": voice.counted.late,
        "took_s": round(time.perf_counter() - began, 1),
    }


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    view = Table(title=f"{result['hours']:g} h of a clock that is wrong, {result['speech']}")
    view.add_column("figure")
    for case in result["cases"]:
        view.add_column(f"{case['ppm']:+g} ppm", justify="right")
    view.add_column("goal", justify="right")
    for key, text, goal in _ROWS:
        view.add_row(text, *(f"{case[key]:g}" for case in result["cases"]), goal)
    view.caption = one_line(result["machine"])
    return view


_ROWS = (
    ("uncorrected_ms", "delay would have grown by, ms", ""),
    ("delay_ms_first", "delay, first ten minutes, ms", ""),
    ("delay_ms_last", "delay, last ten minutes, ms", ""),
    ("growth_ms", "growth, ms", "≤ 30"),
    ("delay_ms_max", "largest delay, ms", "≤ 100"),
    ("corrections", "blocks made shorter or longer", ""),
    ("corrected_ms", "by how much in all, ms", ""),
    ("concealed_ms", "sound made up, ms", "≤ 1000"),
    ("late_packets", "packets too late", ""),
    ("took_s", "computed in, s", ""),
)
