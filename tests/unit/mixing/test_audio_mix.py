"""Who hears what.  Tones instead of voices: real Opus, no clock, no threads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mcu_core.mixing.audio_mix import MAX_VOICES, AudioMix, MixedSound
from mcu_core.wire import AudioIn, SitePlan
from mixer.codec import OpusDecoder, OpusEncoder
from mixer.dynamics import CEILING, level_dbov
from tests.unit.mixer.sounds import noise, speech

BLOCK = 960


def tone_of(site: int) -> float:
    return 200.0 + 150.0 * site


@cache
def spoken(site: int) -> tuple[bytes, ...]:
    """One second of a tone; whole periods."""
    at = np.arange(50 * BLOCK) / 48_000
    pcm = (4000 * np.sin(2 * np.pi * tone_of(site) * at)).astype(np.int16)
    encoder = OpusEncoder()
    return tuple(encoder.encode(pcm[n * BLOCK : (n + 1) * BLOCK]) for n in range(50))


@dataclass
class Room:
    """Sites that speak now, packet by packet, into one mix."""

    sites: dict[int, SitePlan]
    mix: AudioMix = field(default_factory=AudioMix)
    ticks: list[MixedSound] = field(default_factory=list)
    speaking: set[int] = field(default_factory=set)
    level: int = 20
    levels: dict[int, int] = field(default_factory=dict)  # of sites that are not at `level`
    _n: int = 0

    @classmethod
    def of(cls, *numbers: int) -> Room:
        return cls({n: SitePlan(n, f"Điểm {n}", present=True) for n in numbers})

    def run(self, seconds: float) -> list[MixedSound]:
        made = []
        for _ in range(round(seconds * 50)):
            now = self._n * 0.02
            packets = [
                AudioIn(site, self._n % 2**16, level, level < 50, now, self._n * BLOCK, spoken(site)[self._n % 50])
                for site, level in ((site, self.levels.get(site, self.level)) for site in sorted(self.speaking))
            ]
            made.append(self.mix.tick(now + 0.004, packets, self.sites))
            self._n += 1
        self.ticks += made
        return made

    def change(self, site: int, **what: bool) -> None:
        self.sites[site] = replace(self.sites[site], **what)  # type: ignore[arg-type]

    def heard(self, site: int | None, ticks: list[MixedSound]) -> set[int]:
        """Whose tones are in what `site` (None: a listener) receives."""
        decoder = OpusDecoder()
        packets = [tick.shared if site is None else tick.private.get(site, tick.shared) for tick in ticks]
        pcm = np.concatenate([decoder.decode(packet) for packet in packets]).astype(np.float64)
        pcm = pcm[5 * BLOCK :]  # the encoder was in the middle of something else
        at, window = np.arange(pcm.size) / 48_000, np.hanning(pcm.size)
        found = set()
        for other in self.sites:
            amplitude = 2 * abs(np.dot(pcm * window, np.exp(-2j * np.pi * tone_of(other) * at))) / window.sum()
            if amplitude > 400:
                found.add(other)
        return found


def test_listeners_hear_all_voices_and_voices_hear_the_others() -> None:
    room = Room.of(1, 2, 3, 4)
    room.speaking = {1, 2}
    room.run(0.2)
    ticks = room.run(0.6)
    assert room.heard(None, ticks) == {1, 2}
    assert room.heard(3, ticks) == {1, 2}
    assert room.heard(1, ticks) == {2}
    assert room.heard(2, ticks) == {1}
    assert {frozenset(tick.private) for tick in ticks} == {frozenset({1, 2})}


def test_a_lone_speaker_hears_silence() -> None:
    room = Room.of(1, 2)
    room.speaking = {1}
    room.run(0.2)
    assert room.heard(1, room.run(0.6)) == set()


def test_s85_in_a_test_room_a_site_hears_itself() -> None:
    room = Room.of(1, 2)
    room.mix.echo = True
    room.speaking = {1}
    room.run(0.2)
    ticks = room.run(0.6)
    assert room.heard(1, ticks) == {1}
    assert ticks[-1].voices == (1,)
    assert not ticks[-1].private


def test_a_muted_site_is_closed_within_a_tick_and_open_again_after() -> None:
    room = Room.of(1, 2)
    room.speaking = {1, 2}
    room.run(0.5)
    room.change(1, muted=True)
    room.run(0.02)  # its sound fades out in this one block …
    ticks = room.run(0.6)
    assert room.heard(None, ticks) == {2}
    assert all(1 not in tick.private for tick in ticks)
    room.change(1, muted=False)
    room.run(0.2)
    assert room.heard(None, room.run(0.6)) == {1, 2}


@pytest.mark.parametrize("closed", [{"muted": True}, {"present": False}])
def test_what_a_closed_site_sends_is_never_decoded(closed: dict[str, bool]) -> None:
    room = Room.of(1)
    room.change(1, **closed)
    room.speaking = {1}
    ticks = room.run(0.5)
    assert room.heard(None, ticks) == set()
    assert ticks[-1].voices == ()


def test_a_site_nobody_knows_is_not_heard() -> None:
    room = Room.of(1, 2)
    room.speaking = {1, 2}
    del room.sites[2]
    ticks = room.run(0.5)
    assert all(set(tick.private) <= {1} for tick in ticks)


def test_a_voice_keeps_its_own_mix_for_two_seconds_after_it_ends() -> None:
    room = Room.of(1, 2)
    room.speaking = {1, 2}
    room.run(0.5)
    room.speaking = {2}
    assert all(1 in tick.private for tick in room.run(1.9))
    ticks = room.run(1.0)
    assert 1 not in ticks[-1].private
    assert ticks[-1].voices == (2,)


def test_the_active_speaker_is_told_and_forgotten_when_muted() -> None:
    room = Room.of(1, 2)
    room.speaking = {2}
    assert room.run(0.2)[-1].speaker == 2
    room.change(2, muted=True)
    assert room.run(0.1)[-1].speaker is None


def test_a_sender_without_levels_is_measured() -> None:
    room = Room.of(1, 2)
    room.level = 255
    room.speaking = {2}
    assert room.run(0.4)[-1].speaker == 2


def test_gain_is_applied() -> None:
    quiet, loud = Room.of(1), Room.of(1)
    loud.sites[1] = replace(loud.sites[1], gain_db=6.0)
    levels = []
    for room in (quiet, loud):
        room.speaking = {1}
        room.run(0.5)
        decoder = OpusDecoder()
        pcm = np.concatenate([decoder.decode(tick.shared) for tick in room.run(0.5)]).astype(np.float64)
        levels.append(np.sqrt(np.mean(pcm[4800:] ** 2)))
    assert levels[1] / levels[0] == pytest.approx(2.0, rel=0.1)


UNTOLD = 255


def test_who_must_be_heard_is_heard_although_all_voices_are_taken() -> None:
    room = Room.of(*range(1, MAX_VOICES + 4))
    room.level, room.speaking = UNTOLD, set(room.sites)
    ticks = room.run(0.3)
    assert set(ticks[-1].private) == set(range(1, MAX_VOICES + 1))
    assert room.mix.dropped()["audio_refused"] > 0
    chair, podium, other = MAX_VOICES + 1, MAX_VOICES + 2, MAX_VOICES + 3
    for site in (chair, podium):
        room.change(site, always=True)
    ticks = room.run(0.3)
    assert len(ticks[-1].private) == MAX_VOICES
    assert {chair, podium} <= set(ticks[-1].private)
    assert other not in ticks[-1].private


def test_who_speaks_takes_the_place_of_who_was_silent_longest() -> None:
    """Sites that tell no level always pass the relay, so they could keep a speaker out for ever."""
    room = Room.of(*range(1, MAX_VOICES + 2))
    room.level = UNTOLD
    room.speaking = {1}
    room.run(2.0)  # a steady tone is no speech after a second
    room.speaking = set(range(1, MAX_VOICES + 1))
    room.run(0.5)
    speaker = MAX_VOICES + 1
    room.levels[speaker] = 25
    room.speaking = set(room.sites)
    assert speaker not in room.run(0.1)[-1].private  # not yet silent for long
    ticks = room.run(0.6)
    assert set(ticks[-1].private) == set(range(2, speaker + 1))


def test_the_loudest_of_all_relays_are_heard() -> None:
    room = Room.of(*range(1, 6))
    room.mix.loudest = 2
    room.levels = {1: 30, 2: 20, 3: 40, 4: 25, 5: 127}
    room.change(5, always=True)
    room.speaking = set(room.sites)
    room.run(3.0)
    ticks = room.run(0.6)
    assert set(ticks[-1].voices) == {2, 4, 5}
    room.mix.loudest = 3
    room.run(0.5)
    assert room.heard(None, room.run(0.6)) == {1, 2, 4, 5}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sets(st.integers(1, 4)), st.sets(st.integers(1, 4))), min_size=1, max_size=5))
def test_whoever_sounds_in_the_shared_mix_has_a_mix_of_its_own(turns: list[tuple[set[int], set[int]]]) -> None:
    """Checked on the sums themselves: a row that is not silent belongs to a site with a private packet."""
    room = Room.of(1, 2, 3, 4)
    for speaking, muted in turns:
        room.speaking = speaking
        for site in room.sites:
            room.change(site, muted=site in muted)
        for _ in range(8):
            voices = dict(room.mix._voices)
            (tick,) = room.run(0.02)
            voices |= room.mix._voices
            for site, voice in voices.items():
                removed = site not in room.mix._voices  # its row was cleared after the tick
                if not removed and room.mix._bus.pcm[voice.row].any():
                    assert site in tick.private
                if removed and site not in muted:
                    assert site not in tick.private


def encoded(blocks: NDArray[np.int16]) -> list[bytes]:
    encoder = OpusEncoder()
    return [encoder.encode(block) for block in blocks]


def say(room: Room, site: int, packets: list[bytes]) -> list[MixedSound]:
    """One site alone sends these."""
    made = []
    for payload in packets:
        now = room._n * 0.02
        packet = AudioIn(site, room._n % 2**16, 20, True, now, room._n * BLOCK, payload)
        made.append(room.mix.tick(now + 0.004, [packet], room.sites))
        room._n += 1
    room.ticks += made
    return made


def test_a_site_that_sends_only_noise_is_reported_now_and_then() -> None:
    room = Room.of(1, 2)
    ticks = say(room, 1, encoded(noise(26, -40.0)))
    news = [(n, each.noisy) for n, each in enumerate(ticks) if each.noisy]
    assert [where for _, ((where, _),) in news] == [1, 1]
    assert all(abs(level + 40) <= 3 for _, ((_, level),) in news)
    assert 500 <= news[0][0] <= 620
    assert news[1][0] - news[0][0] >= 500
    assert not any(each.noisy for each in say(room, 2, encoded(speech(12, -23.0))))


def test_a_site_is_as_loud_when_it_speaks_again_as_it_was() -> None:
    """Gain and jitter are kept while a site is silent, and forgotten when it leaves the conference."""
    room = Room.of(1, 2)
    packets = encoded(speech(6, -35.0))
    say(room, 1, packets)
    gain = room.mix._lines[1].strip.gain.gain_db
    assert gain > 6
    room.run(4.0)
    assert room.mix._voices == {}
    say(room, 1, packets[:10])
    assert room.mix._lines[1].strip.gain.gain_db >= gain - 0.5
    del room.sites[1]
    room.run(3.0)
    assert set(room.mix._lines) <= {2}


def test_eight_loud_voices_do_not_clip() -> None:
    room = Room.of(*range(1, 9))
    packets = {site: encoded(speech(3, -10.0, seed=site)) for site in room.sites}
    shared = []
    for n in range(150):
        arrived = [AudioIn(site, n, 10, True, n * 0.02, n * BLOCK, packets[site][n]) for site in room.sites]
        shared.append(room.mix.tick(n * 0.02 + 0.004, arrived, room.sites).shared)
        assert np.abs(room.mix._out.astype(np.int32)).max() <= CEILING
    decoder = OpusDecoder()
    pcm = np.concatenate([decoder.decode(each) for each in shared])
    assert np.mean(np.abs(pcm.astype(np.int32)) >= 32_767) < 1e-3  # the codec overshoots a little


def test_silence_is_not_dead() -> None:
    room = Room.of(1)
    decoder = OpusDecoder()
    pcm = np.concatenate([decoder.decode(each.shared) for each in room.run(2.0)])[48_000:]
    assert -80 <= level_dbov(pcm) <= -65


def test_a_new_voice_is_heard_from_its_first_block_on() -> None:
    room = Room.of(1, 2)
    room.speaking = {1}
    room.run(3.0)
    room.speaking = {1, 2}
    sounding = []
    for _ in range(50):
        room.run(0.02)
        sounding.append(2 in room.mix._voices and bool(room.mix._bus.pcm[room.mix._voices[2].row].any()))
    first = sounding.index(True)
    assert first <= 3  # 60 ms after its first packet
    assert all(sounding[first:])
    room.speaking = {1}
    for _ in range(50):
        room.run(0.02)
        sounding.append(2 in room.mix._voices and bool(room.mix._bus.pcm[room.mix._voices[2].row].any()))
    assert 49 <= sum(sounding) <= 57  # all its packets, and a fading end
