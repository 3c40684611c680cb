"""The journal: append-only, chained by hashes."""

from __future__ import annotations

from control_api.api import Routes

routes = Routes("journal")
