"""How much this machine does of each kind of work a second, with all its processors at it: what `mcu check` measures.

Pictures: as many processes as processors each do one thing only, at the same time, so that shared caches, memory and
hyper-threads tell.  Packets: the relay's egress, CPU time a packet (`fanout`).  The units are `mcu_core.capacity`'s.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

from rich.table import Table

_PERIOD = 30  # frames of scenery, played forth and back
_RECEIVERS = 20


def run(progress: Callable[[float], None] | None = None, *, seconds: float = 4.0) -> dict[str, Any]:
    """Measure each kind for `seconds`.  -> {"decode", "encode", "compose", "packets", "packets_of_one", …}"""
    report = progress or (lambda done: None)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found: dict[str, Any] = {"processors": processors, "seconds": seconds}
    parts: tuple[tuple[str, Callable[[float], float]], ...] = (
        ("encode", _encode),
        ("decode", _decode),
        ("compose", _compose),
    )
    with multiprocessing.get_context("spawn").Pool(processors) as pool:
        for number, (name, part) in enumerate(parts, 1):
            found[name] = sum(pool.map(part, [seconds] * processors, chunksize=1))
            report(number / 4)
    found["packets_of_one"] = _packets(min(seconds, 2.0))
    found["packets"] = found["packets_of_one"] * processors
    report(1.0)
    return found


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    view = Table(title=f"{result['processors']} CPU · processors")
    view.add_column("Việc · work")
    view.add_column("mỗi giây · a second", justify="right")
    for name, words in (
        ("decode", "Giải nén hình · decode"),
        ("encode", "Nén hình · encode"),
        ("compose", "Ghép hình · compose"),
    ):
        view.add_row(words, f"{result[name] / 1e6:,.0f} Mpx")
    view.add_row("Gói tin · packets", f"{result['packets']:,.0f}")
    return view


def _encode(seconds: float) -> float:
    """Pixels of 720p a second, H.264 as renditions are."""
    from benchmarks.scenery import scene
    from mixer.codec import video_encoder

    frames = scene(1280, 720, _PERIOD)
    encoder = video_encoder("H264", 1280, 720, 30, 1_500_000)
    for turn in range(5):
        encoder.encode(frames[turn], turn * 3000)
    start, turn = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        encoder.encode(frames[turn % len(frames)], (turn + 5) * 3000)
        turn += 1
    rate = turn * 1280 * 720 / (time.perf_counter() - start)
    encoder.close()
    return rate


def _decode(seconds: float) -> float:
    """Pixels of 360p a second, as sites in tiles send."""
    from benchmarks.scenery import scene
    from mixer.codec import VideoDecoder, video_encoder

    encoder, decoder = video_encoder("H264", 640, 360, 30, 600_000), VideoDecoder("H264")
    coded = [one for turn, frame in enumerate(scene(640, 360, 60)) for one in encoder.encode(frame, turn * 3000)]
    start, turn = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        one = coded[turn % len(coded)]
        decoder.decode(one.payload, turn * 3000)
        turn += 1
    rate = turn * 640 * 360 / (time.perf_counter() - start)
    encoder.close()
    decoder.close()
    return rate


def _compose(seconds: float) -> float:
    """Pixels of the canvas a second: 4x4 with labels, every tile scaled from 360p."""
    from benchmarks.scenery import scene
    from mixer.compositor import Compositor, TileSpec
    from mixer.layout import catalogue, to_pixels
    from mixer.picture import Picture

    rects = [to_pixels(cell, 1280, 720) for cell in catalogue()["4x4"].cells]
    ring = [Picture.from_frame(frame) for frame in scene(640, 360, 8)]
    compositor = Compositor(1280, 720)
    compositor.arrange([TileSpec(rect, label=f"Điểm cầu {number}", key=number) for number, rect in enumerate(rects)])
    start, turn = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for tile in range(len(rects)):
            compositor.put(tile, ring[(turn + tile) % len(ring)])
        compositor.compose()
        turn += 1
    return turn * 1280 * 720 / (time.perf_counter() - start)


def _packets(seconds: float) -> float:
    """Packets a second that one relay can send with a processor of its own."""
    from benchmarks.broadcast import programme
    from benchmarks.fanout import _ours
    from benchmarks.sinkhole import Sinkhole
    from mcu_core.relay.aiortc_shim import self_test
    from mcu_core.relay.batch import probe_gso

    self_test()
    media = programme(1280, 720, 30, 1_500_000, 1.0)
    with Sinkhole(_RECEIVERS) as sink:
        figures = asyncio.run(_ours(media, sink.addresses, seconds, probe_gso()))
    return 1e6 / max(0.1, float(figures["us_per_packet"]))
