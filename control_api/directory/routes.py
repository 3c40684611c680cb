"""All routes of the directory, gathered from the files that declare them."""

from __future__ import annotations

from control_api.api import Routes
from control_api.directory import equipment_routes, file_routes, people_routes, place_routes, request_routes

routes = Routes("directory")
for _part in (place_routes, people_routes, equipment_routes, request_routes, file_routes):
    routes.routes += _part.routes.routes
