"""The background task of bookings: rooms brought to what is wanted, clocks watched."""

from __future__ import annotations

import asyncio

import structlog

from control_api.bookings.clocks import remind
from control_api.services import Services
from mcu_core.errors import PeerLost

PERIOD = 5.0
_CLOCKS_EVERY = 6  # periods
log = structlog.get_logger("bookings")


async def run(services: Services) -> None:
    """Until cancelled.  A database that is away is waited for."""
    await services.live.ready.wait()
    turn = 0
    while True:
        try:
            await once(services, services.now(), clocks=turn % _CLOCKS_EVERY == 0)
        except PeerLost as lost:
            log.warning("bookings wait for the database", code=lost.code)
        turn += 1
        await asyncio.sleep(PERIOD)


async def once(services: Services, now: float, *, clocks: bool = True) -> None:
    """One turn."""
    await services.booking_rooms.settle()
    if clocks:
        await remind(services.booking_desk, now)
        await services.booking_rooms.retire(now)
