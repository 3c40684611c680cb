"""Bookings: registration, admission by capacity, clocks, notices, series."""

from __future__ import annotations

from control_api.api import Routes

routes = Routes("bookings")
