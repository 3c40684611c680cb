"""Technical checks of sites: what routes and gates ask for, gathered once as `services.checks`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from control_api.checks.progress import SiteAt, SiteProgress, progress
from control_api.checks.rooms import PREFIX, Rooms
from control_api.checks.selftest import SelfTests
from control_api.checks.store import CheckStore, SiteChecks
from control_api.checks.tokens import Tokens
from mcu_core.errors import OperatorError

if TYPE_CHECKING:
    from control_api.services import Services


@dataclass(frozen=True, slots=True)
class Subject:
    """The conference whose sites are checked; from its booking, or from the live conference when it has none."""

    id: str
    title: str
    class_: str  # A, B, C
    organisation_id: str | None  # host
    starts_at: float | None
    sites: tuple[SiteAt, ...]

    def site(self, site: str) -> SiteAt:
        """Raises OperatorError `unknown_site`."""
        for one in self.sites:
            if one.id == site:
                return one
        raise OperatorError(
            "unknown_site",
            f"Phiên họp không có điểm cầu “{site}”.",
            f"The conference has no site “{site}”.",
        )


class Checks:
    """Owned by the control process's event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.store = CheckStore(services.database, services.now)
        self.rooms = Rooms(services.live, services.now, services.settings.checks.rooms)
        self.tokens = Tokens(services.conferences, services.now)
        self.self_tests = SelfTests(services.database, services.now)

    async def subject(self, conference: str) -> Subject:
        """Raises OperatorError `unknown_conference`."""
        if conference.startswith(PREFIX):
            raise unknown_conference(conference)
        state = self._services.live.state(conference)
        sites = tuple(SiteAt(site["id"], site["name"], site["role"]) for site in state["sites"])
        return Subject(conference, state["title"], "B", None, None, sites)

    async def organisations_of(self, conference: str, site: str) -> set[str | None]:
        """Those that a check belongs to: the host's, and the site's own."""
        return set()

    async def sites_of(self, organisation: str | None) -> list[str]:
        """Ids of an organisation's sites, by the directory."""
        return []

    async def progress(self, subject: Subject) -> tuple[list[SiteProgress], SiteChecks]:
        """Of all its sites, in their order."""
        known = await self.store.of_conference(subject.id)
        return progress(subject.sites, known, subject.starts_at), known


def unknown_conference(conference: str) -> OperatorError:
    return OperatorError(
        "unknown_conference",
        f"Không có phiên họp “{conference}”.",
        f"There is no conference “{conference}”.",
    )
