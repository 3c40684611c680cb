"""Prometheus metrics of the whole MCU, one registry per application (nothing global, so that tests do not meet).

Counters and histograms are fed as things happen; gauges of conferences, relays and mixers are read from
`Live.figures()` when somebody scrapes.  Owned by the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from control_api.conferences.live import Live
from control_api.live.lag import LagWatch
from mcu_core.node.loop import turns
from mcu_core.wire import WorkerInfo

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)
_LAG_PERIOD = 0.02  # seconds between two looks at how late a timer is
log = structlog.get_logger("metrics")


class _Registry(CollectorRegistry):
    """Knows its parts, so that they can be told one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Collector] = []

    def register(self, collector: Collector) -> None:
        super().register(collector)
        self.parts.append(collector)


class Metrics:
    """Implements `control_api.live.figures.Metrics`."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self.registry = _Registry()
        ProcessCollector(registry=self.registry)
        self._http = Histogram(
            "mcu_http_request_seconds",
            "Time to answer HTTP requests.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._commands = Histogram(
            "mcu_command_seconds",
            "Time from a command to its commit.",
            ("command",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._on_air = Histogram(
            "mcu_on_air_seconds",
            "Time from a command to the first picture made from it.",
            ("command",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._logins = Counter("mcu_logins_total", "Attempts to sign in.", ("result",), registry=self.registry)
        self._lag = Gauge(
            "mcu_control_loop_lag_seconds", "Longest lag of control's event loop in 10 s.", registry=self.registry
        )
        self._cpu = Gauge(
            "mcu_control_loop_cpu_seconds",
            "Most time of a processor that one turn of control's event loop used in 10 s.",
            registry=self.registry,
        )
        self._tasks = Gauge("mcu_control_tasks", "Tasks of control's event loop.", registry=self.registry)
        self._sockets = Gauge("mcu_websockets", "Open WebSockets.", ("kind",), registry=self.registry)

        self._upkeep_ok = Gauge(
            "mcu_upkeep_ok",
            "Whether the newest run of backup, verify, prune ended well.",
            ("kind",),
            registry=self.registry,
        )
        self._upkeep_at = Gauge(
            "mcu_upkeep_last_good_timestamp_seconds",
            "When backup, verify, prune last ended well.",
            ("kind",),
            registry=self.registry,
        )
        self._restarts = Gauge(
            "mcu_worker_restarts",
            "Restarts of a worker since the MCU started.",
            ("kind", "name"),
            registry=self.registry,
        )

    def workers(self, workers: tuple[WorkerInfo, ...]) -> None:
        """What the supervisor runs now."""
        self._restarts.clear()
        for worker in workers:
            self._restarts.labels(worker.kind, worker.name).set(worker.restarts)

    def upkeep_done(self, kind: str, *, ok: bool, at: float) -> None:
        """A run of upkeep ended at this time, Unix seconds."""
        self._upkeep_ok.labels(kind).set(ok)
        if ok:
            self._upkeep_at.labels(kind).set(at)

    def request_done(self, method: str, route: str, status: int, seconds: float) -> None:
        self._http.labels(method, route, str(status)).observe(seconds)

    def command_done(self, command: str, seconds: float) -> None:
        self._commands.labels(command).observe(seconds)

    def on_air(self, command: str, seconds: float) -> None:
        self._on_air.labels(command).observe(seconds)

    def login(self, result: str) -> None:
        self._logins.labels(result).inc()

    def socket_opened(self, kind: str) -> None:
        self._sockets.labels(kind).inc()

    def socket_closed(self, kind: str) -> None:
        self._sockets.labels(kind).dec()

    def watch(self, live: Live) -> None:
        """Read the figures of `live` at each scrape, and tell it when control's own loop is late."""
        self._live = live
        self.registry.register(_LiveFigures(live))

    async def run(self) -> None:
        """Measure the lag of the loop and count its tasks until cancelled."""
        loop = asyncio.get_running_loop()
        watch, latest = LagWatch(), 0.0
        second = loop.time() + 1.0
        turns()  # starting is not told of
        while True:
            due = loop.time() + _LAG_PERIOD
            await asyncio.sleep(_LAG_PERIOD)
            now = loop.time()
            latest = max(latest, now - due)
            if now < second:
                continue
            own = turns()
            lag_ms, cpu_ms = max(latest, own.longest) * 1000, own.busiest * 1000
            tell = watch.measured("control", lag_ms, now, cpu_ms)
            self._lag.set(watch.longest_ms("control") / 1000)
            self._cpu.set(watch.busiest_ms("control") / 1000)
            self._tasks.set(len(asyncio.all_tasks()))
            if tell:
                log.warning("event loop blocked", milliseconds=round(lag_ms), of_processor=round(cpu_ms), alarm=True)
                if self._live is not None:
                    self._live.control_blocked(lag_ms)
            second, latest = now + 1.0, 0.0

    async def text(self) -> bytes:
        """All of it as Prometheus reads it; a turn of the loop for each part."""
        parts = []
        for part in list(self.registry.parts):
            parts.append(generate_latest(part))
            await asyncio.sleep(0)
        return b"".join(parts)


class _LiveFigures(Collector):
    def __init__(self, live: Live) -> None:
        self._live = live

    def describe(self) -> list[Metric]:
        return []  # names depend on what the workers report; registering must not collect

    def collect(self) -> Iterator[Metric]:
        figures = self._live.figures()
        yield _one("mcu_conferences", "Conferences that exist.", figures.conferences)
        yield _one("mcu_legs", "Media connections of sites and monitors.", figures.legs)
        yield _one("mcu_monitors", "Consoles that watch.", figures.monitors)
        sites = GaugeMetricFamily("mcu_sites", "Sites by state.", labels=["conference", "state"])
        for conference, states in figures.sites.items():
            for state, count in states.items():
                sites.add_metric([conference, state], count)
        yield sites
        yield from _workers("relay", figures.relays)
        yield from _workers("mixer", figures.mixers)


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _workers(kind: str, workers: dict[str, dict[str, float]]) -> Iterator[GaugeMetricFamily]:
    """One gauge per figure the workers report: `mcu_relay_packets_in_per_s{relay="0"}`."""
    families: dict[str, GaugeMetricFamily] = {}
    for worker, values in workers.items():
        for figure, value in values.items():
            name = f"mcu_{kind}_{''.join(letter if letter.isalnum() else '_' for letter in figure)}"
            family = families.setdefault(
                name, GaugeMetricFamily(name, f"{figure} as reported by each {kind}.", labels=[kind])
            )
            family.add_metric([worker], value)
    yield from families.values()
