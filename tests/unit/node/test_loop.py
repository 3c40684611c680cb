"""A turn of the event loop that takes long is seen, whole, and once."""

from __future__ import annotations

import asyncio
import time

from mcu_core.node.loop import longest_turn, run_watched


def test_the_longest_turn_is_seen_whole_and_once() -> None:
    async def main() -> tuple[float, float]:
        await asyncio.sleep(0.01)
        time.sleep(0.05)  # noqa: ASYNC251  (what must be seen)
        await asyncio.sleep(0.01)
        return longest_turn(), longest_turn()

    seen, again = run_watched(main())
    assert 0.05 <= seen < 0.5
    assert again == 0.0


def test_waiting_is_no_turn() -> None:
    async def main() -> float:
        await asyncio.sleep(0)
        longest_turn()  # what making the loop took
        await asyncio.sleep(0.3)
        return longest_turn()

    assert run_watched(main()) < 0.15


async def test_a_loop_that_nobody_watches_tells_nothing() -> None:
    assert longest_turn() == 0.0
