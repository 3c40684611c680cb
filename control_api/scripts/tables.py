"""Tables. Scripts: scenes tied to the agenda, rehearsal, next scene."""

from __future__ import annotations
