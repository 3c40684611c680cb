"""What becomes of a site's sound on its way to the bus."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mixer.channel import GATE, MOST_GAIN, TARGET, ChannelStrip
from mixer.dynamics import CEILING
from tests.unit.mixer.sounds import hum, keyboard, noise, speech

Pcm = NDArray[np.int16]


def through(strip: ChannelStrip, blocks: Pcm, trim_db: float = 0.0) -> Pcm:
    out = np.empty_like(blocks)
    for block, place in zip(blocks, out, strict=True):
        strip.process(block, trim_db, place)
    return out


def level(blocks: Pcm) -> float:
    """Of all together, dBov."""
    return float(10 * np.log10(np.mean(blocks.astype(np.float64) ** 2) / 32767**2 + 1e-13))


def syllables(blocks: Pcm, like: Pcm) -> Pcm:
    """The blocks in which `like` is within 10 dB of its loudest."""
    powers = np.mean(like.astype(np.float64) ** 2, axis=1)
    return np.asarray(blocks[powers > powers.max() / 10], np.int16)


@pytest.mark.parametrize("spoken", [-34.0, -30.0, -23.0, -16.0, -12.0])
def test_speech_of_any_loudness_comes_out_at_about_the_same(spoken: float) -> None:
    strip, said = ChannelStrip(), speech(14, spoken)
    heard = through(strip, said)[500:]
    assert level(syllables(heard, said[500:])) == pytest.approx(TARGET, abs=2.0)


def test_gain_is_bounded() -> None:
    strip = ChannelStrip()
    through(strip, speech(12, -48.0, -80.0))
    assert strip.gain.gain_db == pytest.approx(MOST_GAIN, abs=1.0)
    strip = ChannelStrip()
    through(strip, speech(12, -6.0))
    assert strip.gain.gain_db == pytest.approx(-MOST_GAIN, abs=5.1)  # -23 + 6 = -17: wants less than it may


def test_gain_moves_slowly_and_stands_still_in_pauses() -> None:
    strip = ChannelStrip()
    through(strip, speech(6, -35.0))
    before = strip.gain.gain_db
    through(strip, noise(30, -62.0))
    assert strip.gain.gain_db == before
    gains = []
    for block in speech(4, -12.0):
        strip.process(block, 0.0, np.empty(960, np.int16))
        gains.append(strip.gain.gain_db)
    assert np.abs(np.diff(gains)).max() <= 0.13


@pytest.mark.parametrize("loudness", [-30.0, -40.0, -50.0])
def test_noise_is_not_pumped_up(loudness: float) -> None:
    strip = ChannelStrip()
    heard = through(strip, noise(20, loudness))
    assert strip.gain.gain_db <= 0.0
    assert level(heard[500:]) <= loudness + 0.5


def test_what_lies_under_speech_is_turned_down_in_pauses_and_no_word_is_cut() -> None:
    strip = ChannelStrip()
    through(strip, speech(5, -23.0, -60.0))
    pause = through(strip, noise(2, -60.0))
    gained = strip.gain.gain_db
    assert level(pause[-25:]) == pytest.approx(-60 + gained + GATE, abs=1.5)
    said = speech(1, -23.0, -60.0)
    first = next(n for n, block in enumerate(said) if np.abs(block).max() > 1500)
    heard = through(strip, said)
    assert level(heard[first : first + 1]) == pytest.approx(level(said[first : first + 1]) + gained, abs=1.0)


def test_the_operators_gain_comes_on_top() -> None:
    said = speech(6, -30.0)
    plain, raised = through(ChannelStrip(), said), through(ChannelStrip(), said, 6.0)
    assert level(raised[100:]) - level(plain[100:]) == pytest.approx(6.0, abs=0.3)


def test_shouting_at_full_gain_does_not_clip() -> None:
    strip = ChannelStrip()
    through(strip, speech(12, -45.0, -80.0))
    assert np.abs(through(strip, speech(2, -9.0))).max() <= CEILING + 400


@pytest.mark.parametrize(
    ("name", "sound", "loudness"),
    [("fan", noise(14, -40.0), -40), ("keyboard", keyboard(14), -30), ("hum", hum(14), -35)],
)
def test_a_site_that_is_nothing_but_noise_is_found(name: str, sound: Pcm, loudness: float) -> None:
    strip = ChannelStrip()
    through(strip, sound[:480])
    assert strip.noise.noisy is None  # not before ten seconds have passed
    through(strip, sound[480:])
    assert strip.noise.noisy == pytest.approx(loudness, abs=3)


@pytest.mark.parametrize("floor", [-65.0, -45.0, -38.0])
def test_somebody_who_speaks_is_not_taken_for_noise_even_in_a_noisy_room(floor: float) -> None:
    strip = ChannelStrip()
    for second in speech(30, -20.0, floor).reshape(30, 50, 960):
        through(strip, second)
        assert strip.noise.noisy is None


def test_a_quiet_room_is_not_noisy_and_speech_ends_the_alarm() -> None:
    strip = ChannelStrip()
    through(strip, noise(14, -55.0))
    assert strip.noise.noisy is None
    through(strip, noise(14, -35.0))
    assert strip.noise.noisy is not None
    through(strip, speech(3, -20.0))
    assert strip.noise.noisy is None


def test_old_noise_does_not_count() -> None:
    strip = ChannelStrip()
    through(strip, noise(9, -35.0))
    strip.begin()
    through(strip, noise(3, -35.0))
    assert strip.noise.noisy is None
