"""GStreamer's `compositor` as a peer, where `gst-launch-1.0` is installed; no part of the product needs it.

It gets the pictures and the canvas that ours gets, as I420 and of one colorimetry, so that it converts nothing.
`imagefreeze` hands the same picture on again and again without copying it, and `fakesink` drops the canvas: what is
left is composing and passing pictures between its threads (one for every source, one for the compositor, and those it
blends with).  One picture instead of a ring stays in the caches, which favours GStreamer.

The time of a frame is the difference between a long and a short run, divided by the frames between them; so starting
the pipeline does not count.  It cannot take turns with the others tick by tick as FFmpeg's graph does: it runs after
them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixer.layout import Rect
from mixer.picture import Picture, Plane

_SHORT = 30  # frames
_LONGEST = 20_000  # frames
_TRIES = 4  # one start in twenty with 25 sources its elements fail to agree ("not-negotiated"); the next start succeeds
_PATIENCE = 60.0  # seconds a run may take
_ENDED = re.compile(r"Execution ended after (\d+):(\d+):(\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Figures:
    ms: float  # per frame, on the clock
    cpu_ms: float  # per frame, of all its threads together
    threads: int  # the most that were seen, with gst-launch's own
    canvas: Plane  # the luma of what it composed


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    cpu: float
    threads: int


def tool() -> str | None:
    """Where `gst-launch-1.0` is; None where it is not installed."""
    return shutil.which("gst-launch-1.0")


def version() -> str | None:
    """Such as "GStreamer 1.22.0"; None where it is not installed."""
    command = tool()
    if command is None:
        return None
    said = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=_PATIENCE, check=False)
    return next((line for line in said.stdout.splitlines() if line.startswith("GStreamer ")), None)


def measure(
    pictures: Sequence[Picture], rects: Sequence[Rect], width: int, height: int, seconds: float
) -> Figures | None:
    """Compose `pictures` at `rects` for about `seconds`.

    None where it is not installed, or refuses, as it does without gst-plugins-base (compositor) or gst-plugins-good
    (imagefreeze, multifilesrc).
    """
    command = tool()
    if command is None:
        return None
    with tempfile.TemporaryDirectory(prefix="mcu-gst-") as folder:
        files = []
        for number, picture in enumerate(pictures):
            files.append(Path(folder, f"{number}.yuv"))
            files[-1].write_bytes(raw(picture))
        canvas = Path(folder, "canvas.yuv")

        def run(frames: int, sink: str = "fakesink sync=false") -> _Run | None:
            words = pipeline(pictures, files, rects, width, height, frames, sink)
            tries = (_launch([command, *words], Path(folder, "log")) for _ in range(_TRIES))
            return next((done for done in tries if done is not None), None)

        once = run(1, f"filesink location={canvas}")
        short = run(_SHORT)
        if once is None or short is None:
            return None
        count = _SHORT + min(max(int(_SHORT * seconds / max(short.seconds, 1e-3)), 4 * _SHORT), _LONGEST)
        long = run(count)
        if long is None:
            return None
        stride = _up4(width)
        luma = np.fromfile(canvas, np.uint8, stride * height).reshape(height, stride)[:, :width].copy()
    frames = count - _SHORT
    return Figures(
        1e3 * max(long.seconds - short.seconds, 0) / frames, 1e3 * max(long.cpu - short.cpu, 0) / frames,
        long.threads, luma,
    )  # fmt: skip


def raw(picture: Picture) -> bytes:
    """The picture as GStreamer lays I420 out: rows padded to four bytes."""
    planes = []
    for plane in picture.planes:
        rows = np.zeros((plane.shape[0], _up4(plane.shape[1])), np.uint8)
        rows[:, : plane.shape[1]] = plane
        planes.append(rows.tobytes())
    return b"".join(planes)


def pipeline(
    pictures: Sequence[Picture],
    files: Sequence[Path],
    rects: Sequence[Rect],
    width: int,
    height: int,
    frames: int,
    sink: str,
) -> list[str]:
    """The arguments of gst-launch-1.0: every file shown `frames` times at its place of one canvas."""
    places = [
        f"sink_{pad}::{name}={value}"
        for pad, rect in enumerate(rects)
        for name, value in (("xpos", rect.x), ("ypos", rect.y), ("width", rect.w), ("height", rect.h))
    ]
    words = ["compositor", "name=mix", "background=black", *places, "!", _caps(width, height), "!", *sink.split()]
    for pad, (picture, file) in enumerate(zip(pictures, files, strict=True)):
        words += [
            "multifilesrc",
            f"location={file}",
            "num-buffers=1",
            f"caps={_caps(picture.width, picture.height)}",
            "!",
        ]
        words += ["imagefreeze", f"num-buffers={frames}", "!", f"mix.sink_{pad}"]
    return words


def _launch(words: list[str], log: Path) -> _Run | None:
    before = _children_cpu()
    threads = 0
    with log.open("w+b") as said:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C"})
        deadline = time.monotonic() + _PATIENCE
        try:
            while process.poll() is None and time.monotonic() < deadline:
                threads = max(threads, _threads(process.pid))
                time.sleep(0.02)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        said.seek(0)
        ended = _ENDED.search(said.read().decode(errors="replace"))
    if process.returncode or ended is None:
        return None
    hours, minutes, seconds = ended.groups()
    return _Run(3600 * int(hours) + 60 * int(minutes) + float(seconds), _children_cpu() - before, threads)


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _threads(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0  # gone, or no /proc


def _caps(width: int, height: int) -> str:
    return f"video/x-raw,format=I420,width={width},height={height},framerate=30/1,colorimetry=bt601"


def _up4(number: int) -> int:
    return (number + 3) & ~3
