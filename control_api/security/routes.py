"""Security events and what to do about them."""

from __future__ import annotations

from control_api.api import Routes

routes = Routes("security")
