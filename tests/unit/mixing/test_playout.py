"""The playout buffer over links that lose, reorder, delay and wrap."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drift import simulate
from mcu_core.mixing.playout import (
    BLOCK,
    QUIET,
    RATE,
    Conceal,
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
    delays: list[tuple[float, float]] = field(default_factory=list)  # when, seconds from leaving to sounding
    quiet: bool = True  # what is said may be cut anywhere
    _left: int = 0  # samples decoded but not yet played

    def send(self, n: int, delay: float = 0.0) -> None:
        """Packet `n` leaves at n * 20 ms and arrives `delay` later."""
        self.arrivals.append((n * 0.02 + delay, n))

    def run(self, until: float, start: float = 0.007) -> list[Step]:
        """Play 20 ms every 20 ms to `until`, as a voice does, delivering what has arrived by then."""
        self.arrivals.sort()
        tick = start
        steps = []
        while tick < until:
            while self.arrivals and self.arrivals[0][0] <= tick:
                arrived, n = self.arrivals.pop(0)
                self.buffer.push(
                    (self.first_sequence + n) % 2**16, (self.first_time + n * BLOCK) % 2**32, arrived, packet(n)
                )
            filled, self._left = min(self._left, BLOCK), max(self._left - BLOCK, 0)
            while filled < BLOCK:
                now = tick + filled / RATE
                step = self.buffer.pull(tick)
                steps.append(step)
                if isinstance(step, Play):
                    self.delays.append((now, now - number(step.payload) * 0.02))
                length = self._length(step)
                self._left = max(filled + length - BLOCK, 0)
                filled += length
            tick += 0.02
        self.steps += steps
        return steps

    def _length(self, step: Step) -> int:
        """Samples of a step: a voice can change a block by one period, here 5 ms."""
        if not isinstance(step, Play) or step.change == 0.0 or (step.quiet_only and not self.quiet):
            return BLOCK
        return BLOCK + (240 if step.change > 0 else -240)

    def delay(self, start: float, end: float) -> tuple[float, float]:
        """The least and the most delay between two times."""
        found = [delay for when, delay in self.delays if start <= when < end]
        return min(found), max(found)

    @property
    def played(self) -> list[int]:
        """Numbers of the packets played, in order."""
        return [number(step.payload) for step in self.steps if isinstance(step, Play)]


def test_a_steady_stream_is_played_whole_after_a_short_delay() -> None:
    link = Link()
    for n in range(100):
        link.send(n)
    steps = link.run(2.5)
    assert link.played == list(range(100))
    assert steps.index(Play(packet(0))) <= 3  # at most 60 ms after it arrived
    assert link.delay(1.5, 2.5)[1] <= 0.050
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
    assert link.delay(4, 6)[1] <= 0.050
    late = link.buffer.late
    link.run(13.9, start=6.007)
    assert 0.09 <= link.buffer.target <= 0.12
    assert 1 <= link.buffer.late - late <= 20  # it took some to learn of the jitter …
    late = link.buffer.late
    link.run(40.0, start=13.907)
    assert link.buffer.late <= late + 2  # … and hardly any after that, nor while the delay was taken back
    assert link.buffer.target <= 0.03
    assert link.delay(30, 40)[1] <= 0.070


def test_delay_rises_within_a_few_packets_and_falls_within_seconds() -> None:
    link = Link()
    for n in range(1500):
        link.send(n, 0.100 if 500 <= n < 560 and n % 3 else 0.0)
    link.run(10.4)
    assert link.buffer.target >= 0.1
    assert link.buffer.late <= 12
    link.run(29.0, start=10.407)
    assert link.delay(25, 29)[1] <= 0.05


@pytest.mark.parametrize("quiet", [True, False])
@pytest.mark.parametrize("pattern", ["every tenth", "bursts of five", "one long outage"])
def test_loss_does_not_make_the_delay_grow(pattern: str, quiet: bool) -> None:
    link = Link(quiet=quiet)
    for n in range(1500):
        lost = {
            "every tenth": n % 10 == 3,
            "bursts of five": n % 100 >= 95,
            "one long outage": 400 <= n < 550,
        }[pattern]
        if not lost or n < 200:
            link.send(n, (n * 7 % 5) * 0.001)
    link.run(30.0)
    assert link.delay(5, 29)[1] <= 0.080
    assert link.delay(28, 29)[1] <= 0.070
    assert link.buffer.late == 0


def test_a_burst_after_a_stall_is_not_played_late() -> None:
    """The network holds everything for a second and then lets it all go."""
    link = Link()
    for n in range(1000):
        link.send(n, max(0.0, 5.0 - n * 0.02) if 200 <= n < 250 else 0.0)
    link.run(20.0)
    assert link.delay(5.2, 20)[1] <= 0.230
    assert link.delay(12, 20)[1] <= 0.050


def heard_of_each_second(link: Link) -> dict[int, int]:
    """Packets played, by the second in which they sound."""
    found: dict[int, int] = {}
    for when, _ in link.delays:
        found[int(when)] = found.get(int(when), 0) + 1
    return found


@pytest.mark.parametrize("step", [0.1, 0.18, 0.22, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("quiet", [False, True])
def test_a_line_that_becomes_longer_is_heard_again_at_once(step: float, quiet: bool) -> None:
    """Another radio cell or route: from second 6 to 16 everything takes longer."""
    link = Link(quiet=quiet)
    for n in range(1500):
        link.send(n, 0.04 + (step if 300 <= n < 800 else 0.0))
    link.run(31.0)
    sound = [when for when, _ in link.delays if when >= 6.0]
    assert sound[0] <= 6.1
    silences = [(later - earlier, earlier) for earlier, later in itertools.pairwise(sound)]
    assert max(silences)[0] <= step + 0.35, "the longer way itself, and 0.3 s to be sure of it"
    assert all(heard_of_each_second(link)[second] >= 46 for second in [*range(8, 16), *range(18, 30)])
    assert link.buffer.late <= 15 + step * 50, "those that are overtaken when the way is short again are not said"
    assert link.delay(7, 16)[1] <= 0.04 + step + 0.1
    assert link.delay(17, 22)[1] <= 0.3, "those still on the long way look like jitter"
    assert link.delay(22, 30)[1] <= 0.13


def test_a_queue_that_fills_and_drains_is_followed() -> None:
    """A line that is too narrow for eight seconds: the queue before it grows to 0.6 s in one and goes in one."""
    link = Link()
    for n in range(1500):
        at = n * 0.02
        link.send(n, 0.04 + 0.6 * max(0.0, min(1.0, at - 10.0, 20.0 - at)))
    link.run(31.0)
    heard = heard_of_each_second(link)
    assert all(heard[second] >= 46 for second in [*range(12, 19), *range(22, 30)])
    assert link.delay(12, 19)[1] <= 0.7
    assert link.delay(22, 30)[1] <= 0.3


def test_redundancy_is_used_while_packets_get_lost() -> None:
    randomness = random.Random(2)
    link = Link()
    lost = {n for n in range(100, 2000) if randomness.random() < 0.05}
    for n in range(2000):
        if n not in lost:
            link.send(n, randomness.uniform(0, 0.008))
    steps = link.run(40.5)
    assert link.buffer.lost == len(lost)
    alone = [n for n in lost if n + 1 not in lost and n < 1999]
    with_redundancy = [number(step.following) for step in steps if isinstance(step, Conceal) and step.following]
    assert len(set(with_redundancy) & {n + 1 for n in alone}) >= 0.97 * len(alone)
    assert sum(isinstance(step, Conceal) for step in steps) <= len(lost) + 12


class Bare:
    """Plays a buffer without decoding anything; packets of 60 ms are a third of the work, the same clock."""

    def __init__(self, quiet: bool) -> None:
        self.buffer, self.quiet = PlayoutBuffer(), quiet
        self.at = 0.0
        self.changes = self.concealed = 0

    def push(self, number: int, arrived: float) -> None:
        self.buffer.push(number % 2**16, number * 2880 % 2**32, arrived, b"\x18" + bytes(8))

    def play(self, now: float) -> None:
        while self.at < now + 0.02:
            step = self.buffer.pull(now)
            self.at = max(self.at, now) + 0.02
            if isinstance(step, Play):
                self.at += 0.04
                if step.change and (self.quiet or not step.quiet_only):
                    self.at += 0.005 if step.change > 0 else -0.005
                    self.changes += 1
            elif isinstance(step, Conceal):
                self.concealed += 1

    def delay(self, now: float) -> float | None:
        return self.buffer.delay(self.at)


@pytest.mark.parametrize("ppm", [-100, 100])
@pytest.mark.parametrize("quiet", [True, False])
def test_two_hours_of_a_wrong_clock_do_not_change_the_delay(ppm: int, quiet: bool) -> None:
    player = Bare(quiet)
    delays = simulate(player, ppm, 7200, 0.06)
    first, last = delays.ends()
    assert delays.least >= 0.0
    assert delays.most <= 0.085  # of packets of 60 ms
    assert abs(last - first) <= 0.03
    assert player.concealed <= 50  # blocks, in two hours
    assert 100 <= player.changes <= 300  # 0.72 s in steps of 5 ms are 144


@pytest.mark.parametrize("level", ["silence", "never"])
def test_discontinuous_transmission_is_silence_not_loss(level: str) -> None:
    """A packet of two bytes every 400 ms while nothing is said, as browsers send (RFC 7587, section 3.1.3)."""
    buffer = PlayoutBuffer()
    steps: list[Step] = []
    sequence = 0
    for n in range(1000):
        now = n * 0.02
        silent = 100 <= n < 900
        if not silent or n % 20 == 0:
            payload = b"\x78\x00" if silent and level == "silence" else packet(n)
            buffer.push(sequence, n * BLOCK, now, payload)
            sequence += 1
        steps.append(buffer.pull(now + 0.005))
    assert buffer.lost == 0
    assert buffer.late == 0
    delay = buffer.delay(1000 * 0.02)
    assert delay is not None
    assert delay <= 0.06
    if level == "silence":  # comfort noise of the decoder all the time: the background does not come and go
        assert QUIET not in steps[110:890]


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


def test_what_was_kept_back_of_a_first_word_is_played_too() -> None:
    """A relay may pass on the packets before the one that was loud enough; they carry the times they arrived at."""
    link = Link()
    for n in range(100):
        link.send(n)
    link.run(4.0)
    for n in range(500, 505):  # arrived at their time, passed on together
        link.buffer.push(n, n * BLOCK, n * 0.02, packet(n))
    for n in range(505, 700):
        link.send(n)
    link.run(14.2, start=10.107)
    assert link.played == [*range(100), *range(500, 700)]
    assert link.delay(10, 10.2)[1] <= 0.13
    assert link.delay(12, 14)[1] <= 0.07


@pytest.mark.parametrize("loss", [0.02, 0.05, 0.1, 0.2])
def test_gaps_are_short_whatever_single_losses_do(loss: float) -> None:
    """What is heard of a gap: blocks in a row that neither a packet nor its redundancy filled."""
    randomness = random.Random(4)
    link = Link()
    for n in range(3000):
        if randomness.random() >= loss or n < 50:
            link.send(n, randomness.uniform(0, 0.015))
    gaps, gap = [], 0
    for step in link.run(60.0):
        empty = step == QUIET or (isinstance(step, Conceal) and step.following is None)
        if not empty and gap:
            gaps.append(gap)
        gap = gap + 1 if empty else 0
    assert max(gaps[1:], default=0) <= (5 if loss == 0.2 else 3)
    assert sum(gaps[1:]) <= 3000 * (loss**2 * 1.5 + 0.004)
