"""Errors by who must act.  `signaling` and `control_api` each turn them into codes in one function.

Every error carries a stable `code` (snake_case) and a sentence in Vietnamese and English that says what
was wrong, where, and what to do.
"""

from __future__ import annotations


class McuError(Exception):
    """Base of all expected errors."""

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.vi = vi
        self.en = en


class EndpointError(McuError):
    """The endpoint did something wrong and is told so: a malformed offer, an unknown message."""


class OperatorError(McuError):
    """The operator or administrator must act: a setting, a limit, a command that does not fit."""


class PeerLost(McuError):
    """Nobody's fault: a process, a socket or a site went away."""
