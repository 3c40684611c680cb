"""Tables. During the meeting: roll call, speaking queue, issues of sites, quality history."""

from __future__ import annotations
