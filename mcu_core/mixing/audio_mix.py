"""The sound of one conference: every 20 ms one shared mix, and a private one for each voice in it.

Nobody ever hears themselves (but in a test room, `echo`): whoever sounds in a tick's shared mix, or did within the
last 2 s, gets a packet of its own without itself, made from the same sum.  Muted sites are not decoded.  Everything
here runs in the audio thread, which is handed the packets that came since the last tick and returns what to send.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mcu_core.mixing.line import Line
from mcu_core.mixing.playout import BLOCK
from mcu_core.mixing.voice import PrivateMix, Voice
from mcu_core.wire import LEVEL_UNKNOWN, AudioIn, SitePlan
from mixer.audio_bus import AudioBus
from mixer.codec import OpusEncoder
from mixer.levels import ActiveSpeaker, Loudest
from mixer.master import Master

MAX_VOICES = 16  # decoded at once: the loudest, whoever has the word, and sites that tell no level
SILENT_FOR = 2.0  # seconds without speech after which a voice makes room for another
_TIDY = 50  # ticks
_NO_WAITS: Mapping[int, float] = {}


@dataclass(frozen=True, slots=True)
class MixedSound:
    """One tick: encoded packets and who is in them."""

    shared: bytes
    private: dict[int, bytes]
    voices: tuple[int, ...]  # sites heard now or within the hang-over
    speaker: int | None
    noisy: tuple[tuple[int, int], ...] = ()  # sites that are nothing but noise, and their level in dBov; news only


class AudioMix:
    """Owned by the audio thread.  Counts `refused` packets: of voices past `loudest` and past `MAX_VOICES`.

    Each relay passes on its own loudest; among those of all relays the choice is made once more here.  Past
    `MAX_VOICES` who speaks takes the place of who has long been silent, and who must be heard always gets one.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.loudest = MAX_VOICES
        self.echo = False  # a test room: no private mixes, so that everybody hears themselves
        self._bus = AudioBus(MAX_VOICES, BLOCK)
        self._free = list(range(MAX_VOICES - 1, -1, -1))
        self._voices: dict[int, Voice] = {}
        self._lines: dict[int, Line] = {}  # of silent sites too
        self._loudest = Loudest[int](MAX_VOICES)
        self._speaker = ActiveSpeaker[int]()
        self._encoder, self._master = OpusEncoder(), Master(BLOCK)
        self._out = np.zeros(BLOCK, np.int16)
        self._ticks = 0
        self._lost = self._late = 0  # of sites that are gone

    def tick(
        self,
        now: float,
        packets: Iterable[AudioIn],
        sites: Mapping[int, SitePlan],
        waits: Mapping[int, float] = _NO_WAITS,
    ) -> MixedSound:
        """Mix the block due at `now` from `packets`, all that arrived since the last tick.

        `waits`: seconds that the sound of a site must at least be delayed.
        """
        self._loudest.n = self.loudest
        for voice in self._voices.values():
            voice.ending = _closed(sites.get(voice.site))
        speaker = self._speaker.current
        if speaker is not None and _closed(sites.get(speaker)):
            self._speaker.drop(speaker)
        for voice in self._voices.values():
            voice.playout.least = waits.get(voice.site, 0.0)
        for packet in packets:
            self._receive(packet, sites, now)
        self._read(now, sites)
        mixed = self._encode(now)
        for voice in [voice for voice in self._voices.values() if voice.over(now)]:
            self._remove(voice)
        self._ticks += 1
        if self._ticks % _TIDY == 0:
            self._forget(sites)
        return mixed

    def playout(self, site: int) -> float | None:
        """Seconds by which a site's line delays its sound of itself; None if it was never heard."""
        line = self._lines.get(site)
        return line.playout.jitter if line is not None else None

    def dropped(self) -> dict[str, int]:
        """Packets that were not heard, by reason, since start."""
        buffers = [line.playout for line in list(self._lines.values())]
        return {
            "audio_lost": self._lost + sum(buffer.lost for buffer in buffers),
            "audio_late": self._late + sum(buffer.late + buffer.overflowed for buffer in buffers),
            "audio_refused": self.refused,
        }

    def close(self) -> None:
        for voice in list(self._voices.values()):
            self._remove(voice)
        self._encoder.close()

    def _receive(self, packet: AudioIn, sites: Mapping[int, SitePlan], now: float) -> None:
        site = sites.get(packet.site)
        if site is None or _closed(site):
            return
        voice = self._voices.get(packet.site)
        if not self._passes(packet, site) or (voice is None and not self._room(site, sites, now)):
            self.refused += 1
            return
        if voice is None:
            voice = self._voices[packet.site] = self._admit(packet.site, now)
        level = voice.receive(packet)
        if level is not None:
            self._speaker.hear(packet.site, level, now, packet.speech)

    def _passes(self, packet: AudioIn, site: SitePlan) -> bool:
        """Whether it is one of the loudest, as the relays choose."""
        if packet.level == LEVEL_UNKNOWN or site.always:
            return True
        return self._loudest.hear(packet.site, -packet.level, packet.arrived, packet.speech)

    def _room(self, site: SitePlan, sites: Mapping[int, SitePlan], now: float) -> bool:
        """Whether a new voice has a place, if need be that of another."""
        if self._free:
            return True
        others = [voice for voice in self._voices.values() if not (voice.ending or sites[voice.site].always)]
        silent = min(others, key=lambda voice: voice.spoke, default=None)
        if silent is None or not (site.always or now - silent.spoke > SILENT_FOR):
            return False
        self._remove(silent)
        return True

    def _read(self, now: float, sites: Mapping[int, SitePlan]) -> None:
        for voice in self._voices.values():
            row = self._bus.pcm[voice.row]
            site = sites.get(voice.site)
            gain_db = site.gain_db if site is not None else 0.0
            if voice.read(now, gain_db, row) and (level := voice.level) is not None:
                self._speaker.hear(voice.site, level, now, voice.line.strip.activity.speaking)

    def _encode(self, now: float) -> MixedSound:
        bus, out = self._bus, self._out
        bus.add_up()
        heard = [voice for voice in self._voices.values() if now < voice.heard_until]
        apart = () if self.echo else heard  # get a mix without themselves
        for voice in apart:  # before the shared mix goes on: a private one begins where that is
            voice.private = voice.private or PrivateMix(self._master)
        self._master.finish(bus.rest(None), out)
        shared = self._encoder.encode(out)
        private: dict[int, bytes] = {}
        for voice in apart:
            assert voice.private is not None
            voice.private.master.finish(bus.rest(voice.row), out)
            private[voice.site] = voice.private.encoder.encode(out)
        noisy = ((site, voice.line.take_noise(now)) for site, voice in self._voices.items())
        news = tuple((site, level) for site, level in noisy if level is not None)
        voices = tuple(sorted(voice.site for voice in heard))
        return MixedSound(shared, private, voices, self._speaker.current, news)

    def _admit(self, number: int, now: float) -> Voice:
        line = self._lines.get(number)
        if line is None:
            line = self._lines[number] = Line()
        return Voice(number, self._free.pop(), line, now)

    def _forget(self, sites: Mapping[int, SitePlan]) -> None:
        """Drop what is remembered of sites that no plan knows."""
        for number in self._lines.keys() - sites.keys() - self._voices.keys():
            buffer = self._lines.pop(number).playout
            self._lost += buffer.lost
            self._late += buffer.late + buffer.overflowed

    def _remove(self, voice: Voice) -> None:
        del self._voices[voice.site]
        self._bus.pcm[voice.row] = 0
        self._free.append(voice.row)
        if voice.ending:
            self._speaker.drop(voice.site)
            self._loudest.drop(voice.site)
        voice.close()


def _closed(site: SitePlan | None) -> bool:
    return site is None or site.muted or not site.present
