"""Tones are told apart in a mix and after Opus; talk and noise are not taken for tones of the speaking site."""

from __future__ import annotations

import av
import numpy as np
import pytest

from endpoint_client.loops import encode_sound, sound_loop
from endpoint_client.pattern import LOOP
from endpoint_client.tones import BLOCK, RATE, TONES, Ear, babble, level_dbov, tone, tone_hz


def test_tones_of_successive_sites_differ() -> None:
    assert len({tone_hz(site) for site in range(1, TONES + 1)}) == TONES
    assert all(300 <= tone_hz(site) <= 3000 for site in range(1, TONES + 1))


@pytest.mark.parametrize("sites", [{1}, {1, 2, 3, 4}, {7, 20, 36}])
def test_exactly_the_sites_in_the_mix_are_heard(sites: set[int]) -> None:
    mix = np.clip(sum(tone(site).astype(np.int32) for site in sites), -32768, 32767).astype(np.int16)
    ear = Ear(range(1, TONES + 1))
    windows = [window for start in range(0, RATE, BLOCK) for window in ear.listen(mix[start : start + BLOCK])]
    assert len(windows) == 10
    for window in windows:
        assert set(window) == sites
        assert all(level == pytest.approx(-20, abs=1) for level in window.values())


def test_a_tone_is_heard_after_opus() -> None:
    decoder = av.CodecContext.create("opus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    ear = Ear(range(1, TONES + 1))
    heard = []
    for packet in sound_loop("tone", 11).packets[:60]:
        for frame in decoder.decode(av.Packet(packet)):
            heard += ear.listen((frame.to_ndarray()[0] * 32767).astype(np.int16))
    assert heard
    assert all(set(window) == {11} for window in heard[1:])


def test_noise_and_silence_hold_no_tone() -> None:
    rng = np.random.default_rng(3)
    ear = Ear(range(1, TONES + 1))
    noise = (rng.normal(0, 600, RATE)).astype(np.int16)
    false = sum(len(window) for window in ear.listen(noise))
    assert false <= 5  # of 370
    assert not any(Ear(range(1, TONES + 1)).listen(np.zeros(RATE, np.int16)))


def test_loops_join_without_a_click() -> None:
    for pcm in (tone(3), babble(3)):
        assert pcm.shape == (LOOP * RATE,)
        step = np.abs(np.diff(pcm.astype(np.int32))).max()
        assert abs(int(pcm[0]) - int(pcm[-1])) <= step


def test_levels_follow_the_talk() -> None:
    assert level_dbov(np.zeros(BLOCK, np.int16)) == -127
    assert level_dbov(np.full(BLOCK, 32767, np.int16)) == 0
    loop = sound_loop("babble", 2)
    assert len(loop.packets) == len(loop.levels) == LOOP * 50
    assert min(loop.levels) == -127  # pauses
    assert -30 <= max(loop.levels) <= -8
    assert set(sound_loop("silence", 0).levels) == {-127}


def test_encoding_gives_one_packet_a_block() -> None:
    assert len(encode_sound(tone(1)[: 10 * BLOCK], 32_000)) == 10
