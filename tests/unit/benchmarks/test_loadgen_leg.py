"""What the load generator counts is what a decoder could show and a listener could hear."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from benchmarks.dtls_client import Identity
from benchmarks.loadgen import Caller
from benchmarks.loadgen_leg import VIDEO_PT, Leg

PACKETS = 6  # of one frame


class Plain(Leg):
    """Its packets are not encrypted."""

    def _open(self, data: bytes) -> bytes | None:
        return data[12:]


@pytest.fixture
def leg() -> Iterator[Plain]:
    leg = Plain(Identity(), None, None)
    yield leg
    leg.close()


def unit(keyframe: bool, number: int) -> bytes:
    """One packet of a frame: FU-A of an IDR or another slice (RFC 6184, section 5.8)."""
    edges = (0x80 if number == 0 else 0) | (0x40 if number == PACKETS - 1 else 0)
    return bytes([0x7C, edges | (5 if keyframe else 1)]) + b"slice"


def frames(first: int, count: int, key_every: int = 1000) -> list[list[tuple[bytes, bool]]]:
    """Packets with their marker, by frame; sequence numbers begin with `first`."""
    film = []
    for frame in range(count):
        packets = []
        for number in range(PACKETS):
            marker = number == PACKETS - 1
            sequence = (first + frame * PACKETS + number) & 0xFFFF
            header = struct.pack("!BBHII", 0x80, VIDEO_PT | (0x80 if marker else 0), sequence, frame * 3000, 7)
            packets.append((header + unit(frame % key_every == 0, number), marker))
        film.append(packets)
    return film


def show(leg: Leg, film: list[list[tuple[bytes, bool]]]) -> int:
    for n, frame in enumerate(film):
        for packet, marker in frame:
            leg._video(packet, marker, n / 30)
    return leg.counters.video_frames


@pytest.mark.parametrize("first", [0, 65_500])
def test_whole_frames_count(leg: Plain, first: int) -> None:
    assert show(leg, frames(first, 50)) == 50
    assert leg.joined_at == 0.0
    assert leg.counters.longest_video_gap == pytest.approx(1 / 30)


@pytest.mark.parametrize("lost", range(PACKETS))
def test_a_packet_lost_anywhere_costs_everything_to_the_next_keyframe(leg: Plain, lost: int) -> None:
    film = frames(65_480, 40, key_every=20)
    del film[5][lost]
    assert show(leg, film) == 5 + 20
    assert leg.counters.video_lost == 1
    assert leg.counters.longest_video_gap == pytest.approx(16 / 30)


def test_nothing_counts_when_each_frame_lacks_something(leg: Plain) -> None:
    film = frames(0, 300)
    for frame in film[1:]:
        del frame[2], frame[0]
    assert show(leg, film) == 1


def test_a_whole_frame_lost_is_missed(leg: Plain) -> None:
    film = frames(0, 40, key_every=20)
    del film[5]
    assert show(leg, film) == 5 + 20
    assert leg.counters.video_lost == PACKETS


def test_a_lost_keyframe_makes_the_wait_longer(leg: Plain) -> None:
    film = frames(0, 60, key_every=20)
    del film[5][3], film[20][0]
    assert show(leg, film) == 5 + 20


def test_what_comes_twice_or_late_counts_once(leg: Plain) -> None:
    film = frames(0, 10)
    film[4] = [packet for packet in film[4] for _ in range(2)]
    assert show(leg, film) == 10
    film = frames(60, 10)
    film[4][1], film[4][2] = film[4][2], film[4][1]
    assert show(leg, film) == 14, "a decoder waits for no packet here"


def test_sound_counts_by_its_sequence_number(leg: Plain) -> None:
    def hear(*sequences: int) -> None:
        for sequence in sequences:
            leg._audio(struct.pack("!BBHII", 0x80, 111, sequence & 0xFFFF, 0, 8) + b"opus")

    hear(65_534, 65_535, 65_536, 65_537)
    assert (leg.counters.audio_packets, leg.counters.audio_lost) == (4, 0)
    hear(65_537, 65_535)
    assert (leg.counters.audio_packets, leg.counters.audio_lost) == (4, 0)
    hear(65_540)
    assert (leg.counters.audio_packets, leg.counters.audio_lost) == (5, 2)


@pytest.mark.parametrize("obeys", [True, False])
async def test_a_microphone_that_is_told_to_rest_sends_nothing_if_hints_are_obeyed(leg: Plain, obeys: bool) -> None:
    caller = Caller(leg, "http://127.0.0.1:1", True, {"name": "a", "token": "t"}, obeys)
    hint = {"type": "hint", "track": "microphone"}
    await caller._hear({**hint, "active": False})
    assert leg.sends_audio is not obeys
    caller.link._lost()
    assert leg.sends_audio, "nobody can tell it that it is heard"
    await caller._hear({**hint, "active": False})
    await caller._hear({**hint, "active": True})
    assert leg.sends_audio
