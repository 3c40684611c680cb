"""The background task of the mail: what waits is sent."""

from __future__ import annotations

import asyncio

import structlog

from control_api.services import Services
from mcu_core.errors import PeerLost

PERIOD = 5.0  # seconds
log = structlog.get_logger("mail")


async def run(services: Services) -> None:
    """Until cancelled.  A database that is away is waited for."""
    sender = services.mail_sender
    begun = False
    while True:
        try:
            if not begun and (unsure := await sender.begin()):
                log.warning("letters of unknown fate; see the office", count=unsure)
            begun = True
            await sender.send_due(services.now())
        except PeerLost as lost:
            log.warning("mail waits for the database", code=lost.code)
        await asyncio.sleep(PERIOD)
