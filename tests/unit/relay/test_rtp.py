"""Headers, extensions and counters, on both sides of every wrap."""

from __future__ import annotations

import itertools
import random

import pytest

from mcu_core.relay import rtp
from tests.unit.relay.packets import rtp_packet


def test_header_is_read_with_extension_and_padding() -> None:
    data = rtp_packet(
        65535, 2**32 - 1, b"payload", ssrc=2**32 - 1, marker=True, payload_type=111, extensions=b"\x10\xaf", padding=5
    )
    header = rtp.parse(data, len(data))
    assert header is not None
    assert header[:5] == (True, 111, 65535, 2**32 - 1, 2**32 - 1)
    assert data[header.start : header.end] == b"payload"
    assert rtp.bounds(data, len(data)) == (header.start, header.end)
    assert rtp.audio_level(data, len(data), 1) == 0x80 | 0x2F


@pytest.mark.parametrize("profile", [0xBEDE, 0x1000])
def test_packet_cut_anywhere_is_refused_or_read_but_never_breaks(profile: int) -> None:
    block = b"\x31abcd\x10\x85" if profile == 0xBEDE else b"\x03\x02ab\x01\x01\x85"
    data = rtp_packet(1, 2, b"pay", extensions=block, profile=profile, padding=4)
    for size in range(len(data) + 1):
        cut = data[:size]
        header = rtp.parse(cut, size)
        start, end = rtp.bounds(cut, size)
        if header is not None:
            assert 12 <= header.start <= header.end <= size
            assert (start, end) == (header.start, header.end)
            for wanted in range(16):
                rtp.extension(cut, header, wanted)
        else:
            assert (start, end) == (0, 0)
        if size:
            assert [rtp.audio_level(cut, size, wanted) for wanted in range(16)][1] in (-1, 0x85)


def test_garbage_never_breaks() -> None:
    source = random.Random(1)
    for _ in range(3000):
        data = bytes((source.choice((0x80, 0x90, 0xB0, 0xBF)),)) + source.randbytes(source.randrange(60))
        if len(data) > 15 and source.random() < 0.5:
            data = data[:14] + bytes((0, source.randrange(12))) + data[16:]  # a short extension, perhaps too long
        header = rtp.parse(data, len(data))
        if header is not None:
            assert 12 <= header.start <= header.end <= len(data)
            rtp.extension(data, header, source.randrange(16))
        assert rtp.bounds(data, len(data)) == ((0, 0) if header is None else (header.start, header.end))
        rtp.audio_level(data, len(data), source.randrange(16))


def test_level_is_found_wherever_it_stands() -> None:
    for block in (b"\x10\x85", b"\x10\x85\x00\x00\x33abcd", b"\x33abcd\x10\x85", b"\x00\x10\x85", b"\x11\x85x"):
        data = rtp_packet(1, payload=b"opus", extensions=block)
        assert rtp.audio_level(data, len(data), 1) == 0x85
        header = rtp.parse(data, len(data))
        assert header is not None
        assert rtp.bounds(data, len(data)) == (header.start, header.end)
        assert rtp.audio_level(data, header.ext_end - 1, 1) == -1, "its extension is cut off"
    bare = rtp_packet(1, payload=b"\xbe\xde\0\1\x10\x85\0\0")
    assert rtp.audio_level(bare, len(bare), 1) == -1


def test_two_byte_extensions_are_found() -> None:
    data = rtp_packet(1, extensions=b"\x05\x00\x02\x03abc\x01\x01\x9c", profile=0x1000)
    header = rtp.parse(data, len(data))
    assert header is not None
    found = rtp.extension(data, header, 2)
    assert found is not None
    assert data[found[0] : found[0] + found[1]] == b"abc"
    assert rtp.audio_level(data, len(data), 1) == 0x9C
    assert rtp.audio_level(data, len(data), 5) == -1, "an empty element"


@pytest.mark.parametrize("edge", [0, 2**15, 2**16])
def test_sequence_numbers_across_the_edges(edge: int) -> None:
    for step in (-3, -1, 0, 1, 3, 1000, -1000):
        assert rtp.sequence_delta((edge + step) & 0xFFFF, edge & 0xFFFF) == step
        near = 5 * 65536 + edge
        assert rtp.unwrap((near + step) & 0xFFFF, near) == near + step


@pytest.mark.parametrize("edge", [0, 2**31, 2**32])
def test_times_across_the_edges(edge: int) -> None:
    for step in (-90_000, -1, 0, 1, 90_000):
        assert rtp.time_delta((edge + step) % 2**32, edge % 2**32) == step


def test_clock_follows_the_mixer_exactly_and_stays_on_one_timeline() -> None:
    clock = rtp.MediaClock(48_000)
    start = 2**32 / 48_000 - 0.05  # the timeline wraps during the test
    stamps = [clock.stamp(start + n * 0.02 + (0.003 if n % 2 else 0.0), 77 + n * 960) for n in range(10)]
    assert [rtp.time_delta(b, a) for a, b in itertools.pairwise(stamps)] == [960] * 9
    assert rtp.time_delta(clock.at(start + 0.2), stamps[0]) == pytest.approx(9600, abs=200)


def test_clock_goes_on_when_a_new_mixer_counts_from_zero() -> None:
    clock = rtp.MediaClock(90_000)
    before = clock.stamp(100.0, 5_000_000)
    after = clock.stamp(100.5, 0)
    assert rtp.time_delta(after, before) == 45_000
    assert rtp.time_delta(clock.stamp(100.5 + 1 / 30, 3000), after) == 3000


def test_clock_never_goes_back() -> None:
    clock = rtp.MediaClock(90_000)
    clock.stamp(100.0, 0)
    ahead = clock.stamp(100.1, 9000 + 17_000)  # within tolerance, so followed
    again = clock.stamp(100.12, 5_000_000)  # another mixer
    assert rtp.time_delta(again, ahead) > 0
