"""One conference with many sites: what the whole MCU costs and what every site gets.

A real server (`mcu serve`, benchmarks/server.py) and the load generator (benchmarks/loadgen.py) run as processes of
their own; everything goes through HTTPS, the signalling WebSocket and the UDP port.  The first site is the main site
(watches the chair's view), the others are members (programme); a console's two monitors watch the programme and the
wall (not with `wall=False`).  All sites send; three of them speak.

What the figures are:
- `mcu_cores`: processor time of all MCU processes, kernel's share included, over wall time; nobody joins or leaves.
- `loader_cores`: the load generator's, whose work is always the same: a virtual machine is not always as fast, and
  `mcu_cores` of two days compare by it.
- `fps_*`: frames a second that a decoder could show of what a site received; one that lacks a packet, or needs one
  that did, does not count (loadgen_leg.py).  The monitors are not among them, but for `fps_wall`.
- `audio_pps_min`: sound packets a second that the worst of all legs received, monitors included.
- `tick_late_ms_p99`: how late the mixer's ticks started.  The mixer reports the worst of each second; the 75th
  percentile of those is about the 99th of all ticks.  Worst of programme, chair and sound.
- `shed`: the mixer did not keep up and made fewer pictures (mcu_core/mixing/shedding.py); 0: never.
- `loop_lag_ms_max`: by kind of process, how long its event loop once stood still or waited for a processor: the longest
  turn (mcu_core/node/loop.py) or lateness of a timer (the mixer's ticks of sound, the relay's of 10 ms) of ten seconds.
- `loop_cpu_ms_max`: the most that one turn used of a processor.  Far less than its lag: the loop waited and did not
  compute.
- `uplink_kbps_obeyed`: what all sites send when they obey the MCU's hints and use DTX; with `both_hints` the same room
  is measured once more so, with `mcu_cores_obeyed`, `fps_min_obeyed`, `audio_pps_min_obeyed`.
- `glass_to_glass_ms_*`: see benchmarks/loadgen_eye.py, over four sites' pictures at one member site.
- `join_ms_*`: from opening the WebSocket to the first whole keyframe, sites joining one after the other.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks.machine import machine, one_line
from benchmarks.processes import Usage, cores, role, tree
from benchmarks.server import Server
from endpoint_client.headless import parse_source
from endpoint_client.watching import percentile

Progress = Callable[[float], None]
SPEAKERS = 3
MARKED = 4
_WARM_UP = 4.0
_HOME = Path(__file__).resolve().parents[1]


def run(
    progress: Progress | None = None,
    *,
    sites: int = 30,
    source: str = "320x180@15",
    seconds: float = 20.0,
    layout: str | None = None,
    obey_hints: bool = False,
    both_hints: bool = False,
    wall: bool = True,
    apart_ms: float = 100.0,
    quick: bool = False,
) -> dict[str, Any]:
    """Measure one room.  `layout` None leaves the product's own choice; `quick` is 6 sites for 5 seconds.

    Raises ValueError for a wrong argument, ServerError when the server does not start, NotJoined when it is too full.
    """
    if quick:
        sites, seconds = min(sites, 6), min(seconds, 5.0)
    if not 2 <= sites <= 999:
        raise ValueError(f"a room has 2 to 999 sites, not {sites}")
    parse_source(source)
    with tempfile.TemporaryDirectory(prefix="mcu-room-") as folder:
        room = Room(sites, source, seconds, layout, obey_hints, both_hints, wall, apart_ms)
        return asyncio.run(_measure(Path(folder), progress or _silent, room))


@dataclass(frozen=True, slots=True)
class Room:
    """What is measured; see `run`."""

    sites: int
    source: str
    seconds: float
    layout: str | None
    obey_hints: bool
    both_hints: bool
    wall: bool
    apart_ms: float


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    hints, wall = "obeying" if result["obey_hints"] else "ignoring", "with" if result["wall"] else "without"
    view = Table(
        title=f"{result['sites']} sites, each sending {result['source']}, for {result['seconds']:.0f} s\n"
        f"{hints} hints, {wall} a wall"
    )
    view.add_column("figure")
    view.add_column("value", justify="right")
    view.add_column("goal", justify="right")
    full = result["wall"] and not result["obey_hints"]
    goals = goals_of(result["sites"], result["layout"], result["source"])
    for key, text in _ROWS:
        if key in result:
            at = "" if full or key != "mcu_cores" else ", at full load"
            _row(view, text, result[key], goals.get(key), key in _AT_LEAST, at)
    for kind in LOOPS:
        _row(view, f"event loop late, ms, worst: {kind}", result["loop_lag_ms_max"].get(kind), 20)
        _row(view, "… processor time of one turn, ms, most", result["loop_cpu_ms_max"].get(kind), None)
    for kind, used in result["mcu_cores_by_process"].items():
        view.add_row(f"cores: {kind}", f"{used}", "")
    view.caption = one_line(result["machine"])
    return view


def _row(view: Table, text: str, value: float | None, goal: float | None, at_least: bool = False, at: str = "") -> None:
    """A figure beside its goal, marked when it misses it or is missing."""
    shown = "–" if value is None else f"{value}"
    if goal is None:
        view.add_row(text, shown, "")
        return
    meets = value is not None and (value >= goal if at_least else value <= goal)
    view.add_row(text, shown if meets else f"[bold red]{shown} ✗[/]", f"{'≥' if at_least else '≤'} {goal:g}{at}")


def goals_of(sites: int, layout: str | None, source: str) -> dict[str, float]:
    """What a room of this size is to reach; more than 120 sites are asked for rates only (docs/design.md).

    The cores are those of the full load: all send whatever the hints say, and a wall shows them.  Where one site fills
    the picture (layout 1), its own frame rate is what can come.
    """
    cores = 0.7 if layout == "1" else 0.9 if sites <= 30 else 1.2
    fps = min(29.5, parse_source(source)[2] * 29.5 / 30) if layout == "1" else 29.5
    return {
        **({"mcu_cores": cores} if sites <= 120 else {}),
        "fps_min": fps,
        "fps_min_obeyed": fps,
        "audio_pps_min": 49.5,
        "audio_pps_min_obeyed": 49.5,
        "tick_late_ms_p99": 10,
        "glass_to_glass_ms_p95": 120,
        "join_ms_p95": 1000,
        "encoders": 4,
        "packets_lost": 0,
    }


_AT_LEAST = {"fps_min", "fps_min_obeyed", "audio_pps_min", "audio_pps_min_obeyed"}  # the others: at most
LOOPS = ("relay", "mixer", "control")  # the kinds of processes whose event loops are watched
_ROWS = (
    ("mcu_cores", "MCU, cores, all processes"),
    ("mcu_cores_obeyed", "… when sites obey hints"),
    ("loader_cores", "load generator, cores"),
    ("fps_min", "frames/s, worst site"),
    ("fps_min_obeyed", "… when sites obey hints"),
    ("fps_median", "frames/s, median"),
    ("fps_wall", "frames/s of the wall"),
    ("stills", "sites it shows as stills"),
    ("shed", "load shedding, worst rung (0: none)"),
    ("audio_pps_min", "sound packets/s, worst site"),
    ("audio_pps_min_obeyed", "… when sites obey hints"),
    ("longest_gap_ms", "longest wait for a frame, ms"),
    ("tick_late_ms_p99", "ticks late, ms, p99"),
    ("glass_to_glass_ms_p50", "glass to glass, ms, p50"),
    ("glass_to_glass_ms_p95", "glass to glass, ms, p95"),
    ("join_ms_p95", "join, ms, p95"),
    ("encoders", "video encoders"),
    ("decoders", "video decoders"),
    ("decoded_per_s", "… pictures decoded a second"),
    ("rss_mb", "MCU memory, MB"),
    ("rss_mb_per_site", "MCU memory per site, MB"),
    ("uplink_kbps_total", "sent by all sites, kbit/s"),
    ("uplink_kbps_obeyed", "… when sites obey hints"),
    ("downlink_kbps_total", "received by all sites, kbit/s"),
    ("packets_lost", "packets lost towards sites"),
)


class NotJoined(RuntimeError):
    """Some legs did not join."""


class LoadProcess:
    """The load generator as a child process; `ask` sends a command and returns its answer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> LoadProcess:
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.loadgen"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1 << 24,
                cwd=_HOME,
            )
        )

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Raises RuntimeError when the process has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended with {await self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 8)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def _measure(folder: Path, progress: Progress, room: Room) -> dict[str, Any]:
    whole = 8 + room.sites * (room.apart_ms / 1000 + 0.05) + (_WARM_UP + room.seconds) * (1 + room.both_hints)
    began = time.monotonic()

    def step() -> None:
        progress(min(0.99, (time.monotonic() - began) / whole))

    load: LoadProcess | None = None
    async with Server(folder) as server:
        step()
        conference = await server.conference("Room")
        legs = await _legs(server, conference, room)
        if room.layout is not None:
            for view in ("programme", "chair"):
                await server.api("PUT", f"/conferences/{conference}/views/{view}/layout", {"layout": room.layout})
        step()
        load = await LoadProcess.start()
        try:
            joined = await load.ask(
                {
                    "do": "join",
                    "url": server.url,
                    "ca": str(server.ca),
                    "source": room.source,
                    "apart_ms": room.apart_ms,
                    "obey_hints": room.obey_hints,
                    "legs": legs,
                }
            )
            step()
            if joined["failed"]:
                raise NotJoined(f"{len(joined['failed'])} of {len(legs)} legs did not join: {joined['failed']}")
            result = _result(joined, *await _look(server, load, room.seconds, step), room.sites)
            if room.both_hints:
                await load.ask({"do": "obey"})
                obeyed = _result(joined, *await _look(server, load, room.seconds, step), room.sites)
                result["uplink_kbps_obeyed"] = obeyed["uplink_kbps_total"]
                result |= {f"{key}_obeyed": obeyed[key] for key in ("mcu_cores", "fps_min", "audio_pps_min")}
        finally:
            await load.stop()
    progress(1.0)
    return {
        "sites": room.sites,
        "source": room.source,
        "layout": room.layout,
        "obey_hints": room.obey_hints,
        "wall": room.wall,
        **result,
        "machine": machine(),
    }


_Looked = tuple[dict[str, Any], list[dict[str, float]], dict[int, Usage], dict[int, Usage], float]


async def _look(server: Server, load: LoadProcess, seconds: float, step: Callable[[], None]) -> _Looked:
    """Warm up and measure: the load generator's figures, the metrics, the processes before and after, how long."""
    await asyncio.sleep(_WARM_UP)
    step()
    before, start = tree(server.pid), time.monotonic()
    measured, polls = await asyncio.gather(
        load.ask({"do": "measure", "seconds": seconds}), _poll(server, seconds, step)
    )
    return measured, polls, before, tree(server.pid), time.monotonic() - start


async def _legs(server: Server, conference: str, room: Room) -> list[dict[str, Any]]:
    """Make the sites and say what each leg is to do."""
    legs: list[dict[str, Any]] = []
    for index in range(room.sites):
        site = await server.site(conference, f"Điểm cầu {index + 1}", "main" if index == 0 else "member")
        legs.append(
            {
                "name": f"site {index + 1}",
                "token": site["token"],
                "number": site["number"],
                "speaks": index < SPEAKERS,
                "marked": index < MARKED,
                "eye": index == 1,
            }
        )
    return legs + [
        {"name": view, "token": await server.monitor(conference, view), "number": 0, "view": view}
        for view in ("programme", *(("wall",) if room.wall else ()))
    ]


async def _poll(server: Server, seconds: float, step: Callable[[], None]) -> list[dict[str, float]]:
    """The metrics page once a second."""
    polls = []
    until = time.monotonic() + seconds - 0.2
    while time.monotonic() < until:
        await asyncio.sleep(1.0)
        polls.append(await server.metrics())
        step()
    return polls


def _result(
    joined: dict[str, Any],
    measured: dict[str, Any],
    polls: list[dict[str, float]],
    before: dict[int, Usage],
    after: dict[int, Usage],
    took: float,
    sites: int,
) -> dict[str, Any]:
    legs = measured["legs"]
    members = [leg for leg in legs if leg["name"].startswith("site ")]
    wall = next((leg["fps"] for leg in legs if leg["name"] == "wall"), None)
    samples = measured["glass_to_glass_ms"]
    by_process: dict[str, float] = {}
    for pid, use in after.items():
        used = cores({pid: before[pid]} if pid in before else {}, {pid: use}, took)
        by_process[role(use.command)] = by_process.get(role(use.command), 0.0) + used
    rss = sum(use.rss_mb for use in after.values())
    return {
        "seconds": measured["seconds"],
        "mcu_cores": round(cores(before, after, took), 3),
        "mcu_cores_by_process": {kind: round(used, 3) for kind, used in sorted(by_process.items())},
        "loader_cores": measured["loader_cores"],
        "loader_late_ms_p99": measured["loader_late_ms_p99"],
        "fps_min": min(leg["fps"] for leg in members),
        "fps_median": round(median(leg["fps"] for leg in members), 2),
        "fps_wall": wall,
        "audio_pps_min": min(leg["audio_pps"] for leg in legs),
        "longest_gap_ms": max(leg["longest_gap_ms"] for leg in members),
        "tick_late_ms_p99": _tick_late(polls),
        "loop_lag_ms_max": _by_loop(polls, "lag"),
        "loop_cpu_ms_max": _by_loop(polls, "cpu"),
        "glass_to_glass_ms_p50": percentile(samples, 0.5),
        "glass_to_glass_ms_p95": percentile(samples, 0.95),
        "glass_to_glass_ms_quantiles": [[share / 20, percentile(samples, share / 20)] for share in range(21)]
        if samples
        else [],
        "glass_to_glass_samples": len(samples),
        "join_ms_p50": percentile(joined["join_ms"], 0.5),
        "join_ms_p95": percentile(joined["join_ms"], 0.95),
        "offer_ms_p95": percentile(joined["offer_ms"], 0.95),
        "encoders": _largest(polls, "mcu_mixer_encoders"),
        "decoders": _largest(polls, "mcu_mixer_decoders"),
        "decoded_per_s": _usual(polls, "mcu_mixer_decoded_per_s"),
        "stills": _largest(polls, "mcu_relay_stills"),
        "shed": _largest(polls, "mcu_mixer_shed"),
        "rss_mb": round(rss),
        "rss_mb_per_site": round(rss / sites, 1),
        "uplink_kbps_total": sum(leg["sent_kbps"] for leg in members),
        "downlink_kbps_total": sum(leg["video_kbps"] for leg in legs),
        "packets_lost": sum(leg["video_lost"] + leg["audio_lost"] for leg in legs),
        "plis": sum(leg["plis"] for leg in legs),
        "rejoins": sum(leg["rejoins"] for leg in legs),
        "unverified": sum(leg["unverified"] for leg in legs),
        "eye": measured["eyes"][0],
    }


def _tick_late(polls: list[dict[str, float]]) -> float | None:
    names = ("mcu_mixer_programme_late_ms_p99", "mcu_mixer_chair_late_ms_p99", "mcu_mixer_audio_late_ms_p99")
    worst = [max(values) for poll in polls if (values := [v for k, v in poll.items() if k.startswith(names)])]
    return percentile(worst, 0.75)


def _by_loop(polls: list[dict[str, float]], figure: str) -> dict[str, float]:
    """The worst `figure` of the event loops of each kind of process, in ms."""
    worst: dict[str, float] = {}
    for poll in polls[9:] or polls[-1:]:  # each knows of ten seconds; earlier ones still of the joins
        for name, value in poll.items():
            for kind in LOOPS:
                if name.startswith(f"mcu_{kind}_loop_{figure}_"):
                    ms = value * 1000 if name.endswith("_seconds") else value
                    worst[kind] = round(max(worst.get(kind, 0.0), ms), 1)
    return worst


def _largest(polls: list[dict[str, float]], name: str) -> int | None:
    return round(max(values)) if (values := _values(polls, name)) else None


def _usual(polls: list[dict[str, float]], name: str) -> int | None:
    return round(median(values)) if (values := _values(polls, name)) else None


def _values(polls: list[dict[str, float]], name: str) -> list[float]:
    return [value for poll in polls for key, value in poll.items() if key.startswith(name)]


def _silent(fraction: float) -> None:
    """Nobody watches."""
