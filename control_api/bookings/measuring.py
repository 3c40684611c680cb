"""`mcu check`: measure this machine, keep the figures, say what it carries (S68)."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from control_api.bookings.admission import capacity_of
from control_api.bookings.tables import CapacityRow
from control_api.settings import Settings
from control_api.store.database import Database
from mcu_core.capacity import FULL, Capacity, MeetingSize, demand_of

FILE = "capacity.json"
EXAMPLES = (8, 25, 60, 125)  # sites of a meeting


async def keep(settings: Settings, measured: Mapping[str, Any], machine: str, now: float) -> Capacity:
    """Write the figures into the database and, for people, into data_dir; what bookings are admitted by from now on."""
    database = Database(settings.database)
    try:
        async with database.writing() as session:
            session.add(
                CapacityRow(
                    at=now,
                    machine=machine[:200],
                    decode=measured["decode"],
                    encode=measured["encode"],
                    compose=measured["compose"],
                    packets=measured["packets"],
                    details=dict(measured),
                )
            )
        async with database.reading() as session:
            capacity = await capacity_of(session, settings)
    finally:
        await database.close()
    write_file(settings.data_dir / FILE, {"at": now, "machine": machine, **measured})
    return capacity


async def current(settings: Settings) -> Capacity:
    """What bookings are admitted by now."""
    database = Database(settings.database)
    try:
        async with database.reading() as session:
            return await capacity_of(session, settings)
    finally:
        await database.close()


def write_file(path: Path, content: Mapping[str, Any]) -> None:
    """All or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".capacity-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(dict(content), file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def carries(capacity: Capacity) -> dict[str, Any]:
    """The share of the machine that meetings take, and the largest one it may carry by itself."""
    shares = {sites: capacity.share(demand_of(MeetingSize(sites))) for sites in EXAMPLES}
    largest = 0
    while largest < 1000 and capacity.fits(demand_of(MeetingSize(largest + 1))):
        largest += 1
    return {
        "full": FULL,
        "shares": {str(sites): round(share, 4) for sites, share in shares.items()},
        "largest": largest,
    }
