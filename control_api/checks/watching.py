"""What the MCU saw of one site: read from what consoles are told, by a task of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from statistics import median

from control_api.checks.measured import LineMeasured, McuMeasured
from control_api.conferences.live import Live, Subscription
from control_api.live.store import Json

_KEPT = 60  # readings of a second each


@dataclass(slots=True)
class Seen:
    """Readings of one site, newest last; bounded."""

    rates: list[float] = field(default_factory=list)  # frames/s
    received: list[float] = field(default_factory=list)  # kbit/s
    sent: list[float] = field(default_factory=list)
    lost_up: list[float] = field(default_factory=list)
    lost_down: list[float] = field(default_factory=list)
    jitter: list[float] = field(default_factory=list)
    trips: list[float] = field(default_factory=list)
    level: float | None = None  # dBov, the loudest
    decoded: bool = False

    def take(self, message: Json, site: str) -> None:
        """A message of a console's subscription."""
        match message.get("type"):
            case "quality":
                figures = message["sites"].get(site)
                if figures:
                    self._quality(figures)
            case "levels":
                level = message["levels"].get(site)
                if level is not None:
                    self.level = float(level) if self.level is None else max(self.level, float(level))
            case "stats":
                mixer = message.get("mixer")
                self.decoded = self.decoded or (mixer is not None and site in mixer.get("receiving", ()))

    def _quality(self, figures: dict[str, float | None]) -> None:
        for kept, name in (
            (self.rates, "video_fps_received"),
            (self.received, "received_kbps"),
            (self.sent, "sent_kbps"),
            (self.lost_up, "lost_fraction"),
            (self.lost_down, "peer_lost_fraction"),
            (self.jitter, "jitter_ms"),
            (self.trips, "rtt_ms"),
        ):
            value = figures.get(name)
            if value is not None:
                kept.append(float(value))
                del kept[:-_KEPT]

    def mcu(self) -> McuMeasured:
        return McuMeasured(
            received_kbps=_typical(self.received),
            frame_rate=min(1000.0, _typical(self.rates)),
            decoded=self.decoded,
            level_dbov=None if self.level is None else min(0.0, max(-127.0, self.level)),
            loss_up=_mean(self.lost_up),
            loss_down=_mean(self.lost_down),
            jitter_ms=min(60_000.0, _typical(self.jitter)),
            rtt_ms=min(60_000.0, _typical(self.trips)) if self.trips else None,
        )

    def line(self) -> LineMeasured | None:
        """The line as the MCU sees it: for rooms that cannot measure it themselves."""
        if not self.received:
            return None
        return LineMeasured(
            seconds=float(len(self.received) + 1),  # each tells of the second before it
            loss_up=_mean(self.lost_up),
            loss_down=_mean(self.lost_down),
            jitter_ms=min(60_000.0, _typical(self.jitter)),
            rtt_ms=min(60_000.0, _typical(self.trips)),
            up_kbps=_typical(self.received),
            down_kbps=_typical(self.sent),
        )


class Watch:
    """Reads until stopped, or until the conference ends."""

    def __init__(self, events: Subscription, site: str) -> None:
        self._events, self._seen = events, Seen()
        self._task = asyncio.create_task(self._read(site), name=f"checks/watch-{site}")

    def measured(self) -> McuMeasured:
        return self._seen.mcu()

    def stop(self) -> None:
        self._events.close()
        self._task.cancel()

    async def _read(self, site: str) -> None:
        async for message in self._events:
            self._seen.take(message, site)


async def look(live: Live, conference: str, site: str, seconds: float) -> Seen:
    """Readings of a site that is in its meeting now, for so long.  Raises OperatorError `unknown_conference`."""
    seen, events = Seen(), live.events(conference)
    try:
        async with asyncio.timeout(seconds):
            async for message in events:
                seen.take(message, site)
    except TimeoutError:
        pass
    finally:
        events.close()
    return seen


def _typical(values: list[float]) -> float:
    return max(0.0, round(median(values), 3)) if values else 0.0


def _mean(values: list[float]) -> float:
    return min(1.0, max(0.0, round(sum(values) / len(values), 5))) if values else 0.0
