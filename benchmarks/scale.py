"""`bench scale`: the same room with more and more sites, and which rate breaks first.

Each case is `benchmarks.room` on a fresh server.  A size holds when every site gets at least 29.5 frames/s and 49.5
sound packets/s, 99 % of the ticks are at most 10 ms late, no event loop stands still for more than 20 ms and no packet
is lost, unreadable or shown wrong; a figure that is missing counts as broken (of the event loops that of any one of
relay, mixer and control), as do legs that cannot join.  The load generator runs on the same machine: where both
together need all cores it is the machine that breaks, not only the MCU; `loader_cores` and `loader_late_ms_p99` tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.table import Table

from benchmarks import room
from benchmarks.machine import machine, one_line

SIZES = (8, 16, 32, 60, 120, 200)
BEYOND = (260, 320, 400, 500, 640, 800)  # where the rates break
_LIMITS = (
    ("fps_min", 29.5, "pictures"),
    ("audio_pps_min", 49.5, "sound"),
    ("tick_late_ms_p99", -10.0, "lateness"),
    ("loop_lag_ms", -20.0, "event loop"),
)
_COLUMNS = (
    ("sites", "sites"),
    ("mcu_cores", "MCU cores"),
    ("loader_cores", "loader cores"),
    ("fps_min", "frames/s, worst"),
    ("audio_pps_min", "sound/s, worst"),
    ("tick_late_ms_p99", "late p99, ms"),
    ("loop_lag_ms", "event loop late, worst, ms"),
    ("packets_lost", "packets lost"),
    ("glass_to_glass_ms_p95", "glass to glass p95, ms"),
    ("join_ms_p95", "join p95, ms"),
    ("encoders", "encoders"),
    ("rss_mb_per_site", "MB/site"),
    ("breaks", "breaks first"),
)


def run(
    progress: Callable[[float], None] | None = None,
    *,
    sizes: Sequence[int] | None = None,
    largest: int = SIZES[-1],
    source: str = "320x180@15",
    seconds: float = 15.0,
    layout: str | None = "4x4",
    quick: bool = False,
) -> dict[str, Any]:
    """Measure every size; None is all of `SIZES` and `BEYOND` up to `largest`, and that.  `quick` takes the two
    smallest for 5 seconds.

    Raises what `benchmarks.room.run` raises, but for legs that do not join.
    """
    if sizes is None:
        sizes = (*(size for size in (*SIZES, *BEYOND) if size < largest), largest)
    if quick:
        sizes, seconds = sizes[:2], 5.0
    wrong = [size for size in sizes if not 2 <= size <= 999]
    if wrong or not sizes:
        raise ValueError(f"phòng họp có 2 đến 999 điểm cầu · a room has 2 to 999 sites, not {wrong}")
    whole, done = sum(sizes), 0
    cases: list[dict[str, Any]] = []
    for size in sizes:

        def step(part: float, done: int = done, size: int = size) -> None:
            if progress is not None:
                progress((done + part * size) / whole)

        try:
            result = room.run(step, sites=size, source=source, seconds=seconds, layout=layout)
        except room.NotJoined as error:
            result = {**dict.fromkeys(key for key, _ in _COLUMNS), "sites": size, "breaks": "join", "error": str(error)}
        else:
            result["loop_lag_ms"] = worst_loop(result["loop_lag_ms_max"])
            result["breaks"] = breaks(result)
        cases.append(result)
        done += size
    holds = [case["sites"] for case in cases if not case["breaks"]]
    return {
        "source": source,
        "layout": layout,
        "largest_that_holds": max(holds, default=None),
        "cases": [{key: value for key, value in case.items() if key != "machine"} for case in cases],
        "machine": machine(),
    }


def worst_loop(lag_ms: Mapping[str, float]) -> float | None:
    """The latest event loop; None unless all are known."""
    return max(lag_ms[kind] for kind in room.LOOPS) if lag_ms.keys() >= set(room.LOOPS) else None


def breaks(result: dict[str, Any]) -> str:
    """Which rate falls below its limit, the worst first, one that is unknown before all; empty when all hold.

    A negative limit is an upper one.

    Losses on a loopback are the machine's or the MCU's, so none is allowed; they come last.
    """
    short = {}
    for key, limit, name in _LIMITS:
        value = result[key]
        ratio = 0.0 if value is None else value / limit if limit > 0 else -limit / max(value, 1e-9)
        if ratio < 1:
            short[name] = ratio
    first = sorted(short, key=lambda name: short[name])
    wrong = result["packets_lost"] or result["unverified"] or result["eye"]["errors"]
    return ", ".join([*first, "losses"] if wrong else first)


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    view = Table(title=f"Rooms of growing size, each site sending {result['source']}, layout {result['layout']}")
    for _, title in _COLUMNS:
        view.add_column(title, justify="right")
    for case in result["cases"]:
        view.add_row(*("–" if case[key] is None else f"{case[key]}" for key, _ in _COLUMNS))
    view.caption = one_line(result["machine"])
    return view
