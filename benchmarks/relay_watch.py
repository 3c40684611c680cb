"""What the relay says of one site's leg once a second, heard as control hears it: a connection to its socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcu_core.wire import Event, LegStats, Peer, RelayInfo, RelayStats, RelayStatus, connect


class RelayWatch:
    """Collects from `start` to `close`."""

    def __init__(self, run_dir: Path, site: int) -> None:
        self._path, self._site = str(run_dir / "relay-0.sock"), site
        self._peer: Peer | None = None
        self._stats: list[RelayStats] = []
        self._ids: set[str] = set()

    async def start(self) -> None:
        self._peer = await connect(self._path, Peer(on_event=self._hear))
        await self._look_up()

    def close(self) -> None:
        if self._peer is not None:
            self._peer.close()

    async def _look_up(self) -> None:
        """The site's leg may be another after a rejoin."""
        assert self._peer is not None
        reply = await self._peer.call(RelayStatus())
        assert isinstance(reply, RelayInfo)
        self._ids |= {leg.leg for leg in reply.legs if leg.site == self._site}

    def _hear(self, peer: Peer, event: Event) -> None:
        if isinstance(event, RelayStats):
            self._stats.append(event)

    async def figures(self) -> dict[str, Any]:
        """Sums and extremes since `start`; what the relay dropped, by reason."""
        await self._look_up()
        legs: list[LegStats] = [leg for stats in self._stats for leg in stats.legs if leg.leg in self._ids]
        if not legs:
            return {}
        first, last = self._stats[0].dropped, self._stats[-1].dropped
        estimates = [leg.remb_bps for leg in legs if leg.remb_bps is not None]
        return {
            "nacks": sum(leg.nacks for leg in legs),
            "plis": sum(leg.plis for leg in legs),
            "lost_fraction_max": max(leg.lost_fraction for leg in legs),
            "peer_lost_fraction_max": max(leg.peer_lost_fraction for leg in legs),
            "rtt_ms_max": max((leg.rtt_ms for leg in legs if leg.rtt_ms is not None), default=None),
            "rtt_ms": [None if leg.rtt_ms is None else round(leg.rtt_ms) for leg in legs],
            "peer_lost_fraction": [round(leg.peer_lost_fraction, 2) for leg in legs],
            "estimate_kbps": [round(bps / 1000) for bps in estimates],
            "sent_kbps": [round(leg.sent_kbps) for leg in legs],
            "received_kbps": [round(leg.received_kbps) for leg in legs],
            "received_fps": [round(leg.video_fps_received) for leg in legs],
            "loop_lag_ms_max": max(stats.loop_lag_ms for stats in self._stats),
            "dropped": {reason: count - first.get(reason, 0) for reason, count in last.items()},
        }
