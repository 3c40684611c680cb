"""Tables. Minutes, summaries, yearly and usage reports."""

from __future__ import annotations
