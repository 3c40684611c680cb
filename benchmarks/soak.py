"""Does anything grow?  A conference for minutes or hours, with sites that leave and join all the time.

A real server (benchmarks/server.py), the load of soak_churn.py, and a podium that moves on every 5 seconds.  Every 10
seconds of each kind of MCU process: resident memory, open files and threads (from /proc, proc(5)) and tasks of the
event loop (from /metrics and the supervisor's socket).  After a warm-up (a quarter of the time, at most 5 minutes) a
straight line is laid through each series by least squares; its slope is given per hour, with the growth over the time
it was laid through.  The reference run is 20 minutes with 40 sites and 1,000 cycles.

`flat`: memory grows by no more than 1 % of itself in the last third of the time after the warm-up (caches fill before);
files, threads and tasks by no more than 3 or 2 % over all of it (a site that is just joining holds some); no process
was replaced, since a new one holds nothing yet, and everybody came back.  A leak that is slower than `seen_per_hour`
is flat in this time: a shorter run sees less.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.machine import machine, one_line
from benchmarks.processes import role, tree
from benchmarks.room import SPEAKERS, LoadProcess
from benchmarks.server import Server
from benchmarks.soak_churn import STAY
from mcu_core.wire import ListWorkers, Peer, Workers, connect

Progress = Callable[[float], None]
KINDS = ("rss_mb", "files", "threads", "tasks")
CYCLES_A_MINUTE = 50
MEMORY_SHARE, COUNT_SHARE, COUNT = 0.01, 0.02, 3.0  # growth that is still flat
_EVERY = 10.0
_PODIUM_EVERY = 5.0
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
        legs, ids = [], []
        for index in range(sites):
            site = await server.site(conference, f"Điểm cầu {index + 1}", "main" if index == 0 else "member")
            ids.append(site["id"])
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
            churn, more, moves = await asyncio.gather(
                load.ask({"do": "churn", "seconds": seconds, "cycles": cycles}),
                _watch(server, seconds, progress),
                _move_podium(server, conference, ids, seconds),
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
        "podium_moves": moves,
        **judge(samples, seconds, churn["failed"]),
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


async def _move_podium(server: Server, conference: str, sites: Sequence[str], seconds: float) -> int:
    """Give the podium to one site after the other, also to those that are away; how often it was taken."""
    until, moves = time.monotonic() + seconds - _PODIUM_EVERY, 0
    for site in cycle(sites):
        if time.monotonic() > until:
            break
        status, _ = await server.request("POST", f"/conferences/{conference}/podium", {"site": site})
        moves += status < 400
        await asyncio.sleep(_PODIUM_EVERY)
    await server.api("POST", f"/conferences/{conference}/podium", {"site": None})  # afterwards all see the mix again
    return moves


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
    values["supervisor"]["tasks"] = await _supervisor_tasks(server)
    return Sample(at, {kind: dict(held) for kind, held in sorted(values.items())}, frozenset(processes))


async def _supervisor_tasks(server: Server) -> int:
    peer = await connect(str(server.run_dir / "node.sock"), Peer())
    try:
        reply = await peer.call(ListWorkers())
        assert isinstance(reply, Workers)
        return reply.tasks
    finally:
        peer.close()


def _holds(pid: int) -> tuple[int, int]:
    """(open files, threads) of a process; zeros when it has ended."""
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir())), len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return 0, 0


def judge(samples: Sequence[Sample], seconds: float, failed: Sequence[str] = ()) -> dict[str, Any]:
    """Slopes and growth by kind of process, over what comes after the warm-up; how many processes ended; and whether
    all that is flat, `failed` being who did not come back."""
    warm_up = min(seconds / 4, _LONGEST_WARM_UP)
    warm = [sample for sample in samples if sample.at >= warm_up] or list(samples)
    times = [sample.at for sample in warm]
    series: dict[str, dict[str, Any]] = {}
    for kind in warm[-1].values:
        for what in KINDS:
            values = [sample.values.get(kind, {}).get(what) for sample in warm]
            known = [(at, value) for at, value in zip(times, values, strict=True) if value is not None]
            if known:
                series[f"{kind}_{what}"] = _judged(known, what)
    replaced = len(samples[0].pids - samples[-1].pids)  # new ones may be the spare mixer, which comes a little later
    return {
        "warm_up_s": round(warm_up),
        "flat": all(one["flat"] for one in series.values()) and not replaced and not failed,
        "series": series,
        "rss_mb_per_hour": round(sum(one["per_hour"] for key, one in series.items() if key.endswith("rss_mb")), 1),
        "processes_replaced": replaced,
    }


def _judged(points: Sequence[tuple[float, float]], what: str) -> dict[str, Any]:
    """The line through a series, how much of a growth is flat (`limit`), whether it is, and the slowest steady growth
    that is not (`seen_per_hour`; None when nothing can be told)."""
    line, of = line_through(points), points
    if what == "rss_mb":
        of, limit = points[-max(2, len(points) // 3) :], MEMORY_SHARE * line["last"]
    else:
        limit = max(COUNT, COUNT_SHARE * line["first"])
    growth, hours = line_through(of)["growth"], (of[-1][0] - of[0][0]) / 3600
    return {
        **line,
        "judged": growth,
        "limit": round(limit, 2),
        "flat": growth <= limit,
        "seen_per_hour": round(limit / hours, 1) if hours else None,
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
    failed, replaced = len(result["failed"]), result["processes_replaced"]
    view = Table(
        title=f"{result['sites']} sites for {result['minutes']:g} min, {result['cycles']} came back, "
        + _bad(f"{failed} did not", failed)
    )
    figures = ("first", "last", "largest", "growth", "per hour", "judged", "goal", "leaks seen, per hour")
    for name in ("held by", "what", *figures):
        view.add_column(name, justify="right" if name in figures else "left")
    for key, one in result["series"].items():
        kind, _, what = key.partition("_")
        cells = (one[name] for name in ("first", "last", "largest", "growth", "per_hour"))
        judged, seen = _bad(f"{one['judged']:g}", not one["flat"]), one["seen_per_hour"]
        least = "–" if seen is None else f"> {seen:g}"
        view.add_row(kind, _NAMES[what], *(f"{cell:g}" for cell in cells), judged, f"≤ {one['limit']:g}", least)
    view.add_row("all", "memory, MB", "", "", "", "", f"{result['rss_mb_per_hour']:g}", "", "", "")
    verdict = "flat" if result["flat"] else "[bold red]NOT FLAT[/]"
    view.caption = (
        f"{verdict}; after a warm-up of {result['warm_up_s']} s; join p95 {result['join_ms_p95']} ms; "
        f"afterwards worst site {result['fps_min_after']} fps, {result['audio_pps_min_after']} sound packets/s; "
        f"{_bad(f'{replaced} processes replaced', replaced)}, {result['podium_moves']} podium moves; "
        f"{one_line(result['machine'])}"
    )
    return view


def _bad(text: str, missed: object) -> str:
    return f"[bold red]{text} ✗[/]" if missed else text


_NAMES = {"rss_mb": "memory, MB", "files": "open files", "threads": "threads", "tasks": "tasks"}


def _silent(fraction: float) -> None:
    """Nobody watches."""
