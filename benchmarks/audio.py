"""What the sound of a conference costs: the bus by number of voices, Opus, and a whole tick of the mix.

A whole tick is what a mixer does every 20 ms with four voices: decode each, add up, take the shared mix and one
private mix per voice, encode all five.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from mixer.audio_bus import AudioBus
from mixer.opus import BLOCK, OpusDecoder, OpusEncoder

VOICES = (2, 4, 8, 16, 32, 64)
MIXED = 4
_BLOCKS = 100  # two seconds of speech-like sound, played round and round
_TICK = 0.02


def run(
    progress: Callable[[float], None] | None = None, *, seconds: float = 10.0, quick: bool = False
) -> dict[str, Any]:
    """Measure for `seconds` in all.  -> {"bus": [...], "opus": {...}, "tick": {...}}"""
    counts = VOICES[1:4] if quick else VOICES
    share = seconds / (len(counts) + 2)
    sound = _speech(MIXED)
    buses = []
    for number, voices in enumerate(counts):
        buses.append(_bus(voices, sound, share))
        if progress is not None:
            progress((number + 1) / (len(counts) + 2))
    opus = _opus(sound[0], share)
    if progress is not None:
        progress((len(counts) + 1) / (len(counts) + 2))
    tick = _tick(sound, share)
    if progress is not None:
        progress(1.0)
    return {"budget_ms": 1e3 * _TICK, "bus": buses, "opus": opus, "tick": tick}


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    view = Table(title=f"Sound, budget {result['budget_ms']:.0f} ms a tick")
    view.add_column("what")
    view.add_column("p50 µs", justify="right")
    view.add_column("p99 µs", justify="right")
    for bus in result["bus"]:
        what = f"bus of {bus['voices']} voices, {bus['mixes']} mixes"
        view.add_row(what, f"{bus['us_p50']:.1f}", f"{bus['us_p99']:.1f}")
    for name in ("encode", "decode", "conceal"):
        figures = result["opus"]
        view.add_row(f"Opus {name}", f"{figures[f'{name}_us_p50']:.1f}", f"{figures[f'{name}_us_p99']:.1f}")
    tick = result["tick"]
    what = f"whole tick: {tick['voices']} decoded, mixed, {tick['mixes']} encoded"
    view.add_row(what, f"{1e3 * tick['ms_p50']:.0f}", f"{1e3 * tick['ms_p99']:.0f}")
    return view


def _bus(voices: int, sound: NDArray[np.int16], seconds: float) -> dict[str, Any]:
    """Fill every row, add up, take the total and a private mix for as many as are heard."""
    bus, out, mixes = AudioBus(voices, BLOCK), np.empty(BLOCK, np.int16), min(voices, MIXED)
    times = []
    until, turn = time.perf_counter() + seconds, 0
    while turn < 50 or time.perf_counter() < until:
        start = time.perf_counter()
        for voice in range(voices):
            bus.pcm[voice] = sound[voice % MIXED, turn % _BLOCKS]
        bus.add_up()
        bus.total(out)
        for voice in range(mixes):
            bus.without(voice, out)
        times.append(time.perf_counter() - start)
        turn += 1
    return {"voices": voices, "mixes": mixes + 1, **_microseconds("us", times)}


def _opus(sound: NDArray[np.int16], seconds: float) -> dict[str, Any]:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    times: dict[str, list[float]] = {"encode": [], "decode": [], "conceal": []}
    size = 0
    until, turn = time.perf_counter() + seconds, 0
    while turn < 200 or time.perf_counter() < until:
        start = time.perf_counter()
        packet = encoder.encode(sound[turn % _BLOCKS])
        encoded = time.perf_counter()
        times["encode"].append(encoded - start)
        size += len(packet)
        if turn % 20 == 19:
            decoder.conceal(BLOCK)
            times["conceal"].append(time.perf_counter() - encoded)
        else:
            decoder.decode(packet)
            times["decode"].append(time.perf_counter() - encoded)
        turn += 1
    encoder.close()
    decoder.close()
    figures = {key: value for name, took in times.items() for key, value in _microseconds(f"{name}_us", took).items()}
    return {"kbps": 8 * size / turn / _TICK / 1000, **figures}


def _tick(sound: NDArray[np.int16], seconds: float) -> dict[str, Any]:
    sources = [OpusEncoder() for _ in range(MIXED)]
    packets = [[source.encode(block) for block in sound[voice]] for voice, source in enumerate(sources)]
    decoders = [OpusDecoder() for _ in range(MIXED)]
    encoders = [OpusEncoder() for _ in range(MIXED + 1)]
    bus, out = AudioBus(MIXED, BLOCK), np.empty(BLOCK, np.int16)
    times = []
    until, turn = time.perf_counter() + seconds, 0
    while turn < 100 or time.perf_counter() < until:
        start = time.perf_counter()
        for voice, decoder in enumerate(decoders):
            bus.pcm[voice] = decoder.decode(packets[voice][turn % _BLOCKS])
        bus.add_up()
        bus.total(out)
        encoders[MIXED].encode(out)
        for voice in range(MIXED):
            bus.without(voice, out)
            encoders[voice].encode(out)
        times.append(time.perf_counter() - start)
        turn += 1
    for encoder in (*sources, *encoders):
        encoder.close()
    for decoder in decoders:
        decoder.close()
    return {
        "voices": MIXED,
        "mixes": MIXED + 1,
        "ms_p50": 1e3 * float(np.median(times)),
        "ms_p99": 1e3 * float(np.quantile(times, 0.99)),
    }


def _speech(voices: int) -> NDArray[np.int16]:
    """Syllables of harmonics over breath, shape (voices, blocks, samples): silence or a sine would flatter a codec."""
    rng = np.random.default_rng(7)
    t = np.arange(_BLOCKS * BLOCK) / 48_000
    sound = np.empty((voices, _BLOCKS, BLOCK), np.int16)
    for voice in range(voices):
        pitch = 110 * (1 + 0.3 * voice) * (1 + 0.05 * np.sin(2 * np.pi * 2.1 * t))
        phase = 2 * np.pi * np.cumsum(pitch) / 48_000
        tone = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 16))
        syllables = np.clip(np.sin(2 * np.pi * (3.1 + 0.4 * voice) * t + voice), 0, 1) ** 0.5
        mixed = 4000 * syllables * tone + rng.normal(0, 40, t.size)
        sound[voice] = np.clip(mixed, -32768, 32767).astype(np.int16).reshape(_BLOCKS, BLOCK)
    return sound


def _microseconds(name: str, times: list[float]) -> dict[str, float]:
    return {f"{name}_p50": 1e6 * float(np.median(times)), f"{name}_p99": 1e6 * float(np.quantile(times, 0.99))}
