"""Does anything grow?  A conference for minutes or hours, with sites that leave and join all the time.

A real server (benchmarks/server.py) and the load of soak_churn.py.  Every 10 seconds of each kind of MCU process:
resident memory, open files and threads (from /proc, proc(5)) and tasks of the event loop (from /metrics).  After a
warm-up (a quarter of the time, at most 5 minutes) a straight line is laid through each series by least squares; its
slope is given per hour, with the growth over the time it was laid through.  The reference run is 20 minutes with 40
sites and 1,000 cycles.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.machine import machine, one_line
from benchmarks.processes import role, tree
from benchmarks.room import SPEAKERS, LoadProcess
from benchmarks.server import Server
from benchmarks.soak_churn import STAY

Progress = Callable[[float], None]
KINDS = ("rss_mb", "files", "threads", "tasks")
CYCLES_A_MINUTE = 50
_EVERY = 10.0
_LONGEST_WARM_UP = 300.0
_HOME = Path(__file__).resolve().parents[1]


def run(
    progress: Progress | None = None,
    *,
    minutes: float = 20.0,
    sites: int = 40,
    cycles: int | None = None,
    source: str = "320x180@15",
    quick: bool = False,
) -> dict[str, Any]:
    """Soak.  `cycles` in all; None is 50 a minute.  `quick` is 6 sites for 30 s.

    Raises ValueError for a wrong argument, ServerError when the server does not start, RuntimeError when sites
    cannot join at the beginning.
    """
    if quick:
        minutes, sites = min(minutes, 0.5), min(sites, 6)
    if not STAY < sites <= 500:
        raise ValueError(f"từ {STAY + 1} đến 500 điểm cầu · {STAY + 1} to 500 sites, not {sites}")
    if not 0.2 <= minutes <= 7 * 24 * 60:
        raise ValueError(f"thời gian từ 0,2 phút đến 7 ngày · 0.2 minutes to 7 days, not {minutes:g} minutes")
    wanted = round(minutes * CYCLES_A_MINUTE) if cycles is None else cycles
    with tempfile.TemporaryDirectory(prefix="mcu-soak-") as folder:
        return asyncio.run(_soak(Path(folder), progress or _silent, minutes * 60, sites, wanted, source))


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the MCU: seconds since the beginning, and by kind of process what it holds."""

    at: float
    values: dict[str, dict[str, float]]  # role -> rss_mb | files | threads | tasks -> sum over its processes
    pids: frozenset[int]


async def _soak(
    folder: Path, progress: Progress, seconds: float, sites: int, cycles: int, source: str
) -> dict[str, Any]:
    async with Server(folder) as server:
        conference = await server.conference("Soak")
        legs = []
        for index in range(sites):
            site = await server.site(conference, f"Điểm cầu {index + 1}", "main" if index == 0 else "member")
            speaks = index < SPEAKERS
            legs.append(
                {"name": f"site {index + 1}", "token": site["token"], "number": site["number"], "speaks": speaks}
            )
        monitor = {"name": "wall", "token": await server.monitor(conference, "wall"), "number": 0, "view": "wall"}
        load = await _start_load()
        try:
            command = {"do": "join", "url": server.url, "ca": str(server.ca), "source": source, "apart_ms": 100}
            # the monitor is first, so that it is among those who stay
            joined = await load.ask({**command, "legs": [monitor, *legs]})
            if joined["failed"]:
                raise RuntimeError(f"{len(joined['failed'])} legs did not join: {joined['failed']}")
            samples = [await _look(server, 0.0)]
            churn, more = await asyncio.gather(
                load.ask({"do": "churn", "seconds": seconds, "cycles": cycles}), _watch(server, seconds, progress)
            )
            samples += more
            after = await load.ask({"do": "measure", "seconds": 5})
        finally:
            await load.stop()
    progress(1.0)
    return {
        "minutes": round(seconds / 60, 2),
        "sites": sites,
        "source": source,
        **{key: churn[key] for key in ("cycles", "skipped", "failed", "join_ms_p50", "join_ms_p95")},
        **judge(samples, seconds),
        "fps_min_after": min(leg["fps"] for leg in after["legs"] if leg["name"] != "wall"),
        "audio_pps_min_after": min(leg["audio_pps"] for leg in after["legs"]),
        "samples": [{"at_s": round(sample.at, 1), **sample.values} for sample in samples],
        "machine": machine(),
    }


async def _start_load() -> LoadProcess:
    return LoadProcess(
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.soak_churn"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
            cwd=_HOME,
        )
    )


async def _watch(server: Server, seconds: float, progress: Progress) -> list[Sample]:
    """Look every 10 s, more often in a short run."""
    every = min(_EVERY, seconds / 15)
    begin = time.monotonic()
    samples: list[Sample] = []
    while (at := time.monotonic() - begin) < seconds:
        progress(0.99 * at / seconds)
        await asyncio.sleep(max(0.0, min((len(samples) + 1) * every, seconds) - at))
        samples.append(await _look(server, time.monotonic() - begin))
    return samples


async def _look(server: Server, at: float) -> Sample:
    processes = await asyncio.to_thread(tree, server.pid)
    values: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for pid, usage in processes.items():
        one = values[role(usage.command)]
        one["rss_mb"] += round(usage.rss_mb, 2)
        files, threads = await asyncio.to_thread(_holds, pid)
        one["files"] += files
        one["threads"] += threads
    for name, value in (await server.metrics()).items():
        for kind in ("control", "relay", "mixer"):
            if name.startswith(f"mcu_{kind}_tasks") and value:
                values[kind]["tasks"] += value
    return Sample(at, {kind: dict(held) for kind, held in sorted(values.items())}, frozenset(processes))


def _holds(pid: int) -> tuple[int, int]:
    """(open files, threads) of a process; zeros when it has ended."""
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir())), len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return 0, 0


def judge(samples: Sequence[Sample], seconds: float) -> dict[str, Any]:
    """Slopes and growth by kind of process, over what comes after the warm-up; and how many processes were new."""
    warm_up = min(seconds / 4, _LONGEST_WARM_UP)
    warm = [sample for sample in samples if sample.at >= warm_up] or list(samples)
    times = [sample.at for sample in warm]
    series: dict[str, dict[str, Any]] = {}
    for kind in warm[-1].values:
        for what in KINDS:
            values = [sample.values.get(kind, {}).get(what) for sample in warm]
            known = [(at, value) for at, value in zip(times, values, strict=True) if value is not None]
            if known:
                series[f"{kind}_{what}"] = line_through(known)
    return {
        "warm_up_s": round(warm_up),
        "series": series,
        "rss_mb_per_hour": round(sum(one["per_hour"] for key, one in series.items() if key.endswith("rss_mb")), 1),
        "processes_replaced": len(samples[-1].pids - samples[0].pids),
    }


def line_through(points: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Least squares: slope per hour, growth over the points, and their first, last and largest value."""
    values = [value for _, value in points]
    slope = 0.0
    if len(points) > 1 and points[-1][0] > points[0][0]:
        slope = float(np.polyfit([at for at, _ in points], values, 1)[0])
    return {
        "first": round(values[0], 1),
        "last": round(values[-1], 1),
        "largest": round(max(values), 1),
        "per_hour": round(slope * 3600, 1),
        "growth": round(slope * (points[-1][0] - points[0][0]), 2),
    }


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    view = Table(
        title=f"{result['sites']} sites for {result['minutes']:g} min, {result['cycles']} came back, "
        f"{len(result['failed'])} did not"
    )
    for name in ("held by", "what", "first", "last", "largest", "growth", "per hour"):
        view.add_column(name, justify="left" if name in ("held by", "what") else "right")
    for key, one in result["series"].items():
        kind, _, what = key.partition("_")
        cells = (one[name] for name in ("first", "last", "largest", "growth", "per_hour"))
        view.add_row(kind, _NAMES[what], *(f"{cell:g}" for cell in cells))
    view.add_row("all", "memory, MB", "", "", "", "", f"{result['rss_mb_per_hour']:g}")
    view.caption = (
        f"after a warm-up of {result['warm_up_s']} s; join p95 {result['join_ms_p95']} ms; "
        f"afterwards worst site {result['fps_min_after']} fps, {result['audio_pps_min_after']} sound packets/s; "
        f"{result['processes_replaced']} processes replaced; {one_line(result['machine'])}"
    )
    return view


_NAMES = {"rss_mb": "memory, MB", "files": "open files", "threads": "threads", "tasks": "tasks"}


def _silent(fraction: float) -> None:
    """Nobody watches."""
