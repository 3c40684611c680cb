"""Figures of live conferences: levels, quality of the sites, load of the workers.  Newest values only; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Protocol

from control_api.live.store import Json
from mcu_core.wire import LegStats, MixerStats, RelayStats
from signaling.messages import Quality


class Metrics(Protocol):
    """Where durations are counted; `control_api.metrics` implements it.  Seconds."""

    def command_done(self, command: str, seconds: float) -> None: ...

    def on_air(self, command: str, seconds: float) -> None: ...


class NoMetrics:
    def command_done(self, command: str, seconds: float) -> None:
        """Not counted."""

    def on_air(self, command: str, seconds: float) -> None:
        """Not counted."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Gauges of this moment for `/metrics`; by conference id or worker name."""

    conferences: int = 0
    sites: dict[str, dict[str, int]] = field(default_factory=dict)  # conference -> live state -> count
    legs: int = 0
    monitors: int = 0
    relays: dict[str, dict[str, float]] = field(default_factory=dict)
    mixers: dict[str, dict[str, float]] = field(default_factory=dict)


class SiteQuality:
    """How well each site of one conference sends and receives: the relay's view and its own."""

    def __init__(self) -> None:
        self._measured: dict[str, LegStats] = {}
        self._told: dict[str, Quality] = {}

    def measured(self, site: str, stats: LegStats) -> None:
        self._measured[site] = stats

    def told(self, site: str, quality: Quality) -> None:
        self._told[site] = quality

    def forget(self, site: str) -> None:
        self._measured.pop(site, None)
        self._told.pop(site, None)

    def message(self) -> dict[str, dict[str, float | None]]:
        """By site: `received_*` is what the MCU gets from it; `fps`, `kbps` … what it says it gets from the MCU."""
        sites: dict[str, dict[str, float | None]] = {}
        for site, stats in self._measured.items():
            sites[site] = {name: getattr(stats, name) for name in _MEASURED}
        for site, quality in self._told.items():
            sites.setdefault(site, {}).update({shown: getattr(quality, name) for name, shown in _TOLD.items()})
        return sites


_MEASURED = tuple(item.name for item in fields(LegStats) if item.name != "leg")
_TOLD = {
    name: {"jitter_ms": "peer_jitter_ms", "rtt_ms": "peer_rtt_ms"}.get(name, name)
    for name in Quality.model_fields
    if name != "type"
}  # of its message -> as shown; `asdict` and `model_dump` take four times as long for 200 sites, twice a second


# why a relay drops datagrams that belong to no leg
_STRANGERS = ("unknown_source", "stun_unknown", "stun_refused", "bad_length")


def relay_figures(stats: RelayStats) -> dict[str, float]:
    return {
        "cpu": stats.cpu,
        "loop_lag_ms": stats.loop_lag_ms,
        "loop_cpu_ms": stats.loop_cpu_ms,
        "packets_in_per_s": stats.packets_in_per_s,
        "packets_out_per_s": stats.packets_out_per_s,
        "legs": float(len(stats.legs)),
        "stills": float(sum(leg.stills_per_s > 0 for leg in stats.legs)),
        "tasks": float(stats.tasks),
        "dropped": float(sum(stats.dropped.values())),
        "strangers": float(sum(stats.dropped.get(reason, 0) for reason in _STRANGERS)),
    }


def mixer_figures(stats: MixerStats) -> dict[str, float]:
    figures = {
        "cpu": stats.cpu,
        "loop_lag_ms": stats.loop_lag_ms,
        "loop_cpu_ms": stats.loop_cpu_ms,
        "audio_late_ms_p99": stats.audio_late_ms_p99,
        "encoders": float(stats.encoders),
        "decoders": float(stats.decoders),
        "decoded_per_s": stats.decoded_per_s,
        "shed": float(stats.shed),
        "voices": float(len(stats.voices)),
        "tasks": float(stats.tasks),
        "dropped": float(sum(stats.dropped.values())),
    }
    for view in stats.views:
        figures |= {
            f"{view.view}_frame_rate": view.frame_rate,
            f"{view.view}_compose_ms": view.compose_ms,
            f"{view.view}_encode_ms": view.encode_ms,
            f"{view.view}_late_ms_p99": view.late_ms_p99,
        }
    return figures


def stats_message(relays: Mapping[str, RelayStats], mixer: MixerStats | None, site_of: Mapping[int, str]) -> Json:
    """The body of the console's `stats` message."""

    def named(numbers: Iterable[int]) -> list[str]:
        return [site_of[number] for number in numbers if number in site_of]

    body: Json = {"relays": {name: relay_figures(stats) for name, stats in relays.items()}, "mixer": None}
    if mixer is not None:
        body["mixer"] = {
            **mixer_figures(mixer),
            "voices": named(mixer.voices),
            "receiving": named(mixer.receiving),
            "quarantined": named(mixer.quarantined),
        }
    return body
