"""Organisations, sites, equipment, contacts, assets, maintenance, faults, trained operators."""

from __future__ import annotations

from control_api.api import Routes

routes = Routes("directory")
