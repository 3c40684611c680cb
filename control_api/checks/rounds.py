"""Periodic checks of all sites (S53, article 11.4e): a conference of its own, in which nobody meets.

Its links lead each site to its technical check; progress, red list and retests are those of any conference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from control_api.directory.directory import SiteFilter
from control_api.problems import Refused
from control_api.services import Services
from mcu_core.commands import AddSite
from mcu_core.errors import OperatorError

MOST_SITES = 1000


async def start_round(services: Services, title: str, sites: Sequence[str] | None, *, actor: str, key: str) -> str:
    """The conference's id.  With the same `key` again: goes on where it stopped.

    Raises Refused `no_sites`; OperatorError `unknown_site`, `bad_name`.
    """
    if sites is None:
        found, _ = await services.directory.sites(SiteFilter(), limit=MOST_SITES)
    else:
        found, _ = await services.directory.sites(ids=sorted(set(sites)), limit=MOST_SITES)
        missing = set(sites) - {site.id for site in found}
        if missing:
            first = min(missing)
            raise OperatorError(
                "unknown_site", f"Danh bạ không có điểm cầu “{first}”.", f"The directory has no site “{first}”."
            )
    if not found:
        raise Refused(
            "no_sites",
            "Danh bạ chưa có điểm cầu nào để kiểm tra. Hãy nhập danh bạ trước.",
            "The directory has no sites to be checked. Fill it first.",
        )
    live, conference = services.live, f"c-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    try:
        await live.create_conference(title, actor=actor, conference_id=conference)
    except OperatorError as error:
        if error.code != "conference_exists":
            raise
    known = {site["id"] for site in live.state(conference)["sites"]}
    for site in found:
        if site.id not in known:
            await live.command(conference, AddSite(site.name, "member", site.id), actor=actor)
    return conference
