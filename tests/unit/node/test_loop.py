"""A turn of the event loop that takes long is seen, whole, and once."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter

from mcu_core.node.loop import MOST_SOCKETS, Turns, run_watched, turns


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


def test_many_sockets_at_once_are_served_in_several_turns_and_a_closed_one_not_at_all() -> None:
    served: Counter[int] = Counter()
    at: list[int] = []  # the number of the turn, by socket

    async def main() -> None:
        loop, turn = asyncio.get_running_loop(), 0
        pipes = [os.pipe() for _ in range(3 * MOST_SOCKETS)]

        def read(number: int) -> None:
            served[number] += 1
            at.append(turn)
            loop.remove_reader(pipes[number][0])
            if len(at) == 1:
                loop.remove_reader(pipes[-1 if number == 0 else 0][0])  # one that waits for a later turn

        for number, (end, other) in enumerate(pipes):
            os.write(other, b"x")
            loop.add_reader(end, read, number)
        while len(at) < len(pipes) - 1 and turn < 1000:
            await asyncio.sleep(0)
            turn += 1
        for ends in pipes:
            os.close(ends[0])
            os.close(ends[1])

    run_watched(main())
    assert len(served) == 3 * MOST_SOCKETS - 1
    assert set(served.values()) == {1}
    assert max(Counter(at).values()) <= MOST_SOCKETS


async def test_a_loop_that_nobody_watches_tells_nothing() -> None:
    assert turns() == Turns()
