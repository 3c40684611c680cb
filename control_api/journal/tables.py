"""Tables. The journal: append-only, chained by hashes."""

from __future__ import annotations
