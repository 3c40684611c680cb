"""A directory to begin with: the province's agencies and communes with one site each (`bac_ninh.toml`).

Positions only, no people.  Running it again adds what is missing and changes nothing that is there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from control_api.directory import organisations, records, sites
from control_api.directory.readiness import STANDARD_PRESETS
from control_api.directory.tables import Organisation, Site
from control_api.store.database import Database
from mcu_core.names import slug_of

DATA = Path(__file__).with_name("bac_ninh.toml")
_BY = "mcu"
_CARRIER = "don-vi-cung-cap-mang-tslcd"
_GOOD = dict.fromkeys(("line", "sound", "light", "equipment", "power", "placement", "climate", "fire_safety"), "good")


@dataclass(frozen=True, slots=True)
class Seeded:
    organisations: int  # added now
    sites: int


async def seed(database: Database, now: float) -> Seeded:
    """Add what is missing, in one transaction."""
    wanted_organisations, wanted_sites = read_seed()
    async with database.writing() as session:
        owners = {one.id: one for one in await session.scalars(select(Organisation))}
        there = set(await session.scalars(select(Site.id)))
        manager_known = any(one.is_manager for one in owners.values())
        fresh = [
            organisations.build(one.pop("id"), one | ({"is_manager": False} if manager_known else {}))
            for one in wanted_organisations
            if one["id"] not in owners
        ]
        # Whoever is above comes before: the table refers to itself.
        for group in ([one for one in fresh if one.parent_id is None], [one for one in fresh if one.parent_id]):
            await records.add_many(session, group, _BY, now)
        owners |= {one.id: one for one in fresh}
        new = [
            sites.build(one.pop("id"), one, owners[one["organisation_id"]])
            for one in wanted_sites
            if one["id"] not in there
        ]
        await records.add_many(session, new, _BY, now)
    return Seeded(len(fresh), len(new))


def read_seed() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Columns of the organisations and of the sites, with their ids."""
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    owners: list[dict[str, Any]] = list(_organisations(data))
    ids: set[str] = set()
    places: list[dict[str, Any]] = []
    for owner in owners:
        if owner["id"] == _CARRIER:
            continue
        main = owner["kind"] == "other"
        name = data["committee"]["site"] if main else owner["name"]
        site_id = slug_of(name, ids)
        ids.add(site_id)
        places.append({"id": site_id, "organisation_id": owner["id"], "name": name} | _room(data, owner, main=main))
    return owners, places


def _organisations(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    committee, carrier = data["committee"], data["carrier"]
    top = slug_of(committee["name"], ())
    yield {
        "id": top,
        "name": committee["name"],
        "short_name": committee["short_name"],
        "kind": "other",
        "accountable_position": committee["position"],
    }
    yield {"id": _CARRIER, "name": carrier["name"], "short_name": carrier["short_name"], "kind": "carrier"}
    for one in data["departments"]:
        yield {
            "id": slug_of(one["name"], ()),
            "name": one["name"],
            "short_name": one["short_name"],
            "kind": "department",
            "is_manager": one["name"] == data["manager"],
            "parent_id": top,
            "accountable_position": one["position"],
        }
    for kind, names in (("xã", data["places"]["communes"]), ("phường", data["places"]["wards"])):
        for name in names:
            yield {
                "id": slug_of(f"{kind} {name}", ()),
                "name": f"UBND {kind} {name}",
                "kind": "commune",
                "parent_id": top,
                "accountable_position": f"Chủ tịch UBND {kind}",
                "address": f"{kind.capitalize()} {name}, {data['province']}",
            }


def _room(data: dict[str, Any], owner: dict[str, Any], *, main: bool) -> dict[str, Any]:
    """What such a room usually has."""
    commune = owner["kind"] == "commune"
    screens = [{"name": "Ti vi 65 inch", "model": "", "quantity": 1 if commune else 2, "good": True, "remark": ""}]
    camera = {"name": "Camera hội nghị PTZ", "model": "", "quantity": 2 if main else 1, "good": True, "remark": ""}
    presets = [
        {"position": position, "name": vi.capitalize(), "number": number, "remark": ""}
        for number, (position, (vi, _)) in enumerate(STANDARD_PRESETS.items(), start=1)
    ]
    return {
        "room": data["committee"]["room"] if main else "Phòng họp trực tuyến",
        "address": owner.get("address", data["province"].capitalize()),
        "endpoint": {"maker": "", "model": "Máy tính phòng họp", "serial": "", "firmware": "", "address": ""},
        "peripherals": {
            "display": screens,
            "loudspeaker": [{"name": "Loa hội trường", "model": "", "quantity": 2, "good": True, "remark": ""}],
            "camera": [camera],
            "microphone": [
                {"name": "Micro cổ ngỗng", "model": "", "quantity": 4 if commune else 10, "good": True, "remark": ""}
            ],
        },
        "presets": [] if commune else presets,
        "seats": 150 if main else 40 if commune else 60,
        "carrier_id": _CARRIER,
        "line_mbps": 200 if main else 20 if commune else 50,
        "conditions": _GOOD if not commune else {name: _GOOD[name] for name in ("line", "equipment", "power")},
    }
