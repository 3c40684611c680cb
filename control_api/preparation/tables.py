"""Tables. Preparation of a meeting: room template, duty, checklists, gates, red list."""

from __future__ import annotations
