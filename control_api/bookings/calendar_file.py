"""The calendar entry of a notice: meeting and trial as iTIP messages (RFC 5545, RFC 5546), times of Asia/Ho_Chi_Minh.

A change raises SEQUENCE, a cancellation has METHOD:CANCEL with the same UID, so calendars replace what they have.
"""

from __future__ import annotations

from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress, vText

from control_api.bookings.rules import ZONE
from control_api.bookings.tables import BookingRow

_DOMAIN = "diemcau"


def calendar_of(
    row: BookingRow,
    *,
    place: str,
    text: str,
    sender: str,
    sender_name: str,
    now: float,
    recipient: str = "",
    recipient_name: str = "",
    cancelled: bool = False,
) -> str:
    """The .ics text, for one receiver (or nobody: to be downloaded)."""
    calendar = Calendar()
    calendar.add("prodid", "-//Diem Cau MCU//Lich hop//VI")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if cancelled else "REQUEST" if recipient else "PUBLISH")
    parts = [("", row.title, row.starts_at, row.ends_at)]
    if row.trial_at is not None and row.trial_ends_at is not None:
        parts.append(("-trial", f"Vận hành thử: {row.title}", row.trial_at, row.trial_ends_at))
    for suffix, summary, starts_at, ends_at in parts:
        event = Event()
        event.add("uid", f"{row.id}{suffix}@{_DOMAIN}")
        event.add("sequence", row.sequence)
        event.add("dtstamp", datetime.fromtimestamp(int(now), UTC))
        event.add("dtstart", datetime.fromtimestamp(int(starts_at), ZONE))
        event.add("dtend", datetime.fromtimestamp(int(ends_at), ZONE))
        event.add("summary", summary)
        event.add("location", place)
        event.add("description", text)
        event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
        event.add("priority", 1 if row.urgent else 5)
        event.add("organizer", _person(sender, sender_name))
        if recipient:
            attendee = _person(recipient, recipient_name)
            attendee.params["RSVP"] = vText("TRUE")
            event.add("attendee", attendee)
        calendar.add_component(event)
    calendar.add_missing_timezones()
    return str(calendar.to_ical(), "utf-8")


def _person(address: str, name: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    if name:
        person.params["CN"] = vText(name.replace('"', "'"))
    return person
