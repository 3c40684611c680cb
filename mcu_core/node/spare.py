"""The child's half of the spare mixer: warm up, then wait for a name on standard input.

The supervisor writes one JSON line, `{"name": …, "crashed": …}`, when the process is needed; end of file means: never.
Warming up must not disturb the mixers at work, yet a nice value cannot be taken back without privileges.  On Linux it
belongs to the thread, so a thread of its own does the work at the lowest priority and ends.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from mcu_core.node.priority import set_thread_priority


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is started as."""

    name: str
    crashed: bool  # the last one of this name died of a fault in its own code (SIGSEGV and the like)

    def line(self) -> str:
        return json.dumps({"name": self.name, "crashed": self.crashed}) + "\n"

    @classmethod
    def parse(cls, line: str) -> Assignment:
        """Raises ValueError or KeyError on anything but a line made by `line`."""
        message = json.loads(line)
        return cls(str(message["name"]), bool(message["crashed"]))

    @classmethod
    def from_environment(cls) -> Assignment:
        """Raises KeyError when MCU_WORKER_NAME is not set."""
        return cls(os.environ["MCU_WORKER_NAME"], os.environ.get("MCU_WORKER_CRASHED") == "1")


def warm_up_quietly(warm_up: Callable[[], None]) -> None:
    """Run `warm_up` in a thread of the lowest priority and wait for it; its exception is raised here."""
    failed: list[BaseException] = []

    def run() -> None:
        set_thread_priority(19)
        try:
            warm_up()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="warm-up")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def wait_for_assignment(stream: TextIO) -> Assignment | None:
    """Block until the supervisor needs this process; None when it never will."""
    line = stream.readline()
    return Assignment.parse(line) if line.strip() else None
