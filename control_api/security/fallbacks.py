"""When a fallback is over, by hand or by its time, a site that is in over another network goes (S22, article 5.7b)."""

from __future__ import annotations

from control_api.security.networks import within
from control_api.services import Services


async def disconnect_strays(services: Services, site: str, by: str | None) -> int:
    """Disconnect the endpoints of a site that it may not have from where they are.  Returns how many went.

    With another fallback open, or with no network set for it, it stays.
    """
    allowed = await services.admission.networks_of(site)
    if allowed is None:
        return 0
    gone = await services.live.drop_address(
        lambda address: not within(address, allowed), actor=by, site=site, why="fallback_ended"
    )
    if gone:
        data = {"why": "fallback_ended", "endpoints": gone}
        services.security.note("site_dropped", address=None, username=by, site=site, data=data)
    return gone
