"""Tables. Retention, backup."""

from __future__ import annotations
