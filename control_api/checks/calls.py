"""The synthetic call of a self-test (S53): three sites that draw and sing, through the real relay and a real mixer.

The sites are `mcu site`, a program of its own on stock aiortc; the conference is a test room, so nobody else sees it.
What they report is judged by `judge_call`, and the sites of the directory are told apart by when they were last
checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import structlog

from control_api.checks.rooms import PREFIX
from control_api.checks.store import CheckStore
from control_api.directory.directory import SiteFilter
from control_api.live.store import Json
from control_api.services import Services
from control_api.settings import Settings
from mcu_core.commands import AddSite, SetOptions, SetRendition
from mcu_core.errors import McuError
from mcu_core.node.child import PARENT

SITES = 3
_NUMBERS = range(1, SITES + 1)
SECONDS = 14.0  # that the call lasts
DEADLINE = SECONDS + 45.0
LEAST_RATE = 8.0  # frames/s of the mix at a site; 15 are asked for
LEAST_SOUND = 45.0  # audio packets/s, of 50
OLD_CHECK = 31 * 86400.0  # s after which a site's last check no longer says much

log = structlog.get_logger("checks")


async def run_call(services: Services) -> tuple[bool, Json]:
    """Make the call.  Whether all is well, and the report; never raises for what is being tested."""
    room = f"{PREFIX}{secrets.token_hex(6)}"
    try:
        links = await _room(services, room)
        sites = await _sites(links)
        problems = judge_call(sites)
    except (McuError, OSError, ValueError, TimeoutError) as error:
        log.warning("self_test_failed", error=str(error))
        sites, problems = [], [f"call_failed: {error}"[:300]]
    finally:
        with contextlib.suppress(McuError):
            await services.live.delete_conference(room, actor=None)
    figures = services.live.figures()
    report: Json = {
        "problems": problems,
        "sites": [_short(site) for site in sites],
        "relays": services.live.reachable(),
        "mixers": {name: values for name, values in figures.mixers.items() if not name.startswith(PREFIX)},
        "directory": await directory_report(services),
    }
    return not problems and all(services.live.reachable().values()), report


async def _room(services: Services, room: str) -> list[str]:
    live = services.live
    await live.create_conference("Tự kiểm tra hệ thống", actor=None, conference_id=room)
    for number in range(SITES):
        role = "main" if number == 0 else "member"
        await live.command(room, AddSite(f"Điểm thử {number + 1}", role, f"diem-thu-{number + 1}"), actor=None)  # type: ignore[arg-type]
    await live.command(room, SetOptions(pass_through=False), actor=None)
    for view in ("programme", "chair"):
        await live.command(room, SetRendition(view, 640, 360, 15.0, 500_000), actor=None)
    url = inside_url(services.settings)
    return [
        f"{url}/join/{await live.issue_link(room, f'diem-thu-{number + 1}', actor=None)}" for number in range(SITES)
    ]


def inside_url(settings: Settings) -> str:
    """Our own address as this machine reaches it, whatever proxy stands before the public one."""
    given = [address for address in settings.http.bind if address not in ("0.0.0.0", "::")]
    host = given[0] if given else "127.0.0.1" if "0.0.0.0" in settings.http.bind else "::1"
    return f"{'https' if settings.https else 'http'}://{f'[{host}]' if ':' in host else host}:{settings.http.port}"


async def _sites(links: list[str]) -> list[Json]:
    """Reports of the sites.  Raises OSError, ValueError or TimeoutError."""
    with tempfile.TemporaryDirectory(prefix="mcu-self-test-") as folder:
        report = Path(folder) / "report.json"
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "mcu_core.node.child",
            "control_api.cli",
            *("site", "--links", "-", "--source", "320x180@15", "--voice", "tone", "--decode", str(SITES)),
            *("--seconds", str(SECONDS), "--report", str(report), "--insecure"),  # our own server, by its own address
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, PARENT: str(os.getpid())},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(DEADLINE):
                await child.communicate("\n".join(links).encode())
        finally:
            if child.returncode is None:
                child.send_signal(signal.SIGKILL)
                await child.wait()
        told = json.loads(await asyncio.to_thread(report.read_text, "utf-8"))
    return told if isinstance(told, list) else [told]


def judge_call(sites: list[Json]) -> list[str]:
    """What was wrong, as stable codes with the site's number; nothing when all is well.  Pure."""
    problems = [] if len(sites) == SITES else ["sites_missing"]
    for number, site in enumerate(sites, 1):
        if site.get("refused") or site.get("errors"):
            problems.append(f"refused {number}")
            continue
        others = {other for other in _NUMBERS if other != number}
        picture, sound = _part(site, "picture"), _part(site, "sound")
        if _number(picture, "fps") < LEAST_RATE:
            problems.append(f"picture_slow {number}")
        if not others <= {one.get("site") for one in picture.get("seen", ())}:
            problems.append(f"picture_incomplete {number}")
        if _number(sound, "blocks_per_second") < LEAST_SOUND:
            problems.append(f"sound_broken {number}")
        if not others <= {one.get("site") for one in sound.get("heard", ())}:
            problems.append(f"sound_incomplete {number}")
        if site.get("hears_itself"):
            problems.append(f"hears_itself {number}")
    return problems


async def directory_report(services: Services) -> Json:
    """All sites of the directory by their last check: what "all sites" of a periodic check means between meetings."""
    found, total = await services.directory.sites(SiteFilter())
    newest = await CheckStore(services.database, services.now).newest_of([site.id for site in found])
    now = services.now()
    groups: dict[str, list[str]] = {"failed": [], "old": [], "never": []}
    for site in found:
        check = newest.get(site.id)
        if check is None:
            groups["never"].append(site.id)
        elif not check.good:
            groups["failed"].append(site.id)
        elif now - check.row.at > OLD_CHECK:
            groups["old"].append(site.id)
    return {"total": total, **{name: sites[:200] for name, sites in groups.items()}}


def _short(site: Json) -> Json:
    picture, sound = _part(site, "picture"), _part(site, "sound")
    return {
        "name": _part(site, "site").get("name"),
        "joined_ms": site.get("milestones_ms"),
        "fps": picture.get("fps"),
        "freezes": picture.get("freezes"),
        "sees": [one.get("site") for one in picture.get("seen", ())],
        "audio_per_second": sound.get("blocks_per_second"),
        "hears": [
            one["site"] for one in sound.get("heard", ()) if one.get("site") in _NUMBERS
        ],  # a click may pass for another
        "refused": site.get("refused"),
    }


def _part(site: Json, name: str) -> dict[str, Any]:
    part = site.get(name)
    return part if isinstance(part, dict) else {}


def _number(part: dict[str, Any], name: str) -> float:
    value = part.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
