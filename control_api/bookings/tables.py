"""Tables. Bookings: registration, admission by capacity, clocks, notices, series."""

from __future__ import annotations
