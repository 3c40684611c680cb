"""Technical checks of sites."""

from __future__ import annotations

from control_api.api import Routes

routes = Routes("checks")
