"""Idempotency-Key: a request that is repeated under the same key is answered once more, not done once more.

Two layers.  Here: answers of the last minutes in memory, for every changing route, and a second request waits while the
first one is still at work.  In the database: live commands, whose answer is committed with their effect
(`control_api.conferences.store`), so that the promise holds over a `kill -9`.  Answers with secrets (join links) are
only ever kept here.  Bounded: the oldest key is forgotten first.  Owned by the event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from control_api.conferences.store import key_reused
from control_api.problems import Refused

KEY = re.compile(r"[\x21-\x7e]{8,200}")


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer as it went out."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Entry:
    fingerprint: str
    answer: asyncio.Future[Stored]
    at: float


class Repeats:
    """`now` is monotonic."""

    def __init__(self, now: Callable[[], float], *, life: float = 600.0, most: int = 4096) -> None:
        self._now = now
        self._life = life
        self._most = most
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def once(self, key: str, fingerprint: str, do: Callable[[], Awaitable[Stored]]) -> tuple[Stored, bool]:
        """The answer to `key`, and whether it is a repetition.  A failed attempt is forgotten: it may be tried again.

        Raises OperatorError `idempotency_key_reused` when the key came with another request.
        """
        self._forget()
        while (entry := self._entries.get(key)) is not None:
            if entry.fingerprint != fingerprint:
                raise key_reused()
            await asyncio.wait([entry.answer])
            if not entry.answer.cancelled():
                return entry.answer.result(), True
        entry = _Entry(fingerprint, asyncio.get_running_loop().create_future(), self._now())
        self._entries[key] = entry
        try:
            stored = await do()
        except BaseException:
            self._entries.pop(key, None)
            entry.answer.cancel()
            raise
        entry.answer.set_result(stored)
        return stored, False

    def _forget(self) -> None:
        oldest_allowed = self._now() - self._life
        for key, entry in list(self._entries.items()):
            if not entry.answer.done():
                continue
            if entry.at >= oldest_allowed and len(self._entries) < self._most:
                break
            del self._entries[key]


def checked_key(key: str) -> str:
    if not KEY.fullmatch(key):
        raise Refused(
            "bad_idempotency_key",
            "Idempotency-Key phải gồm 8 đến 200 ký tự ASCII, không có dấu cách.",
            "Idempotency-Key must be 8 to 200 ASCII characters without spaces.",
        )
    return key


def fingerprint(method: str, path: str, body: bytes) -> str:
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()[:32]
