"""How long one tick of the compositor takes, beside FFmpeg's xstack, GStreamer's compositor and a copy of the canvas.

Each round of a case copies a canvas, composes, and runs FFmpeg's filter graph (buffer -> scale -> xstack ->
buffersink, through PyAV, with FFmpeg's own number of threads), one after the other, so that all see the same machine.
All take the same frames from a ring, but each its own in any one round: whoever came second would find them in
the near caches, where a decoder's output never is.  GStreamer's compositor follows in a process of its own, where it is
installed (gstreamer.py).

Picture quality is the PSNR of luma against a true area average, computed here in float64 from the source.
That reference favours whoever averages areas over the sharper bicubic that FFmpeg's scale takes by default, so
xstack is also run with `flags=area`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray
from rich.table import Table

from benchmarks import gstreamer
from benchmarks.scenery import scene
from mixer.compositor import Compositor, TileSpec
from mixer.layout import Rect, catalogue, to_pixels
from mixer.picture import Canvas, Picture

WIDTH, HEIGHT = 1280, 720
_RING = 4  # frames of each source: 16 tiles of 720p are 88 MB
_EXACT_DB = 100.0  # what an exact copy counts as
_GSTREAMER_SHARE = 0.3  # of the time of a case

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Case:
    layout: str
    source: str  # "WxH", or "fit" for pictures of exactly the size of their tile
    labels: bool = False
    changed: int | None = None  # how many tiles have a new picture each tick; all unless said


CASES = (
    Case("4x4", "fit"),
    Case("4x4", "fit", labels=True),
    Case("4x4", "fit", changed=4),
    Case("4x4", "640x360"),
    Case("4x4", "1280x720"),
    Case("1+7", "fit"),
    Case("3x3", "640x360"),
    Case("5x5", "1280x720"),
    Case("1", "640x360"),
)
_QUICK = (CASES[0], CASES[1], CASES[4])


def run(progress: Progress | None = None, *, seconds: float = 30.0, quick: bool = False) -> dict[str, Any]:
    """Measure every case for its share of `seconds`; making the pictures comes on top.  -> {"cases": [...]}

    `gst_…` of every case are None where GStreamer's compositor is not installed.
    """
    cases = _QUICK if quick else CASES
    results = []
    for number, case in enumerate(cases):
        results.append(_measure(case, seconds / len(cases)))
        if progress is not None:
            progress((number + 1) / len(cases))
    return {"width": WIDTH, "height": HEIGHT, "gstreamer": gstreamer.version(), "cases": results}


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    view = Table(title=f"Compose a canvas of {result['width']}x{result['height']}, budget 33 ms")
    for heading in ("layout", "source", "changed", "labels"):
        view.add_column(heading)
    for heading in (
        "p50 ms",
        "p99 ms",
        "x copy",
        "xstack ms",
        "area ms",
        "gst ms",
        "PSNR dB",
        "xstack dB",
        "area dB",
        "gst dB",
    ):
        view.add_column(heading, justify="right")
    threads = [case["gst_threads"] for case in result["cases"] if case["gst_threads"]]
    view.caption = (
        f"gst: {result['gstreamer']}, compositor, with its own {min(threads)} to {max(threads)} threads"
        if threads
        else "gst: gst-launch-1.0 with gst-plugins-base and -good is not installed"
    )
    for case in result["cases"]:
        view.add_row(
            case["layout"],
            case["source"],
            f"{case['changed']}/{case['tiles']}",
            "yes" if case["labels"] else "no",
            f"{case['ms_p50']:.3f}",
            f"{case['ms_p99']:.3f}",
            f"{case['copy_ratio']:.1f}",
            f"{case['xstack_ms']:.3f}",
            f"{case['xstack_area_ms']:.3f}",
            "" if case["gst_ms"] is None else f"{case['gst_ms']:.3f}",
            *(_decibels(case[key]) for key in ("psnr_db", "xstack_psnr_db", "xstack_area_psnr_db", "gst_psnr_db")),
        )
    return view


def _measure(case: Case, seconds: float) -> dict[str, Any]:
    cells = catalogue()[case.layout].cells
    rects = [to_pixels(cell, WIDTH, HEIGHT) for cell in cells]
    changed = len(rects) if case.changed is None else case.changed
    rings = [scene(*_size(case.source, rect), _RING, seed=number) for number, rect in enumerate(rects)]
    pictures = [[Picture.from_frame(frame) for frame in ring] for ring in rings]
    compositor = Compositor(WIDTH, HEIGHT)
    compositor.arrange(
        [
            TileSpec(rect, label=f"UBND xã Văn Môn {number}" if case.labels else "", key=number)
            for number, rect in enumerate(rects)
        ]
    )
    canvases = [Canvas(WIDTH, HEIGHT).picture for _ in range(_RING + 1)]
    peers = [_Xstack(rings, rects, flags) for flags in ("bicubic", "area")]

    copies, ticks, stacks = [], [], [[], []]  # type: list[float], list[float], list[list[float]]
    shown = [ring[0] for ring in pictures]
    stacked: list[av.VideoFrame] = []
    visit = len(rects) // changed  # ticks after which every tile had a new picture
    share = _GSTREAMER_SHARE * seconds if gstreamer.tool() else 0.0
    until, turn = time.perf_counter() + seconds - share, 0
    while turn < 12 or time.perf_counter() < until:
        at = turn % _RING
        start = time.perf_counter()
        canvases[-1].copy_from(canvases[at])
        copied = time.perf_counter()
        if turn:
            for index in range(turn * changed, (turn + 1) * changed):
                tile = index % len(rects)
                shown[tile] = pictures[tile][(turn + turn // visit) % _RING if visit > 1 else at]
                compositor.put(tile, shown[tile])
        else:
            for tile, picture in enumerate(shown):
                compositor.put(tile, picture)
        compositor.compose()
        composed = time.perf_counter()
        copies.append(copied - start)
        ticks.append(composed - copied)
        stacked = []
        for place, (peer, times) in enumerate(zip(peers, stacks, strict=True), start=1):
            start = time.perf_counter()
            stack = peer.run((at + place) % _RING, turn)
            times.append(time.perf_counter() - start)
            stacked.append(stack)
        turn += 1
    at = (turn - 1) % _RING
    qualities = [
        _psnr(Picture.from_frame(frame).y, [ring[(at + place) % _RING] for ring in pictures], rects)
        for place, frame in enumerate(stacked, start=1)
    ]
    first = [ring[0] for ring in pictures]
    peer_figures = gstreamer.measure(first, rects, WIDTH, HEIGHT, share)
    warm = slice(min(5, turn // 3), None)
    p50 = float(np.median(ticks[warm]))
    return {
        "layout": case.layout,
        "source": case.source,
        "tiles": len(rects),
        "changed": changed,
        "labels": case.labels,
        "rounds": turn,
        "ms_p50": 1e3 * p50,
        "ms_p99": 1e3 * float(np.quantile(ticks[warm], 0.99)),
        "copy_ms": 1e3 * float(np.median(copies[warm])),
        "copy_ratio": p50 / float(np.median(copies[warm])),
        "xstack_ms": 1e3 * float(np.median(stacks[0][warm])),
        "xstack_area_ms": 1e3 * float(np.median(stacks[1][warm])),
        "psnr_db": None if case.labels else _psnr(compositor.canvas.picture.y, shown, rects),
        "xstack_psnr_db": qualities[0],
        "xstack_area_psnr_db": qualities[1],
        "gst_ms": peer_figures and peer_figures.ms,
        "gst_cpu_ms": peer_figures and peer_figures.cpu_ms,
        "gst_threads": peer_figures and peer_figures.threads,
        "gst_psnr_db": peer_figures and _psnr(peer_figures.canvas, first, rects),
    }


class _Xstack:
    """FFmpeg's filter graph for one arrangement."""

    def __init__(self, rings: Sequence[Sequence[av.VideoFrame]], rects: Sequence[Rect], flags: str) -> None:
        self._rings = rings
        self._graph = graph = Graph()
        places = "|".join(f"{rect.x}_{rect.y}" for rect in rects)
        stack = graph.add("xstack", f"inputs={len(rects)}:layout={places}") if len(rects) > 1 else None
        sink = graph.add("buffersink")
        self._sources = []
        for pad, (ring, rect) in enumerate(zip(rings, rects, strict=True)):
            frame = ring[0]
            source = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 30)
            )
            last = source
            if (frame.width, frame.height) != (rect.w, rect.h):
                last = graph.add("scale", f"{rect.w}:{rect.h}:flags={flags}")
                source.link_to(last)
            if stack is None:
                last.link_to(sink)
            else:
                last.link_to(stack, 0, pad)
            self._sources.append(source)
        if stack is not None:
            stack.link_to(sink)
        self._sink = sink
        graph.configure()

    def run(self, at: int, turn: int) -> av.VideoFrame:
        for source, ring in zip(self._sources, self._rings, strict=True):
            ring[at].pts = turn
            source.push(ring[at])
        frame = self._sink.pull()
        assert isinstance(frame, av.VideoFrame)
        return frame


def _psnr(canvas: NDArray[np.uint8], shown: Sequence[Picture], rects: Sequence[Rect]) -> float:
    """Of all tiles together, against the area average of what they show."""
    error = 0.0
    for picture, rect in zip(shown, rects, strict=True):
        wanted = _weights(picture.height, rect.h) @ picture.y.astype(np.float64) @ _weights(picture.width, rect.w).T
        error += float(np.square(wanted - canvas[rect.y : rect.y + rect.h, rect.x : rect.x + rect.w]).sum())
    mean = error / sum(rect.w * rect.h for rect in rects)
    return _EXACT_DB if mean == 0 else min(10 * math.log10(255**2 / mean), _EXACT_DB)


def _weights(source: int, target: int) -> NDArray[np.float64]:
    """How much of each of `source` samples lies in each of `target` equal areas; rows add up to 1."""
    edges = np.arange(target + 1) * (source / target)
    left, right = edges[:-1, None], edges[1:, None]
    start = np.arange(source)[None, :]
    overlap: NDArray[np.float64] = np.minimum(right, start + 1) - np.maximum(left, start)
    return np.clip(overlap, 0, None) * (target / source)


def _size(source: str, rect: Rect) -> tuple[int, int]:
    if source == "fit":
        return rect.w, rect.h
    width, height = source.split("x")
    return int(width), int(height)


def _decibels(value: float | None) -> str:
    return "" if value is None else "exact" if value >= _EXACT_DB else f"{value:.1f}"
