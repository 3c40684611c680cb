"""Join links as the key to a site's own check: no account, one site of one conference, and not too often."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from control_api.conferences.store import SqlConferenceStore
from control_api.problems import Refused

PER_ADDRESS = RateLimitItemPerMinute(600, 5, "check-address")  # an office has one address and many sites behind it
PER_TOKEN = RateLimitItemPerMinute(200, 5, "check-token")
WRONG_PER_ADDRESS = RateLimitItemPerMinute(30, 5, "check-wrong")


@dataclass(frozen=True, slots=True)
class Seat:
    """Whom a join token stands for."""

    token_id: str
    conference: str
    site: str


class Tokens:
    """In memory; forgotten at restart.  `now` is the wall clock."""

    def __init__(self, store: SqlConferenceStore, now: Callable[[], float]) -> None:
        self._store, self._now = store, now
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def seat(self, token: str, address: str) -> Seat:
        """Raises Refused `bad_join_token`, or `too_many_attempts` with the seconds to wait."""
        await self._count(PER_ADDRESS, address)
        if not await self._limiter.test(WRONG_PER_ADDRESS, address):
            raise await self._too_many(WRONG_PER_ADDRESS, address)
        found = await self._store.seat_for_token(token)
        expired = found is not None and found.expires_at is not None and found.expires_at <= self._now()
        if found is None or found.site is None or expired:
            await self._limiter.hit(WRONG_PER_ADDRESS, address)
            raise bad_join_token()
        await self._count(PER_TOKEN, found.id)
        return Seat(found.id, found.conference, found.site)

    async def _count(self, item: RateLimitItemPerMinute, key: str) -> None:
        if not await self._limiter.hit(item, key):
            raise await self._too_many(item, key)

    async def _too_many(self, item: RateLimitItemPerMinute, key: str) -> Refused:
        stats = await self._limiter.get_window_stats(item, key)
        return Refused(
            "too_many_attempts",
            "Gửi yêu cầu kiểm tra quá nhiều lần. Hãy chờ vài phút rồi thử lại.",
            "Too many requests for a check. Wait a few minutes and try again.",
            retry_after=max(1.0, stats.reset_time - time.time()),
        )


def bad_join_token() -> Refused:
    return Refused(
        "bad_join_token",
        "Đường dẫn tham gia không đúng hoặc đã hết hạn. Hãy xin đường dẫn mới từ người vận hành.",
        "The join link is wrong or has expired. Ask the operator for a new one.",
    )
