"""Priorities of single threads.  On Linux a nice value belongs to the thread, not to the process (setpriority(2))."""

from __future__ import annotations

import contextlib
import os
import threading


def set_thread_priority(nice: int) -> None:
    """Give the calling thread this nice value, -20 (first) to 19 (last); threads it starts inherit it.

    Without effect where the right is missing (below 0: CAP_SYS_NICE or RLIMIT_NICE) or the system has no such thing.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
