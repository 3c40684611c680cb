"""Tables. Security events and what to do about them."""

from __future__ import annotations
