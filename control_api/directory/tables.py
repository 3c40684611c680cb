"""Tables. Organisations, sites, equipment, contacts, assets, maintenance, faults, trained operators."""

from __future__ import annotations
