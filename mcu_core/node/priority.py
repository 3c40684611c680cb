"""Priorities of single threads.  On Linux a nice value belongs to the thread, not to the process (setpriority(2)).

It counts among the threads of one session only, where the kernel weighs sessions against each other (autogroup,
sched(7)): so all workers stay in the supervisor's session, each in a process group of its own.
"""

from __future__ import annotations

import contextlib
import os
import threading

SOUND_PRIORITY = -5  # nice value of whatever carries sound, where the process may have it


def set_thread_priority(nice: int, batch: bool = False) -> None:
    """Give the calling thread this nice value, -20 (first) to 19 (last); threads it starts inherit it.

    A `batch` thread computes for milliseconds and does not take the processor from others when it wakes
    (SCHED_BATCH, sched(7)).  Without effect where the right is missing (below 0: CAP_SYS_NICE or RLIMIT_NICE) or
    the system has no such thing.
    """
    if batch:
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
