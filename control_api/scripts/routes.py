"""Scripts: scenes tied to the agenda, rehearsal, next scene."""

from __future__ import annotations

from control_api.api import Routes

routes = Routes("scripts")
