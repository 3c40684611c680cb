"""Memory stays flat while sites come and go: what they leave behind in cycles is collected soon."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator

import pytest

from control_api.garbage import settle


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
    yield
    del modules
    gc.unfreeze()
    gc.collect()


def test_what_joins_leave_behind_is_collected_although_the_modules_are_large() -> None:
    settle()
    present: deque[list[Left]] = deque(maxlen=40)  # sites stay for a while: the young generations have seen them
    most = 0
    for _ in range(2_000):
        present.append([Left() for _ in range(10)])
        request = [[number] for number in range(800)]
        del request
        most = max(most, Left.alive)
    assert most < 4_000, "of 20 000 that were left"
