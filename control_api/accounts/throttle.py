"""Slows down password guessing: attempts are counted per address and per user, over a moving window.

An attempt counts before the password is checked, so parallel guesses gain nothing.  A user is not locked out by
strangers: from an address where they signed in before, only their own attempts count.  In memory; forgotten at
restart.  The library reads the wall clock itself.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from control_api.problems import Refused

PER_ADDRESS = RateLimitItemPerMinute(30, 5, "login-address")
PER_USER = RateLimitItemPerMinute(8, 5, "login-user")
_MOST_KNOWN = 4096


class _Storage(MemoryStorage):
    """The library's own, but what is cleared stays known until it expires.

    While it looks for what has expired it expects to find every key that it began with, and ends with KeyError.
    """

    async def clear(self, key: str) -> None:
        known = key in self.events
        await super().clear(key)
        if known:
            self.events[key] = []


class LoginThrottle:
    def __init__(
        self, per_address: RateLimitItemPerMinute = PER_ADDRESS, per_user: RateLimitItemPerMinute = PER_USER
    ) -> None:
        self._limiter = MovingWindowRateLimiter(_Storage())
        self._per_address = per_address
        self._per_user = per_user
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def attempt(self, username: str, address: str) -> None:
        """Count an attempt.  Raises Refused `too_many_attempts` with the seconds to wait."""
        for item, key in ((self._per_address, (address,)), (self._per_user, self._user_key(username, address))):
            if not await self._limiter.hit(item, *key):
                stats = await self._limiter.get_window_stats(item, *key)
                raise Refused(
                    "too_many_attempts",
                    "Đăng nhập sai quá nhiều lần. Hãy chờ vài phút rồi thử lại.",
                    "Too many attempts to sign in. Wait a few minutes and try again.",
                    retry_after=max(1.0, stats.reset_time - time.time()),
                )

    async def succeeded(self, username: str, address: str) -> None:
        await self._limiter.clear(self._per_user, *self._user_key(username, address))
        self._known[username, address] = None
        self._known.move_to_end((username, address))
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def _user_key(self, username: str, address: str) -> tuple[str, ...]:
        return (username, address) if (username, address) in self._known else (username,)
