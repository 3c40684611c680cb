"""The meeting that is prepared: what the booking says of it, or only the live conference when nobody booked it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from control_api.bookings.booking import Booking
from control_api.bookings.rules import NEWEST_RULES, RuleSet, rules_named
from control_api.live.store import Json
from control_api.services import Services
from mcu_core.errors import OperatorError


@dataclass(frozen=True, slots=True)
class MeetingSite:
    id: str
    name: str
    role: str  # main, member
    organisation: str | None = None
    attendees: int | None = None  # expected
    seats: int | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """Times are Unix seconds; None where there is no booking."""

    conference_id: str
    title: str
    booking_id: str | None = None
    organisation: str | None = None  # the host
    class_: str = "B"
    state: str | None = None  # of the booking
    starts_at: float | None = None
    ends_at: float | None = None
    trial_at: float | None = None
    frozen_at: float | None = None  # since when the parameters stay as they are (S35)
    sites: tuple[MeetingSite, ...] = field(default=())
    rules: RuleSet = NEWEST_RULES  # the booking was received under (S01)

    @property
    def main(self) -> MeetingSite | None:
        return next((site for site in self.sites if site.role == "main"), None)

    def site(self, site_id: str) -> MeetingSite:
        """Raises OperatorError `unknown_site`."""
        for site in self.sites:
            if site.id == site_id:
                return site
        raise OperatorError(
            "unknown_site",
            f"Cuộc họp không có điểm cầu “{site_id}”.",
            f"The meeting has no site “{site_id}”.",
        )


def live_state(services: Services, conference_id: str) -> Json | None:
    """ConferenceState, or None while the conference is not there."""
    try:
        return services.live.state(conference_id)
    except OperatorError as error:
        if error.code != "unknown_conference":
            raise
        return None


async def meeting_of(services: Services, conference_id: str) -> Meeting:
    """Raises OperatorError `unknown_conference` when there is neither a booking nor a live conference."""
    booked = await _booked(services, conference_id)
    if booked is not None:
        return booked
    state = live_state(services, conference_id)
    if state is None:
        raise OperatorError(
            "unknown_conference",
            f"Không có cuộc họp “{conference_id}”.",
            f"There is no meeting “{conference_id}”.",
        )
    sites = tuple(MeetingSite(site["id"], site["name"], site["role"]) for site in state["sites"])
    return Meeting(conference_id, state["title"], sites=sites)


async def _booked(services: Services, conference_id: str) -> Meeting | None:
    booking = await services.bookings.of_conference(conference_id)
    return None if booking is None else of_booking(booking, await _seats(services, booking))


def of_booking(booking: Booking, seats: Mapping[str, int | None]) -> Meeting:
    """What a booking says; `seats` of its sites, by the directory."""
    return Meeting(
        booking.conference_id,
        booking.title,
        booking.id,
        booking.organisation_id,
        booking.class_,
        booking.state.value,
        booking.starts_at,
        booking.ends_at,
        booking.trial_at,
        booking.frozen_at,
        tuple(
            MeetingSite(
                site.site_id, site.name, site.role, site.organisation_id, site.attendee_count, seats.get(site.site_id)
            )
            for site in booking.sites
        ),
        rules_named(booking.rules),
    )


async def _seats(services: Services, booking: Booking) -> dict[str, int | None]:
    ids = [site.site_id for site in booking.sites]
    return {site.id: site.seats for site in (await services.directory.sites(ids=ids))[0]} if ids else {}
