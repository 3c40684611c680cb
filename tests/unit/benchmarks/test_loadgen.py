"""Legs send no more than they are asked for once they obey, and not before."""

from __future__ import annotations

from typing import Any

from benchmarks.dtls_client import Identity
from benchmarks.loadgen import Caller
from benchmarks.loadgen_leg import Leg, Remote
from benchmarks.loadgen_media import UNMARKED, Film, Tape, levelled
from mcu_core.relay.aiortc_shim import Keys

HINT = {"type": "hint", "frame_rate": 15, "bitrate_bps": 0}


class Deaf(Leg):
    """Nothing it sends leaves the process."""

    def __init__(self) -> None:
        super().__init__(Identity(), Film(((b"frame",),), 15, 1.0), Tape((levelled(-127, b"silence"),) * 40), UNMARKED)
        self._keys = Keys.from_secrets(bytes(44), bytes(range(44)))
        self._remote = Remote(("127.0.0.1", 9), "", "", "", 111, 102)
        self.sent: list[bytes] = []

    def _send(self, datagram: bytes | memoryview) -> None:
        self.sent.append(bytes(datagram))  # SRTP leaves sequence number and time readable


def caller(leg: Leg, obeys: bool, **spec: Any) -> Caller:
    return Caller(leg, "https://127.0.0.1:1", False, {"name": "a", "token": "t", **spec}, obeys, (320, 180, 15))


def second(leg: Deaf) -> list[bytes]:
    leg.sent.clear()
    for _ in range(50):
        leg.send_audio()
    return list(leg.sent)


async def test_hints_are_kept_until_the_leg_obeys() -> None:
    leg = Deaf()
    site = caller(leg, False)
    await site._hear({**HINT, "track": "camera", "active": False, "width": 0, "height": 0})
    await site._hear({**HINT, "track": "microphone", "active": False, "width": 0, "height": 0})
    assert (leg.sends_video, leg.sends_audio, len(second(leg))) == (True, True, 50)
    site.obey()
    assert (leg.sends_video, leg.sends_audio) == (False, False)
    await site._hear({**HINT, "track": "camera", "active": True, "width": 160, "height": 90})
    assert leg.sends_video
    assert leg.film is not None
    assert len(leg.film.frames) > 1, "another size"
    leg.close()


async def test_a_site_that_says_nothing_sends_as_an_encoder_does_of_silence() -> None:
    leg = Deaf()
    caller(leg, True)
    packets = second(leg)
    assert 2 <= len(packets) <= 3
    first, then = ((int.from_bytes(p[2:4], "big"), int.from_bytes(p[4:8], "big")) for p in packets[:2])
    assert ((then[0] - first[0]) % 2**16, (then[1] - first[1]) % 2**32) == (1, 20 * 960)
    leg.close()
    speaker = Deaf()
    caller(speaker, True, speaks=True)
    assert len(second(speaker)) == 50
    speaker.close()
