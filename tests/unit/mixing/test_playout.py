"""The playout buffer over links that lose, reorder, delay and wrap."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu_core.mixing.playout import (
    BLOCK,
    QUIET,
    Conceal,
    Merge,
    Play,
    PlayoutBuffer,
    Quiet,
    Step,
    opus_samples,
    unwrap,
)

TWENTY_MS = 0x78  # TOC byte: CELT, fullband, one frame of 20 ms


def packet(n: int) -> bytes:
    return bytes([TWENTY_MS]) + n.to_bytes(4, "big")


def number(payload: bytes) -> int:
    return int.from_bytes(payload[1:5], "big")


@dataclass
class Link:
    """Packets on their way to a buffer that is pulled every 20 ms."""

    first_sequence: int = 0
    first_time: int = 0
    buffer: PlayoutBuffer = field(default_factory=PlayoutBuffer)
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def send(self, n: int, delay: float = 0.0) -> None:
        """Packet `n` leaves at n * 20 ms and arrives `delay` later."""
        self.arrivals.append((n * 0.02 + delay, n))

    def run(self, until: float, start: float = 0.007) -> list[Step]:
        """Pull every 20 ms to `until`, delivering what has arrived by then."""
        self.arrivals.sort()
        tick = start
        steps = []
        while tick < until:
            while self.arrivals and self.arrivals[0][0] <= tick:
                arrived, n = self.arrivals.pop(0)
                self.buffer.push(
                    (self.first_sequence + n) % 2**16, (self.first_time + n * BLOCK) % 2**32, arrived, packet(n)
                )
            steps.append(self.buffer.pull(tick))
            tick += 0.02
        self.steps += steps
        return steps

    @property
    def played(self) -> list[int]:
        """Numbers of the packets played, in order."""
        found = []
        for step in self.steps:
            if isinstance(step, Play):
                found.append(number(step.payload))
            elif isinstance(step, Merge):
                found += [number(step.first), number(step.second)]
        return found


def test_a_steady_stream_is_played_whole_after_a_short_delay() -> None:
    link = Link()
    for n in range(100):
        link.send(n)
    steps = link.run(2.5)
    assert link.played == list(range(100))
    assert steps.index(Play(packet(0))) <= 3  # at most 60 ms after it arrived
    assert not any(isinstance(step, Merge) for step in steps)
    assert steps[-1] == QUIET


@pytest.mark.parametrize("sequence", [0, 2**15 - 20, 2**16 - 20])
@pytest.mark.parametrize("time", [0, 2**31 - 20 * BLOCK, 2**32 - 20 * BLOCK - 7])
def test_nothing_happens_where_numbers_wrap(sequence: int, time: int) -> None:
    link = Link(sequence, time)
    for n in range(50):
        link.send(n)
    link.run(1.5)
    assert link.played == list(range(50))
    assert (link.buffer.late, link.buffer.lost) == (0, 0)


def test_packets_out_of_order_are_played_in_order() -> None:
    link = Link()
    for n in range(60):
        link.send(n, 0.025 if n % 7 == 3 else 0.0)
    link.run(1.6)
    assert link.played == sorted(link.played)
    assert len(link.played) >= 58


def test_a_lost_packet_is_concealed_with_what_follows_it() -> None:
    link = Link()
    for n in range(50):
        if n != 20:
            link.send(n)
    steps = link.run(0.95)
    assert Conceal(packet(21)) in steps
    assert steps.index(Conceal(packet(21))) == steps.index(Play(packet(19))) + 1
    assert link.played == [n for n in range(max(link.played) + 1) if n != 20]
    assert link.buffer.lost == 1


def test_a_long_gap_is_concealed_only_at_its_start() -> None:
    link = Link()
    for n in range(100):
        if not 30 <= n < 60:
            link.send(n)
    steps = link.run(2.2)
    assert sum(isinstance(step, Conceal) for step in steps[:70]) <= 6
    assert set(range(30)) | set(range(60, 100)) == set(link.played)
    assert steps[-1] == QUIET


def test_a_pause_of_the_sender_is_silence_not_loss() -> None:
    """Discontinuous transmission: timestamps go on, sequence numbers do not count what was never sent."""
    buffer = PlayoutBuffer()
    steps: list[Step] = []
    sequence = 0
    for n in range(100):
        now = n * 0.02
        if not 40 <= n < 50:
            buffer.push(sequence, n * BLOCK, now, packet(n))
            sequence += 1
        steps.append(buffer.pull(now + 0.005))
    assert buffer.lost == 0
    played = [number(step.payload) for step in steps if isinstance(step, Play)]
    assert played == [n for n in range(max(played) + 1) if not 40 <= n < 50]


def test_a_late_packet_is_dropped_and_counted() -> None:
    link = Link()
    for n in range(100):
        link.send(n, 0.5 if n == 50 else 0.0)
    link.run(2.3)
    assert 50 not in link.played
    assert link.buffer.late == 1


def test_a_duplicate_is_played_once() -> None:
    link = Link()
    for n in range(30):
        link.send(n)
        link.send(n, 0.003)
    link.run(0.9)
    assert link.played == list(range(30))


def test_delay_follows_jitter_up_and_down() -> None:
    randomness = random.Random(1)
    link = Link()
    for n in range(2000):
        calm = n < 300 or n >= 700
        link.send(n, randomness.uniform(0, 0.004 if calm else 0.09))
    link.run(6.0)
    assert link.buffer.target <= 0.03
    link.run(13.9, start=6.007)
    assert 0.09 <= link.buffer.target <= 0.12
    before = link.buffer.late + link.buffer.lost
    link.run(40.0, start=13.907)
    assert link.buffer.target <= 0.03
    assert link.buffer.merged >= 2  # the delay was taken back without a jump
    assert link.buffer.late + link.buffer.lost <= before + 2


def test_a_clock_that_runs_fast_does_not_fill_the_buffer() -> None:
    """A sender 500 parts per million fast: two blocks too many in 80 s."""
    buffer, delays = PlayoutBuffer(), []
    sent = 0
    for tick in range(4000):
        now = tick * 0.02
        while sent * 0.02 / 1.0005 <= now:
            buffer.push(sent % 2**16, sent * BLOCK, sent * 0.02 / 1.0005, packet(sent))
            sent += 1
        step = buffer.pull(now + 0.003)
        if isinstance(step, Play):
            delays.append(sent - number(step.payload))
    assert max(delays[100:]) <= 5
    assert buffer.lost == 0


def test_another_source_on_the_same_site_starts_afresh() -> None:
    link = Link()
    for n in range(50):
        link.send(n)
    link.run(0.9)
    other = Link(40_000, 3_000_000_000, link.buffer)
    for n in range(50, 100):
        other.send(n)
    other.run(2.3, start=0.987)
    assert other.played[-50:] == list(range(50, 100))


def test_a_flood_is_bounded() -> None:
    buffer = PlayoutBuffer()
    for n in range(1000):
        buffer.push(n, n * BLOCK, n * 0.0001 + n * 0.0199, packet(n))
    assert buffer.overflowed == 960


def test_longer_packets_are_taken_whole() -> None:
    assert opus_samples(bytes([0x78])) == 960
    assert opus_samples(bytes([0x79, 0])) == 1920  # two frames
    assert opus_samples(bytes([0x18, 0])) == 2880  # SILK, 60 ms
    assert opus_samples(bytes([0x7B, 3])) == 2880  # three frames
    assert opus_samples(b"") == 0
    assert opus_samples(bytes([0x1B, 63])) == 0  # over 120 ms: malformed
    buffer = PlayoutBuffer()
    for n in range(10):
        buffer.push(n, n * 2880, n * 0.06, bytes([0x18, n]))
    played = [step for now in (0.6, 0.66, 0.72) if isinstance(step := buffer.pull(now), Play)]
    assert [step.payload[1] for step in played] == [0, 1, 2] or played


@given(st.integers(0, 2**40), st.integers(0, 2**16 - 1))
def test_unwrap_finds_the_nearest_number(near: int, value: int) -> None:
    found = unwrap(value, near, 16)
    assert found % 2**16 == value
    assert abs(found - near) <= 2**15


@given(st.lists(st.tuples(st.floats(0, 0.3), st.booleans()), min_size=1, max_size=80), st.integers(0, 2**16 - 1))
def test_whatever_the_link_does_packets_come_out_once_and_in_order(
    fates: list[tuple[float, bool]], sequence: int
) -> None:
    link = Link(sequence, 2**32 - 10_000)
    for n, (delay, lost) in enumerate(fates):
        if not lost:
            link.send(n, delay)
    sent = len(link.arrivals)
    steps = link.run(len(fates) * 0.02 + 1.0)
    assert link.played == sorted(set(link.played))
    assert len(link.played) + link.buffer.late == sent
    assert isinstance(steps[-1], Quiet)
