"""Do flash and beep reach a site together?  Measured on the wire, through the whole MCU, over good and bad lines.

A real server; two sites behind the impairment proxy, whose clocks are 100 ppm too fast and too slow, flash and beep
about once a second and see and hear each other.  Once the picture is mixed (both side by side), once it is passed
through (layout 1, each is sent the other's own pictures, whose RTP times the relay moves).

- `skew_ms`: by how much the sound is before the picture, negative when it is after it: both RTP times by the sender
  reports of their streams, which is how a receiver keeps them in step.  Goal, of every sample: +45 to -125 ms
  (ITU-R BT.1359; EBU R37 asks for +40 to -60).
- `arrival_skew_ms`: the same by arrival of the packets: what a receiver would show that plays all at once.  What it
  makes up for, a passed picture's wait for instance, is in it.
- `samples`: flashes that came whole with their beep; `flashed` is how many were sent.  Fewer than half tell nothing.
- `kept`: pictures were mixed or passed through, as the case is named, from its beginning to its end.
- `missed`: which of `outside`, `samples` and `kept` are not as they must be.
- `encoders`: of the mixer at the end; none are needed while all pictures are passed through.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.dtls_client import Identity
from benchmarks.flash_and_beep import MOST_AFTER, MOST_BEFORE
from benchmarks.impair import PROFILES
from benchmarks.impair_proxy import ProxyProcess
from benchmarks.lipsync_judge import Skew, skews
from benchmarks.lipsync_site import PERIOD, SyncLeg, SyncSite
from benchmarks.machine import machine, one_line
from benchmarks.server import Server
from endpoint_client.link import trust
from endpoint_client.watching import percentile

Progress = Callable[[float], None]
LINES = ("N0", "N2", "N3")
PPM = 100.0
TONES = (900.0, 1500.0)
GOAL_MS = (-1000 * MOST_AFTER, 1000 * MOST_BEFORE)
_SETTLE = 8.0  # seconds until playout and lip sync know the line
_PASSED = 8.0  # seconds within which pictures are passed through
_JOIN = 20.0
_PLACES = {  # layout, and where each site sees the other: fractions of the picture
    "mixed": ("1+1", ((0.75, 0.5), (0.25, 0.5))),
    "passed": ("1", ((0.5, 0.5), (0.5, 0.5))),
}
PICTURES = tuple(_PLACES)


def run(
    progress: Progress | None = None,
    *,
    seconds: float = 30.0,
    seed: int = 1,
    profile: str | None = None,
    picture: str | None = None,
    quick: bool = False,
) -> dict[str, Any]:
    """Measure each line for so many seconds, mixed and passed; `profile` and `picture` choose one.  `quick` is 6 s.

    Raises ValueError for a wrong argument, ServerError or TimeoutError when the conference does not come about.
    """
    if quick:
        seconds = min(seconds, 6.0)
    if not 3 <= seconds <= 3600:
        raise ValueError(f"thời gian đo từ 3 đến 3600 giây · measure for 3 to 3600 s, not {seconds:g}")
    if not (profile in (None, *LINES) and picture in (None, *PICTURES)):
        raise ValueError(f"không có đường truyền hay hình đó · no such line or picture: {profile!r}, {picture!r}")
    lines, pictures = [profile] if profile else LINES, [picture] if picture else PICTURES
    with tempfile.TemporaryDirectory(prefix="mcu-lipsync-") as folder:
        return asyncio.run(_measure(Path(folder), progress or _silent, seconds, seed, lines, pictures))


async def _measure(
    folder: Path, progress: Progress, seconds: float, seed: int, lines: Sequence[str], pictures: Sequence[str]
) -> dict[str, Any]:
    cases: list[dict[str, Any]] = []
    async with Server(folder) as server:
        for number, name in enumerate(lines):
            cases += await _line(server, name, seconds, seed, pictures, partial(_part, progress, number, len(lines)))
    progress(1.0)
    return {
        "seconds": seconds,
        "seed": seed,
        "sign": "positive: sound before picture",
        "goal_ms": list(GOAL_MS),
        "clock_ppm": [PPM, -PPM],
        "cases": cases,
        "machine": machine(),
    }


def _part(progress: Progress, number: int, count: int, share: float) -> None:
    """Progress of one part of so many."""
    progress((number + share) / count)


async def _line(
    server: Server, name: str, seconds: float, seed: int, pictures: Sequence[str], progress: Progress
) -> list[dict[str, Any]]:
    conference = await server.conference(f"Lip sync {name}")
    made = [await server.site(conference, f"Điểm cầu {n + 1}", "member" if n else "main") for n in range(2)]
    cases = []
    async with AsyncExitStack() as stack:
        proxy = await ProxyProcess.start(
            PROFILES[name], seed=seed, media=("127.0.0.1", server.relay_port), web=("127.0.0.1", server.port)
        )
        stack.push_async_callback(proxy.stop)
        identity, verify = Identity(), trust(server.ca, False)
        sites = [
            SyncSite(SyncLeg(identity, tone, ppm, proxy.media_port), server.url, verify, each["token"], each["name"])
            for each, tone, ppm in zip(made, TONES, (PPM, -PPM), strict=True)
        ]
        for site in sites:
            stack.push_async_callback(site.leave)
            site.start()
        await _until(lambda: all(site.ready for site in sites), _JOIN, "both sites to join")
        for number, picture in enumerate(pictures):
            await _show(server, conference, made, picture)
            wanted = picture == "passed"
            await _until(partial(_are, sites, wanted), _PASSED, f"{picture} pictures")
            await asyncio.sleep(_SETTLE)
            changes = [site.changes for site in sites]
            for site in sites:
                site.leg.begin()
            await _wait(seconds, partial(_part, progress, number, len(pictures)))
            came = [site.leg.take() for site in sites]
            kept = _are(sites, wanted) and changes == [site.changes for site in sites]
            found = [
                await asyncio.to_thread(skews, *each, TONES[1 - n], _PLACES[picture][1][n], PERIOD)
                for n, each in enumerate(came)
            ]
            encoders = (await server.metrics()).items()
            cases.append(
                {
                    **case(name, picture, found, seconds, kept),
                    "encoders": round(sum(value for key, value in encoders if key.startswith("mcu_mixer_encoders"))),
                }
            )
    return cases


async def _show(server: Server, conference: str, sites: list[dict[str, Any]], picture: str) -> None:
    """Both side by side, or each the other alone: the main site watches the chair's view."""
    layout, _ = _PLACES[picture]
    for view, other in (("chair", 1), ("programme", 0)):
        path = f"/conferences/{conference}/views/{view}"
        await server.api("PUT", f"{path}/layout", {"layout": layout})
        for cell, shown in enumerate(sites if picture == "mixed" else [sites[other]]):
            await server.api("PUT", f"{path}/cells/{cell}", {"site": shown["id"]})


def _are(sites: Sequence[SyncSite], passed: bool) -> bool:
    return all(site.passed is passed for site in sites)


def case(profile: str, picture: str, found: Sequence[Sequence[Skew]], seconds: float, kept: bool) -> dict[str, Any]:
    """The figures of one line and kind of picture; `found` by receiving site."""
    both = [skew for one in found for skew in one]
    stamped = [skew.stamped * 1000 for skew in both]
    flashed = len(found) * round(seconds / PERIOD)
    outside = sum(not GOAL_MS[0] <= each <= GOAL_MS[1] for each in stamped)
    wrong = {"outside": outside > 0, "samples": not both or 2 * len(both) < flashed, "kept": not kept}
    return {
        "profile": profile,
        "picture": picture,
        "skew_ms": quantiles(stamped),
        "arrival_skew_ms": quantiles([skew.arrived * 1000 for skew in both]),
        "samples": len(both),
        "flashed": flashed,
        "outside": outside,
        "kept": kept,
        "missed": [key for key, is_wrong in wrong.items() if is_wrong],
    }


def quantiles(values: list[float]) -> dict[str, float | None]:
    shares = {"min": 0.0, "p5": 0.05, "p50": 0.5, "p95": 0.95, "max": 1.0}
    return {name: percentile(values, share) for name, share in shares.items()}


async def _until(fact: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        await asyncio.sleep(0.05)


async def _wait(seconds: float, progress: Progress) -> None:
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        progress(passed / seconds)
        await asyncio.sleep(min(0.5, seconds - passed))


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    view = Table(
        title=f"Sound before (+) or after (-) its picture, ms; {result['seconds']:g} s each, clocks off by ±{PPM:g} ppm"
    )
    view.add_column("line")
    view.add_column("picture")
    for name in ("p5", "p50", "p95", "min", "max", "samples/flashed", "outside", "goal", "on arrival, p5", "p95"):
        view.add_column(name, justify="right")
    for one in result["cases"]:
        skew, arrival = one["skew_ms"], one["arrival_skew_ms"]
        figures = [skew[name] for name in ("p5", "p50", "p95", "min", "max")]
        goal = f"{result['goal_ms'][0]:+g} … {result['goal_ms'][1]:+g}"
        shown = {
            "samples": f"{one['samples']}/{one['flashed']}",
            "outside": f"{one['outside']}",
            "kept": one["picture"] if one["kept"] else f"not always {one['picture']}",
        }
        shown |= {key: f"[bold red]{shown[key]} ✗[/]" for key in one["missed"]}
        cells = [*figures, shown["samples"], shown["outside"], goal, arrival["p5"], arrival["p95"]]
        view.add_row(one["profile"], shown["kept"], *("–" if cell is None else f"{cell}" for cell in cells))
    view.caption = one_line(result["machine"])
    return view


def _silent(fraction: float) -> None:
    """Nobody watches."""
