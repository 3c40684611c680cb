"""`mcu site`: one or many headless sites in one process, and their report as JSON.

`run_site` is what the command line calls.  Many sites share prepared loops and count what they receive instead of
decoding it, except the first `decode` of them, so that eight of them are scenery for a demo and not a load.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from endpoint_client.headless_site import HeadlessSite
from endpoint_client.link import SiteRefused
from endpoint_client.loops import Codec
from endpoint_client.media import SiteOptions
from endpoint_client.tones import Voice
from endpoint_client.tracks import Turns

__all__ = ["HeadlessSite", "SiteOptions", "SiteRefused", "run_site"]


def parse_source(text: str) -> tuple[int, int, int]:
    """`320x180@10` -> (320, 180, 10).  Raises ValueError naming what is wrong."""
    try:
        size, _, rate = text.partition("@")
        width, height = (int(side) for side in size.split("x"))
        frame_rate = int(rate or 10)
    except ValueError:
        raise ValueError(f"nguồn hình phải có dạng 320x180@10 · a source looks like 320x180@10: {text!r}") from None
    if not (32 <= width <= 1920 and 32 <= height <= 1080) or width % 2 or height % 2:
        limits = "32x32 – 1920x1080"
        raise ValueError(f"rộng và cao phải là số chẵn · width and height must be even, {limits}: {text!r}")
    if frame_rate < 1 or 60 % frame_rate:
        raise ValueError(f"số khung mỗi giây phải là ước của 60 · the frame rate must divide 60: {text!r}")
    return width, height, frame_rate


async def run_site(
    url: str,
    token: str = "",
    *,
    more: Sequence[str] = (),
    source: str = "320x180@10",
    file: Path | None = None,
    codec: Codec | None = None,
    voice: Voice = "tone",
    turns: int = 0,
    live: bool = False,
    decode: int = 1,
    monitor: str | None = None,
    obey_hints: bool = True,
    seconds: float | None = None,
    report: Path | None = None,
    watch: bool = False,
    ca: Path | None = None,
    insecure: bool = False,
    language: str = "vi",
    out: TextIO | None = None,
    stop: asyncio.Event | None = None,
) -> list[dict[str, Any]]:
    """Run the site of a join link, and those of `more`, until `seconds` are over, `stop` is set, SIGINT or SIGTERM.

    `url` is a join link, or the server's address with `token`.  `turns` > 0 lets the sites speak in turns of that many
    seconds.  `decode` sites decode and measure, the rest count.  `monitor` names the view a monitor's token watches.
    `watch` prints one JSON line a second; the reports (one object, or a list for several sites) go to `report`, or to
    `out` when not watching.  Returns the reports.  Raises ValueError for wrong arguments, SiteRefused when the only
    site was refused; of several, a refused one says so in its report and the others go on.
    """
    width, height, frame_rate = parse_source(source)
    links = [(url, token), *((link, "") for link in more)]
    sites = []
    for index, (link, its_token) in enumerate(links):
        options = SiteOptions(
            width=width,
            height=height,
            frame_rate=frame_rate,
            codec=codec,
            voice=voice,
            turns=Turns(index, len(links), turns) if turns else None,
            file=file,
            live=live,
            receive="decode" if index < decode else "count",
            obey_hints=obey_hints,
            watch=monitor,
            language=language,
        )
        sites.append(HeadlessSite(link, its_token, options=options, ca=ca, insecure=insecure))
    stop = stop or asyncio.Event()
    out = out or sys.stdout
    with _signals(stop):
        try:
            tasks = [site.begin() for site in sites]
            await _wait(sites, tasks, stop, seconds, out if watch else None)
        finally:
            await asyncio.gather(*(site.stop() for site in sites))
    reports = [site.report() for site in sites]
    body = json.dumps(reports[0] if len(reports) == 1 else reports, ensure_ascii=False, indent=None if watch else 2)
    if report is not None:
        await asyncio.to_thread(report.write_text, body + "\n", encoding="utf-8")
    elif not watch:
        print(body, file=out, flush=True)
    if len(sites) == 1 and sites[0].link.refused is not None:
        raise sites[0].link.refused
    return reports


async def _wait(
    sites: list[HeadlessSite],
    tasks: list[asyncio.Task[None]],
    stop: asyncio.Event,
    seconds: float | None,
    out: TextIO | None,
) -> None:
    """Until the time is over, `stop` is set or every site has ended; a bug in a site ends all."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds if seconds is not None else None
    stopped = asyncio.create_task(stop.wait(), name="sites/stop")
    try:
        while not stop.is_set() and not all(task.done() for task in tasks):
            rest = 1.0 if until is None else min(1.0, until - loop.time())
            if rest <= 0:
                return
            await asyncio.wait([stopped], timeout=rest)
            for task in tasks:
                if task.done() and not isinstance(task.exception(), SiteRefused | None):
                    task.result()
            if out is not None:
                print(json.dumps([_short(site) for site in sites], ensure_ascii=False), file=out, flush=True)
    finally:
        stopped.cancel()


def _short(site: HeadlessSite) -> dict[str, Any]:
    """What `watch` prints of a site each second."""
    now = asyncio.get_running_loop().time()
    return {
        "site": site.number,
        "name": site.name,
        "state": site.media.pc.connectionState if site.media else "none",
        "refused": site.link.refused.code if site.link.refused else None,
        "fps": site.pictures.flow.recent_rate(now),
        "sees": {number: round(seen.plate[2], 3) for number, seen in sorted(site.pictures.now_visible.items())},
        "hears": site.sounds.now_heard,
        "level_dbfs": site.sounds.level_dbfs,
        "on_podium": bool(site.tally.get("on_podium")),
        "muted": bool(site.tally.get("muted")),
        "sending": site.media.sending() if site.media else None,
    }


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Any:
    """SIGINT and SIGTERM set `stop` (where handlers can be set: the main thread)."""
    loop = asyncio.get_running_loop()
    handled = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.set)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
