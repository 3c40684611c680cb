"""Pictures to payloads and back; pieces of equal size; hostile payloads."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu_core.relay import depacketize, packetize
from tests.unit.relay.packets import nal, picture


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 5, 6, 7, 8]), st.integers(1, 5000)), min_size=1, max_size=6))
def test_h264_survives_the_way(units: list[tuple[int, int]]) -> None:
    data = b"".join(b"\0\0\0\1" + nal(kind, size) for kind, size in units)
    payloads = packetize.h264(data)
    assert all(0 < len(payload) <= packetize.MAX_PAYLOAD for payload in payloads)
    assert depacketize.h264(payloads) == (data, any(kind == 5 for kind, _ in units))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40_000))
def test_pieces_are_equal_but_for_the_last(size: int) -> None:
    for payloads in (packetize.h264(picture(size)), packetize.vp8(bytes(size), 1)):
        sizes = [len(payload) for payload in payloads]
        assert set(sizes[:-1]) <= {sizes[0]}
        assert sizes[-1] <= sizes[0]
        assert sizes[0] - sizes[-1] <= len(sizes)


def test_three_byte_start_codes_and_delimiters() -> None:
    data = b"\0\0\1" + nal(9, 1) + b"\0\0\1" + nal(7, 5) + b"\0\0\0\1" + nal(5, 50) + b"\0\0\0"
    assert depacketize.h264(packetize.h264(data)) == (b"\0\0\0\1" + nal(7, 5) + b"\0\0\0\1" + nal(5, 50), True)
    assert packetize.h264(b"no start code") == []


@pytest.mark.parametrize(("size", "first"), [(100, 0x10), (5000, 0x11)])
def test_vp8_survives_the_way(size: int, first: int) -> None:
    frame = bytes((first,)) + random.Random(size).randbytes(size)
    for picture_id in (0, 127, 128, 32767, 32768):
        payloads = packetize.vp8(frame, picture_id)
        assert depacketize.vp8(payloads) == (frame, not first & 1)
        assert depacketize.vp8_starts_keyframe(payloads[0]) is not bool(first & 1)
        assert not any(depacketize.vp8_starts_keyframe(payload) for payload in payloads[1:])


def test_keyframe_begins_at_parameter_sets_or_at_the_idr() -> None:
    for size in (50, 5000):
        payloads = packetize.h264(picture(size, keyframe=True))
        assert depacketize.h264_starts_keyframe(payloads[0])
        assert not any(depacketize.h264_starts_keyframe(p) for p in packetize.h264(picture(size)))
    long = packetize.h264(b"\0\0\0\1" + nal(5, 5000))
    assert [depacketize.h264_starts_keyframe(p) for p in long] == [True] + [False] * (len(long) - 1)


def test_missing_piece_spoils_the_picture_only() -> None:
    payloads = packetize.h264(picture(5000))
    assert depacketize.h264(payloads[1:]) is None
    assert depacketize.h264(payloads[:-1]) is None
    assert depacketize.h264([]) is None


def test_hostile_payloads_never_break() -> None:
    source = random.Random(5)
    good = packetize.h264(picture(3000, keyframe=True)) + packetize.vp8(bytes(3000), 5)
    for payload in good:
        for size in [*list(range(40)), len(payload)]:
            for function in (depacketize.h264, depacketize.vp8):
                function([payload[:size]])
            depacketize.h264_starts_keyframe(payload[:size])
            depacketize.vp8_starts_keyframe(payload[:size])
    for _ in range(3000):
        data = [source.randbytes(source.randrange(8)) for _ in range(source.randrange(4))]
        depacketize.h264(data)
        depacketize.vp8(data)
        for payload in data:
            depacketize.h264_starts_keyframe(payload)
            depacketize.vp8_starts_keyframe(payload)


def test_keyframe_without_parameter_sets_gets_the_last_ones() -> None:
    sets, whole = depacketize.ParameterSets(), picture(50, keyframe=True)
    idr = b"\0\0\0\1" + nal(5, 50)
    assert whole.endswith(idr)
    for payload in packetize.h264(whole):
        sets.hear(payload)
    assert sets.complete(whole) == whole
    assert sets.complete(idr) == whole


def test_keyframes_before_any_parameter_sets_are_refused_twice() -> None:
    sets, idr = depacketize.ParameterSets(), b"\0\0\0\1" + nal(5, 50)
    assert [sets.complete(idr) for _ in range(3)] == [None, None, idr], "a decoder may have heard them before us"


def test_parameter_sets_cut_short_do_no_harm() -> None:
    for payload in (b"\x18", b"\x18\0", b"\x18\0\0", b"\x18\xff\xff\x67", b"\x67", b"\x68"):
        sets = depacketize.ParameterSets()
        assert depacketize.may_hold_sets(payload)
        sets.hear(payload)
        assert sets.complete(b"\0\0\0\1" + nal(5, 50)) is None
