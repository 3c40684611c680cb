"""A booking and its sites as they stand in the database; what a test does not name is ordinary."""

from __future__ import annotations

from typing import Any

from control_api.bookings.rules import HOUR
from control_api.bookings.tables import BookingRow, BookingSite


def booking_row(its_id: str, conference: str, organisation: str, starts_at: float, **values: Any) -> BookingRow:
    """A meeting of two hours, allocated and announced."""
    ordinary: dict[str, Any] = {
        "owner": "lan",
        "title": "Họp giao ban tháng 12",
        "class_": "B",
        "meeting_type": "giao-ban",
        "urgent": False,
        "priority": 0,
        "starts_at": starts_at,
        "ends_at": starts_at + 2 * HOUR,
        "state": "announced",
        "state_at": 0.0,
        "rules": "bn-2025",
        "form": {},
        "parameters": {},
        "sequence": 0,
        "revision": 1,
        "live": "none",
        "live_sites": {},
        "search": "",
        "created_at": 0.0,
    }
    return BookingRow(
        **{**ordinary, **values, "id": its_id, "conference_id": conference, "organisation_id": organisation}
    )


def site_row(booking: str, position: int, site: str, name: str, organisation: str | None, **values: Any) -> BookingSite:
    """The first is the main site."""
    ordinary = {
        "role": "member" if position else "main",
        "place": "",
        "attendees": "",
        "attendee_count": None,
        "video": True,
        "email": None,
    }
    its = {"booking_id": booking, "position": position, "site_id": site, "name": name, "organisation_id": organisation}
    return BookingSite(**{**ordinary, **values, **its})
