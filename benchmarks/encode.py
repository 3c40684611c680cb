"""What one picture of a rendition costs to encode, and a site's picture to decode: codec by size.

Moving pictures at 30 a second; times are per picture, against the 33 ms between two.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from rich.table import Table

from benchmarks.scenery import scene
from mixer.codec import VideoDecoder, video_encoder
from mixer.picture import Picture

FRAME_RATE = 30
SIZES = ((1280, 720, 1_500_000), (640, 360, 600_000), (320, 180, 200_000))
_PERIOD = 60  # frames of scenery, played forth and back
_LEAST, _QUICK_LEAST = 90, 30

Codec = Literal["H264", "VP8"]
CODECS: tuple[Codec, ...] = ("H264", "VP8")


def run(
    progress: Callable[[float], None] | None = None, *, seconds: float = 20.0, quick: bool = False
) -> dict[str, Any]:
    """Measure every codec at every size for its share of `seconds`.  -> {"frame_rate", "cases": [...]}"""
    total = len(CODECS) * len(SIZES)
    cases: list[dict[str, Any]] = []
    for width, height, bitrate_bps in SIZES:
        frames = scene(width, height, _PERIOD // 4 if quick else _PERIOD)
        frames += frames[-2:0:-1]
        for codec in CODECS:
            share = seconds / total
            cases.append(_measure(codec, width, height, bitrate_bps, frames, share, _QUICK_LEAST if quick else _LEAST))
            if progress is not None:
                progress(len(cases) / total)
    return {"frame_rate": FRAME_RATE, "cases": cases}


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    view = Table(title=f"Encode and decode one picture, budget {1000 / result['frame_rate']:.0f} ms")
    for heading in ("codec", "size"):
        view.add_column(heading)
    for heading in ("p50 ms", "p99 ms", "decode ms", "p99 ms", "kbit/s asked", "kbit/s", "keyframe kB", "PSNR dB"):
        view.add_column(heading, justify="right")
    for case in result["cases"]:
        view.add_row(
            case["codec"],
            f"{case['width']}x{case['height']}",
            f"{case['ms_p50']:.2f}",
            f"{case['ms_p99']:.2f}",
            f"{case['decode_ms_p50']:.2f}",
            f"{case['decode_ms_p99']:.2f}",
            f"{case['target_kbps']:.0f}",
            f"{case['kbps']:.0f}",
            f"{case['keyframe_bytes'] / 1000:.1f}",
            f"{case['psnr_db']:.1f}",
        )
    return view


def _measure(
    codec: Codec, width: int, height: int, bitrate_bps: int, frames: list[Any], seconds: float, least: int
) -> dict[str, Any]:
    encoder, decoder = video_encoder(codec, width, height, FRAME_RATE, bitrate_bps), VideoDecoder(codec)
    encoding, decoding, sizes, errors = [], [], [], []
    keyframe_bytes = 0
    until, turn = time.perf_counter() + seconds, 0
    while turn < least or time.perf_counter() < until:
        frame = frames[turn % len(frames)]
        start = time.perf_counter()
        coded = encoder.encode(frame, turn * 90_000 // FRAME_RATE)
        encoding.append(time.perf_counter() - start)
        for one in coded:
            sizes.append(len(one.payload))
            if one.keyframe:
                keyframe_bytes = max(keyframe_bytes, len(one.payload))
            start = time.perf_counter()
            pictures = decoder.decode(one.payload, one.rtp_time)
            decoding.append(time.perf_counter() - start)
            for picture in pictures:
                seen, shown = Picture.from_frame(picture).y, Picture.from_frame(frame).y
                errors.append(float(np.square(seen.astype(np.float32) - shown).mean()))
        turn += 1
    encoder.close()
    decoder.close()
    warm = slice(min(FRAME_RATE, turn // 3), None)  # the rate control has settled
    return {
        "codec": codec,
        "width": width,
        "height": height,
        "frames": turn,
        "ms_p50": 1e3 * float(np.median(encoding[warm])),
        "ms_p99": 1e3 * float(np.quantile(encoding[warm], 0.99)),
        "decode_ms_p50": 1e3 * float(np.median(decoding[warm])),
        "decode_ms_p99": 1e3 * float(np.quantile(decoding[warm], 0.99)),
        "target_kbps": bitrate_bps / 1000,
        "kbps": 8 * FRAME_RATE * float(np.mean(sizes[warm])) / 1000,
        "keyframe_bytes": keyframe_bytes,
        "psnr_db": 10 * math.log10(255**2 / float(np.mean(errors[warm]))),
    }
