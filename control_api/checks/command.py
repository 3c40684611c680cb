"""`mcu selftest`: asks for a self-test through the database and waits for its report; needs no account."""

from __future__ import annotations

import asyncio
import time

from control_api.checks.selftest import SelfTests
from control_api.live.store import Json
from control_api.settings import load_settings
from control_api.store.database import Database
from mcu_core.errors import PeerLost

_ASK = 1.0


async def ask_and_wait(seconds: float) -> tuple[bool, Json]:
    """Whether all is well, and the report.  Raises PeerLost `self_test_not_taken`, `self_test_not_done`."""
    database = Database(load_settings().database)
    try:
        tests = SelfTests(database, time.time)
        test = (await tests.ask("mcu selftest")).id
        deadline = time.monotonic() + seconds
        while (row := await tests.get(test)).state != "done":
            if time.monotonic() > deadline:
                raise _late(row.state)
            await asyncio.sleep(_ASK)
        return bool(row.good), row.report
    finally:
        await database.close()


def _late(state: str) -> PeerLost:
    if state == "wanted":
        return PeerLost(
            "self_test_not_taken",
            "Máy chủ không nhận yêu cầu tự kiểm tra. Hãy kiểm tra `mcu serve` có đang chạy không.",
            "The server did not take the self-test. See whether `mcu serve` runs.",
        )
    return PeerLost(
        "self_test_not_done",
        "Tự kiểm tra chưa xong. Xem kết quả trong trang quản lý, hoặc chờ lâu hơn bằng --wait.",
        "The self-test is not done yet. See the office page for its result, or wait longer with --wait.",
    )
