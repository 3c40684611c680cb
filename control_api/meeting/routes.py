"""During the meeting: roll call, speaking queue, issues of sites, quality history."""

from __future__ import annotations

from control_api.api import Routes
from control_api.meeting import call_routes, floor_routes, issue_routes, quality_routes, rollcall_routes

routes = Routes("meeting")
for part in (rollcall_routes, floor_routes, call_routes, issue_routes, quality_routes):
    routes.routes += part.routes.routes
