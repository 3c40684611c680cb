"""The audio clock of one conference: every 20 ms, whatever happens to the pictures.

Runs on the event loop; the mixing itself runs in a thread of its own, so that video jobs delay it by no more than
the interpreter's switch interval.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

from mcu_core.mixing.audio_mix import AudioMix, MixedSound
from mcu_core.mixing.clock import Clock, Tick, rtp_time, ticks
from mcu_core.mixing.meter import Meter
from mcu_core.wire import AudioIn, AudioOut, SitePlan

PERIOD = 0.020
_CATCH_UP = 5  # ticks: after a stall of up to 100 ms no sound is left out
_INBOX = 1024


class AudioLoop:
    """Feeds the audio mix and sends what it makes.

    `listening` says whether any relay is attached; while none is, nothing is mixed.  `on_noise` is told of sites that
    are nothing but noise, and its level in dBov.
    """

    def __init__(
        self,
        clock: Clock,
        executor: Executor,
        send: Callable[[AudioOut], None],
        on_speaker: Callable[[int | None], None],
        on_noise: Callable[[int, int], None],
        listening: Callable[[], bool],
    ) -> None:
        self._clock, self._executor = clock, executor
        self._send, self._on_speaker, self._on_noise, self._listening = send, on_speaker, on_noise, listening
        self._mix = AudioMix()
        self._sites: Mapping[int, SitePlan] = {}
        self._waits: dict[int, float] = {}  # replaced, never changed: the audio thread reads it
        self._inbox: deque[AudioIn] = deque(maxlen=_INBOX)
        self._overflowed = self._skipped = 0
        self.late = Meter()
        self.voices: tuple[int, ...] = ()
        self.speaker: int | None = None

    def update(self, sites: Mapping[int, SitePlan], *, loudest: int, echo: bool) -> None:
        """Follow a new plan from the next tick on."""
        self._sites = sites
        self._mix.loudest, self._mix.echo = loudest, echo

    def playout(self, site: int) -> float | None:
        """Seconds by which a site's sound is delayed of itself; None if it was never heard."""
        return self._mix.playout(site)

    def wait(self, waits: dict[int, float]) -> None:
        """Delay the sound of these sites at least so many seconds; takes the dictionary over."""
        self._waits = waits

    def receive(self, packet: AudioIn) -> None:
        self._overflowed += len(self._inbox) == _INBOX
        self._inbox.append(packet)

    def dropped(self) -> dict[str, int]:
        return self._mix.dropped() | {"audio_inbox": self._overflowed, "audio_ticks": self._skipped}

    async def run(self) -> None:
        """Mix until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            async for tick in ticks(self._clock, PERIOD, catch_up=_CATCH_UP):
                if not self._listening():
                    self._inbox.clear()
                    continue
                self.late.add(tick.late)
                self._skipped += tick.skipped
                packets, self._inbox = self._inbox, deque(maxlen=_INBOX)
                mixed = await loop.run_in_executor(
                    self._executor, self._mix.tick, tick.due, packets, self._sites, self._waits
                )
                self._hand_out(mixed, tick)
        finally:
            self._executor.submit(self._mix.close)

    def _hand_out(self, mixed: MixedSound, tick: Tick) -> None:
        self._send(AudioOut(tick.due, rtp_time(tick.due, 48_000), mixed.shared, mixed.private))
        self.voices = mixed.voices
        if mixed.speaker != self.speaker:
            self.speaker = mixed.speaker
            self._on_speaker(mixed.speaker)
        for site, level in mixed.noisy:
            self._on_noise(site, level)
