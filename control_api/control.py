"""`python -m control_api.control`: the control process.  The supervisor starts it and starts it again when it dies.

Exits with 78 (EX_CONFIG) when a setting is wrong, which ends the supervisor too: restarting does not heal a setting.
With 75 (EX_TEMPFAIL) when the database has not answered for a minute: the supervisor starts it again.
Its death interrupts no sound and no picture; everything it acknowledged is in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import ssl
import sys
import time
from collections.abc import Iterator
from typing import TypeVar

import structlog
from aiohttp import web

from control_api import tls
from control_api.accounts.accounts import Accounts
from control_api.accounts.sealed_rows import seal_all
from control_api.accounts.sealing import SecretBox
from control_api.app import make_app
from control_api.background import TASKS, keep
from control_api.conferences.store import SqlConferenceStore
from control_api.garbage import collect, settle
from control_api.live.service import LiveService
from control_api.live.settings import LiveSettings
from control_api.logs import AccessLog, configure_logs
from control_api.metrics import Metrics
from control_api.proxies import client_address
from control_api.services import Services
from control_api.settings import Settings, load_settings
from control_api.store.database import Database
from control_api.store.upgrade import upgrade
from mcu_core.errors import McuError, OperatorError, PeerLost
from mcu_core.node.child import PARENT, die_with_parent
from mcu_core.node.loop import run_watched
from mcu_core.node.pool import LocalPool
from signaling.websocket import EndpointSockets, SocketSettings

_DATABASE_PATIENCE = 60.0  # a database of the same machine may start after us
_LOADING = 10.0  # the pages answer after that even if the conferences are not loaded
_STOPPING = 3.0  # for requests in flight, less than the supervisor's patience
_DAY = 86400.0

E = TypeVar("E", bound=McuError)
log = structlog.get_logger("control")


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop`.  Raises OperatorError when it cannot start."""
    certificates = await asyncio.to_thread(tls.certificates, settings)
    if not await _database_ready(settings, stop):
        return
    database = Database(settings.database)
    accounts = Accounts(
        database, settings.session, time.time, rules=settings.accounts, secrets=SecretBox(settings.secrets_key)
    )
    await _seal_secrets(database, accounts)
    store = SqlConferenceStore(database, time.time)
    metrics = Metrics()
    pool = LocalPool(settings.socket_dir)
    live = LiveService(
        store,
        pool,
        LiveSettings(
            relays=tuple(str(number) for number in range(settings.relay.count)),
            monitor_token_life=settings.session.monitor,
            personal_views=settings.conference.personal_views,
            adaptation=settings.conference.adaptation,
        ),
        metrics=metrics,
    )
    endpoints = EndpointSockets(
        live,
        SocketSettings(allowed_origins=frozenset(settings.http.public_urls)),
        address=lambda request: client_address(request, settings),
    )
    services = Services(
        settings=settings,
        database=database,
        accounts=accounts,
        conferences=store,
        live=live,
        pool=pool,
        metrics=metrics,
        now=time.time,
    )
    root = certificates.root if certificates is not None else None
    runner = web.AppRunner(
        make_app(services, endpoints.handle, root_certificate=root),
        access_log_class=AccessLog,
        shutdown_timeout=_STOPPING,
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(pool.run(), name="control/pool"),
                tasks.create_task(live.run(), name="control/live"),
                tasks.create_task(metrics.run(), name="control/metrics"),
            ]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOADING):
                    await live.ready.wait()
            settle()
            context = certificates.context() if certificates is not None else None
            running.append(tasks.create_task(_daily(services, context), name="control/daily"))
            running.append(tasks.create_task(collect(endpoints, lambda: endpoints.ended), name="control/garbage"))
            for name, does in TASKS.items():
                running.append(tasks.create_task(keep(name, does, services), name=f"control/{name}"))
            try:
                await _listen(runner, settings, context)
                if await accounts.count() == 0:
                    log.warning("no user yet: run `mcu user add`")
                await stop.wait()
            finally:
                log.info("stopping")
                endpoints.shut_down()
                await runner.cleanup()
            for task in running:
                task.cancel()
    finally:
        accounts.close()
        await database.close()


async def _database_ready(settings: Settings, stop: asyncio.Event) -> bool:
    """Upgrade the database; False when told to stop while waiting for it.  Raises what `upgrade` raises."""
    upgrading = asyncio.create_task(upgrade(settings.database, patience=_DATABASE_PATIENCE), name="control/upgrade")
    stopping = asyncio.create_task(stop.wait(), name="control/stopping")
    await asyncio.wait((upgrading, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not upgrading.done():
        upgrading.cancel()
        await asyncio.wait((upgrading,))
        return False
    await upgrading
    return True


async def _seal_secrets(database: Database, accounts: Accounts) -> None:
    """What an older version or a restored backup left readable is sealed; what is lost is said at once."""
    found = await seal_all(database, accounts.secrets)
    if found.sealed:
        log.info("second factors sealed", count=found.sealed)
    if found.lost:
        log.error(
            "the key of second factors is lost: put secrets.key back, or run `mcu user reset-totp` for each",
            users=found.lost,
        )


async def _listen(runner: web.AppRunner, settings: Settings, context: ssl.SSLContext | None) -> None:
    await runner.setup()
    listening = []
    for address in settings.http.bind:
        try:
            await web.TCPSite(runner, address, settings.http.port, ssl_context=context, backlog=512).start()
            listening.append(address)
        except OSError as error:
            if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) and ":" in address:
                log.warning("no IPv6 on this machine", address=address)
                continue
            raise OperatorError(
                "cannot_listen",
                f"Không mở được cổng {settings.http.port} trên {address}: {error.strerror}. "
                "Hãy đổi http.port hoặc dừng chương trình đang dùng cổng này.",
                f"Cannot listen on port {settings.http.port} of {address}: {error.strerror}. "
                "Change http.port, or stop the program that uses it.",
            ) from None
    log.info("listening", url=settings.own_url(), addresses=listening)


async def _daily(services: Services, context: ssl.SSLContext | None) -> None:
    """Renew the certificate in place (new connections get the new one) and forget what has expired."""
    while True:
        try:
            await services.accounts.prune()
            await services.conferences.prune()
            if context is not None:
                renewed = await asyncio.to_thread(tls.certificates, services.settings)
                if renewed is not None:
                    context.load_cert_chain(renewed.certificate, renewed.key)
        except (McuError, OSError, ssl.SSLError) as error:
            log.error("daily upkeep failed; tried again tomorrow", error=str(error))
        await asyncio.sleep(_DAY)


async def _until_told(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop)


def main() -> int:
    if PARENT in os.environ:
        die_with_parent()
    code = 0
    try:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        run_watched(_until_told(settings))
    except* OperatorError as group:
        for error in _leaves(group):
            print(f"{error.vi}\n{error.en}", file=sys.stderr, flush=True)
        code = os.EX_CONFIG
    except* PeerLost as lost:
        for gone in _leaves(lost):
            log.error(gone.en, vi=gone.vi, code=gone.code)
        code = code or os.EX_TEMPFAIL
    return code


def _leaves(group: BaseExceptionGroup[E]) -> Iterator[E]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


if __name__ == "__main__":
    sys.exit(main())
