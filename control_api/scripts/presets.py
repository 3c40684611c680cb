"""Camera positions of the sites (S96): those in the directory, or the five that the regulation names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from control_api.services import Services

USUAL = ("Chủ tọa", "Bên trái", "Bên phải", "Phóng to", "Thu nhỏ")  # appendix, step 7


async def presets_of(services: Services, sites: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Names by site, in the order of the remote control; a site that stored none has the usual five."""
    asked = list(dict.fromkeys(sites))
    if not asked:
        return {}
    known = {site.id: names_of(site.presets) for site in (await services.directory.sites(ids=asked))[0]}
    return {site: known.get(site) or USUAL for site in asked}


def names_of(presets: Iterable[Any]) -> tuple[str, ...]:
    """The directory keeps a position by its name, or with more about it."""
    return tuple(str(one["name"]) if isinstance(one, dict) else str(one) for one in presets)
