"""Frames survive being cut into RTP payloads and put together again."""

from __future__ import annotations

import av
import pytest

from benchmarks.loadgen_leg import parse_answer
from benchmarks.loadgen_media import (
    PAYLOAD,
    START_CODE,
    assemble,
    film,
    is_keyframe,
    nal_units,
    payloads,
    tape,
    tone_tape,
)
from endpoint_client.loops import video_loop


def test_a_film_decodes_after_the_trip() -> None:
    loop = video_loop("H264", 6, 320, 180, 15, grain=10, keyframe_seconds=4)
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoded = 0
    for index, frame in enumerate(loop.payloads):
        parts = payloads(frame)
        assert all(len(part) <= PAYLOAD for part in parts)
        again = assemble(parts)
        assert nal_units(again) == nal_units(frame)
        assert is_keyframe(again) == (index == 0)
        decoded += len(decoder.decode(av.Packet(again)))
    assert decoded >= len(loop.payloads) - 1


@pytest.mark.parametrize("size", [1, 2, PAYLOAD - 1, PAYLOAD, PAYLOAD + 1, 2 * PAYLOAD, 5 * PAYLOAD + 3])
def test_units_of_every_size(size: int) -> None:
    unit = bytes((0x65,)) + bytes(range(1, 256)) * (size // 255 + 1)
    frame = START_CODE + b"\x67\x42" + START_CODE + b"\x68\xce" + START_CODE + unit[:size] + b"\x80"
    parts = payloads(frame)
    assert max(map(len, parts)) <= PAYLOAD
    assert assemble(parts) == frame


def test_malformed_payloads_are_refused() -> None:
    for wrong in (b"", b"\x7c", b"\x00\x00", b"\x7f\x00"):
        with pytest.raises(ValueError, match=r"H\.264"):
            assemble([wrong])


def test_one_film_has_one_keyframe_and_the_bits_of_a_camera() -> None:
    reel = film(3, 320, 180, 15)
    assert len(reel.frames) == 60
    assert 120 <= reel.kbps <= 400


def test_tapes_carry_their_level() -> None:
    quiet, tone = tape(1, False), tone_tape(1)
    assert quiet.bodies[0][:8] == bytes((0xBE, 0xDE, 0, 1, 0x10, 127, 0, 0))
    assert tone.bodies[0][5] == 0x80 | 23
    assert {body[5] for body in tape(1, True).bodies} > {127}


ANSWER = """v=0\r
a=ice-lite\r
m=audio 40000 UDP/TLS/RTP/SAVPF 111\r
a=ice-ufrag:abcd\r
a=ice-pwd:efgh\r
a=fingerprint:sha-256 AB:CD\r
a=setup:passive\r
a=candidate:1 1 udp 1 ::1 40000 typ host\r
a=candidate:2 1 udp 1 10.0.0.1 40000 typ host\r
a=candidate:3 1 UDP 1 127.0.0.1 40000 typ host\r
m=video 40000 UDP/TLS/RTP/SAVPF 102\r
"""


def test_an_answer_is_read() -> None:
    remote = parse_answer(ANSWER)
    assert remote.address == ("127.0.0.1", 40000)
    assert (remote.ufrag, remote.password, remote.fingerprint) == ("abcd", "efgh", "AB:CD")
    assert (remote.audio_pt, remote.video_pt) == (111, 102)
    for wrong in ("a=setup:passive", "a=ice-pwd:efgh", "m=video"):
        with pytest.raises(ValueError, match=r"answer|passive"):
            parse_answer(ANSWER.replace(wrong, "a=x:y"))
