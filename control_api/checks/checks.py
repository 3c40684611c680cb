"""Technical checks of sites: what routes and gates ask for, gathered once as `services.checks`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from control_api.bookings.booking import Booking
from control_api.bookings.rules import NEWEST_RULES, RuleSet, rules_named
from control_api.checks.progress import Deadline, SiteAt, SiteProgress, deadline, progress
from control_api.checks.rooms import PREFIX, Rooms
from control_api.checks.selftest import SelfTests
from control_api.checks.store import CheckStore, SiteChecks
from control_api.checks.tokens import Tokens
from control_api.directory.directory import SiteFilter
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
    rules: RuleSet = NEWEST_RULES  # of the booking

    @property
    def due(self) -> Deadline | None:
        """When its checks must be done."""
        return None if self.starts_at is None else deadline(self.starts_at, self.rules)

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
        """Sites of the booking first, then those that were added to the live conference by hand.

        Raises OperatorError `unknown_conference`.
        """
        if conference.startswith(PREFIX):
            raise unknown_conference(conference)
        booking = await self._services.bookings.of_conference(conference)
        try:
            live = self._services.live.state(conference)
        except OperatorError:
            if booking is None:
                raise
            live = {"title": booking.title, "sites": ()}
        booked = subject_of(booking) if booking is not None else Subject(conference, live["title"], "B", None, None, ())
        known = {site.id for site in booked.sites}
        added = [site for site in live["sites"] if site["id"] not in known]
        owners = await self._owners([site["id"] for site in added])
        extra = tuple(SiteAt(site["id"], site["name"], site["role"], owners.get(site["id"])) for site in added)
        return replace(booked, sites=booked.sites + extra)

    async def organisations_of(self, conference: str, site: str) -> set[str]:
        """Those that a check belongs to: the host's, and the site's own."""
        booking = await self._services.bookings.of_conference(conference)
        found = set((await self._owners([site])).values())
        return found if booking is None else found | {booking.organisation_id}

    async def sites_of(self, organisation: str) -> list[str]:
        """Ids of an organisation's sites, by the directory."""
        found, _ = await self._services.directory.sites(SiteFilter(organisation=organisation, active=None))
        return [site.id for site in found]

    async def _owners(self, sites: Sequence[str]) -> dict[str, str]:
        """Organisation of each site that the directory knows."""
        if not sites:
            return {}
        found, _ = await self._services.directory.sites(ids=list(sites))
        return {site.id: site.organisation_id for site in found}

    async def progress(self, subject: Subject) -> tuple[list[SiteProgress], SiteChecks]:
        """Of all its sites, in their order."""
        known = await self.store.of_conference(subject.id)
        return progress(subject.sites, known, None if subject.due is None else subject.due.latest), known


def subject_of(booking: Booking) -> Subject:
    sites = (SiteAt(site.site_id, site.name, site.role, site.organisation_id, site.video) for site in booking.sites)
    return Subject(
        booking.conference_id,
        booking.title,
        booking.class_,
        booking.organisation_id,
        booking.starts_at,
        tuple(sites),
        rules_named(booking.rules),
    )


def unknown_conference(conference: str) -> OperatorError:
    return OperatorError(
        "unknown_conference",
        f"Không có phiên họp “{conference}”.",
        f"There is no conference “{conference}”.",
    )
