"""Minutes, summaries, yearly and usage reports."""

from __future__ import annotations

from control_api.api import Routes

routes = Routes("reports")
