"""Memory stays flat while sites come and go: what they leave behind in cycles is collected soon."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Iterator

import pytest

from control_api.garbage import IDLE_EVERY, LEFT_MOST, Collector, collect, settle


class Left:
    """What a join leaves: two objects that hold each other."""

    alive = 0

    def __init__(self) -> None:
        self.other = [self]
        Left.alive += 1

    def __del__(self) -> None:
        Left.alive -= 1


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    modules = [[number] for number in range(250_000)]  # as many objects as control has
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    del modules
    gc.unfreeze()
    gc.collect()


def test_what_joins_leave_behind_is_collected_although_the_modules_are_large() -> None:
    settle()
    collector = Collector(0.0)
    present: deque[list[Left]] = deque(maxlen=40)  # sites stay for a while: the young generations have seen them
    most = 0
    for number in range(2_000):
        present.append([Left() for _ in range(10)])
        request = [[number] for number in range(800)]
        del request
        if collector.due(len(present), number, float(number)):
            gc.collect()
        most = max(most, Left.alive)
    assert most < 4_000, "of 20 000 that were left"


def test_the_old_are_not_looked_at_while_sites_join() -> None:
    settle()
    full = gc.get_stats()[2]["collections"]
    sites = [[[number] for number in range(300)] for _ in range(400)]
    assert gc.get_stats()[2]["collections"] == full
    assert len(sites) == 400


def test_a_meeting_is_disturbed_only_when_many_have_left() -> None:
    collector = Collector(0.0)
    assert not collector.due(connected=200, ended=LEFT_MOST - 1, now=50_000.0)
    assert collector.due(connected=200, ended=LEFT_MOST, now=50_001.0)
    assert not collector.due(connected=200, ended=LEFT_MOST + 1, now=50_002.0)
    assert collector.due(connected=0, ended=LEFT_MOST + 1, now=50_003.0), "the last one has left"
    assert not collector.due(connected=0, ended=LEFT_MOST + 1, now=50_003.0 + IDLE_EVERY / 2)
    assert collector.due(connected=0, ended=LEFT_MOST + 1, now=50_003.0 + IDLE_EVERY)


async def test_what_the_last_site_left_behind_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control_api.garbage._LOOK_EVERY", 0.0)
    gc.collect()
    gc.set_threshold(*gc.get_threshold()[:2], 1 << 30)
    left, ended = [Left() for _ in range(10)], 0
    gc.collect(1)
    task = asyncio.create_task(collect([], lambda: ended))
    await asyncio.sleep(0)
    left.clear()
    gc.collect(1)
    assert Left.alive == 10, "they are old"
    ended = 1
    for _ in range(5):
        await asyncio.sleep(0)
    assert Left.alive == 0
    task.cancel()
