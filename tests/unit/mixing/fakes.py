"""A clock that jumps and an executor that runs at once: the mixer's loops without waiting and without threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from mcu_core.mixing.quarantine import Source
from mixer.picture import Picture

P = ParamSpec("P")
T = TypeVar("T")


class FakeClock:
    """Stands still until somebody sleeps or a test moves it."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    async def sleep_until(self, when: float) -> None:
        self._now = max(self._now, when)
        await asyncio.sleep(0)


class AtOnce(Executor):
    """Runs each job in the caller's thread before `submit` returns."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class Later(AtOnce):
    """Keeps jobs until `run_all`, as a pool does whose threads are busy."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], object]] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self.jobs.append(lambda: fn(*args, **kwargs))
        return Future()

    def run_all(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()


class FakePictures:
    """Decoders that have pictures already."""

    def __init__(self, pictures: dict[Source, Picture]) -> None:
        self._pictures = pictures

    def picture(self, source: Source, now: float) -> Picture | None:
        return self._pictures.get(source)

    def begins(self, source: Source, now: float) -> bool:
        return False
