"""A short programme of encoded pictures and sound, the same packets for everybody who is measured."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from benchmarks.scenery import scene


@dataclass(frozen=True, slots=True)
class Picture:
    payload: bytes
    keyframe: bool


@dataclass(frozen=True, slots=True)
class Programme:
    """`pictures` at `frame_rate`, to be repeated; `sound` are 20 ms Opus packets."""

    frame_rate: int
    pictures: tuple[Picture, ...]
    sound: tuple[bytes, ...]


def programme(width: int, height: int, frame_rate: int, bitrate_bps: int, seconds: float) -> Programme:
    """Encode `seconds` of a moving scene (x264 superfast zerolatency, one keyframe) and of noise-like speech."""
    context = av.VideoCodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, frame_rate), Fraction(frame_rate, 1)
    context.bit_rate, context.gop_size, context.thread_count = bitrate_bps, 100_000, 1
    kilo = str(bitrate_bps // 1000)
    context.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "x264-params": f"vbv-maxrate={kilo}:vbv-bufsize={bitrate_bps // 2000}",
    }
    pictures = []
    for number, frame in enumerate(scene(width, height, int(frame_rate * seconds))):
        frame.pts = number
        pictures += [Picture(bytes(packet), bool(packet.is_keyframe)) for packet in context.encode(frame)]
    return Programme(frame_rate, tuple(pictures), tuple(_sound(seconds)))


def _sound(seconds: float) -> list[bytes]:
    context = av.AudioCodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format, context.bit_rate = 48_000, "mono", "s16", 32_000
    random = np.random.default_rng(1)
    out: list[bytes] = []
    for number in range(int(seconds * 50)):
        loud = 3000 * (1 + np.sin(number / 7))
        samples = (random.standard_normal(960) * loud / 3).clip(-32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, 960 * number
        out += [bytes(packet) for packet in context.encode(frame)]
    return out
