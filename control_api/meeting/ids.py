"""Ids of what this feature makes: a letter and random hex, or derived from the request that makes it, so that the same
request repeated after a crash finds what the first one made."""

from __future__ import annotations

import hashlib
import secrets


def new_id(letter: str, command_id: str | None = None) -> str:
    if command_id is None:
        return f"{letter}-{secrets.token_hex(6)}"
    return f"{letter}-{hashlib.sha256(f'{letter}/{command_id}'.encode()).hexdigest()[:12]}"
