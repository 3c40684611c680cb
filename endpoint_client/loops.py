"""Loops: a site's picture and sound encoded once, to be sent for hours at no encoding cost.

A video loop has a keyframe every second, so a receiver that missed the first one waits at most that long.  A sound
loop keeps the level of each packet for the RTP header (RFC 6464), which stock senders cannot know of a packet.
Loops are made in a thread (0.3-1 ms a frame at 320x180) and shared; they never change.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
import numpy as np

from endpoint_client.pattern import LOOP, Pattern
from endpoint_client.tones import BLOCK, RATE, Pcm, Voice, level_dbov, voice_pcm

Codec = Literal["H264", "VP8"]
_ENCODERS: dict[Codec, tuple[str, dict[str, str]]] = {
    "H264": ("libx264", {"preset": "superfast", "tune": "zerolatency", "profile": "baseline"}),
    "VP8": ("libvpx", {"deadline": "realtime", "cpu-used": "6", "error-resilient": "1"}),
}


@dataclass(frozen=True, slots=True)
class VideoLoop:
    """`LOOP` seconds of picture: one payload (H.264 Annex B or a VP8 frame) per frame."""

    codec: Codec
    width: int
    height: int
    frame_rate: int
    payloads: tuple[bytes, ...]
    keyframes: frozenset[int]  # indices

    @property
    def kbps(self) -> float:
        return sum(map(len, self.payloads)) * 8 / LOOP / 1000


@dataclass(frozen=True, slots=True)
class SoundLoop:
    """`LOOP` seconds of sound: one Opus packet and its level in dBov per 20 ms."""

    packets: tuple[bytes, ...]
    levels: tuple[int, ...]


def default_bitrate(width: int, height: int, frame_rate: int) -> int:
    """Bits per second that suit a moving person at this size."""
    return max(60_000, round(width * height * frame_rate * 0.24))


@functools.lru_cache(maxsize=64)
def video_loop(
    codec: Codec,
    site: int,
    width: int,
    height: int,
    frame_rate: int,
    *,
    speaking: bool = True,
    bitrate_bps: int = 0,
    grain: int = 0,
    keyframe_seconds: int = 1,
) -> VideoLoop:
    """Draw and encode a site's loop.  `bitrate_bps` 0 chooses `default_bitrate`."""
    pattern = Pattern(site, width, height, frame_rate, grain=grain)
    frames = [pattern.frame(index, speaking=speaking) for index in range(pattern.frames)]
    bitrate = bitrate_bps or default_bitrate(width, height, frame_rate)
    keys = frozenset(range(0, pattern.frames, frame_rate * keyframe_seconds))
    payloads = tuple(encode_video(codec, frames, frame_rate, bitrate, keys))
    return VideoLoop(codec, width, height, frame_rate, payloads, keys)


def encode_video(
    codec: Codec, frames: Sequence[av.VideoFrame], frame_rate: int, bitrate_bps: int, keyframes: frozenset[int]
) -> list[bytes]:
    """One payload per frame.  Raises RuntimeError if the encoder keeps frames back."""
    name, options = _ENCODERS[codec]
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, frame_rate), Fraction(frame_rate, 1)
    context.bit_rate, context.gop_size, context.thread_count = bitrate_bps, len(frames), 1
    context.options = options
    payloads = []
    for index, frame in enumerate(frames):
        frame.pts, frame.time_base = index, Fraction(1, frame_rate)
        frame.pict_type = av.video.frame.PictureType.I if index in keyframes else av.video.frame.PictureType.NONE
        packets = context.encode(frame)
        if len(packets) != 1:
            raise RuntimeError(f"{name} gave {len(packets)} packets for one frame")
        payloads.append(bytes(packets[0]))
    return payloads


@functools.lru_cache(maxsize=128)
def sound_loop(voice: Voice, site: int, bitrate_bps: int = 32_000) -> SoundLoop:
    """Encode the loop of a voice."""
    pcm = voice_pcm(voice, site)
    levels = tuple(level_dbov(pcm[i : i + BLOCK]) for i in range(0, len(pcm), BLOCK))
    return SoundLoop(tuple(encode_sound(pcm, bitrate_bps)), levels)


def encode_sound(pcm: Pcm, bitrate_bps: int) -> list[bytes]:
    """Opus packets of a loop of samples.  Encoded twice, the second time kept, so that its end joins its start."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format, context.bit_rate = RATE, "mono", "s16", bitrate_bps
    context.options = {"application": "voip", "frame_duration": "20"}
    packets = []
    for index, start in enumerate([*range(0, len(pcm), BLOCK)] * 2):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm[start : start + BLOCK])[None, :], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, index * BLOCK, Fraction(1, RATE)
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets[-(len(pcm) // BLOCK) :]
