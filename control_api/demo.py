"""`mcu demo`: a whole meeting on one machine, through the same doors that everybody uses.

The server is `mcu serve`, the sites are one `mcu site` process, the conference is made through the HTTP API.  Both
processes die with this one.  Running it again on the same folder continues the conference with a new password.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control_api.accounts.rules import Role
from control_api.client import ApiClient
from control_api.directory.seed import seed
from control_api.first_run import prepare, user_with_new_password, write_settings
from control_api.settings import CONFIG_VARIABLE, Settings, load_settings, machine_addresses
from control_api.store.database import Database
from mcu_core.errors import OperatorError, PeerLost
from mcu_core.node.child import PARENT

TITLE = "Hội nghị giao ban trực tuyến"
OPERATOR = "nguoivanhanh"
MAIN_SITE = "Trung tâm điều hành tỉnh"
MEMBER_SITES = (
    "Sở Y tế",
    "Sở Khoa học và Công nghệ",
    "UBND xã Văn Môn",
    "UBND phường Võ Cường",
    "UBND phường Kinh Bắc",
    "UBND xã Yên Trung",
    "UBND xã Gia Bình",
    "UBND phường Từ Sơn",
    "UBND xã Lương Tài",
    "UBND phường Quế Võ",
    "UBND xã Tiên Du",
    "Sở Giáo dục và Đào tạo",
    "Sở Nông nghiệp và Môi trường",
    "Công an tỉnh",
    "UBND phường Thuận Thành",
)
FREE_SITE = "Điểm cầu của bạn"

_STARTING = 40.0  # seconds until the server must answer
_JOINING = 30.0  # seconds to wait for the first synthetic site before printing anyway
_STOPPING = 8.0
_MODULE = (sys.executable, "-m", "mcu_core.node.child")


@dataclass(frozen=True, slots=True)
class DemoFacts:
    """What the person needs to know."""

    console: str
    site_link: str
    certificate: str
    username: str
    password: str
    other_addresses: tuple[str, ...]  # for other machines: these names are in the certificate
    sites: int
    log: Path


@dataclass(frozen=True, slots=True)
class DemoOptions:
    data_dir: Path
    sites: int = 8
    port: int | None = None  # none: 8443 or the next free one
    relay_port: int | None = None
    source: str = "320x180@15"
    turns: int = 6  # seconds that each site speaks


def demo_settings(options: DemoOptions) -> Settings:
    """Settings of the demo alone: its own file and folder; also put into the environment for the processes."""
    options.data_dir.mkdir(parents=True, exist_ok=True)
    config = options.data_dir / "mcu.toml"
    os.environ[CONFIG_VARIABLE] = str(config)
    os.environ["MCU_DATA_DIR"] = str(options.data_dir)
    os.environ["MCU_HTTP_PORT"] = str(options.port or free_port(8443, socket.SOCK_STREAM))
    os.environ["MCU_RELAY_PORT"] = str(options.relay_port or free_port(40000, socket.SOCK_DGRAM))
    write_settings(config, Settings(data_dir=options.data_dir))
    return load_settings(config)


def free_port(first: int, kind: socket.SocketKind) -> int:
    """The first port from `first` on that nobody uses.  Raises OperatorError `no_free_port` after 50."""
    for port in range(first, first + 50):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("0.0.0.0", port))
                return port
    raise OperatorError(
        "no_free_port",
        f"Không còn cổng trống từ {first} đến {first + 49}. Hãy chỉ định cổng khác.",
        f"No free port from {first} to {first + 49}. Name another one.",
    )


async def run_demo(
    options: DemoOptions, say: Callable[[str, str], None], ready: Callable[[DemoFacts], None], stop: asyncio.Event
) -> None:
    """Start everything, call `ready`, and keep it running until `stop`.  `say` gets each step in vi, en."""
    if not 1 <= options.sites <= 1 + len(MEMBER_SITES):
        raise OperatorError(
            "too_many_sites",
            f"Bản trình diễn có từ 1 đến {1 + len(MEMBER_SITES)} điểm cầu.",
            f"The demo has 1 to {1 + len(MEMBER_SITES)} sites.",
        )
    settings = demo_settings(options)
    say("Chuẩn bị chứng thư và cơ sở dữ liệu", "Preparing certificates and database")
    certificates = await prepare(settings)
    root = certificates.root if certificates is not None else None
    await _seed_directory(settings)
    password = await user_with_new_password(settings, OPERATOR, "Người vận hành", Role.OPERATOR)
    url = f"{'https' if settings.https else 'http'}://localhost:{settings.http.port}"
    log = options.data_dir / "demo.log"
    say("Khởi động máy chủ", "Starting the server")
    async with _child(("control_api.cli", "serve"), log) as server, ApiClient(url, root) as api:
        await _until_up(api, server, log)
        await api.sign_in(OPERATOR, password)
        conference, sites = await _conference(api, options.sites)
        links = [(await api.send("POST", f"/conferences/{conference}/sites/{site}/link"))["url"] for site in sites]
        say(f"Đưa {options.sites} điểm cầu mẫu vào phiên họp", f"Bringing {options.sites} synthetic sites in")
        arguments = ["site", "--links", "-", "--source", options.source, "--voice", "babble"]
        arguments += ["--turns", str(options.turns), "--report", str(options.data_dir / "sites.json")]
        if root is not None:
            arguments += ["--ca", str(root)]
        async with _child(("control_api.cli", *arguments), log, stdin="\n".join(links[:-1])) as scenery:
            await _until_live(api, conference, scenery, log)
            addresses = tuple(a for a in machine_addresses() if a != "127.0.0.1")
            others = tuple(f"https://{f'[{a}]' if ':' in a else a}:{settings.http.port}" for a in addresses)
            ready(
                DemoFacts(
                    console=f"{url}/console",
                    site_link=links[-1],
                    certificate=f"{url}/ca",
                    username=OPERATOR,
                    password=password,
                    other_addresses=others,
                    sites=options.sites,
                    log=log,
                )
            )
            await _until_over(stop, {"mcu serve": server, "mcu site": scenery}, log)
            say("Đang dừng", "Stopping")


async def _seed_directory(settings: Settings) -> None:
    """The province's organisations and sites; the demo's meeting uses some of them."""
    database = Database(settings.database)
    try:
        await seed(database, time.time())
    finally:
        await database.close()


async def _conference(api: ApiClient, count: int) -> tuple[str, list[str]]:
    """The demo conference and the ids of its synthetic sites, followed by the free one; made where missing."""
    found = [one["id"] for one in await api.get("/conferences") if one["title"] == TITLE]
    conference = found[0] if found else (await api.send("POST", "/conferences", {"title": TITLE}))["id"]
    existing = {site["name"]: site["id"] for site in await api.get(f"/conferences/{conference}/sites")}
    names = [MAIN_SITE, *MEMBER_SITES[: count - 1], FREE_SITE]
    for name in names:
        if name not in existing:
            body = {"name": name, "role": "main" if name == MAIN_SITE else "member"}
            existing[name] = (await api.send("POST", f"/conferences/{conference}/sites", body))["id"]
    return conference, [existing[name] for name in names]


async def _until_up(api: ApiClient, server: Process, log: Path) -> None:
    deadline = asyncio.get_running_loop().time() + _STARTING
    health: dict[str, Any] | None = None
    while asyncio.get_running_loop().time() < deadline:
        _still_runs("mcu serve", server, log)
        health = await api.health()
        if health is not None and health["status"] == "ok":
            return
        await asyncio.sleep(0.1)
    raise PeerLost(
        "server_not_up",
        f"Máy chủ chưa sẵn sàng sau {_STARTING:g} giây ({health}). Xem {log}.",
        f"The server is not ready after {_STARTING:g} s ({health}). See {log}.",
    )


async def _until_live(api: ApiClient, conference: str, scenery: Process, log: Path) -> None:
    """Wait for the first synthetic site, so that whoever opens the link sees a picture at once."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_JOINING):
            while True:
                _still_runs("mcu site", scenery, log)
                sites = await api.get(f"/conferences/{conference}/sites")
                if any(site["state"] == "live" for site in sites):
                    return
                await asyncio.sleep(0.2)


async def _until_over(stop: asyncio.Event, children: dict[str, Process], log: Path) -> None:
    waiting = {asyncio.create_task(child.wait(), name=name): name for name, child in children.items()}
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait([*waiting, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            for name, child in children.items():
                _still_runs(name, child, log)
    finally:
        for task in (*waiting, stopped):
            task.cancel()


def _still_runs(name: str, child: Process, log: Path) -> None:
    if child.returncode is not None:
        raise PeerLost(
            "process_ended",
            f"Tiến trình {name} đã dừng (mã {child.returncode}). Xem {log}.",
            f"{name} has ended (code {child.returncode}). See {log}.",
        )


@contextlib.asynccontextmanager
async def _child(arguments: tuple[str, ...], log: Path, stdin: str | None = None) -> AsyncIterator[Process]:
    """One of our programs in a session of its own, so that Ctrl-C reaches only us and we stop it in order."""
    with log.open("ab") as file:
        child = await asyncio.create_subprocess_exec(
            *_MODULE,
            *arguments,
            stdin=PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, PARENT: str(os.getpid())},
            start_new_session=True,
        )
    try:
        if stdin is not None and child.stdin is not None:
            child.stdin.write(stdin.encode())
            child.stdin.write_eof()
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOPPING):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()
