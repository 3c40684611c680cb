"""What security does by the clock: write the log, forget blocks that are over, look at the relays, note settings."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select

from control_api.accounts.tables import User
from control_api.conferences.tables import JoinTokenRow
from control_api.security.events import prune_events
from control_api.security.fallbacks import disconnect_strays
from control_api.security.floods import PacketFlood
from control_api.services import Services
from control_api.settings import Settings
from control_api.upkeep.retention import SECURITY

_ROUND = 10.0

SECURITY["security_events"] = prune_events


async def guard(services: Services) -> None:
    """Run until cancelled (`background.TASKS`)."""
    await note_settings(services)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(services.security.run(), name="security/write")
        tasks.create_task(_rounds(services), name="security/rounds")


async def _rounds(services: Services) -> None:
    floods, looked_at = PacketFlood(), services.now() - _ROUND
    while True:
        await services.blocks.load()
        since, looked_at = looked_at, services.now()
        for site in await services.admission.ended(since):
            await disconnect_strays(services, site, None)
        await end_monitors_of_the_disabled(services)
        for relay, figures in services.live.figures().relays.items():
            rate = floods.told(relay, figures.get("strangers", 0.0), services.now())
            if rate is not None:
                data = {"relay": relay, "per_s": round(rate, -2)}
                services.security.note("flood_packets", address=None, data=data)
        await asyncio.sleep(_ROUND)


async def end_monitors_of_the_disabled(services: Services) -> None:
    """Whoever was disabled or locked from outside this process (`mcu user disable`) watches no more either."""
    gone = User.disabled.is_(True) | User.locked_at.is_not(None)
    watching = select(JoinTokenRow.owner).join(User, User.username == JoinTokenRow.owner).where(gone).distinct()
    async with services.database.reading() as db:
        owners = (await db.scalars(watching)).all()
    for owner in owners:
        if owner is not None:
            await services.live.end_monitors(owner)


async def note_settings(services: Services) -> None:
    """Compare the settings with those of the last start."""
    now = fingerprints(services.settings)
    before = await services.security.newest("settings_changed")
    known: dict[str, str] = {} if before is None else dict(before.data.get("settings", {}))
    changed = sorted(key for key in now.keys() | known.keys() if now.get(key) != known.get(key))
    if changed:
        await services.security.record(
            "settings_changed", address=None, data={"changed": changed if known else [], "settings": now}
        )


def fingerprints(settings: Settings) -> dict[str, str]:
    """Each setting by its key, as a short digest; of secrets only whether there is one."""
    found: dict[str, str] = {}

    def walk(prefix: str, value: Any) -> None:
        if hasattr(type(value), "model_fields"):
            for name in type(value).model_fields:
                walk(f"{prefix}.{name}" if prefix else name, getattr(value, name))
            return
        text = "secret" if isinstance(value, SecretStr) else repr(value)
        found[prefix] = hashlib.sha256(text.encode()).hexdigest()[:12]

    walk("", settings)
    return found
