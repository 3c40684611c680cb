"""The background task of bookings: rooms brought to what is wanted, clocks watched, notices sent."""

from __future__ import annotations

import asyncio

import structlog

from control_api.bookings.clocks import remind
from control_api.bookings.mail import Sender
from control_api.services import Services
from mcu_core.errors import PeerLost

PERIOD = 5.0
_CLOCKS_EVERY = 6  # periods
log = structlog.get_logger("bookings")


async def run(services: Services) -> None:
    """Until cancelled.  A database that is away is waited for."""
    await services.live.ready.wait()
    sender = Sender(services.database, services.settings.mail)
    if unsure := await sender.begin():
        log.warning("notices of unknown fate; see the inbox", count=unsure)
    turn = 0
    while True:
        try:
            await once(services, sender, services.now(), clocks=turn % _CLOCKS_EVERY == 0)
        except PeerLost as lost:
            log.warning("bookings wait for the database", code=lost.code)
        turn += 1
        await asyncio.sleep(PERIOD)


async def once(services: Services, sender: Sender, now: float, *, clocks: bool = True) -> None:
    """One turn."""
    await services.booking_rooms.settle()
    if clocks:
        await remind(services.booking_desk, now)
        await services.booking_rooms.retire(now)
    await sender.send_due(now)
