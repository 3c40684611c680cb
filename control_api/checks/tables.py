"""Tables. Technical checks of sites."""

from __future__ import annotations
