"""A turn of the event loop that takes long is seen, whole, and once."""

from __future__ import annotations

import asyncio
import time

from mcu_core.node.loop import Turns, run_watched, turns


def test_the_longest_turn_is_seen_whole_and_once() -> None:
    async def main() -> tuple[Turns, Turns]:
        await asyncio.sleep(0.01)
        time.sleep(0.05)  # noqa: ASYNC251  (what must be seen)
        await asyncio.sleep(0.01)
        return turns(), turns()

    seen, again = run_watched(main())
    assert 0.05 <= seen.longest < 0.5
    assert again == Turns()


def test_a_turn_that_waits_uses_no_processor_and_one_that_computes_does() -> None:
    async def main() -> tuple[Turns, Turns]:
        await asyncio.sleep(0)
        turns()  # what making the loop took
        time.sleep(0.05)  # noqa: ASYNC251  (the machine gives us no processor)
        await asyncio.sleep(0)
        waited = turns()
        until = time.thread_time() + 0.03
        while time.thread_time() < until:
            pass
        await asyncio.sleep(0)
        return waited, turns()

    waited, computed = run_watched(main())
    assert waited.longest >= 0.05
    assert waited.busiest < 0.02
    assert 0.03 <= computed.busiest <= computed.longest + 0.001, "two clocks"


def test_waiting_is_no_turn() -> None:
    async def main() -> float:
        await asyncio.sleep(0)
        turns()  # what making the loop took
        await asyncio.sleep(0.3)
        return turns().longest

    assert run_watched(main()) < 0.15


async def test_a_loop_that_nobody_watches_tells_nothing() -> None:
    assert turns() == Turns()
