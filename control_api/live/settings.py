"""Settings of live conferences; times in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveSettings:
    relays: tuple[str, ...] = ("0",)  # names of the relays to place
    seat_hold: float = 60.0  # a seat outlives its WebSocket that long
    mixer_hold: float = 60.0  # a mixer outlives the last seat that long
    monitor_hold: float = 5.0  # the same of a monitor: it loses nothing by a new seat
    monitor_token_life: float = 900.0
    monitors_per_token: int = 4  # seats at the same time
    max_monitors: int = 100  # in all conferences; they do not count as `max_legs`
    site_token_life: float | None = None  # None: until it is replaced or revoked
    max_legs: int = 400  # of sites; joins beyond are refused with mcu_busy
    sync_deadline: float = 5.0  # how long to wait at start for the relays to tell which legs they carry
    personal_views: int = 4  # in one conference; each costs an encoder
    adaptation: bool = True  # choose each leg's size by what its line carries
    worker_deadline: float = 8.0  # for a relay's or mixer's reply
    rejoin_spread: float = 0.5  # sites that must come back spread their offers over that long
