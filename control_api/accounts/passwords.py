"""Argon2id hashes (RFC 9106), computed in two threads so that a login never holds up the event loop.

At most `most_waiting` hashes wait at a time; more are refused, since each costs 64 MiB and some 50 ms.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from control_api.problems import Refused


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None, *, most_waiting: int = 16) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="passwords")
        self._waiting = 0
        self._most_waiting = most_waiting
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` has the hash `stored`.  With None (no such user) False after the same work."""
        if self._waiting >= self._most_waiting:
            raise Refused(
                "too_many_attempts",
                "Có quá nhiều người đăng nhập cùng lúc. Hãy thử lại sau vài giây.",
                "Too many people are signing in at once. Try again in a few seconds.",
                retry_after=3,
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, stored, password)
        finally:
            self._waiting -= 1

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str | None, password: str) -> bool:
        if self._nobody is None:
            self._nobody = self._hasher.hash("nobody")
        try:
            return self._hasher.verify(stored or self._nobody, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
